//! Making the stripes of a band: rows are gathered from the summaries of its runs, column range by
//! column range, so that memory stays bounded however many series there are, and written as
//! slices. The surprising rule: new stripes count for nobody until the last slice puts the band's
//! new row; the old ones go after it.

use std::collections::BTreeMap;

use runstone_codec::{
    CodecError, RunSummaryReader, STRIPE_ROWS_MAX, StripeColumn, StripeRow, encode_roll,
    encode_stripe,
};
use runstone_model::{RunKey, SeriesKind};
use runstone_store::{MetricCell, SeriesScan, StoreError};
use rusqlite::Connection;

use super::Striper;
use super::due::{key_of, living_runs, newest_change};
use super::read::{BandRow, row_from_cell};
use crate::columns::folded_and_hidden_at;
use crate::error::{Result, blob_error, sql_error, value_error};
use crate::keys::{RowRange, run_column};
use crate::pages;
use crate::queue::Slice;
use crate::rows::{execute, find};
use crate::sql;
use crate::summaries::Caches;

/// Past this number a band's stripes begin at 0 again.
const NUMBER_MAX: i64 = 1 << 23;
/// Runs that are read in one snapshot: none is held for long.
const RUNS_AT_ONCE: usize = 64;
/// A column in memory weighs as much as so many rows.
const COLUMN_WEIGHT: usize = 8;

/// A metric in a context.
pub(super) type ColumnKey = (String, String);

/// Rows of columns from `from` on, as many as fit.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) columns: BTreeMap<String, BTreeMap<String, Vec<StripeRow>>>,
    /// Rows, and columns as if they were some.
    weight: usize,
    weight_max: usize,
    from: Option<ColumnKey>,
    /// The first column that did not fit, or is not asked for.
    until: Option<ColumnKey>,
}

impl Pass {
    /// Columns from one to another, all of them whatever they weigh.
    pub(super) fn between(from: Option<ColumnKey>, until: Option<ColumnKey>) -> Self {
        Self {
            weight_max: usize::MAX,
            from,
            until,
            ..Self::default()
        }
    }

    fn add(&mut self, name: &str, context: &str, row: StripeRow) {
        let key = (name, context);
        let is_before = |bound: &ColumnKey| key < (bound.0.as_str(), bound.1.as_str());
        if self.from.as_ref().is_some_and(is_before) || !self.until.as_ref().is_none_or(is_before) {
            return;
        }
        let of_name = match self.columns.get_mut(name) {
            Some(of_name) => of_name,
            None => self.columns.entry(name.to_owned()).or_default(),
        };
        match of_name.get_mut(context) {
            Some(rows) => rows.push(row),
            None => {
                of_name.insert(context.to_owned(), vec![row]);
                self.weight += COLUMN_WEIGHT;
            }
        }
        self.weight += 1;
        if self.weight > self.weight_max {
            self.make_room();
        }
    }

    /// Drops the last columns, down to half of what fits and one column at least.
    fn make_room(&mut self) {
        while self.weight > self.weight_max / 2 {
            let is_last = self.columns.len() == 1;
            let Some(mut of_name) = self.columns.last_entry() else {
                return;
            };
            if is_last && of_name.get().len() == 1 {
                return;
            }
            let Some((context, rows)) = of_name.get_mut().pop_last() else {
                of_name.remove();
                continue;
            };
            self.weight -= rows.len() + COLUMN_WEIGHT;
            self.until = Some((of_name.key().clone(), context));
            if of_name.get().is_empty() {
                of_name.remove();
            }
        }
    }

    /// Takes a run's rows in.
    pub(super) fn add_run(
        &mut self,
        connection: &Connection,
        caches: Caches<'_>,
        offset: u16,
        run: RunKey,
    ) -> Result<()> {
        if let Some(hidden_at) = folded_and_hidden_at(connection, run)? {
            let said = find(
                connection,
                sql::READ_SUMMARY_BODY,
                [run_column(run)],
                |row| {
                    let known: i64 = row.get(0).map_err(sql_error)?;
                    if known < hidden_at {
                        return Ok(false);
                    }
                    let body = row.get_ref(1).map_err(sql_error)?;
                    let body = body
                        .as_blob()
                        .map_err(|error| value_error("a run summary", error))?;
                    let read = RunSummaryReader::parse(body).and_then(|reader| {
                        reader.visit_stripe_rows(
                            SeriesKind::Metric.as_u8(),
                            offset,
                            |name, context, row| {
                                self.add(name, context, row);
                                Ok::<_, CodecError>(())
                            },
                        )
                    });
                    read.map_err(|error| {
                        blob_error("the summary of run", run_column(run), &error)
                    })?;
                    Ok(true)
                },
            )?;
            if said != Some(false) {
                return Ok(());
            }
        }
        let scan = SeriesScan {
            limit: usize::MAX,
            ..SeriesScan::default()
        };
        for record in &pages::scan_metrics(connection, caches, run, &scan)?.series {
            if let Some(cell) = MetricCell::new(record.value_type, &record.summary) {
                let (name, context) = (record.key.name.as_str(), record.key.context.as_str());
                self.add(name, context, row_from_cell(offset, &cell));
            }
        }
        Ok(())
    }

    /// Encodes the columns, as many a stripe as fit.
    fn encode(&self, mut each: impl FnMut(ColumnKey, Vec<u8>) -> Result<()>) -> Result<()> {
        let mut columns: Vec<StripeColumn<'_>> = Vec::new();
        let mut rows_so_far = 0;
        let mut flush = |columns: &mut Vec<StripeColumn<'_>>| {
            let Some(first) = columns.first() else {
                return Ok(());
            };
            let key = (first.name.to_owned(), first.context.to_owned());
            let body = encode_stripe(columns).map_err(|error| {
                StoreError::Internal(format!("a stripe can't be made: {error}"))
            })?;
            columns.clear();
            each(key, body)
        };
        for (name, of_name) in &self.columns {
            for (context, rows) in of_name {
                if rows_so_far + rows.len() > STRIPE_ROWS_MAX {
                    flush(&mut columns)?;
                    rows_so_far = 0;
                }
                rows_so_far += rows.len();
                columns.push(StripeColumn {
                    name,
                    context,
                    rows,
                });
            }
        }
        flush(&mut columns)
    }
}

/// What was made of a band: runs by their offsets, each with its newest change then.
pub(super) struct Made {
    /// Runs that the stripes know.
    pub(super) roll: Vec<(u16, u64)>,
    /// Runs whose summaries can't be read.
    pub(super) unreadable: Vec<(u16, u64)>,
}

/// A stripe to be inserted.
struct NewStripe {
    id: i64,
    key: ColumnKey,
    body: Vec<u8>,
}

impl Striper {
    /// Makes the stripes of a band.
    pub(super) fn build(&self, band: i64) -> Result<Made> {
        let now = (self.clock)();
        let (former, runs) = self.read(|connection, _| {
            let runs = living_runs(connection, band, &self.layout, now)?;
            Ok((BandRow::read_sound(connection, band)?, runs))
        })?;
        let range = RowRange::of(band);
        let (old_first, old_end) = former
            .as_ref()
            .map_or((range.first, range.first), |row| row.range(band));
        self.delete_stripes(range.first, old_first)?;
        self.delete_stripes(old_end, range.end)?;
        let first = former.as_ref().map_or(0, |row| row.stripes_next);
        let first = if first > NUMBER_MAX { 0 } else { first };
        let mut roll: BTreeMap<u16, u64> = runs
            .iter()
            .filter(|run| run.is_at_rest)
            .map(|run| (run.offset, run.changed))
            .collect();
        let mut next = first;
        let (mut from, mut unreadable) = (None, Vec::new());
        loop {
            let pass = self.gather(band, &mut roll, &mut unreadable, from)?;
            next = self.insert(band, next, &pass)?;
            from = pass.until;
            if from.is_none() {
                break;
            }
        }
        let roll: Vec<(u16, u64)> = roll.into_iter().collect();
        let body = encode_roll(&roll)
            .map_err(|error| StoreError::Internal(format!("a roll can't be made: {error}")))?;
        let is_empty = roll.is_empty();
        self.apply(Box::new(move |connection: &mut Connection| {
            execute(connection, sql::DELETE_BAND, [band])?;
            if !is_empty {
                execute(connection, sql::INSERT_BAND, (band, first, next, &body))?;
            }
            Ok(())
        }))?;
        self.delete_stripes(old_first, old_end)?;
        if is_empty {
            self.delete_stripes(range.first, range.end)?;
        }
        Ok(Made { roll, unreadable })
    }

    /// One pass over the runs of a roll. Those that have changed meanwhile leave it, and those that
    /// can't be read.
    fn gather(
        &self,
        band: i64,
        roll: &mut BTreeMap<u16, u64>,
        unreadable: &mut Vec<(u16, u64)>,
        from: Option<ColumnKey>,
    ) -> Result<Pass> {
        let mut pass = Pass {
            weight_max: self.layout.striped_rows_max,
            from,
            ..Pass::default()
        };
        let runs: Vec<(u16, u64)> = roll.iter().map(|(run, changed)| (*run, *changed)).collect();
        for runs in runs.chunks(RUNS_AT_ONCE) {
            self.shared.check_open()?;
            self.read(|connection, caches| {
                for (offset, changed) in runs {
                    let run = key_of(band, *offset);
                    if newest_change(connection, run)? != Some(*changed) {
                        roll.remove(offset);
                        continue;
                    }
                    match pass.add_run(connection, caches, *offset, run) {
                        // Whoever reads its own summary is told.
                        Err(StoreError::Corrupt(_)) => unreadable.extend(roll.remove_entry(offset)),
                        added => added?,
                    }
                }
                Ok(())
            })?;
        }
        Ok(pass)
    }

    /// Inserts the stripes of a pass from number `next` on; the number after them.
    fn insert(&self, band: i64, mut next: i64, pass: &Pass) -> Result<i64> {
        let range = RowRange::of(band);
        let (mut slice, mut bytes) = (Vec::new(), 0);
        pass.encode(|key, body| {
            bytes += body.len();
            slice.push(NewStripe {
                id: range.row(next)?,
                key,
                body,
            });
            next += 1;
            if bytes < self.layout.slice_bytes_max {
                return Ok(());
            }
            bytes = 0;
            self.apply(insert_slice(band, std::mem::take(&mut slice)))
        })?;
        if !slice.is_empty() {
            self.apply(insert_slice(band, slice))?;
        }
        Ok(next)
    }

    /// Deletes stripes by id, `first` inclusive and `end` exclusive, in slices.
    fn delete_stripes(&self, first: i64, end: i64) -> Result<()> {
        let any =
            |connection: &Connection| find(connection, sql::HAS_STRIPES, (first, end), |_| Ok(()));
        while first < end && self.read(|connection, _| any(connection))?.is_some() {
            self.apply(Box::new(move |connection: &mut Connection| {
                execute(connection, sql::DELETE_STRIPES, (first, end)).map(drop)
            }))?;
        }
        Ok(())
    }
}

fn insert_slice(band: i64, stripes: Vec<NewStripe>) -> Slice {
    Box::new(move |connection| {
        stripes.iter().try_for_each(|stripe| {
            let (name, context) = &stripe.key;
            let params = (stripe.id, band, name, context, &stripe.body);
            execute(connection, sql::INSERT_STRIPE, params).map(drop)
        })
    })
}
