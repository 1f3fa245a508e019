//! A thorough look at a data folder, for `doctor`.
//!
//! Reads everything: pages and indexes through SQLite's own check, and every blob through its
//! reader. Takes the lock of the folder, so it never looks at a folder that a server works in.

use std::path::Path;

use runstone_codec::{ChunkReader, PackReader, RunSummaryReader, SeriesColumns};
use runstone_store::StoreError;
use rusqlite::Connection;

use crate::connection::open;
use crate::error::{Result, sql_error, value_error, with_path};
use crate::folder::database_file;
use crate::lock::FolderLock;
use crate::rows::collect;
use crate::schema::{SCHEMA_VERSION, check_library, read_version};
use crate::{SqliteOptions, sql};

/// Damages that are listed at most.
const DAMAGES_MAX: usize = 100;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// Version of the schema.
    pub schema_version: u32,
    /// Bytes of the database.
    pub database_bytes: u64,
    /// Frames that are not folded.
    pub frames: u64,
    /// Packs.
    pub packs: u64,
    /// Chunks.
    pub chunks: u64,
    /// Runs with folded points.
    pub summaries: u64,
    /// What is damaged, a sentence each; empty if all is well. At most 100.
    pub damages: Vec<String>,
}

/// Checks a data folder that nobody works in.
///
/// # Errors
/// `NotFound` if there is no database; `Conflict` if a process works in the folder or a newer
/// program wrote it; `Corrupt` if the file is no database at all.
pub fn check(folder: &Path) -> Result<CheckReport, StoreError> {
    check_library()?;
    let database = database_file(folder);
    let Ok(metadata) = std::fs::metadata(&database) else {
        return Err(StoreError::NotFound(format!(
            "there is no database: {}\nhint: `runstone up --data {}` makes one",
            database.display(),
            folder.display()
        )));
    };
    let clock = SqliteOptions::default().clock;
    let _lock = FolderLock::take(folder, clock())?;
    let mut report = CheckReport {
        database_bytes: metadata.len(),
        ..CheckReport::default()
    };
    check_database(&database, &mut report).map_err(|error| with_path(folder, error))?;
    Ok(report)
}

fn check_database(database: &Path, report: &mut CheckReport) -> Result<()> {
    let connection = open(database, 4 << 20)?;
    report.schema_version = read_version(&connection, database)?;
    if report.schema_version > SCHEMA_VERSION {
        return Err(StoreError::Conflict(format!(
            "the data folder has schema version {}, this runstone reads versions up to \
             {SCHEMA_VERSION}: {}\nhint: use the newer runstone that wrote it",
            report.schema_version,
            database.display()
        )));
    }
    let pages = collect(&connection, "PRAGMA quick_check(100)", [], |row| {
        row.get::<_, String>(0).map_err(sql_error)
    });
    match pages {
        Ok(lines) => report
            .damages
            .extend(lines.into_iter().filter(|line| line != "ok")),
        Err(StoreError::Corrupt(reason)) => report.damages.push(reason),
        Err(error) => return Err(error),
    }
    if report.schema_version == 0 {
        return Ok(());
    }
    let readable = |body: &[u8]| PackReader::parse(body).and_then(|reader| reader.validate());
    report.frames = each_blob(&connection, sql::ALL_L0, "frame", report, readable)?;
    report.packs = each_blob(&connection, sql::ALL_PACKS, "pack", report, readable)?;
    let readable = |body: &[u8]| RunSummaryReader::parse(body).and_then(|reader| reader.rows());
    report.summaries = each_blob(
        &connection,
        sql::ALL_SUMMARIES,
        "the summary of run",
        report,
        |body| readable(body).map(drop),
    )?;
    report.chunks = check_chunks(&connection, report)?;
    report.damages.truncate(DAMAGES_MAX);
    Ok(())
}

fn each_blob(
    connection: &Connection,
    statement: &str,
    what: &str,
    report: &mut CheckReport,
    readable: impl Fn(&[u8]) -> std::result::Result<(), runstone_codec::CodecError>,
) -> Result<u64> {
    let mut count = 0;
    let mut statement = connection.prepare(statement).map_err(sql_error)?;
    let mut rows = statement.query([]).map_err(sql_error)?;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(count),
            Err(error) => {
                report.damages.push(format!(
                    "{what} after {count} others can't be read: {error}"
                ));
                return Ok(count);
            }
        };
        count += 1;
        let id: i64 = row.get(0).map_err(sql_error)?;
        let body = row.get_ref(1).map_err(sql_error)?;
        let body = body.as_blob().map_err(|error| value_error(what, error))?;
        if let Err(error) = readable(body) {
            report
                .damages
                .push(format!("{what} {id} can't be read: {error}"));
        }
    }
}

fn check_chunks(connection: &Connection, report: &mut CheckReport) -> Result<u64> {
    let mut count = 0;
    let mut columns = SeriesColumns::default();
    let mut statement = connection.prepare(sql::ALL_CHUNKS).map_err(sql_error)?;
    let mut rows = statement.query([]).map_err(sql_error)?;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(count),
            Err(error) => {
                report
                    .damages
                    .push(format!("chunk after {count} others can't be read: {error}"));
                return Ok(count);
            }
        };
        count += 1;
        let id: i64 = row.get(0).map_err(sql_error)?;
        let blob = |index: usize| -> Result<&[u8]> {
            let blob = row.get_ref(index).map_err(sql_error)?;
            blob.as_blob()
                .map_err(|error| value_error("a chunk", error))
        };
        let outcome = ChunkReader::from_parts(blob(1)?, blob(2)?)
            .and_then(|reader| reader.decode(&mut columns));
        if let Err(error) = outcome {
            report
                .damages
                .push(format!("chunk {id} can't be read: {error}"));
        }
    }
}
