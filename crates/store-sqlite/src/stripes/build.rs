//! Making the stripes of a band: rows are gathered from the summaries of its runs, column range by
//! column range, so that memory stays bounded however many series there are, and written as
//! slices. The surprising rule: new stripes count for nobody until the last slice puts the band's
//! new row; the old ones go after it.

use std::collections::BTreeMap;

use runstone_codec::{
    BAND_RUNS, CodecError, RunSummaryReader, STRIPE_ROWS_MAX, StripeColumn, StripeRow, encode_roll,
    encode_stripe,
};
use runstone_model::{RunKey, SeriesKind};
use runstone_store::{MetricCell, SeriesScan, StoreError};
use rusqlite::Connection;

use super::Striper;
use super::due::{living_runs, newest_change};
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
/// Series of a run that are read at a time where its summary block does not say all.
const SERIES: usize = 1_000;

/// A metric in a context.
type ColumnKey = (String, String);

/// Rows of columns from `from` on, as many as fit.
#[derive(Default)]
struct Pass {
    columns: BTreeMap<String, BTreeMap<String, Vec<StripeRow>>>,
    rows: usize,
    rows_max: usize,
    from: Option<ColumnKey>,
    /// The first column that did not fit.
    until: Option<ColumnKey>,
}

impl Pass {
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
            None => drop(of_name.insert(context.to_owned(), vec![row])),
        }
        self.rows += 1;
        if self.rows > self.rows_max {
            self.make_room();
        }
    }

    /// Drops the last columns, down to half of what fits and one column at least.
    fn make_room(&mut self) {
        while self.rows > self.rows_max / 2 {
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
            self.rows -= rows.len();
            self.until = Some((of_name.key().clone(), context));
            if of_name.get().is_empty() {
                of_name.remove();
            }
        }
    }

    fn add_run(
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
        let mut scan = SeriesScan {
            limit: SERIES,
            ..SeriesScan::default()
        };
        loop {
            let page = pages::scan_metrics(connection, caches, run, &scan)?;
            for record in &page.series {
                if let Some(cell) = MetricCell::new(record.value_type, &record.summary) {
                    let key = &record.key;
                    self.add(
                        key.name.as_str(),
                        key.context.as_str(),
                        row_from_cell(offset, &cell),
                    );
                }
            }
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(()),
            }
        }
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

/// A stripe to be inserted.
struct NewStripe {
    id: i64,
    key: ColumnKey,
    body: Vec<u8>,
}

/// How many metrics of a run have a readable point.
pub(super) fn count_metrics(
    connection: &Connection,
    caches: Caches<'_>,
    run: RunKey,
) -> Result<usize> {
    let mut pass = Pass {
        rows_max: usize::MAX,
        ..Pass::default()
    };
    pass.add_run(connection, caches, 0, run)?;
    Ok(pass.rows)
}

impl Striper {
    /// Makes the stripes of a band; the roll they have then.
    pub(super) fn build(&self, band: i64) -> Result<Vec<(u16, u64)>> {
        let now = (self.clock)();
        let (former, runs) = self.read(|connection, _| {
            let runs = living_runs(connection, band, &self.layout, now)?;
            Ok((BandRow::read(connection, band)?, runs))
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
        let mut from = None;
        loop {
            let pass = self.gather(band, &mut roll, from)?;
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
        Ok(roll)
    }

    /// One pass over the runs of a roll. Those that have changed meanwhile leave it.
    fn gather(
        &self,
        band: i64,
        roll: &mut BTreeMap<u16, u64>,
        from: Option<ColumnKey>,
    ) -> Result<Pass> {
        let mut pass = Pass {
            rows_max: self.layout.striped_rows_max,
            from,
            ..Pass::default()
        };
        let first = band.cast_unsigned() * BAND_RUNS as u64;
        self.read(|connection, caches| {
            let mut gone = Vec::new();
            for (offset, changed) in &*roll {
                let run = RunKey(first + u64::from(*offset));
                if newest_change(connection, run)? == Some(*changed) {
                    pass.add_run(connection, caches, *offset, run)?;
                } else {
                    gone.push(*offset);
                }
            }
            for offset in gone {
                roll.remove(&offset);
            }
            Ok(pass)
        })
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
