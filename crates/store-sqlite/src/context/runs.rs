//! Runs, writers, experiments and events: their rows, and what the cache remembers of them.
//!
//! Part of [`SqliteContext`].

use runstone_model::{
    ExperimentKey, ExperimentName, Generation, RunId, RunKey, Timestamp, WorkspaceId,
    experiment_id_from_parts,
};
use runstone_store::apply::{FormerRun, RunRow, WriterRow};
use runstone_store::{EventRecord, RunCompleteness, StoreError};
use rusqlite::params;

use super::SqliteContext;
use crate::backlog::Unfolded;
use crate::bindings::Bindings;
use crate::cache::{CachedRun, CachedWriter};
use crate::error::{Result, sql_error};
use crate::fork::{SharedSeries, insert_fork};
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
                let first = RowRange::of(key).first;
                let writer = CachedWriter::new(key, row.clone(), Bindings::new(), first);
                self.cache.insert_writer(writer);
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
                let shared = self.note_fork(row)?;
                self.cache.insert_run(CachedRun::new(row.clone(), shared));
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

    /// Notes what a new run shares with its parent, if it is a fork.
    fn note_fork(&mut self, row: &RunRow) -> Result<Vec<SharedSeries>> {
        let Some(pin) = &row.run.parent else {
            return Ok(Vec::new());
        };
        // What earlier frames of the group have defined must be readable.
        self.insert_gathered()?;
        let connection = self.connection;
        let series = self.run(pin.parent)?.all_series(connection)?;
        let series = series.iter().map(|(key, state)| (key, *state));
        insert_fork(connection, row.key, pin, series)
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

    /// The life of an id that was deleted last, in the trash or purged.
    pub(super) fn look_for_former(
        &mut self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<Option<FormerRun>> {
        let params = (workspace.0.cast_signed(), id.as_str());
        let purged = find(self.connection, sql::FIND_PURGED_RUN, params, |row| {
            let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
            let former = FormerRun {
                key: RunKey(get(0)?.cast_unsigned()),
                generation: Generation(0),
                deleted_at: Timestamp::from_micros(get(1)?),
                is_purged: true,
            };
            Ok((get(2)?.cast_unsigned(), former))
        })?;
        let in_trash = self.look_for_deleted(workspace, id)?.and_then(|row| {
            let former = FormerRun {
                key: row.key,
                generation: row.generation,
                deleted_at: row.deleted_at?,
                is_purged: false,
            };
            Some((row.changed.0, former))
        });
        let last = [purged, in_trash].into_iter().flatten();
        Ok(last
            .max_by_key(|(changed, _)| *changed)
            .map(|(_, former)| former))
    }

    /// The runs that were deleted first.
    pub(super) fn look_for_expired(
        &mut self,
        deleted_until: Timestamp,
        runs_max: usize,
    ) -> Result<Vec<RunRow>> {
        let connection = self.connection;
        let limit = i64::try_from(runs_max).unwrap_or(i64::MAX);
        let params = (deleted_until.as_micros(), limit);
        let keys = collect(connection, sql::FIND_EXPIRED_RUNS, params, |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?;
        let mut expired = Vec::with_capacity(keys.len());
        for key in keys {
            expired.extend(find(connection, sql::READ_RUN_OR_DELETED, [key], |row| {
                run_from_row(connection, row)
            })?);
        }
        Ok(expired)
    }

    /// Takes a run out of everything that finds runs. Its other rows are out of reach then, and
    /// `space` deletes them.
    pub(super) fn keep_purge(&mut self, row: &RunRow) -> Result<()> {
        self.cache.remove_run(row.key);
        let key = run_column(row.key);
        let params = (
            row.run.workspace.0.cast_signed(),
            row.run.id.as_str(),
            key,
            row.deleted_at.unwrap_or_default().as_micros(),
            row.changed.0.cast_signed(),
        );
        execute(self.connection, sql::KEEP_PURGED_RUN, params)?;
        execute(self.connection, sql::INSERT_PURGE, [key])?;
        execute(self.connection, sql::DELETE_RUN, [key]).map(drop)
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
