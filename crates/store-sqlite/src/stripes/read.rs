//! One column of a band, read from its stripes.

use runstone_codec::{StripeReader, StripeRow, decode_roll};
use runstone_model::ChangeNumber;
use runstone_store::{MetricCell, MetricColumn, StoreError};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::error::{Result, blob_error, sql_error, value_error};
use crate::keys::RowRange;
use crate::rows::find;
use crate::sql;

/// A band as its row says.
pub(super) struct BandRow {
    pub(super) stripes_first: i64,
    pub(super) stripes_next: i64,
    /// Offsets of runs, ascending, each with the newest change that the stripes know.
    pub(super) roll: Vec<(u16, u64)>,
}

impl BandRow {
    pub(super) fn read(connection: &Connection, band: i64) -> Result<Option<Self>> {
        find(connection, sql::READ_BAND, [band], |row| {
            Ok(Self {
                stripes_first: row.get(0).map_err(sql_error)?,
                stripes_next: row.get(1).map_err(sql_error)?,
                roll: decode_roll(blob(row.get_ref(2).map_err(sql_error)?)?)
                    .map_err(|error| blob_error("the roll of band", band, &error))?,
            })
        })
    }

    /// The same; nothing also if it can't be read, as its stripes can be made anew.
    pub(super) fn read_sound(connection: &Connection, band: i64) -> Result<Option<Self>> {
        Self::read(connection, band).or_else(|error| match error {
            StoreError::Corrupt(reason) => {
                tracing::warn!(%reason, "summaries by metric are made anew");
                Ok(None)
            }
            error => Err(error),
        })
    }

    /// Ids of its stripes.
    pub(super) fn range(&self, band: i64) -> (i64, i64) {
        let first = RowRange::of(band).first;
        (first + self.stripes_first, first + self.stripes_next)
    }
}

fn blob(value: ValueRef<'_>) -> Result<&[u8]> {
    value
        .as_blob()
        .map_err(|error| value_error("a stripe", error))
}

/// What the stripes of a band know of one metric.
pub(crate) struct StripedColumn {
    roll: Vec<(u16, u64)>,
    /// By offset of the run.
    cells: Vec<(u16, MetricCell)>,
}

impl StripedColumn {
    /// `None` if the band has no stripes.
    pub(crate) fn read(
        connection: &Connection,
        band: u64,
        column: &MetricColumn,
    ) -> Result<Option<Self>> {
        let band = band.cast_signed();
        let Some(row) = BandRow::read(connection, band)? else {
            return Ok(None);
        };
        let (first, end) = row.range(band);
        let name = column.name.as_str();
        let context = column
            .context
            .as_ref()
            .map_or("", |context| context.as_str());
        let mut rows: Vec<StripeRow> = Vec::new();
        let mut take = |row: &Row<'_>| {
            let id: i64 = row.get(0).map_err(sql_error)?;
            take_column(blob(row.get_ref(1).map_err(sql_error)?)?, column, &mut rows)
                .map_err(|error| blob_error("stripe", id, &error))
        };
        let params = (band, first, end, name, context);
        find(connection, sql::FIND_STRIPE, params, &mut take)?;
        if column.context.is_none() {
            let mut statement = connection
                .prepare_cached(sql::STRIPES_OF_NAME)
                .map_err(sql_error)?;
            let mut found = statement.query(params).map_err(sql_error)?;
            while let Some(row) = found.next().map_err(sql_error)? {
                take(row)?;
            }
            // By context within a run, as they came: the first one counts.
            rows.sort_by_key(|row| row.run);
            rows.dedup_by_key(|row| row.run);
        }
        Ok(Some(Self {
            roll: row.roll,
            cells: rows
                .iter()
                .map(|row| (row.run, cell_from_row(row)))
                .collect(),
        }))
    }

    /// The cell of a run whose newest change is `changed`; `None` if the stripes know another state
    /// of it, or nothing.
    pub(crate) fn find(&self, offset: u16, changed: ChangeNumber) -> Option<Option<MetricCell>> {
        let at = self
            .roll
            .binary_search_by_key(&offset, |(run, _)| *run)
            .ok()?;
        if self.roll[at].1 != changed.0 {
            return None;
        }
        let at = self
            .cells
            .binary_search_by_key(&offset, |(run, _)| *run)
            .ok();
        Some(at.map(|at| self.cells[at].1))
    }
}

/// Appends the rows of a column that a stripe holds, by context.
fn take_column(
    body: &[u8],
    column: &MetricColumn,
    rows: &mut Vec<StripeRow>,
) -> std::result::Result<(), runstone_codec::CodecError> {
    let reader = StripeReader::parse(body)?;
    let wanted: Vec<_> = reader
        .columns()?
        .into_iter()
        .filter(|(name, context, _)| {
            let wanted = column.context.as_ref();
            name == column.name.as_str() && wanted.is_none_or(|wanted| wanted.as_str() == context)
        })
        .collect();
    if !wanted.is_empty() {
        let all = reader.rows()?;
        for (_, _, places) in wanted {
            rows.extend_from_slice(&all[places]);
        }
    }
    Ok(())
}

/// What a row says, as tables read it.
pub(super) fn cell_from_row(row: &StripeRow) -> MetricCell {
    let is_number = row.nan_count < row.count;
    MetricCell {
        value_type: row.value_type,
        count: row.count,
        nan_count: row.nan_count,
        positive_infinity_count: row.positive_infinity_count,
        negative_infinity_count: row.negative_infinity_count,
        first: row.first,
        last: row.last,
        last_step: row.last_step,
        min: is_number.then_some(row.min),
        max: is_number.then_some(row.max),
        sum: row.sum,
    }
}

/// The row of a run for what tables read.
pub(super) fn row_from_cell(run: u16, cell: &MetricCell) -> StripeRow {
    StripeRow {
        run,
        value_type: cell.value_type,
        count: cell.count,
        nan_count: cell.nan_count,
        positive_infinity_count: cell.positive_infinity_count,
        negative_infinity_count: cell.negative_infinity_count,
        first: cell.first,
        last: cell.last,
        last_step: cell.last_step,
        min: cell.min.unwrap_or(0.0),
        max: cell.max.unwrap_or(0.0),
        sum: cell.sum,
    }
}
