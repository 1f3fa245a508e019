//! Versions of the schema: creation, checks and migrations.
//!
//! `SqliteStore::open` calls [`prepare_schema`] once, with the folder's lock held. The version
//! stands in the header of the database file (`user_version`), so that an older program can read
//! it, whatever else has changed. The surprising rule: nothing is migrated before a copy of the
//! whole database lies beside it.

use std::path::{Path, PathBuf};

use runstone_model::{StoreIdentity, Timestamp};
use runstone_store::StoreError;
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Result, sql_error, value_error};
use crate::sql;

/// The version that this program writes.
pub const SCHEMA_VERSION: u32 = 5;
/// SQLite older than this loses data when a log is reset.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// "RUNS" in the header of the database file.
const APPLICATION_ID: i32 = 0x5255_4e53;

/// A step from the version before to `version`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// The version after it.
    pub(crate) version: u32,
    /// What to execute.
    pub(crate) sql: &'static str,
}

/// All steps, by version; the first makes an empty database into version 1.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sql: sql::SCHEMA_V1,
    },
    Migration {
        version: 2,
        sql: sql::SCHEMA_V2,
    },
    Migration {
        version: 3,
        sql: sql::SCHEMA_V3,
    },
    Migration {
        version: 4,
        sql: sql::SCHEMA_V4,
    },
    Migration {
        version: 5,
        sql: sql::SCHEMA_V5,
    },
];

/// Refuses a library that can damage a database.
pub(crate) fn check_library() -> Result<()> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(StoreError::Internal(format!(
            "SQLite {} can damage a database, 3.51.3 or newer is needed\nhint: build runstone \
             with its bundled SQLite",
            rusqlite::version()
        )));
    }
    Ok(())
}

/// Brings the database to the newest version of `migrations` and answers its identity.
pub(crate) fn prepare_schema(
    connection: &mut Connection,
    database: &Path,
    migrations: &[Migration],
    now: Timestamp,
) -> Result<StoreIdentity> {
    let newest = migrations.last().map_or(0, |migration| migration.version);
    let found = read_version(connection, database)?;
    if found > newest {
        return Err(StoreError::Conflict(format!(
            "the data folder has schema version {found}, this runstone reads versions up to \
             {newest}: {}\nhint: use the newer runstone that wrote it, or restore the copy it \
             made before it migrated ({}.before-v{})",
            database.display(),
            database.display(),
            newest + 1
        )));
    }
    if found == 0 {
        prepare_empty(connection)?;
    } else if found < newest {
        let copy = copy_before(connection, database, newest)?;
        tracing::info!(from = found, to = newest, copy = %copy.display(), "migrating the data folder");
    }
    for migration in migrations
        .iter()
        .filter(|migration| migration.version > found)
    {
        migrate(connection, migration, now)?;
    }
    read_identity(connection)
}

/// Version of the schema; 0 for an empty database.
pub(crate) fn read_version(connection: &Connection, database: &Path) -> Result<u32> {
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(sql_error)
    };
    let version = pragma("user_version")?;
    let application = pragma("application_id")?;
    let is_empty = version == 0 && pragma("page_count")? == 0;
    if !is_empty && version != 0 && application != i64::from(APPLICATION_ID) {
        return Err(StoreError::Invalid(format!(
            "this is a database of another program: {}\nhint: give another folder with --data",
            database.display()
        )));
    }
    u32::try_from(version).map_err(|error| value_error("the schema version", error))
}

/// What must be chosen before the first table exists.
fn prepare_empty(connection: &Connection) -> Result<()> {
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; \
             PRAGMA application_id = {APPLICATION_ID};"
        ))
        .map_err(sql_error)
}

/// Copies the database beside itself, so that the program that wrote it can still read it.
fn copy_before(connection: &Connection, database: &Path, version: u32) -> Result<PathBuf> {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".before-v{version}"));
    let copy = PathBuf::from(name);
    let mut partial = copy.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    // Whatever a former try left.
    let _ = std::fs::remove_file(&partial);
    connection
        .execute("VACUUM INTO ?1", [partial.to_string_lossy()])
        .map_err(sql_error)?;
    let keep = || -> std::io::Result<()> {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&partial, permissions)?;
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, &copy)?;
        database
            .parent()
            .map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
    };
    keep().map_err(|error| {
        StoreError::Internal(format!(
            "can't keep a copy of the database before migrating it: {error}: {}",
            copy.display()
        ))
    })?;
    Ok(copy)
}

fn migrate(connection: &mut Connection, migration: &Migration, now: Timestamp) -> Result<()> {
    let transaction = connection.transaction().map_err(sql_error)?;
    transaction
        .execute_batch(migration.sql)
        .map_err(sql_error)?;
    if migration.version == 1 {
        write_identity(&transaction, now)?;
    }
    transaction
        .pragma_update(None, "user_version", migration.version)
        .map_err(sql_error)?;
    transaction.commit().map_err(sql_error)
}

fn write_identity(connection: &Connection, now: Timestamp) -> Result<()> {
    let mut random = [0u8; 32];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Internal(format!("there is no randomness: {error}")))?;
    let mut insert = connection.prepare(sql::INSERT_META).map_err(sql_error)?;
    insert
        .execute(("store", &random[..16]))
        .map_err(sql_error)?;
    insert
        .execute(("incarnation", &random[16..]))
        .map_err(sql_error)?;
    insert
        .execute(("created_at", now.as_micros().to_be_bytes()))
        .map_err(sql_error)?;
    Ok(())
}

/// Gives a copy of a folder an incarnation of its own.
pub(crate) fn renew_incarnation(connection: &Connection) -> Result<()> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Internal(format!("there is no randomness: {error}")))?;
    let updated = connection
        .execute(sql::UPDATE_META, ("incarnation", &random[..]))
        .map_err(sql_error)?;
    if updated == 1 {
        return Ok(());
    }
    Err(StoreError::Corrupt(
        "the database has no incarnation id".to_owned(),
    ))
}

fn read_identity(connection: &Connection) -> Result<StoreIdentity> {
    let read = |name: &str| -> Result<[u8; 16]> {
        connection
            .query_row(sql::READ_META, [name], |row| row.get::<_, [u8; 16]>(0))
            .optional()
            .map_err(sql_error)?
            .ok_or_else(|| StoreError::Corrupt(format!("the database has no {name} id")))
    };
    Ok(StoreIdentity {
        store: read("store")?,
        incarnation: read("incarnation")?,
    })
}

#[cfg(test)]
mod tests;
