//! Points on their way into the spool: the series of a call, and the hot path.
//!
//! [`Run::push`] is what everything that tracks ends in, the Python package included: no lock, no
//! allocation, one clock read, one slot. What cannot be written is counted and told once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use runstone_model::{Context, ValueType};
use runstone_wire::OperationKind;

use super::settings::now_micros;
use super::writer::{PHASE_FRESH, PHASE_RUNNING};
use super::{At, MetricValue, Run, RunWriter, SeriesHandle};
use crate::error::ClientError;
use crate::options::Mode;
use crate::sender;
use crate::warning::{WarningKind, warn_once};

impl Run {
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
        let (mut number, value_bits) = if handle.is_narrow() {
            writer.series.widen(handle, value_bits)
        } else {
            (handle.number(), value_bits)
        };
        let step = if handle.counts_steps() {
            match writer.series.next_ordinal(number) {
                Some((counted, ordinal)) => {
                    number = counted;
                    ordinal as f64
                }
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

    /// Starts the sender, if nothing has yet.
    pub(super) fn start_sender(&self, writer: &Arc<RunWriter>) {
        let started = writer.phase.compare_exchange(
            PHASE_FRESH,
            PHASE_RUNNING,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if started.is_ok() && writer.is_online() {
            sender::start_sending(writer);
        }
    }

    /// The first point starts the sender; a closed run takes no more.
    #[cold]
    pub(super) fn start(&self, writer: &Arc<RunWriter>) -> bool {
        self.start_sender(writer);
        writer.phase.load(Ordering::Acquire) == PHASE_RUNNING
            || refuse_point(writer, "a run that is closed")
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
