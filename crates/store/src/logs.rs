//! Logs of a run: terminal lines and log records of each writer, by number.
//!
//! A log is one writer's list of one kind. Lines have the numbers that the writer gave, with gaps
//! where it left some out, and the newest of a number is the line. Records are numbered 0, 1, ...
//! in the order they were applied. Rewinds and removals leave logs alone.

use runstone_model::{LogLevel, LogStream, WriterId};
use runstone_wire::{LogLine, LogRecord};

/// Entries of a log that one page looks at; a filter that finds nothing among them still answers,
/// and moves on.
pub const LOG_EXAMINED_MAX: usize = 65_536;
/// Bytes of text past which a page ends.
pub const LOG_PAGE_BYTES_MAX: usize = 1 << 20;
/// What each entry of a log counts besides its text, against the limit of a run.
pub const LOG_ENTRY_BYTES: u64 = 16;

/// The two logs of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// Terminal lines.
    Lines,
    /// Log records.
    Records,
}

/// How far a log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogMark {
    /// One past its greatest number; 0 for a log without entries.
    pub next: u64,
    /// Bytes that were ever logged, replaced lines included.
    pub bytes: u64,
}

/// A log that has entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Whose it is.
    pub writer: WriterId,
    /// How far it has come.
    pub mark: LogMark,
}

/// An entry with its number in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered<T> {
    /// Its number.
    pub number: u64,
    /// The entry.
    pub entry: T,
}

/// Which entries of one log.
#[derive(Debug, Clone)]
pub struct LogScan {
    /// Whose log.
    pub writer: WriterId,
    /// From this number on, inclusive.
    pub from: u64,
    /// Up to this number, exclusive.
    pub end: u64,
    /// From the end backwards.
    pub newest_first: bool,
    /// Only lines of this stream; records have none and ignore it.
    pub stream: Option<LogStream>,
    /// Only records of this level or a graver one; lines have none and ignore it.
    pub level_min: Option<LogLevel>,
    /// At most so many; 0 is taken as 1.
    pub limit: usize,
}

impl LogScan {
    /// All entries of a log, the first first.
    pub fn whole(writer: WriterId, limit: usize) -> Self {
        Self {
            writer,
            from: 0,
            end: u64::MAX,
            newest_first: false,
            stream: None,
            level_min: None,
            limit,
        }
    }

    /// The scan that goes on where a page ended, if it did not end at the end.
    #[must_use]
    pub fn after(mut self, next: Option<u64>) -> Option<Self> {
        let next = next?;
        if self.newest_first {
            self.end = next;
        } else {
            self.from = next;
        }
        Some(self)
    }
}

/// One page, in the order of the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage<T> {
    /// The entries; may be none although there are more, see [`LOG_EXAMINED_MAX`].
    pub entries: Vec<Numbered<T>>,
    /// What the next page has as `from`, or as `end` when the newest come first; `None` at the end.
    pub next: Option<u64>,
}

/// What engines need of an entry of a log.
pub trait LogEntry: Clone {
    /// Whether a scan wants it.
    fn is_wanted(&self, scan: &LogScan) -> bool;

    /// Bytes of its texts.
    fn text_bytes(&self) -> usize;
}

impl LogEntry for LogLine {
    fn is_wanted(&self, scan: &LogScan) -> bool {
        scan.stream.is_none_or(|stream| stream == self.stream)
    }

    fn text_bytes(&self) -> usize {
        self.text.len()
    }
}

impl LogEntry for LogRecord {
    fn is_wanted(&self, scan: &LogScan) -> bool {
        scan.level_min.is_none_or(|least| self.level >= least)
    }

    fn text_bytes(&self) -> usize {
        let extra = self.extra.as_ref().map_or(0, |extra| extra.as_str().len());
        self.message.len() + self.logger.len() + self.file.len() + extra
    }
}
