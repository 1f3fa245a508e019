//! What the points of a series amount to for `apply`: their steps, type and writers.
//!
//! The cache keeps it current while frames come; here it is read again from what is folded and what
//! is not. Hidden points count too.

use std::collections::HashMap;

use runstone_model::{RunKey, SeriesKey, ValueType};
use runstone_store::apply::SeriesId;
use runstone_store::{EntryKind, PointColumns, SeriesHiding, counted_before};
use rusqlite::Connection;

use crate::directory::{FoldedHead, empty_row, key_of_row, keys_of, read_added, read_folded};
use crate::entries::Owner;
use crate::entries::objects::{steps_range, walk_steps};
use crate::error::{Result, sql_error};
use crate::fork::SharedSeries;
use crate::frames::{FrameWalk, WriterBindings, scan_frames};
use crate::gather::{SeriesPlace, folded_type, unify};
use crate::hidden::RunHiding;
use crate::keys::run_column;
use crate::rows::collect;
use crate::{gather, sql};

/// `place` of a summary row: nobody wrote, or more than one writer; else the writer's key.
pub(crate) const PLACE_NOBODY: u64 = 0;
pub(crate) const PLACE_SEVERAL: u64 = u64::MAX;

/// Who wrote a series, as the `place` of its summary row says it.
pub(crate) fn add_place(place: u64, writer: i64) -> u64 {
    let writer = writer.cast_unsigned();
    if place == PLACE_NOBODY || place == writer {
        writer
    } else {
        PLACE_SEVERAL
    }
}

/// State of a series, compact.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CachedSeries {
    pub(crate) step_range: Option<(f64, f64)>,
    /// The whole step after which counted ones go on.
    pub(crate) highest: Option<f64>,
    pub(crate) value_type: Option<ValueType>,
    /// See [`PLACE_NOBODY`].
    pub(crate) place: u64,
    pub(crate) contested: bool,
}

impl CachedSeries {
    /// Takes points of a writer into account; `counted` is what the greatest step counts as.
    pub(crate) fn add(
        &mut self,
        range: (f64, f64),
        counted: f64,
        value_type: ValueType,
        writer: i64,
    ) -> Result<()> {
        self.add_range(range);
        self.add_counted(counted);
        self.value_type = Some(unify(self.value_type, value_type)?);
        self.place = add_place(self.place, writer);
        Ok(())
    }

    /// Takes a set of objects into account; `counted` is what its step counts as.
    pub(crate) fn add_set(&mut self, step: f64, counted: f64, writer: i64) {
        self.add_range((step, step));
        self.add_counted(counted);
        self.place = add_place(self.place, writer);
    }

    fn add_range(&mut self, range: (f64, f64)) {
        self.step_range = Some(match self.step_range {
            Some((low, high)) => (low.min(range.0), high.max(range.1)),
            None => range,
        });
    }

    fn add_counted(&mut self, counted: f64) {
        let highest = self.highest.unwrap_or(counted);
        self.highest = Some(highest.max(counted));
    }

    /// Takes what a fork shares into account, after the cuts of the run itself.
    fn add_shared(&mut self, shared: &Self, hiding: &RunHiding) -> Result<()> {
        if let Some(range) = shared.step_range {
            self.add_range(range);
        }
        if let Some(highest) = shared.highest {
            let cuts = hiding.cuts.iter().map(|(_, cut)| cut.to_step.get());
            self.add_counted(cuts.fold(highest, counted_before));
        }
        if let Some(value_type) = shared.value_type {
            self.value_type = Some(unify(self.value_type, value_type)?);
        }
        Ok(())
    }

    /// A cut of all points so far.
    pub(crate) fn cut(&mut self, to_step: f64) {
        self.highest = self.highest.map(|highest| counted_before(highest, to_step));
    }
}
/// What the points of each series amount to, folded and unfolded, hidden ones included.
pub(crate) fn read_series_states(
    connection: &Connection,
    run: RunKey,
    hiding: &RunHiding,
    shared: &[SharedSeries],
) -> Result<Vec<CachedSeries>> {
    let mut folded = read_folded(connection, run)?;
    let added = read_added(connection, run)?;
    let keys = keys_of(&folded, &added)?;
    folded
        .rows
        .extend(added.iter().map(|(id, key)| empty_row(*id, key)));
    let mut states = vec![CachedSeries::default(); keys.len()];
    let mut hidden = Vec::new();
    for row in &folded.rows {
        let state = &mut states[row.number as usize];
        state.value_type = folded_type(Some(row));
        state.place = row.place;
        match (row.first, row.last) {
            (Some(first), Some(last)) if row.stored_count == row.count => {
                state.step_range = Some((first.step, last.step));
                state.highest = Some(last.step.floor());
                for (change, cut) in &hiding.cuts {
                    if *change > folded.head.change {
                        state.cut(cut.to_step.get());
                    }
                }
            }
            _ if row.stored_count > 0 => hidden.push(row),
            _ => {}
        }
    }
    read_hidden_ranges(connection, run, &folded.head, &hidden, &mut states)?;
    let is_stale = hiding
        .cuts
        .iter()
        .any(|(change, _)| *change > folded.head.change);
    for row in hidden {
        let key = &keys[row.number as usize];
        let state = &mut states[row.number as usize];
        let place = SeriesPlace {
            run,
            series: SeriesId(row.number),
            head: &folded.head,
            row: Some(row),
        };
        state.highest = read_counted(
            connection,
            place,
            state.step_range,
            &hiding.of_series(key),
            is_stale,
        )?;
    }
    read_object_states(connection, run, &keys, hiding, &mut states)?;
    let mut bindings = WriterBindings::default();
    let mut walk = FrameWalk::default();
    scan_frames(connection, run, 0, |frame| {
        let bindings = bindings.of(connection, frame.writer)?;
        walk.walk(
            &frame,
            bindings,
            |_| true,
            |part| {
                let state = states.get_mut(part.series.0 as usize).ok_or_else(|| {
                    crate::error::value_error(
                        "a frame",
                        format!("there is no series {}", part.series.0),
                    )
                })?;
                let steps = part.columns.steps.iter().map(|step| step + part.base);
                let range = steps.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), step| {
                    (low.min(step), high.max(step))
                });
                let key = &keys[part.series.0 as usize];
                let counted = hiding
                    .of_series(key)
                    .counted_step(range.1, part.order.generation);
                state.add(range, counted, part.value_type, part.writer)
            },
        )?;
        Ok(true)
    })?;
    for (key, state) in keys.iter().zip(&mut states) {
        if let Ok(index) = shared.binary_search_by(|(shared, _)| shared.cmp(key)) {
            state.add_shared(&shared[index].1, hiding)?;
        }
    }
    Ok(states)
}

/// Steps and writers of object series.
fn read_object_states(
    connection: &Connection,
    run: RunKey,
    keys: &[SeriesKey],
    hiding: &RunHiding,
    states: &mut [CachedSeries],
) -> Result<()> {
    let params = [run_column(run)];
    let marks = collect(connection, sql::SCAN_OBJECT_MARKS, params, |row| {
        let step = |index: usize| row.get::<_, f64>(index).map_err(sql_error);
        let writer: i64 = row.get(3).map_err(sql_error)?;
        let series: u32 = row.get(0).map_err(sql_error)?;
        Ok((series, (step(1)?, step(2)?), writer))
    })?;
    for (series, range, writer) in marks {
        let index = series as usize;
        let (Some(key), Some(state)) = (keys.get(index), states.get_mut(index)) else {
            let reason = format!("there is no series {series}");
            return Err(crate::error::value_error("objects", reason));
        };
        let hiding = hiding.of_series(key);
        let mut highest = None;
        if hiding.has_cuts() {
            let owner = Owner::new(run, EntryKind::Objects, series.into());
            walk_steps(connection, owner, steps_range(None, None), |sets| {
                let keys = sets.iter().map(|set| &set.meta.key);
                let counted = keys.map(|key| hiding.counted_step(key.step(), key.generation));
                highest = counted.chain(highest).reduce(f64::max);
                Ok(true)
            })?;
        } else {
            highest = Some(range.1.floor());
        }
        *state = CachedSeries {
            step_range: Some(range),
            highest,
            // Several writers stand as 0 in the column.
            place: match writer {
                0 => PLACE_SEVERAL,
                writer => writer.cast_unsigned(),
            },
            ..CachedSeries::default()
        };
    }
    Ok(())
}

/// What the folded points of a series count as of which some are hidden. After one rewind that is known
/// from the ends; otherwise points are read from the last one that shows on, a chunk at a time:
/// nothing before it counts more than that one.
fn read_counted(
    connection: &Connection,
    place: SeriesPlace<'_>,
    step_range: Option<(f64, f64)>,
    hiding: &SeriesHiding,
    is_stale: bool,
) -> Result<Option<f64>> {
    let Some((_, high)) = step_range else {
        return Ok(None);
    };
    if !hiding.has_cuts() {
        return Ok(Some(high.floor()));
    }
    let last = place.row.and_then(|row| row.last).map(|last| last.step);
    let last = last.filter(|last| *last >= 0.0);
    if let Some(cut) = hiding.only_cut() {
        let cut_high = counted_before(high.floor(), cut);
        match last {
            // What was folded before the rewind is all of an older generation.
            _ if is_stale => return Ok(Some(cut_high)),
            Some(last) if last == high => return Ok(Some(last.floor())),
            // A point past the last one that shows is cut.
            Some(last) => return Ok(Some(cut_high.max(last.floor()))),
            None => {}
        }
    }
    let SeriesPlace {
        run, series, head, ..
    } = place;
    let range = (last.unwrap_or(f64::NEG_INFINITY), f64::INFINITY);
    let mut highest = None::<f64>;
    let mut columns = runstone_codec::SeriesColumns::default();
    for chunk in gather::find_chunks(connection, run, series, head, range)? {
        let mut points = PointColumns::default();
        let reads_as = ValueType::F64;
        gather::read_chunk(connection, chunk.id, reads_as, &mut columns, &mut points)?;
        highest = max_counted(&points, hiding, highest);
    }
    gather::scan_packs(
        connection,
        run,
        series,
        head,
        &mut columns,
        |columns, value_type| {
            let mut points = PointColumns::default();
            points.extend(columns, 0.0, value_type, ValueType::F64, gather::OWN_ORDER);
            highest = max_counted(&points, hiding, highest);
            Ok(())
        },
    )?;
    Ok(highest)
}

fn max_counted(points: &PointColumns, hiding: &SeriesHiding, highest: Option<f64>) -> Option<f64> {
    let each = points.steps.iter().zip(&points.generations);
    let counted = each.map(|(step, generation)| hiding.counted_step(*step, *generation));
    counted.chain(highest).reduce(f64::max)
}

/// Steps of folded points of series of which some are hidden: summaries don't know them.
fn read_hidden_ranges(
    connection: &Connection,
    run: RunKey,
    head: &FoldedHead,
    rows: &[&runstone_codec::SummaryRow],
    states: &mut [CachedSeries],
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let chunks = collect(
        connection,
        sql::SUM_CHUNK_STEPS,
        (run_column(run), head.chunks_next),
        |row| {
            let get = |index: usize| row.get::<_, f64>(index).map_err(sql_error);
            Ok((row.get::<_, u32>(0).map_err(sql_error)?, (get(1)?, get(2)?)))
        },
    )?;
    let by_series: HashMap<u32, (f64, f64)> = chunks.into_iter().collect();
    let mut columns = runstone_codec::SeriesColumns::default();
    for row in rows {
        let mut range = by_series.get(&row.number).copied();
        let series = SeriesId(row.number);
        gather::scan_packs(connection, run, series, head, &mut columns, |columns, _| {
            for step in &columns.steps {
                let (low, high) = range.unwrap_or((*step, *step));
                range = Some((low.min(*step), high.max(*step)));
            }
            Ok(())
        })?;
        states[row.number as usize].step_range = range;
    }
    Ok(())
}

/// The place of a series in the folded data, with its row.
pub(crate) fn with_place<T>(
    connection: &Connection,
    run: RunKey,
    series: SeriesId,
    key: &SeriesKey,
    use_place: impl FnOnce(SeriesPlace<'_>) -> Result<T>,
) -> Result<T> {
    let head = crate::directory::read_head(connection, run)?;
    let row = crate::directory::find_series(connection, run, key)?.and_then(|(_, row)| row);
    debug_assert!(
        row.as_ref()
            .is_none_or(|row| key_of_row(row).is_ok_and(|found| found == *key))
    );
    use_place(SeriesPlace {
        run,
        series,
        head: &head,
        row: row.as_ref(),
    })
}
