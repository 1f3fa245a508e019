//! Connections to the database: one writes, some read, one checkpoints.
//!
//! All settings of SQLite that matter stand here. Readers come from a small pool; each holds one
//! snapshot at a time and gives its connection back when it is dropped.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runstone_store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Result, sql_error};

/// How long a connection waits for a lock that another program holds.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A log that was checkpointed whole is cut to this when it starts over.
const LOG_BYTES_KEPT: u64 = 64 << 20;

/// Opens the connection of the writer thread.
pub(crate) fn open_writer(
    database: &Path,
    cache_bytes: u64,
    vfs: Option<&str>,
) -> Result<Connection> {
    let connection = open_through(database, cache_bytes, vfs)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// What every connection has in common. The journal mode is set apart, see [`use_log`].
pub(crate) fn open(database: &Path, cache_bytes: u64) -> Result<Connection> {
    open_through(database, cache_bytes, None)
}

/// As [`open`], through the named VFS of SQLite if one is named, see [`crate::SqliteOptions::vfs`].
pub(crate) fn open_through(
    database: &Path,
    cache_bytes: u64,
    vfs: Option<&str>,
) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(database, flags, vfs),
        None => Connection::open_with_flags(database, flags),
    }
    .map_err(sql_error)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sql_error)?;
    // Without it a statement that could use a partial index is parsed anew each time it is bound,
    // in case its plan would profit from the values.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(sql_error)?;
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA wal_autocheckpoint = 0; \
             PRAGMA cache_size = -{}; PRAGMA journal_size_limit = {LOG_BYTES_KEPT}; \
             PRAGMA trusted_schema = OFF;",
            (cache_bytes / 1024).max(64)
        ))
        .map_err(sql_error)?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection)
}

/// Turns the write-ahead log on; it stays on in the file.
pub(crate) fn use_log(connection: &Connection) -> Result<()> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(sql_error)?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "the file system can't hold a write-ahead log (journal mode is {mode})\nhint: give a \
         folder on a local disk with --data"
    )))
}

/// Connections for readers.
#[derive(Debug)]
pub(crate) struct ReaderPool {
    database: PathBuf,
    vfs: Option<String>,
    cache_bytes: u64,
    readers_max: usize,
    state: Mutex<PoolState>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct PoolState {
    idle: Vec<Connection>,
    opened: usize,
}

impl ReaderPool {
    pub(crate) fn new(
        database: PathBuf,
        vfs: Option<String>,
        cache_bytes: u64,
        readers_max: usize,
    ) -> Self {
        let readers_max = readers_max.max(2);
        let cache_bytes = cache_bytes / readers_max as u64;
        Self {
            database,
            vfs,
            cache_bytes,
            readers_max,
            state: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// A connection inside a read transaction. Waits while all are in use.
    pub(crate) fn begin(&self) -> Result<Reader<'_>> {
        let reader = Reader {
            pool: self,
            connection: Some(self.take()?),
        };
        // The first read, of the change number, pins the snapshot.
        reader
            .connection()
            .execute_batch("BEGIN")
            .map_err(sql_error)?;
        Ok(reader)
    }

    fn take(&self) -> Result<Connection> {
        let mut state = self.lock();
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(connection);
            }
            if state.opened < self.readers_max {
                state.opened += 1;
                break;
            }
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let vfs = self.vfs.as_deref();
        let opened = open_through(&self.database, self.cache_bytes, vfs).and_then(|connection| {
            connection
                .execute_batch("PRAGMA query_only = 1")
                .map_err(sql_error)?;
            Ok(connection)
        });
        if opened.is_err() {
            self.lock().opened -= 1;
            self.returned.notify_one();
        }
        opened
    }

    fn give(&self, connection: Connection) {
        let is_clean = connection.execute_batch("ROLLBACK").is_ok() || connection.is_autocommit();
        let mut state = self.lock();
        if is_clean {
            state.idle.push(connection);
        } else {
            state.opened -= 1;
        }
        drop(state);
        self.returned.notify_one();
    }

    /// Closes the connections that nobody uses.
    pub(crate) fn close_idle(&self) {
        let mut state = self.lock();
        state.opened -= state.idle.len();
        state.idle.clear();
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that reads; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pool: &'a ReaderPool,
    connection: Option<Connection>,
}

impl Reader<'_> {
    pub(crate) fn connection(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("it is taken out only when the reader is dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.give(connection);
        }
    }
}
