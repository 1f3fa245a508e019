//! Entries of this engine: terminal lines, log records and sets of objects.
//!
//! They are kept as received, one row a frame (`context/entries.rs` inserts it), and folded into
//! compressed blocks ([`fold`]); readers merge the two ([`logs`], [`objects`]). A list of entries
//! has an owner: a writer has a log of each kind, an object series its sets.
//!
//! The surprising rule: blocks of one owner never overlap, and a row wins over a block, a later
//! row over an earlier one. So a line that was folded already is replaced by a row, and a fold that
//! ends half-way changes no answer.

pub(crate) mod check;
pub(crate) mod fold;
pub(crate) mod logs;
pub(crate) mod objects;

use runstone_model::RunKey;
use runstone_store::{EntryBlock, EntryError, EntryHead, EntryKey, EntryKind, StoreError};
use rusqlite::Row;

use crate::error::{Result, sql_error, value_error};
use crate::keys::run_column;

/// Whose list of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) run: i64,
    pub(crate) kind: EntryKind,
    /// Key of a writer, or id of a series.
    pub(crate) owner: i64,
}

impl Owner {
    pub(crate) fn new(run: RunKey, kind: EntryKind, owner: i64) -> Self {
        Self {
            run: run_column(run),
            kind,
            owner,
        }
    }

    /// The columns that every statement begins with, and two keys.
    fn with<'a>(&self, first: &'a [u8], last: &'a [u8]) -> (i64, u8, i64, &'a [u8], &'a [u8]) {
        (self.run, self.kind.as_u8(), self.owner, first, last)
    }
}

/// Keys from `first` inclusive to `end` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) first: EntryKey,
    /// `None`: no end.
    pub(crate) end: Option<EntryKey>,
}

impl KeyRange {
    pub(crate) fn holds(&self, key: &EntryKey) -> bool {
        *key >= self.first && self.end.is_none_or(|end| *key < end)
    }

    fn bytes(&self) -> ([u8; 24], [u8; 24]) {
        let end = self.end.map_or([0xff; 24], EntryKey::to_bytes);
        (self.first.to_bytes(), end)
    }
}

fn block_error(error: EntryError) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

/// A block from two columns of a row, at an index and the next.
fn block_at(row: &Row<'_>, index: usize) -> Result<EntryBlock> {
    Ok(EntryBlock {
        head: row.get(index).map_err(sql_error)?,
        data: row.get(index + 1).map_err(sql_error)?,
    })
}

fn head_at(row: &Row<'_>, index: usize) -> Result<EntryHead> {
    let head = row.get_ref(index).map_err(sql_error)?;
    let head = head
        .as_blob()
        .map_err(|error| value_error("a block of entries", error))?;
    EntryHead::parse(head).map_err(block_error)
}
