//! An engine under test, and short words for what the scenarios ask of it.

use runstone_model::{
    ExperimentKey, Params, RunId, RunKey, RunState, SeriesKey, Timestamp, WorkspaceId, WriterId,
};
use runstone_wire::{FrameAnswer, FrameStatus, RefusalCode};

use crate::{
    AppendFrame, EditOutcome, EditRequest, EventRecord, MetricDefinition, Point, PointScan,
    RunAction, RunRecord, ScalarRecord, SeriesRecord, SeriesScan, Snapshot, Store, StoreError,
    SummaryFold, WarningRecord, WriterRecord,
};

/// What a test crate says about its engine.
pub trait Engine {
    /// A new, empty store of the least durable configuration that keeps all promises, and
    /// [`super::CONFORMANCE_CHANGES_KEPT`] changes.
    fn open() -> Self
    where
        Self: Sized;

    /// The store.
    fn store(&self) -> &dyn Store;

    /// Closes the store and opens the same data again; an engine in memory does nothing.
    fn reopen(&mut self);
}

/// What happens between any two appends of a scenario. None of it may change an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// Everything is folded.
    Folds,
    /// Everything is folded after every second frame only, so that folded and unfolded mix.
    SometimesFolds,
    /// The store is closed and opened again.
    Reopens,
}

/// An engine, and what happens between appends.
pub struct Harness {
    engine: Box<dyn Engine>,
    between: Between,
    frames: u64,
}

impl Harness {
    /// A new, empty store.
    pub fn new<E: Engine + 'static>(between: Between) -> Self {
        Self {
            engine: Box::new(E::open()),
            between,
            frames: 0,
        }
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        self.engine.store()
    }

    /// Closes the store and opens it again.
    pub fn reopen(&mut self) {
        self.engine.reopen();
    }

    /// Appends a frame and returns the answer, whatever it is.
    pub fn append(&mut self, frame: AppendFrame) -> FrameAnswer {
        let answer = self
            .store()
            .append(frame)
            .expect("append answers every good frame");
        self.pass_time();
        answer
    }

    /// Edits runs and returns the outcomes.
    pub fn edit(&mut self, ids: &[&str], action: &RunAction, at: Timestamp) -> Vec<EditOutcome> {
        let runs = ids.iter().map(|id| RunId::new(*id));
        let request = EditRequest {
            workspace: WorkspaceId::default(),
            runs: runs.collect::<Result<_, _>>().expect("the ids are good"),
            action: action.clone(),
            at,
        };
        let answer = self.store().edit(&request).expect("the store is open");
        assert_eq!(answer.outcomes.len(), ids.len());
        let newest = self.store().change_number().expect("the store is open");
        assert_eq!(answer.change, newest);
        self.pass_time();
        answer.outcomes
    }

    /// What happens between any two mutations.
    fn pass_time(&mut self) {
        self.frames += 1;
        match self.between {
            Between::Nothing => {}
            Between::Folds => self.fold(),
            Between::SometimesFolds if self.frames.is_multiple_of(2) => self.fold(),
            Between::SometimesFolds => {}
            Between::Reopens => self.engine.reopen(),
        }
    }

    /// Folds everything.
    pub fn fold(&self) {
        self.store().fold(true).expect("folding works");
    }

    /// Appends a frame that is applied without a refusal.
    #[track_caller]
    pub fn apply(&mut self, frame: AppendFrame) -> FrameAnswer {
        let answer = self.append(frame);
        assert_eq!(answer.status, FrameStatus::Applied, "{answer:?}");
        assert!(answer.refusals.is_empty(), "{answer:?}");
        answer
    }

    /// Appends a frame that is applied but for the operations named by (index, code).
    #[track_caller]
    pub fn apply_refusing(
        &mut self,
        frame: AppendFrame,
        refused: &[(u32, RefusalCode)],
    ) -> FrameAnswer {
        let answer = self.append(frame);
        assert_eq!(answer.status, FrameStatus::Applied, "{answer:?}");
        let named: Vec<(u32, RefusalCode)> = answer
            .refusals
            .iter()
            .map(|refusal| (refusal.operation, refusal.code))
            .collect();
        assert_eq!(named, refused, "{answer:?}");
        assert!(
            answer
                .refusals
                .iter()
                .all(|refusal| !refusal.reason.is_empty())
        );
        answer
    }

    /// Appends a frame that changes nothing, with the status given.
    #[track_caller]
    pub fn unchanged(&mut self, frame: AppendFrame, status: FrameStatus) -> FrameAnswer {
        let before = self.store().change_number().expect("the store is open");
        let answer = self.append(frame);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.refusals.is_empty(), "{answer:?}");
        assert_eq!(
            self.store().change_number().expect("the store is open"),
            before
        );
        assert_eq!(answer.change, before);
        answer
    }

    /// Asks a snapshot.
    pub fn ask<T>(&self, question: impl FnOnce(&dyn Snapshot) -> T) -> T {
        let snapshot = self.store().snapshot().expect("the store is open");
        question(snapshot.as_ref())
    }

    /// The run of an address.
    #[track_caller]
    pub fn run(&self, address: &str) -> RunRecord {
        self.find_run(address).expect("the run is there")
    }

    /// What an address finds.
    pub fn find_run(&self, address: &str) -> Result<RunRecord, StoreError> {
        self.ask(|snapshot| snapshot.find_run(WorkspaceId::default(), address))
    }

    /// State of a run.
    #[track_caller]
    pub fn state(&self, address: &str) -> RunState {
        self.run(address).run.state
    }

    /// Key of a run.
    #[track_caller]
    pub fn key(&self, address: &str) -> RunKey {
        self.run(address).key
    }

    /// Key of a run's experiment.
    #[track_caller]
    pub fn experiment(&self, address: &str) -> ExperimentKey {
        self.run(address).run.experiment
    }

    /// Params of a run.
    pub fn params(&self, address: &str) -> Params {
        let run = self.key(address);
        self.ask(|snapshot| snapshot.read_params(run))
            .expect("params are readable")
    }

    /// Params of a run as JSON text.
    pub fn params_json(&self, address: &str) -> String {
        self.params(address).to_json().to_string()
    }

    /// Scalars of a run.
    pub fn scalars(&self, address: &str) -> Vec<ScalarRecord> {
        let run = self.key(address);
        self.ask(|snapshot| snapshot.read_scalars(run))
            .expect("scalars are readable")
    }

    /// Events of a run.
    pub fn events(&self, address: &str) -> Vec<EventRecord> {
        let run = self.key(address);
        self.ask(|snapshot| snapshot.read_events(run))
            .expect("events are readable")
    }

    /// Warnings of a run.
    pub fn warnings(&self, address: &str) -> Vec<WarningRecord> {
        let run = self.key(address);
        self.ask(|snapshot| snapshot.read_warnings(run))
            .expect("warnings are readable")
    }

    /// Kinds and counts of the warnings of a run.
    pub fn warning_counts(&self, address: &str) -> Vec<(String, u64)> {
        let warnings = self.warnings(address).into_iter();
        warnings
            .map(|warning| (warning.kind, warning.count))
            .collect()
    }

    /// Writers of a run.
    pub fn writers(&self, address: &str) -> Vec<WriterRecord> {
        let run = self.key(address);
        self.ask(|snapshot| snapshot.read_writers(run))
            .expect("writers are readable")
    }

    /// One writer of a run.
    #[track_caller]
    pub fn writer(&self, address: &str, writer: WriterId) -> WriterRecord {
        let mut writers = self.writers(address).into_iter();
        writers
            .find(|record| record.writer.id == writer)
            .expect("the writer is there")
    }

    /// Metric definitions of a run's experiment.
    pub fn definitions(&self, address: &str) -> Vec<MetricDefinition> {
        let experiment = self.experiment(address);
        self.ask(|snapshot| snapshot.read_metric_definitions(experiment))
            .expect("definitions are readable")
    }

    /// All series of a run, gathered from pages of every small size.
    #[track_caller]
    pub fn series(&self, address: &str) -> Vec<SeriesRecord> {
        let run = self.key(address);
        self.ask(|snapshot| all_series(snapshot, run, 3))
    }

    /// One series of a run.
    #[track_caller]
    pub fn one_series(&self, address: &str, key: &SeriesKey) -> SeriesRecord {
        let mut series = self.series(address).into_iter();
        series
            .find(|record| record.key == *key)
            .expect("the series is there")
    }

    /// Readable points of a series; none if there is no such series. The summary of the series is
    /// checked against them.
    #[track_caller]
    pub fn points(&self, address: &str, key: &SeriesKey) -> Vec<Point> {
        let run = self.key(address);
        let (points, record) = self.ask(|snapshot| {
            let points = all_points(snapshot, run, key, false, 5);
            let record = all_series(snapshot, run, 100)
                .into_iter()
                .find(|one| one.key == *key);
            (points, record)
        });
        assert!(points.iter().all(|point| point.visible));
        check_summary(&points, record.as_ref());
        points
    }

    /// (step, value) of the readable points of a series.
    #[track_caller]
    pub fn values(&self, address: &str, key: &SeriesKey) -> Vec<(f64, f64)> {
        step_values(&self.points(address, key))
    }

    /// All points ever applied to a series.
    #[track_caller]
    pub fn history(&self, address: &str, key: &SeriesKey) -> Vec<Point> {
        let run = self.key(address);
        self.ask(|snapshot| all_points(snapshot, run, key, true, 5))
    }
}

/// (step, value) of points.
pub fn step_values(points: &[Point]) -> Vec<(f64, f64)> {
    points
        .iter()
        .map(|point| (point.position.step.get(), point.value.as_f64()))
        .collect()
}

/// All series of a run, page by page.
pub fn all_series(snapshot: &dyn Snapshot, run: RunKey, limit: usize) -> Vec<SeriesRecord> {
    let mut all = Vec::new();
    let mut scan = SeriesScan {
        limit,
        ..SeriesScan::default()
    };
    loop {
        let page = snapshot
            .scan_series(run, &scan)
            .expect("series are readable");
        assert!(
            page.series.len() <= limit,
            "a page is longer than its limit"
        );
        all.extend(page.series);
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return all,
        }
    }
}

/// All points of a series, page by page; none if there is no such series.
pub fn all_points(
    snapshot: &dyn Snapshot,
    run: RunKey,
    key: &SeriesKey,
    history: bool,
    limit: usize,
) -> Vec<Point> {
    let mut all = Vec::new();
    let mut scan = point_scan(key, limit);
    scan.history = history;
    loop {
        let page = match snapshot.scan_points(run, &scan) {
            Ok(page) => page,
            Err(StoreError::NotFound(_)) => return all,
            Err(error) => panic!("points are not readable: {error}"),
        };
        assert!(
            page.points.len() <= limit,
            "a page is longer than its limit"
        );
        all.extend(page.points);
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return all,
        }
    }
}

/// A scan of a whole series.
pub fn point_scan(key: &SeriesKey, limit: usize) -> PointScan {
    PointScan {
        series: key.clone(),
        from_step: None,
        to_step: None,
        history: false,
        after: None,
        limit,
    }
}

/// A summary equals a fold over the readable points; the sum up to rounding.
#[track_caller]
pub fn check_summary(points: &[Point], record: Option<&SeriesRecord>) {
    let mut fold = SummaryFold::default();
    let mut magnitude = 0.0;
    for point in points {
        let value = point.value.as_f64();
        fold.push(point.position.step, point.time, value);
        if value.is_finite() {
            magnitude += value.abs();
        }
    }
    let mut folded = fold.finish();
    let Some(record) = record else {
        assert!(
            points.is_empty(),
            "a series with readable points is not listed"
        );
        return;
    };
    assert!(
        !points.is_empty(),
        "a series without readable points is listed: {record:?}"
    );
    let given = record.summary;
    assert!(
        sums_agree(given.sum, folded.sum, magnitude),
        "sum {} of {} differs from {}",
        given.sum,
        record.key,
        folded.sum
    );
    folded.sum = given.sum;
    // Debug text compares NaN with NaN and -0.0 with -0.0.
    assert_eq!(
        format!("{given:?}"),
        format!("{folded:?}"),
        "summary of {}",
        record.key
    );
}

/// Whether two sums of the same values differ by rounding only; `magnitude` is the sum of their
/// absolute values.
pub fn sums_agree(one: f64, other: f64, magnitude: f64) -> bool {
    one.to_bits() == other.to_bits()
        || (one - other).abs() <= 1e-9 * magnitude
        || (!magnitude.is_finite() && (one.is_nan() || !one.is_finite() || !other.is_finite()))
}
