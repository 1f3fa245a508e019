//! The queue in front of the writer thread, and what the thread shares with its callers.
//!
//! Frames, edits, purges, slices of folds and checkpoints are done in the order they come. The queue is bounded
//! in bytes; once it is poisoned or closed it says so to everybody.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runstone_model::{RunId, Timestamp};
use runstone_store::apply::PreparedFrame;
use runstone_store::{EditAnswer, EditRequest, StoreError};
use runstone_wire::FrameAnswer;
use rusqlite::Connection;

use crate::backlog::Backlog;
use crate::context::SqliteContext;
use crate::error::{POISON_RETRY_MILLIS, Result, is_failed_sync};

/// Frames of one commit at most.
const GROUP_FRAMES_MAX: usize = 256;
/// Bytes of the frames of one commit, about.
const GROUP_BYTES_MAX: u64 = 8 << 20;
/// Bytes of frames that may wait; more callers wait outside.
const QUEUE_BYTES_MAX: u64 = 64 << 20;

/// A slice of a fold: some statements, one transaction.
pub(crate) type Slice = Box<dyn FnOnce(&mut Connection) -> Result<()> + Send>;

/// A call of the catalogue of blobs. One that fails has written nothing, or is undone.
pub(crate) type BlobWork = Box<dyn FnOnce(&mut SqliteContext<'_>) -> Result<()> + Send>;

/// What the thread is asked to do.
pub(crate) enum Job {
    /// Apply a frame.
    Append {
        prepared: Box<PreparedFrame>,
        bytes: u64,
        reply: SyncSender<Result<FrameAnswer>>,
    },
    /// Apply what people ask for.
    Edit {
        request: Box<EditRequest>,
        reply: SyncSender<Result<EditAnswer>>,
    },
    /// Take the first runs out of the trash that were deleted so long ago.
    Purge {
        deleted_until: Timestamp,
        runs_max: usize,
        reply: SyncSender<Result<Vec<RunId>>>,
    },
    /// Apply a call of the catalogue of blobs, in a transaction of its own.
    Blobs {
        work: BlobWork,
        reply: SyncSender<Result<()>>,
    },
    /// Apply a slice of a fold, or of another work beside the frames.
    Slice {
        slice: Slice,
        reply: SyncSender<Result<()>>,
    },
    /// Checkpoint the whole log and cut it.
    Checkpoint {
        reply: Option<SyncSender<Result<()>>>,
    },
}

/// What the thread shares with the callers.
#[derive(Debug)]
pub(crate) struct WriterShared {
    pub(crate) backlog: Backlog,
    /// Newest committed change; see [`WriterShared::publish_change`].
    pub(crate) change: AtomicI64,
    change_turn: Mutex<()>,
    change_grew: Condvar,
    /// Pages in the log.
    pub(crate) log_pages: Arc<AtomicI64>,
    pub(crate) applied_frames: AtomicU64,
    pub(crate) applied_points: AtomicU64,
    queue: Mutex<Queue>,
    /// Something was queued or taken.
    changed: Condvar,
    /// Wakes the checkpointer.
    pub(crate) log_grew: Condvar,
    pub(crate) log_turn: Mutex<bool>,
    /// Bytes by which the log may pass its limit, while copies are made.
    log_room: AtomicU64,
    purge_turn: Mutex<PurgeTurn>,
    /// Somebody purged, or all is over.
    purge_asked: Condvar,
}

/// What the thread that purges waits for.
#[derive(Debug, Default)]
struct PurgeTurn {
    is_asked: bool,
    is_over: bool,
}

/// Room for the log while a copy is made.
pub(crate) struct LogRoom<'a> {
    shared: &'a WriterShared,
    bytes: u64,
}

impl Drop for LogRoom<'_> {
    fn drop(&mut self) {
        self.shared.log_room.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    bytes: u64,
    is_closed: bool,
    /// Why nothing is written any more.
    poison: Option<String>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Queue")
            .field("jobs", &self.jobs.len())
            .field("is_closed", &self.is_closed)
            .field("poison", &self.poison)
            .finish_non_exhaustive()
    }
}

impl WriterShared {
    pub(crate) fn new(backlog: Backlog, change: i64) -> Self {
        Self {
            backlog,
            change: AtomicI64::new(change),
            change_turn: Mutex::default(),
            change_grew: Condvar::new(),
            log_pages: Arc::default(),
            applied_frames: AtomicU64::new(0),
            applied_points: AtomicU64::new(0),
            queue: Mutex::default(),
            changed: Condvar::new(),
            log_grew: Condvar::new(),
            log_turn: Mutex::new(false),
            log_room: AtomicU64::new(0),
            purge_turn: Mutex::default(),
            purge_asked: Condvar::new(),
        }
    }

    /// Queues a job; waits while too many bytes wait already.
    pub(crate) fn submit(&self, job: Job) -> Result<()> {
        let bytes = job_bytes(&job);
        let mut queue = self.lock();
        loop {
            queue.check()?;
            if bytes == 0 || queue.bytes == 0 || queue.bytes + bytes <= QUEUE_BYTES_MAX {
                break;
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        queue.bytes += bytes;
        queue.jobs.push_back(job);
        drop(queue);
        self.changed.notify_all();
        Ok(())
    }

    /// Whether jobs are taken, else why not.
    pub(crate) fn check(&self) -> Result<()> {
        self.lock().check()
    }

    /// Whether the store may still be read.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.lock().is_closed {
            Err(closed())
        } else {
            Ok(())
        }
    }

    /// Names the newest change after its commit, and wakes who waits for it.
    pub(crate) fn publish_change(&self, change: i64) {
        self.change.store(change, Ordering::Release);
        // Whoever looked before is waiting now, and not between the look and the wait.
        drop(self.turn_of_change());
        self.change_grew.notify_all();
    }

    /// Waits until the newest change lies past `after`, at most so long, and names it.
    pub(crate) fn wait_for_change(&self, after: i64, longest: Duration) -> Result<i64> {
        let until = Instant::now() + longest;
        let mut turn = self.turn_of_change();
        loop {
            self.check_open()?;
            let newest = self.change.load(Ordering::Acquire);
            let left = until.saturating_duration_since(Instant::now());
            if newest > after || left.is_zero() {
                return Ok(newest);
            }
            turn = self
                .change_grew
                .wait_timeout(turn, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn turn_of_change(&self) -> MutexGuard<'_, ()> {
        self.change_turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more jobs; those that wait are still done.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
        self.backlog.close();
        *self.log_turn.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.log_grew.notify_all();
        self.turn_of_purge().is_over = true;
        self.purge_asked.notify_all();
        drop(self.turn_of_change());
        self.change_grew.notify_all();
    }

    /// Lets the log pass its limit by so many bytes, until the answer is dropped.
    pub(crate) fn let_log_grow(&self, bytes: u64) -> LogRoom<'_> {
        self.log_room.fetch_add(bytes, Ordering::AcqRel);
        LogRoom {
            shared: self,
            bytes,
        }
    }

    /// Bytes by which the log may pass its limit now; 0 unless a copy is made.
    pub(crate) fn log_room(&self) -> u64 {
        self.log_room.load(Ordering::Acquire)
    }

    /// Wakes the thread that purges.
    pub(crate) fn ask_for_purge(&self) {
        self.turn_of_purge().is_asked = true;
        self.purge_asked.notify_all();
    }

    /// Waits until somebody has purged, at most so long; `false` once all is over.
    pub(crate) fn wait_for_purge(&self, longest: Duration) -> bool {
        let turn = self.turn_of_purge();
        let waits = |turn: &mut PurgeTurn| !turn.is_asked && !turn.is_over;
        let (mut turn, _) = self
            .purge_asked
            .wait_timeout_while(turn, longest, waits)
            .unwrap_or_else(PoisonError::into_inner);
        turn.is_asked = false;
        !turn.is_over
    }

    fn turn_of_purge(&self) -> MutexGuard<'_, PurgeTurn> {
        self.purge_turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers nothing but this from now on.
    pub(crate) fn poison(&self, reason: String) {
        tracing::error!(reason, "nothing is written any more");
        let mut queue = self.lock();
        queue.poison.get_or_insert(reason);
        // Whoever waits learns it from the reply that is dropped.
        queue.jobs.clear();
        queue.bytes = 0;
        drop(queue);
        self.changed.notify_all();
    }

    /// Answers nothing but this from now on, if a sync has failed.
    pub(crate) fn poison_after_sync(&self, error: &StoreError) {
        if is_failed_sync(error) {
            self.poison(error.to_string());
        }
    }

    /// Waits for jobs and takes the next: one edit, slice or checkpoint, or all frames that wait.
    pub(crate) fn take(&self) -> Option<Vec<Job>> {
        let mut queue = self.lock();
        while queue.jobs.is_empty() {
            if queue.is_closed {
                return None;
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut jobs = Vec::new();
        let mut bytes = 0;
        while let Some(job) = queue.jobs.front() {
            let is_append = matches!(job, Job::Append { .. });
            let is_full = jobs.len() >= GROUP_FRAMES_MAX || bytes >= GROUP_BYTES_MAX;
            if !jobs.is_empty() && (!is_append || is_full) {
                break;
            }
            bytes += job_bytes(job);
            jobs.extend(queue.jobs.pop_front());
            if !is_append {
                break;
            }
        }
        queue.bytes = queue.bytes.saturating_sub(bytes);
        drop(queue);
        self.changed.notify_all();
        Some(jobs)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn check(&self) -> Result<()> {
        if let Some(reason) = &self.poison {
            return Err(StoreError::Unavailable {
                reason: format!(
                    "nothing is written any more since a write failed: {reason}\nhint: look at \
                     the disk, then start the server again; clients keep what they have"
                ),
                retry_after_millis: POISON_RETRY_MILLIS,
            });
        }
        if self.is_closed {
            return Err(closed());
        }
        Ok(())
    }
}

/// The answer to calls after the store was closed.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable {
        reason: "the store is closed".to_owned(),
        retry_after_millis: 1_000,
    }
}

fn job_bytes(job: &Job) -> u64 {
    match job {
        Job::Append { bytes, .. } => *bytes,
        Job::Edit { .. }
        | Job::Purge { .. }
        | Job::Blobs { .. }
        | Job::Slice { .. }
        | Job::Checkpoint { .. } => 0,
    }
}

impl WriterShared {
    /// Whether writing goes on, also while the queue is closing.
    pub(crate) fn check_poison(&self) -> Result<()> {
        let queue = self.lock();
        if queue.poison.is_some() {
            queue.check()
        } else {
            Ok(())
        }
    }
}
