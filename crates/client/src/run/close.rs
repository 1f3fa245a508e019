//! What became of the points, and the end of a run: counters, flush, close.
//!
//! The sender reports; these calls read its report, or wait for it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use runstone_model::{EndReason, RunState, Timestamp};
use runstone_wire::{EndKind, EndWriter, OperationKind};

use super::Run;
use super::settings::now_micros;
use super::writer::{PHASE_CLOSED, PHASE_CLOSING, PHASE_FRESH};
use crate::options::RunEnd;
use crate::report::{CloseReport, FlushReport, RunCounters};
use crate::sender;
use crate::warning::{WarningKind, warn_once};

impl Run {
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
    /// the server, or until the time is over (`None`: however long it takes). Offline, and where no
    /// thread can be had to send, it returns at once.
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
        let has_sender = sender::hurry(writer);
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let progress = writer.wait(until, |progress| {
            progress.mark >= slot || progress.finished || !has_sender
        });
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
