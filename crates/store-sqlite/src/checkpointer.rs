//! Keeps the log small: copies it into the database while the writer goes on.
//!
//! A thread with a connection of its own. A passive checkpoint never waits for anybody, so it
//! can't shorten the log under load; past the limit the writer itself is asked to do it, and
//! appends wait meanwhile (`SqliteStore::append`).

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::{Result, sql_error};
use crate::queue::{Job, WriterShared};

/// Bytes of a page.
pub(crate) const PAGE_BYTES: u64 = 4096;
/// Past so many bytes of log a passive checkpoint is worth its while.
const PASSIVE_BYTES: u64 = 16 << 20;
/// Between two looks at a log that does not get shorter.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes in the log.
pub(crate) fn log_bytes(shared: &WriterShared) -> u64 {
    shared
        .log_pages
        .load(Ordering::Relaxed)
        .max(0)
        .cast_unsigned()
        * PAGE_BYTES
}

/// Copies of the log what no reader needs, and waits for nobody. A sync that fails ends all writing,
/// as it does in a commit.
pub(crate) fn checkpoint_passively(shared: &WriterShared, connection: &Connection) -> Result<()> {
    connection
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        .map_err(sql_error)
        .inspect_err(|error| shared.poison_after_sync(error))
}

/// Works until the store is closed.
pub(crate) fn run(shared: &Arc<WriterShared>, connection: &Connection, log_bytes_max: u64) {
    let mut checked_pages = 0;
    loop {
        let is_over = shared
            .log_turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *is_over {
            return;
        }
        let (is_over, _) = shared
            .log_grew
            .wait_timeout(is_over, Duration::from_secs(1))
            .unwrap_or_else(PoisonError::into_inner);
        if *is_over {
            return;
        }
        drop(is_over);
        let bytes = log_bytes(shared);
        let pages = shared.log_pages.load(Ordering::Relaxed);
        if bytes >= log_bytes_max.saturating_add(shared.log_room()) {
            // The queue may be closing.
            let _ = shared.submit(Job::Checkpoint { reply: None });
            std::thread::sleep(PAUSE);
        } else if bytes >= PASSIVE_BYTES && pages != checked_pages {
            checked_pages = pages;
            if let Err(error) = checkpoint_passively(shared, connection) {
                tracing::warn!(%error, "the log was not checkpointed");
            }
            std::thread::sleep(PAUSE / 10);
        }
    }
}
