//! What an engine lends to [`super::apply_frame`]: its rows, inside one savepoint.
//!
//! All methods see what earlier calls of the same frame and earlier frames of the same group have
//! written. None of them decides anything: they find, and they keep what they are given.

use bytes::Bytes;
use runstone_codec::SeriesColumns;
use runstone_model::{
    AppendNumber, ChangeNumber, ExperimentKey, ExperimentName, Generation, MetricName, Params, Run,
    RunId, RunKey, SeriesKey, Timestamp, ValueType, WorkspaceId, Writer, WriterId,
};

use runstone_wire::{LogLine, LogRecord, ObjectPoints};

use super::{BlobContext, FormerRun, Overridden, WriterCounters};
use crate::{
    ChangeRow, Cut, EventRecord, LogKind, LogMark, MetricDefinition, Removal, RunCompleteness,
    ScalarRecord, SeriesHiding, StoreError, WriterMark,
};

/// Number of a series in its run: 0, 1, ... in the order of their first definition, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u32);

/// A run as apply reads and writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Never reused.
    pub key: RunKey,
    /// All fields of the run, tags included.
    pub run: Run,
    /// Newest change that touched it.
    pub changed: ChangeNumber,
    /// Server's clock of the last frame.
    pub last_received_at: Option<Timestamp>,
    /// Its present generation.
    pub generation: Generation,
    /// The append number taken last; 0 before the first.
    pub last_append: AppendNumber,
    /// Sum over its writers.
    pub completeness: RunCompleteness,
    /// The server's clock when it was deleted; `None` while it lives.
    pub deleted_at: Option<Timestamp>,
    /// What its script gave and a person has changed since.
    pub overridden: Overridden,
}

/// A writer as apply reads and writes it. It may exist without a run, when its `OpenRun` was
/// refused: its mark must move all the same.
#[derive(Debug, Clone, PartialEq)]
pub struct WriterRow {
    /// Its fields, its end included.
    pub writer: Writer,
    /// Workspace of its frames.
    pub workspace: WorkspaceId,
    /// The run it has opened.
    pub run: Option<RunKey>,
    /// Whether its `OpenWriter` was applied; before that `writer` holds blanks.
    pub opened: bool,
    /// Mark and chain.
    pub mark: WriterMark,
    /// The generation it writes in.
    pub generation: Generation,
    /// Its counters.
    pub counters: WriterCounters,
    /// Change of its first frame: the order of writers in a run.
    pub first_change: ChangeNumber,
    /// Server's clock of its last frame.
    pub last_received_at: Timestamp,
}

/// What a series number of a writer stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesBinding {
    /// The series.
    pub series: SeriesId,
    /// Type of the values under this number.
    pub value_type: ValueType,
    /// Steps in packs are ordinals.
    pub auto_step: bool,
    /// The series holds objects, not values.
    pub is_object: bool,
    /// What is added to ordinals; `None` until the first points of this number.
    pub auto_base: Option<f64>,
    /// The writer has rewound the run since: numbers that it defines later count anew.
    pub is_former: bool,
}

/// Who has written points of a series, hidden ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeriesWriters {
    /// Nobody yet.
    #[default]
    Nobody,
    /// One writer.
    One(WriterId),
    /// More than one.
    Several,
}

/// What all points ever applied to a series amount to, hidden ones included. A fork begins with
/// the points that it shares with its parent.
///
/// The engine keeps it current from what [`ApplyContext::push_points`] gives it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SeriesState {
    /// Smallest and greatest step; `None` without points.
    pub step_range: Option<(f64, f64)>,
    /// The highest whole step that counts: counted steps go on after it. A point that a rewind
    /// cuts counts as the last whole step before the lowest of its cuts.
    pub highest: Option<f64>,
    /// Types of all points, unified; `None` without points.
    pub value_type: Option<ValueType>,
    /// Who has written.
    pub writers: SeriesWriters,
    /// Whether [`ApplyContext::mark_two_writers`] was called for it.
    pub two_writers: bool,
}

/// Slots `[first, next)` that will never come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostRange {
    /// First lost slot.
    pub first: u64,
    /// One past the last lost slot.
    pub next: u64,
}

/// Points of one operation, judged and resolved.
#[derive(Debug)]
pub struct PointBatch<'a> {
    /// The run.
    pub run: RunKey,
    /// Who wrote them.
    pub writer: WriterId,
    /// Append number of the frame.
    pub append: AppendNumber,
    /// Generation of the writer.
    pub generation: Generation,
    /// Index of the operation in the frame.
    pub operation: u32,
    /// The pack as received.
    pub pack: &'a Bytes,
    /// Whether every series of the pack was accepted, so that `pack` may be kept as it is.
    pub whole: bool,
    /// The accepted series, in the order of the pack.
    pub series: &'a [AppliedSeries<'a>],
}

/// Accepted points of one series number.
#[derive(Debug, Clone, Copy)]
pub struct AppliedSeries<'a> {
    /// Number of the writer.
    pub number: u32,
    /// The series.
    pub series: SeriesId,
    /// How `columns.values` are to be read.
    pub value_type: ValueType,
    /// Added to every step of `columns`; 0 for explicit steps.
    pub base: f64,
    /// Position of the first point among the frame's points of this series; the others follow.
    /// Positions count on over the numbers and packs of one frame.
    pub first_position: u32,
    /// The points as they were in the pack.
    pub columns: &'a SeriesColumns,
}

impl AppliedSeries<'_> {
    /// Steps as they are kept.
    pub fn steps(&self) -> impl Iterator<Item = f64> + '_ {
        self.columns.steps.iter().map(|step| step + self.base)
    }
}

/// The objects of one step of a series, judged and resolved.
#[derive(Debug, Clone, Copy)]
pub struct ObjectBatch<'a> {
    /// The run.
    pub run: RunKey,
    /// Who wrote them.
    pub writer: WriterId,
    /// The series.
    pub series: SeriesId,
    /// Append number of the frame.
    pub append: AppendNumber,
    /// Generation of the writer.
    pub generation: Generation,
    /// Place among the frame's sets of this series.
    pub position: u32,
    /// The step as it is kept; the set may hold an ordinal.
    pub step: f64,
    /// Time, epoch and objects.
    pub set: &'a ObjectPoints,
}

/// Kinds of warnings. The word is what readers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningKind {
    /// Clocks of client and server differ; counts frames.
    ClockSkew,
    /// Points dropped at the client; counts points.
    Dropped,
    /// Lines or messages past the limit were cut; counts these.
    LogCut,
    /// The logs of the run are full; counts lines and records that were not kept.
    LogsFull,
    /// Slots that will never come; counts slots.
    LostSlots,
    /// Very many series; counts the series past the limit.
    ManySeries,
    /// A fork whose parent is not here, or that was not made because of what it would be; counts forks.
    MissingParent,
    /// A scalar param and a child below it cannot both live; counts params that gave way.
    ParamConflict,
    /// Refused at the client or here; counts points, and operations without points.
    Refused,
    /// Text held NUL, kept as U+FFFD; counts characters.
    TextReplaced,
    /// Two writers wrote one step of a series; counts series.
    TwoWritersOneStep,
}

impl WarningKind {
    /// The word that readers see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClockSkew => "clock_skew",
            Self::Dropped => "dropped",
            Self::LogCut => "log_cut",
            Self::LogsFull => "logs_full",
            Self::LostSlots => "lost_slots",
            Self::ManySeries => "many_series",
            Self::MissingParent => "missing_parent",
            Self::ParamConflict => "param_conflict",
            Self::Refused => "refused",
            Self::TextReplaced => "text_replaced",
            Self::TwoWritersOneStep => "two_writers_one_step",
        }
    }
}

/// The rows of an engine, lent for one frame.
pub trait ApplyContext: BlobContext {
    /// The newest change committed or applied in this group.
    fn change_number(&mut self) -> Result<ChangeNumber, StoreError>;

    /// Takes the next change number; called once for a frame that is applied, before any write.
    fn next_change(&mut self) -> Result<ChangeNumber, StoreError>;

    /// Keeps what a change was, beside what it changed; at most once a change number.
    fn push_change(&mut self, change: &ChangeRow) -> Result<(), StoreError>;

    /// A writer, whatever its run.
    fn find_writer(&mut self, writer: WriterId) -> Result<Option<WriterRow>, StoreError>;

    /// Inserts or replaces the row; called before anything else of an unknown writer is written,
    /// and at the end of every applied frame.
    /// `fields_changed` is false when only mark, generation, counters and `last_received_at` differ.
    fn put_writer(&mut self, row: &WriterRow, fields_changed: bool) -> Result<(), StoreError>;

    /// Notes a range of lost slots of a writer; ranges come in order and never overlap.
    fn push_lost(&mut self, writer: WriterId, range: LostRange) -> Result<(), StoreError>;

    /// Sets the dropped points of a series number of a writer, defined or not, to `points` unless
    /// a greater value is there.
    fn raise_dropped(
        &mut self,
        writer: WriterId,
        number: u32,
        points: u64,
    ) -> Result<(), StoreError>;

    /// The living run of this id.
    fn find_run(
        &mut self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<Option<RunRow>, StoreError>;

    /// The run of this key; `None` once it is deleted.
    fn read_run(&mut self, run: RunKey) -> Result<Option<RunRow>, StoreError>;

    /// The run of this id that was deleted last, whether or not another one lives.
    fn find_deleted_run(
        &mut self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<Option<RunRow>, StoreError>;

    /// The life of this id that was deleted last, in the trash or purged, whether or not another
    /// one lives.
    fn find_former_run(
        &mut self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<Option<FormerRun>, StoreError>;

    /// Runs in the trash that were deleted at or before `deleted_until`, of every workspace, by
    /// the time of their deletion, at most `runs_max`.
    fn find_expired_runs(
        &mut self,
        deleted_until: Timestamp,
        runs_max: usize,
    ) -> Result<Vec<RunRow>, StoreError>;

    /// Takes a deleted run out of all that is found and read, for good. What stays: the rows of its
    /// writers with their marks, and what [`ApplyContext::find_former_run`] answers.
    fn put_purge(&mut self, row: &RunRow) -> Result<(), StoreError>;

    /// Keeps `deleted_at`, `changed` and the counters of a row that is there: a run that is now
    /// deleted leaves what [`ApplyContext::find_run`] and [`ApplyContext::read_run`] see, one that
    /// lives again comes back.
    fn put_deletion(&mut self, row: &RunRow) -> Result<(), StoreError>;

    /// The sum of the counters of all writers of a run, deleted or not.
    fn sum_completeness(&mut self, run: RunKey) -> Result<RunCompleteness, StoreError>;

    /// A key for a new run.
    fn next_run_key(&mut self) -> Result<RunKey, StoreError>;

    /// Inserts or replaces the row. Called when the run is created and at the end of a frame.
    /// `fields_changed` is false when `run` is as it was found, so that only counters differ.
    fn put_run(&mut self, row: &RunRow, fields_changed: bool) -> Result<(), StoreError>;

    /// The living experiment of this name.
    fn find_experiment(
        &mut self,
        workspace: WorkspaceId,
        name: &ExperimentName,
    ) -> Result<Option<ExperimentKey>, StoreError>;

    /// Creates an experiment with a new key and id; nobody has the name.
    fn create_experiment(
        &mut self,
        workspace: WorkspaceId,
        name: &ExperimentName,
        created_at: Timestamp,
    ) -> Result<ExperimentKey, StoreError>;

    /// Params of a run.
    fn read_params(&mut self, run: RunKey) -> Result<Params, StoreError>;

    /// Replaces the params of a run.
    fn put_params(&mut self, run: RunKey, params: &Params) -> Result<(), StoreError>;

    /// A scalar of a run.
    fn find_scalar(
        &mut self,
        run: RunKey,
        name: &MetricName,
    ) -> Result<Option<ScalarRecord>, StoreError>;

    /// Inserts or replaces a scalar.
    fn put_scalar(&mut self, run: RunKey, scalar: &ScalarRecord) -> Result<(), StoreError>;

    /// Definition of a metric name in an experiment.
    fn find_metric_definition(
        &mut self,
        experiment: ExperimentKey,
        name: &MetricName,
    ) -> Result<Option<MetricDefinition>, StoreError>;

    /// Inserts or replaces a definition.
    fn put_metric_definition(
        &mut self,
        experiment: ExperimentKey,
        definition: &MetricDefinition,
    ) -> Result<(), StoreError>;

    /// Appends a lifecycle event of a run.
    fn push_event(&mut self, run: RunKey, event: &EventRecord) -> Result<(), StoreError>;

    /// Adds `count` to a warning of a run and replaces its detail and time.
    fn add_warning(
        &mut self,
        run: RunKey,
        kind: WarningKind,
        count: u64,
        detail: &str,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// What a series number of a writer stands for.
    fn find_binding(
        &mut self,
        writer: WriterId,
        number: u32,
    ) -> Result<Option<SeriesBinding>, StoreError>;

    /// Inserts the binding, or replaces it when its auto base is resolved.
    fn put_binding(
        &mut self,
        writer: WriterId,
        number: u32,
        binding: &SeriesBinding,
    ) -> Result<(), StoreError>;

    /// The auto-step numbers of a writer but for former ones, by number.
    fn list_auto_numbers(
        &mut self,
        writer: WriterId,
    ) -> Result<Vec<(u32, SeriesBinding)>, StoreError>;

    /// The auto base that another auto-step number of this writer, no former one, has for this series: the
    /// ordinals of one (writer, series) are one count, whatever the type of each value.
    fn find_auto_base(
        &mut self,
        writer: WriterId,
        series: SeriesId,
    ) -> Result<Option<f64>, StoreError>;

    /// A series of a run, with points or without.
    fn find_series(&mut self, run: RunKey, key: &SeriesKey)
    -> Result<Option<SeriesId>, StoreError>;

    /// How many parents stand above a run, purged ones too; 0 for one that is no fork.
    fn fork_depth(&mut self, run: RunKey) -> Result<u32, StoreError>;

    /// Whether a fork shares a series with its parent.
    fn shares_series(&mut self, run: RunKey, key: &SeriesKey) -> Result<bool, StoreError>;

    /// Series of a run, with points or without: the next id.
    fn count_series(&mut self, run: RunKey) -> Result<u32, StoreError>;

    /// Creates a series; `id` is the count before.
    fn create_series(
        &mut self,
        run: RunKey,
        id: SeriesId,
        key: &SeriesKey,
    ) -> Result<(), StoreError>;

    /// What the points of a series amount to.
    fn read_series_state(&mut self, run: RunKey, id: SeriesId) -> Result<SeriesState, StoreError>;

    /// Notes that two writers wrote one step of this series; it is not asked again.
    fn mark_two_writers(&mut self, run: RunKey, id: SeriesId) -> Result<(), StoreError>;

    /// Cuts and removals that concern a series.
    fn read_hiding(&mut self, run: RunKey, id: SeriesId) -> Result<SeriesHiding, StoreError>;

    /// Whether a point that is neither cut nor removed stands at one of `steps` (not sorted);
    /// with `other_than`, a point of another writer of this run. What a fork shares with its
    /// parent is no writer's. Seldom called: the step ranges overlap.
    fn holds_step(
        &mut self,
        run: RunKey,
        id: SeriesId,
        steps: &[f64],
        other_than: Option<WriterId>,
    ) -> Result<bool, StoreError>;

    /// Keeps points. See [`PointBatch`].
    fn push_points(&mut self, batch: &PointBatch<'_>) -> Result<(), StoreError>;

    /// How far a writer's log has come.
    fn read_log_mark(
        &mut self,
        run: RunKey,
        writer: WriterId,
        kind: LogKind,
    ) -> Result<LogMark, StoreError>;

    /// Bytes of all logs of a run, the sum over their marks.
    fn sum_log_bytes(&mut self, run: RunKey) -> Result<u64, StoreError>;

    /// Keeps terminal lines of the numbers from `first` on, each in place of an older one of its
    /// number; `mark` is the log's from now on.
    fn push_log_lines(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        lines: &[LogLine],
        mark: LogMark,
    ) -> Result<(), StoreError>;

    /// Keeps log records with the numbers from `first` on; none has one of them yet.
    fn push_log_records(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        records: &[LogRecord],
        mark: LogMark,
    ) -> Result<(), StoreError>;

    /// Keeps the objects of one step.
    fn push_objects(&mut self, batch: &ObjectBatch<'_>) -> Result<(), StoreError>;

    /// Keeps a removal; its append number is greater than all before.
    fn push_removal(&mut self, run: RunKey, removal: &Removal) -> Result<(), StoreError>;

    /// Keeps the cut that opened a generation.
    fn push_cut(&mut self, run: RunKey, cut: Cut) -> Result<(), StoreError>;
}
