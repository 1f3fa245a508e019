//! Folding: unfolded frames of a run become packs, chunks and summaries.
//!
//! The folder's thread asks the backlog which runs are due; `Store::fold` does the same at once.
//! A pass over a run reads one snapshot, prepares everything beside the writer ([`prepare`]), and
//! hands it to the writer as slices. The surprising rule: slices only insert packs and chunks that
//! nobody counts yet; the last one replaces the run's summary, which makes them count, and deletes
//! the frames they came from. A pass that ends half-way leaves rows that the next one deletes.

mod pieces;
mod prepare;
mod tiers;
mod write;

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runstone_model::{ChangeNumber, RunKey};
use runstone_store::{FoldReport, StoreError, changes_to_forget};
use rusqlite::Connection;

use crate::backlog::{DueRun, Unfolded};
use crate::connection::ReaderPool;
use crate::entries::fold::{fold_owner, last_row, owners_with_rows};
use crate::error::Result;
use crate::journal::forget_slice;
use crate::keys::run_column;
use crate::options::{Clock, FoldLayout};
use crate::queue::{Job, Slice, WriterShared};
use crate::rows::find;
use crate::sql;

use self::prepare::prepare_pass;
use self::write::Pass;

/// How often silence is looked for.
const IDLE_LOOK: Duration = Duration::from_secs(5);
/// Runs with less unfolded share a transaction, so many at most.
const SMALL_BYTES: u64 = 32 << 10;
const SMALL_RUNS: usize = 32;
/// After a pass that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(2);

/// What became of runs that were folded together.
#[derive(Default)]
struct Together {
    report: FoldReport,
    /// So many of the first runs were looked at.
    taken: usize,
    /// Those among them that are to be folded alone.
    alone: Vec<RunKey>,
}

/// Folds runs, one at a time or a few small ones together.
pub(crate) struct Folder {
    shared: Arc<WriterShared>,
    pool: Arc<ReaderPool>,
    clock: Clock,
    layout: FoldLayout,
    changes_kept: u64,
    /// Up to this change the journal is forgotten. Also the turn to forget.
    changes_forgotten: Mutex<i64>,
    /// Runs known to have no leftovers of a pass that ended half-way. Also the turn to fold.
    clean: Mutex<HashSet<RunKey>>,
}

impl Folder {
    pub(crate) fn new(
        shared: Arc<WriterShared>,
        pool: Arc<ReaderPool>,
        clock: Clock,
        layout: FoldLayout,
        changes_kept: u64,
        changes_forgotten: i64,
    ) -> Self {
        Self {
            shared,
            pool,
            clock,
            layout,
            changes_kept,
            changes_forgotten: Mutex::new(changes_forgotten),
            clean: Mutex::default(),
        }
    }

    /// Works until the store is closed.
    pub(crate) fn run(&self) {
        loop {
            if let Err(error) = self.forget_changes() {
                if self.shared.check().is_err() {
                    return;
                }
                tracing::warn!(%error, "old changes were not forgotten");
            }
            let is_idle = self.shared.backlog.is_empty();
            let due = self.shared.backlog.take_due((self.clock)(), false);
            if due.is_empty() {
                let longest = if is_idle {
                    Duration::from_secs(60)
                } else {
                    IDLE_LOOK
                };
                if !self.shared.backlog.wait_for_work(longest) {
                    return;
                }
                continue;
            }
            let folded = self.fold_due(&due, false, |run, error| {
                // A fold that a close cuts off changes nothing, and is done after the next open.
                self.shared.check_open()?;
                tracing::warn!(%run, %error, "a run was not folded");
                std::thread::sleep(FAILURE_PAUSE);
                Ok(())
            });
            if folded.is_err() {
                return;
            }
        }
    }

    /// Folds what is due, or everything.
    pub(crate) fn fold(&self, everything: bool) -> Result<FoldReport> {
        self.forget_changes()?;
        let due = self.shared.backlog.take_due((self.clock)(), everything);
        self.fold_due(&due, everything, |_, error| Err(error))
    }

    /// Folds runs in turn; small ones share a transaction. What is wrong with a run is handed on, and
    /// ends the turn if that is an error.
    fn fold_due(
        &self,
        due: &[DueRun],
        everything: bool,
        mut failed: impl FnMut(RunKey, StoreError) -> Result<()>,
    ) -> Result<FoldReport> {
        let mut report = FoldReport::default();
        let mut add = |folded: FoldReport| {
            report.runs += folded.runs;
            report.frames += folded.frames;
            report.points += folded.points;
        };
        let is_small = |run: &DueRun| run.bytes <= SMALL_BYTES;
        for group in due.chunk_by(|one, next| is_small(one) && is_small(next)) {
            for batch in group.chunks(SMALL_RUNS) {
                self.shared.check()?;
                let runs: Vec<RunKey> = batch.iter().map(|due| due.run).collect();
                let (mut rest, mut alone) = (&runs[..], Vec::new());
                while rest.len() > 1 {
                    match self.fold_together(rest) {
                        Ok(done) => {
                            add(done.report);
                            alone.extend(done.alone);
                            rest = &rest[done.taken..];
                        }
                        // One of them may keep the others from being folded.
                        Err(error) => {
                            tracing::debug!(%error, "runs were not folded together");
                            break;
                        }
                    }
                }
                alone.extend(rest);
                for run in alone {
                    match self.fold_run(run, everything) {
                        Ok(folded) => add(folded),
                        Err(error) => failed(run, error)?,
                    }
                }
            }
        }
        Ok(report)
    }

    /// One pass over each of the first runs, as many as make a slice, in one transaction.
    fn fold_together(&self, runs: &[RunKey]) -> Result<Together> {
        for run in runs {
            self.fold_entries(*run)?;
        }
        let mut clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut slices, mut passes) = (Vec::new(), Vec::new());
        let (mut bytes, mut together) = (0, Together::default());
        for run in runs {
            if together.taken > 0 && bytes >= self.layout.slice_bytes_max {
                break;
            }
            together.taken += 1;
            let pass = match self.prepare(*run) {
                Ok(Some(pass)) => pass,
                Ok(None) => continue,
                // Whatever is wrong with it is told when it is folded alone.
                Err(_) => {
                    self.shared.check_open()?;
                    together.alone.push(*run);
                    continue;
                }
            };
            // Its summary is large, or packs are merged: it is cut into slices of its own.
            if pass.bytes() > self.layout.slice_bytes_max {
                together.alone.push(*run);
                continue;
            }
            bytes += pass.bytes();
            passes.push((*run, pass.folded, pass.is_last));
            let is_clean = clean.remove(run);
            let own = pass.into_slices(!is_clean, self.layout.slice_bytes_max);
            slices.extend(own.into_iter().map(|slice| (*run, slice)));
        }
        let (found, purged) = sync_channel(1);
        self.apply(Box::new(move |connection: &mut Connection| {
            let mut purged = HashSet::new();
            for (run, slice) in slices {
                if has_run(connection, run)? {
                    slice(connection)?;
                } else {
                    purged.insert(run);
                }
            }
            // Whoever asked waits below.
            let _ = found.send(purged);
            Ok(())
        }))?;
        let purged = purged.recv().unwrap_or_default();
        for (run, folded, is_last) in passes {
            if purged.contains(&run) {
                self.shared.backlog.forget(run);
                continue;
            }
            clean.insert(run);
            self.shared.backlog.remove(&folded, is_last);
            together.report.frames += folded.frames;
            together.report.points += folded.points;
            if is_last {
                together.report.runs += 1;
            } else {
                together.alone.push(run);
            }
        }
        Ok(together)
    }

    /// A pass over a run, if there is something to do.
    fn prepare(&self, run: RunKey) -> Result<Option<Pass>> {
        let pass = {
            let reader = self.pool.begin()?;
            if !has_run(reader.connection(), run)? {
                self.shared.backlog.forget(run);
                return Ok(None);
            }
            prepare_pass(reader.connection(), run, &self.layout)?
        };
        if pass.is_none() {
            let nothing = Unfolded::nothing(run, (self.clock)());
            self.shared.backlog.remove(&nothing, true);
        }
        Ok(pass)
    }

    /// Forgets the oldest changes, slice by slice, once there are too many.
    fn forget_changes(&self) -> Result<()> {
        let mut forgotten = self
            .changes_forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let number = |column: i64| ChangeNumber(column.cast_unsigned());
        let newest = number(self.shared.change.load(Ordering::Acquire));
        let Some(last) = changes_to_forget(newest, number(*forgotten), self.changes_kept) else {
            return Ok(());
        };
        while *forgotten < last.0.cast_signed() {
            let (slice, reaches) = forget_slice(*forgotten, last.0.cast_signed());
            self.apply(slice)?;
            *forgotten = reaches;
        }
        Ok(())
    }

    /// Folds a run pass by pass while it is due.
    fn fold_run(&self, run: RunKey, everything: bool) -> Result<FoldReport> {
        // Points are folded also where lines can't be.
        let entries = self.fold_entries(run);
        let mut report = FoldReport::default();
        loop {
            let folded = self.fold_pass(run)?;
            if let Some(folded) = folded {
                report.runs = 1;
                report.frames += folded.frames;
                report.points += folded.points;
            }
            let goes_on =
                folded.is_some() && (everything || self.shared.backlog.is_due(run, (self.clock)()));
            if !goes_on {
                return entries.map(|()| report);
            }
        }
    }

    /// Folds the rows of lines, records and objects that a run has now. Those that come meanwhile wait
    /// for the next turn, so that no run keeps the others waiting.
    fn fold_entries(&self, run: RunKey) -> Result<()> {
        let _turn = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = last_row(self.pool.begin()?.connection(), run_column(run))?;
        loop {
            let owners =
                owners_with_rows(self.pool.begin()?.connection(), run_column(run), newest)?;
            if owners.is_empty() {
                return Ok(());
            }
            for owner in owners {
                let folded = {
                    let reader = self.pool.begin()?;
                    fold_owner(reader.connection(), owner, &self.layout, |slice| {
                        self.apply(unless_purged(run, slice))
                    })
                };
                let folded = match folded {
                    Ok(folded) => folded,
                    Err(StoreError::NotFound(_)) => {
                        self.shared.backlog.forget(run);
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                };
                // At once: the next owner may fail, and these rows are gone.
                let done = Unfolded {
                    entry_rows: folded.rows,
                    entry_bytes: folded.bytes,
                    ..Unfolded::nothing(run, (self.clock)())
                };
                self.shared.backlog.remove(&done, false);
            }
        }
    }

    /// One pass; `None` if there was nothing to do.
    fn fold_pass(&self, run: RunKey) -> Result<Option<Unfolded>> {
        let mut clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pass) = self.prepare(run)? else {
            return Ok(None);
        };
        let folded = pass.folded;
        let is_last = pass.is_last;
        let is_clean = clean.remove(&run);
        for slice in pass.into_slices(!is_clean, self.layout.slice_bytes_max) {
            match self.apply(unless_purged(run, slice)) {
                // It was purged while this pass was prepared; what was inserted goes with it.
                Err(StoreError::NotFound(_)) => {
                    self.shared.backlog.forget(run);
                    return Ok(None);
                }
                done => done?,
            }
        }
        clean.insert(run);
        self.shared.backlog.remove(&folded, is_last);
        Ok(Some(folded))
    }

    fn apply(&self, slice: Slice) -> Result<()> {
        let (reply, answer) = sync_channel(1);
        self.shared.submit(Job::Slice { slice, reply })?;
        answer.recv().unwrap_or_else(|_| {
            self.shared.check().and(Err(StoreError::Internal(
                "the writer went away while it folded".to_owned(),
            )))
        })
    }
}

/// A slice that does nothing to a purged run: nobody would ever delete what it inserts.
fn unless_purged(run: RunKey, slice: Slice) -> Slice {
    Box::new(move |connection| {
        if has_run(connection, run)? {
            return slice(connection);
        }
        Err(StoreError::NotFound(format!("run {run} was purged")))
    })
}

/// Whether a run is there, living or in the trash.
fn has_run(connection: &Connection, run: RunKey) -> Result<bool> {
    Ok(find(connection, sql::HAS_RUN, [run_column(run)], |_| Ok(()))?.is_some())
}
