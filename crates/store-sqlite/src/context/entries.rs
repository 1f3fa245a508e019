//! Lines, records and objects of a frame: gathered, and inserted as one row an owner at its end.
//!
//! Part of [`SqliteContext`]. Marks are remembered for the frame, so that a frame of a thousand
//! lines asks for them once.

use std::collections::BTreeMap;

use runstone_model::{RunKey, WriterId};
use runstone_store::apply::{ApplyContext, ObjectBatch, SeriesId};
use runstone_store::{
    Entry, EntryKey, EntryKind, LogKind, LogMark, StoreError, encode_entries, encode_line,
    encode_object_set, encode_record,
};
use runstone_wire::{LogLine, LogRecord};

use super::SqliteContext;
use crate::backlog::Unfolded;
use crate::entries::Owner;
use crate::entries::logs::entry_kind;
use crate::entries::objects::{steps_range, walk_steps};
use crate::error::{Result, sql_error, value_error};
use crate::keys::run_column;
use crate::rows::{execute, find};
use crate::sql;

/// Bytes past which what was gathered is inserted before the end of the frame.
const GATHERED_BYTES_MAX: usize = 1 << 20;

/// What a frame has brought so far. A frame has one run.
#[derive(Default)]
pub(super) struct GatheredEntries {
    /// By kind and owner.
    lists: BTreeMap<(EntryKind, i64), Vec<Entry>>,
    bytes: usize,
    log_marks: BTreeMap<(i64, LogKind), LogMark>,
    /// Bytes of all logs of the run.
    log_bytes: Option<u64>,
    /// Smallest and greatest new step of each object series, and its writer's key.
    steps: BTreeMap<u32, (f64, f64, i64)>,
}

impl SqliteContext<'_> {
    pub(super) fn find_log_mark(
        &mut self,
        run: RunKey,
        writer: WriterId,
        kind: LogKind,
    ) -> Result<LogMark> {
        let key = self.writer(writer)?.key;
        if let Some(mark) = self.entries.log_marks.get(&(key, kind)) {
            return Ok(*mark);
        }
        let params = (run_column(run), key, entry_kind(kind).as_u8());
        let found = find(self.connection, sql::READ_LOG_MARK, params, |row| {
            let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
            Ok(LogMark {
                next: get(0)?.cast_unsigned(),
                bytes: get(1)?.cast_unsigned(),
            })
        })?;
        Ok(found.unwrap_or_default())
    }

    pub(super) fn log_bytes(&mut self, run: RunKey) -> Result<u64> {
        if let Some(bytes) = self.entries.log_bytes {
            return Ok(bytes);
        }
        let params = [run_column(run)];
        let sum = find(self.connection, sql::SUM_LOG_BYTES, params, |row| {
            row.get::<_, Option<i64>>(0).map_err(sql_error)
        })?;
        let bytes = sum.flatten().unwrap_or(0).cast_unsigned();
        self.entries.log_bytes = Some(bytes);
        Ok(bytes)
    }

    fn keep_log_mark(
        &mut self,
        run: RunKey,
        writer: WriterId,
        kind: LogKind,
        mark: LogMark,
    ) -> Result<i64> {
        let former = self.find_log_mark(run, writer, kind)?;
        let bytes = self.log_bytes(run)?;
        let added = mark.bytes.saturating_sub(former.bytes);
        self.entries.log_bytes = Some(bytes.saturating_add(added));
        let key = self.writer(writer)?.key;
        self.entries.log_marks.insert((key, kind), mark);
        Ok(key)
    }

    pub(super) fn keep_lines(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        lines: &[LogLine],
        mark: LogMark,
    ) -> Result<()> {
        let key = self.keep_log_mark(run, writer, LogKind::Lines, mark)?;
        let entries = (first..).zip(lines);
        let entries = entries.map(|(number, line)| encode_line(number, line));
        self.gather(run, (EntryKind::Lines, key), entries)
    }

    pub(super) fn keep_records(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        records: &[LogRecord],
        mark: LogMark,
    ) -> Result<()> {
        let key = self.keep_log_mark(run, writer, LogKind::Records, mark)?;
        let entries = (first..).zip(records);
        let entries = entries.map(|(number, record)| encode_record(number, record));
        self.gather(run, (EntryKind::Records, key), entries)
    }

    pub(super) fn keep_objects(&mut self, batch: &ObjectBatch<'_>) -> Result<()> {
        let writer = self.writer(batch.writer)?.key;
        self.note_append_writer(batch.run, batch.append.0, writer)?;
        let (series, step) = (batch.series.0, batch.step);
        let mut cuts = self.run(batch.run)?.hiding.cuts.iter();
        let counted = if cuts.all(|(_, cut)| cut.generation <= batch.generation) {
            step.floor()
        } else {
            let hiding = self.read_hiding(batch.run, batch.series)?;
            hiding.counted_step(step, batch.generation.0)
        };
        let cached = self.run(batch.run)?.series.get_mut(series as usize);
        let cached = cached
            .ok_or_else(|| value_error("a binding", format!("there is no series {series}")))?;
        cached.add_set(step, counted, writer);
        let steps = self.entries.steps.entry(series);
        let steps = steps.or_insert((step, step, writer));
        *steps = (steps.0.min(step), steps.1.max(step), writer);
        let key = EntryKey {
            major: EntryKey::major_of_step(step),
            generation: batch.generation.0,
            append: batch.append.0,
            position: batch.position,
        };
        let entry = encode_object_set(key, batch.set);
        self.gather(batch.run, (EntryKind::Objects, series.into()), [entry])
    }

    fn gather(
        &mut self,
        run: RunKey,
        list: (EntryKind, i64),
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<()> {
        let gathered = self.entries.lists.entry(list).or_default();
        for entry in entries {
            self.entries.bytes += entry.body.len();
            gathered.push(entry);
        }
        if self.entries.bytes > GATHERED_BYTES_MAX {
            self.insert_entries(run)?;
        }
        self.entries_run = Some(run);
        Ok(())
    }

    /// Inserts what was gathered, if anything was.
    pub(super) fn finish_entries(&mut self) -> Result<()> {
        match self.entries_run {
            Some(run) => self.insert_entries(run),
            None => Ok(()),
        }
    }

    fn insert_entries(&mut self, run: RunKey) -> Result<()> {
        let gathered = std::mem::take(&mut self.entries);
        let column = run_column(run);
        let received_at = self.received_at;
        // The end may stand in the same frame, and was kept before this.
        let is_ended = self.run(run)?.row.run.state.is_ended();
        for ((kind, owner), mut entries) in gathered.lists {
            // Of one number the line that came last counts; the sort is stable.
            entries.sort_by_key(|entry| entry.meta.key);
            entries.reverse();
            entries.dedup_by_key(|entry| entry.meta.key);
            entries.reverse();
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
                continue;
            };
            let block = encode_entries(kind, &entries, false)
                .map_err(|error| StoreError::Internal(error.to_string()))?;
            let params = (
                column,
                kind.as_u8(),
                owner,
                first.meta.key.to_bytes(),
                last.meta.key.to_bytes(),
                entries.len() as i64,
                received_at.as_micros(),
                &block.head,
                &block.data,
            );
            execute(self.connection, sql::INSERT_ENTRY_ROW, params)?;
            self.unfolded.push(Unfolded {
                entry_rows: 1,
                entry_bytes: (block.head.len() + block.data.len()) as u64,
                is_ended,
                ..Unfolded::nothing(run, received_at)
            });
        }
        for ((writer, kind), mark) in &gathered.log_marks {
            let params = (
                column,
                writer,
                entry_kind(*kind).as_u8(),
                mark.next.cast_signed(),
                mark.bytes.cast_signed(),
            );
            execute(self.connection, sql::PUT_LOG_MARK, params)?;
        }
        for (series, (first, last, writer)) in gathered.steps {
            let params = (column, series, first, last, writer);
            execute(self.connection, sql::PUT_OBJECT_MARK, params)?;
        }
        Ok(())
    }

    /// Whether a set that is neither cut nor removed stands at one of these steps.
    pub(super) fn look_for_objects(
        &mut self,
        run: RunKey,
        id: SeriesId,
        steps: &[f64],
        other_than: Option<WriterId>,
    ) -> Result<bool> {
        self.finish_entries()?;
        let hiding = self.read_hiding(run, id)?;
        let is_foreign = self.appends_of_others(run, other_than)?;
        let owner = Owner::new(run, EntryKind::Objects, id.0.into());
        for step in steps {
            let mut holds = false;
            let range = steps_range(Some(*step), Some(*step));
            walk_steps(self.connection, owner, range, |sets| {
                holds = sets.iter().any(|set| {
                    let key = &set.meta.key;
                    is_foreign(key.append) && hiding.is_alive(*step, key.generation, key.append)
                });
                Ok(false)
            })?;
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
