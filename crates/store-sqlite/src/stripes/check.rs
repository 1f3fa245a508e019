//! The part of the deep check that holds stripes to the summaries of runs.

use std::collections::HashMap;

use runstone_codec::{BAND_RUNS, StripeReader, StripeRow};
use runstone_model::{Context, MetricName, RunKey};
use runstone_store::{MetricCell, MetricColumn, StoreError};
use rusqlite::Connection;

use super::build::count_metrics;
use super::due::newest_change;
use super::read::{BandRow, cell_from_row};
use crate::columns::read_cell;
use crate::deep::DeepReport;
use crate::error::{Result, sql_error, value_error};
use crate::fork::ForkCache;
use crate::rows::collect;
use crate::sql;
use crate::summaries::{Caches, UnfoldedCache};

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
    let (unfolded, forks) = (UnfoldedCache::default(), ForkCache::default());
    let caches = Caches {
        unfolded: &unfolded,
        forks: &forks,
    };
    let key_of = |offset: u16| RunKey(band.cast_unsigned() * BAND_RUNS as u64 + u64::from(offset));
    // Metrics that the stripes have of each run that they know as it is.
    let mut found: HashMap<u16, usize> = HashMap::new();
    for (offset, changed) in &row.roll {
        if newest_change(connection, key_of(*offset))? == Some(*changed) {
            found.insert(*offset, 0);
        }
    }
    let (first, end) = row.range(band);
    let mut stripes = 0;
    let mut statement = connection
        .prepare(sql::STRIPES_OF_BAND)
        .map_err(sql_error)?;
    let mut rows = statement.query([first, end]).map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        stripes += 1;
        let text = |column: usize| row.get::<_, String>(column).map_err(sql_error);
        let id: i64 = row.get(0).map_err(sql_error)?;
        let body: Vec<u8> = row.get(3).map_err(sql_error)?;
        let columns = match read_columns(&body) {
            Ok(columns) => columns,
            Err(error) => {
                report.push(format!("stripe {id}: {error}"), STRIPES_ARE_WRONG);
                continue;
            }
        };
        let begins = columns
            .first()
            .map(|(name, context, _)| (name.clone(), context.clone()));
        if begins != Some((text(1)?, text(2)?)) {
            report.push(
                format!("stripe {id} is not what its row says"),
                STRIPES_ARE_WRONG,
            );
        }
        for (name, context, rows) in columns {
            let column = MetricColumn {
                name: name
                    .parse::<MetricName>()
                    .map_err(|error| value_error("a stripe", error))?,
                context: Some(
                    Context::parse(&context).map_err(|error| value_error("a stripe", error))?,
                ),
            };
            for row in rows {
                let Some(count) = found.get_mut(&row.run) else {
                    continue;
                };
                *count += 1;
                let run = key_of(row.run);
                let wanted = match read_cell(connection, caches, &column, run) {
                    // Named by the check of summaries.
                    Err(StoreError::Corrupt(_)) => continue,
                    read => read?,
                };
                let given = cell_from_row(&row);
                if !agree(&given, wanted.as_ref()) {
                    report.push(
                        format!("stripe {id} says {given:?} of {name} in run {run}, its summary {wanted:?}"),
                        STRIPES_ARE_WRONG,
                    );
                }
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
    for (offset, count) in found {
        let run = key_of(offset);
        let wanted = match count_metrics(connection, caches, run) {
            Err(StoreError::Corrupt(_)) => continue,
            counted => counted?,
        };
        if count != wanted {
            report.push(
                format!("the stripes have {count} metrics of run {run}, its summary {wanted}"),
                STRIPES_ARE_WRONG,
            );
        }
    }
    Ok(())
}

/// Whether two cells say the same. Sums may differ by rounding: they are added up in another order.
fn agree(given: &MetricCell, wanted: Option<&MetricCell>) -> bool {
    let Some(wanted) = wanted else {
        return false;
    };
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
