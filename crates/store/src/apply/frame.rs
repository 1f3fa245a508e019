//! One frame from verdict to answer.
//!
//! [`apply_frame`] judges the frame, walks its operations and writes the rows of writer and run
//! at the end. What single operations mean stands in the neighbouring files, as further methods of
//! [`Applying`].

use std::collections::{BTreeMap, HashMap};

use runstone_model::{
    AppendNumber, ChangeNumber, ExperimentKey, Generation, Run, Timestamp, Writer,
};
use runstone_wire::{
    FrameAnswer, FrameStatus, OperationError, OperationKind, Refusal, RefusalCode,
};

use super::context::{ApplyContext, LostRange, RunRow, SeriesId, WarningKind, WriterRow};
use super::judge::{Verdict, judge_frame};
use super::limits::CLOCK_SKEW_MICROS_MAX;
use super::prepare::{PreparedFrame, PreparedKind, PreparedOperation};
use crate::{ChangeKind, ChangeKinds, ChangeRow, RunCompleteness, StoreError, WriterMark};

/// Applies a prepared frame to the rows of an engine and returns the answer.
///
/// The answer's status tells whether anything was written: only `Applied` has changed rows, and
/// then the change number of the answer is the frame's own.
///
/// # Errors
/// Only those of the context; rows may then be half written and the savepoint must be undone.
pub fn apply_frame(
    context: &mut impl ApplyContext,
    prepared: &PreparedFrame,
) -> Result<FrameAnswer, StoreError> {
    let found = context.find_writer(prepared.frame.writer)?;
    let verdict = judge_frame(found.as_ref().map(|row| row.mark), &prepared.frame);
    let lost = match verdict {
        Verdict::Duplicate => return unchanged(context, found.as_ref(), FrameStatus::Duplicate),
        Verdict::Mismatch => return unchanged(context, found.as_ref(), FrameStatus::Mismatch),
        Verdict::Beat => None,
        Verdict::Apply { lost } => lost,
    };
    let mut applying = Applying::begin(context, prepared, found, verdict == Verdict::Beat)?;
    if let Some(lost) = lost {
        applying.note_lost(lost)?;
    }
    for (index, operation) in prepared.operations.iter().enumerate() {
        applying.apply_operation(index, operation)?;
    }
    applying.finish(lost)
}

/// The answer to a frame that changes nothing.
fn unchanged(
    context: &mut impl ApplyContext,
    writer: Option<&WriterRow>,
    status: FrameStatus,
) -> Result<FrameAnswer, StoreError> {
    let run = match writer.and_then(|row| row.run) {
        Some(key) => context.read_run(key)?,
        None => None,
    };
    let mark = writer.map_or(WriterMark { mark: 0, chain: 0 }, |row| row.mark);
    Ok(FrameAnswer {
        mark: mark.mark,
        chain: mark.chain,
        status,
        refusals: Vec::new(),
        run_state: run.map(|row| row.run.state),
        stop_requested: false,
        change: context.change_number()?,
        lost_slots: 0,
    })
}

/// Why an operation goes no further.
pub(super) enum Stop {
    /// It alone is refused; nothing of it was written.
    Refused(OperationError),
    /// The engine failed; the frame is undone.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What became of an operation.
pub(super) type Outcome<T = ()> = Result<T, Stop>;

/// Refuses an operation. The reason says what is wrong and, after `hint:`, what to do.
pub(super) fn refuse<T>(code: RefusalCode, reason: impl Into<String>) -> Outcome<T> {
    Err(Stop::Refused(OperationError {
        code,
        reason: reason.into(),
    }))
}

/// A frame while it is applied.
pub(super) struct Applying<'a, C: ApplyContext> {
    pub(super) context: &'a mut C,
    pub(super) prepared: &'a PreparedFrame,
    /// Change number of this frame.
    pub(super) change: ChangeNumber,
    pub(super) writer: WriterRow,
    pub(super) writer_changed: bool,
    /// The writer's run; `None` if it has none, or none any more.
    pub(super) run: Option<RunRow>,
    pub(super) run_changed: bool,
    /// What this frame has touched so far.
    pub(super) kinds: ChangeKinds,
    /// The run's experiment before this frame.
    pub(super) former_experiment: Option<ExperimentKey>,
    /// The frame holds no slots.
    beat: bool,
    /// Append number of this frame; 0 as long as it has no run.
    pub(super) append: AppendNumber,
    /// Points of each series in this frame so far.
    pub(super) positions: HashMap<SeriesId, u32>,
    /// What this writer has in the counters of its run.
    share: RunCompleteness,
    refusals: Vec<Refusal>,
    warnings: BTreeMap<WarningKind, (u64, String)>,
    /// Only declarations so far, so that a removal or rewind may still come.
    barrier_allowed: bool,
}

impl<'a, C: ApplyContext> Applying<'a, C> {
    fn begin(
        context: &'a mut C,
        prepared: &'a PreparedFrame,
        found: Option<WriterRow>,
        beat: bool,
    ) -> Result<Self, StoreError> {
        let change = context.next_change()?;
        let writer = match found {
            Some(writer) => writer,
            None => {
                let writer = unknown_writer(prepared, change);
                context.put_writer(&writer, true)?;
                writer
            }
        };
        let run = match writer.run {
            Some(key) => context.read_run(key)?,
            None => None,
        };
        let share = match run {
            Some(_) => writer.counters.completeness(),
            None => RunCompleteness::default(),
        };
        let mut applying = Self {
            context,
            prepared,
            change,
            writer,
            writer_changed: false,
            run: None,
            run_changed: false,
            kinds: ChangeKinds::default(),
            former_experiment: run.as_ref().map(|run| run.run.experiment),
            beat,
            append: AppendNumber(0),
            positions: HashMap::new(),
            share,
            refusals: Vec::new(),
            warnings: BTreeMap::new(),
            barrier_allowed: true,
        };
        if let Some(run) = run {
            applying.take_run(run);
        }
        applying.note_clock_skew();
        Ok(applying)
    }

    /// Makes `run` the run of this frame and takes its next append number.
    pub(super) fn take_run(&mut self, mut run: RunRow) {
        if !self.beat {
            run.last_append = AppendNumber(run.last_append.0 + 1);
            self.append = run.last_append;
        }
        self.run = Some(run);
    }

    /// The run, for an operation that needs one.
    pub(super) fn run(&mut self) -> Outcome<&mut RunRow> {
        let id = &self.prepared.frame.run;
        let opened = self.writer.run.is_some();
        match &mut self.run {
            Some(run) => {
                if run.run.id == *id {
                    return Ok(run);
                }
                let opened = &run.run.id;
                refuse(
                    RefusalCode::Conflict,
                    format!(
                        "the writer has opened run {opened}, not {id}, hint: open a new writer"
                    ),
                )
            }
            None if opened => refuse(
                RefusalCode::Deleted,
                format!("run {id} was deleted, hint: log to a new run"),
            ),
            None => refuse(
                RefusalCode::NotFound,
                format!("the writer has not opened run {id}, hint: see the refusal of its opening"),
            ),
        }
    }

    /// Notes what differs between a run before and after an operation.
    pub(super) fn note_differences(&mut self, before: &Run) {
        let Some(row) = &self.run else { return };
        let after = &row.run;
        let same = before.name == after.name
            && before.description == after.description
            && before.experiment == after.experiment
            && before.archived == after.archived
            && before.group == after.group
            && before.job_type == after.job_type
            && before.seed == after.seed
            && before.rerun_of == after.rerun_of
            && before.parent == after.parent;
        if !same {
            self.kinds.insert(ChangeKind::Properties);
        }
        if before.tags != after.tags {
            self.kinds.insert(ChangeKind::Tags);
        }
    }

    /// Keeps what this frame was; a frame without a run changes nothing that a reader sees.
    fn push_change(&mut self) -> Result<(), StoreError> {
        let Some(run) = &self.run else { return Ok(()) };
        let (key, experiment) = (run.key, run.run.experiment);
        if !self.warnings.is_empty() {
            self.kinds.insert(ChangeKind::Warnings);
        }
        if self.writer_changed || self.kinds.is_empty() {
            self.kinds.insert(ChangeKind::Writers);
        }
        self.context.push_change(&ChangeRow {
            change: self.change,
            at: self.received_at(),
            run: key,
            experiment,
            former_experiment: self
                .former_experiment
                .filter(|former| *former != experiment),
            kinds: self.kinds,
        })
    }

    pub(super) fn received_at(&self) -> Timestamp {
        self.prepared.received_at.0
    }

    /// Counts a warning; the detail of the last one of a frame is kept.
    pub(super) fn warn(&mut self, kind: WarningKind, count: u64, detail: impl Into<String>) {
        if count > 0 {
            let warning = self.warnings.entry(kind).or_default();
            warning.0 = warning.0.saturating_add(count);
            warning.1 = detail.into();
        }
    }

    /// Names a refusal in the answer and counts it.
    pub(super) fn note_refusal(
        &mut self,
        index: usize,
        series: Option<u32>,
        error: OperationError,
        points: u64,
    ) {
        self.writer.counters.refused = self.writer.counters.refused.saturating_add(points);
        self.warn(WarningKind::Refused, points.max(1), error.reason.clone());
        self.refusals.push(Refusal {
            operation: u32::try_from(index).unwrap_or(u32::MAX),
            series,
            code: error.code,
            reason: error.reason,
            points,
        });
    }

    fn note_lost(&mut self, lost: LostRange) -> Result<(), StoreError> {
        let slots = lost.next - lost.first;
        self.writer.counters.lost_slots = self.writer.counters.lost_slots.saturating_add(slots);
        self.kinds.insert(ChangeKind::Writers);
        let detail = format!(
            "slots {} to {} of writer {} are lost",
            lost.first,
            lost.next - 1,
            self.writer.writer.id
        );
        self.warn(WarningKind::LostSlots, slots, detail);
        self.context.push_lost(self.writer.writer.id, lost)
    }

    fn note_clock_skew(&mut self) {
        let sent_at = self.prepared.frame.sent_at.as_micros();
        let skew = sent_at.saturating_sub(self.received_at().as_micros());
        if sent_at != 0 && skew.saturating_abs() > CLOCK_SKEW_MICROS_MAX {
            let side = if skew > 0 { "ahead of" } else { "behind" };
            let detail = format!(
                "the clock of writer {} is {} s {side} the server's, hint: synchronise the clocks",
                self.writer.writer.id,
                skew.saturating_abs() / 1_000_000
            );
            self.warn(WarningKind::ClockSkew, 1, detail);
        }
    }

    fn apply_operation(
        &mut self,
        index: usize,
        operation: &Result<PreparedOperation, OperationError>,
    ) -> Result<(), StoreError> {
        let (outcome, points) = match operation {
            Err(error) => (Err(Stop::Refused(error.clone())), 0),
            Ok(operation) => {
                let points = match &operation.kind {
                    PreparedKind::Points(pack) => pack.point_count(),
                    PreparedKind::Other(_) => 0,
                };
                (self.dispatch(index, operation), points)
            }
        };
        let declares = operation
            .as_ref()
            .is_ok_and(|operation| is_declaration(&operation.kind));
        self.barrier_allowed &= declares;
        match outcome {
            Ok(()) => {
                let replaced = operation
                    .as_ref()
                    .map_or(0, |known| known.replaced_characters);
                let detail = "text held NUL characters, they were replaced by U+FFFD";
                self.warn(WarningKind::TextReplaced, replaced, detail);
                Ok(())
            }
            Err(Stop::Refused(error)) => {
                self.note_refusal(index, None, error, points);
                Ok(())
            }
            Err(Stop::Store(error)) => Err(error),
        }
    }

    fn dispatch(&mut self, index: usize, operation: &PreparedOperation) -> Outcome {
        let if_present = operation.if_present;
        let kind = match &operation.kind {
            PreparedKind::Other(OperationKind::Heartbeat { at }) => return self.heartbeat(*at),
            PreparedKind::Other(OperationKind::Completeness(told)) => {
                return self.completeness(told);
            }
            _ if self.beat => {
                return refuse(
                    RefusalCode::Invalid,
                    "a frame without slots may hold heartbeats and counters only",
                );
            }
            PreparedKind::Points(pack) => return self.points(index, pack, if_present),
            PreparedKind::Other(kind) => kind,
        };
        match kind {
            OperationKind::OpenWriter(open) => self.open_writer(open),
            OperationKind::EndWriter(end) => self.end_writer(end),
            OperationKind::OpenRun(open) => self.open_run(open, if_present),
            OperationKind::SetProperties(set) => self.set_properties(set),
            OperationKind::SetParams(settings) => self.set_params(settings, if_present),
            OperationKind::RemoveParams(paths) => self.remove_params(paths),
            OperationKind::ChangeTags(change) => self.change_tags(change),
            OperationKind::DefineSeries(define) => self.define_series(define),
            OperationKind::DefineMetric(define) => self.define_metric(define, if_present),
            OperationKind::SetScalar(set) => self.set_scalar(set, if_present),
            OperationKind::Remove(remove) => self.remove(remove),
            OperationKind::Rewind { to_step } => self.rewind(*to_step),
            OperationKind::Lifecycle(lifecycle) => self.lifecycle(lifecycle),
            OperationKind::ObjectPoints(set) => self.object_points(set, if_present),
            OperationKind::LogLines(lines) => self.log_lines(lines),
            OperationKind::LogRecords(records) => self.log_records(records),
            OperationKind::Points(_)
            | OperationKind::Heartbeat { .. }
            | OperationKind::Completeness(_) => {
                refuse(RefusalCode::Invalid, "the operation was not prepared")
            }
        }
    }

    /// For operations that hide points: nothing but declarations may stand before them.
    pub(super) fn need_barrier(&self) -> Outcome {
        if self.barrier_allowed {
            return Ok(());
        }
        refuse(
            RefusalCode::Invalid,
            "a removal or rewind must be the first operation of its frame",
        )
    }

    fn finish(mut self, lost: Option<LostRange>) -> Result<FrameAnswer, StoreError> {
        let frame = &self.prepared.frame;
        if !self.beat {
            self.writer.mark = WriterMark {
                mark: frame.next_slot,
                chain: frame.chain_next,
            };
        }
        self.writer.last_received_at = self.received_at();
        self.context.put_writer(&self.writer, self.writer_changed)?;
        let received_at = self.received_at();
        if let Some(run) = &mut self.run {
            run.completeness
                .replace_share(&self.share, &self.writer.counters.completeness());
            run.changed = self.change;
            run.last_received_at = Some(received_at);
            self.context.put_run(run, self.run_changed)?;
            for (kind, (count, detail)) in &self.warnings {
                self.context
                    .add_warning(run.key, *kind, *count, detail, received_at)?;
            }
        }
        self.push_change()?;
        Ok(FrameAnswer {
            mark: self.writer.mark.mark,
            chain: self.writer.mark.chain,
            status: FrameStatus::Applied,
            refusals: self.refusals,
            run_state: self.run.map(|row| row.run.state),
            stop_requested: false,
            change: self.change,
            lost_slots: lost.map_or(0, |lost| lost.next - lost.first),
        })
    }
}

/// Declarations may stand before a removal or rewind: a base frame begins with them.
fn is_declaration(kind: &PreparedKind) -> bool {
    matches!(
        kind,
        PreparedKind::Other(
            OperationKind::OpenWriter(_)
                | OperationKind::OpenRun(_)
                | OperationKind::DefineSeries(_)
        )
    )
}

/// The row of a writer before its `OpenWriter`.
fn unknown_writer(prepared: &PreparedFrame, change: ChangeNumber) -> WriterRow {
    WriterRow {
        writer: Writer {
            id: prepared.frame.writer,
            host: String::new(),
            boot_id: String::new(),
            pid: 0,
            rank: None,
            user: String::new(),
            sdk: String::new(),
            opened_at: prepared.received_at.0,
            primary: false,
            parent: None,
            lease_seconds: 0,
            end: None,
        },
        workspace: prepared.workspace,
        run: None,
        opened: false,
        mark: WriterMark { mark: 0, chain: 0 },
        generation: Generation(0),
        counters: super::WriterCounters::default(),
        first_change: change,
        last_received_at: prepared.received_at.0,
    }
}
