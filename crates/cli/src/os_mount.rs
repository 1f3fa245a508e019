//! How much room the file system of a folder has.

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
