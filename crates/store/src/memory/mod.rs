//! The in-memory engine: the simplest thing that can be right.
//!
//! [`MemoryStore`] keeps every point ever applied with its place in the order and its writer, and
//! answers each question by looking at all of them. It is the oracle of the model test and the
//! store of tests that need no disk. It shares [`crate::apply`] with the other engines, and on
//! purpose nothing else: visibility and summaries are computed here in their own naive way.
//!
//! The surprising rule: nothing is cached, so a frame costs time in proportion to the points its
//! series hold already.

mod blobs;
mod changes;
mod context;
mod snapshot;
mod state;
mod texts;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runstone_model::{ChangeNumber, StoreIdentity, WriterId};
use runstone_wire::{FrameAnswer, FrameStatus};

use self::snapshot::MemorySnapshot;
use self::state::State;
use crate::apply::{PreparedFrame, apply_edits, apply_frame, apply_purges};
use crate::{
    AppendFrame, BackupReport, CHANGES_KEPT, CopyBlobs, EditAnswer, EditRequest, FoldReport,
    ReclaimReport, ReclaimRequest, RunSpace, Snapshot, SpaceByKind, SpaceReport, Store, StoreError,
    StoreStats, TRASH_SECONDS, WriterMark, changes_to_forget,
};

/// A store in memory. Durable means: until it is dropped.
#[derive(Debug)]
pub struct MemoryStore {
    identity: StoreIdentity,
    inner: Mutex<Inner>,
    /// A frame was applied, or the store closed.
    changed: Condvar,
    changes_kept: u64,
}

#[derive(Debug)]
struct Inner {
    /// Shared with snapshots; copied on the first write while one is held.
    state: Arc<State>,
    closed: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(identity: StoreIdentity) -> Self {
        let inner = Inner {
            state: Arc::new(State::default()),
            closed: false,
        };
        Self {
            identity,
            inner: Mutex::new(inner),
            changed: Condvar::new(),
            changes_kept: CHANGES_KEPT,
        }
    }

    /// Keeps so many changes instead of [`CHANGES_KEPT`].
    #[must_use]
    pub fn with_changes_kept(self, changes_kept: u64) -> Self {
        Self {
            changes_kept,
            ..self
        }
    }

    /// For tests that need rows which no frame makes.
    #[cfg(test)]
    pub(crate) fn with_rows(&self, change: impl FnOnce(&mut dyn crate::apply::ApplyContext)) {
        let mut inner = self.lock().unwrap();
        let state: &mut State = Arc::make_mut(&mut inner.state);
        change(state);
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        // A panic in apply concerns the test that panicked; the next caller goes on.
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.closed {
            return Err(StoreError::Unavailable {
                reason: "the store is closed".to_owned(),
                retry_after_millis: 1_000,
            });
        }
        Ok(inner)
    }

    /// After a mutation: forgets old changes and wakes who waits for the newest.
    fn publish(&self, mut inner: MutexGuard<'_, Inner>) {
        // Here and not in `fold`: nobody folds what needs no folding.
        let state = Arc::make_mut(&mut inner.state);
        let forgotten = state.changes_forgotten;
        if let Some(last) = changes_to_forget(state.change, forgotten, self.changes_kept) {
            state.forget_changes(last);
        }
        drop(inner);
        self.changed.notify_all();
    }
}

impl Store for MemoryStore {
    fn identity(&self) -> StoreIdentity {
        self.identity
    }

    fn append(&self, frame: AppendFrame) -> Result<FrameAnswer, StoreError> {
        let prepared = PreparedFrame::prepare(frame);
        let mut inner = self.lock()?;
        let state = Arc::make_mut(&mut inner.state);
        let answer = apply_frame(state, &prepared)?;
        if answer.status == FrameStatus::Applied {
            state.applied_frames += 1;
        }
        self.publish(inner);
        Ok(answer)
    }

    fn edit(&self, request: &EditRequest) -> Result<EditAnswer, StoreError> {
        let mut inner = self.lock()?;
        let answer = apply_edits(Arc::make_mut(&mut inner.state), request)?;
        self.publish(inner);
        Ok(answer)
    }

    fn read_writer_mark(&self, writer: WriterId) -> Result<Option<WriterMark>, StoreError> {
        let inner = self.lock()?;
        Ok(inner.state.writers.get(&writer).map(|data| data.row.mark))
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        let inner = self.lock()?;
        Ok(Box::new(MemorySnapshot::new(Arc::clone(&inner.state))))
    }

    fn change_number(&self) -> Result<ChangeNumber, StoreError> {
        Ok(self.lock()?.state.change)
    }

    fn wait_for_change(
        &self,
        after: ChangeNumber,
        longest: Duration,
    ) -> Result<ChangeNumber, StoreError> {
        let until = Instant::now() + longest;
        let mut inner = self.lock()?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if inner.state.change > after || left.is_zero() {
                return Ok(inner.state.change);
            }
            inner = self
                .changed
                .wait_timeout(inner, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if inner.closed {
                drop(inner);
                return self.change_number();
            }
        }
    }

    /// There is nothing to fold.
    fn fold(&self, _everything: bool) -> Result<FoldReport, StoreError> {
        drop(self.lock()?);
        Ok(FoldReport::default())
    }

    /// Whole at once; there is no disk to give anything back to.
    fn reclaim(&self, request: &ReclaimRequest) -> Result<ReclaimReport, StoreError> {
        let mut inner = self.lock()?;
        let state = Arc::make_mut(&mut inner.state);
        let purged = apply_purges(state, request.deleted_until(TRASH_SECONDS), usize::MAX)?;
        self.publish(inner);
        Ok(ReclaimReport {
            purged,
            done: true,
            ..ReclaimReport::default()
        })
    }

    /// Runs without bytes.
    fn read_space(&self) -> Result<SpaceReport, StoreError> {
        let inner = self.lock()?;
        let state = &inner.state;
        let runs = state.runs.values().map(|data| RunSpace {
            run: data.row.key,
            id: data.row.run.id.clone(),
            experiment_name: state.experiments[&data.row.run.experiment].name.to_string(),
            deleted_at: data.row.deleted_at,
            bytes: SpaceByKind::default(),
            blob_bytes: state.blobs.bytes_of(Some(data.row.key)).1,
        });
        let (blobs, blob_bytes) = state.blobs.bytes_of(None);
        Ok(SpaceReport {
            runs: runs.collect(),
            blobs,
            blob_bytes,
            ..SpaceReport::default()
        })
    }

    fn back_up(
        &self,
        folder: &Path,
        _copy_blobs: &mut CopyBlobs<'_>,
    ) -> Result<BackupReport, StoreError> {
        drop(self.lock()?);
        Err(StoreError::Invalid(format!(
            "a store in memory has no folder to copy to {}",
            folder.display()
        )))
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        let inner = self.lock()?;
        Ok(StoreStats {
            runs: inner.state.living().count() as u64,
            applied_frames: inner.state.applied_frames,
            applied_points: inner.state.applied_points,
            ..StoreStats::default()
        })
    }

    fn close(&self) -> Result<(), StoreError> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.changed.notify_all();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
