//! The points of a window of series as packs and chunks.

use std::collections::HashMap;

use runstone_codec::{SeriesColumns, SeriesPoints, encode_chunk, encode_pack};
use runstone_model::ValueType;
use runstone_store::apply::SeriesId;
use runstone_store::{PointColumns, StoreError};

use super::prepare::Preparing;
use super::write::{NewChunk, NewPack};
use crate::error::{Result, sql_error};
use crate::gather::read_chunk;
use crate::keys::run_column;
use crate::rows::collect;
use crate::space::{LOCAL_BYTES_MAX, LOCAL_BYTES_MIN, OVERFLOW_BYTES, split_row};
use crate::sql;

impl Preparing<'_> {
    /// Makes chunks of long series and packs of the others.
    pub(super) fn store_window(
        &mut self,
        window: &[u32],
        mut stored: HashMap<u32, PointColumns>,
    ) -> Result<()> {
        for id in window {
            let Some(mut points) = stored.remove(id) else {
                continue;
            };
            points.sort();
            if points.len() >= self.layout.chunk_points_min {
                self.take_small_chunks(SeriesId(*id), &mut points)?;
                self.make_chunks(*id, &points)?;
                continue;
            }
            self.short_points += points.len();
            self.short.push((*id, points));
            let is_full = self.short.len() >= self.layout.window_series.max(1);
            if is_full || self.short_points >= self.layout.pack_points {
                self.make_pack(false)?;
            }
        }
        Ok(())
    }

    /// Adds the points of the chunks that a series has with few of them, once there are enough.
    fn take_small_chunks(&mut self, id: SeriesId, points: &mut PointColumns) -> Result<()> {
        let small = self.layout.chunk_points.div_ceil(2);
        if points.len() >= small {
            return Ok(());
        }
        let chunks_next = self.folded.head.chunks_next;
        let params = (run_column(self.run), id.0, chunks_next, small as i64);
        let found = collect(self.connection, sql::SCAN_SMALL_CHUNKS, params, |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?;
        if found.len() + 1 < self.layout.merge_fan_in.max(2) {
            return Ok(());
        }
        let reads_as = self.row(id)?.value_type;
        let mut columns = SeriesColumns::default();
        for chunk in &found {
            read_chunk(self.connection, *chunk, reads_as, &mut columns, points)?;
        }
        points.sort();
        self.merged_chunks.extend(found);
        Ok(())
    }

    fn make_chunks(&mut self, id: u32, points: &PointColumns) -> Result<()> {
        let value_type = self.row(SeriesId(id))?.value_type;
        let pieces = points.len().div_ceil(self.layout.chunk_points.max(1));
        let length = points.len().div_ceil(pieces);
        for first in (0..points.len()).step_by(length) {
            let range = first..(first + length).min(points.len());
            let chunk = encode_chunk(&series_points(id, value_type, points, range.clone()))
                .map_err(|error| unwritable("a chunk", &error))?;
            self.chunks.push(NewChunk {
                series: id,
                points: range.len() as u64,
                first_step: points.steps[range.start],
                last_step: points.steps[range.end - 1],
                head: chunk.head,
                data: chunk.data,
            });
        }
        Ok(())
    }

    /// Makes a pack of the short series that wait. All but the last of a pass leave some of them to
    /// the next one where that fills the pages.
    pub(super) fn make_pack(&mut self, is_last: bool) -> Result<()> {
        while !self.short.is_empty() {
            let body = self.encode_short(self.short.len())?;
            let fewer = fitting_share(self.short.len(), body.len() as u64);
            if let Some(fewer) = fewer.filter(|_| !is_last) {
                let other = self.encode_short(fewer)?;
                if lost_share(other.len() as u64) < lost_share(body.len() as u64) {
                    return self.keep_pack(fewer, other);
                }
            }
            self.keep_pack(self.short.len(), body)?;
        }
        Ok(())
    }

    /// The first of the short series as a pack.
    fn encode_short(&self, count: usize) -> Result<Vec<u8>> {
        let mut columns = Vec::with_capacity(count);
        for (id, points) in &self.short[..count] {
            let value_type = self.row(SeriesId(*id))?.value_type;
            columns.push(series_points(*id, value_type, points, 0..points.len()));
        }
        encode_pack(&columns).map_err(|error| unwritable("a pack", &error))
    }

    fn keep_pack(&mut self, count: usize, body: Vec<u8>) -> Result<()> {
        let taken: Vec<(u32, PointColumns)> = self.short.drain(..count).collect();
        let points: usize = taken.iter().map(|(_, points)| points.len()).sum();
        self.short_points -= points;
        if let (Some((first, _)), Some((last, _))) = (taken.first(), taken.last()) {
            self.packs.push(NewPack {
                points: points as u64,
                first_series: *first,
                last_series: *last,
                body,
            });
        }
        Ok(())
    }
}

/// Of a row beside its blob, about.
const ROW_BYTES: u64 = 12;
/// Past such a share of a row's bytes lost in its pages, in percent, other rows are tried.
const LOST_PERCENT_MAX: u64 = 9;

/// Bytes of pages that a row of a blob of so many bytes leaves unused, about, in percent of it.
fn lost_share(bytes: u64) -> u64 {
    let bytes = bytes + ROW_BYTES;
    let (local, pages) = split_row(bytes);
    let lost = pages * OVERFLOW_BYTES - (bytes - local);
    let rows = (LOCAL_BYTES_MAX / local).max(1);
    (lost + (LOCAL_BYTES_MAX - rows * local) / rows) * 100 / bytes
}

/// How many of `count` series, which take `bytes` together, fill pages better; `None` if few bytes
/// are lost as it is, or they fit in no page less.
fn fitting_share(count: usize, bytes: u64) -> Option<usize> {
    if lost_share(bytes) <= LOST_PERCENT_MAX || bytes <= LOCAL_BYTES_MAX {
        return None;
    }
    let pages = (bytes + ROW_BYTES - LOCAL_BYTES_MIN) / OVERFLOW_BYTES;
    let target = (pages * OVERFLOW_BYTES + LOCAL_BYTES_MIN).saturating_sub(ROW_BYTES);
    let fewer = count * target as usize / bytes as usize;
    (pages > 0 && fewer > 0 && fewer < count).then_some(fewer)
}

/// A range of a series' points as an encoder takes them.
fn series_points(
    number: u32,
    value_type: ValueType,
    points: &PointColumns,
    range: std::ops::Range<usize>,
) -> SeriesPoints<'_> {
    SeriesPoints {
        number,
        value_type,
        steps: &points.steps[range.clone()],
        times: &points.times[range.clone()],
        values: &points.values[range.clone()],
        epochs: (!points.epochs.is_empty()).then(|| &points.epochs[range.clone()]),
        order: Some(runstone_codec::OrderColumns {
            generations: &points.generations[range.clone()],
            appends: &points.appends[range.clone()],
            positions: &points.positions[range],
        }),
    }
}

pub(super) fn unwritable(what: &str, error: &runstone_codec::CodecError) -> StoreError {
    StoreError::Internal(format!("{what} can't be written: {error}"))
}
