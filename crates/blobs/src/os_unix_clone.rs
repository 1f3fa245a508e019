//! Clones of files that share their bytes on disk, where the file system can.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes a durable clone of a file at a path where there is none; `false` where that can't be done.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn clone_file(source: &File, to: &Path) -> io::Result<bool> {
    let clone = File::create_new(to)?;
    match rustix::fs::ioctl_ficlone(&clone, source) {
        Ok(()) => clone.sync_all().map(|()| true),
        Err(_) => {
            drop(clone);
            fs::remove_file(to).map(|()| false)
        }
    }
}

/// Makes a durable clone of a file at a path where there is none; `false` where that can't be done.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn clone_file(_source: &File, _to: &Path) -> io::Result<bool> {
    let _ = fs::metadata;
    Ok(false)
}
