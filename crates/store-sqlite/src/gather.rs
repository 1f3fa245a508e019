//! All points of one series, from wherever they lie: chunks, packs and unfolded frames.
//!
//! Pages of points, recomputed summaries and the questions of `apply` start here. Packs and frames
//! are bounded by folding and read whole; chunks are read only as far as the asked steps reach.

use std::collections::{BTreeSet, HashMap};

use runstone_codec::{ChunkReader, PackReader, SeriesColumns, SummaryRow};
use runstone_model::{RunKey, ValueType};
use runstone_store::apply::SeriesId;
use runstone_store::{FrameOrder, PointColumns};
use rusqlite::Connection;

use crate::directory::FoldedHead;
use crate::error::{Result, blob_error, sql_error, value_error};
use crate::frames::{FrameWalk, WriterBindings, scan_frames};
use crate::keys::{RowRange, run_column};
use crate::rows::{collect, find};
use crate::sql;

/// Folded points carry their own order.
pub(crate) const OWN_ORDER: FrameOrder = FrameOrder {
    generation: 0,
    append: 0,
    first_position: 0,
};

/// Type a series reads as, when points of `other` are added.
pub(crate) fn unify(one: Option<ValueType>, other: ValueType) -> Result<ValueType> {
    one.map_or(Ok(other), |one| one.unify(other))
        .map_err(|error| value_error("the points of a series", error))
}

/// The type of the folded points that a row of the block is about; `None` without points.
pub(crate) fn folded_type(row: Option<&SummaryRow>) -> Option<ValueType> {
    row.filter(|row| row.stored_count > 0)
        .map(|row| row.value_type)
}

/// A chunk, not yet read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkPlace {
    pub(crate) id: i64,
    pub(crate) first_step: f64,
}

/// Chunks of a series that hold steps from `from` to `to`, by their first step.
pub(crate) fn find_chunks(
    connection: &Connection,
    run: RunKey,
    series: SeriesId,
    head: &FoldedHead,
    (from, to): (f64, f64),
) -> Result<Vec<ChunkPlace>> {
    // SQLite keeps infinities; a finite bound serves every engine.
    let params = (
        run_column(run),
        series.0,
        head.chunks_next,
        from.max(f64::MIN),
        to.min(f64::MAX),
    );
    collect(connection, sql::SCAN_CHUNK_HEADS, params, |row| {
        Ok(ChunkPlace {
            id: row.get(0).map_err(sql_error)?,
            first_step: row.get(2).map_err(sql_error)?,
        })
    })
}

/// Reads a chunk and adds its points.
pub(crate) fn read_chunk(
    connection: &Connection,
    id: i64,
    reads_as: ValueType,
    columns: &mut SeriesColumns,
    points: &mut PointColumns,
) -> Result<()> {
    find(connection, sql::READ_CHUNK, [id], |row| {
        let head = row.get_ref(0).map_err(sql_error)?;
        let head = head
            .as_blob()
            .map_err(|error| value_error("a chunk", error))?;
        let data = row.get_ref(1).map_err(sql_error)?;
        let data = data
            .as_blob()
            .map_err(|error| value_error("a chunk", error))?;
        let unreadable = |error: runstone_codec::CodecError| blob_error("chunk", id, &error);
        let reader = ChunkReader::from_parts(head, data).map_err(unreadable)?;
        reader.decode(columns).map_err(unreadable)?;
        points.extend(columns, 0.0, reader.head().value_type, reads_as, OWN_ORDER);
        Ok(())
    })?
    .ok_or_else(|| value_error("a series", format!("its chunk {id} is missing")))
}

/// Hands on the points of one series in each pack that holds it.
pub(crate) fn scan_packs(
    connection: &Connection,
    run: RunKey,
    series: SeriesId,
    head: &FoldedHead,
    columns: &mut SeriesColumns,
    mut each: impl FnMut(&SeriesColumns, ValueType) -> Result<()>,
) -> Result<()> {
    let range = RowRange::of(run_column(run));
    let (first, end) = (
        range.first + head.packs_first,
        range.first + head.packs_next,
    );
    let mut statement = connection
        .prepare_cached(sql::SCAN_PACKS_OF_SERIES)
        .map_err(sql_error)?;
    let mut rows = statement.query((first, end, series.0)).map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        let id: i64 = row.get(0).map_err(sql_error)?;
        let body = row.get_ref(1).map_err(sql_error)?;
        let body = body
            .as_blob()
            .map_err(|error| value_error("a pack", error))?;
        let unreadable = |error: runstone_codec::CodecError| blob_error("pack", id, &error);
        let reader = PackReader::parse(body).map_err(unreadable)?;
        let Some(index) = reader.find(series.0) else {
            continue;
        };
        reader.decode(index, columns).map_err(unreadable)?;
        let entry = reader.series().nth(index);
        let value_type = entry.map_or(ValueType::F64, |entry| entry.value_type);
        each(columns, value_type)?;
    }
    Ok(())
}

/// Hands on the points of each series of a window, ids ascending, in each pack that holds some.
pub(crate) fn scan_packs_of_window(
    connection: &Connection,
    run: RunKey,
    window: &[u32],
    head: &FoldedHead,
    mut each: impl FnMut(u32, &SeriesColumns, ValueType) -> Result<()>,
) -> Result<()> {
    let (Some(low), Some(high)) = (window.first(), window.last()) else {
        return Ok(());
    };
    let range = RowRange::of(run_column(run));
    let (first, end) = (
        range.first + head.packs_first,
        range.first + head.packs_next,
    );
    let mut columns = SeriesColumns::default();
    let mut statement = connection
        .prepare_cached(sql::SCAN_PACKS_OF_WINDOW)
        .map_err(sql_error)?;
    let mut rows = statement
        .query((first, end, low, high))
        .map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        let id: i64 = row.get(0).map_err(sql_error)?;
        let body = row.get_ref(1).map_err(sql_error)?;
        let body = body
            .as_blob()
            .map_err(|error| value_error("a pack", error))?;
        let unreadable = |error: runstone_codec::CodecError| blob_error("pack", id, &error);
        let reader = PackReader::parse(body).map_err(unreadable)?;
        for (index, entry) in reader.series().enumerate() {
            if window.binary_search(&entry.number).is_ok() {
                reader.decode(index, &mut columns).map_err(unreadable)?;
                each(entry.number, &columns, entry.value_type)?;
            }
        }
    }
    Ok(())
}

/// Points of one series in frames that are not folded.
#[derive(Debug, Default)]
pub(crate) struct UnfoldedParts {
    parts: Vec<(SeriesColumns, f64, ValueType, FrameOrder)>,
    /// Types of the parts, unified.
    pub(crate) value_type: Option<ValueType>,
}

impl UnfoldedParts {
    /// Reads the parts of all unfolded frames of a run.
    pub(crate) fn read(connection: &Connection, run: RunKey, series: SeriesId) -> Result<Self> {
        let wanted = BTreeSet::from([series]);
        let mut found = read_unfolded(connection, run, &wanted)?;
        Ok(found.remove(&series).unwrap_or_default())
    }

    /// Adds the points.
    pub(crate) fn extend_into(&self, reads_as: ValueType, points: &mut PointColumns) {
        for (columns, base, value_type, order) in &self.parts {
            points.extend(columns, *base, *value_type, reads_as, *order);
        }
    }
}

/// Points of several series in frames that are not folded; series without any are left out. All
/// frames are walked once.
pub(crate) fn read_unfolded(
    connection: &Connection,
    run: RunKey,
    wanted: &BTreeSet<SeriesId>,
) -> Result<HashMap<SeriesId, UnfoldedParts>> {
    let mut all: HashMap<SeriesId, UnfoldedParts> = HashMap::new();
    let mut bindings = WriterBindings::default();
    let mut walk = FrameWalk::default();
    scan_frames(connection, run, 0, |frame| {
        let bindings = bindings.of(connection, frame.writer)?;
        walk.walk(
            &frame,
            bindings,
            |id| wanted.contains(&id),
            |part| {
                let found = all.entry(part.series).or_default();
                found.value_type = Some(unify(found.value_type, part.value_type)?);
                found
                    .parts
                    .push((part.columns.clone(), part.base, part.value_type, part.order));
                Ok(())
            },
        )?;
        Ok(true)
    })?;
    Ok(all)
}

/// What is known of a series before its points are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeriesPlace<'a> {
    pub(crate) run: RunKey,
    pub(crate) series: SeriesId,
    pub(crate) head: &'a FoldedHead,
    /// Its row in the block, if it has one.
    pub(crate) row: Option<&'a SummaryRow>,
}

/// All points of a series at steps from `from` to `to` and perhaps more, sorted, with the type
/// they read as; `None` if nothing was ever written.
pub(crate) fn gather(
    connection: &Connection,
    place: SeriesPlace<'_>,
    range: (f64, f64),
) -> Result<Option<(PointColumns, ValueType)>> {
    let SeriesPlace {
        run, series, row, ..
    } = place;
    let unfolded = UnfoldedParts::read(connection, run, series)?;
    let folded = folded_type(row);
    let reads_as = match (folded, unfolded.value_type) {
        (folded, Some(other)) => unify(folded, other)?,
        (Some(folded), None) => folded,
        (None, None) => return Ok(None),
    };
    let mut points = PointColumns::default();
    if folded.is_some() {
        gather_folded(connection, place, range, reads_as, &mut points)?;
    }
    unfolded.extend_into(reads_as, &mut points);
    points.sort();
    Ok(Some((points, reads_as)))
}

/// Adds the folded points of a series, not sorted.
pub(crate) fn gather_folded(
    connection: &Connection,
    place: SeriesPlace<'_>,
    range: (f64, f64),
    reads_as: ValueType,
    points: &mut PointColumns,
) -> Result<()> {
    let SeriesPlace {
        run, series, head, ..
    } = place;
    let mut columns = SeriesColumns::default();
    for chunk in find_chunks(connection, run, series, head, range)? {
        read_chunk(connection, chunk.id, reads_as, &mut columns, points)?;
    }
    scan_packs(
        connection,
        run,
        series,
        head,
        &mut columns,
        |columns, value_type| {
            points.extend(columns, 0.0, value_type, reads_as, OWN_ORDER);
            Ok(())
        },
    )
}
