//! The rows of this engine as [`ApplyContext`] wants them, inside one savepoint.
//!
//! Only the writer thread makes one, for one frame. What a frame defines (series, bindings) is
//! gathered and inserted as one row a kind at its end, see [`SqliteContext::finish`]. What is more
//! than a lookup stands below: runs, writers and what belongs to them in `runs.rs`, points and what
//! hides them in `points.rs`.

mod blobs;
mod entries;
mod points;
mod runs;

use runstone_model::{
    ChangeNumber, ExperimentKey, ExperimentName, MetricName, Params, RunId, RunKey, SeriesKey,
    Timestamp, WorkspaceId, WriterId,
};
use runstone_store::apply::{
    ApplyContext, FORK_DEPTH_MAX, FormerRun, LostRange, ObjectBatch, PointBatch, RunRow,
    SeriesBinding, SeriesId, SeriesState, WarningKind, WriterRow,
};
use runstone_store::{
    ChangeRow, Cut, EventRecord, LogKind, LogMark, MetricDefinition, Removal, RunCompleteness,
    ScalarRecord, SeriesHiding, StoreError,
};
use runstone_wire::{LogLine, LogRecord};
use rusqlite::{Connection, params};

use self::entries::GatheredEntries;
use crate::backlog::Unfolded;
use crate::bindings::encode_bindings;
use crate::cache::{Cache, CachedRun, CachedWriter};
use crate::directory::encode_series;
use crate::error::{Result, sql_error, value_error};
use crate::journal::insert_change;
use crate::keys::{RowRange, run_column};
use crate::put::put_params;
use crate::rows::{execute, find, metric_from_row, run_from_row, scalar_from_row};
use crate::sequences::Sequences;
use crate::values::ValueColumns;
use crate::{rows, sql};

/// One frame's view of the database.
pub(crate) struct SqliteContext<'a> {
    connection: &'a Connection,
    cache: &'a mut Cache,
    sequences: &'a mut Sequences,
    received_at: Timestamp,
    /// Series that this frame creates: run, first id, keys.
    new_series: Option<(RunKey, SeriesId, Vec<SeriesKey>)>,
    /// Bindings that this frame makes or resolves.
    new_bindings: Option<(WriterId, Vec<(u32, SeriesBinding)>)>,
    /// Lines, records and objects of this frame, and the run they belong to.
    entries: GatheredEntries,
    entries_run: Option<RunKey>,
    /// What this frame adds to what is not folded.
    unfolded: Vec<Unfolded>,
}

impl<'a> SqliteContext<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        cache: &'a mut Cache,
        sequences: &'a mut Sequences,
        received_at: Timestamp,
    ) -> Self {
        Self {
            connection,
            cache,
            sequences,
            received_at,
            new_series: None,
            new_bindings: None,
            entries: GatheredEntries::default(),
            entries_run: None,
            unfolded: Vec::new(),
        }
    }

    /// Inserts what was gathered; answers what the frame adds to what is not folded.
    pub(crate) fn finish(mut self) -> Result<Vec<Unfolded>> {
        self.insert_gathered()?;
        self.finish_entries()?;
        Ok(self.unfolded)
    }

    fn insert_gathered(&mut self) -> Result<()> {
        if let Some((run, first, keys)) = self.new_series.take() {
            let id = RowRange::of(run_column(run)).row(i64::from(first.0))?;
            execute(
                self.connection,
                sql::INSERT_SERIES,
                (id, encode_series(&keys)),
            )?;
        }
        if let Some((writer, bindings)) = self.new_bindings.take() {
            let connection = self.connection;
            let writer = self.writer(writer)?;
            let id = writer.next_binding;
            writer.next_binding += 1;
            execute(
                connection,
                sql::INSERT_BINDING,
                (id, encode_bindings(&bindings)),
            )?;
        }
        Ok(())
    }

    fn run(&mut self, run: RunKey) -> Result<&mut CachedRun> {
        self.cache
            .run(self.connection, run)?
            .ok_or_else(|| StoreError::Internal(format!("run {run} vanished while it was written")))
    }

    fn writer(&mut self, writer: WriterId) -> Result<&mut CachedWriter> {
        self.cache.writer(self.connection, writer)?.ok_or_else(|| {
            StoreError::Internal(format!("writer {writer} vanished while it was written"))
        })
    }

    fn series_key(&mut self, run: RunKey, id: SeriesId) -> Result<SeriesKey> {
        let connection = self.connection;
        self.run(run)?
            .key_of(connection, id)?
            .ok_or_else(|| value_error("a run", format!("it has no series {}", id.0)))
    }
}

impl ApplyContext for SqliteContext<'_> {
    fn change_number(&mut self) -> Result<ChangeNumber> {
        Ok(ChangeNumber(self.sequences.change.cast_unsigned()))
    }

    fn next_change(&mut self) -> Result<ChangeNumber> {
        self.sequences.change += 1;
        self.change_number()
    }

    fn push_change(&mut self, change: &ChangeRow) -> Result<()> {
        insert_change(self.connection, change)
    }

    fn find_writer(&mut self, writer: WriterId) -> Result<Option<WriterRow>> {
        Ok(self
            .cache
            .writer(self.connection, writer)?
            .map(|cached| cached.row.clone()))
    }

    fn put_writer(&mut self, row: &WriterRow, fields_changed: bool) -> Result<()> {
        self.keep_writer(row, fields_changed)
    }

    fn push_lost(&mut self, writer: WriterId, range: LostRange) -> Result<()> {
        let key = self.writer(writer)?.key;
        let params = (key, range.first.cast_signed(), range.next.cast_signed());
        execute(self.connection, sql::INSERT_LOST, params).map(drop)
    }

    fn raise_dropped(&mut self, writer: WriterId, number: u32, points: u64) -> Result<()> {
        let key = self.writer(writer)?.key;
        let params = (key, number, points.cast_signed());
        execute(self.connection, sql::RAISE_DROPPED, params).map(drop)
    }

    fn find_run(&mut self, workspace: WorkspaceId, id: &RunId) -> Result<Option<RunRow>> {
        let connection = self.connection;
        let params = (workspace.0.cast_signed(), id.as_str());
        let key = find(connection, sql::FIND_RUN, params, |row| {
            run_from_row(connection, row).map(|row| row.key)
        })?;
        key.map_or(Ok(None), |key| self.read_run(key))
    }

    fn read_run(&mut self, run: RunKey) -> Result<Option<RunRow>> {
        Ok(self
            .cache
            .run(self.connection, run)?
            .map(|cached| cached.row.clone()))
    }

    fn find_deleted_run(&mut self, workspace: WorkspaceId, id: &RunId) -> Result<Option<RunRow>> {
        self.look_for_deleted(workspace, id)
    }

    fn find_former_run(&mut self, workspace: WorkspaceId, id: &RunId) -> Result<Option<FormerRun>> {
        self.look_for_former(workspace, id)
    }

    fn find_expired_runs(
        &mut self,
        deleted_until: Timestamp,
        runs_max: usize,
    ) -> Result<Vec<RunRow>> {
        self.look_for_expired(deleted_until, runs_max)
    }

    fn put_purge(&mut self, row: &RunRow) -> Result<()> {
        self.keep_purge(row)
    }

    fn put_deletion(&mut self, row: &RunRow) -> Result<()> {
        self.keep_deletion(row)
    }

    fn sum_completeness(&mut self, run: RunKey) -> Result<RunCompleteness> {
        self.sum_writers(run)
    }

    fn next_run_key(&mut self) -> Result<RunKey> {
        self.sequences.run += 1;
        Ok(RunKey(self.sequences.run.cast_unsigned()))
    }

    fn put_run(&mut self, row: &RunRow, fields_changed: bool) -> Result<()> {
        self.keep_run(row, fields_changed)
    }

    fn find_experiment(
        &mut self,
        workspace: WorkspaceId,
        name: &ExperimentName,
    ) -> Result<Option<ExperimentKey>> {
        let params = (workspace.0.cast_signed(), name.as_str());
        find(self.connection, sql::FIND_EXPERIMENT, params, |row| {
            let key: i64 = row.get(0).map_err(sql_error)?;
            Ok(ExperimentKey(key.cast_unsigned()))
        })
    }

    fn create_experiment(
        &mut self,
        workspace: WorkspaceId,
        name: &ExperimentName,
        created_at: Timestamp,
    ) -> Result<ExperimentKey> {
        self.insert_experiment(workspace, name, created_at)
    }

    fn read_params(&mut self, run: RunKey) -> Result<Params> {
        let connection = self.connection;
        let cached = self.run(run)?;
        if cached.params.is_none() {
            cached.params = Some(rows::read_params(connection, run)?);
        }
        Ok(cached.params.clone().unwrap_or_default())
    }

    fn put_params(&mut self, run: RunKey, params: &Params) -> Result<()> {
        let former = self.read_params(run)?;
        put_params(self.connection, run, &former, params)?;
        self.run(run)?.params = Some(params.clone());
        Ok(())
    }

    fn find_scalar(&mut self, run: RunKey, name: &MetricName) -> Result<Option<ScalarRecord>> {
        let params = (run_column(run), name.as_str());
        find(self.connection, sql::FIND_SCALAR, params, scalar_from_row)
    }

    fn put_scalar(&mut self, run: RunKey, scalar: &ScalarRecord) -> Result<()> {
        let value = ValueColumns::from_scalar(&scalar.value);
        let params = params![
            run_column(run),
            scalar.name.as_str(),
            value.kind,
            value.number,
            value.sign,
            value.bits,
            value.text,
            scalar.time.as_micros()
        ];
        execute(self.connection, sql::PUT_SCALAR, params).map(drop)
    }

    fn find_metric_definition(
        &mut self,
        experiment: ExperimentKey,
        name: &MetricName,
    ) -> Result<Option<MetricDefinition>> {
        let params = (experiment.0.cast_signed(), name.as_str());
        find(self.connection, sql::FIND_METRIC, params, metric_from_row)
    }

    fn put_metric_definition(
        &mut self,
        experiment: ExperimentKey,
        definition: &MetricDefinition,
    ) -> Result<()> {
        let params = (
            experiment.0.cast_signed(),
            definition.name.as_str(),
            definition.goal.map(|goal| goal.as_str()),
            &definition.unit,
            &definition.default_x,
        );
        execute(self.connection, sql::PUT_METRIC, params).map(drop)
    }

    fn push_event(&mut self, run: RunKey, event: &EventRecord) -> Result<()> {
        self.insert_event(run, event)
    }

    fn add_warning(
        &mut self,
        run: RunKey,
        kind: WarningKind,
        count: u64,
        detail: &str,
        at: Timestamp,
    ) -> Result<()> {
        let params = (
            run_column(run),
            kind.as_str(),
            count.cast_signed(),
            detail,
            at.as_micros(),
        );
        execute(self.connection, sql::ADD_WARNING, params).map(drop)
    }

    fn find_binding(&mut self, writer: WriterId, number: u32) -> Result<Option<SeriesBinding>> {
        let cached = self.cache.writer(self.connection, writer)?;
        Ok(cached.and_then(|cached| cached.bindings.get(&number).copied()))
    }

    fn put_binding(
        &mut self,
        writer: WriterId,
        number: u32,
        binding: &SeriesBinding,
    ) -> Result<()> {
        self.writer(writer)?.bind(number, *binding);
        let (_, gathered) = self
            .new_bindings
            .get_or_insert_with(|| (writer, Vec::new()));
        gathered.push((number, *binding));
        Ok(())
    }

    fn list_auto_numbers(&mut self, writer: WriterId) -> Result<Vec<(u32, SeriesBinding)>> {
        let bindings = self.writer(writer)?.bindings.iter();
        let mut counting: Vec<(u32, SeriesBinding)> = bindings
            .filter(|(_, binding)| binding.auto_step && !binding.is_former)
            .map(|(number, binding)| (*number, *binding))
            .collect();
        counting.sort_by_key(|(number, _)| *number);
        Ok(counting)
    }

    fn find_auto_base(&mut self, writer: WriterId, series: SeriesId) -> Result<Option<f64>> {
        Ok(self.writer(writer)?.auto_bases.get(&series).copied())
    }

    fn find_series(&mut self, run: RunKey, key: &SeriesKey) -> Result<Option<SeriesId>> {
        let connection = self.connection;
        Ok(self.run(run)?.keys(connection)?.get(key).copied())
    }

    fn fork_depth(&mut self, run: RunKey) -> Result<u32> {
        let params = (run_column(run), FORK_DEPTH_MAX);
        let depth = find(self.connection, sql::COUNT_PARENTS, params, |row| {
            row.get(0).map_err(sql_error)
        })?;
        Ok(depth.unwrap_or(0))
    }

    fn shares_series(&mut self, run: RunKey, key: &SeriesKey) -> Result<bool> {
        Ok(self.run(run)?.shared_of(key).is_some())
    }

    fn count_series(&mut self, run: RunKey) -> Result<u32> {
        u32::try_from(self.run(run)?.series.len())
            .map_err(|error| value_error("the series of a run", error))
    }

    fn create_series(&mut self, run: RunKey, id: SeriesId, key: &SeriesKey) -> Result<()> {
        let connection = self.connection;
        let cached = self.run(run)?;
        cached.keys(connection)?.insert(key.clone(), id);
        let mut state = cached.shared_of(key).copied().unwrap_or_default();
        for (_, cut) in &cached.hiding.cuts {
            state.cut(cut.to_step.get());
        }
        cached.series.push(state);
        let (_, _, keys) = self.new_series.get_or_insert_with(|| (run, id, Vec::new()));
        keys.push(key.clone());
        Ok(())
    }

    fn read_series_state(&mut self, run: RunKey, id: SeriesId) -> Result<SeriesState> {
        let state = self.run(run)?.series.get(id.0 as usize).copied();
        let state = state
            .ok_or_else(|| value_error("a binding", format!("there is no series {}", id.0)))?;
        self.cache.series_state(self.connection, state)
    }

    fn mark_two_writers(&mut self, run: RunKey, id: SeriesId) -> Result<()> {
        if let Some(series) = self.run(run)?.series.get_mut(id.0 as usize) {
            series.contested = true;
        }
        execute(
            self.connection,
            sql::INSERT_CONTESTED,
            (run_column(run), id.0),
        )
        .map(drop)
    }

    fn read_hiding(&mut self, run: RunKey, id: SeriesId) -> Result<SeriesHiding> {
        if self.run(run)?.hiding.is_empty() {
            return Ok(SeriesHiding::default());
        }
        let key = self.series_key(run, id)?;
        Ok(self.run(run)?.hiding.of_series(&key))
    }

    fn holds_step(
        &mut self,
        run: RunKey,
        id: SeriesId,
        steps: &[f64],
        other_than: Option<WriterId>,
    ) -> Result<bool> {
        if self.series_key(run, id)?.kind.is_object() {
            return self.look_for_objects(run, id, steps, other_than);
        }
        self.look_for_step(run, id, steps, other_than)
    }

    fn push_points(&mut self, batch: &PointBatch<'_>) -> Result<()> {
        self.insert_points(batch)
    }

    fn read_log_mark(&mut self, run: RunKey, writer: WriterId, kind: LogKind) -> Result<LogMark> {
        self.find_log_mark(run, writer, kind)
    }

    fn sum_log_bytes(&mut self, run: RunKey) -> Result<u64> {
        self.log_bytes(run)
    }

    fn push_log_lines(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        lines: &[LogLine],
        mark: LogMark,
    ) -> Result<()> {
        self.keep_lines(run, writer, first, lines, mark)
    }

    fn push_log_records(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        records: &[LogRecord],
        mark: LogMark,
    ) -> Result<()> {
        self.keep_records(run, writer, first, records, mark)
    }

    fn push_objects(&mut self, batch: &ObjectBatch<'_>) -> Result<()> {
        self.keep_objects(batch)
    }

    fn push_removal(&mut self, run: RunKey, removal: &Removal) -> Result<()> {
        self.insert_removal(run, removal)
    }

    fn push_cut(&mut self, run: RunKey, cut: Cut) -> Result<()> {
        self.insert_cut(run, cut)
    }
}
