//! What kind of file system a folder lies on, and how much room it has.

use std::path::Path;

/// Free bytes for this user; `None` where the system does not tell.
#[cfg(unix)]
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

/// Free bytes for this user; `None` where the system does not tell.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Name of the network file system that a path lies on; `None` for a local one.
#[cfg(target_os = "linux")]
pub(crate) fn network_file_system(path: &Path) -> Option<&'static str> {
    // statfs(2) and the headers of the file systems.
    const NETWORK: [(u32, &str); 9] = [
        (0x6969, "nfs"),
        (0x517B, "smb"),
        (0xFF53_4D42, "cifs"),
        (0xFE53_4D42, "smb2"),
        (0x0102_1997, "9p"),
        (0x00C3_6400, "ceph"),
        (0x0BD0_0BD0, "lustre"),
        (0x4750_4653, "gpfs"),
        (0x5346_414F, "afs"),
    ];
    let stat = rustix::fs::statfs(path).ok()?;
    let kind = stat.f_type as u32;
    NETWORK
        .iter()
        .find(|(magic, _)| *magic == kind)
        .map(|(_, name)| *name)
}

/// Nobody knows.
#[cfg(not(target_os = "linux"))]
pub(crate) fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}
