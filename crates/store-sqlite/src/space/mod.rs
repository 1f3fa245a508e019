//! Giving space back: purged runs lose their rows, free pages go back to the file system.
//!
//! A thread of its own looks once a minute, and when somebody purges; [`Store::reclaim`] does the
//! same at once. Everything that writes is a slice for the writer's thread, short enough that
//! frames hardly wait. The surprising rule: a purge is over for readers with its first commit,
//! which takes the run out of `run` and puts it into `purge` (see `context/runs.rs`). What follows
//! only deletes rows that nothing finds, in an order of no importance, so that a crash anywhere
//! is made good by going on.
//!
//! [`Store::reclaim`]: runstone_store::Store::reclaim

mod usage;

use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use runstone_model::{RunId, RunKey, Timestamp};
use runstone_store::{ReclaimReport, ReclaimRequest, StoreError};
use rusqlite::Connection;

pub(crate) use self::usage::{
    LOCAL_BYTES_MAX, LOCAL_BYTES_MIN, OVERFLOW_BYTES, read_space, split_row,
};
use crate::checkpointer::{PAGE_BYTES, checkpoint_passively, log_bytes};
use crate::connection::{ReaderPool, open_through};
use crate::error::{Result, sql_error};
use crate::options::Clock;
use crate::queue::{Job, WriterShared};
use crate::rows::{execute, find};
use crate::sql;

/// How long a slice works before it commits. Frames wait for it, and for its commit.
const SLICE: Duration = Duration::from_millis(8);
/// Runs that leave the trash with one commit.
const RUNS_AT_ONCE: usize = 32;
/// How often the trash and the free pages are looked at unasked.
const LOOK: Duration = Duration::from_secs(60);
/// A turn that nobody waits for.
const TURN: Duration = Duration::from_secs(1);
/// Fewer free pages than this (16 MiB) are kept for new data.
const FREE_PAGES_MIN: u64 = 4_096;
/// Of so many pages one stays free when nobody asked for more.
const FREE_PAGES_SHARE: u64 = 20;
/// The log is shortened after so many bytes of slices.
const LOG_BYTES: u64 = 32 << 20;
/// How often a log that readers hold is tried to be shortened at the end of a turn.
const LOG_TRIES: u32 = 8;
/// Between two such tries.
const LOG_PAUSE: Duration = Duration::from_millis(250);

/// How far the free pages are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vacuum {
    /// All of them.
    Whole,
    /// Only once they pass their share of the file, and then down to a rest.
    Share,
}

/// Purges and vacuums, one turn at a time.
pub(crate) struct Reclaimer {
    shared: Arc<WriterShared>,
    pool: Arc<ReaderPool>,
    database: PathBuf,
    vfs: Option<String>,
    clock: Clock,
    trash_seconds: u64,
    free_percent_max: u64,
    /// Also the turn to work.
    connection: Mutex<Option<Connection>>,
}

impl Reclaimer {
    pub(crate) fn new(
        shared: Arc<WriterShared>,
        pool: Arc<ReaderPool>,
        database: PathBuf,
        vfs: Option<String>,
        clock: Clock,
        trash_seconds: u64,
        free_percent_max: u64,
    ) -> Self {
        Self {
            shared,
            pool,
            database,
            vfs,
            clock,
            trash_seconds,
            free_percent_max,
            connection: Mutex::default(),
        }
    }

    /// Works until the store is closed.
    pub(crate) fn run(&self) {
        loop {
            let request = ReclaimRequest {
                at: (self.clock)(),
                trash_seconds: None,
                longest: TURN,
            };
            let is_done = match self.turn(&request, Vacuum::Share) {
                Ok(report) => report.done,
                Err(error) => {
                    if self.shared.check().is_err() {
                        return;
                    }
                    tracing::warn!(%error, "deleted runs were not purged");
                    true
                }
            };
            let longest = if is_done { LOOK } else { Duration::ZERO };
            if !self.shared.wait_for_purge(longest) {
                return;
            }
        }
    }

    /// A turn that somebody asked for.
    pub(crate) fn reclaim(&self, request: &ReclaimRequest) -> Result<ReclaimReport> {
        self.turn(request, Vacuum::Whole)
    }

    /// Deletes what is left of purged runs, without returning pages.
    pub(crate) fn finish_purges(&self) -> Result<()> {
        let _turn = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.purge_rows(Instant::now() + LOOK, Duration::ZERO)
            .map(drop)
    }

    fn turn(&self, request: &ReclaimRequest, vacuum: Vacuum) -> Result<ReclaimReport> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + request.longest;
        let (pages_before, _) = self.count_pages()?;
        let deleted_until = request.deleted_until(self.trash_seconds);
        let purged = self.purge_expired(deleted_until)?;
        for id in &purged {
            tracing::info!(run = %id, "a deleted run was purged");
        }
        // Who asked waits for the end; otherwise frames get half of the writer's time at least.
        let pause = match vacuum {
            Vacuum::Whole => Duration::ZERO,
            Vacuum::Share => SLICE * 2,
        };
        let mut done = purged.len() < RUNS_AT_ONCE && self.purge_rows(until, pause)?;
        let (pages, free) = self.count_pages()?;
        let keep = match vacuum {
            Vacuum::Whole => Some(0),
            Vacuum::Share => self.pages_to_keep(pages, free),
        };
        if let Some(keep) = keep.filter(|keep| done && free > *keep) {
            done = self.vacuum(&mut connection, keep, until, pause)?;
            if done && vacuum == Vacuum::Whole {
                self.cut_files(&mut connection)?;
            }
        }
        let (pages, free) = self.count_pages()?;
        Ok(ReclaimReport {
            purged,
            returned_bytes: pages_before.saturating_sub(pages) * PAGE_BYTES,
            reusable_bytes: free * PAGE_BYTES,
            database_bytes: pages * PAGE_BYTES,
            done,
        })
    }

    /// How many pages stay free when nobody asked; `None` while they are few enough.
    fn pages_to_keep(&self, pages: u64, free: u64) -> Option<u64> {
        let is_too_much = free > FREE_PAGES_MIN && free * 100 > pages * self.free_percent_max;
        is_too_much.then_some(pages / FREE_PAGES_SHARE)
    }

    /// All pages of the database, and the free ones among them.
    fn count_pages(&self) -> Result<(u64, u64)> {
        let reader = self.pool.begin()?;
        count_pages(reader.connection())
    }

    /// Takes the first runs out of the trash whose time is over.
    fn purge_expired(&self, deleted_until: Timestamp) -> Result<Vec<RunId>> {
        let (reply, answer) = sync_channel(1);
        self.shared.submit(Job::Purge {
            deleted_until,
            runs_max: RUNS_AT_ONCE,
            reply,
        })?;
        answer.recv().unwrap_or_else(|_| self.gone())
    }

    /// Deletes rows of purged runs until all are gone (`true`) or time is over.
    fn purge_rows(&self, until: Instant, pause: Duration) -> Result<bool> {
        loop {
            let next = {
                let reader = self.pool.begin()?;
                find(reader.connection(), sql::NEXT_PURGE, [], |row| {
                    row.get::<_, i64>(0).map_err(sql_error)
                })?
            };
            let Some(run) = next else { return Ok(true) };
            // Its frames can't be folded any more.
            self.shared.backlog.forget(RunKey(run.cast_unsigned()));
            while !self.apply(move |connection| purge_slice(connection, run))? {
                if Instant::now() >= until {
                    return Ok(false);
                }
                self.make_room()?;
                std::thread::sleep(pause);
            }
        }
    }

    /// Gives free pages back until `keep` are left (`true`) or time is over.
    fn vacuum(
        &self,
        connection: &mut Option<Connection>,
        keep: u64,
        until: Instant,
        pause: Duration,
    ) -> Result<bool> {
        while !self.apply(move |connection| vacuum_slice(connection, keep))? {
            if Instant::now() >= until {
                return Ok(false);
            }
            if log_bytes(&self.shared) >= LOG_BYTES && self.shared.log_room() == 0 {
                self.shorten_log(connection)?;
            }
            std::thread::sleep(pause);
        }
        Ok(true)
    }

    /// Waits for the checkpointer when slices are faster than it.
    fn make_room(&self) -> Result<()> {
        if log_bytes(&self.shared) < LOG_BYTES * 2 || self.shared.log_room() > 0 {
            return Ok(());
        }
        self.checkpoint()
    }

    /// Copies the log into the database beside the writer, then has the writer cut it.
    fn shorten_log(&self, connection: &mut Option<Connection>) -> Result<()> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(open_through(&self.database, 1 << 20, self.vfs.as_deref())?),
        };
        checkpoint_passively(&self.shared, connection)?;
        self.checkpoint()
    }

    fn checkpoint(&self) -> Result<()> {
        let (reply, answer) = sync_channel(1);
        self.shared.submit(Job::Checkpoint { reply: Some(reply) })?;
        answer.recv().unwrap_or_else(|_| self.gone())
    }

    /// Makes the files as short as they can be; a reader may hold the log for a while.
    fn cut_files(&self, connection: &mut Option<Connection>) -> Result<()> {
        // A copy holds the log for as long as it takes, and frames would wait at each try.
        let tries = match self.shared.log_room() {
            0 => LOG_TRIES,
            _ => 0,
        };
        for _ in 0..tries {
            self.shorten_log(connection)?;
            if log_bytes(&self.shared) == 0 {
                break;
            }
            std::thread::sleep(LOG_PAUSE);
        }
        Ok(())
    }

    /// Has the writer do a slice, and answers what it found.
    fn apply<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (found, outcome) = sync_channel(1);
        let (reply, answer) = sync_channel(1);
        let slice = Box::new(move |connection: &mut Connection| {
            let found_here = work(connection)?;
            // Whoever asked waits below.
            let _ = found.send(found_here);
            Ok(())
        });
        self.shared.submit(Job::Slice { slice, reply })?;
        answer.recv().unwrap_or_else(|_| self.gone())?;
        outcome.recv().or_else(|_| self.gone())
    }

    fn gone<T>(&self) -> Result<T> {
        self.shared.check().and(Err(StoreError::Internal(
            "the writer went away while space was given back".to_owned(),
        )))
    }
}

/// Deletes rows of a purged run for the time of a slice; whether all are gone that can go.
fn purge_slice(connection: &Connection, run: i64) -> Result<bool> {
    let until = Instant::now() + SLICE;
    if !purge_with(connection, run, &sql::PURGE_WORDS, until)? {
        return Ok(false);
    }
    execute(connection, sql::NOTE_WORDS_PURGED, [run])?;
    if find(connection, sql::HAS_FORKS, [run], |_| Ok(()))?.is_some() {
        return Ok(true);
    }
    purge_with(connection, run, &sql::PURGE_POINTS, until)
}

fn purge_with(
    connection: &Connection,
    run: i64,
    statements: &[&str],
    until: Instant,
) -> Result<bool> {
    for statement in statements {
        while execute(connection, statement, [run])? > 0 {
            if Instant::now() >= until {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Gives free pages back for the time of a slice; whether no more than `keep` are left.
fn vacuum_slice(connection: &Connection, keep: u64) -> Result<bool> {
    let until = Instant::now() + SLICE;
    loop {
        if count_pages(connection)?.1 <= keep {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        let mut statement = connection
            .prepare_cached(sql::VACUUM_STEP)
            .map_err(sql_error)?;
        let mut rows = statement.query([]).map_err(sql_error)?;
        // A row is a page; one that is not stepped to its end gives one page back.
        while rows.next().map_err(sql_error)?.is_some() {}
    }
}

fn count_pages(connection: &Connection) -> Result<(u64, u64)> {
    let count = |statement: &str| -> Result<u64> {
        let count = find(connection, statement, [], |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?;
        Ok(count.unwrap_or(0).cast_unsigned())
    };
    Ok((count(sql::COUNT_PAGES)?, count(sql::COUNT_FREE_PAGES)?))
}
