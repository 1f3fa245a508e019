//! What was under way when a process was killed, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use super::child::{FOLD, Log, RECLAIM};

/// Each must be met.
const ALL: [&str; 11] = [
    "opening",
    "append",
    "delete",
    "undelete",
    "purge",
    "edit",
    "fold",
    "fold half written",
    "rows of a purge half deleted",
    "gc",
    "vacuum",
];

/// Packs and chunks of folds that did not end.
pub(super) fn count_half_folded(data: &Path) -> i64 {
    let connection = Connection::open(data.join("runstone.db")).unwrap();
    let statement = "SELECT (SELECT count(*) FROM pack p LEFT JOIN run_summary s \
             ON s.run = p.id >> 24 WHERE p.id & 16777215 >= coalesce(s.packs_next, 0) \
             AND p.id >> 24 NOT IN (SELECT run FROM purge)) \
         + (SELECT count(*) FROM chunk c LEFT JOIN run_summary s ON s.run = c.run \
             WHERE c.number >= coalesce(s.chunks_next, 0) \
             AND c.run NOT IN (SELECT run FROM purge))";
    connection
        .query_row(statement, [], |row| row.get(0))
        .unwrap_or_default()
}

/// Kills by phase.
#[derive(Debug, Default)]
pub(super) struct Phases(BTreeMap<&'static str, u64>);

impl Phases {
    pub(super) fn count(&mut self, phase: &'static str) {
        *self.0.entry(phase).or_default() += 1;
    }

    /// What the threads of the store and the one that maintains it were at, by their notes and by
    /// what they left in the folder.
    pub(super) fn count_maintenance(&mut self, data: &Path, log: &Log) {
        if !log.was_open() {
            self.count("opening");
        }
        match log.maintenance() {
            Some(FOLD) => self.count("fold"),
            Some(RECLAIM) => self.count("gc"),
            _ => {}
        }
        let Ok(connection) = Connection::open(data.join("runstone.db")) else {
            return;
        };
        let ask = |sql: &str| -> i64 {
            connection
                .query_row(sql, [], |row| row.get(0))
                .unwrap_or_default()
        };
        let purging = ask("SELECT count(*) FROM purge");
        if purging > 0 {
            self.count("rows of a purge half deleted");
        }
        if log.maintenance() == Some(RECLAIM) && purging == 0 && ask("PRAGMA freelist_count") > 0 {
            self.count("vacuum");
        }
        drop(connection);
        if count_half_folded(data) > 0 {
            self.count("fold half written");
        }
    }

    /// Phases in which nothing was killed.
    pub(super) fn never_met(&self) -> Vec<&'static str> {
        let is_new = |phase: &&str| !self.0.contains_key(phase);
        ALL.into_iter().filter(is_new).collect()
    }
}

impl fmt::Display for Phases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in ALL {
            let kills = self.0.get(phase).copied().unwrap_or(0);
            writeln!(formatter, "{kills:>8}  {phase}")?;
        }
        Ok(())
    }
}
