//! A consistent copy of the data folder, made while frames come in.
//!
//! `Store::back_up` copies the database page by page with SQLite's backup interface, inside one
//! read transaction: the copy is one state, everything that was acknowledged before the call is in
//! it, and the writer never waits. Before the copy gets its name, the blobs that it refers to are handed on. Memory does not grow with the folder. The surprising rule: while
//! a copy is made the log can't be shortened, so it may grow by the size of the database beyond
//! its limit; past that, appends are put off as they are for any reader that stays too long.
//!
//! The copy gets an incarnation of its own: it is another folder that knows of the same writers,
//! and clients must notice when they meet it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use runstone_model::{BlobDigest, ChangeNumber};
use runstone_store::{BackupReport, CopyBlobs, StoreError};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::blobs::digest_column;
use crate::checkpointer::PAGE_BYTES;
use crate::connection::open;
use crate::error::{Result, is_disk_full, sql_error};
use crate::folder::{DATABASE_FILE, database_file};
use crate::queue::WriterShared;
use crate::rows::collect;
use crate::schema::renew_incarnation;
use crate::sequences::read_change;
use crate::sql;

/// Pages that are copied before the store is asked whether it is still open: 2 MiB.
const STEP_PAGES: i32 = 512;
/// The copy goes to the disk after so many steps (64 MiB), so that little waits there at once.
const SYNC_STEPS: u32 = 32;
/// Blobs that are handed on at once.
const BLOBS: i64 = 1_000;

/// Copies the database of `folder` to the folder `target`, which is made or empty.
pub(crate) fn copy_folder(
    shared: &WriterShared,
    folder: &Path,
    target: &Path,
    copy_blobs: &mut CopyBlobs<'_>,
) -> Result<BackupReport> {
    let file_error = |error: io::Error| target_error(target, &error);
    prepare_target(target)?;
    let partial = target.join(format!("{DATABASE_FILE}.partial"));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .map_err(file_error)?;
    let copied = copy_database(shared, &database_file(folder), &partial, &file)
        .and_then(|report| hand_on_blobs(&partial, copy_blobs).map(|()| report));
    let report = match copied {
        Ok(report) => report,
        Err(error) => {
            // Half a copy is none.
            remove_copy(&partial);
            return Err(error);
        }
    };
    file.sync_all().map_err(file_error)?;
    fs::rename(&partial, target.join(DATABASE_FILE)).map_err(file_error)?;
    let sync = |folder: &Path| File::open(folder).and_then(|folder| folder.sync_all());
    sync(target).map_err(file_error)?;
    Ok(report)
}

fn prepare_target(target: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(target) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(target_error(target, &error)),
    }
    let mut entries = fs::read_dir(target).map_err(|error| target_error(target, &error))?;
    if entries.next().is_none() {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "the folder for the copy is not empty: {}\nhint: name a new folder",
        target.display()
    )))
}

fn copy_database(
    shared: &WriterShared,
    database: &Path,
    partial: &Path,
    file: &File,
) -> Result<BackupReport> {
    let source = open(database, 1 << 20)?;
    let bytes = fs::metadata(database).map_or(0, |metadata| metadata.len());
    // Counted before the log is pinned and until it is free again.
    let _room = shared.let_log_grow(bytes);
    source
        .execute_batch("PRAGMA query_only = 1; BEGIN")
        .map_err(sql_error)?;
    // The first read pins the state that is copied.
    let change = read_change(&source)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(partial, flags).map_err(sql_error)?;
    // Nobody reads it before it is whole, and it is synced below.
    copy.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -1024")
        .map_err(sql_error)?;
    let pages = copy_pages(shared, &source, &mut copy, file)?;
    source.execute_batch("ROLLBACK").map_err(sql_error)?;
    renew_incarnation(&copy)?;
    copy.close().map_err(|(_, error)| sql_error(error))?;
    Ok(BackupReport {
        change: ChangeNumber(change.cast_unsigned()),
        bytes: pages * PAGE_BYTES,
    })
}

/// Hands on the blobs that ready references of the copy name. They are read from the copy, whose
/// state is the one that counts.
fn hand_on_blobs(partial: &Path, copy_blobs: &mut CopyBlobs<'_>) -> Result<()> {
    let copy = Connection::open_with_flags(partial, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(sql_error)?;
    let mut after: Option<BlobDigest> = None;
    loop {
        let place = after.as_ref().map_or(&[][..], |digest| digest.as_bytes());
        let digests = collect(&copy, sql::SCAN_READY_BLOBS, (place, BLOBS), |row| {
            digest_column(row, 0)
        })?;
        let Some(last) = digests.last().copied() else {
            break;
        };
        copy_blobs(&digests)?;
        after = Some(last);
    }
    copy.close().map_err(|(_, error)| sql_error(error))
}

/// Copies all pages; answers how many.
fn copy_pages(
    shared: &WriterShared,
    source: &Connection,
    copy: &mut Connection,
    file: &File,
) -> Result<u64> {
    let backup = Backup::new(source, copy).map_err(sql_error)?;
    for step in 1u32.. {
        shared.check_open()?;
        match backup.step(STEP_PAGES).map_err(step_error)? {
            StepResult::Done => break,
            StepResult::More => {}
            other => {
                return Err(StoreError::Unavailable {
                    reason: format!("the database can't be copied now: {other:?}"),
                    retry_after_millis: 1_000,
                });
            }
        }
        if step.is_multiple_of(SYNC_STEPS) {
            file.sync_data()
                .map_err(|error| StoreError::Internal(format!("the copy failed: {error}")))?;
        }
    }
    Ok(u64::try_from(backup.progress().pagecount).unwrap_or(0))
}

/// The disk that is full is that of the copy.
fn step_error(error: rusqlite::Error) -> StoreError {
    if is_disk_full(&error) {
        return StoreError::Unavailable {
            reason: "the disk for the copy is full, hint: make room, or name a folder on another \
                     one"
            .to_owned(),
            retry_after_millis: 5_000,
        };
    }
    sql_error(error)
}

/// Removes what a copy that failed has made, as far as it can be removed.
fn remove_copy(partial: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = partial.as_os_str().to_owned();
        name.push(suffix);
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

fn target_error(target: &Path, error: &io::Error) -> StoreError {
    let text = format!(
        "can't write the copy: {error}: {}\nhint: name a folder that is new, in one that is yours, \
         on a disk with room",
        target.display()
    );
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Unavailable {
            reason: text,
            retry_after_millis: 5_000,
        },
        _ => StoreError::Invalid(text),
    }
}
