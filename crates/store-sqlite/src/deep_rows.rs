//! The part of the deep check that holds rows to each other: what a row says of its body, and
//! the series of a run to the numbers that its writers know them by.
//!
//! Called by `deep.rs` with the folder's lock held. The surprising rule: what can't be read here is
//! passed over, because the readers of bodies in `check.rs` and `deep.rs` have named it already.

use std::collections::{BTreeSet, HashSet};

use runstone_codec::{ChunkHead, PackReader, RunSummaryReader};
use runstone_model::RunKey;
use rusqlite::{Connection, Row};

use crate::bindings::read_bindings;
use crate::deep::{DeepReport, RUN_IS_HURT};
use crate::directory::read_keys;
use crate::error::{Result, sql_error};
use crate::rows::collect;
use crate::sql;

/// Whether a row says the truth about its body; `None` if that can't be read.
type Agrees = fn(&Row<'_>) -> Option<bool>;

/// Compares rows with their bodies, and bindings with series.
pub(crate) fn check_rows_against_bodies(
    connection: &Connection,
    report: &mut DeepReport,
) -> Result<()> {
    let tables: [(&str, &str, Agrees); 4] = [
        (sql::FRAMES_WITH_BODIES, "frame", frame_agrees),
        (sql::PACKS_WITH_BODIES, "pack", pack_agrees),
        (sql::CHUNKS_WITH_HEADS, "chunk", chunk_agrees),
        (
            sql::SUMMARIES_WITH_BODIES,
            "the summary of run",
            summary_agrees,
        ),
    ];
    for (statement, what, agrees) in tables {
        let mut statement = connection.prepare(statement).map_err(sql_error)?;
        let mut rows = statement.query([]).map_err(sql_error)?;
        // A page that can't be read was named by the check of pages.
        while let Ok(Some(row)) = rows.next() {
            if agrees(row) == Some(false) {
                let id: i64 = row.get(0).map_err(sql_error)?;
                report.push(format!("{what} {id} is not what its row says"), RUN_IS_HURT);
            }
        }
    }
    check_series_of_runs(connection, report)
}

fn number(row: &Row<'_>, column: usize) -> Option<u64> {
    let number: i64 = row.get(column).ok()?;
    u64::try_from(number).ok()
}

fn frame_agrees(row: &Row<'_>) -> Option<bool> {
    let body = row.get_ref(2).ok()?;
    let reader = PackReader::parse(body.as_blob().ok()?).ok()?;
    Some(number(row, 1) == Some(reader.point_count() as u64))
}

fn pack_agrees(row: &Row<'_>) -> Option<bool> {
    let body = row.get_ref(4).ok()?;
    let reader = PackReader::parse(body.as_blob().ok()?).ok()?;
    let mut series = reader.series().map(|entry| u64::from(entry.number));
    let first = series.next();
    let last = series.last().or(first);
    Some(
        number(row, 1) == Some(reader.point_count() as u64)
            && number(row, 2) == first
            && number(row, 3) == last,
    )
}

fn chunk_agrees(row: &Row<'_>) -> Option<bool> {
    let head = row.get_ref(4).ok()?;
    let head = ChunkHead::parse(head.as_blob().ok()?).ok()?;
    let blocks = || head.blocks.iter().filter(|block| block.count > 0);
    let first = blocks().map(|block| block.min_step).min_by(f64::total_cmp);
    let last = blocks().map(|block| block.max_step).max_by(f64::total_cmp);
    let step = |column: usize| row.get::<_, f64>(column).ok();
    Some(number(row, 1) == Some(head.count as u64) && step(2) == first && step(3) == last)
}

fn summary_agrees(row: &Row<'_>) -> Option<bool> {
    let body = row.get_ref(3).ok()?;
    let reader = RunSummaryReader::parse(body.as_blob().ok()?).ok()?;
    let rows = reader.rows().ok()?;
    let points = rows.iter().map(|row| row.stored_count).sum();
    Some(number(row, 1) == Some(rows.len() as u64) && number(row, 2) == Some(points))
}

/// Every series of a run is known to a writer by a number, each number stands for a series that is
/// there, and no two series have one key.
fn check_series_of_runs(connection: &Connection, report: &mut DeepReport) -> Result<()> {
    let runs = collect(connection, sql::ALL_RUN_KEYS, [], |row| {
        let run: i64 = row.get(0).map_err(sql_error)?;
        let is_root: bool = row.get(1).map_err(sql_error)?;
        Ok((run, is_root))
    });
    // As above.
    for (run, is_root) in runs.unwrap_or_default() {
        let Ok(keys) = read_keys(connection, RunKey(run.cast_unsigned())) else {
            continue;
        };
        let mut bound = BTreeSet::new();
        let writers = collect(connection, sql::WRITERS_OF_RUN, [run], |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?;
        let mut all_read = true;
        for writer in writers {
            match read_bindings(connection, writer) {
                Ok((bindings, _)) => {
                    bound.extend(bindings.values().map(|binding| binding.series.0 as usize));
                }
                Err(_) => all_read = false,
            }
        }
        if let Some(gone) = bound.range(keys.len()..).next() {
            report.push(
                format!(
                    "run {run} has {} series and writers of series {gone}",
                    keys.len()
                ),
                RUN_IS_HURT,
            );
        }
        let unbound = (0..keys.len()).find(|series| !bound.contains(series));
        // A fork has series of its parent, which its writers may never have named.
        if let Some(series) = unbound.filter(|_| all_read && is_root) {
            report.push(
                format!("no writer of run {run} has a number for series {series}"),
                RUN_IS_HURT,
            );
        }
        let different: HashSet<_> = keys.iter().collect();
        if different.len() < keys.len() {
            report.push(format!("run {run} has a series twice"), RUN_IS_HURT);
        }
    }
    Ok(())
}
