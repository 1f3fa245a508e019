//! From errors of SQLite to the kinds of the store.
//!
//! The kinds are instructions: a full disk and a lock held too long may pass, so they are
//! `Unavailable`; bytes that are not what was written are `Corrupt`; all else is `Internal`.

use std::path::Path;

use runstone_codec::CodecError;
use runstone_store::StoreError;
use rusqlite::{ErrorCode, ffi};

/// The result of everything in this crate.
pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;

/// How long a caller should wait after a full disk.
const FULL_DISK_RETRY_MILLIS: u64 = 5_000;

/// How long a caller should wait after a failed sync: until somebody has looked.
pub(crate) const POISON_RETRY_MILLIS: u64 = 30_000;

/// Whether the disk was full: the one failure of a commit after which the store goes on, because
/// nothing was written that could be taken for more than it is.
pub(crate) fn is_disk_full(error: &rusqlite::Error) -> bool {
    // The index of the log grows by 32 KiB for each 16 MiB of log; SQLite has a code of its own
    // for no room there.
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || extended_code(error) == Some(ffi::SQLITE_IOERR_SHMSIZE)
}

fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// How the reason of a failed sync begins.
const SYNC_FAILED: &str = "a sync failed";

/// Whether a sync failed. What it should have made durable may be lost, whatever a later one says.
pub(crate) fn is_failed_sync(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { reason, .. } if reason.starts_with(SYNC_FAILED))
}

/// The kind of an error of SQLite. The path is added where it is known, see [`with_path`].
pub(crate) fn sql_error(error: rusqlite::Error) -> StoreError {
    if is_disk_full(&error) {
        return StoreError::Unavailable {
            reason: "the disk of the data folder is full".to_owned(),
            retry_after_millis: FULL_DISK_RETRY_MILLIS,
        };
    }
    let failed_sync = [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC];
    if extended_code(&error).is_some_and(|code| failed_sync.contains(&code)) {
        return StoreError::Unavailable {
            reason: format!("{SYNC_FAILED}: {error}"),
            retry_after_millis: POISON_RETRY_MILLIS,
        };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt(format!("the database is damaged: {error}"))
        }
        Some(ErrorCode::ReadOnly) => StoreError::Unavailable {
            reason: "the data folder can't be written: it is read-only".to_owned(),
            retry_after_millis: FULL_DISK_RETRY_MILLIS,
        },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unavailable {
            reason: format!("the database is held by another program: {error}"),
            retry_after_millis: 1_000,
        },
        _ => StoreError::Internal(format!("the database failed: {error}")),
    }
}

/// An unreadable blob.
pub(crate) fn blob_error(what: &str, id: i64, error: &CodecError) -> StoreError {
    StoreError::Corrupt(format!("{what} {id} can't be read: {error}"))
}

/// A stored value that the model refuses.
pub(crate) fn value_error(what: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("{what} can't be read: {error}"))
}

/// Adds the folder and the next step to an error that concerns the disk.
pub(crate) fn with_path(folder: &Path, error: StoreError) -> StoreError {
    let folder = folder.display();
    match error {
        StoreError::Corrupt(reason) if !reason.contains("hint: ") => StoreError::Corrupt(format!(
            "{reason}, in {folder}\nhint: stop the server, run `runstone doctor --data {folder}`, \
             and restore a backup if it names lost data"
        )),
        StoreError::Unavailable {
            reason,
            retry_after_millis,
        } if reason.starts_with("the disk") || reason.starts_with("the data folder") => {
            StoreError::Unavailable {
                reason: format!(
                    "{reason}: {folder}\nhint: make room or make it writable; clients keep what \
                     they have and try again"
                ),
                retry_after_millis,
            }
        }
        other => other,
    }
}
