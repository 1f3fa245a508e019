//! Numbers that are given once: changes, leases of blobs, and keys of runs, experiments and
//! writers.
//!
//! They live in memory while frames are applied and are written with their group, so that a group
//! costs one row a kind however many frames it has. A frame that is undone gives its numbers back.

use rusqlite::Connection;

use crate::error::{Result, sql_error};
use crate::rows::{execute, find};
use crate::sql;

/// The last number given of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sequences {
    pub(crate) change: i64,
    pub(crate) run: i64,
    pub(crate) experiment: i64,
    pub(crate) writer: i64,
    pub(crate) blob_lease: i64,
}

impl Sequences {
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        Ok(Self {
            change: read_one(connection, "change")?,
            run: read_one(connection, "run")?,
            experiment: read_one(connection, "experiment")?,
            writer: read_one(connection, "writer")?,
            blob_lease: read_one(connection, "blob_lease")?,
        })
    }

    /// Writes what differs from `former`.
    pub(crate) fn write(&self, connection: &Connection, former: &Self) -> Result<()> {
        for (name, last, before) in [
            ("change", self.change, former.change),
            ("run", self.run, former.run),
            ("experiment", self.experiment, former.experiment),
            ("writer", self.writer, former.writer),
            ("blob_lease", self.blob_lease, former.blob_lease),
        ] {
            if last != before {
                execute(connection, sql::WRITE_SEQUENCE, (name, last))?;
            }
        }
        Ok(())
    }
}

/// The last change, as a snapshot sees it.
pub(crate) fn read_change(connection: &Connection) -> Result<i64> {
    read_one(connection, "change")
}

/// Up to this change the journal is forgotten.
pub(crate) fn read_changes_forgotten(connection: &Connection) -> Result<i64> {
    read_one(connection, "changes_forgotten")
}

/// Kept by the slices that forget, apart from the numbers that frames take.
pub(crate) fn write_changes_forgotten(connection: &Connection, last: i64) -> Result<()> {
    execute(connection, sql::WRITE_SEQUENCE, ("changes_forgotten", last)).map(drop)
}

fn read_one(connection: &Connection, name: &str) -> Result<i64> {
    let last = find(connection, sql::READ_SEQUENCE, [name], |row| {
        row.get(0).map_err(sql_error)
    })?;
    Ok(last.unwrap_or(0))
}
