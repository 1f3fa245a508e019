//! Entries under the deep check: every block is read, and must be what its columns say.

use runstone_store::{EntryHead, EntryKind, decode_line, decode_object_set, decode_record};
use rusqlite::{Connection, Row};

use super::{block_at, block_error};
use crate::error::{Result, sql_error, value_error};
use crate::sql;

/// Reads all rows and blocks; `wrong` takes the place and the reason of each that can't be read.
pub(crate) fn check_entries(connection: &Connection, mut wrong: impl FnMut(String)) -> Result<()> {
    for (what, statement) in [
        ("entries as received", sql::ALL_ENTRY_ROWS),
        ("a block of entries", sql::ALL_ENTRY_BLOCKS),
    ] {
        let mut statement = connection.prepare(statement).map_err(sql_error)?;
        let mut rows = statement.query([]).map_err(sql_error)?;
        while let Ok(Some(row)) = rows.next() {
            let id: i64 = row.get(0).map_err(sql_error)?;
            let run: i64 = row.get(1).map_err(sql_error)?;
            if let Err(error) = check_block(row) {
                wrong(format!("{what}, {run}/{id}: {error}"));
            }
        }
    }
    Ok(())
}

fn check_block(row: &Row<'_>) -> Result<()> {
    let kind: u8 = row.get(2).map_err(sql_error)?;
    let first: [u8; 24] = row.get(3).map_err(sql_error)?;
    let last: [u8; 24] = row.get(4).map_err(sql_error)?;
    let count: i64 = row.get(5).map_err(sql_error)?;
    let block = block_at(row, 6)?;
    let head = EntryHead::parse(&block.head).map_err(block_error)?;
    let bodies = head.open(&block.data).map_err(block_error)?;
    for (index, meta) in head.entries.iter().enumerate() {
        let body = head.body(&bodies, index);
        match head.kind {
            EntryKind::Lines => decode_line(meta, body).map(drop),
            EntryKind::Records => decode_record(meta, body).map(drop),
            EntryKind::Objects => decode_object_set(meta, body).map(drop),
        }
        .map_err(block_error)?;
    }
    let ends = (head.entries.first(), head.entries.last());
    let agrees = matches!(ends, (Some(one), Some(other))
        if one.key.to_bytes() == first && other.key.to_bytes() == last)
        && head.kind.as_u8() == kind
        && head.entries.len() as i64 == count;
    if agrees {
        return Ok(());
    }
    Err(value_error("the block", "it is not what its columns say"))
}
