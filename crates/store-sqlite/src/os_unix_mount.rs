//! Which kind of file system a folder lies on.
//!
//! `folder.rs` refuses a data folder by it, and the binary's `doctor` asks for the spool too: this
//! is the one list. A database in WAL mode needs shared memory and honest locks between its
//! openers, which network file systems don't promise. The surprising rule: what runs in user space
//! (FUSE) counts as one unless its kind is known to stand on a local disk.
#![allow(unsafe_code, reason = "statfs has no safe form in std")]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Of a FUSE mount only the table of mounts tells the kind.
#[cfg(any(target_os = "linux", target_os = "android"))]
const FUSE: u32 = 0x6573_5546;

/// Magic numbers: statfs(2) and the headers of the file systems.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NETWORK: [(u32, &str); 15] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (FUSE, "FUSE"),
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

/// Kinds of FUSE mounts that stand on a local disk: block devices (NTFS, exFAT), and the root of
/// containers without privileges.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LOCAL_FUSE: [&str; 2] = ["fuseblk", "fuse.fuse-overlayfs"];

/// Name of the network or user-space file system that `folder` lies on; `None` for a local one.
///
/// # Errors
/// When the folder is not there or can't be looked at.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn network_file_system(folder: &Path) -> io::Result<Option<String>> {
    // The magic numbers are 32 bits, whatever the width of the field.
    let magic = statfs(folder)?.f_type as u32;
    let Some((_, name)) = NETWORK.into_iter().find(|(number, _)| *number == magic) else {
        return Ok(None);
    };
    if magic != FUSE {
        return Ok(Some(name.to_owned()));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let device = std::os::unix::fs::MetadataExt::dev(&std::fs::metadata(folder)?);
    let device = (libc::major(device), libc::minor(device));
    Ok(match kind_of_mount(&mounts, device) {
        Some(kind) if LOCAL_FUSE.contains(&kind) => None,
        Some(kind) => Some(kind.to_owned()),
        // Without a table the cautious answer.
        None => Some(name.to_owned()),
    })
}

/// The kind of the mount of a device in the text of `/proc/self/mountinfo`, see proc(5): the third
/// field is the device, the first after ` - ` the kind.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn kind_of_mount(mounts: &str, (major, minor): (u32, u32)) -> Option<&str> {
    let device = format!("{major}:{minor}");
    mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let is_it = mount.split(' ').nth(2) == Some(device.as_str());
        is_it.then(|| kind.split(' ').next()).flatten()
    })
}

/// Elsewhere a mounted volume says itself whether it is local.
///
/// # Errors
/// When the folder is not there or can't be looked at.
#[cfg(target_os = "macos")]
pub fn network_file_system(folder: &Path) -> io::Result<Option<String>> {
    let is_local = statfs(folder)?.f_flags & libc::MNT_LOCAL as u32 != 0;
    Ok((!is_local).then(|| "network file system".to_owned()))
}

fn statfs(folder: &Path) -> io::Result<libc::statfs> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: statfs is a plain C struct of integers, for which all zeroes is a valid value.
    let mut answer: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string and `answer` a statfs, both alive during the call.
    if unsafe { libc::statfs(path.as_ptr(), &raw mut answer) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
41 27 8:17 / /media/my\\040disk rw,nosuid - fuseblk /dev/sdb1 rw,user_id=0
42 27 0:39 / /mnt/far rw,relatime shared:9 master:2 - fuse.sshfs me@far:/data rw,user_id=0
43 27 0:40 / /mnt/deep rw - fuse.rclone remote: rw
44 27 0:39 /sub /srv/bound rw - fuse.sshfs me@far:/data rw";

    #[test]
    fn the_table_of_mounts_tells_the_kind_of_a_device() {
        assert_eq!(kind_of_mount(MOUNTS, (254, 1)), Some("ext4"));
        assert_eq!(kind_of_mount(MOUNTS, (8, 17)), Some("fuseblk"));
        assert_eq!(kind_of_mount(MOUNTS, (0, 39)), Some("fuse.sshfs"));
        assert_eq!(kind_of_mount(MOUNTS, (0, 40)), Some("fuse.rclone"));
        assert_eq!(kind_of_mount(MOUNTS, (0, 4)), None);
        assert_eq!(kind_of_mount("", (0, 39)), None);
        assert_eq!(kind_of_mount("27 1 0:39 / / rw", (0, 39)), None);
    }

    #[test]
    fn a_folder_of_the_system_is_local_and_one_that_is_not_there_an_error() {
        assert_eq!(network_file_system(Path::new("/proc")).unwrap(), None);
        network_file_system(Path::new("/proc/nothing")).unwrap_err();
    }
}
