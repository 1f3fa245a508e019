//! The lock file of a data folder: who works in it, since when, and at which address.
//!
//! `folder.rs` takes the lock at open and holds it until the store is dropped. Anybody may read
//! the file, also while it is locked: a command that finds the folder in use asks the address.
//! The lock is what counts; what the file says of a holder who is gone is ignored.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use runstone_model::Timestamp;
use runstone_store::StoreError;

use crate::error::Result;
use crate::os_unix_lock::{is_locked, try_lock_exclusive, unlock};

/// Name of the lock file in the folder.
pub(crate) const LOCK_FILE: &str = "runstone.lock";

/// Who holds a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// Its process.
    pub pid: u32,
    /// When it opened the folder.
    pub started_at: Timestamp,
    /// Where it listens, `host:port`; `None` if it does not (yet).
    pub address: Option<String>,
}

/// Who holds `folder` at the moment; `None` if nobody does or there is no such folder.
///
/// # Errors
/// `Internal` if the lock file can't be read.
pub fn read_lock_holder(folder: &Path) -> Result<Option<LockHolder>, StoreError> {
    let path = folder.join(LOCK_FILE);
    let failed = |error: std::io::Error| {
        StoreError::Internal(format!(
            "can't read the lock file: {error}: {}",
            path.display()
        ))
    };
    let mut file = match OpenOptions::new().read(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !is_locked(&file).map_err(failed)? {
        return Ok(None);
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(Some(parse(&text)))
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
    holder: LockHolder,
}

impl FolderLock {
    /// Takes the lock of an existing folder.
    pub(crate) fn take(folder: &Path, started_at: Timestamp) -> Result<Self> {
        let path = folder.join(LOCK_FILE);
        let failed = |error: std::io::Error| {
            let what = match error.kind() {
                std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                    "the data folder can't be written"
                }
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    "the disk of the data folder is full"
                }
                _ => "can't take the lock of the data folder",
            };
            StoreError::Invalid(format!(
                "{what}: {error}: {}\nhint: give another folder with --data, or make this one \
                 writable for you",
                folder.display()
            ))
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        if !try_lock_exclusive(&file).map_err(failed)? {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let holder = parse(&text);
            let address = holder
                .address
                .map_or_else(String::new, |at| format!(" at {at}"));
            return Err(StoreError::Conflict(format!(
                "the data folder is in use by process {}{address}: {}\nhint: ask that server, \
                 stop it, or give another folder with --data",
                holder.pid,
                folder.display()
            )));
        }
        let holder = LockHolder {
            pid: std::process::id(),
            started_at,
            address: None,
        };
        let mut lock = Self { file, holder };
        lock.write().map_err(failed)?;
        Ok(lock)
    }

    /// Notes where the holder listens.
    pub(crate) fn set_address(&mut self, address: &str) -> Result<()> {
        self.holder.address = Some(address.to_owned());
        self.write().map_err(|error| {
            StoreError::Internal(format!("can't note the address in the lock file: {error}"))
        })
    }

    fn write(&mut self) -> std::io::Result<()> {
        let LockHolder {
            pid,
            started_at,
            address,
        } = &self.holder;
        let text = format!(
            "pid {pid}\nstarted_at_micros {}\naddress {}\n",
            started_at.as_micros(),
            address.as_deref().unwrap_or_default()
        );
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for FolderLock {
    /// Closing the file is not enough: a child that was just forked has it open until its program
    /// begins.
    fn drop(&mut self) {
        // It goes with the process in any case.
        let _ = unlock(&self.file);
    }
}

/// Reads what a holder wrote; a file caught half-written gives pid 0.
fn parse(text: &str) -> LockHolder {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .unwrap_or_default()
    };
    LockHolder {
        pid: field("pid").parse().unwrap_or(0),
        started_at: Timestamp::from_micros(field("started_at_micros").parse().unwrap_or(0)),
        address: Some(field("address").to_owned()).filter(|address| !address.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opener_learns_who_holds_the_folder_and_where_it_listens() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_lock_holder(folder.path()).unwrap(), None);
        let mut lock = FolderLock::take(folder.path(), Timestamp::from_micros(7)).unwrap();
        lock.set_address("127.0.0.1:53800").unwrap();
        let holder = read_lock_holder(folder.path()).unwrap().unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(holder.started_at, Timestamp::from_micros(7));
        let error = FolderLock::take(folder.path(), Timestamp::from_micros(8)).unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)));
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:53800") && text.contains(&holder.pid.to_string()));
        drop(lock);
        assert_eq!(read_lock_holder(folder.path()).unwrap(), None);
        FolderLock::take(folder.path(), Timestamp::from_micros(9)).unwrap();
    }

    #[test]
    fn a_child_that_was_just_forked_does_not_hold_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path(), Timestamp::from_micros(7)).unwrap();
        // As a fork has it.
        let of_child = lock.file.try_clone().unwrap();
        drop(lock);
        assert_eq!(read_lock_holder(folder.path()).unwrap(), None);
        FolderLock::take(folder.path(), Timestamp::from_micros(9)).unwrap();
        drop(of_child);
    }
}
