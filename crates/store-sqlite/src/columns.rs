//! Metrics as columns of a table of runs, with a bounded cache of what was read.
//!
//! A table that people look at asks for the same columns after every change, of runs of which few
//! have changed. A cell is kept with the `changed` number of its run and is good as long as that
//! number stays: every frame that can move it moves the number. A run that was folded and was not
//! written since is answered from its summary block alone, without reading its other series.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runstone_codec::{RunSummaryReader, SummaryRow};
use runstone_model::{ChangeNumber, RunKey, SeriesKind};
use runstone_store::{MetricCell, MetricColumn, RunStand, SeriesScan};
use rusqlite::Connection;

use crate::error::{Result, blob_error, sql_error, value_error};
use crate::keys::{RowRange, run_column};
use crate::pages;
use crate::rows::find;
use crate::sql;
use crate::summaries::{Caches, summary_of_row};

/// Bytes of all cells together, about.
const CACHE_BYTES_MAX: usize = 32 << 20;
/// Bytes of one cell with its place in the table, about.
const CELL_BYTES: usize = 2 * size_of::<(RunKey, KeptCell)>();

/// A cell and the state of its run that it was read in.
#[derive(Debug, Clone, Copy)]
struct KeptCell {
    changed: ChangeNumber,
    cell: Option<MetricCell>,
}

/// Cells that were read, by column. Columns go whole, those that were not asked for longest first.
#[derive(Debug, Default)]
pub(crate) struct ColumnCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    columns: HashMap<MetricColumn, KeptColumn>,
    /// Counts questions.
    tick: u64,
}

#[derive(Debug, Default)]
struct KeptColumn {
    cells: HashMap<RunKey, KeptCell>,
    used: u64,
}

impl ColumnCache {
    /// One cell for each run, in the order given.
    pub(crate) fn read(
        &self,
        connection: &Connection,
        caches: Caches<'_>,
        column: &MetricColumn,
        runs: &[RunStand],
    ) -> Result<Vec<Option<MetricCell>>> {
        let known = self.find(column, runs);
        let mut fresh = Vec::new();
        let mut cells = Vec::with_capacity(runs.len());
        for (run, known) in runs.iter().zip(known) {
            let cell = match known {
                Some(cell) => cell,
                None => {
                    let cell = read_cell(connection, caches, column, run.key)?;
                    fresh.push((*run, cell));
                    cell
                }
            };
            cells.push(cell);
        }
        if !fresh.is_empty() {
            self.keep(column, &fresh);
        }
        Ok(cells)
    }

    fn find(&self, column: &MetricColumn, runs: &[RunStand]) -> Vec<Option<Option<MetricCell>>> {
        let mut kept = self.lock();
        kept.tick += 1;
        let tick = kept.tick;
        let Some(known) = kept.columns.get_mut(column) else {
            return vec![None; runs.len()];
        };
        known.used = tick;
        let cell = |run: &RunStand| {
            let cell = known.cells.get(&run.key)?;
            (cell.changed == run.changed).then_some(cell.cell)
        };
        runs.iter().map(cell).collect()
    }

    fn keep(&self, column: &MetricColumn, fresh: &[(RunStand, Option<MetricCell>)]) {
        let cells_max = CACHE_BYTES_MAX / CELL_BYTES;
        let mut kept = self.lock();
        let tick = kept.tick;
        let own = kept.columns.entry(column.clone()).or_default();
        own.used = tick;
        for (run, cell) in fresh {
            let place = own.cells.entry(run.key).or_insert(KeptCell {
                changed: run.changed,
                cell: *cell,
            });
            // A reader of an older snapshot does not undo what a newer one has read.
            if place.changed < run.changed {
                *place = KeptCell {
                    changed: run.changed,
                    cell: *cell,
                };
            }
        }
        while kept.cells() > cells_max {
            let oldest = kept.columns.iter().min_by_key(|(_, column)| column.used);
            let Some(oldest) = oldest.map(|(column, _)| column.clone()) else {
                break;
            };
            kept.columns.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn cells(&self) -> usize {
        self.columns.values().map(|column| column.cells.len()).sum()
    }
}

/// The metric in one run.
fn read_cell(
    connection: &Connection,
    caches: Caches<'_>,
    column: &MetricColumn,
    run: RunKey,
) -> Result<Option<MetricCell>> {
    let range = RowRange::of(run_column(run));
    let range = (range.first, range.end);
    let is_plain = find(connection, sql::HAS_L0, range, |_| Ok(()))?.is_none()
        && find(connection, sql::READ_FORK, [run_column(run)], |_| Ok(()))?.is_none();
    if is_plain {
        let hidden_at: Option<i64> = find(connection, sql::NEWEST_HIDING, range, |row| {
            row.get(0).map_err(sql_error)
        })?;
        let rows = find_rows(connection, column, run)?;
        match rows {
            None => return Ok(None),
            Some((known, rows)) if hidden_at.unwrap_or(0) <= known => {
                return first_cell(column, &rows);
            }
            Some(_) => {}
        }
    }
    let scan = SeriesScan {
        name: Some(column.name.clone()),
        context: column.context.clone(),
        after: None,
        limit: 1,
    };
    let page = pages::scan_metrics(connection, caches, run, &scan)?;
    Ok(page.series.first().map(|record| MetricCell {
        value_type: record.value_type,
        summary: record.summary,
    }))
}

/// Rows of the block with the name of the column, and the newest change that they know of.
fn find_rows(
    connection: &Connection,
    column: &MetricColumn,
    run: RunKey,
) -> Result<Option<(i64, Vec<SummaryRow>)>> {
    find(
        connection,
        sql::READ_SUMMARY_BODY,
        [run_column(run)],
        |row| {
            let change = row.get(0).map_err(sql_error)?;
            let body = row.get_ref(1).map_err(sql_error)?;
            let body = body
                .as_blob()
                .map_err(|error| value_error("a run summary", error))?;
            let rows = RunSummaryReader::parse(body)
                .and_then(|reader| reader.find_name(column.name.as_str()))
                .map_err(|error| blob_error("the summary of run", run_column(run), &error))?;
            Ok((change, rows))
        },
    )
}

fn first_cell(column: &MetricColumn, rows: &[SummaryRow]) -> Result<Option<MetricCell>> {
    rows.iter()
        .filter(|row| row.kind == SeriesKind::Metric.as_u8() && row.count > 0)
        .find(|row| {
            let context = column.context.as_ref();
            context.is_none_or(|context| context.as_str() == row.context)
        })
        .map(|row| {
            Ok(MetricCell {
                value_type: row.value_type,
                summary: summary_of_row(row)?,
            })
        })
        .transpose()
}
