//! Where the bytes of the database are, by run and kind.
//!
//! Each row is weighed by the lengths of its columns, without reading its blobs. What of a row lies
//! on pages of its own is counted in whole pages, exactly as SQLite splits it. What shares pages
//! with other rows is stretched by one factor, so that the sum is what the file holds: pages are
//! nowhere quite full.

use std::collections::{HashMap, HashSet};

use runstone_model::{RunId, RunKey, Timestamp};
use runstone_store::{RunSpace, SpaceByKind, SpaceReport};
use rusqlite::Connection;

use super::count_pages;
use crate::checkpointer::PAGE_BYTES;
use crate::error::{Result, sql_error, value_error};
use crate::rows::{collect, find};
use crate::sql;

/// Bytes of a row that fit on a page with others.
pub(crate) const LOCAL_BYTES_MAX: u64 = PAGE_BYTES - 35;
/// Bytes that stay there at least of one that does not fit.
pub(crate) const LOCAL_BYTES_MIN: u64 = (PAGE_BYTES - 12) * 32 / 255 - 23;
/// Bytes of a page that holds nothing but the rest of a row.
pub(crate) const OVERFLOW_BYTES: u64 = PAGE_BYTES - 4;

/// Bytes on shared pages, and pages of their own.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    local: u64,
    pages: u64,
}

impl Weight {
    fn add(&mut self, rows: u64, bytes: u64) {
        let (local, pages) = split_row(bytes);
        self.local += rows * local;
        self.pages += rows * pages;
    }

    fn bytes(self, stretch: f64) -> u64 {
        self.pages * PAGE_BYTES + (self.local as f64 * stretch).round() as u64
    }
}

/// How SQLite splits the row of a table: bytes beside other rows, and pages of its own.
pub(crate) fn split_row(bytes: u64) -> (u64, u64) {
    if bytes <= LOCAL_BYTES_MAX {
        return (bytes, 0);
    }
    let local = LOCAL_BYTES_MIN + (bytes - LOCAL_BYTES_MIN) % OVERFLOW_BYTES;
    let local = if local <= LOCAL_BYTES_MAX {
        local
    } else {
        LOCAL_BYTES_MIN
    };
    (local, (bytes - local).div_ceil(OVERFLOW_BYTES))
}

/// The statements, in the order of the fields of [`SpaceByKind`].
const KINDS: [&str; 8] = [
    sql::SPACE_OF_FRAMES,
    sql::SPACE_OF_PACKS,
    sql::SPACE_OF_CHUNKS,
    sql::SPACE_OF_SUMMARIES,
    sql::SPACE_OF_PARAMS,
    sql::SPACE_OF_LOGS,
    sql::SPACE_OF_OBJECTS,
    sql::SPACE_OF_THE_REST,
];

#[derive(Debug, Default)]
struct Weights {
    runs: HashMap<i64, [Weight; 8]>,
    journal: Weight,
    nobody: Weight,
}

/// Weighs everything in one snapshot; the size of the log is left to the caller.
pub(crate) fn read_space(connection: &Connection) -> Result<SpaceReport> {
    let (pages, free) = count_pages(connection)?;
    let mut weights = Weights::default();
    for (kind, statement) in KINDS.iter().enumerate() {
        weigh(connection, statement, |run, rows, bytes| match run {
            Some(run) => weights.runs.entry(run).or_default()[kind].add(rows, bytes),
            None => weights.nobody.add(rows, bytes),
        })?;
    }
    weigh(connection, sql::SPACE_OF_JOURNAL, |_, rows, bytes| {
        weights.journal.add(rows, bytes);
    })?;
    let runs = read_runs(connection, &mut weights)?;
    let purging: HashSet<i64> = collect(connection, sql::RUNS_PURGING, [], |row| {
        row.get(0).map_err(sql_error)
    })?
    .into_iter()
    .collect();
    let trees = collect(connection, sql::COUNT_TREES, [], |row| {
        row.get::<_, i64>(0).map_err(sql_error)
    })?;
    let trees = trees.first().map_or(0, |count| count.cast_unsigned()) + 1;
    let used = pages.saturating_sub(free) * PAGE_BYTES;
    let stretch = stretch(&weights, used.saturating_sub(trees * PAGE_BYTES));
    let by_kind = |weights: &[Weight; 8]| {
        let [
            frames,
            packs,
            chunks,
            summaries,
            params,
            logs,
            objects,
            rest,
        ] = weights.map(|weight| weight.bytes(stretch));
        SpaceByKind {
            frames,
            packs,
            chunks,
            summaries,
            params,
            logs,
            objects,
            rest,
        }
    };
    let mut report = SpaceReport {
        database_bytes: pages * PAGE_BYTES,
        log_bytes: 0,
        reusable_bytes: free * PAGE_BYTES,
        journal_bytes: weights.journal.bytes(stretch),
        ..SpaceReport::default()
    };
    let blob_bytes: HashMap<i64, u64> = collect(connection, sql::BLOB_BYTES_OF_RUNS, [], |row| {
        let bytes: Option<i64> = row.get(1).map_err(sql_error)?;
        let run: i64 = row.get(0).map_err(sql_error)?;
        Ok((run, bytes.unwrap_or(0).cast_unsigned()))
    })?
    .into_iter()
    .collect();
    let referred = find(connection, sql::BLOBS_REFERRED_TO, [], |row| {
        let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
        Ok((get(0)?.cast_unsigned(), get(1)?.cast_unsigned()))
    })?;
    (report.blobs, report.blob_bytes) = referred.unwrap_or_default();
    let mut held = report.journal_bytes;
    for mut run in runs {
        let weights = weights.runs.remove(&run.run.0.cast_signed());
        run.bytes = by_kind(&weights.unwrap_or_default());
        let key = run.run.0.cast_signed();
        run.blob_bytes = blob_bytes.get(&key).copied().unwrap_or(0);
        held += run.bytes.total();
        report.runs.push(run);
    }
    for (run, weights) in &weights.runs {
        if purging.contains(run) {
            report.purging_bytes += by_kind(weights).total();
        }
    }
    report.rest_bytes = used.saturating_sub(held + report.purging_bytes);
    Ok(report)
}

/// Calls `each` with owner, rows and bytes a row.
fn weigh(
    connection: &Connection,
    statement: &str,
    mut each: impl FnMut(Option<i64>, u64, u64),
) -> Result<()> {
    let mut statement = connection.prepare(statement).map_err(sql_error)?;
    let mut rows = statement.query([]).map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        let get = |index: usize| row.get::<_, Option<i64>>(index).map_err(sql_error);
        let count = |index: usize| Ok(get(index)?.unwrap_or(0).cast_unsigned());
        each(get(0)?, count(1)?, count(2)?);
    }
    Ok(())
}

fn read_runs(connection: &Connection, weights: &mut Weights) -> Result<Vec<RunSpace>> {
    collect(connection, sql::SPACE_OF_RUNS, [], |row| {
        let key: i64 = row.get(0).map_err(sql_error)?;
        let id: String = row.get(1).map_err(sql_error)?;
        let id: RunId = id.parse().map_err(|error| value_error("a run", error))?;
        let deleted_at: Option<i64> = row.get(3).map_err(sql_error)?;
        let bytes: i64 = row.get(4).map_err(sql_error)?;
        let [.., rest] = weights.runs.entry(key).or_default();
        rest.add(1, bytes.cast_unsigned());
        Ok(RunSpace {
            run: RunKey(key.cast_unsigned()),
            id,
            experiment_name: row.get(2).map_err(sql_error)?,
            deleted_at: deleted_at.map(Timestamp::from_micros),
            bytes: SpaceByKind::default(),
            blob_bytes: 0,
        })
    })
}

/// By what shared bytes are stretched so that all weigh `used` bytes together.
fn stretch(weights: &Weights, used: u64) -> f64 {
    let all = weights.runs.values().flatten();
    let mut sum = Weight::default();
    for weight in all.chain([&weights.journal, &weights.nobody]) {
        sum.local += weight.local;
        sum.pages += weight.pages;
    }
    let shared = used.saturating_sub(sum.pages * PAGE_BYTES);
    (shared as f64 / sum.local.max(1) as f64).max(1.0)
}

#[cfg(test)]
mod tests;
