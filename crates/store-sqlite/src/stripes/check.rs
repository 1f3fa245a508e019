//! The part of the deep check that holds stripes to the summaries of runs.

use std::collections::{BTreeMap, BTreeSet};

use runstone_codec::{StripeReader, StripeRow};
use runstone_store::{MetricCell, StoreError};
use rusqlite::Connection;

use super::build::{ColumnKey, Pass};
use super::due::{key_of, newest_change};
use super::read::{BandRow, cell_from_row};
use crate::deep::DeepReport;
use crate::error::{Result, sql_error};
use crate::fork::ForkCache;
use crate::rows::collect;
use crate::sql;
use crate::summaries::{Caches, UnfoldedCache};

/// Stripes that are compared at a time, of 1,024 rows at most.
const STRIPES_AT_ONCE: usize = 128;
const STRIPES_ARE_WRONG: &str = "points and summaries of the runs are right, and tables of runs may \
    not be; delete the rows of the tables `band` and `stripe` with the server stopped, it makes \
    them anew";

/// Reads every stripe and compares what counts with the runs it speaks of.
pub(crate) fn check_stripes(connection: &Connection, report: &mut DeepReport) -> Result<()> {
    let bands = collect(connection, sql::ALL_BANDS, [], |row| {
        row.get::<_, i64>(0).map_err(sql_error)
    })?;
    for band in bands {
        match check_band(connection, band, report) {
            Err(StoreError::Corrupt(reason)) => report.push(reason, STRIPES_ARE_WRONG),
            done => done?,
        }
    }
    Ok(())
}

fn check_band(connection: &Connection, band: i64, report: &mut DeepReport) -> Result<()> {
    let Some(row) = BandRow::read(connection, band)? else {
        return Ok(());
    };
    // Runs that the stripes know as they are.
    let mut runs = BTreeSet::new();
    for (offset, changed) in &row.roll {
        if newest_change(connection, key_of(band, *offset))? == Some(*changed) {
            runs.insert(*offset);
        }
    }
    let (first, end) = row.range(band);
    let mut batch = Batch::default();
    let mut stripes = 0;
    let mut statement = connection
        .prepare(sql::STRIPES_OF_BAND)
        .map_err(sql_error)?;
    let mut rows = statement.query([first, end]).map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        stripes += 1;
        let id: i64 = row.get(0).map_err(sql_error)?;
        let text = |column: usize| row.get::<_, String>(column).map_err(sql_error);
        let key = (text(1)?, text(2)?);
        let body: Vec<u8> = row.get(3).map_err(sql_error)?;
        if batch.stripes >= STRIPES_AT_ONCE {
            let next = std::mem::take(&mut batch);
            let next = next.compare(connection, band, &runs, Some(key.clone()), report)?;
            batch.from = next;
        }
        match read_columns(&body) {
            Ok(columns) => batch.add(id, &key, columns, report),
            Err(error) => {
                report.push(format!("stripe {id}: {error}"), STRIPES_ARE_WRONG);
                batch.is_damaged = true;
            }
        }
    }
    if stripes != end - first {
        let missing = end - first - stripes;
        report.push(
            format!("stripes of band {band} are missing: {missing}"),
            STRIPES_ARE_WRONG,
        );
    }
    batch
        .compare(connection, band, &runs, None, report)
        .map(drop)
}

/// Stripes that are compared at a time, so that each run is read once for all of them.
#[derive(Default)]
struct Batch {
    /// Where they begin, but for the first ones of a band.
    from: Option<ColumnKey>,
    stripes: usize,
    /// One of them can't be read: what is missing was told.
    is_damaged: bool,
    columns: BTreeMap<String, BTreeMap<String, Vec<StripeRow>>>,
}

impl Batch {
    fn add(&mut self, id: i64, key: &ColumnKey, columns: Vec<NamedRows>, report: &mut DeepReport) {
        self.stripes += 1;
        let begins = columns.first().map(|(name, context, _)| (name, context));
        if begins != Some((&key.0, &key.1)) {
            report.push(
                format!("stripe {id} is not what its row says"),
                STRIPES_ARE_WRONG,
            );
        }
        for (name, context, rows) in columns {
            self.columns
                .entry(name)
                .or_default()
                .entry(context)
                .or_default()
                .extend(rows);
        }
    }

    /// Compares them with what the runs say of columns before `until`; where the next ones begin.
    fn compare(
        self,
        connection: &Connection,
        band: i64,
        runs: &BTreeSet<u16>,
        until: Option<ColumnKey>,
        report: &mut DeepReport,
    ) -> Result<Option<ColumnKey>> {
        let (unfolded, forks) = (UnfoldedCache::default(), ForkCache::default());
        let caches = Caches {
            unfolded: &unfolded,
            forks: &forks,
        };
        let mut wanted = Pass::between(self.from.clone(), until.clone());
        let mut readable = BTreeSet::new();
        for offset in runs {
            match wanted.add_run(connection, caches, *offset, key_of(band, *offset)) {
                // Named by the check of summaries.
                Err(StoreError::Corrupt(_)) => {}
                added => {
                    added?;
                    readable.insert(*offset);
                }
            }
        }
        let given = flatten(&self.columns, &readable);
        let wanted = flatten(&wanted.columns, &readable);
        for (key, cell) in &given {
            if !wanted.get(key).is_some_and(|wanted| agree(cell, wanted)) {
                report.push(
                    told(band, key, Some(cell), wanted.get(key)),
                    STRIPES_ARE_WRONG,
                );
            }
        }
        for (key, cell) in wanted.iter().filter(|(key, _)| !given.contains_key(*key)) {
            if !self.is_damaged {
                report.push(told(band, key, None, Some(cell)), STRIPES_ARE_WRONG);
            }
        }
        Ok(until)
    }
}

type CellKey<'a> = (&'a str, &'a str, u16);

fn told(
    band: i64,
    (name, context, offset): &CellKey<'_>,
    given: Option<&MetricCell>,
    wanted: Option<&MetricCell>,
) -> String {
    let run = key_of(band, *offset);
    format!("stripes say {given:?} of {name} {context} in run {run}, its summary {wanted:?}")
}

/// Cells of some runs, by column and run.
fn flatten<'a>(
    columns: &'a BTreeMap<String, BTreeMap<String, Vec<StripeRow>>>,
    runs: &BTreeSet<u16>,
) -> BTreeMap<CellKey<'a>, MetricCell> {
    let of_names = columns.iter().flat_map(|(name, contexts)| {
        contexts
            .iter()
            .map(move |(context, rows)| (name, context, rows))
    });
    of_names
        .flat_map(|(name, context, rows)| {
            rows.iter().map(move |row| {
                (
                    (name.as_str(), context.as_str(), row.run),
                    cell_from_row(row),
                )
            })
        })
        .filter(|((_, _, run), _)| runs.contains(run))
        .collect()
}

/// Whether two cells say the same. Sums may differ by rounding: they are added up in another order.
fn agree(given: &MetricCell, wanted: &MetricCell) -> bool {
    let greatest = [given.min, given.max]
        .into_iter()
        .flatten()
        .map(f64::abs)
        .fold(0.0, f64::max);
    let apart = (given.sum - wanted.sum).abs();
    let sums_agree = given.sum.to_bits() == wanted.sum.to_bits()
        || apart <= 1e-9 * greatest * given.count as f64
        || !apart.is_finite();
    // Text tells NaN from NaN as equal.
    let shown = |cell: &MetricCell| format!("{:?}", MetricCell { sum: 0.0, ..*cell });
    sums_agree && shown(given) == shown(wanted)
}

type NamedRows = (String, String, Vec<StripeRow>);

fn read_columns(body: &[u8]) -> std::result::Result<Vec<NamedRows>, runstone_codec::CodecError> {
    let reader = StripeReader::parse(body)?;
    let rows = reader.rows()?;
    let columns = reader.columns()?.into_iter();
    Ok(columns
        .map(|(name, context, places)| (name, context, rows[places].to_vec()))
        .collect())
}
