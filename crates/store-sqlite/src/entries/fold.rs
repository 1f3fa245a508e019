//! Rows of entries become blocks: the oldest rows of an owner, merged with the blocks they meet.
//!
//! Called by the folder, list by list. A block that gets new entries is written again, with what
//! lies around it where no other block stands, and so is the last block while it is small. The
//! surprising rule: rows are deleted with the last slice only. Until then they win over the blocks,
//! in which their entries stand already, so no slice changes an answer and none leaves anything
//! half done.

use std::collections::BTreeMap;
use std::ops::Range;

use runstone_store::{Entry, EntryHead, EntryKey, StoreError, encode_entries};
use rusqlite::Connection;

use super::{Owner, block_at, block_error};
use crate::error::{Result, sql_error, value_error};
use crate::options::FoldLayout;
use crate::queue::Slice;
use crate::rows::{collect, execute, find};
use crate::sql;

/// Bytes of bodies past which a slice ends.
const SLICE_BYTES: usize = 1 << 20;

/// What a pass took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FoldedRows {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// The newest row of a run; 0 if it has none.
pub(crate) fn last_row(connection: &Connection, run: i64) -> Result<i64> {
    let last = find(connection, sql::LAST_ENTRY_ROW, [run], |row| {
        row.get::<_, Option<i64>>(0).map_err(sql_error)
    })?;
    Ok(last.flatten().unwrap_or(0))
}

/// The owners that have rows up to one.
pub(crate) fn owners_with_rows(connection: &Connection, run: i64, last: i64) -> Result<Vec<Owner>> {
    collect(connection, sql::OWNERS_OF_ENTRY_ROWS, (run, last), |row| {
        let kind: u8 = row.get(0).map_err(sql_error)?;
        Ok(Owner {
            run,
            kind: runstone_store::EntryKind::from_u8(kind)
                .ok_or_else(|| value_error("entries", format!("there is no kind {kind}")))?,
            owner: row.get(1).map_err(sql_error)?,
        })
    })
}

/// Folds the oldest rows of an owner, up to the bounds of a pass. `apply` has the writer do a slice.
pub(crate) fn fold_owner(
    connection: &Connection,
    owner: Owner,
    layout: &FoldLayout,
    mut apply: impl FnMut(Slice) -> Result<()>,
) -> Result<FoldedRows> {
    let (new, last_row, folded) = read_rows(connection, owner, layout)?;
    let new: Vec<Entry> = new.into_values().collect();
    let (Some(first), Some(last)) = (new.first(), new.last()) else {
        return Ok(folded);
    };
    let met = read_met_blocks(connection, owner, (first.meta.key, last.meta.key), layout)?;
    let mut slice = NewBlocks::new(owner, layout.entry_block_bytes);
    for piece in pieces(&new, &met) {
        let mut entries: BTreeMap<EntryKey, Entry> = BTreeMap::new();
        for block in &piece.blocks {
            for entry in read_block(connection, *block)? {
                entries.insert(entry.meta.key, entry);
            }
        }
        for entry in &new[piece.new] {
            entries.insert(entry.meta.key, entry.clone());
        }
        slice.add(&piece.blocks, entries.into_values().collect())?;
        if slice.bytes >= SLICE_BYTES {
            let full =
                std::mem::replace(&mut slice, NewBlocks::new(owner, layout.entry_block_bytes));
            apply(full.into_slice(None))?;
        }
    }
    apply(slice.into_slice(Some(last_row)))?;
    Ok(folded)
}

type NewEntries = BTreeMap<EntryKey, Entry>;

/// The newest entries of the oldest rows, and the last of these rows.
fn read_rows(
    connection: &Connection,
    owner: Owner,
    layout: &FoldLayout,
) -> Result<(NewEntries, i64, FoldedRows)> {
    let mut new = NewEntries::new();
    let mut folded = FoldedRows::default();
    let mut last_row = 0;
    let mut statement = connection
        .prepare_cached(sql::SCAN_ENTRY_ROWS)
        .map_err(sql_error)?;
    let mut rows = statement
        .query(owner.with(&[], &[0xff; 24]))
        .map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        let block = block_at(row, 1)?;
        let bytes = (block.head.len() + block.data.len()) as u64;
        if folded.rows > 0 && folded.bytes + bytes > layout.pass_bytes_max {
            break;
        }
        let head = EntryHead::parse(&block.head).map_err(block_error)?;
        for entry in head.entries_with(&block.data).map_err(block_error)? {
            new.insert(entry.meta.key, entry);
        }
        last_row = row.get(0).map_err(sql_error)?;
        folded.rows += 1;
        folded.bytes += bytes;
    }
    Ok((new, last_row, folded))
}

/// A block that stands where new entries are.
#[derive(Debug, Clone, Copy)]
struct MetBlock {
    id: i64,
    first: [u8; 24],
    last: [u8; 24],
    /// It is small, and new entries follow it: it is written again in any case.
    is_open: bool,
}

fn read_met_blocks(
    connection: &Connection,
    owner: Owner,
    (first, last): (EntryKey, EntryKey),
    layout: &FoldLayout,
) -> Result<Vec<MetBlock>> {
    let (first, last) = (first.to_bytes(), last.to_bytes());
    let params = (owner.run, owner.kind.as_u8(), owner.owner, &first[..]);
    let before = find(connection, sql::ENTRY_BLOCK_BEFORE, params, |row| {
        let bytes: i64 = row.get(1).map_err(sql_error)?;
        let block = MetBlock {
            id: row.get(0).map_err(sql_error)?,
            first: row.get(2).map_err(sql_error)?,
            last: row.get(3).map_err(sql_error)?,
            is_open: true,
        };
        Ok((bytes, block))
    })?;
    let small = (layout.entry_block_bytes / 2) as i64;
    let mut met: Vec<MetBlock> = before
        .filter(|(bytes, _)| *bytes < small)
        .map(|(_, block)| block)
        .into_iter()
        .collect();
    let params = owner.with(&first, &last);
    met.extend(collect(
        connection,
        sql::SCAN_ENTRY_BLOCK_KEYS,
        params,
        |row| {
            Ok(MetBlock {
                id: row.get(0).map_err(sql_error)?,
                first: row.get(1).map_err(sql_error)?,
                last: row.get(2).map_err(sql_error)?,
                is_open: false,
            })
        },
    )?);
    Ok(met)
}

/// Blocks that are written again, with new entries in and around them.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    blocks: Vec<i64>,
    new: Range<usize>,
}

/// Cuts new entries into pieces: what lies between two blocks goes with the one before, if that is
/// written again, else stands alone.
fn pieces(new: &[Entry], met: &[MetBlock]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut next = 0;
    let up_to = |key: &[u8; 24], inclusive: bool| {
        new.partition_point(|entry| {
            let bytes = entry.meta.key.to_bytes();
            bytes < *key || (inclusive && bytes == *key)
        })
    };
    for block in met {
        let begins = up_to(&block.first, false).max(next);
        if begins > next {
            pieces.push(Piece {
                blocks: Vec::new(),
                new: next..begins,
            });
        }
        let ends = up_to(&block.last, true).max(begins);
        if ends > begins || block.is_open {
            pieces.push(Piece {
                blocks: vec![block.id],
                new: begins..ends,
            });
        } else {
            // A block that nothing falls into keeps its neighbours apart.
            pieces.push(Piece {
                blocks: Vec::new(),
                new: begins..begins,
            });
        }
        next = ends;
    }
    pieces.push(Piece {
        blocks: Vec::new(),
        new: next..new.len(),
    });
    // A gap joins the block before it, unless nothing is written there.
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if piece.blocks.is_empty() && !last.blocks.is_empty() => {
                last.new.end = piece.new.end;
                if piece.new.is_empty() {
                    joined.push(piece);
                }
            }
            _ => joined.push(piece),
        }
    }
    joined.retain(|piece| !piece.new.is_empty() || !piece.blocks.is_empty());
    joined
}

fn read_block(connection: &Connection, id: i64) -> Result<Vec<Entry>> {
    let block = find(connection, sql::READ_ENTRY_BLOCK, [id], |row| {
        block_at(row, 0)
    })?
    .ok_or_else(|| value_error("entries", format!("block {id} is gone")))?;
    let head = EntryHead::parse(&block.head).map_err(block_error)?;
    head.entries_with(&block.data).map_err(block_error)
}

/// A block to insert.
struct NewBlock {
    first: [u8; 24],
    last: [u8; 24],
    entries: i64,
    bytes: i64,
    head: Vec<u8>,
    data: Vec<u8>,
}

/// What a slice does.
struct NewBlocks {
    owner: Owner,
    block_bytes: usize,
    replaced: Vec<i64>,
    blocks: Vec<NewBlock>,
    bytes: usize,
}

impl NewBlocks {
    fn new(owner: Owner, block_bytes: usize) -> Self {
        Self {
            owner,
            block_bytes,
            replaced: Vec::new(),
            blocks: Vec::new(),
            bytes: 0,
        }
    }

    /// Cuts entries into blocks, in place of others.
    fn add(&mut self, replaced: &[i64], entries: Vec<Entry>) -> Result<()> {
        self.replaced.extend_from_slice(replaced);
        let mut first = 0;
        let mut bytes = 0;
        for index in 0..entries.len() {
            bytes += entries[index].body.len() + 1;
            let is_last = index + 1 == entries.len();
            if is_last || bytes + entries[index + 1].body.len() > self.block_bytes {
                self.push(&entries[first..=index], bytes)?;
                first = index + 1;
                bytes = 0;
            }
        }
        Ok(())
    }

    fn push(&mut self, entries: &[Entry], bytes: usize) -> Result<()> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let block = encode_entries(self.owner.kind, entries, true)
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        self.bytes += bytes;
        self.blocks.push(NewBlock {
            first: first.meta.key.to_bytes(),
            last: last.meta.key.to_bytes(),
            entries: entries.len() as i64,
            bytes: bytes as i64,
            head: block.head,
            data: block.data,
        });
        Ok(())
    }

    /// `last_row`: rows up to this one are in blocks now.
    fn into_slice(self, last_row: Option<i64>) -> Slice {
        Box::new(move |connection| {
            let Owner { run, kind, owner } = self.owner;
            for block in &self.replaced {
                execute(connection, sql::DELETE_ENTRY_BLOCK, [block])?;
            }
            for block in &self.blocks {
                let params = (
                    run,
                    kind.as_u8(),
                    owner,
                    block.first,
                    block.last,
                    block.entries,
                    block.bytes,
                    &block.head,
                    &block.data,
                );
                execute(connection, sql::INSERT_ENTRY_BLOCK, params)?;
            }
            if let Some(last) = last_row {
                let params = (run, kind.as_u8(), owner, last);
                execute(connection, sql::DELETE_ENTRY_ROWS, params)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use runstone_store::EntryMeta;

    use super::*;

    fn entry(number: u64) -> Entry {
        Entry {
            meta: EntryMeta {
                key: EntryKey::numbered(number),
                time: 0,
                tag: 0,
            },
            body: Vec::new(),
        }
    }

    fn block(id: i64, first: u64, last: u64, is_open: bool) -> MetBlock {
        MetBlock {
            id,
            first: EntryKey::numbered(first).to_bytes(),
            last: EntryKey::numbered(last).to_bytes(),
            is_open,
        }
    }

    fn cut(numbers: &[u64], met: &[MetBlock]) -> Vec<(Vec<i64>, Vec<u64>)> {
        let new: Vec<Entry> = numbers.iter().map(|number| entry(*number)).collect();
        pieces(&new, met)
            .into_iter()
            .map(|piece| (piece.blocks, numbers[piece.new].to_vec()))
            .collect()
    }

    #[test]
    fn pieces_never_reach_over_a_block_that_stays() {
        assert_eq!(cut(&[5, 6], &[]), [(vec![], vec![5, 6])]);
        let open = block(1, 0, 4, true);
        assert_eq!(cut(&[5, 6], &[open]), [(vec![1], vec![5, 6])]);
        let met = [
            block(2, 3, 5, false),
            block(3, 8, 9, false),
            block(4, 12, 20, false),
        ];
        assert_eq!(
            cut(&[1, 4, 6, 10, 21], &met),
            [
                (vec![], vec![1]),
                (vec![2], vec![4, 6]),
                (vec![], vec![10]),
                (vec![], vec![21]),
            ]
        );
        assert_eq!(
            cut(&[4, 8, 13], &met),
            [(vec![2], vec![4]), (vec![3], vec![8]), (vec![4], vec![13])]
        );
        assert_eq!(cut(&[10, 11], &met[1..2]), [(vec![], vec![10, 11])]);
    }
}
