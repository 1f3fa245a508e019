//! What the sender holds of each server and of each live writer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use runstone_wire::Completeness;

use super::exchange::{Surroundings, completeness};
use super::rest::Rest;
use super::session::{Session, Settled};
use crate::http::Connection;
use crate::run::{PHASE_CLOSED, RunWriter};
use crate::spool::SpoolReader;

/// How often counters are looked at, and told if only `logged` has changed.
const COUNTERS_LOOK: Duration = Duration::from_millis(500);
const COUNTERS_TELL: Duration = Duration::from_secs(5);

/// A server with the runs that go there.
pub(super) struct Line {
    pub(super) connection: Connection,
    pub(super) token: Option<String>,
    pub(super) rest: Rest,
    /// Leftovers for this server were looked for.
    pub(super) searched: bool,
}

/// A live writer and its session.
pub(super) struct Live {
    pub(super) writer: Arc<RunWriter>,
    pub(super) session: Session<SpoolReader>,
    pub(super) surroundings: Surroundings,
    pub(super) line: usize,
    pub(super) rest: Rest,
    pub(super) beat_at: Instant,
    pub(super) told: Completeness,
    pub(super) told_at: Instant,
    pub(super) looked_at: Instant,
}

impl Live {
    /// Counters, if they should travel now.
    pub(super) fn counters_due(&mut self, now: Instant, closed: bool) -> Option<Completeness> {
        if !closed && now.duration_since(self.looked_at) < COUNTERS_LOOK {
            return None;
        }
        self.looked_at = now;
        let counters = completeness(&self.writer.spool.counters());
        let lost = counters.dropped_points != self.told.dropped_points
            || counters.refused_points != self.told.refused_points;
        let logged = counters.logged_points != self.told.logged_points
            && (closed || now.duration_since(self.told_at) >= COUNTERS_TELL);
        (lost || logged).then_some(counters)
    }

    pub(super) fn report(&self, settled: &Settled, mark_before: u64) {
        let mark = self.session.acknowledged().slot;
        self.writer.report(|progress| {
            progress.mark = mark;
            progress.answered_at = Some(Instant::now());
            progress.failing = false;
            progress.acknowledged += settled.points;
            // What lies past the mark is sent, and counted, once more.
            let again = mark_before.saturating_sub(mark);
            progress.acknowledged = progress.acknowledged.saturating_sub(again);
            progress.refused_by_server += settled.points_refused;
            progress.slots_lost += settled.slots_lost;
            progress.run_state = settled.run_state.or(progress.run_state);
            progress.stop_requested |= settled.stop_requested;
        });
    }

    pub(super) fn is_finished(&self) -> bool {
        self.writer.phase.load(Ordering::Acquire) == PHASE_CLOSED
            && self.session.acknowledged().slot >= self.writer.spool.next_slot()
    }
}
