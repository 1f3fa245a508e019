//! The spool: what a tracking call writes before it returns, and what outlives the process.
//!
//! One folder a writer, `<root>/<host id>/<writer>`, holding segments of 32-byte slots, the
//! declarations, and one small file with counters and the acknowledged mark. The format is
//! `docs/formats/spool.md`. Called by `run` (push), by `sender` (read and release) and by
//! `deliver` (folders of dead processes). It never touches the network. The surprising rule: a
//! push never fails and never waits (unless [`OnFull::Wait`] asks for it); where there is no room
//! the point is counted and gone.
//!
//! # How to use it
//!
//! Writing, any number of threads:
//! ```ignore
//! let mut options = SpoolOptions::new(root, host_id, run_id, destination);
//! let writer = Arc::new(SpoolWriter::open(&options, writer_id)?);  // locks, first segment
//! if let Some(reason) = writer.trouble() { /* warn: it is in memory, or in the fallback root */ }
//! let slot = writer.push_operation(&operation_bytes, declaration)?; // true: also kept in `decl`
//! writer.push_point(series, step, time_micros, value_bits);         // false: dropped, counted
//! ```
//! After a fork the child must not push: compare [`process_generation`] with
//! [`SpoolWriter::generation`] right before, and open a writer with a new id. Dropping the
//! parent's writer in the child is harmless.
//!
//! Reading, one reader a writer, at (slot, chain):
//! ```ignore
//! let mut reader = SpoolReader::live(&writer);     // at slot 0; or SpoolReader::dead(folder_lock)
//! reader.seek(mark, chain)?;                       // e.g. reader.acknowledged()
//! while let Some(record) = reader.next_record()? { // None: nothing more now, or the end
//!     match record { Record::Point(p) => .., Record::Operation { .. } => .., Record::Lost { .. } => .. }
//! }
//! let (next_slot, chain) = reader.position();      // after the last record; skips padding too
//! reader.release(mark, chain)?;                    // acknowledged; durable; old segments go
//! ```
//! [`SpoolReader::position`] may move without a record (padding at the end of a segment): when it
//! is past the mark and nothing else is there, send a frame without operations, so that the mark
//! reaches [`SpoolWriter::next_slot`]. [`SpoolReader::chain_at`] gives the chain at a slot that is
//! still kept, to compare with a server's answer. [`SpoolReader::seek`] below
//! [`SpoolReader::first_slot_available`] fails with [`SpoolError::Released`]: time for a base frame.
//!
//! Sleeping, one sender thread a process:
//! ```ignore
//! let bell = Bell::of_this_process();
//! bell.arm();                                      // from now on the next push rings
//! if readers.any(|r| r.has_more()) { bell.disarm(); continue }
//! bell.wait(timeout);
//! ```
//! Leftovers: [`leftover_spools`], [`Leftover::lock`], [`SpoolReader::dead`], and
//! [`SpoolReader::remove_folder`] when all is acknowledged. A live writer whose data are all
//! acknowledged ends with [`SpoolWriter::remove`].

mod bell;
mod checksum;
mod dead;
mod declarations;
mod error;
mod folder_lock;
mod header;
mod keeper;
mod leftover;
mod line;
mod live;
mod maker;
#[cfg(test)]
mod model;
mod open;
mod options;
mod reader;
mod record;
mod rejected;
mod reservation;
mod segment;
mod segments;
mod slot;
mod state;
mod store;
mod sync;
#[cfg(test)]
mod tests;
mod writer;

pub use crate::process::process_generation;
pub use bell::Bell;
pub use error::SpoolError;
pub use leftover::{
    FolderLock, Leftover, UnreadableSpool, all_spools, leftover_spools, unreadable_spools,
};
pub use options::{OnFull, SpoolMode, SpoolOptions};
pub use reader::{SpoolReader, SpoolStatistics};
pub use record::{LossCause, Point, Record};
pub use rejected::{Rejected, RejectedOperation};
pub use writer::{SpoolCounters, SpoolWriter};

pub(crate) use folder_lock::LockFiles;
pub(crate) use keeper::Keeper;
