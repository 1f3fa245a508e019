//! What a snapshot answers: records of the catalogue, pages of series and points.

use runstone_model::{
    AppendNumber, ChangeNumber, Context, EndReason, Experiment, ExperimentKey, Generation, Goal,
    LifecycleEvent, MetricName, Run, RunKey, RunState, ScalarValue, SeriesKey, Step, Timestamp,
    ValueType, WorkspaceId, Writer, WriterId,
};

/// Where the server stands with a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterMark {
    /// Every slot below is applied or recorded as lost.
    pub mark: u64,
    /// The writer's chain at the mark.
    pub chain: u64,
}

/// A run with what a table of runs shows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Never reused.
    pub key: RunKey,
    /// All fields of the run.
    pub run: Run,
    /// Name of its experiment.
    pub experiment_name: String,
    /// Newest change that touched it.
    pub changed: ChangeNumber,
    /// Server's clock of the last frame.
    pub last_received_at: Option<Timestamp>,
    /// Sum over its writers.
    pub completeness: RunCompleteness,
    /// Its present generation.
    pub generation: Generation,
    /// The server's clock when it was deleted; `None` while it lives.
    pub deleted_at: Option<Timestamp>,
}

/// Completeness is data: what was logged and what of it is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunCompleteness {
    /// Points of all calls, as far as the writers have told; never below `durable`.
    pub logged_points: u64,
    /// Points applied here, history included.
    pub durable_points: u64,
    /// Points refused, at the client or here.
    pub refused_points: u64,
    /// Points dropped at the client.
    pub dropped_points: u64,
    /// Slots recorded as lost (a server lost its disk, a segment is missing).
    pub lost_slots: u64,
}

/// Order of a scan of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunOrder {
    /// Newest created first, the greatest key first among equals.
    #[default]
    NewestFirst,
    /// Oldest created first, the smallest key first among equals: the reverse.
    OldestFirst,
}

/// Which runs, how many.
#[derive(Debug, Clone, Default)]
pub struct RunScan {
    /// Workspace.
    pub workspace: WorkspaceId,
    /// Only of this experiment.
    pub experiment: Option<String>,
    /// Only in one of these states; empty: all.
    pub states: Vec<RunState>,
    /// Archived ones too.
    pub include_archived: bool,
    /// Order.
    pub order: RunOrder,
    /// Continue after this position.
    pub after: Option<(Timestamp, RunKey)>,
    /// At most so many; 0 is taken as 1.
    pub limit: usize,
}

/// One page.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunRecord>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<(Timestamp, RunKey)>,
}

/// An experiment with its number of living runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentRecord {
    /// Never reused.
    pub key: ExperimentKey,
    /// Its fields.
    pub experiment: Experiment,
    /// Living runs.
    pub runs: u64,
}

/// A scalar.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarRecord {
    /// Name.
    pub name: MetricName,
    /// Typed value.
    pub value: ScalarValue,
    /// The client's clock.
    pub time: Timestamp,
}

/// A writer as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct WriterRecord {
    /// Its fields, its end included.
    pub writer: Writer,
    /// Mark and chain.
    pub mark: WriterMark,
    /// Counters of this writer alone.
    pub completeness: RunCompleteness,
    /// Dropped points by series of this writer.
    pub dropped_by_series: Vec<(SeriesKey, u64)>,
    /// Ranges of slots recorded as lost.
    pub lost: Vec<(u64, u64)>,
    /// Server's clock of the last frame or heartbeat.
    pub last_received_at: Timestamp,
}

/// One step of a run's life.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// Change number of the transition.
    pub change: ChangeNumber,
    /// State before; `None` at creation.
    pub from: Option<RunState>,
    /// State after.
    pub to: RunState,
    /// What happened.
    pub event: LifecycleEvent,
    /// Who: a writer's id, `watchdog`, or a principal's name.
    pub actor: String,
    /// The client's clock where it reported one, else the server's.
    pub at: Timestamp,
    /// Cause.
    pub reason: Option<EndReason>,
    /// The writer concerned.
    pub writer: Option<WriterId>,
}

/// Something a person should know about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarningRecord {
    /// A word of [`crate::apply::WarningKind`], as `refused` or `lost_slots`.
    pub kind: String,
    /// How often; what is counted depends on the kind.
    pub count: u64,
    /// The latest case, as a sentence.
    pub detail: String,
    /// Server's clock of the latest case.
    pub at: Timestamp,
}

/// Which series.
#[derive(Debug, Clone, Default)]
pub struct SeriesScan {
    /// Only of this name.
    pub name: Option<MetricName>,
    /// Only of this context.
    pub context: Option<Context>,
    /// Continue after this key.
    pub after: Option<SeriesKey>,
    /// At most so many; 0 is taken as 1.
    pub limit: usize,
}

/// One page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesPage {
    /// Series and summaries.
    pub series: Vec<SeriesRecord>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<SeriesKey>,
}

/// A series and the summary of its readable points.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesRecord {
    /// Name, context, kind.
    pub key: SeriesKey,
    /// Type it reads as: a mix of i64 and f64 reads as f64.
    pub value_type: ValueType,
    /// Summary.
    pub summary: SeriesSummary,
    /// Goal of its metric in the run's experiment.
    pub goal: Option<Goal>,
}

/// Exact summary of the readable points of a series. NaN never is min, max or best;
/// `first` and `last` may be NaN. Min, max: the earliest step wins among equals.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SeriesSummary {
    /// Readable points.
    pub count: u64,
    /// Of them NaN.
    pub nan_count: u64,
    /// Of them positive infinity.
    pub positive_infinity_count: u64,
    /// Of them negative infinity.
    pub negative_infinity_count: u64,
    /// Point of the smallest step.
    pub first: Option<SummaryPoint>,
    /// Point of the greatest step.
    pub last: Option<SummaryPoint>,
    /// Smallest value, infinities included.
    pub min: Option<SummaryPoint>,
    /// Greatest value, infinities included.
    pub max: Option<SummaryPoint>,
    /// Sum of the finite values; the order of the additions is not promised.
    pub sum: f64,
}

/// A value and where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SummaryPoint {
    /// Its step.
    pub step: Step,
    /// Its time.
    pub time: Timestamp,
    /// Its value as f64.
    pub value: f64,
}

/// Which points of which series.
#[derive(Debug, Clone)]
pub struct PointScan {
    /// The series.
    pub series: SeriesKey,
    /// From this step on, inclusive.
    pub from_step: Option<Step>,
    /// Up to this step, inclusive.
    pub to_step: Option<Step>,
    /// All points ever applied, hidden ones too.
    pub history: bool,
    /// Continue after this position.
    pub after: Option<PointPosition>,
    /// At most so many; 0 is taken as 1.
    pub limit: usize,
}

/// Where a point stands in the order of a scan; compares in that order.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct PointPosition {
    /// Step.
    pub step: Step,
    /// Generation.
    pub generation: Generation,
    /// Append number of its frame.
    pub append: AppendNumber,
    /// Position in its frame's points of the series.
    pub position: u32,
}

/// One page of points.
#[derive(Debug, Clone, PartialEq)]
pub struct PointPage {
    /// Type the series reads as.
    pub value_type: ValueType,
    /// The points.
    pub points: Vec<Point>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<PointPosition>,
}

/// A point as a reader gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Where it stands.
    pub position: PointPosition,
    /// The client's clock.
    pub time: Timestamp,
    /// Value.
    pub value: PointValue,
    /// Epoch, if the call gave one.
    pub epoch: Option<f64>,
    /// Shown at its step, or hidden by a newer one, a rewind or a removal.
    pub visible: bool,
}

/// A typed value of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PointValue {
    /// f64, NaN and infinities included.
    F64(f64),
    /// i64.
    I64(i64),
}

impl PointValue {
    /// As f64; integers past 2^53 lose digits.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::F64(value) => value,
            Self::I64(value) => value as f64,
        }
    }
}

/// Goal, unit and default x of a metric name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricDefinition {
    /// Metric name.
    pub name: MetricName,
    /// Goal.
    pub goal: Option<Goal>,
    /// Unit.
    pub unit: Option<String>,
    /// What to draw on x.
    pub default_x: Option<String>,
}

/// What a fold did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FoldReport {
    /// Runs folded.
    pub runs: u64,
    /// Frames that became packs and chunks.
    pub frames: u64,
    /// Points in them.
    pub points: u64,
}

/// Sizes and counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Living runs.
    pub runs: u64,
    /// Frames not yet folded.
    pub unfolded_frames: u64,
    /// Points not yet folded.
    pub unfolded_points: u64,
    /// Bytes of the database on disk, log excluded.
    pub database_bytes: u64,
    /// Bytes of the write-ahead log.
    pub log_bytes: u64,
    /// Frames applied since start.
    pub applied_frames: u64,
    /// Points applied since start.
    pub applied_points: u64,
}
