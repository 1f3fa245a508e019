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
use crate::sql;

impl Preparing<'_> {
    /// Makes chunks of long series and packs of the others.
    pub(super) fn store_window(
        &mut self,
        window: &[u32],
        mut stored: HashMap<u32, PointColumns>,
    ) -> Result<()> {
        let mut short: Vec<(u32, PointColumns)> = Vec::new();
        let mut points_of_pack = 0;
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
            points_of_pack += points.len();
            short.push((*id, points));
            if points_of_pack >= self.layout.pack_points {
                self.make_pack(&std::mem::take(&mut short))?;
                points_of_pack = 0;
            }
        }
        self.make_pack(&short)
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

    fn make_pack(&mut self, series: &[(u32, PointColumns)]) -> Result<()> {
        let (Some((first, _)), Some((last, _))) = (series.first(), series.last()) else {
            return Ok(());
        };
        let mut columns = Vec::with_capacity(series.len());
        for (id, points) in series {
            let value_type = self.row(SeriesId(*id))?.value_type;
            columns.push(series_points(*id, value_type, points, 0..points.len()));
        }
        let body = encode_pack(&columns).map_err(|error| unwritable("a pack", &error))?;
        let points = series.iter().map(|(_, points)| points.len() as u64).sum();
        self.packs.push(NewPack {
            points,
            first_series: *first,
            last_series: *last,
            body,
        });
        Ok(())
    }
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
