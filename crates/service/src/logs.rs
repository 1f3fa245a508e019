//! Logs of a run: terminal lines and records, of one writer or all, by page or from their end.
//!
//! The store reads one log at a time; here they are joined. Pages go through the logs in the order
//! of their writers. The surprising rule: a tail is joined by time instead, so that the last lines
//! of eight ranks are those that were written last, and each writer's lines stay in their order.

use std::collections::BinaryHeap;

use crate::Service;
use crate::api::{
    LOGS_PAGE_DEFAULT, LOGS_PAGE_MAX, LogLineItem, LogRecordItem, LogWriterItem, LogsPage,
    LogsQuery, RawJson, RecordsPage, RecordsQuery,
};
use crate::cursor;
use crate::error::ServiceError;
use crate::runs::page_limit;
use runstone_model::{LogLevel, LogStream, Principal, RunKey, Timestamp, WriterId};
use runstone_store::{
    LogEntry, LogKind, LogPage, LogScan, LogState, Numbered, Snapshot, StoreError,
};
use runstone_wire::{LogLine, LogRecord};

/// Bytes of text past which a page or a tail ends.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// Pages of the store that one answer looks at, at most: a filter that finds little ends early.
const PAGES_MAX: usize = 64;

/// What both kinds of logs are asked by.
struct Asked {
    writer: Option<WriterId>,
    from: u64,
    end: u64,
    tail: Option<usize>,
    stream: Option<LogStream>,
    level_min: Option<LogLevel>,
    limit: usize,
    after: Option<(WriterId, u64)>,
}

/// An entry with its writer.
struct Found<T> {
    writer: WriterId,
    number: u64,
    entry: T,
}

/// Entries found, and where the next page starts.
type FoundPage<T> = (Vec<Found<T>>, Option<(WriterId, u64)>);

type Read<'a, T> = dyn Fn(&LogScan) -> Result<LogPage<T>, StoreError> + 'a;

impl Service {
    /// Terminal lines of a run.
    ///
    /// # Errors
    /// `NotFound` and `Conflict` for the run, `NotFound` for a writer that has no log there,
    /// `Invalid` for what was asked wrongly.
    pub fn list_log_lines(
        &self,
        principal: &Principal,
        address: &str,
        query: &LogsQuery,
    ) -> Result<LogsPage, ServiceError> {
        Self::may_read(principal)?;
        let stream = query
            .stream
            .as_deref()
            .map(str::parse::<LogStream>)
            .transpose();
        let asked = Asked {
            stream: stream.map_err(|error| ServiceError::invalid(error.to_string()))?,
            ..asked(
                (query.writer.as_deref(), query.from, query.to),
                (query.tail, query.limit, query.cursor.as_deref()),
            )?
        };
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?.key;
        let logs = read_logs(&*snapshot, run, LogKind::Lines, &asked)?;
        let read = |scan: &LogScan| snapshot.scan_log_lines(run, scan);
        let (found, next) = find(&logs, &asked, &read, |line: &LogLine| line.time)?;
        let line = |found: Found<LogLine>| LogLineItem {
            writer: found.writer,
            number: found.number,
            stream: found.entry.stream,
            time_micros: found.entry.time,
            text: found.entry.text,
            cut_bytes: found.entry.cut_bytes,
        };
        Ok(LogsPage {
            lines: found.into_iter().map(line).collect(),
            writers: logs.iter().map(writer_item).collect(),
            next_cursor: next.map(|next| encode_place(&next)),
        })
    }

    /// Log records of a run.
    ///
    /// # Errors
    /// As [`Service::list_log_lines`].
    pub fn list_log_records(
        &self,
        principal: &Principal,
        address: &str,
        query: &RecordsQuery,
    ) -> Result<RecordsPage, ServiceError> {
        Self::may_read(principal)?;
        let level = query
            .level
            .as_deref()
            .map(str::parse::<LogLevel>)
            .transpose();
        let asked = Asked {
            level_min: level.map_err(|error| ServiceError::invalid(error.to_string()))?,
            ..asked(
                (query.writer.as_deref(), query.from, query.to),
                (query.tail, query.limit, query.cursor.as_deref()),
            )?
        };
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?.key;
        let logs = read_logs(&*snapshot, run, LogKind::Records, &asked)?;
        let read = |scan: &LogScan| snapshot.scan_log_records(run, scan);
        let (found, next) = find(&logs, &asked, &read, |record: &LogRecord| record.time)?;
        Ok(RecordsPage {
            records: found.into_iter().map(record_item).collect(),
            writers: logs.iter().map(writer_item).collect(),
            next_cursor: next.map(|next| encode_place(&next)),
        })
    }
}

/// Reads the fields that both queries have.
fn asked(
    (writer, from, to): (Option<&str>, Option<u64>, Option<u64>),
    (tail, limit, cursor): (Option<usize>, Option<usize>, Option<&str>),
) -> Result<Asked, ServiceError> {
    let writer = writer.map(parse_writer).transpose()?;
    let ranged = from.is_some() || to.is_some();
    if ranged && writer.is_none() {
        return Err(
            ServiceError::invalid("lines are numbered by writer, and none is given")
                .with_hint("name one with writer=ID; `writers` of an answer lists them"),
        );
    }
    if let Some(tail) = tail.filter(|tail| !(1..=LOGS_PAGE_MAX).contains(tail)) {
        return Err(
            ServiceError::invalid(format!("tail {tail} is out of range"))
                .with_hint(format!("tail is 1 to {LOGS_PAGE_MAX}")),
        );
    }
    if tail.is_some() && (cursor.is_some() || limit.is_some()) {
        return Err(
            ServiceError::invalid("a tail is one answer: it has no limit and no cursor")
                .with_hint("leave out tail to read page by page"),
        );
    }
    Ok(Asked {
        writer,
        from: from.unwrap_or(0),
        end: to.unwrap_or(u64::MAX),
        tail,
        stream: None,
        level_min: None,
        limit: page_limit(limit, LOGS_PAGE_DEFAULT, LOGS_PAGE_MAX)?,
        after: cursor.map(decode_place).transpose()?,
    })
}

fn parse_writer(text: &str) -> Result<WriterId, ServiceError> {
    text.parse().map_err(|error| {
        ServiceError::invalid(format!("`{text}` is no writer: {error}"))
            .or_hint("give 32 hexadecimal digits; `writers` of an answer lists them")
    })
}

fn encode_place((writer, number): &(WriterId, u64)) -> String {
    cursor::encode("logs", &(writer.to_string(), *number))
}

fn decode_place(text: &str) -> Result<(WriterId, u64), ServiceError> {
    let (writer, number): (String, u64) = cursor::decode("logs", text)?;
    Ok((parse_writer(&writer)?, number))
}

/// The logs of a run; a writer that was asked for must have one.
fn read_logs(
    snapshot: &dyn Snapshot,
    run: RunKey,
    kind: LogKind,
    asked: &Asked,
) -> Result<Vec<LogState>, ServiceError> {
    let logs = snapshot.read_logs(run, kind)?;
    if let Some(writer) = asked.writer
        && snapshot
            .read_writers(run)?
            .iter()
            .all(|record| record.writer.id != writer)
    {
        return Err(
            ServiceError::not_found(format!("the run has no writer {writer}"))
                .with_hint("`writers` of an answer without writer lists them"),
        );
    }
    Ok(logs)
}

fn find<T: LogEntry>(
    logs: &[LogState],
    asked: &Asked,
    read: &Read<'_, T>,
    time: impl Fn(&T) -> Timestamp,
) -> Result<FoundPage<T>, ServiceError> {
    let wanted = logs
        .iter()
        .map(|log| log.writer)
        .filter(|writer| asked.writer.is_none_or(|only| only == *writer));
    let wanted: Vec<WriterId> = wanted.collect();
    match asked.tail {
        Some(tail) => Ok((read_tail(&wanted, asked, tail, read, time)?, None)),
        None => read_page(&wanted, asked, read),
    }
}

fn scan_of(writer: WriterId, asked: &Asked, limit: usize) -> LogScan {
    LogScan {
        writer,
        from: asked.from,
        end: asked.end,
        newest_first: false,
        stream: asked.stream,
        level_min: asked.level_min,
        limit,
    }
}

/// One log after the other, until the page is full.
fn read_page<T: LogEntry>(
    writers: &[WriterId],
    asked: &Asked,
    read: &Read<'_, T>,
) -> Result<FoundPage<T>, ServiceError> {
    let mut found: Vec<Found<T>> = Vec::new();
    let (mut bytes, mut pages) = (0, 0);
    let begins = asked.after.and_then(|(writer, number)| {
        let index = writers.iter().position(|one| *one == writer)?;
        Some((index, number))
    });
    let (first, number) = begins.unwrap_or((0, 0));
    for (index, writer) in writers.iter().enumerate().skip(first) {
        let mut scan = scan_of(*writer, asked, 0);
        if index == first {
            scan.from = scan.from.max(number);
        }
        loop {
            if found.len() == asked.limit || bytes > TEXT_BYTES_MAX || pages == PAGES_MAX {
                return Ok((found, Some((*writer, scan.from))));
            }
            scan.limit = asked.limit - found.len();
            let page = read(&scan)?;
            pages += 1;
            for Numbered { number, entry } in page.entries {
                bytes += entry.text_bytes();
                found.push(Found {
                    writer: *writer,
                    number,
                    entry,
                });
            }
            match page.next {
                Some(next) => scan.from = next,
                None => break,
            }
        }
    }
    Ok((found, None))
}

/// The last entries of all logs, by time; each log's stay in their order.
fn read_tail<T: LogEntry>(
    writers: &[WriterId],
    asked: &Asked,
    tail: usize,
    read: &Read<'_, T>,
    time: impl Fn(&T) -> Timestamp,
) -> Result<Vec<Found<T>>, ServiceError> {
    let mut joined: Vec<Found<T>> = Vec::new();
    for writer in writers {
        let mut own: Vec<Found<T>> = Vec::new();
        let mut bytes = 0;
        let mut next = Some(LogScan {
            newest_first: true,
            ..scan_of(*writer, asked, tail)
        });
        for _ in 0..PAGES_MAX {
            let Some(mut scan) = next.take() else { break };
            scan.limit = tail - own.len();
            let page = read(&scan)?;
            for Numbered { number, entry } in page.entries {
                bytes += entry.text_bytes();
                own.push(Found {
                    writer: *writer,
                    number,
                    entry,
                });
            }
            if own.len() < tail && bytes <= TEXT_BYTES_MAX {
                next = scan.after(page.next);
            }
        }
        own.reverse();
        joined = join_by_time(joined, own, &time);
        drop_first(&mut joined, tail);
    }
    Ok(joined)
}

/// Keeps the last entries, at most so many and so much text, but one at least.
fn drop_first<T: LogEntry>(joined: &mut Vec<Found<T>>, tail: usize) {
    let mut bytes = 0;
    let kept = joined
        .iter()
        .rev()
        .take(tail)
        .take_while(|found| {
            let fits = bytes <= TEXT_BYTES_MAX;
            bytes += found.entry.text_bytes();
            fits
        })
        .count();
    joined.drain(..joined.len() - kept);
}

/// Merges two lists that each stay in their order, whatever clocks say: an entry is as late as the
/// latest before it in its list.
fn join_by_time<T>(
    one: Vec<Found<T>>,
    other: Vec<Found<T>>,
    time: &impl Fn(&T) -> Timestamp,
) -> Vec<Found<T>> {
    let mut joined = Vec::with_capacity(one.len() + other.len());
    let mut lists = [one.into_iter().peekable(), other.into_iter().peekable()];
    let mut latest = [Timestamp::from_micros(i64::MIN); 2];
    loop {
        let mut heads = BinaryHeap::new();
        for (index, list) in lists.iter_mut().enumerate() {
            if let Some(head) = list.peek() {
                latest[index] = latest[index].max(time(&head.entry));
                heads.push(std::cmp::Reverse((latest[index], index)));
            }
        }
        let Some(std::cmp::Reverse((_, first))) = heads.pop() else {
            return joined;
        };
        joined.extend(lists[first].next());
    }
}

fn writer_item(log: &LogState) -> LogWriterItem {
    LogWriterItem {
        writer: log.writer,
        next: log.mark.next,
        bytes: log.mark.bytes,
    }
}

fn record_item(found: Found<LogRecord>) -> LogRecordItem {
    let record = found.entry;
    LogRecordItem {
        writer: found.writer,
        number: found.number,
        level: record.level,
        time_micros: record.time,
        message: record.message,
        logger: record.logger,
        source_line: (!record.file.is_empty()).then_some(record.source_line),
        file: record.file,
        extra: record.extra.map(RawJson),
        cut_bytes: record.cut_bytes,
    }
}

#[cfg(test)]
mod tests;
