//! Reads the points of segments: a chunk that shows whole, or chunks that overlap.

use runstone_codec::{ChunkReader, SeriesColumns};
use runstone_model::ValueType;
use runstone_store::{PointColumns, SeriesHiding, TakePoints, VisiblePoints, convert_bits};
use rusqlite::Connection;

use crate::error::{Result, blob_error, sql_error, value_error};
use crate::gather::read_chunk;
use crate::pages::split_off;
use crate::rows::find;
use crate::sql;

/// The points of a chunk that all show.
pub(super) fn read_whole(
    connection: &Connection,
    id: i64,
    reads_as: ValueType,
) -> Result<VisiblePoints> {
    let mut columns = SeriesColumns::default();
    let found = find(connection, sql::READ_CHUNK, [id], |row| {
        let blob = |index: usize| {
            let value = row.get_ref(index).map_err(sql_error)?;
            value
                .as_blob()
                .map_err(|error| value_error("a chunk", error))
        };
        let unreadable = |error: runstone_codec::CodecError| blob_error("chunk", id, &error);
        let reader = ChunkReader::from_parts(blob(0)?, blob(1)?).map_err(unreadable)?;
        reader.decode_readable(&mut columns).map_err(unreadable)?;
        Ok(reader.head().value_type)
    })?;
    let value_type =
        found.ok_or_else(|| value_error("a series", format!("its chunk {id} is missing")))?;
    for bits in &mut columns.values {
        *bits = convert_bits(*bits, value_type, reads_as);
    }
    Ok(VisiblePoints {
        steps: columns.steps,
        times: columns.times,
        values: columns.values,
        epochs: columns.epochs.unwrap_or_default(),
    })
}

/// Chunks that overlap, and what lies loose within.
pub(super) struct ChunkGroup<'g> {
    /// Ids and first steps.
    pub(super) chunks: &'g [(i64, f64)],
    pub(super) loose: &'g PointColumns,
    /// Last step and last append number of what is read.
    pub(super) bounds: Option<(f64, u64)>,
}

/// Hands on what shows of a group, by the first steps of its chunks.
pub(super) fn read_group(
    connection: &Connection,
    group: &ChunkGroup<'_>,
    hiding: &SeriesHiding,
    reads_as: ValueType,
    take: &mut TakePoints<'_>,
) -> Result<()> {
    let mut points = group.loose.clone();
    let mut columns = SeriesColumns::default();
    for (index, (id, first_step)) in group.chunks.iter().enumerate() {
        read_chunk(connection, *id, reads_as, &mut columns, &mut points)?;
        if let Some((last_step, last_append)) = group.bounds {
            let was_there: Vec<bool> = (points.steps.iter().zip(&points.appends))
                .map(|(step, append)| *step <= last_step && *append <= last_append)
                .collect();
            points.retain(&was_there);
        }
        let Some((_, next)) = group.chunks.get(index + 1) else {
            break;
        };
        if next == first_step {
            continue;
        }
        points.sort();
        // Steps below the next chunk's first are complete.
        let end = points.steps.partition_point(|step| step < next);
        let rest = split_off(&mut points, end);
        let complete = std::mem::replace(&mut points, rest);
        if !complete.is_empty() {
            take(VisiblePoints::from_columns(complete, hiding))?;
        }
    }
    points.sort();
    take(VisiblePoints::from_columns(points, hiding))
}
