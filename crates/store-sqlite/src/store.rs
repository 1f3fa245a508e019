//! The engine: opening, and the methods of [`Store`].

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use runstone_model::{ChangeNumber, RunKey, StoreIdentity, Timestamp, WriterId};
use runstone_store::apply::PreparedFrame;
use runstone_store::{
    AppendFrame, BackupReport, CopyBlobs, EditAnswer, EditRequest, FoldReport, ReclaimReport,
    ReclaimRequest, RunAction, Snapshot, SpaceReport, Store, StoreError, StoreStats, WriterMark,
};
use runstone_wire::FrameAnswer;
use rusqlite::Connection;

use crate::backlog::{Backlog, Unfolded};
use crate::checkpointer::{self, log_bytes};
use crate::columns::ColumnCache;
use crate::connection::{ReaderPool, open_through, open_writer, use_log};
use crate::copy::copy_folder;
use crate::error::{Result, sql_error, with_path};
use crate::fold::Folder;
use crate::folder::{database_file, log_file_bytes, open_folder};
use crate::fork::ForkCache;
use crate::lock::FolderLock;
use crate::queue::{Job, WriterShared, closed};
use crate::rows::{collect, find};
use crate::schema::{MIGRATIONS, Migration, check_library, prepare_schema};
use crate::sequences::{Sequences, read_changes_forgotten};
use crate::snapshot::SqliteSnapshot;
use crate::space::{Reclaimer, read_space};
use crate::stripes::Striper;
use crate::summaries::UnfoldedCache;
use crate::writer::Writer;
use crate::{SqliteOptions, sql};

/// How long an append that waits for the log sleeps between two looks.
const LOG_LOOK: Duration = Duration::from_millis(20);
/// When to try again after too much was unfolded or logged.
const OVERLOAD_RETRY_MILLIS: u64 = 1_000;

/// One data folder, opened by this process alone.
///
/// Writing, checkpointing, folding, making stripes and purging have a thread each; see the modules. [`Store::close`] or
/// dropping it ends them; what was acknowledged is durable without either.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) inner: Arc<Inner>,
    identity: StoreIdentity,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<FolderLock>>,
}

/// What the methods and the snapshots share.
pub(crate) struct Inner {
    pub(crate) folder: PathBuf,
    pub(crate) pool: Arc<ReaderPool>,
    pub(crate) unfolded: UnfoldedCache,
    pub(crate) forks: ForkCache,
    pub(crate) columns: ColumnCache,
    pub(crate) shared: Arc<WriterShared>,
    folding: Arc<Folder>,
    striping: Arc<Striper>,
    reclaiming: Arc<Reclaimer>,
    options: SqliteOptions,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Inner")
            .field("folder", &self.folder)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the folder, and makes it if there is none.
    ///
    /// # Errors
    /// `Conflict` if another process works in the folder (naming it) or a newer program wrote it;
    /// `Invalid` if the folder can't be written, lies on a network file system, or holds another
    /// program's database; `Corrupt` if the database is damaged. Each says what to do.
    pub fn open(folder: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        Self::open_with(folder, options, MIGRATIONS)
    }

    /// Opens with other migrations than this program's.
    pub(crate) fn open_with(
        folder: &Path,
        options: SqliteOptions,
        migrations: &[Migration],
    ) -> Result<Self> {
        check_library()?;
        let lock = open_folder(folder, &options)?;
        let opened = Self::open_locked(folder, options, migrations);
        let (inner, identity, threads) = opened.map_err(|error| with_path(folder, error))?;
        Ok(Self {
            inner: Arc::new(inner),
            identity,
            threads: Mutex::new(threads),
            lock: Mutex::new(Some(lock)),
        })
    }

    fn open_locked(
        folder: &Path,
        options: SqliteOptions,
        migrations: &[Migration],
    ) -> Result<(Inner, StoreIdentity, Vec<JoinHandle<()>>)> {
        let database = database_file(folder);
        let mut connection = open_writer(
            &database,
            options.cache_bytes_max / 4,
            options.vfs.as_deref(),
        )?;
        let now = (options.clock)();
        let identity = prepare_schema(&mut connection, &database, migrations, now)?;
        use_log(&connection)?;
        let backlog = Backlog::new(options.fold, read_unfolded(&connection)?);
        let change = Sequences::read(&connection)?.change;
        let changes_forgotten = read_changes_forgotten(&connection)?;
        let shared = Arc::new(WriterShared::new(backlog, change));
        let pool = Arc::new(ReaderPool::new(
            database.clone(),
            options.vfs.clone(),
            options.cache_bytes_max / 2,
            options.readers_max,
        ));
        let clock = Arc::clone(&options.clock);
        let folding = Arc::new(Folder::new(
            Arc::clone(&shared),
            Arc::clone(&pool),
            clock,
            options.layout,
            options.changes_kept,
            changes_forgotten,
        ));
        let striping = Arc::new(Striper::new(
            Arc::clone(&shared),
            Arc::clone(&pool),
            Arc::clone(&options.clock),
            options.layout,
        ));
        let reclaiming = Arc::new(Reclaimer::new(
            Arc::clone(&shared),
            Arc::clone(&pool),
            database.clone(),
            options.vfs.clone(),
            Arc::clone(&options.clock),
            options.trash_seconds,
            options.free_percent_max,
        ));
        let writer = Writer::new(Arc::clone(&shared), connection)?;
        let mut threads = vec![spawn("runstone-write", move || writer.run())?];
        if options.background {
            let connection = open_through(&database, 1 << 20, options.vfs.as_deref())?;
            let for_log = Arc::clone(&shared);
            let log_bytes_max = options.log_bytes_max;
            threads.push(spawn("runstone-log", move || {
                checkpointer::run(&for_log, &connection, log_bytes_max);
            })?);
            let for_folding = Arc::clone(&folding);
            threads.push(spawn("runstone-fold", move || for_folding.run())?);
            let for_striping = Arc::clone(&striping);
            threads.push(spawn("runstone-stripe", move || for_striping.run())?);
            let for_reclaiming = Arc::clone(&reclaiming);
            threads.push(spawn("runstone-space", move || for_reclaiming.run())?);
        }
        let inner = Inner {
            folder: folder.to_owned(),
            pool,
            unfolded: UnfoldedCache::default(),
            forks: ForkCache::default(),
            columns: ColumnCache::default(),
            shared,
            folding,
            striping,
            reclaiming,
            options,
        };
        Ok((inner, identity, threads))
    }

    /// Notes in the lock file where this process listens, for commands that find the folder in use.
    ///
    /// # Errors
    /// `Internal` if the lock file can't be written; `Unavailable` after `close`.
    pub fn set_address(&self, address: &str) -> Result<(), StoreError> {
        self.lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
            .map_or_else(|| Err(closed()), |lock| lock.set_address(address))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Delays an append while too much is unfolded or in the log.
    fn wait_for_room(&self) -> Result<()> {
        let Inner {
            shared, options, ..
        } = &*self.inner;
        let longest = Duration::from_millis(options.stall_millis_max);
        let until = Instant::now() + longest;
        let points_max = options.unfolded_points_max;
        let bytes_max = options.unfolded_entry_bytes_max;
        let backlog = &shared.backlog;
        let is_over = backlog.totals().1 > points_max || backlog.entry_bytes() > bytes_max;
        if is_over && !backlog.wait_for_room(points_max, bytes_max, longest) {
            return Err(StoreError::Overloaded {
                reason: format!(
                    "more than {points_max} points, or {bytes_max} bytes of logs and objects, \
                     wait to be folded"
                ),
                retry_after_millis: OVERLOAD_RETRY_MILLIS,
            });
        }
        // A margin, so that the writer can shorten the log at the limit before callers wait.
        let margin = options.log_bytes_max / 4;
        let limit = || {
            let more = margin.saturating_add(shared.log_room());
            options.log_bytes_max.saturating_add(more)
        };
        while log_bytes(shared) > limit() {
            let (reply, done) = sync_channel(1);
            shared.submit(Job::Checkpoint { reply: Some(reply) })?;
            // Without an answer the next append says why.
            let _ = done.recv();
            let log_bytes_max = limit();
            if log_bytes(shared) <= log_bytes_max {
                break;
            }
            if Instant::now() >= until {
                return Err(StoreError::Overloaded {
                    reason: format!(
                        "the log holds more than {log_bytes_max} bytes and a reader keeps it from \
                         being shortened"
                    ),
                    retry_after_millis: OVERLOAD_RETRY_MILLIS,
                });
            }
            std::thread::sleep(LOG_LOOK);
        }
        Ok(())
    }

    fn append_prepared(&self, frame: AppendFrame) -> Result<FrameAnswer> {
        let shared = &self.inner.shared;
        shared.check()?;
        self.wait_for_room()?;
        let bytes = frame
            .frame
            .operations
            .iter()
            .map(|operation| operation.as_bytes().len());
        // Decoded points take about ten times the bytes of a pack.
        let bytes = bytes.sum::<usize>() as u64 * 10;
        let prepared = Box::new(PreparedFrame::prepare(frame));
        let (reply, answer) = sync_channel(1);
        shared.submit(Job::Append {
            prepared,
            bytes,
            reply,
        })?;
        answer.recv().unwrap_or_else(|_| {
            shared.check()?;
            Err(StoreError::Unavailable {
                reason: "the frame was not applied because writing stopped".to_owned(),
                retry_after_millis: OVERLOAD_RETRY_MILLIS,
            })
        })
    }

    fn apply_edit(&self, request: EditRequest) -> Result<EditAnswer> {
        let shared = &self.inner.shared;
        let (reply, answer) = sync_channel(1);
        let purges = matches!(request.action, RunAction::Purge);
        let request = Box::new(request);
        shared.submit(Job::Edit { request, reply })?;
        let answer = answer.recv().unwrap_or_else(|_| {
            shared.check()?;
            Err(StoreError::Unavailable {
                reason: "the runs were not edited because writing stopped".to_owned(),
                retry_after_millis: OVERLOAD_RETRY_MILLIS,
            })
        })?;
        if purges && self.inner.options.background {
            shared.ask_for_purge();
        } else if purges {
            self.inner.reclaiming.finish_purges()?;
        }
        Ok(answer)
    }

    fn stop(&self) -> Result<()> {
        let shared = &self.inner.shared;
        shared.close();
        let threads = std::mem::take(&mut *self.threads());
        let mut panicked = false;
        // The folder ends before the writer that serves it, the order does not matter otherwise.
        for thread in threads.into_iter().rev() {
            panicked |= thread.join().is_err();
        }
        self.inner.pool.close_idle();
        self.lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if panicked {
            return Err(StoreError::Internal(
                "a thread of the store panicked".to_owned(),
            ));
        }
        Ok(())
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn locate<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| with_path(&self.inner.folder, error))
    }
}

impl Store for SqliteStore {
    fn identity(&self) -> StoreIdentity {
        self.identity
    }

    fn append(&self, frame: AppendFrame) -> Result<FrameAnswer, StoreError> {
        self.locate(self.append_prepared(frame))
    }

    fn edit(&self, request: &EditRequest) -> Result<EditAnswer, StoreError> {
        self.locate(self.apply_edit(request.clone()))
    }

    fn read_writer_mark(&self, writer: WriterId) -> Result<Option<WriterMark>, StoreError> {
        let read = || {
            let reader = self.inner.pool.begin()?;
            let params = [writer.as_bytes()];
            find(reader.connection(), sql::READ_WRITER_MARK, params, |row| {
                let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
                Ok(WriterMark {
                    mark: get(0)?.cast_unsigned(),
                    chain: get(1)?.cast_unsigned(),
                })
            })
        };
        self.inner.shared.check_open()?;
        self.locate(read())
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        self.inner.shared.check_open()?;
        let snapshot = self.locate(SqliteSnapshot::take(&self.inner))?;
        Ok(Box::new(snapshot))
    }

    fn change_number(&self) -> Result<ChangeNumber, StoreError> {
        self.inner.shared.check_open()?;
        let change = self.inner.shared.change.load(Ordering::Acquire);
        Ok(ChangeNumber(change.cast_unsigned()))
    }

    fn wait_for_change(
        &self,
        after: ChangeNumber,
        longest: Duration,
    ) -> Result<ChangeNumber, StoreError> {
        let after = i64::try_from(after.0).unwrap_or(i64::MAX);
        let newest = self.inner.shared.wait_for_change(after, longest)?;
        Ok(ChangeNumber(newest.cast_unsigned()))
    }

    fn fold(&self, everything: bool) -> Result<FoldReport, StoreError> {
        self.inner.shared.check()?;
        let folded = self.inner.folding.fold(everything);
        self.locate(folded.and_then(|report| self.inner.striping.work().map(|()| report)))
    }

    fn reclaim(&self, request: &ReclaimRequest) -> Result<ReclaimReport, StoreError> {
        self.inner.shared.check()?;
        // Stripes let go of deleted runs before their pages are given back.
        if let Err(error) = self.inner.striping.work() {
            self.inner.shared.check()?;
            // On a full disk nothing can be written, and space is what is asked for.
            tracing::warn!(%error, "summaries by metric still hold deleted runs");
        }
        self.locate(self.inner.reclaiming.reclaim(request))
    }

    fn read_space(&self) -> Result<SpaceReport, StoreError> {
        self.inner.shared.check_open()?;
        let read = || {
            let reader = self.inner.pool.begin()?;
            read_space(reader.connection())
        };
        let mut report = self.locate(read())?;
        report.log_bytes = log_file_bytes(&self.inner.folder);
        Ok(report)
    }

    fn back_up(
        &self,
        folder: &Path,
        copy_blobs: &mut CopyBlobs<'_>,
    ) -> Result<BackupReport, StoreError> {
        let Inner { shared, .. } = &*self.inner;
        shared.check()?;
        copy_folder(shared, &self.inner.folder, folder, copy_blobs)
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        let shared = &self.inner.shared;
        shared.check_open()?;
        let (unfolded_frames, unfolded_points) = shared.backlog.totals();
        let database = database_file(&self.inner.folder);
        let runs = || {
            let reader = self.inner.pool.begin()?;
            find(reader.connection(), sql::COUNT_RUNS, [], |row| {
                row.get::<_, i64>(0).map_err(sql_error)
            })
        };
        let runs = self.locate(runs())?.unwrap_or(0).cast_unsigned();
        Ok(StoreStats {
            runs,
            unfolded_frames,
            unfolded_points,
            database_bytes: std::fs::metadata(&database).map_or(0, |metadata| metadata.len()),
            log_bytes: log_bytes(shared),
            applied_frames: shared.applied_frames.load(Ordering::Relaxed),
            applied_points: shared.applied_points.load(Ordering::Relaxed),
        })
    }

    fn close(&self) -> Result<(), StoreError> {
        self.locate(self.stop())
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "the store was not closed in order");
        }
    }
}

/// What is unfolded in a folder that is opened, and whose summaries must be made again.
fn read_unfolded(connection: &Connection) -> Result<Vec<Unfolded>> {
    let mut unfolded = collect(connection, sql::SUM_L0, [], |row| {
        let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
        let run = RunKey(get(0)?.cast_unsigned());
        let nothing = Unfolded::nothing(run, Timestamp::from_micros(get(4)?));
        Ok(Unfolded {
            frames: get(1)?.cast_unsigned(),
            points: get(2)?.cast_unsigned(),
            bytes: get(3)?.cast_unsigned(),
            series: 1,
            ..nothing
        })
    })?;
    unfolded.extend(collect(connection, sql::SUM_ENTRY_ROWS, [], |row| {
        let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
        let run = RunKey(get(0)?.cast_unsigned());
        Ok(Unfolded {
            entry_rows: get(1)?.cast_unsigned(),
            entry_bytes: get(2)?.cast_unsigned(),
            ..Unfolded::nothing(run, Timestamp::from_micros(get(3)?))
        })
    })?);
    unfolded.extend(collect(connection, sql::STALE_RUNS, [], |row| {
        let run = RunKey(row.get::<_, i64>(0).map_err(sql_error)?.cast_unsigned());
        let nothing = Unfolded::nothing(run, Timestamp::from_micros(0));
        Ok(Unfolded {
            is_stale: true,
            ..nothing
        })
    })?);
    Ok(unfolded)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| {
            StoreError::Internal(format!("a thread of the store can't be started: {error}"))
        })
}

#[cfg(test)]
mod tests;
