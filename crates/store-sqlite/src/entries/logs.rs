//! Pages of a log: rows over blocks, from either end.
//!
//! Rows are few, because they are folded by amount; still a page keeps no more of them than it may
//! need. Blocks are read one at a time, and their texts only where the head shows an entry that is
//! wanted.

use std::collections::BTreeMap;

use runstone_model::{RunKey, WriterId};
use runstone_store::{
    Entry, EntryError, EntryHead, EntryKey, EntryKind, EntryMeta, LOG_EXAMINED_MAX,
    LOG_PAGE_BYTES_MAX, LogEntry, LogKind, LogMark, LogPage, LogScan, LogState, Numbered,
    decode_line, decode_record,
};
use runstone_wire::{LogLine, LogRecord};
use rusqlite::Connection;

use super::{KeyRange, Owner, block_error, head_at};
use crate::error::{Result, sql_error, value_error};
use crate::keys::run_column;
use crate::rows::{collect, find};
use crate::sql;

/// Entries of rows that a page keeps at most.
const ROW_ENTRIES_MAX: usize = 16_384;
/// Bytes of entries of rows past which a page keeps no more.
const ROW_BYTES_MAX: usize = 4 << 20;

pub(crate) fn entry_kind(kind: LogKind) -> EntryKind {
    match kind {
        LogKind::Lines => EntryKind::Lines,
        LogKind::Records => EntryKind::Records,
    }
}

/// Logs of a run, in the order of their writers.
pub(crate) fn read_logs(
    connection: &Connection,
    run: RunKey,
    kind: LogKind,
) -> Result<Vec<LogState>> {
    let params = (run_column(run), entry_kind(kind).as_u8());
    collect(connection, sql::SCAN_LOG_MARKS, params, |row| {
        let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
        let writer: [u8; 16] = row
            .get(0)
            .map_err(|error| value_error("a writer of a log", error))?;
        Ok(LogState {
            writer: WriterId::new(writer),
            mark: LogMark {
                next: get(1)?.cast_unsigned(),
                bytes: get(2)?.cast_unsigned(),
            },
        })
    })
}

/// A page of terminal lines.
pub(crate) fn scan_lines(
    connection: &Connection,
    run: RunKey,
    scan: &LogScan,
) -> Result<LogPage<LogLine>> {
    let wants = |meta: &EntryMeta| {
        let stream = scan.stream.map(|stream| i64::from(stream.as_u8()));
        stream.is_none_or(|stream| stream == meta.tag)
    };
    scan_log(connection, run, LogKind::Lines, scan, wants, decode_line)
}

/// A page of log records.
pub(crate) fn scan_records(
    connection: &Connection,
    run: RunKey,
    scan: &LogScan,
) -> Result<LogPage<LogRecord>> {
    let wants = |meta: &EntryMeta| {
        let least = scan.level_min.map(|level| i64::from(level.0));
        least.is_none_or(|least| meta.tag >= least)
    };
    scan_log(
        connection,
        run,
        LogKind::Records,
        scan,
        wants,
        decode_record,
    )
}

type Decode<T> = fn(&EntryMeta, &[u8]) -> Result<T, EntryError>;

fn scan_log<T: LogEntry>(
    connection: &Connection,
    run: RunKey,
    kind: LogKind,
    scan: &LogScan,
    wants: impl Fn(&EntryMeta) -> bool,
    decode: Decode<T>,
) -> Result<LogPage<T>> {
    let nothing = LogPage {
        entries: Vec::new(),
        next: None,
    };
    let id = [scan.writer.as_bytes()];
    let writer = find(connection, sql::READ_WRITER_KEY, id, |row| {
        row.get::<_, i64>(0).map_err(sql_error)
    })?;
    let Some(writer) = writer.filter(|_| scan.from < scan.end) else {
        return Ok(nothing);
    };
    let owner = Owner::new(run, entry_kind(kind), writer);
    let mut range = KeyRange {
        first: EntryKey::numbered(scan.from),
        end: Some(EntryKey::numbered(scan.end)),
    };
    let mut rows = read_rows(connection, owner, range, scan)?;
    // Past the horizon rows were left out: what lies there belongs to the next page.
    match rows.horizon {
        Some(horizon) if scan.newest_first => {
            range.first = EntryKey::numbered(horizon.major.saturating_add(1));
        }
        Some(horizon) => range.end = Some(horizon),
        None => {}
    }
    let mut page = Page {
        page: nothing,
        scan,
        wants,
        decode,
        examined: 0,
        bytes: 0,
    };
    let statement = if scan.newest_first {
        sql::SCAN_ENTRY_BLOCKS_BACKWARDS
    } else {
        sql::SCAN_ENTRY_BLOCKS
    };
    let (first, end) = range.bytes();
    let mut statement = connection.prepare_cached(statement).map_err(sql_error)?;
    let mut blocks = statement
        .query(owner.with(&first, &end))
        .map_err(sql_error)?;
    while let Some(row) = blocks.next().map_err(sql_error)? {
        let head = head_at(row, 1)?;
        let reaches = match (head.entries.first(), head.entries.last()) {
            (Some(first), Some(last)) => (first.key, last.key),
            _ => continue,
        };
        let mut merged: BTreeMap<EntryKey, Source> = head
            .entries
            .iter()
            .enumerate()
            .filter(|(_, meta)| range.holds(&meta.key))
            .map(|(index, meta)| (meta.key, Source::Block(index)))
            .collect();
        let near = rows.take_as_far_as(reaches, scan.newest_first);
        merged.extend(
            near.into_iter()
                .map(|(key, entry)| (key, Source::Row(entry))),
        );
        let read = || row.get::<_, Vec<u8>>(2).map_err(sql_error);
        if !page.add(merged, Some((&head, &read)))? {
            return Ok(page.page);
        }
    }
    let rest = rows.entries.into_iter();
    let rest = rest.map(|(key, entry)| (key, Source::Row(entry))).collect();
    if page.add(rest, None)? {
        page.page.next = rows.horizon.map(|horizon| page.next_before(&horizon));
    }
    Ok(page.page)
}

/// Where an entry is.
enum Source {
    Row(Entry),
    /// Index in the block at hand.
    Block(usize),
}

/// The newest entries of rows, as far as they were kept.
struct RowEntries {
    entries: BTreeMap<EntryKey, Entry>,
    /// The first key that was left out.
    horizon: Option<EntryKey>,
}

impl RowEntries {
    /// Takes out those that come in a scan before the end of a block.
    fn take_as_far_as(
        &mut self,
        (first, last): (EntryKey, EntryKey),
        newest_first: bool,
    ) -> BTreeMap<EntryKey, Entry> {
        if newest_first {
            return self.entries.split_off(&first);
        }
        let beyond = EntryKey::numbered(last.major.saturating_add(1));
        let rest = self.entries.split_off(&beyond);
        std::mem::replace(&mut self.entries, rest)
    }
}

fn read_rows(
    connection: &Connection,
    owner: Owner,
    range: KeyRange,
    scan: &LogScan,
) -> Result<RowEntries> {
    let mut rows = RowEntries {
        entries: BTreeMap::new(),
        horizon: None,
    };
    let entries_max = scan.limit.saturating_add(1).clamp(1_024, ROW_ENTRIES_MAX);
    let mut bytes = 0;
    let (first, end) = range.bytes();
    let mut statement = connection
        .prepare_cached(sql::SCAN_ENTRY_ROWS)
        .map_err(sql_error)?;
    let mut found = statement
        .query(owner.with(&first, &end))
        .map_err(sql_error)?;
    while let Some(row) = found.next().map_err(sql_error)? {
        let block = super::block_at(row, 1)?;
        let head = EntryHead::parse(&block.head).map_err(block_error)?;
        for entry in head.entries_with(&block.data).map_err(block_error)? {
            let key = entry.meta.key;
            let is_near = rows.horizon.is_none_or(|horizon| {
                if scan.newest_first {
                    key > horizon
                } else {
                    key < horizon
                }
            });
            if !range.holds(&key) || !is_near {
                continue;
            }
            bytes += entry.body.len();
            if let Some(former) = rows.entries.insert(key, entry) {
                bytes -= former.body.len();
            }
            while rows.entries.len() > 1
                && (rows.entries.len() > entries_max || bytes > ROW_BYTES_MAX)
            {
                let farthest = if scan.newest_first {
                    rows.entries.pop_first()
                } else {
                    rows.entries.pop_last()
                };
                let Some((key, entry)) = farthest else { break };
                bytes -= entry.body.len();
                rows.horizon = Some(key);
            }
        }
    }
    Ok(rows)
}

/// A page while it is made.
struct Page<'a, T, W> {
    page: LogPage<T>,
    scan: &'a LogScan,
    wants: W,
    decode: Decode<T>,
    examined: usize,
    bytes: usize,
}

/// Reads the data of a block.
type ReadBlock<'a> = &'a dyn Fn() -> Result<Vec<u8>>;

impl<T: LogEntry, W: Fn(&EntryMeta) -> bool> Page<'_, T, W> {
    /// Adds entries in the order of the scan; `false` once the page is full. `block` is the head
    /// at hand, and how its data are read.
    fn add(
        &mut self,
        entries: BTreeMap<EntryKey, Source>,
        block: Option<(&EntryHead, ReadBlock<'_>)>,
    ) -> Result<bool> {
        let newest_first = self.scan.newest_first;
        let mut bodies: Option<Vec<u8>> = None;
        let mut each = |key: EntryKey, source: Source| -> Result<bool> {
            let is_full = self.page.entries.len() == self.scan.limit.max(1)
                || self.bytes > LOG_PAGE_BYTES_MAX
                || self.examined == LOG_EXAMINED_MAX;
            if is_full {
                self.page.next = Some(self.next_before(&key));
                return Ok(false);
            }
            self.examined += 1;
            let decoded = match (&source, block) {
                (Source::Row(entry), _) if (self.wants)(&entry.meta) => {
                    (self.decode)(&entry.meta, &entry.body)
                }
                (Source::Block(index), Some((head, read)))
                    if (self.wants)(&head.entries[*index]) =>
                {
                    let bodies = match &mut bodies {
                        Some(bodies) => bodies,
                        None => bodies.insert(head.open(&read()?).map_err(block_error)?),
                    };
                    (self.decode)(&head.entries[*index], head.body(bodies, *index))
                }
                _ => return Ok(true),
            };
            let entry = decoded.map_err(block_error)?;
            self.bytes += entry.text_bytes();
            self.page.entries.push(Numbered {
                number: key.major,
                entry,
            });
            Ok(true)
        };
        if newest_first {
            for (key, source) in entries.into_iter().rev() {
                if !each(key, source)? {
                    return Ok(false);
                }
            }
        } else {
            for (key, source) in entries {
                if !each(key, source)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Where the next page starts that begins with this key.
    fn next_before(&self, key: &EntryKey) -> u64 {
        if self.scan.newest_first {
            key.major.saturating_add(1)
        } else {
            key.major
        }
    }
}
