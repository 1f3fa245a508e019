//! Bodies of the native API, version 1.
//!
//! The server writes them, the command line reads them, over HTTP or straight from a folder.
//! Fields are added, never renamed. Times are microseconds UTC as integers, steps that are whole
//! are printed as integers, and numbers that JSON cannot say are text (see [`Number`]).

mod artifacts;
mod changes;
mod edits;
mod lines;
mod logs;
mod objects;
mod reading;
pub mod schema;
mod snapshot;
mod storage;
mod table;

pub use artifacts::*;
pub use changes::*;
pub use edits::*;
pub use lines::*;
pub use logs::*;
pub use objects::*;
pub use snapshot::*;
pub use storage::*;
pub use table::*;

use crate::number::Number;
use runstone_model::{
    Alias, EndReason, Goal, LifecycleEvent, RunId, RunState, SeriesKind, Step, Timestamp,
    ValueType, WriterId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Version of these bodies; the first part of every path says it too.
pub const API_VERSION: u32 = 1;
/// Runs a page, unless asked otherwise.
pub const RUNS_PAGE_DEFAULT: usize = 50;
/// Runs a page at most.
pub const RUNS_PAGE_MAX: usize = 500;
/// Series a page, unless asked otherwise.
pub const SERIES_PAGE_DEFAULT: usize = 200;
/// Series a page at most.
pub const SERIES_PAGE_MAX: usize = 2_000;
/// Points a page, unless asked otherwise.
pub const POINTS_PAGE_DEFAULT: usize = 10_000;
/// Points a page at most.
pub const POINTS_PAGE_MAX: usize = 100_000;
/// Cells of a sparkline at most.
pub const SPARKLINE_CELLS_MAX: usize = 64;

/// `GET /runstone/v1/server`: who is there, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerDescription {
    /// Id of the store, 32 hex digits.
    pub store_id: String,
    /// Its incarnation, 32 hex digits: a new one for each restored or re-created folder.
    pub incarnation: String,
    /// Version of the server.
    pub server_version: String,
    /// Versions of frames it reads.
    pub frame_versions: Vec<u32>,
    /// Sizes it takes.
    pub limits: ServerLimits,
    /// Its clock, for the measure of skew.
    #[schema(value_type = i64)]
    pub time_micros: Timestamp,
}

/// Sizes a server takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerLimits {
    /// Bytes of one frame.
    pub frame_bytes_max: u64,
    /// Runs a page.
    pub runs_page_max: u64,
    /// Series a page.
    pub series_page_max: u64,
    /// Points a page.
    pub points_page_max: u64,
}

/// What to ask of `GET /runstone/v1/runs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RunsQuery {
    /// Runs a page; 1 to [`RUNS_PAGE_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `next_cursor` of the former page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only runs of this experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Only runs in these states, joined by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Archived runs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// `newest` (the default) or `oldest` first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Order>)]
    pub order: Option<String>,
    /// Metrics whose last and best values to add: names joined by commas, or a JSON array of
    /// names. Absent: a few, those with a goal first. Empty: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
}

/// One page of runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    /// The runs, in the order asked.
    pub runs: Vec<RunItem>,
    /// Where the next page starts; null at the end.
    pub next_cursor: Option<String>,
}

/// A run as a table shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunItem {
    /// Its id.
    #[schema(value_type = schema::RunId)]
    pub id: RunId,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
    /// Name of its experiment.
    pub experiment: String,
    /// State.
    #[schema(value_type = schema::RunState)]
    pub state: RunState,
    /// Why it ended so.
    #[schema(value_type = Option<schema::EndReason>)]
    pub reason: Option<EndReason>,
    /// Archived or not.
    pub archived: bool,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Group.
    pub group: Option<String>,
    /// Job type.
    #[serde(default)]
    pub job_type: Option<String>,
    /// Seed.
    #[serde(default)]
    pub seed: Option<i64>,
    /// The client's clock at creation.
    #[schema(value_type = i64)]
    pub created_at_micros: Timestamp,
    /// When it began to run.
    #[schema(value_type = Option<i64>)]
    pub started_at_micros: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<i64>)]
    pub ended_at_micros: Option<Timestamp>,
    /// The server's clock at its last frame.
    #[schema(value_type = Option<i64>)]
    pub last_received_at_micros: Option<Timestamp>,
    /// The server's clock when it was deleted; null while it lives.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub deleted_at_micros: Option<Timestamp>,
    /// What was logged, and what of it is here.
    pub completeness: Completeness,
    /// Values of the chosen metrics; absent where none were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricItem>,
}

/// What was logged, and what of it is here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Completeness {
    /// Points of all calls, as far as known; never below the sum of the next three.
    pub logged: u64,
    /// Points that are here, history included.
    pub durable: u64,
    /// Points refused, at the client or here.
    pub refused: u64,
    /// Points dropped at the client.
    pub dropped: u64,
    /// Slots recorded as lost.
    pub lost_slots: u64,
}

/// Last and best value of a series, for a table of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricItem {
    /// Name.
    pub name: String,
    /// Context, an object.
    #[schema(value_type = schema::Context)]
    pub context: Value,
    /// Goal of the metric in the run's experiment.
    #[schema(value_type = Option<schema::Goal>)]
    pub goal: Option<Goal>,
    /// Point of the greatest step.
    pub last: Option<PointItem>,
    /// Best point by the goal; null without one.
    pub best: Option<PointItem>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointItem {
    /// Step.
    #[schema(value_type = f64)]
    pub step: Step,
    /// The client's clock.
    #[schema(value_type = i64)]
    pub time_micros: Timestamp,
    /// Value.
    pub value: Number,
}

/// `GET /runstone/v1/runs/{run}`: everything about a run but its series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// What the table shows.
    #[serde(flatten)]
    pub run: RunItem,
    /// The run that this one repeats.
    #[schema(value_type = Option<schema::RunId>)]
    pub rerun_of: Option<RunId>,
    /// Where it was forked.
    pub parent: Option<ForkItem>,
    /// Number of its variation.
    pub variation: Option<u32>,
    /// Number inside the variation.
    pub number: Option<u32>,
    /// Ids in other systems.
    #[schema(value_type = Vec<schema::Alias>)]
    pub aliases: Vec<Alias>,
    /// The writer whose end is the run's end.
    #[schema(value_type = Option<schema::WriterId>)]
    pub primary_writer: Option<WriterId>,
    /// Number of rewinds.
    pub generation: u32,
    /// Newest change that touched it.
    pub change: u64,
    /// Params as a tree; non-finite numbers are text.
    #[schema(value_type = schema::JsonObject)]
    pub params: Value,
    /// Scalars by name.
    pub scalars: Vec<ScalarItem>,
    /// Writers, in the order of their first frame.
    pub writers: Vec<WriterItem>,
    /// Lifecycle, oldest first.
    pub events: Vec<EventItem>,
    /// Warnings by kind.
    pub warnings: Vec<WarningItem>,
    /// Definitions of metrics in its experiment, by name.
    pub metrics_defined: Vec<MetricDefinitionItem>,
}

/// Where a run was forked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ForkItem {
    /// Id of the parent; null once it is purged.
    #[schema(value_type = Option<schema::RunId>)]
    pub run: Option<RunId>,
    /// Internal key of the parent.
    pub parent_key: u64,
    /// Step of the fork.
    #[schema(value_type = f64)]
    pub step: Step,
    /// The parent's append number at the fork.
    pub append: u64,
}

/// A scalar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScalarItem {
    /// Name.
    pub name: String,
    /// Bool, number or text; non-finite numbers are text.
    #[schema(value_type = schema::ScalarValue)]
    pub value: Value,
    /// The client's clock.
    #[schema(value_type = i64)]
    pub time_micros: Timestamp,
}

/// A writer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WriterItem {
    /// Its id.
    #[schema(value_type = schema::WriterId)]
    pub id: WriterId,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Rank among the processes of one job.
    pub rank: Option<u32>,
    /// User name.
    pub user: String,
    /// SDK and version.
    pub sdk: String,
    /// Its end is the run's end.
    pub primary: bool,
    /// The writer of the parent process, after a fork.
    #[schema(value_type = Option<schema::WriterId>)]
    pub parent: Option<WriterId>,
    /// The client's clock at open.
    #[schema(value_type = i64)]
    pub opened_at_micros: Timestamp,
    /// The server's clock at its last frame or heartbeat.
    #[schema(value_type = i64)]
    pub last_received_at_micros: Timestamp,
    /// Its end; null while it is open.
    pub end: Option<WriterEndItem>,
    /// Every slot below is applied, or recorded as lost.
    pub mark: u64,
    /// Counters of this writer alone.
    pub completeness: Completeness,
    /// Dropped points by series.
    pub dropped_by_series: Vec<DroppedItem>,
    /// Ranges of slots recorded as lost: first, and the one after the last.
    pub lost: Vec<(u64, u64)>,
}

/// End of a writer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WriterEndItem {
    /// `closed`, `failed` or `lost`.
    #[schema(value_type = schema::WriterEndKind)]
    pub kind: String,
    /// Cause.
    #[schema(value_type = Option<schema::EndReason>)]
    pub reason: Option<EndReason>,
    /// When.
    #[schema(value_type = i64)]
    pub at_micros: Timestamp,
}

/// Points of a series that the client dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DroppedItem {
    /// Name.
    pub name: String,
    /// Context, an object.
    #[schema(value_type = schema::Context)]
    pub context: Value,
    /// How many.
    pub points: u64,
}

/// One step of a run's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventItem {
    /// Change number of the transition.
    pub change: u64,
    /// State before; null at creation.
    #[schema(value_type = Option<schema::RunState>)]
    pub from: Option<RunState>,
    /// State after.
    #[schema(value_type = schema::RunState)]
    pub to: RunState,
    /// What happened.
    #[schema(value_type = schema::LifecycleEvent)]
    pub event: LifecycleEvent,
    /// Who.
    pub actor: String,
    /// When.
    #[schema(value_type = i64)]
    pub at_micros: Timestamp,
    /// Cause.
    #[schema(value_type = Option<schema::EndReason>)]
    pub reason: Option<EndReason>,
    /// The writer concerned.
    #[schema(value_type = Option<schema::WriterId>)]
    pub writer: Option<WriterId>,
}

/// Something a person should know about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WarningItem {
    /// Kind, as `refused` or `lost_slots`.
    pub kind: String,
    /// How often.
    pub count: u64,
    /// The latest case.
    pub detail: String,
    /// The server's clock at the latest case.
    #[schema(value_type = i64)]
    pub at_micros: Timestamp,
}

/// Goal, unit and default x of a metric name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MetricDefinitionItem {
    /// Name.
    pub name: String,
    /// Goal.
    #[schema(value_type = Option<schema::Goal>)]
    pub goal: Option<Goal>,
    /// Unit.
    pub unit: Option<String>,
    /// What to draw on x.
    pub default_x: Option<String>,
}

/// What to ask of `GET /runstone/v1/runs/{run}/series`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SeriesQuery {
    /// Only series of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only series of this context, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Series a page; 1 to [`SERIES_PAGE_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `next_cursor` of the former page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Cells of a sparkline to add to each series; 1 to [`SPARKLINE_CELLS_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparkline: Option<usize>,
}

/// One page of series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesList {
    /// The series, by name, context and kind.
    pub series: Vec<SeriesItem>,
    /// Where the next page starts; null at the end.
    pub next_cursor: Option<String>,
}

/// A series and the summary of its readable points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesItem {
    /// Name.
    pub name: String,
    /// Context, an object.
    #[schema(value_type = schema::Context)]
    pub context: Value,
    /// Kind.
    #[schema(value_type = schema::SeriesKind)]
    pub kind: SeriesKind,
    /// Type it reads as.
    #[schema(value_type = schema::ValueType)]
    pub value_type: ValueType,
    /// Goal of the metric in the run's experiment.
    #[schema(value_type = Option<schema::Goal>)]
    pub goal: Option<Goal>,
    /// Summary.
    pub summary: SummaryItem,
    /// One value a cell from the first step to the last, null for a cell without a number; only
    /// when asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sparkline: Option<Vec<Option<Number>>>,
}

/// Summary of the readable points of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SummaryItem {
    /// Readable points.
    pub count: u64,
    /// Of them NaN.
    pub nan_count: u64,
    /// Of them infinite.
    pub infinite_count: u64,
    /// Point of the smallest step.
    pub first: Option<PointItem>,
    /// Point of the greatest step.
    pub last: Option<PointItem>,
    /// Smallest value; the earliest step among equals.
    pub min: Option<PointItem>,
    /// Greatest value; the earliest step among equals.
    pub max: Option<PointItem>,
    /// Mean of the finite values.
    pub mean: Option<f64>,
    /// Min or max by the goal; null without one.
    pub best: Option<PointItem>,
}

/// What to ask of `GET /runstone/v1/runs/{run}/points`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PointsQuery {
    /// Name of the series; needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its context, as JSON; absent is `{}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// From this step on, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_step: Option<f64>,
    /// Up to this step, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_step: Option<f64>,
    /// Points a page; 1 to [`POINTS_PAGE_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `next_cursor` of the former page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// All points ever applied, hidden ones too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<bool>,
}

/// One page of points, as columns of one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointsPage {
    /// Type the series reads as.
    #[schema(value_type = schema::ValueType)]
    pub value_type: ValueType,
    /// Steps, rising.
    #[schema(value_type = Vec<f64>)]
    pub steps: Vec<Step>,
    /// The client's clock.
    #[schema(value_type = Vec<i64>)]
    pub times_micros: Vec<Timestamp>,
    /// Values.
    pub values: Vec<Number>,
    /// Epochs, null where a call gave none; absent where no call of the page did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub epochs: Option<Vec<Option<f64>>>,
    /// With history: shown at its step or hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub visible: Option<Vec<bool>>,
    /// With history: number of rewinds before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub generations: Option<Vec<u32>>,
    /// With history: append number of its frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub appends: Option<Vec<u64>>,
    /// Where the next page starts; null at the end.
    pub next_cursor: Option<String>,
}

/// `GET /runstone/v1/experiments`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentList {
    /// The experiments, by name.
    pub experiments: Vec<ExperimentItem>,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentItem {
    /// Its id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// When it was first named.
    #[schema(value_type = i64)]
    pub created_at_micros: Timestamp,
    /// Archived or not.
    pub archived: bool,
    /// Living runs.
    pub runs: u64,
}

/// What to ask of `GET /runstone/v1/best`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BestQuery {
    /// Name of the experiment; needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Name of the metric; needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Its context, as JSON; needed only where the metric has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// `min` or `max`; needed only where the metric has no goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Goal>)]
    pub goal: Option<Goal>,
}

/// The best run by a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BestRun {
    /// The run.
    pub run: RunItem,
    /// Name of the metric.
    pub metric: String,
    /// Context, an object.
    #[schema(value_type = schema::Context)]
    pub context: Value,
    /// By which goal.
    #[schema(value_type = schema::Goal)]
    pub goal: Goal,
    /// Its best value; the older run among equals.
    pub value: Number,
    /// Where that value stands.
    #[schema(value_type = f64)]
    pub step: Step,
    /// Runs that have the metric.
    pub runs_compared: u64,
}

/// An error, after RFC 9457 (`application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:runstone:problem:` and the name of the kind.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// What the kind means.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What failed and with which value.
    pub detail: String,
    /// The next step.
    pub hint: Option<String>,
    /// Path of the request.
    pub instance: String,
}

/// Before the name of a kind in [`Problem::problem_type`].
pub const PROBLEM_TYPE_PREFIX: &str = "urn:runstone:problem:";
