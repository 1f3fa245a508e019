//! Summaries of series: of points in memory, of unfolded frames, and between rows and records.
//!
//! A summary of parts that share no step is the merge of their summaries; in every other case it
//! is made again from points. Summaries of unfolded frames are kept in a small cache and extended
//! as frames come, so that a table that is looked at again and again costs what is new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use runstone_codec::{SummaryMark, SummaryRow};
use runstone_model::{RunKey, SeriesKey, Step, Timestamp, ValueType};
use runstone_store::apply::SeriesId;
use runstone_store::{
    PointColumns, SeriesHiding, SeriesSummary, SummaryPoint, bits_as_f64, merge_summaries,
};
use rusqlite::Connection;

use crate::error::{Result, sql_error, value_error};
use crate::fork::ForkCache;
use crate::frames::{FramePart, FrameWalk, WriterBindings, scan_frames};
use crate::gather::unify;
use crate::hidden::RunHiding;
use crate::keys::{RowRange, run_column};
use crate::rows::find;
use crate::sql;

/// Series in the cache at most, over all runs.
const CACHED_SERIES_MAX: usize = 16_000;

/// Whether two parts of a series can't share a readable step.
pub(crate) fn are_disjoint(one: &SeriesSummary, other: &SeriesSummary) -> bool {
    match (one.first, one.last, other.first, other.last) {
        (Some(first), Some(last), Some(other_first), Some(other_last)) => {
            last.step < other_first.step || other_last.step < first.step
        }
        _ => true,
    }
}

/// Summary of points with strictly ascending steps, all of them readable.
fn summarize_ascending(
    steps: impl Iterator<Item = f64>,
    times: &[i64],
    values: &[u64],
    value_type: ValueType,
) -> SeriesSummary {
    let mut summary = SeriesSummary {
        count: values.len() as u64,
        ..SeriesSummary::default()
    };
    let point = |step: f64, index: usize| SummaryPoint {
        step: Step::new(step).unwrap_or(Step::ZERO),
        time: Timestamp::from_micros(times[index]),
        value: bits_as_f64(values[index], value_type),
    };
    let (mut min, mut max) = (None::<(f64, usize, f64)>, None::<(f64, usize, f64)>);
    let mut ends = None;
    for (index, step) in steps.enumerate() {
        let value = bits_as_f64(values[index], value_type);
        ends = Some(match ends {
            None => ((step, index), (step, index)),
            Some((first, _)) => (first, (step, index)),
        });
        if value.is_nan() {
            summary.nan_count += 1;
            continue;
        }
        if value.is_finite() {
            summary.sum += value;
        } else if value > 0.0 {
            summary.positive_infinity_count += 1;
        } else {
            summary.negative_infinity_count += 1;
        }
        if min.is_none_or(|(least, ..)| value < least) {
            min = Some((value, index, step));
        }
        if max.is_none_or(|(greatest, ..)| value > greatest) {
            max = Some((value, index, step));
        }
    }
    summary.first = ends.map(|((step, index), _)| point(step, index));
    summary.last = ends.map(|(_, (step, index))| point(step, index));
    summary.min = min.map(|(_, index, step)| point(step, index));
    summary.max = max.map(|(_, index, step)| point(step, index));
    summary
}

fn is_ascending(steps: &[f64]) -> bool {
    steps.windows(2).all(|pair| pair[0] < pair[1])
}

/// Summary of what shows of sorted points.
pub(crate) fn summarize(
    points: &PointColumns,
    hiding: &SeriesHiding,
    value_type: ValueType,
) -> SeriesSummary {
    if hiding.is_empty() && is_ascending(&points.steps) {
        let steps = points.steps.iter().copied();
        return summarize_ascending(steps, &points.times, &points.values, value_type);
    }
    points.summarize(&points.visible(hiding), value_type)
}

/// Summary of what shows of one part of a frame by itself.
fn summarize_part(part: &FramePart<'_>, hiding: &SeriesHiding) -> SeriesSummary {
    let columns = part.columns;
    if hiding.is_empty() && is_ascending(&columns.steps) {
        let steps = columns.steps.iter().map(|step| step + part.base + 0.0);
        return summarize_ascending(steps, &columns.times, &columns.values, part.value_type);
    }
    let mut points = PointColumns::default();
    points.extend(
        columns,
        part.base,
        part.value_type,
        part.value_type,
        part.order,
    );
    points.sort();
    points.summarize(&points.visible(hiding), part.value_type)
}

/// What the unfolded points of a series amount to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnfoldedSeries {
    /// Of the readable points; means nothing if `is_tangled`.
    pub(crate) summary: SeriesSummary,
    pub(crate) value_type: ValueType,
    /// Frames write the same steps, so that only the points themselves tell.
    pub(crate) is_tangled: bool,
}

/// What all unfolded frames of a run amount to.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnfoldedSummary {
    folds: i64,
    change: i64,
    last_id: i64,
    pub(crate) series: HashMap<SeriesId, UnfoldedSeries>,
}

impl UnfoldedSummary {
    /// Takes the frames after `last_id` in.
    fn extend(
        &mut self,
        connection: &Connection,
        run: RunKey,
        keys: &[SeriesKey],
        hiding: &RunHiding,
    ) -> Result<()> {
        let mut bindings = WriterBindings::default();
        let mut walk = FrameWalk::default();
        scan_frames(connection, run, self.last_id + 1, |frame| {
            self.last_id = frame.id;
            let bindings = bindings.of(connection, frame.writer)?;
            walk.walk(
                &frame,
                bindings,
                |_| true,
                |part| {
                    let key = keys.get(part.series.0 as usize).ok_or_else(|| {
                        value_error("a frame", format!("there is no series {}", part.series.0))
                    })?;
                    self.add(&part, &hiding.of_series(key))
                },
            )?;
            Ok(true)
        })
    }

    fn add(&mut self, part: &FramePart<'_>, hiding: &SeriesHiding) -> Result<()> {
        let summary = summarize_part(part, hiding);
        let series = self.series.entry(part.series).or_insert(UnfoldedSeries {
            summary: SeriesSummary::default(),
            value_type: part.value_type,
            is_tangled: false,
        });
        series.value_type = unify(Some(series.value_type), part.value_type)?;
        series.is_tangled |= !are_disjoint(&series.summary, &summary);
        if !series.is_tangled {
            series.summary = merge_summaries(&series.summary, &summary);
        }
        Ok(())
    }
}

/// Summaries that are kept between questions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caches<'a> {
    pub(crate) unfolded: &'a UnfoldedCache,
    pub(crate) forks: &'a ForkCache,
}

/// Summaries of unfolded frames of the runs that were looked at lately.
#[derive(Debug, Default)]
pub(crate) struct UnfoldedCache {
    runs: Mutex<HashMap<RunKey, Arc<UnfoldedSummary>>>,
}

impl UnfoldedCache {
    /// The summary of what is unfolded in the snapshot of `connection`.
    pub(crate) fn read(
        &self,
        connection: &Connection,
        run: RunKey,
        folds: i64,
        keys: &[SeriesKey],
        hiding: &RunHiding,
    ) -> Result<Arc<UnfoldedSummary>> {
        let range = RowRange::of(run_column(run));
        let last_id = find(connection, sql::LAST_L0, (range.first, range.end), |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?
        .unwrap_or(range.first - 1);
        let change = hiding.newest_change();
        let known = self.lock().get(&run).cloned().filter(|known| {
            known.folds == folds && known.change == change && known.last_id <= last_id
        });
        if let Some(known) = known.as_ref().filter(|known| known.last_id == last_id) {
            return Ok(Arc::clone(known));
        }
        let mut summary = known.map_or_else(
            || UnfoldedSummary {
                folds,
                change,
                last_id: range.first - 1,
                ..Default::default()
            },
            |known| UnfoldedSummary::clone(&known),
        );
        summary.extend(connection, run, keys, hiding)?;
        let summary = Arc::new(summary);
        self.keep(run, &summary);
        Ok(summary)
    }

    fn keep(&self, run: RunKey, summary: &Arc<UnfoldedSummary>) {
        if summary.series.len() > CACHED_SERIES_MAX / 2 {
            return;
        }
        let mut runs = self.lock();
        let others: usize = runs
            .iter()
            .filter(|(key, _)| **key != run)
            .map(|(_, other)| other.series.len())
            .sum();
        if others + summary.series.len() > CACHED_SERIES_MAX {
            runs.clear();
        }
        runs.insert(run, Arc::clone(summary));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunKey, Arc<UnfoldedSummary>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The summary that a row of the block holds.
pub(crate) fn summary_of_row(row: &SummaryRow) -> Result<SeriesSummary> {
    let point = |mark: Option<SummaryMark>| -> Result<Option<SummaryPoint>> {
        mark.map(|mark| {
            Ok(SummaryPoint {
                step: Step::new(mark.step).map_err(|error| value_error("a run summary", error))?,
                time: Timestamp::from_micros(mark.time),
                value: mark.value,
            })
        })
        .transpose()
    };
    Ok(SeriesSummary {
        count: row.count,
        nan_count: row.nan_count,
        positive_infinity_count: row.positive_infinity_count,
        negative_infinity_count: row.negative_infinity_count,
        first: point(row.first)?,
        last: point(row.last)?,
        min: point(row.min)?,
        max: point(row.max)?,
        sum: row.sum,
    })
}

/// Puts a summary into a row of the block.
pub(crate) fn set_summary(row: &mut SummaryRow, summary: &SeriesSummary) {
    let mark = |point: Option<SummaryPoint>| {
        point.map(|point| SummaryMark {
            step: point.step.get(),
            time: point.time.as_micros(),
            value: point.value,
        })
    };
    row.count = summary.count;
    row.nan_count = summary.nan_count;
    row.positive_infinity_count = summary.positive_infinity_count;
    row.negative_infinity_count = summary.negative_infinity_count;
    row.first = mark(summary.first);
    row.last = mark(summary.last);
    row.min = mark(summary.min);
    row.max = mark(summary.max);
    row.sum = summary.sum;
    row.flags = if row.count == row.stored_count {
        SummaryRow::SORTED
    } else {
        0
    };
}
