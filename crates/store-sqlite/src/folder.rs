//! The data folder: made, checked and locked before the database in it is touched.
//!
//! `SqliteStore::open` calls [`open_folder`], `check` calls [`database_file`]. The surprising rule:
//! a folder that exists keeps the permissions its owner gave it; the database file is 0600 anyway.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use runstone_store::StoreError;

use crate::SqliteOptions;
use crate::error::Result;
use crate::lock::FolderLock;
use crate::os_unix_mount::network_file_system;

/// Name of the database in the folder.
pub(crate) const DATABASE_FILE: &str = "runstone.db";

/// Path of the database.
pub(crate) fn database_file(folder: &Path) -> PathBuf {
    folder.join(DATABASE_FILE)
}

/// Bytes of the write-ahead log on disk, whether or not all of them are in use.
pub(crate) fn log_file_bytes(folder: &Path) -> u64 {
    let log = folder.join(format!("{DATABASE_FILE}-wal"));
    fs::metadata(log).map_or(0, |metadata| metadata.len())
}

/// Makes the folder if there is none, refuses one on a network file system, takes its lock, and
/// makes sure that the database file belongs to its user alone.
pub(crate) fn open_folder(folder: &Path, options: &SqliteOptions) -> Result<FolderLock> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| folder_error("make", folder, &error))?;
    let network =
        network_file_system(folder).map_err(|error| folder_error("look at", folder, &error))?;
    if let Some(name) = network.filter(|_| !options.allow_network_file_system) {
        return Err(StoreError::Invalid(format!(
            "the data folder lies on a network file system ({name}), where a database can be \
             damaged: {}\nhint: give a folder on a local disk with --data, or go on with \
             --allow-network-file-system if this machine alone ever opens it",
            folder.display()
        )));
    }
    let lock = FolderLock::take(folder, (options.clock)())?;
    let database = database_file(folder);
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&database)
    {
        Ok(_) => Ok(lock),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(lock),
        Err(error) => Err(folder_error("write to", folder, &error)),
    }
}

fn folder_error(verb: &str, folder: &Path, error: &std::io::Error) -> StoreError {
    let text = format!(
        "can't {verb} the data folder: {error}: {}\nhint: give another folder with --data, or \
         make this one yours and writable",
        folder.display()
    );
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Unavailable {
            reason: text,
            retry_after_millis: 5_000,
        },
        _ => StoreError::Invalid(text),
    }
}
