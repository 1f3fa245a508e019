//! Stripes: what metrics amount to, by name for about a thousand runs.
//!
//! A run summary says everything of one run. A table that sorts a hundred thousand runs by one
//! metric would read as many of them; it reads a stripe a *band* instead, 1,024 runs whose keys
//! follow each other. Stripes are a projection: each run stands in its band's roll with the number
//! of its newest change when they were made, and counts only while that is still its newest. So
//! nothing has to be kept true: a run that goes on is read from its own summary until the band is
//! made anew, beside everything else and in slices, once enough of its runs have come to rest.

mod build;
mod check;
mod due;
mod read;

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use runstone_store::StoreError;
use rusqlite::Connection;

pub(crate) use self::check::check_stripes;
use self::due::Due;
pub(crate) use self::read::StripedColumn;
use crate::connection::ReaderPool;
use crate::error::Result;
use crate::fork::ForkCache;
use crate::options::{Clock, FoldLayout};
use crate::queue::{Job, Slice, WriterShared};
use crate::summaries::{Caches, UnfoldedCache};

/// How often bands are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// After a pass that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(60);

/// Makes stripes, one band at a time.
pub(crate) struct Striper {
    shared: Arc<WriterShared>,
    pool: Arc<ReaderPool>,
    clock: Clock,
    layout: FoldLayout,
    /// Also the turn to work.
    due: Mutex<Due>,
}

impl Striper {
    pub(crate) fn new(
        shared: Arc<WriterShared>,
        pool: Arc<ReaderPool>,
        clock: Clock,
        layout: FoldLayout,
    ) -> Self {
        Self {
            shared,
            pool,
            clock,
            layout,
            due: Mutex::default(),
        }
    }

    /// Works until the store is closed.
    pub(crate) fn run(&self) {
        let mut next_look = Instant::now() + LOOK;
        loop {
            let wait = next_look.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                if !self.shared.backlog.wait_for_work(wait) {
                    return;
                }
                continue;
            }
            next_look = Instant::now() + LOOK;
            if let Err(error) = self.work_on(true) {
                if self.shared.check_open().is_err() {
                    return;
                }
                tracing::warn!(
                    %error,
                    "summaries by metric were not made; tables read those of each run"
                );
                next_look += FAILURE_PAUSE;
            }
        }
    }

    /// Makes the stripes of all bands that are due, however lately they were made.
    pub(crate) fn work(&self) -> Result<()> {
        self.work_on(false)
    }

    /// What is wrong with one band does not keep the others from being made.
    fn work_on(&self, patiently: bool) -> Result<()> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let bands = {
            let reader = self.pool.begin()?;
            due.look(reader.connection(), &self.layout, (self.clock)(), patiently)?
        };
        let mut failed = None;
        for band in bands {
            self.shared.check_open()?;
            let start = Instant::now();
            let made = self.build(band);
            due.built(band, made.as_ref().ok(), start.elapsed());
            failed = failed.or(made.err());
        }
        failed.map_or(Ok(()), Err)
    }

    /// Runs `ask` on a snapshot of its own.
    fn read<T>(&self, ask: impl FnOnce(&Connection, Caches<'_>) -> Result<T>) -> Result<T> {
        let reader = self.pool.begin()?;
        // A pass looks at a run once: nothing is worth keeping.
        let (unfolded, forks) = (UnfoldedCache::default(), ForkCache::default());
        let caches = Caches {
            unfolded: &unfolded,
            forks: &forks,
        };
        ask(reader.connection(), caches)
    }

    fn apply(&self, slice: Slice) -> Result<()> {
        let (reply, answer) = sync_channel(1);
        self.shared.submit(Job::Slice { slice, reply })?;
        answer.recv().unwrap_or_else(|_| {
            self.shared.check().and(Err(StoreError::Internal(
                "the writer went away while summaries by metric were made".to_owned(),
            )))
        })
    }
}
