//! What a frame's operations say, in the words of the model.
//!
//! These are the decoded forms. The client builds them and encodes them once, into the spool;
//! the store receives them decoded and validated. The bytes travel verbatim in between, see
//! [`crate::EncodedOperation`]. Meanings of fields are those of `proto/frame.proto`.

use bytes::Bytes;
use runstone_model::{
    EndReason, ExperimentName, Goal, LifecycleEvent, MetricName, ParamPath, ParamValue, RunId,
    ScalarValue, SeriesKey, Step, TagName, Timestamp, ValueType, WriterId,
};

use crate::texts::{LogLines, LogRecord, ObjectPoints};

/// What to do when the target of an operation exists already. Decided in `Store::append`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfPresent {
    /// Merge or replace: the usual meaning of the operation.
    #[default]
    Apply,
    /// Refuse the operation with `exists`.
    Refuse,
}

/// One operation of a frame, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What to do when the target exists.
    pub if_present: IfPresent,
    /// What is asked.
    pub kind: OperationKind,
}

/// The operations of frame v1.
#[derive(Debug, Clone, PartialEq)]
pub enum OperationKind {
    /// A writer announces itself; first operation of its first frame.
    OpenWriter(OpenWriter),
    /// The writer has ended; the end of the primary writer is the run's end.
    EndWriter(EndWriter),
    /// Create the run or attach to it.
    OpenRun(OpenRun),
    /// Change name, description, experiment or archived.
    SetProperties(SetProperties),
    /// Set or merge params.
    SetParams(Vec<ParamSetting>),
    /// Delete params with all below them.
    RemoveParams(Vec<ParamPath>),
    /// Add and remove tags.
    ChangeTags(ChangeTags),
    /// Give a series a number of this writer.
    DefineSeries(DefineSeries),
    /// Goal, unit and default x of a metric name in the run's experiment.
    DefineMetric(DefineMetric),
    /// Points of many series as one pack (`runstone_codec::Pack`).
    Points(Bytes),
    /// Set a scalar: name, typed value, time, no step.
    SetScalar(SetScalar),
    /// Hide what has a lower append number. First operation of its frame.
    Remove(Remove),
    /// Open the next generation. First operation of its frame.
    Rewind {
        /// Points of older generations at or past this step no longer show.
        to_step: Step,
    },
    /// An event of the transition table.
    Lifecycle(Lifecycle),
    /// The writer is alive.
    Heartbeat {
        /// The client's clock.
        at: Timestamp,
    },
    /// Cumulative counters of this writer.
    Completeness(Completeness),
    /// The objects of one step of a series.
    ObjectPoints(ObjectPoints),
    /// Terminal lines of this writer.
    LogLines(LogLines),
    /// Log records of this writer.
    LogRecords(Vec<LogRecord>),
}

/// See [`OperationKind::OpenWriter`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenWriter {
    /// Host name.
    pub host: String,
    /// Boot id of the host, empty where the system has none.
    pub boot_id: String,
    /// Process id.
    pub pid: u32,
    /// Rank among processes of one job.
    pub rank: Option<u32>,
    /// User name.
    pub user: String,
    /// SDK and version, as `runstone-python/0.1.0`.
    pub sdk: String,
    /// The client's clock at open.
    pub opened_at: Timestamp,
    /// Its end is the run's end.
    pub primary: bool,
    /// The writer of the parent process, after a fork.
    pub parent_writer: Option<WriterId>,
    /// Lease asked for; 0 is the server's window.
    pub lease_seconds: u32,
}

/// How a writer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndKind {
    /// Closed as it should.
    Closed,
    /// Ended with a cause.
    Failed,
    /// Declared lost by somebody else.
    Lost,
}

/// See [`OperationKind::EndWriter`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndWriter {
    /// How it ended.
    pub kind: EndKind,
    /// Cause, when failed.
    pub reason: Option<EndReason>,
    /// The client's clock at the end.
    pub ended_at: Timestamp,
}

/// How to find or make the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// New; when the id lives: refused if `if_present` says so, else attached.
    Create,
    /// An ended run is set running again; an unknown one is created.
    ResumeOrCreate,
    /// An ended run is set running again; an unknown one is refused `not_found`.
    Resume,
    /// Write to it without touching its state; an unknown one is created.
    Attach,
}

/// See [`OperationKind::OpenRun`].
#[derive(Debug, Clone, PartialEq)]
pub struct OpenRun {
    /// How to find or make the run.
    pub mode: OpenMode,
    /// `None`: `default` at creation, unchanged at a resume.
    pub experiment: Option<ExperimentName>,
    /// Name of the run.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Group.
    pub group: Option<String>,
    /// Job type.
    pub job_type: Option<String>,
    /// Seed.
    pub seed: Option<i64>,
    /// The run that this one repeats.
    pub rerun_of: Option<RunId>,
    /// The client's clock.
    pub created_at: Timestamp,
    /// Tags to add.
    pub tags: Vec<TagName>,
    /// Merged at the root of params.
    pub config: Vec<ParamSetting>,
    /// Fork pin: parent run and the step of the fork.
    pub parent: Option<(RunId, Step)>,
}

/// See [`OperationKind::SetProperties`]; `None` leaves as is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetProperties {
    /// Name; empty text clears it.
    pub name: Option<String>,
    /// Description; empty text clears it.
    pub description: Option<String>,
    /// Moves the run.
    pub experiment: Option<ExperimentName>,
    /// Archived or not.
    pub archived: Option<bool>,
}

/// One param to set.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSetting {
    /// Where; the empty path is the root and takes a dict only.
    pub path: ParamPath,
    /// A dict merges at the path, everything else replaces.
    pub value: ParamValue,
    /// Replace what is there instead of merging.
    pub replace: bool,
}

/// See [`OperationKind::ChangeTags`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeTags {
    /// Tags to add.
    pub add: Vec<TagName>,
    /// Tags to remove; removed first.
    pub remove: Vec<TagName>,
}

/// See [`OperationKind::DefineSeries`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefineSeries {
    /// 1 to 2^24 - 1, dense in each writer.
    pub number: u32,
    /// Name, canonical context and kind.
    pub key: SeriesKey,
    /// Type of all values under this number.
    pub value_type: ValueType,
    /// Steps are ordinals 0, 1, ... that the store resolves.
    pub auto_step: bool,
}

/// See [`OperationKind::DefineMetric`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefineMetric {
    /// Metric name, whatever its context.
    pub name: MetricName,
    /// `None`: unchanged.
    pub goal: Option<Goal>,
    /// `None`: unchanged.
    pub unit: Option<String>,
    /// `None`: unchanged.
    pub default_x: Option<String>,
}

/// See [`OperationKind::SetScalar`].
#[derive(Debug, Clone, PartialEq)]
pub struct SetScalar {
    /// Name.
    pub name: MetricName,
    /// Typed value.
    pub value: ScalarValue,
    /// The client's clock.
    pub time: Timestamp,
}

/// See [`OperationKind::Remove`].
#[derive(Debug, Clone, PartialEq)]
pub struct Remove {
    /// `None`: every series of the run.
    pub series: Option<SeriesKey>,
    /// Only the points at this step.
    pub step: Option<Step>,
}

/// See [`OperationKind::Lifecycle`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The event.
    pub event: LifecycleEvent,
    /// Cause, where the event has one.
    pub reason: Option<EndReason>,
    /// The client's clock.
    pub at: Timestamp,
}

/// See [`OperationKind::Completeness`]. The greater value wins, so a repeat changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completeness {
    /// Points of all calls, dropped ones included.
    pub logged_points: u64,
    /// Dropped at the client: full disk or bound reached.
    pub dropped_points: u64,
    /// Refused at the client: no number, bad name.
    pub refused_points: u64,
    /// Dropped, by series number of this writer.
    pub dropped: Vec<(u32, u64)>,
}
