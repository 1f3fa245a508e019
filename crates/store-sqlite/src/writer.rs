//! The one thread that writes: groups of frames, edits, slices of folds, checkpoints.
//!
//! `SqliteStore::append` puts a prepared frame into the queue and waits. The thread takes all
//! frames that wait, applies each in a savepoint, commits once, and only then answers all of them;
//! a frame that comes alone waits for nobody. The surprising rule: after a commit that failed for
//! any other reason than a full disk, or a checkpoint whose sync failed, nothing is written any
//! more, because nobody can know what the disk holds. The queue then answers that until the folder
//! is opened again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use runstone_model::{RunId, Timestamp};
use runstone_store::apply::{PreparedFrame, apply_edits, apply_frame, apply_purges};
use runstone_store::{EditAnswer, EditRequest, StoreError};
use runstone_wire::{FrameAnswer, FrameStatus};
use rusqlite::Connection;

use crate::backlog::Unfolded;
use crate::cache::Cache;
use crate::connection::BUSY_TIMEOUT;
use crate::context::SqliteContext;
use crate::error::{Result, is_disk_full, sql_error};
use crate::queue::{BlobWork, Job, Slice, WriterShared, closed};
use crate::sequences::Sequences;

/// Memory for what the writer remembers of runs and writers.
const CACHE_BYTES_MAX: usize = 16 << 20;
/// How long a checkpoint that cuts the log waits for readers; frames wait meanwhile.
const CHECKPOINT_PATIENCE: Duration = Duration::from_millis(100);
/// After a checkpoint that readers kept from cutting the log.
const BUSY_PAUSE: Duration = Duration::from_millis(200);
/// How often the size of the caches is looked at, in groups.
const TRIM_GROUPS: u64 = 64;

/// The thread's own part.
pub(crate) struct Writer {
    shared: Arc<WriterShared>,
    connection: Connection,
    cache: Cache,
    sequences: Sequences,
    groups: u64,
    /// When readers last kept a checkpoint from cutting the log.
    checkpoint_busy_at: Option<Instant>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<WriterShared>, mut connection: Connection) -> Result<Self> {
        let log_pages = Arc::clone(&shared.log_pages);
        let hook = move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            log_pages.store(i64::from(pages), Ordering::Relaxed);
            Ok(())
        };
        connection.wal_hook(Some(hook)).map_err(sql_error)?;
        let sequences = Sequences::read(&connection)?;
        Ok(Self {
            shared,
            connection,
            cache: Cache::new(CACHE_BYTES_MAX),
            sequences,
            groups: 0,
            checkpoint_busy_at: None,
        })
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        // Should this thread ever panic, its callers must not wait for ever.
        let guard = PoisonOnPanic(Arc::clone(&self.shared));
        while let Some(jobs) = self.shared.take() {
            self.work(jobs);
            self.shared.log_grew.notify_one();
            self.groups += 1;
            if self.groups.is_multiple_of(TRIM_GROUPS) {
                self.cache.trim();
            }
        }
        if let Err(error) = self.checkpoint() {
            tracing::warn!(%error, "the log was not checkpointed at the end");
        }
        drop(guard);
    }

    fn work(&mut self, mut jobs: Vec<Job>) {
        match jobs.pop() {
            Some(Job::Slice { slice, reply }) => {
                let outcome = self.apply_slice(slice);
                // The folder may be gone.
                let _ = reply.send(outcome);
            }
            Some(Job::Blobs { work, reply }) => {
                // The caller may be gone.
                let _ = reply.send(self.apply_blobs(work));
            }
            Some(Job::Edit { request, reply }) => {
                // The caller may be gone.
                let _ = reply.send(self.apply_edit(&request));
            }
            Some(Job::Purge {
                deleted_until,
                runs_max,
                reply,
            }) => {
                // The caller may be gone.
                let _ = reply.send(self.apply_purges(deleted_until, runs_max));
            }
            Some(Job::Checkpoint { reply }) => {
                let outcome = self.checkpoint();
                if let Some(reply) = reply {
                    let _ = reply.send(outcome);
                }
            }
            Some(append) => {
                jobs.push(append);
                self.apply_group(jobs);
            }
            None => {}
        }
    }

    /// Applies frames, commits once, answers all.
    fn apply_group(&mut self, jobs: Vec<Job>) {
        let former = self.sequences;
        let mut answers = Vec::with_capacity(jobs.len());
        let mut unfolded = Vec::new();
        let mut outcome = self.begin();
        for job in jobs {
            let Job::Append {
                prepared, reply, ..
            } = job
            else {
                continue;
            };
            let answer = match &outcome {
                Ok(()) => self.apply_frame(&prepared),
                // Replaced by the outcome of the group below.
                Err(_) => Err(closed()),
            };
            if let Err(error) = &answer {
                self.shared.poison_after_sync(error);
            }
            if answer.is_err() && self.connection.is_autocommit() {
                // SQLite has undone the whole group.
                outcome = outcome.and_then(|()| answer.as_ref().map(drop).map_err(copy_error));
            }
            if let Ok((_, added)) = &answer {
                unfolded.extend_from_slice(added);
            }
            answers.push((reply, answer.map(|(answer, _)| answer)));
        }
        let outcome = outcome.and_then(|()| {
            self.sequences.write(&self.connection, &former)?;
            self.commit()
        });
        if let Err(error) = &outcome {
            self.shared.poison_after_sync(error);
            self.undo(former);
            tracing::warn!(%error, "a group of frames was not applied");
        } else {
            self.publish(&answers, &unfolded);
        }
        for (reply, answer) in answers {
            // A caller that went away sends its frame again.
            let _ = reply.send(match &outcome {
                Ok(()) => answer,
                Err(error) => Err(copy_error(error)),
            });
        }
    }

    fn publish(
        &self,
        answers: &[(SyncSender<Result<FrameAnswer>>, Result<FrameAnswer>)],
        unfolded: &[Unfolded],
    ) {
        self.shared.publish_change(self.sequences.change);
        let applied = answers
            .iter()
            .filter(|(_, answer)| {
                answer
                    .as_ref()
                    .is_ok_and(|answer| answer.status == FrameStatus::Applied)
            })
            .count() as u64;
        self.shared
            .applied_frames
            .fetch_add(applied, Ordering::Relaxed);
        let points = unfolded.iter().map(|unfolded| unfolded.points).sum();
        self.shared
            .applied_points
            .fetch_add(points, Ordering::Relaxed);
        self.shared.backlog.add(unfolded);
    }

    fn apply_frame(&mut self, prepared: &PreparedFrame) -> Result<(FrameAnswer, Vec<Unfolded>)> {
        let before = self.sequences;
        self.statement("SAVEPOINT frame")?;
        let mut context = SqliteContext::new(
            &self.connection,
            &mut self.cache,
            &mut self.sequences,
            prepared.received_at.0,
        );
        let outcome =
            apply_frame(&mut context, prepared).and_then(|answer| Ok((answer, context.finish()?)));
        if outcome.is_ok() {
            self.statement("RELEASE frame")?;
        } else {
            self.cache.clear();
            self.sequences = before;
            if !self.connection.is_autocommit() {
                self.statement("ROLLBACK TO frame")?;
                self.statement("RELEASE frame")?;
            }
        }
        outcome
    }

    fn apply_edit(&mut self, request: &EditRequest) -> Result<EditAnswer> {
        self.change(request.at, |context| apply_edits(context, request))
    }

    fn apply_purges(&mut self, deleted_until: Timestamp, runs_max: usize) -> Result<Vec<RunId>> {
        self.change(deleted_until, |context| {
            apply_purges(context, deleted_until, runs_max)
        })
    }

    /// Applies what is no frame, whole, in a transaction of its own.
    fn change<T>(
        &mut self,
        at: Timestamp,
        apply: impl FnOnce(&mut SqliteContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let former = self.sequences;
        self.begin()?;
        let mut context =
            SqliteContext::new(&self.connection, &mut self.cache, &mut self.sequences, at);
        let outcome = apply(&mut context)
            .and_then(|answer| context.finish().map(|_| answer))
            .and_then(|answer| {
                self.sequences.write(&self.connection, &former)?;
                self.commit()?;
                Ok(answer)
            });
        match &outcome {
            Ok(_) => self.shared.publish_change(self.sequences.change),
            Err(error) => {
                self.shared.poison_after_sync(error);
                self.undo(former);
                tracing::warn!(%error, "runs were not edited");
            }
        }
        outcome
    }

    /// Applies a call of the catalogue of blobs. It touches nothing that the cache knows, so one
    /// that is refused costs a rollback and no more.
    fn apply_blobs(&mut self, work: BlobWork) -> Result<()> {
        let former = self.sequences;
        self.begin()?;
        let mut context = SqliteContext::new(
            &self.connection,
            &mut self.cache,
            &mut self.sequences,
            Timestamp::default(),
        );
        let outcome = work(&mut context)
            .and_then(|()| self.sequences.write(&self.connection, &former))
            .inspect_err(|error| self.shared.poison_after_sync(error))
            .and_then(|()| self.commit());
        if outcome.is_err() {
            self.sequences = former;
            self.roll_back();
        }
        outcome
    }

    fn apply_slice(&mut self, slice: Slice) -> Result<()> {
        self.begin()?;
        let outcome = slice(&mut self.connection)
            .inspect_err(|error| self.shared.poison_after_sync(error))
            .and_then(|()| self.commit());
        if outcome.is_err() {
            self.roll_back();
        }
        outcome
    }

    fn begin(&self) -> Result<()> {
        self.shared.check_poison()?;
        self.statement("BEGIN IMMEDIATE")
    }

    /// Commits. What fails here and is not a full disk is the end of writing.
    fn commit(&self) -> Result<()> {
        // A checkpoint may have failed meanwhile.
        self.shared.check_poison()?;
        self.connection
            .prepare_cached("COMMIT")
            .and_then(|mut statement| statement.execute([]))
            .map(drop)
            .map_err(|error| {
                if !is_disk_full(&error) {
                    self.shared.poison(error.to_string());
                }
                sql_error(error)
            })
    }

    /// Forgets what was not committed.
    fn undo(&mut self, former: Sequences) {
        self.cache.clear();
        self.sequences = former;
        self.roll_back();
    }

    /// Leaves a transaction that is open. One that can't be left is the end of writing.
    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.statement("ROLLBACK")
        {
            self.shared
                .poison(format!("a transaction can't be undone: {error}"));
        }
    }

    /// Copies the whole log into the database and cuts it, unless a reader needs it.
    fn checkpoint(&mut self) -> Result<()> {
        let is_empty = self.shared.log_pages.load(Ordering::Relaxed) == 0;
        let was_busy = self
            .checkpoint_busy_at
            .is_some_and(|at| at.elapsed() < BUSY_PAUSE);
        if is_empty || was_busy {
            return Ok(());
        }
        self.connection
            .busy_timeout(CHECKPOINT_PATIENCE)
            .map_err(sql_error)?;
        let busy = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                row.get::<_, i64>(0)
            })
            .map_err(sql_error)
            .inspect_err(|error| self.shared.poison_after_sync(error));
        self.connection
            .busy_timeout(BUSY_TIMEOUT)
            .map_err(sql_error)?;
        if busy? == 0 {
            self.shared.log_pages.store(0, Ordering::Relaxed);
            self.checkpoint_busy_at = None;
        } else {
            self.checkpoint_busy_at = Some(Instant::now());
        }
        Ok(())
    }

    fn statement(&self, sql: &str) -> Result<()> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(drop)
            .map_err(sql_error)
    }
}

/// Poisons the queue when the thread ends by a panic.
struct PoisonOnPanic(Arc<WriterShared>);

impl Drop for PoisonOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .poison("the writer thread panicked, see the log of the server".to_owned());
        }
    }
}

/// The same error for another caller.
fn copy_error(error: &StoreError) -> StoreError {
    match error {
        StoreError::Invalid(text) => StoreError::Invalid(text.clone()),
        StoreError::NotFound(text) => StoreError::NotFound(text.clone()),
        StoreError::Conflict(text) => StoreError::Conflict(text.clone()),
        StoreError::Unavailable {
            reason,
            retry_after_millis,
        } => StoreError::Unavailable {
            reason: reason.clone(),
            retry_after_millis: *retry_after_millis,
        },
        StoreError::Overloaded {
            reason,
            retry_after_millis,
        } => StoreError::Overloaded {
            reason: reason.clone(),
            retry_after_millis: *retry_after_millis,
        },
        StoreError::Corrupt(text) => StoreError::Corrupt(text.clone()),
        StoreError::Internal(text) => StoreError::Internal(text.clone()),
    }
}
