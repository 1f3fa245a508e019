//! The embedded engine: one SQLite file in one folder, opened by one process.
//!
//! [`SqliteStore`] implements `runstone_store::Store`. A frame goes `append` -> queue -> `writer`
//! (a savepoint in a group's transaction, through `context`) -> the table `l0`; `fold` turns
//! frames into packs, chunks and run summaries, `stripes` these into columns; `snapshot` and `pages` answer from all of them.
//! What a frame means is decided in `runstone_store::apply`, never here. All SQL but transaction
//! control and pragmas is in `sql/`.
//!
//! The surprising rule: points are never updated in place. Folding inserts what nobody counts yet
//! and then replaces one row, the run's summary, which says what counts.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backlog;
mod bindings;
mod blobs;
mod cache;
mod check;
mod checkpointer;
mod columns;
mod connection;
mod context;
mod copy;
mod deep;
mod deep_rows;
mod directory;
mod entries;
mod error;
mod fold;
mod folder;
mod fork;
mod frames;
mod gather;
mod hidden;
mod journal;
mod keys;
mod lock;
mod options;
mod os_unix_lock;
mod os_unix_mount;
mod pages;
mod put;
mod queue;
mod rows;
mod schema;
mod sealed;
mod segments;
mod sequences;
mod snapshot;
mod space;
mod sql;
mod states;
mod store;
mod stripes;
mod summaries;
mod table;
mod values;
mod varint;
mod writer;

pub use check::{CheckReport, check};
pub use deep::{Damage, DeepReport, check_deep};
pub use lock::{LockHolder, read_lock_holder};
pub use options::{Clock, FoldLayout, FoldLimits, SqliteOptions};
pub use os_unix_mount::network_file_system;
pub use schema::SCHEMA_VERSION;
pub use store::SqliteStore;
