//! What is not folded yet: how much of it, of which runs, and which of them are due.
//!
//! The writer adds what it has committed, the folder takes what is due and gives back what it has
//! folded, and appends wait here while there is too much. Nothing here is on disk: it is counted
//! again when the folder is opened.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runstone_model::{RunKey, Timestamp};

use crate::FoldLimits;

/// Rows of entries are small and read by their heads: so many count as one frame of points.
const ROWS_PER_FRAME: u64 = 8;

/// What one frame adds to a run, or what a run has in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfolded {
    pub(crate) run: RunKey,
    pub(crate) frames: u64,
    pub(crate) points: u64,
    pub(crate) bytes: u64,
    /// Rows of lines, records and objects, and their bytes.
    pub(crate) entry_rows: u64,
    pub(crate) entry_bytes: u64,
    /// Series that the run has.
    pub(crate) series: u64,
    pub(crate) received_at: Timestamp,
    /// The run has ended.
    pub(crate) is_ended: bool,
    /// Something was removed or cut: summaries must be made again.
    pub(crate) is_stale: bool,
}

impl Unfolded {
    pub(crate) fn nothing(run: RunKey, received_at: Timestamp) -> Self {
        Self {
            run,
            frames: 0,
            points: 0,
            bytes: 0,
            entry_rows: 0,
            entry_bytes: 0,
            series: 0,
            received_at,
            is_ended: false,
            is_stale: false,
        }
    }

    fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.points += other.points;
        self.bytes += other.bytes;
        self.entry_rows += other.entry_rows;
        self.entry_bytes += other.entry_bytes;
        self.series = self.series.max(other.series);
        self.received_at = self.received_at.max(other.received_at);
        self.is_ended = other.is_ended;
        self.is_stale |= other.is_stale;
    }

    fn has_nothing(&self) -> bool {
        self.frames == 0 && self.entry_rows == 0
    }

    /// Whether the run should be folded now.
    fn is_due(&self, limits: &FoldLimits, now: Timestamp) -> bool {
        if self.is_stale {
            return true;
        }
        if self.has_nothing() {
            return false;
        }
        let silence_micros = now.as_micros().saturating_sub(self.received_at.as_micros());
        self.is_ended
            || self.frames >= limits.frames
            || self.bytes >= limits.bytes
            || self.entry_bytes >= limits.bytes
            || self.entry_rows >= limits.frames.saturating_mul(ROWS_PER_FRAME)
            || self.points >= limits.points_per_series.saturating_mul(self.series.max(1))
            || silence_micros >= limits.idle_seconds.saturating_mul(1_000_000).cast_signed()
    }
}

/// A run that should be folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueRun {
    pub(crate) run: RunKey,
    /// Of what is unfolded.
    pub(crate) bytes: u64,
}

/// All runs that have something unfolded.
#[derive(Debug)]
pub(crate) struct Backlog {
    limits: FoldLimits,
    state: Mutex<State>,
    /// Something became due, or was folded, or all is over.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    runs: HashMap<RunKey, Unfolded>,
    points: u64,
    frames: u64,
    entry_bytes: u64,
    is_closed: bool,
}

impl Backlog {
    pub(crate) fn new(limits: FoldLimits, runs: Vec<Unfolded>) -> Self {
        let backlog = Self {
            limits,
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        backlog.add(&runs);
        backlog
    }

    /// Adds what frames brought, after their commit.
    pub(crate) fn add(&self, added: &[Unfolded]) {
        let mut state = self.lock();
        let mut is_due = false;
        for unfolded in added {
            state.points += unfolded.points;
            state.frames += unfolded.frames;
            state.entry_bytes += unfolded.entry_bytes;
            let run = state
                .runs
                .entry(unfolded.run)
                .or_insert_with(|| Unfolded::nothing(unfolded.run, unfolded.received_at));
            run.add(unfolded);
            is_due |= run.is_due(&self.limits, unfolded.received_at);
            // An end without anything unfolded needs no fold.
            if run.has_nothing() && !run.is_stale {
                state.runs.remove(&unfolded.run);
            }
        }
        if is_due {
            self.changed.notify_all();
        }
    }

    /// Takes off what was folded. With `done` nothing else of the run needs folding.
    pub(crate) fn remove(&self, folded: &Unfolded, done: bool) {
        let mut state = self.lock();
        state.points = state.points.saturating_sub(folded.points);
        state.frames = state.frames.saturating_sub(folded.frames);
        state.entry_bytes = state.entry_bytes.saturating_sub(folded.entry_bytes);
        if let Some(run) = state.runs.get_mut(&folded.run) {
            run.frames = run.frames.saturating_sub(folded.frames);
            run.points = run.points.saturating_sub(folded.points);
            run.bytes = run.bytes.saturating_sub(folded.bytes);
            run.entry_rows = run.entry_rows.saturating_sub(folded.entry_rows);
            run.entry_bytes = run.entry_bytes.saturating_sub(folded.entry_bytes);
            run.is_stale &= !done;
            if run.has_nothing() && !run.is_stale {
                state.runs.remove(&folded.run);
            }
        }
        self.changed.notify_all();
    }

    /// Takes off all of a run that is purged.
    pub(crate) fn forget(&self, run: RunKey) {
        let mut state = self.lock();
        if let Some(gone) = state.runs.remove(&run) {
            state.points = state.points.saturating_sub(gone.points);
            state.frames = state.frames.saturating_sub(gone.frames);
            state.entry_bytes = state.entry_bytes.saturating_sub(gone.entry_bytes);
            self.changed.notify_all();
        }
    }

    /// Runs that are due, or all, those with most points first.
    pub(crate) fn take_due(&self, now: Timestamp, everything: bool) -> Vec<DueRun> {
        let state = self.lock();
        let mut due: Vec<&Unfolded> = state
            .runs
            .values()
            .filter(|run| everything || run.is_due(&self.limits, now))
            .collect();
        due.sort_by_key(|run| (std::cmp::Reverse(run.points), run.run));
        due.into_iter()
            .map(|unfolded| DueRun {
                run: unfolded.run,
                bytes: unfolded.bytes + unfolded.entry_bytes,
            })
            .collect()
    }

    /// Whether a run is due.
    pub(crate) fn is_due(&self, run: RunKey, now: Timestamp) -> bool {
        self.lock()
            .runs
            .get(&run)
            .is_some_and(|run| run.is_due(&self.limits, now))
    }

    /// Sleeps until something may be due, at most so long; `false` once all is over.
    pub(crate) fn wait_for_work(&self, longest: Duration) -> bool {
        let state = self.lock();
        if state.is_closed {
            return false;
        }
        let (state, _) = self
            .changed
            .wait_timeout(state, longest)
            .unwrap_or_else(PoisonError::into_inner);
        !state.is_closed
    }

    /// Waits until at most `points_max` points and `entry_bytes_max` bytes of entries are unfolded;
    /// `false` after `longest`.
    pub(crate) fn wait_for_room(
        &self,
        points_max: u64,
        entry_bytes_max: u64,
        longest: Duration,
    ) -> bool {
        let until = Instant::now() + longest;
        let mut state = self.lock();
        let is_over =
            |state: &State| state.points > points_max || state.entry_bytes > entry_bytes_max;
        while is_over(&state) && !state.is_closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (state, _) = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Unfolded bytes of lines, records and objects.
    pub(crate) fn entry_bytes(&self) -> u64 {
        self.lock().entry_bytes
    }

    /// Unfolded frames and points.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let state = self.lock();
        (state.frames, state.points)
    }

    /// Whether there is anything to fold at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().runs.is_empty()
    }

    /// Ends all waiting.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters are changed in one go each: a panic elsewhere leaves them usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolded(points: u64, series: u64) -> Unfolded {
        let nothing = Unfolded::nothing(RunKey(1), Timestamp::from_micros(1_000_000));
        Unfolded {
            frames: 1,
            points,
            bytes: 10,
            series,
            ..nothing
        }
    }

    #[test]
    fn a_run_is_due_by_amount_by_silence_and_at_its_end() {
        let backlog = Backlog::new(FoldLimits::default(), vec![unfolded(255, 1)]);
        let now = Timestamp::from_micros(2_000_000);
        let due = |now: Timestamp, everything: bool| -> Vec<RunKey> {
            let due = backlog.take_due(now, everything).into_iter();
            due.map(|due| due.run).collect()
        };
        assert!(backlog.take_due(now, false).is_empty());
        assert_eq!(due(now, true), [RunKey(1)]);
        let later = Timestamp::from_micros(61_000_000);
        assert_eq!(due(later, false), [RunKey(1)]);
        backlog.add(&[unfolded(1, 1)]);
        assert_eq!(due(now, false), [RunKey(1)]);
        backlog.remove(
            &Unfolded {
                frames: 2,
                ..unfolded(256, 1)
            },
            true,
        );
        assert!(backlog.is_empty());
        assert_eq!(backlog.totals(), (0, 0));
        backlog.add(&[Unfolded {
            is_ended: true,
            ..unfolded(1, 1_000)
        }]);
        assert_eq!(due(now, false), [RunKey(1)]);
    }
}
