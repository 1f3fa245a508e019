//! Points of a frame, and what hides points: kept as they came, and asked for by step.
//!
//! Part of [`SqliteContext`]. Nothing here decides what shows: it finds and keeps.

use std::collections::HashMap;

use runstone_codec::{SeriesPoints, encode_pack};
use runstone_model::{RunKey, WriterId};
use runstone_store::apply::{ApplyContext, PointBatch, SeriesId};
use runstone_store::{Cut, PointColumns, Removal, SeriesHiding, StoreError};
use rusqlite::{Connection, params};

use super::SqliteContext;
use crate::backlog::Unfolded;
use crate::error::{Result, sql_error, value_error};
use crate::fork::{Layer, gather_layer};
use crate::gather::gather;
use crate::keys::{RowRange, run_column};
use crate::rows::{collect, execute, find};
use crate::sql;
use crate::states::with_place;

/// Numbers of frames that a run takes without a look at those that are still there.
const NUMBERS_ONCE: i64 = 1 << 23;

impl SqliteContext<'_> {
    /// Notes which writer makes this append, if it is another than before.
    pub(super) fn note_append_writer(
        &mut self,
        run: RunKey,
        append: u64,
        writer: i64,
    ) -> Result<()> {
        let connection = self.connection;
        let cached = self.run(run)?;
        if cached.last_writer != writer {
            cached.last_writer = writer;
            let params = (run_column(run), append.cast_signed(), writer);
            execute(connection, sql::INSERT_APPEND_WRITER, params)?;
        }
        Ok(())
    }

    /// The points of a series at `steps` and perhaps more, and who wrote which append.
    fn points_at(
        &mut self,
        run: RunKey,
        id: SeriesId,
        range: (f64, f64),
    ) -> Result<Option<PointColumns>> {
        // What this frame has defined so far must be readable.
        self.insert_gathered()?;
        let key = self.series_key(run, id)?;
        let connection = self.connection;
        let found = with_place(connection, run, id, &key, |place| {
            gather(connection, place, range)
        })?;
        Ok(found.map(|(points, _)| points))
    }

    /// The same with those that are shared with the parent.
    fn all_points_at(
        &mut self,
        run: RunKey,
        id: SeriesId,
        range: (f64, f64),
    ) -> Result<Option<PointColumns>> {
        if self.run(run)?.shared.is_empty() {
            return self.points_at(run, id, range);
        }
        self.insert_gathered()?;
        let key = self.series_key(run, id)?;
        let found = gather_layer(
            self.connection,
            &Layer::of_run(self.connection, run)?,
            &key,
            range,
        )?;
        Ok(found.map(|(points, _)| points))
    }

    pub(super) fn append_writers(&self, run: RunKey) -> Result<Vec<(u64, i64)>> {
        collect(
            self.connection,
            sql::SCAN_APPEND_WRITERS,
            [run_column(run)],
            |row| {
                let append: i64 = row.get(0).map_err(sql_error)?;
                Ok((append.cast_unsigned(), row.get(1).map_err(sql_error)?))
            },
        )
    }

    /// Tells appends that are not a writer's; every one if none is named.
    pub(super) fn appends_of_others(
        &mut self,
        run: RunKey,
        other_than: Option<WriterId>,
    ) -> Result<impl Fn(u64) -> bool + use<>> {
        let known = match other_than {
            Some(writer) => Some((self.writer(writer)?.key, self.append_writers(run)?)),
            None => None,
        };
        Ok(move |append: u64| {
            known.as_ref().is_none_or(|(writer, appends)| {
                let later = appends.partition_point(|(first, _)| *first <= append);
                later == 0 || appends[later - 1].1 != *writer
            })
        })
    }

    /// See [`runstone_store::apply::ApplyContext::holds_step`].
    pub(super) fn look_for_step(
        &mut self,
        run: RunKey,
        id: SeriesId,
        steps: &[f64],
        other_than: Option<WriterId>,
    ) -> Result<bool> {
        let mut wanted = steps.to_vec();
        wanted.sort_by(f64::total_cmp);
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return Ok(false);
        };
        let range = (*first, *last);
        let found = match other_than {
            Some(_) => self.points_at(run, id, range)?,
            // What is shared is no writer's.
            None => self.all_points_at(run, id, range)?,
        };
        let Some(points) = found else {
            return Ok(false);
        };
        let hiding = self.read_hiding(run, id)?;
        let is_foreign = self.appends_of_others(run, other_than)?;
        let is_wanted = |step: f64| {
            wanted
                .binary_search_by(|other| other.total_cmp(&step))
                .is_ok()
        };
        Ok((0..points.len()).any(|index| {
            let (step, append) = (points.steps[index], points.appends[index]);
            is_wanted(step)
                && is_foreign(append)
                && hiding.is_alive(step, points.generations[index], append)
        }))
    }

    /// Keeps a frame's points and what they add to the state of their series.
    pub(super) fn insert_points(&mut self, batch: &PointBatch<'_>) -> Result<()> {
        let connection = self.connection;
        let writer = self.writer(batch.writer)?.key;
        self.note_append_writer(batch.run, batch.append.0, writer)?;
        let received_at = self.received_at;
        let mut points = 0;
        let hidings = self.cuts_of(batch)?;
        let cached = self.run(batch.run)?;
        for series in batch.series {
            points += series.columns.steps.len() as u64;
            let range = series
                .steps()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |range, step| {
                    (range.0.min(step), range.1.max(step))
                });
            let state = cached
                .series
                .get_mut(series.series.0 as usize)
                .ok_or_else(|| {
                    value_error(
                        "a binding",
                        format!("there is no series {}", series.series.0),
                    )
                })?;
            let counted = match hidings.get(&series.series) {
                Some(hiding) => hiding.counted_step(range.1, batch.generation.0),
                None => range.1.floor(),
            };
            state.add(range, counted, series.value_type, writer)?;
        }
        let id = free_number(connection, batch.run, cached.next_frame)?;
        cached.next_frame = id + 1;
        let series_count = cached.series.len() as u64;
        let rest;
        let body: &[u8] = if batch.whole {
            batch.pack
        } else {
            rest = pack_of_accepted(batch)?;
            &rest
        };
        let params = (
            id,
            writer,
            batch.append.0.cast_signed(),
            batch.generation.0,
            points.cast_signed(),
            received_at.as_micros(),
            body,
        );
        execute(connection, sql::INSERT_L0, params)?;
        self.unfolded.push(Unfolded {
            frames: 1,
            points,
            bytes: body.len() as u64,
            series: series_count,
            ..Unfolded::nothing(batch.run, received_at)
        });
        Ok(())
    }

    /// What cuts the series of a batch, if the run was rewound since its generation.
    fn cuts_of(&mut self, batch: &PointBatch<'_>) -> Result<HashMap<SeriesId, SeriesHiding>> {
        let is_current = |cut: &(i64, Cut)| cut.1.generation <= batch.generation;
        if self.run(batch.run)?.hiding.cuts.iter().all(is_current) {
            return Ok(HashMap::new());
        }
        let ids = batch.series.iter().map(|series| series.series);
        ids.map(|id| Ok((id, self.read_hiding(batch.run, id)?)))
            .collect()
    }

    /// Keeps a removal; the run's summaries must be made again.
    pub(super) fn insert_removal(&mut self, run: RunKey, removal: &Removal) -> Result<()> {
        let connection = self.connection;
        let change = self.sequences.change;
        let cached = self.run(run)?;
        let id = cached.next_removal;
        cached.next_removal += 1;
        cached.hiding.removals.push((change, removal.clone()));
        let params = params![
            id,
            change,
            removal.append.0.cast_signed(),
            removal.series.as_ref().map(|key| key.name.as_str()),
            removal.series.as_ref().map(|key| key.context.as_str()),
            removal.series.as_ref().map(|key| key.kind.as_u8()),
            removal.step.map(|step| step.get())
        ];
        execute(connection, sql::INSERT_REMOVAL, params)?;
        self.unfolded.push(Unfolded {
            is_stale: true,
            ..Unfolded::nothing(run, self.received_at)
        });
        Ok(())
    }

    /// Keeps a cut; the run's summaries must be made again.
    pub(super) fn insert_cut(&mut self, run: RunKey, cut: Cut) -> Result<()> {
        let connection = self.connection;
        let change = self.sequences.change;
        let cached = self.run(run)?;
        cached.hiding.cuts.push((change, cut));
        for series in &mut cached.series {
            series.cut(cut.to_step.get());
        }
        let id = RowRange::of(run_column(run)).row(i64::from(cut.generation.0))?;
        execute(connection, sql::INSERT_CUT, (id, change, cut.to_step.get()))?;
        self.unfolded.push(Unfolded {
            is_stale: true,
            ..Unfolded::nothing(run, self.received_at)
        });
        Ok(())
    }
}

/// The row of a run's next frame. Folded frames are gone, so a run that has lived for weeks begins
/// again once all of them are.
fn free_number(connection: &Connection, run: RunKey, next: i64) -> Result<i64> {
    let range = RowRange::of(run_column(run));
    if range.number(next) < NUMBERS_ONCE {
        return Ok(next);
    }
    let last = find(connection, sql::LAST_L0, (range.first, range.end), |row| {
        row.get::<_, i64>(0).map_err(sql_error)
    })?;
    let next = last.map_or(range.first, |last| last + 1);
    if next < range.end {
        return Ok(next);
    }
    Err(StoreError::Overloaded {
        reason: format!("run {run} has no number left for a frame until its frames are folded"),
        retry_after_millis: 1_000,
    })
}

/// A pack of the accepted series alone, with the numbers they came with.
fn pack_of_accepted(batch: &PointBatch<'_>) -> Result<Vec<u8>> {
    let series: Vec<SeriesPoints<'_>> = batch
        .series
        .iter()
        .map(|series| series.columns.as_points(series.number, series.value_type))
        .collect();
    encode_pack(&series)
        .map_err(|error| StoreError::Internal(format!("a pack can't be written again: {error}")))
}
