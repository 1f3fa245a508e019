//! Which kind of file system a folder lies on.
//!
//! Called by `folder.rs` only. A database in WAL mode needs shared memory and honest locks between
//! its openers, which network file systems don't promise.
#![allow(unsafe_code, reason = "statfs has no safe form in std")]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Name of the network or user-space file system that `folder` lies on; `None` for a local one.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn network_file_system(folder: &Path) -> io::Result<Option<&'static str>> {
    const KNOWN: [(u32, &str); 15] = [
        (0x0000_6969, "NFS"),
        (0x0000_517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x6573_5546, "FUSE"),
        (0x0102_1997, "9P"),
        (0x5346_414f, "AFS"),
        (0x00c3_6400, "Ceph"),
        (0x0bd0_0bd0, "Lustre"),
        (0x4750_4653, "GPFS"),
        (0x0116_1970, "GFS2"),
        (0x7461_636f, "OCFS2"),
        (0x7375_7245, "Coda"),
        (0x0000_564c, "NCP"),
        (0x786f_4256, "VirtualBox shared folder"),
    ];
    let path = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: statfs is a plain C struct of integers, for which all zeroes is a valid value.
    let mut answer: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `answer` a statfs, both alive during the call.
    if unsafe { libc::statfs(path.as_ptr(), &raw mut answer) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // The magic numbers are 32 bits, whatever the width of the field.
    let magic = answer.f_type as u32;
    Ok(KNOWN
        .into_iter()
        .find(|(number, _)| *number == magic)
        .map(|(_, name)| name))
}

/// Elsewhere a mounted volume says itself whether it is local.
#[cfg(target_os = "macos")]
pub(crate) fn network_file_system(folder: &Path) -> io::Result<Option<&'static str>> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: statfs is a plain C struct of integers, for which all zeroes is a valid value.
    let mut answer: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `answer` a statfs, both alive during the call.
    if unsafe { libc::statfs(path.as_ptr(), &raw mut answer) } == -1 {
        return Err(io::Error::last_os_error());
    }
    let is_local = answer.f_flags & libc::MNT_LOCAL as u32 != 0;
    Ok((!is_local).then_some("network file system"))
}
