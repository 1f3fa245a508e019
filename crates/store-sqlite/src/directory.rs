//! Which series a run has, and the folded summaries of them.
//!
//! A series that was defined since the last fold stands in a row of `series`; folding takes it
//! into the run's summary block, which then names all series of the run, those without points
//! too. Ids of series are dense, so the block and the rows after it together are a list.

use std::collections::HashMap;

use runstone_codec::{RunSummaryReader, SummaryRow};
use runstone_model::{Context, MetricName, RunKey, SeriesKey, SeriesKind};
use runstone_store::apply::SeriesId;
use rusqlite::{Connection, Row};

use crate::error::{Result, blob_error, sql_error, value_error};
use crate::keys::{RowRange, run_column};
use crate::rows::{collect, find};
use crate::varint::{Malformed, read_byte, read_text, write_text};
use crate::{sealed, sql};

/// Up to so many series are looked up alone; past it all rows of the block are read.
const FIND_ONE_BY_ONE_MAX: usize = 4;

/// What is true of the folded points of a run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FoldedHead {
    /// Folds so far.
    pub(crate) folds: i64,
    /// Packs that count: those there are of the numbers `[packs_first, packs_next)`; merged ones are gone.
    pub(crate) packs_first: i64,
    pub(crate) packs_next: i64,
    /// Chunks with a lower number count; merged ones are gone.
    pub(crate) chunks_next: i64,
    /// Newest cut or removal that the summaries know.
    pub(crate) change: i64,
    /// Series in the block.
    pub(crate) series: i64,
    /// Folded points, hidden ones included.
    pub(crate) points: i64,
}

/// Reads the head; all zeroes for a run that was never folded.
pub(crate) fn read_head(connection: &Connection, run: RunKey) -> Result<FoldedHead> {
    let head = find(
        connection,
        sql::READ_SUMMARY_HEAD,
        [run_column(run)],
        head_from_row,
    )?;
    Ok(head.unwrap_or_default())
}

fn head_from_row(row: &Row<'_>) -> Result<FoldedHead> {
    let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
    Ok(FoldedHead {
        folds: get(0)?,
        packs_first: get(1)?,
        packs_next: get(2)?,
        chunks_next: get(3)?,
        change: get(4)?,
        series: get(5)?,
        points: get(6)?,
    })
}

/// Head and block of a run, whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folded {
    pub(crate) head: FoldedHead,
    /// Sorted by key.
    pub(crate) rows: Vec<SummaryRow>,
}

/// Reads the head and all rows of the block.
pub(crate) fn read_folded(connection: &Connection, run: RunKey) -> Result<Folded> {
    let found = find(connection, sql::READ_SUMMARY, [run_column(run)], |row| {
        let head = head_from_row(row)?;
        let body = row.get_ref(7).map_err(sql_error)?;
        let body = body
            .as_blob()
            .map_err(|error| value_error("a run summary", error))?;
        let rows = RunSummaryReader::parse(body)
            .and_then(|reader| reader.rows())
            .map_err(|error| blob_error("the summary of run", run_column(run), &error))?;
        Ok(Folded { head, rows })
    })?;
    Ok(found.unwrap_or_default())
}

/// A series and its row in the block, if that knows it.
pub(crate) type FoundSeries = (SeriesId, Option<SummaryRow>);

/// Finds a series and its row in the block, without reading the other rows.
pub(crate) fn find_series(
    connection: &Connection,
    run: RunKey,
    key: &SeriesKey,
) -> Result<Option<FoundSeries>> {
    let folded = find(connection, sql::READ_SUMMARY, [run_column(run)], |row| {
        let body = row.get_ref(7).map_err(sql_error)?;
        let body = body
            .as_blob()
            .map_err(|error| value_error("a run summary", error))?;
        RunSummaryReader::parse(body)
            .and_then(|reader| {
                reader.find(key.name.as_str(), key.context.as_str(), key.kind.as_u8())
            })
            .map_err(|error| blob_error("the summary of run", run_column(run), &error))
    })?;
    if let Some(row) = folded.flatten() {
        return Ok(Some((SeriesId(row.number), Some(row))));
    }
    let added = read_added(connection, run)?;
    Ok(added
        .into_iter()
        .find(|(_, added)| added == key)
        .map(|(id, _)| (id, None)))
}

/// Finds several series as [`find_series`] does, reading the block once.
pub(crate) fn find_all_series(
    connection: &Connection,
    run: RunKey,
    keys: &[&SeriesKey],
) -> Result<Vec<Option<FoundSeries>>> {
    if keys.len() <= FIND_ONE_BY_ONE_MAX {
        return keys
            .iter()
            .map(|key| find_series(connection, run, key))
            .collect();
    }
    let rows = read_folded(connection, run)?.rows;
    let added: HashMap<SeriesKey, SeriesId> = read_added(connection, run)?
        .into_iter()
        .map(|(id, key)| (key, id))
        .collect();
    Ok(keys
        .iter()
        .map(|key| {
            let wanted = (key.name.as_str(), key.context.as_str(), key.kind.as_u8());
            let found = rows.binary_search_by(|row| {
                (row.name.as_str(), row.context.as_str(), row.kind).cmp(&wanted)
            });
            match found {
                Ok(index) => Some((SeriesId(rows[index].number), Some(rows[index].clone()))),
                Err(_) => added.get(*key).map(|id| (*id, None)),
            }
        })
        .collect())
}

/// Series that the block does not know yet.
pub(crate) fn read_added(
    connection: &Connection,
    run: RunKey,
) -> Result<Vec<(SeriesId, SeriesKey)>> {
    let range = RowRange::of(run_column(run));
    let bodies = collect(
        connection,
        sql::SCAN_SERIES,
        (range.first, range.end),
        |row| {
            let id: i64 = row.get(0).map_err(sql_error)?;
            let body = row.get_ref(1).map_err(sql_error)?;
            let body = body
                .as_blob()
                .map_err(|error| value_error("a list of series", error))?;
            decode_series(range.number(id), body)
        },
    )?;
    Ok(bodies.into_iter().flatten().collect())
}

/// All series of a run, by id.
pub(crate) fn read_keys(connection: &Connection, run: RunKey) -> Result<Vec<SeriesKey>> {
    let folded = read_folded(connection, run)?;
    keys_of(&folded, &read_added(connection, run)?)
}

/// All series by id, from the block and what was added to it.
pub(crate) fn keys_of(folded: &Folded, added: &[(SeriesId, SeriesKey)]) -> Result<Vec<SeriesKey>> {
    let mut keys: Vec<Option<SeriesKey>> = vec![None; folded.rows.len() + added.len()];
    let known = folded
        .rows
        .iter()
        .map(|row| Ok((SeriesId(row.number), key_of_row(row)?)));
    for entry in known.chain(added.iter().cloned().map(Ok)) {
        let (id, key) = entry?;
        match keys.get_mut(id.0 as usize) {
            Some(place) => *place = Some(key),
            None => return Err(value_error("the series of a run", "their ids have gaps")),
        }
    }
    keys.into_iter()
        .map(|key| key.ok_or_else(|| value_error("the series of a run", "one is missing")))
        .collect()
}

/// The key that a row of the block is about.
pub(crate) fn key_of_row(row: &SummaryRow) -> Result<SeriesKey> {
    key_from_parts(&row.name, &row.context, row.kind)
        .map_err(|_| value_error("a run summary", format!("series {} has no key", row.number)))
}

/// A row of the block for a series without points.
pub(crate) fn empty_row(id: SeriesId, key: &SeriesKey) -> SummaryRow {
    SummaryRow {
        name: key.name.as_str().to_owned(),
        context: key.context.as_str().to_owned(),
        kind: key.kind.as_u8(),
        value_type: runstone_model::ValueType::F64,
        number: id.0,
        flags: 0,
        place: 0,
        stored_count: 0,
        count: 0,
        nan_count: 0,
        positive_infinity_count: 0,
        negative_infinity_count: 0,
        first: None,
        last: None,
        min: None,
        max: None,
        sum: 0.0,
    }
}

/// Body of a row of `series`: name, context and kind of each, sealed.
pub(crate) fn encode_series<'a>(keys: impl IntoIterator<Item = &'a SeriesKey>) -> Vec<u8> {
    let mut out = sealed::begin();
    for key in keys {
        write_text(&mut out, key.name.as_str());
        write_text(&mut out, key.context.as_str());
        out.push(key.kind.as_u8());
    }
    sealed::seal(out)
}

/// Whether a body of a row of `series` can be read.
pub(crate) fn check_series(body: &[u8]) -> Result<()> {
    decode_series(0, body).map(drop)
}

fn decode_series(first: i64, body: &[u8]) -> Result<Vec<(SeriesId, SeriesKey)>> {
    let decode = || -> Result<Vec<(SeriesId, SeriesKey)>, Malformed> {
        let mut rest = sealed::unseal(body)?;
        let mut series = Vec::new();
        let mut id = u32::try_from(first).map_err(|_| Malformed)?;
        while !rest.is_empty() {
            let name = read_text(&mut rest)?;
            let context = read_text(&mut rest)?;
            let kind = read_byte(&mut rest)?;
            series.push((SeriesId(id), key_from_parts(name, context, kind)?));
            id += 1;
        }
        Ok(series)
    };
    decode().map_err(|error| value_error("a list of series", error))
}

pub(crate) fn key_from_parts(name: &str, context: &str, kind: u8) -> Result<SeriesKey, Malformed> {
    Ok(SeriesKey {
        name: MetricName::new(name).map_err(|_| Malformed)?,
        context: Context::parse(context).map_err(|_| Malformed)?,
        kind: SeriesKind::from_u8(kind).ok_or(Malformed)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_series_comes_back_with_dense_ids() {
        let key = |name: &str, context: &str| SeriesKey {
            name: MetricName::new(name).unwrap(),
            context: Context::parse(context).unwrap(),
            kind: SeriesKind::Metric,
        };
        let keys = [
            key("loss", "{}"),
            key("loss", "{\"subset\":\"train\"}"),
            key("größe", "{}"),
        ];
        let read = decode_series(7, &encode_series(&keys)).unwrap();
        assert_eq!(read.len(), 3);
        for (index, (id, read)) in read.into_iter().enumerate() {
            assert_eq!(id, SeriesId(7 + index as u32));
            assert_eq!(read, keys[index]);
        }
    }

    #[test]
    fn frozen_lists_of_series_are_read_as_ever() {
        let bare = include_bytes!("../../../tests/compat/rows/v1-series.bin");
        let sealed = include_bytes!("../../../tests/compat/rows/v2-series.bin");
        for body in [&bare[..], sealed] {
            let read = decode_series(7, body).unwrap();
            let read: Vec<String> = read
                .iter()
                .map(|(id, key)| format!("{} {} {}", id.0, key.name.as_str(), key.context.as_str()))
                .collect();
            assert_eq!(read, ["7 loss {}", "8 größe {\"subset\":\"train\"}"]);
        }
        let keys = decode_series(0, sealed).unwrap();
        assert_eq!(encode_series(keys.iter().map(|(_, key)| key)), sealed);
    }
}
