//! Terminal lines and log records: how much of them is taken.

use runstone_model::LOG_TEXT_BYTES_MAX;
use runstone_wire::{LogLines, LogRecord, RefusalCode};

use super::context::{ApplyContext, WarningKind};
use super::frame::{Applying, Outcome, refuse};
use super::limits::{LOG_BYTES_IN_RUN_MAX, LOG_ENTRIES_IN_OPERATION_MAX, TEXT_IN_OPERATION_MAX};
use crate::{ChangeKind, LOG_ENTRY_BYTES, LogEntry, LogKind, LogMark};

impl<C: ApplyContext> Applying<'_, C> {
    /// Keeps terminal lines; one whose number is there replaces the older one.
    pub(super) fn log_lines(&mut self, lines: &LogLines) -> Outcome {
        let run = self.run()?.key;
        let bytes = check_amount(&lines.lines)?;
        let cut = count_cut(lines.lines.iter().map(|line| line.cut_bytes));
        let Some(mut mark) = self.room_for(LogKind::Lines, lines.lines.len())? else {
            return Ok(());
        };
        self.warn_of_cut(cut);
        let end = lines.first_line + lines.lines.len() as u64;
        mark.next = mark.next.max(end);
        mark.bytes = mark.bytes.saturating_add(bytes);
        let writer = self.writer.writer.id;
        self.kinds.insert(ChangeKind::Logs);
        self.context
            .push_log_lines(run, writer, lines.first_line, &lines.lines, mark)?;
        Ok(())
    }

    /// Keeps log records and numbers them.
    pub(super) fn log_records(&mut self, records: &[LogRecord]) -> Outcome {
        let run = self.run()?.key;
        let bytes = check_amount(records)?;
        for record in records {
            let extra = record
                .extra
                .as_ref()
                .map_or(0, |extra| extra.as_str().len());
            if extra > LOG_TEXT_BYTES_MAX {
                return refuse(
                    RefusalCode::TooLarge,
                    format!(
                        "the extra arguments of a log record have {extra} bytes, the limit is \
                         {LOG_TEXT_BYTES_MAX}, hint: log them as an object or an artifact"
                    ),
                );
            }
        }
        let cut = count_cut(records.iter().map(|record| record.cut_bytes));
        let Some(mut mark) = self.room_for(LogKind::Records, records.len())? else {
            return Ok(());
        };
        self.warn_of_cut(cut);
        let first = mark.next;
        mark.next += records.len() as u64;
        mark.bytes = mark.bytes.saturating_add(bytes);
        let writer = self.writer.writer.id;
        self.kinds.insert(ChangeKind::Logs);
        self.context
            .push_log_records(run, writer, first, records, mark)?;
        Ok(())
    }

    /// The mark of this writer's log, if there is anything to add and the run takes more. A run
    /// that is full counts what it does not take; its script is not told each time.
    fn room_for(&mut self, kind: LogKind, entries: usize) -> Outcome<Option<LogMark>> {
        let run = self.run()?.key;
        if entries == 0 {
            return Ok(None);
        }
        if self.context.sum_log_bytes(run)? >= LOG_BYTES_IN_RUN_MAX {
            let detail = format!(
                "the logs of the run hold {} MiB, further lines are not kept, hint: log less, or \
                 keep long output in a file",
                LOG_BYTES_IN_RUN_MAX >> 20
            );
            self.warn(WarningKind::LogsFull, entries as u64, detail);
            return Ok(None);
        }
        let writer = self.writer.writer.id;
        Ok(Some(self.context.read_log_mark(run, writer, kind)?))
    }

    fn warn_of_cut(&mut self, entries: u64) {
        let detail = format!(
            "lines and messages longer than {} KiB were cut, hint: log long texts as objects",
            LOG_TEXT_BYTES_MAX >> 10
        );
        self.warn(WarningKind::LogCut, entries, detail);
    }
}

fn count_cut(cut_bytes: impl Iterator<Item = u64>) -> u64 {
    cut_bytes.filter(|bytes| *bytes > 0).count() as u64
}

/// What the entries count against the limit of a run.
fn check_amount<T: LogEntry>(entries: &[T]) -> Outcome<u64> {
    let bytes: usize = entries.iter().map(T::text_bytes).sum();
    if entries.len() > LOG_ENTRIES_IN_OPERATION_MAX || bytes > TEXT_IN_OPERATION_MAX {
        return refuse(
            RefusalCode::TooLarge,
            format!(
                "an operation with {} lines and {bytes} bytes is too large, the limits are \
                 {LOG_ENTRIES_IN_OPERATION_MAX} and {TEXT_IN_OPERATION_MAX}, hint: send fewer at \
                 a time",
                entries.len()
            ),
        );
    }
    Ok(bytes as u64 + entries.len() as u64 * LOG_ENTRY_BYTES)
}
