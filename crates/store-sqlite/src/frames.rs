//! Frames that are not folded yet, read in place.
//!
//! A row of `l0` is one pack of one frame with the writer's own series numbers; the bindings of
//! the writer say which series they are and what to add to ordinals. Rows stand in the order of
//! their appends. The surprising rule: positions count on over all packs and numbers of one frame,
//! so rows of a frame are read together, from the first.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use runstone_codec::{PackReader, SeriesColumns};
use runstone_model::{RunKey, ValueType};
use runstone_store::FrameOrder;
use runstone_store::apply::SeriesId;
use rusqlite::Connection;

use crate::bindings::{Bindings, read_bindings};
use crate::error::{Result, blob_error, sql_error, value_error};
use crate::keys::{RowRange, run_column};
use crate::sql;

/// Bindings of the writers of a run, read as they are met.
#[derive(Debug, Default)]
pub(crate) struct WriterBindings {
    by_writer: HashMap<i64, Bindings>,
}

impl WriterBindings {
    pub(crate) fn of(&mut self, connection: &Connection, writer: i64) -> Result<&Bindings> {
        Ok(match self.by_writer.entry(writer) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(read_bindings(connection, writer)?.0),
        })
    }
}

/// Points of one series in one pack of one frame.
pub(crate) struct FramePart<'a> {
    /// Key of the writer.
    pub(crate) writer: i64,
    /// Which series.
    pub(crate) series: SeriesId,
    /// Added to steps.
    pub(crate) base: f64,
    /// How the values are to be read.
    pub(crate) value_type: ValueType,
    /// Where the points stand.
    pub(crate) order: FrameOrder,
    /// The points as they were sent.
    pub(crate) columns: &'a SeriesColumns,
}

/// A row of `l0`.
#[derive(Debug, Clone)]
pub(crate) struct FrameRow {
    pub(crate) id: i64,
    pub(crate) writer: i64,
    pub(crate) append: u64,
    pub(crate) generation: u32,
    pub(crate) points: u64,
    pub(crate) body: Vec<u8>,
}

impl FrameRow {
    /// The series it holds, with the type and the points of each part; not decoded.
    pub(crate) fn series(&self, bindings: &Bindings) -> Result<Vec<(SeriesId, ValueType, u32)>> {
        let reader =
            PackReader::parse(&self.body).map_err(|error| blob_error("frame", self.id, &error))?;
        reader
            .series()
            .map(|entry| {
                let binding = bindings
                    .get(&entry.number)
                    .ok_or_else(|| unbound(entry.number))?;
                Ok((binding.series, entry.value_type, entry.count))
            })
            .collect()
    }
}

fn unbound(number: u32) -> runstone_store::StoreError {
    value_error("a frame", format!("series number {number} has no meaning"))
}

/// Reads rows of a run one after the other, from `first_id` on, until `each` says to stop.
pub(crate) fn scan_frames(
    connection: &Connection,
    run: RunKey,
    first_id: i64,
    mut each: impl FnMut(FrameRow) -> Result<bool>,
) -> Result<()> {
    let range = RowRange::of(run_column(run));
    let mut statement = connection.prepare_cached(sql::SCAN_L0).map_err(sql_error)?;
    let mut rows = statement
        .query((range.first.max(first_id), range.end))
        .map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        let body = row.get_ref(5).map_err(sql_error)?;
        let frame = FrameRow {
            id: row.get(0).map_err(sql_error)?,
            writer: row.get(1).map_err(sql_error)?,
            append: row.get::<_, i64>(2).map_err(sql_error)?.cast_unsigned(),
            generation: row.get(3).map_err(sql_error)?,
            points: row.get::<_, i64>(4).map_err(sql_error)?.cast_unsigned(),
            body: body
                .as_blob()
                .map_err(|error| value_error("a frame", error))?
                .to_vec(),
        };
        if !each(frame)? {
            break;
        }
    }
    Ok(())
}

/// Walks over the parts of frames in order and counts their positions.
#[derive(Debug, Default)]
pub(crate) struct FrameWalk {
    append: u64,
    positions: HashMap<SeriesId, u32>,
    columns: SeriesColumns,
}

impl FrameWalk {
    /// Hands on every part of `frame` whose series is `wanted`.
    pub(crate) fn walk(
        &mut self,
        frame: &FrameRow,
        bindings: &Bindings,
        wanted: impl Fn(SeriesId) -> bool,
        mut each: impl FnMut(FramePart<'_>) -> Result<()>,
    ) -> Result<()> {
        if frame.append != self.append {
            self.append = frame.append;
            self.positions.clear();
        }
        let unreadable = |error: runstone_codec::CodecError| blob_error("frame", frame.id, &error);
        let reader = PackReader::parse(&frame.body).map_err(unreadable)?;
        for (index, entry) in reader.series().enumerate() {
            let binding = bindings
                .get(&entry.number)
                .ok_or_else(|| unbound(entry.number))?;
            if !wanted(binding.series) {
                continue;
            }
            reader
                .decode(index, &mut self.columns)
                .map_err(unreadable)?;
            let position = self.positions.entry(binding.series).or_default();
            let order = FrameOrder {
                generation: frame.generation,
                append: frame.append,
                first_position: *position,
            };
            *position += entry.count;
            each(FramePart {
                writer: frame.writer,
                series: binding.series,
                base: binding.auto_base.unwrap_or(0.0),
                value_type: entry.value_type,
                order,
                columns: &self.columns,
            })?;
        }
        Ok(())
    }
}
