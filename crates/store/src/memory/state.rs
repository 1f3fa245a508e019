//! What the in-memory engine keeps, and the naive answers it gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use runstone_model::{
    ChangeNumber, Experiment, ExperimentKey, MetricName, Params, RunId, RunKey, SeriesKey,
    ValueType, WorkspaceId, WriterId,
};

use super::blobs::BlobRows;
use crate::apply::{
    FormerRun, LostRange, RunRow, SeriesBinding, SeriesId, SeriesState, SeriesWriters,
};
use crate::apply::{WarningKind, WriterRow};
use crate::{ChangeRow, Cut, EventRecord, MetricDefinition, Removal, ScalarRecord, WarningRecord};

/// The whole store. Cloning it copies handles; what is written is copied when it is shared.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) change: ChangeNumber,
    /// The journal, without the changes up to `changes_forgotten`.
    pub(super) changes: BTreeMap<ChangeNumber, ChangeRow>,
    pub(super) changes_forgotten: ChangeNumber,
    pub(super) last_run_key: u64,
    pub(super) runs: BTreeMap<RunKey, Arc<RunData>>,
    /// What is left of purged runs, the life of each id that was deleted last, with the change of
    /// its deletion.
    pub(super) purged: BTreeMap<(WorkspaceId, RunId), (ChangeNumber, FormerRun)>,
    pub(super) writers: BTreeMap<WriterId, Arc<WriterData>>,
    pub(super) experiments: BTreeMap<ExperimentKey, Experiment>,
    pub(super) definitions: BTreeMap<(ExperimentKey, MetricName), MetricDefinition>,
    pub(super) blobs: BlobRows,
    pub(super) applied_frames: u64,
    pub(super) applied_points: u64,
}

/// A run and all that hangs on it.
#[derive(Debug, Clone)]
pub(super) struct RunData {
    pub(super) row: RunRow,
    pub(super) params: Params,
    pub(super) scalars: BTreeMap<MetricName, ScalarRecord>,
    pub(super) events: Vec<EventRecord>,
    pub(super) warnings: BTreeMap<WarningKind, WarningRecord>,
    /// By [`SeriesId`].
    pub(super) series: Vec<Arc<SeriesData>>,
    pub(super) cuts: Vec<Cut>,
    pub(super) removals: Vec<Removal>,
}

/// A series and every point ever applied to it, in the order of their frames.
#[derive(Debug, Clone)]
pub(super) struct SeriesData {
    pub(super) key: SeriesKey,
    pub(super) points: Vec<StoredPoint>,
    pub(super) two_writers: bool,
}

/// One point.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredPoint {
    pub(super) step: f64,
    pub(super) generation: u32,
    pub(super) append: u64,
    pub(super) position: u32,
    pub(super) time: i64,
    pub(super) epoch: Option<f64>,
    pub(super) bits: u64,
    pub(super) value_type: ValueType,
    pub(super) writer: WriterId,
}

/// A writer and all that hangs on it.
#[derive(Debug, Clone)]
pub(super) struct WriterData {
    pub(super) row: WriterRow,
    pub(super) bindings: BTreeMap<u32, SeriesBinding>,
    pub(super) dropped: BTreeMap<u32, u64>,
    pub(super) lost: Vec<LostRange>,
}

impl State {
    /// Runs that are not deleted.
    pub(super) fn living(&self) -> impl Iterator<Item = &Arc<RunData>> {
        let runs = self.runs.values();
        runs.filter(|data| data.row.deleted_at.is_none())
    }
}

impl RunData {
    pub(super) fn new(row: RunRow) -> Self {
        Self {
            row,
            params: Params::default(),
            scalars: BTreeMap::new(),
            events: Vec::new(),
            warnings: BTreeMap::new(),
            series: Vec::new(),
            cuts: Vec::new(),
            removals: Vec::new(),
        }
    }

    pub(super) fn find_series(&self, key: &SeriesKey) -> Option<SeriesId> {
        let index = self.series.iter().position(|series| series.key == *key)?;
        Some(SeriesId(
            u32::try_from(index).expect("the number of series is limited"),
        ))
    }

    /// Whether neither a later generation nor a later removal hides a point.
    pub(super) fn is_alive(&self, series: &SeriesKey, point: &StoredPoint) -> bool {
        let cut = self
            .cuts
            .iter()
            .any(|cut| cut.generation.0 > point.generation && point.step >= cut.to_step.get());
        let removed = self.removals.iter().any(|removal| {
            removal.append.0 > point.append
                && removal.series.as_ref().is_none_or(|key| key == series)
                && removal.step.is_none_or(|step| step.get() == point.step)
        });
        !cut && !removed
    }

    /// All points of a series in the order of history, each with whether it shows.
    pub(super) fn history(&self, series: &SeriesData) -> Vec<(StoredPoint, bool)> {
        let mut points = series.points.clone();
        points.sort_by(|a, b| {
            a.step
                .total_cmp(&b.step)
                .then((a.generation, a.append, a.position).cmp(&(
                    b.generation,
                    b.append,
                    b.position,
                )))
        });
        let alive: Vec<bool> = points
            .iter()
            .map(|point| self.is_alive(&series.key, point))
            .collect();
        let shows = |index: usize| {
            alive[index]
                && !(index + 1..points.len())
                    .take_while(|later| points[*later].step == points[index].step)
                    .any(|later| alive[later])
        };
        (0..points.len())
            .map(|index| (points[index], shows(index)))
            .collect()
    }
}

impl SeriesData {
    pub(super) fn new(key: SeriesKey) -> Self {
        Self {
            key,
            points: Vec::new(),
            two_writers: false,
        }
    }

    /// The type it reads as; `None` without points.
    pub(super) fn value_type(&self) -> Option<ValueType> {
        self.points
            .iter()
            .map(|point| point.value_type)
            .reduce(|one, other| one.unify(other).expect("only numbers are kept"))
    }

    pub(super) fn state(&self) -> SeriesState {
        let steps = || self.points.iter().map(|point| point.step);
        let lowest = steps().reduce(f64::min);
        let highest = steps().reduce(f64::max);
        let mut writers = SeriesWriters::Nobody;
        for point in &self.points {
            writers = match writers {
                SeriesWriters::Nobody => SeriesWriters::One(point.writer),
                SeriesWriters::One(writer) if writer == point.writer => writers,
                _ => SeriesWriters::Several,
            };
        }
        SeriesState {
            step_range: lowest.zip(highest),
            value_type: self.value_type(),
            writers,
            two_writers: self.two_writers,
        }
    }
}
