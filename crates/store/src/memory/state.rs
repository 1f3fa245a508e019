//! What the in-memory engine keeps, and the naive answers it gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use runstone_model::{
    ChangeNumber, Experiment, ExperimentKey, ForkPin, MetricName, Params, RunId, RunKey, SeriesKey,
    ValueType, WorkspaceId, WriterId,
};

use super::blobs::BlobRows;
use super::texts::{StoredSet, WriterLogs};
use crate::apply::{
    FormerRun, LostRange, RunRow, SeriesBinding, SeriesId, SeriesState, SeriesWriters,
};
use crate::apply::{WarningKind, WriterRow};
use crate::{
    ChangeRow, Cut, EventRecord, MetricDefinition, Removal, ScalarRecord, WarningRecord,
    convert_bits,
};

/// The whole store. Cloning it copies handles; what is written is copied when it is shared.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) change: ChangeNumber,
    /// The journal, without the changes up to `changes_forgotten`.
    pub(super) changes: BTreeMap<ChangeNumber, ChangeRow>,
    pub(super) changes_forgotten: ChangeNumber,
    pub(super) last_run_key: u64,
    pub(super) runs: BTreeMap<RunKey, Arc<RunData>>,
    /// Purged runs, for the forks that share their points.
    pub(super) former: BTreeMap<RunKey, Arc<RunData>>,
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
    /// Series that a fork shares with its parent.
    pub(super) shared: BTreeMap<SeriesKey, SeriesState>,
    pub(super) cuts: Vec<Cut>,
    pub(super) removals: Vec<Removal>,
    pub(super) logs: BTreeMap<WriterId, WriterLogs>,
}

/// A series and every point or set ever applied to it, in the order of their frames.
#[derive(Debug, Clone)]
pub(super) struct SeriesData {
    pub(super) key: SeriesKey,
    pub(super) points: Vec<StoredPoint>,
    pub(super) sets: Vec<StoredSet>,
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

    /// All points of a series in the order of history, those shared with the parent first at
    /// their steps, each with whether it shows.
    pub(super) fn history(&self, run: &RunData, key: &SeriesKey) -> Vec<(StoredPoint, bool)> {
        RunData::history(key, self.points(run, key), &run.cuts, &run.removals)
    }

    /// The type a series reads as; `None` if it never had a point.
    pub(super) fn value_type(run: &RunData, key: &SeriesKey) -> Option<ValueType> {
        let own = run.find_series(key).map(|id| &run.series[id.0 as usize]);
        let own = own.and_then(|series| type_of(&series.points));
        let shared = run.shared.get(key).and_then(|state| state.value_type);
        let types = own.into_iter().chain(shared);
        types.reduce(|one, other| one.unify(other).expect("only numbers are kept"))
    }

    /// Keys of all series, shared ones too.
    pub(super) fn keys(run: &RunData) -> BTreeSet<SeriesKey> {
        let own = run.series.iter().map(|series| &series.key);
        own.chain(run.shared.keys()).cloned().collect()
    }

    /// The series that a fork shares with its parent, and what their points amounted to then.
    pub(super) fn shared_series(&self, pin: &ForkPin) -> BTreeMap<SeriesKey, SeriesState> {
        let Some(parent) = self.parent(pin) else {
            return BTreeMap::new();
        };
        let step = pin.step.get();
        let shared = |key: SeriesKey| {
            let state = self.state_of(parent, &key);
            let (low, high) = state.step_range.filter(|range| range.0 <= step)?;
            let shared = SeriesState {
                step_range: Some((low, high.min(step))),
                highest: state.highest.map(|highest| highest.min(step.floor())),
                value_type: state.value_type,
                ..SeriesState::default()
            };
            Some((key, shared))
        };
        let keys = Self::keys(parent).into_iter();
        // Objects are not shared.
        let keys = keys.filter(|key| !key.kind.is_object());
        keys.filter_map(shared).collect()
    }

    /// Every point of a series: those of the run, and before them, as if they had come with an
    /// append number 0, those that it shares with its parent.
    pub(super) fn points(&self, run: &RunData, key: &SeriesKey) -> Vec<StoredPoint> {
        let value_type = run.shared.get(key).and_then(|state| state.value_type);
        let mut points = match (run.row.run.parent, value_type) {
            (Some(pin), Some(value_type)) => self.shared(&pin, key, value_type),
            _ => Vec::new(),
        };
        if let Some(id) = run.find_series(key) {
            points.extend_from_slice(&run.series[id.0 as usize].points);
        }
        points
    }

    /// What showed of a parent's series when it was forked, as it read then.
    fn shared(&self, pin: &ForkPin, key: &SeriesKey, value_type: ValueType) -> Vec<StoredPoint> {
        let Some(parent) = self.parent(pin) else {
            return Vec::new();
        };
        // The order of frames tells what showed then.
        let mut points = self.points(parent, key);
        points.retain(|point| point.append <= pin.append.0);
        let cuts: Vec<Cut> = (parent.cuts.iter().copied())
            .filter(|cut| cut.generation <= pin.generation)
            .collect();
        let removals: Vec<Removal> = (parent.removals.iter())
            .filter(|removal| removal.append <= pin.append)
            .cloned()
            .collect();
        RunData::history(key, points, &cuts, &removals)
            .into_iter()
            .filter(|(point, visible)| *visible && point.step <= pin.step.get())
            .map(|(point, _)| StoredPoint {
                generation: 0,
                append: 0,
                position: 0,
                bits: convert_bits(point.bits, point.value_type, value_type),
                value_type,
                ..point
            })
            .collect()
    }

    fn parent(&self, pin: &ForkPin) -> Option<&RunData> {
        let found = self
            .runs
            .get(&pin.parent)
            .or_else(|| self.former.get(&pin.parent));
        found.map(|data| &**data)
    }

    /// What the points of a series amount to.
    pub(super) fn state_of(&self, run: &RunData, key: &SeriesKey) -> SeriesState {
        let own = run.find_series(key).map(|id| &*run.series[id.0 as usize]);
        let points = own.map_or(&[][..], |series| &series.points);
        let sets = own.map_or(&[][..], |series| &series.sets);
        let of_points = points
            .iter()
            .map(|one| (one.step, one.generation, one.writer));
        let of_sets = sets
            .iter()
            .map(|one| (one.step, one.generation, one.writer));
        let all: Vec<(f64, u32, WriterId)> = of_points.chain(of_sets).collect();
        let shared = run.shared.get(key).copied().unwrap_or_default();
        let ends = shared
            .step_range
            .map_or_else(Vec::new, |range| vec![range.0, range.1]);
        let steps = || {
            all.iter()
                .map(|(step, ..)| *step)
                .chain(ends.iter().copied())
        };
        let shared_highest = shared.highest.map(|highest| {
            let cuts = run.cuts.iter().map(|cut| cut.to_step.get());
            cuts.fold(highest, crate::counted_before)
        });
        let own_highest = all
            .iter()
            .map(|(step, generation, _)| run.counted_step(*step, *generation));
        let mut writers = SeriesWriters::Nobody;
        for (.., wrote) in &all {
            writers = match writers {
                SeriesWriters::Nobody => SeriesWriters::One(*wrote),
                SeriesWriters::One(writer) if writer == *wrote => writers,
                _ => SeriesWriters::Several,
            };
        }
        SeriesState {
            step_range: steps().reduce(f64::min).zip(steps().reduce(f64::max)),
            highest: own_highest.chain(shared_highest).reduce(f64::max),
            value_type: Self::value_type(run, key),
            writers,
            two_writers: own.is_some_and(|series| series.two_writers),
        }
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
            shared: BTreeMap::new(),
            cuts: Vec::new(),
            removals: Vec::new(),
            logs: BTreeMap::new(),
        }
    }

    pub(super) fn find_series(&self, key: &SeriesKey) -> Option<SeriesId> {
        let index = self.series.iter().position(|series| series.key == *key)?;
        Some(SeriesId(
            u32::try_from(index).expect("the number of series is limited"),
        ))
    }

    /// Whether neither a later generation nor a later removal hides a point or a set.
    pub(super) fn is_alive(
        &self,
        series: &SeriesKey,
        at: f64,
        generation: u32,
        append: u64,
    ) -> bool {
        let order = (at, generation, append);
        is_alive(series, order, &self.cuts, &self.removals)
    }

    /// The whole step that a point or a set counts as.
    fn counted_step(&self, step: f64, generation: u32) -> f64 {
        let later = self.cuts.iter().filter(|cut| cut.generation.0 > generation);
        later.fold(step.floor(), |highest, cut| {
            crate::counted_before(highest, cut.to_step.get())
        })
    }

    /// Points of a series in the order of history, each with whether it shows.
    fn history(
        key: &SeriesKey,
        mut points: Vec<StoredPoint>,
        cuts: &[Cut],
        removals: &[Removal],
    ) -> Vec<(StoredPoint, bool)> {
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
            .map(|point| {
                let order = (point.step, point.generation, point.append);
                is_alive(key, order, cuts, removals)
            })
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
            sets: Vec::new(),
            two_writers: false,
        }
    }
}

/// Whether what stands at (step, generation, append number) is neither cut nor removed.
fn is_alive(
    series: &SeriesKey,
    (step, generation, append): (f64, u32, u64),
    cuts: &[Cut],
    removals: &[Removal],
) -> bool {
    let cut = cuts
        .iter()
        .any(|cut| cut.generation.0 > generation && step >= cut.to_step.get());
    let removed = removals.iter().any(|removal| {
        removal.append.0 > append
            && removal.series.as_ref().is_none_or(|key| key == series)
            && removal.step.is_none_or(|removed| removed.get() == step)
    });
    !cut && !removed
}

/// The type of points together; `None` without points.
pub(super) fn type_of(points: &[StoredPoint]) -> Option<ValueType> {
    let types = points.iter().map(|point| point.value_type);
    types.reduce(|one, other| one.unify(other).expect("only numbers are kept"))
}
