//! Cells of a metric: many of a band from its stripes, few from the summaries of their runs.

use runstone_codec::{RunSummaryReader, SummaryRow};
use runstone_model::{RunKey, SeriesKind};
use runstone_store::{MetricCell, MetricColumn, RunStand, SeriesScan, StoreError};
use rusqlite::Connection;

use super::offset_of;
use crate::error::{Result, blob_error, sql_error, value_error};
use crate::keys::{RowRange, run_column};
use crate::pages;
use crate::rows::find;
use crate::sql;
use crate::stripes::StripedColumn;
use crate::summaries::{Caches, summary_of_row};

/// For so many cells of a band its stripe is read: it costs as much as a few runs do.
const STRIPED_MIN: usize = 4;

/// The metric in some runs of a band, by ascending key.
pub(super) fn load(
    connection: &Connection,
    caches: Caches<'_>,
    column: &MetricColumn,
    band: u64,
    runs: &[RunStand],
) -> Result<Vec<Option<MetricCell>>> {
    let striped = if runs.len() < STRIPED_MIN {
        Ok(None)
    } else {
        StripedColumn::read(connection, band, column)
    };
    let striped = striped.or_else(|error| match error {
        // Each run says the same itself.
        StoreError::Corrupt(reason) => {
            tracing::error!(%reason, "summaries by metric can't be read; run `runstone doctor --deep`");
            Ok(None)
        }
        error => Err(error),
    })?;
    let cell = |run: &RunStand| {
        let known = striped
            .as_ref()
            .and_then(|striped| striped.find(offset_of(run.key), run.changed));
        match known {
            Some(cell) => Ok(cell),
            None => read_cell(connection, caches, column, run.key),
        }
    };
    runs.iter().map(cell).collect()
}

/// The metric in one run.
fn read_cell(
    connection: &Connection,
    caches: Caches<'_>,
    column: &MetricColumn,
    run: RunKey,
) -> Result<Option<MetricCell>> {
    if let Some(hidden_at) = folded_and_hidden_at(connection, run)? {
        match find_rows(connection, column, run)? {
            None => return Ok(None),
            Some((known, rows)) if hidden_at <= known => return first_cell(column, &rows),
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
    let record = page.series.first();
    Ok(record.and_then(|record| MetricCell::new(record.value_type, &record.summary)))
}

/// For a run that is folded and shares nothing: its newest cut or removal. If its summary block
/// knows that, it says all.
pub(crate) fn folded_and_hidden_at(connection: &Connection, run: RunKey) -> Result<Option<i64>> {
    let range = RowRange::of(run_column(run));
    let range = (range.first, range.end);
    if find(connection, sql::HAS_L0, range, |_| Ok(()))?.is_some()
        || find(connection, sql::READ_FORK, [run_column(run)], |_| Ok(()))?.is_some()
    {
        return Ok(None);
    }
    let newest = find(connection, sql::NEWEST_HIDING, range, |row| {
        row.get::<_, Option<i64>>(0).map_err(sql_error)
    })?;
    Ok(Some(newest.flatten().unwrap_or(0)))
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
    let row = rows
        .iter()
        .filter(|row| row.kind == SeriesKind::Metric.as_u8() && row.count > 0)
        .find(|row| {
            let context = column.context.as_ref();
            context.is_none_or(|context| context.as_str() == row.context)
        });
    row.map_or(Ok(None), |row| {
        Ok(MetricCell::new(row.value_type, &summary_of_row(row)?))
    })
}
