//! A run as a script holds it: open, track, describe, flush, close.
//!
//! Points take the hot path [`Run::push`]: no lock, no allocation, one clock read, one slot.
//! Everything else is an operation, encoded once into the spool (`calls`). Sending is the
//! sender's. The surprising rule: after a fork the same `Run` writes under a writer of its own,
//! which the first call in the child opens.

mod calls;
mod point;
mod series;
mod settings;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use runstone_model::{Context, EndReason, ReasonCode, RunState, Timestamp, ValueType};
use runstone_wire::{EndKind, EndWriter, OperationKind};

pub use point::{At, MetricValue};
pub use series::SeriesHandle;
pub use settings::now_micros;
pub(crate) use writer::{PHASE_CLOSED, RunWriter};

use crate::config;
use crate::error::ClientError;
use crate::options::{Mode, RunEnd, RunOptions};
use crate::per_process::PerProcess;
use crate::report::{CloseReport, FlushReport, RunCounters};
use crate::sender;
use crate::warning::{WarningKind, warn_once};
use settings::RunSettings;
use writer::{PHASE_CLOSING, PHASE_FRESH, PHASE_RUNNING};

/// Longest wait of [`Run`]'s drop.
const DROP_WAIT: Duration = Duration::from_secs(5);

/// One run, open for writing in this process and in its forks.
///
/// All calls are safe from many threads and return at once: what they wrote survives `kill -9` of
/// the process, and the sender brings it to the server when there is one. Unless the run is
/// `strict`, calls that cannot do their work count it and warn once instead of failing.
///
/// Dropping it closes it: as succeeded, or as failed while the thread panics.
///
/// ```no_run
/// use runstone_client::{Run, RunEnd, RunOptions};
/// let run = Run::open(RunOptions {
///     experiment: Some("digits".to_owned()),
///     ..RunOptions::default()
/// })?;
/// for step in 0..1000_u32 {
///     run.track("loss", 1.0 / f64::from(step + 1), step)?;
/// }
/// run.close(RunEnd::Succeeded, None);
/// # Ok::<(), runstone_client::ClientError>(())
/// ```
pub struct Run {
    settings: Arc<RunSettings>,
    writers: PerProcess<Arc<RunWriter>>,
    /// Nothing is ever written: disabled or read-only.
    silent: bool,
}

impl Run {
    /// Starts a new run, or resumes the one of `options.run_id`.
    ///
    /// No network is touched. On return the run is in the spool: even if the process is killed
    /// now, the server will learn of it.
    ///
    /// # Errors
    /// `Invalid` for options that cannot be: names, tags, config, address, mode. `Unavailable` when
    /// `strict` and the spool's folder cannot be used; otherwise memory is used and a warning shown.
    pub fn open(options: RunOptions) -> Result<Self, ClientError> {
        let settings = Arc::new(RunSettings::new(options, &config::process_environment)?);
        let silent = settings.mode == Mode::Disabled || settings.options.read_only;
        let run = Self {
            settings,
            writers: PerProcess::new(),
            silent,
        };
        if !silent {
            let writer = RunWriter::open(Arc::clone(&run.settings), None)?;
            run.writers.get_or_init(|| Arc::new(writer));
        }
        Ok(run)
    }

    /// Id of the run.
    #[must_use]
    pub fn id(&self) -> &str {
        self.settings.run.as_str()
    }

    /// Where tracked points go.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// Whether calls return their errors.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.settings.options.strict
    }

    /// Whether every writing call is refused.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.settings.options.read_only
    }

    /// Whether [`Self::close`] was called in this process.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.writers.get().is_some_and(|writer| writer.is_closed())
    }

    /// The server's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.settings.destination.url
    }

    /// Where this process spools; `None` in memory, or when nothing is written.
    #[must_use]
    pub fn spool_folder(&self) -> Option<&std::path::Path> {
        self.writers.get()?.spool.folder()
    }

    /// Options with which another process joins this run, for pickling: same id and settings, a
    /// writer of its own that is not primary. The token is left out.
    #[must_use]
    pub fn options_for_another_process(&self) -> RunOptions {
        let mine = &self.settings.options;
        RunOptions {
            run_id: Some(self.id().to_owned()),
            primary: Some(false),
            rank: mine.rank,
            url: mine.url.clone(),
            mode: mine.mode,
            strict: mine.strict,
            read_only: mine.read_only,
            spool: mine.spool.clone(),
            on_full: mine.on_full,
            spool_bytes_max: mine.spool_bytes_max,
            sdk: mine.sdk.clone(),
            ..RunOptions::default()
        }
    }

    /// The series of a name and a context, declared at its first use. Values of another type, and
    /// points whose steps count by themselves, have a handle of their own. Where types meet in one
    /// series all values from then on are written as float64, also by handles from before. About
    /// 50 ns when known.
    ///
    /// # Errors
    /// `Invalid` for a name that cannot be, `Unavailable` without room, `Conflict` on a closed or
    /// read-only run. Always returned, so that the caller knows it has no handle; the caller
    /// decides by [`Self::is_strict`], and should pass it to [`Self::note_refused_point`].
    pub fn series(
        &self,
        name: &str,
        context: &Context,
        value_type: ValueType,
        auto_step: bool,
    ) -> Result<SeriesHandle, ClientError> {
        let Some(writer) = self.open_writer()? else {
            return Ok(SeriesHandle::NOWHERE);
        };
        writer
            .series
            .intern(name, context, value_type, auto_step, |define| {
                writer
                    .push(OperationKind::DefineSeries(define.clone()), true)
                    .map(|_| ())
            })
    }

    /// Writes one point: the hot path. Reads the clock; takes no lock; allocates nothing.
    ///
    /// `step` is ignored by handles that count steps by themselves, and needed by all others.
    /// `value_bits` are `f64::to_bits`, or the bits of an i64, by the type of the handle. Returns
    /// false if the point was not written: no room, a closed run, a step that is not finite; it
    /// is counted then.
    #[inline]
    pub fn push(
        &self,
        handle: SeriesHandle,
        step: Option<f64>,
        epoch: Option<f64>,
        value_bits: u64,
    ) -> bool {
        self.push_at_time(handle, step, epoch, value_bits, now_micros())
    }

    /// As [`Self::push`], with the clock ([`crate::now_micros`]) read by the caller: all metrics
    /// of one step then share one time, and one reading.
    #[inline]
    pub fn push_at_time(
        &self,
        handle: SeriesHandle,
        step: Option<f64>,
        epoch: Option<f64>,
        value_bits: u64,
        time_micros: i64,
    ) -> bool {
        let Some(writer) = self.writers.get() else {
            return self.push_elsewhere(handle, step, epoch, value_bits);
        };
        if writer.phase.load(Ordering::Relaxed) != PHASE_RUNNING && !self.start(writer) {
            return false;
        }
        let (number, value_bits) = if handle.is_narrow() {
            writer.series.widen(handle, value_bits)
        } else {
            (handle.number(), value_bits)
        };
        let step = if handle.counts_steps() {
            match writer.series.next_ordinal(number) {
                Some(ordinal) => ordinal as f64,
                None => return refuse_point(writer, "a series that was never declared"),
            }
        } else {
            match step {
                // Adding zero makes -0.0 the plain 0.
                Some(step) if step.is_finite() && number != 0 => step + 0.0,
                Some(_) => return refuse_point(writer, "a step that is not finite"),
                None => return refuse_point(writer, "no step for a series that has explicit ones"),
            }
        };
        let written = match epoch {
            None => writer
                .spool
                .push_point(number, step, time_micros, value_bits),
            Some(epoch) => {
                writer
                    .spool
                    .push_point_epoch(number, step, time_micros, value_bits, epoch)
            }
        };
        if !written {
            warn_dropped(writer);
        }
        written
    }

    /// The first call after a fork, or a run that writes nothing.
    #[cold]
    fn push_elsewhere(
        &self,
        handle: SeriesHandle,
        step: Option<f64>,
        epoch: Option<f64>,
        value_bits: u64,
    ) -> bool {
        match self.open_writer() {
            Ok(Some(_)) => self.push(handle, step, epoch, value_bits),
            Ok(None) => self.settings.mode == Mode::Disabled,
            Err(error) => {
                warn_once(WarningKind::BadCall, "push", || error.to_string());
                false
            }
        }
    }

    /// The first point starts the sender; a closed run takes no more.
    #[cold]
    fn start(&self, writer: &Arc<RunWriter>) -> bool {
        match writer.phase.compare_exchange(
            PHASE_FRESH,
            PHASE_RUNNING,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => {
                if writer.is_online() {
                    sender::start_sending(writer);
                }
                true
            }
            Err(PHASE_RUNNING) => true,
            Err(_) => refuse_point(writer, "a run that is closed"),
        }
    }

    /// Tracks one value: `run.track("loss", 0.3, step)`, `run.track("loss", 0.3, ())` to count
    /// steps, `run.track("loss", 0.3, At::step(3.0).context(&train))`.
    ///
    /// # Errors
    /// Only if the run is strict: what [`Self::series`] returns, `Invalid` for a step that is not
    /// finite, `Unavailable` when the point was dropped.
    pub fn track<'a>(
        &self,
        name: &str,
        value: impl Into<MetricValue>,
        at: impl Into<At<'a>>,
    ) -> Result<(), ClientError> {
        let at = at.into();
        let (value_type, bits) = value.into().type_and_bits();
        let empty;
        let context = match at.context {
            Some(context) => context,
            None => {
                empty = Context::empty();
                &empty
            }
        };
        match self.series(name, context, value_type, at.step.is_none()) {
            Ok(handle) => {
                if self.push(handle, at.step, at.epoch, bits) || !self.is_strict() {
                    return Ok(());
                }
                Err(match at.step {
                    Some(step) if !step.is_finite() => ClientError::Invalid(format!(
                        "step {step} is not finite; hint: steps are finite numbers"
                    )),
                    _ => ClientError::Unavailable(
                        "the point was not written: no room in the spool; hint: free some disk \
                         space, or set RUNSTONE_SPOOL to a folder with room"
                            .to_owned(),
                    ),
                })
            }
            Err(error) => {
                self.note_refused_point(&error);
                if self.is_strict() { Err(error) } else { Ok(()) }
            }
        }
    }

    /// Counts a point that never got a handle, and warns once.
    pub fn note_refused_point(&self, error: &ClientError) {
        if let Some(writer) = self.writers.get() {
            match error {
                ClientError::Unavailable(_) => writer.spool.note_dropped(0, 1),
                _ => writer.spool.note_refused(1),
            }
        }
        warn_once(WarningKind::BadCall, error.kind(), || error.to_string());
    }

    /// Counts points that the caller refused and told its user about.
    pub fn count_refused(&self, points: u64) {
        if let Some(writer) = self.writers.get() {
            writer.spool.note_refused(points);
        }
    }

    /// The error of a strict run; otherwise nothing, after one warning.
    pub(crate) fn tolerate(&self, result: Result<(), ClientError>) -> Result<(), ClientError> {
        match result {
            Err(error) if !self.is_strict() => {
                warn_once(WarningKind::BadCall, &error.to_string(), || {
                    error.to_string()
                });
                Ok(())
            }
            result => result,
        }
    }

    /// The writer of this process, opened if this is the child of a fork. `None`: disabled.
    fn open_writer(&self) -> Result<Option<&Arc<RunWriter>>, ClientError> {
        if self.silent {
            if self.settings.options.read_only && self.settings.mode != Mode::Disabled {
                return Err(ClientError::Conflict(format!(
                    "run {} was opened read-only; hint: open it without read_only",
                    self.id()
                )));
            }
            return Ok(None);
        }
        let writer = self.writers.get_or_try_init(|| {
            let parent = self.writers.inherited();
            if parent.is_some_and(|parent| parent.is_closed()) {
                return Err(self.closed_error());
            }
            let parent = parent.map(|parent| (parent.spool.writer(), &parent.series));
            RunWriter::open(Arc::clone(&self.settings), parent).map(Arc::new)
        })?;
        if writer.is_closed() {
            return Err(self.closed_error());
        }
        Ok(Some(writer))
    }

    fn closed_error(&self) -> ClientError {
        ClientError::Conflict(format!(
            "run {} is closed; hint: open it again with its id",
            self.id()
        ))
    }

    /// Points so far, by what became of them.
    #[must_use]
    pub fn counters(&self) -> RunCounters {
        self.writers
            .get()
            .map_or_else(RunCounters::default, |writer| {
                writer.counters(&writer.progress())
            })
    }

    /// State of the run as the server told it last; `None` before its first answer.
    #[must_use]
    pub fn state(&self) -> Option<RunState> {
        self.writers.get()?.progress().run_state
    }

    /// Whether somebody asked the run to stop.
    #[must_use]
    pub fn stop_requested(&self) -> bool {
        self.writers
            .get()
            .is_some_and(|writer| writer.progress().stop_requested)
    }

    /// Waits until all that was logged before the call is acknowledged, durable and readable at
    /// the server, or until the time is over (`None`: however long it takes). Offline it returns
    /// at once.
    pub fn flush(&self, timeout: Option<Duration>) -> FlushReport {
        let Some(writer) = self.writers.get() else {
            return FlushReport {
                complete: true,
                ..FlushReport::default()
            };
        };
        let slot = writer.spool.next_slot();
        if !writer.is_online() {
            return writer.flush_report(&writer.progress(), slot);
        }
        if !writer.is_closed() {
            self.start(writer);
        }
        sender::hurry(writer);
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let progress = writer.wait(until, |progress| progress.mark >= slot || progress.finished);
        writer.flush_report(&progress, slot)
    }

    /// Ends this writer, and the run with it if the writer is primary.
    ///
    /// Waits for the last acknowledgement at most `timeout` (10 s if `None`), and only while a
    /// server answers: with none it returns at once, after one warning that says where the data lie
    /// and which command delivers them. A second call only reports.
    pub fn close(&self, end: RunEnd, timeout: Option<Duration>) -> CloseReport {
        self.end(end);
        match self.writers.get() {
            Some(writer) => sender::finish(writer, timeout.unwrap_or(Duration::from_secs(10))),
            None => CloseReport {
                delivered: true,
                ..CloseReport::default()
            },
        }
    }

    /// The first half of [`Self::close`]: says how it ended and returns. A program with many runs
    /// ends them all first and then closes each, so that the server hears of all at once.
    pub fn end(&self, end: RunEnd) {
        let Some(writer) = self.writers.get() else {
            return;
        };
        let before = writer.phase.fetch_max(PHASE_CLOSING, Ordering::AcqRel);
        if before < PHASE_CLOSING {
            let pushed = writer.push(OperationKind::EndWriter(end_writer(end)), false);
            if let Err(error) = pushed {
                warn_once(WarningKind::Spool, "end", || {
                    format!("the end of the run could not be written: {error}")
                });
            }
            writer.spool.note_logged();
            if before == PHASE_FRESH && writer.is_online() {
                sender::start_sending(writer);
            }
            writer.phase.store(PHASE_CLOSED, Ordering::Release);
        }
    }
}

fn end_writer(end: RunEnd) -> EndWriter {
    let ended_at = Timestamp::from_micros(now_micros());
    match end {
        RunEnd::Succeeded => EndWriter {
            kind: EndKind::Closed,
            reason: None,
            ended_at,
        },
        RunEnd::Failed { code, text } => EndWriter {
            kind: EndKind::Failed,
            reason: Some(EndReason::new(
                code,
                runstone_model::clean_text(&text).0.into_owned(),
            )),
            ended_at,
        },
    }
}

#[cold]
fn refuse_point(writer: &RunWriter, what: &str) -> bool {
    writer.spool.note_refused(1);
    warn_once(WarningKind::BadCall, what, || {
        format!("a point was refused: {what}; hint: the run's counters tell how many")
    });
    false
}

#[cold]
fn warn_dropped(writer: &RunWriter) {
    warn_once(WarningKind::Dropped, "", || {
        let place = writer.spool.folder().map_or_else(
            || "in memory".to_owned(),
            |folder| folder.display().to_string(),
        );
        format!(
            "no room in the spool: points are dropped and counted until there is, {place}; hint: \
             free some disk space, or set RUNSTONE_SPOOL to a folder with room"
        )
    });
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.writers.get().is_none_or(|writer| writer.is_closed()) {
            return;
        }
        let end = if std::thread::panicking() {
            RunEnd::Failed {
                code: ReasonCode::Exception,
                text: "the program panicked".to_owned(),
            }
        } else {
            RunEnd::Succeeded
        };
        self.close(end, Some(DROP_WAIT));
    }
}
