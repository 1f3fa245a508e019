//! Runs, writers, experiments and events: their rows, and what the cache remembers of them.
//!
//! Part of [`SqliteContext`].

use runstone_model::{
    ExperimentKey, ExperimentName, RunId, RunKey, Timestamp, WorkspaceId, experiment_id_from_parts,
};
use runstone_store::apply::{RunRow, WriterRow};
use runstone_store::{EventRecord, RunCompleteness, StoreError};
use rusqlite::params;

use super::SqliteContext;
use crate::backlog::Unfolded;
use crate::bindings::Bindings;
use crate::cache::{CachedRun, CachedWriter};
use crate::error::Result;
use crate::keys::{RowRange, run_column};
use crate::put::{put_run_fields, put_run_mark, put_writer_fields, put_writer_mark};
use crate::rows::{collect, execute, find, read_overridden, run_from_row, writer_from_row};
use crate::sql;

impl SqliteContext<'_> {
    /// Inserts or replaces a writer, here and in the cache.
    pub(super) fn keep_writer(&mut self, row: &WriterRow, fields_changed: bool) -> Result<()> {
        let connection = self.connection;
        let (key, is_new) = match self.cache.writer(connection, row.writer.id)? {
            Some(cached) => {
                cached.row.clone_from(row);
                (cached.key, false)
            }
            None => {
                self.sequences.writer += 1;
                let key = self.sequences.writer;
                self.cache.insert_writer(CachedWriter {
                    key,
                    row: row.clone(),
                    bindings: Bindings::new(),
                    next_binding: RowRange::of(key).first,
                    used: 0,
                });
                (key, true)
            }
        };
        if is_new || fields_changed {
            put_writer_fields(connection, key, row)?;
        }
        put_writer_mark(connection, key, row)
    }

    /// Inserts or replaces a run, here and in the cache.
    pub(super) fn keep_run(&mut self, row: &RunRow, fields_changed: bool) -> Result<()> {
        let connection = self.connection;
        let former = match self.cache.run(connection, row.key)? {
            Some(cached) => Some(std::mem::replace(&mut cached.row, row.clone())),
            None => {
                self.cache.insert_run(CachedRun::new(row.clone()));
                None
            }
        };
        if fields_changed || former.is_none() {
            put_run_fields(connection, row, former.as_ref())?;
        }
        let is_ended = row.run.state.is_ended();
        for unfolded in self
            .unfolded
            .iter_mut()
            .filter(|unfolded| unfolded.run == row.key)
        {
            unfolded.is_ended = is_ended;
        }
        if is_ended && self.unfolded.is_empty() {
            self.unfolded.push(Unfolded {
                is_ended,
                ..Unfolded::nothing(row.key, self.received_at)
            });
        }
        put_run_mark(connection, row)
    }

    /// The run of an id that was deleted last.
    pub(super) fn look_for_deleted(
        &mut self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<Option<RunRow>> {
        let connection = self.connection;
        let params = (workspace.0.cast_signed(), id.as_str());
        let found = find(connection, sql::FIND_DELETED_RUN, params, |row| {
            run_from_row(connection, row)
        })?;
        let Some(mut row) = found else {
            return Ok(None);
        };
        row.overridden = read_overridden(connection, row.key)?;
        Ok(Some(row))
    }

    /// Marks a run deleted or living. The cache holds living runs only, so it is read again when
    /// one that came back is written.
    pub(super) fn keep_deletion(&mut self, row: &RunRow) -> Result<()> {
        self.cache.remove_run(row.key);
        let deleted_at = row.deleted_at.map(Timestamp::as_micros);
        let params = (run_column(row.key), deleted_at);
        execute(self.connection, sql::SET_DELETED, params)?;
        put_run_mark(self.connection, row)
    }

    /// Sums the counters of a run's writers.
    pub(super) fn sum_writers(&mut self, run: RunKey) -> Result<RunCompleteness> {
        let writers = collect(
            self.connection,
            sql::SCAN_WRITERS,
            [run_column(run)],
            writer_from_row,
        )?;
        let mut sum = RunCompleteness::default();
        for (_, writer) in writers {
            sum.add(&writer.counters.completeness());
        }
        Ok(sum)
    }

    /// A new key and a random id.
    pub(super) fn insert_experiment(
        &mut self,
        workspace: WorkspaceId,
        name: &ExperimentName,
        created_at: Timestamp,
    ) -> Result<ExperimentKey> {
        let mut random = [0u8; 10];
        getrandom::fill(&mut random)
            .map_err(|error| StoreError::Internal(format!("there is no randomness: {error}")))?;
        let id = experiment_id_from_parts(created_at.as_micros() / 1_000, random);
        self.sequences.experiment += 1;
        let key = self.sequences.experiment;
        let params = (
            key,
            workspace.0.cast_signed(),
            id,
            name.as_str(),
            created_at.as_micros(),
        );
        execute(self.connection, sql::INSERT_EXPERIMENT, params)?;
        Ok(ExperimentKey(key.cast_unsigned()))
    }

    /// Appends to the events of a run.
    pub(super) fn insert_event(&mut self, run: RunKey, event: &EventRecord) -> Result<()> {
        let connection = self.connection;
        let cached = self.run(run)?;
        let id = cached.next_event;
        cached.next_event += 1;
        let params = params![
            id,
            event.change.0.cast_signed(),
            event.from.map(|state| state.as_str()),
            event.to.as_str(),
            event.event.as_str(),
            event.actor,
            event.at.as_micros(),
            event.reason.as_ref().map(|reason| reason.code.as_str()),
            event.reason.as_ref().map(|reason| &reason.text),
            event.writer.map(|writer| *writer.as_bytes())
        ];
        execute(connection, sql::INSERT_EVENT, params).map(drop)
    }
}
