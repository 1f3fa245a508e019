//! The rows of this engine as [`ApplyContext`] wants them, inside one savepoint.
//!
//! Only the writer thread makes one, for one frame. What a frame defines (series, bindings) is
//! gathered and inserted as one row a kind at its end, see [`SqliteContext::finish`].

use runstone_codec::{SeriesPoints, encode_pack};
use runstone_model::{
    ChangeNumber, ExperimentKey, ExperimentName, MetricName, Params, RunId, RunKey, SeriesKey,
    Timestamp, WorkspaceId, WriterId, experiment_id_from_parts,
};
use runstone_store::apply::{
    ApplyContext, LostRange, PointBatch, RunRow, SeriesBinding, SeriesId, SeriesState, WarningKind,
    WriterRow,
};
use runstone_store::{
    Cut, EventRecord, MetricDefinition, PointColumns, Removal, ScalarRecord, SeriesHiding,
    StoreError,
};
use rusqlite::{Connection, params};

use crate::backlog::Unfolded;
use crate::bindings::{Bindings, encode_bindings};
use crate::cache::{Cache, CachedRun, CachedWriter, with_place};
use crate::directory::encode_series;
use crate::error::{Result, sql_error, value_error};
use crate::gather::gather;
use crate::keys::{RowRange, run_column};
use crate::put::{put_params, put_run_fields, put_run_mark, put_writer_fields, put_writer_mark};
use crate::rows::{collect, execute, find, metric_from_row, run_from_row, scalar_from_row};
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
            unfolded: Vec::new(),
        }
    }

    /// Inserts what was gathered; answers what the frame adds to what is not folded.
    pub(crate) fn finish(mut self) -> Result<Vec<Unfolded>> {
        self.insert_gathered()?;
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

    /// Notes which writer makes this append, if it is another than before.
    fn note_append_writer(&mut self, run: RunKey, append: u64, writer: i64) -> Result<()> {
        let connection = self.connection;
        let cached = self.run(run)?;
        if cached.last_writer != writer {
            cached.last_writer = writer;
            let params = (run_column(run), append.cast_signed(), writer);
            execute(connection, sql::INSERT_APPEND_WRITER, params)?;
        }
        Ok(())
    }

    /// The points of a series at `steps` and perhaps more, and who wrote which append.
    fn points_at(
        &mut self,
        run: RunKey,
        id: SeriesId,
        range: (f64, f64),
    ) -> Result<Option<PointColumns>> {
        // What this frame has defined so far must be readable.
        self.insert_gathered()?;
        let key = self.series_key(run, id)?;
        let connection = self.connection;
        let found = with_place(connection, run, id, &key, |place| {
            gather(connection, place, range)
        })?;
        Ok(found.map(|(points, _)| points))
    }

    fn append_writers(&self, run: RunKey) -> Result<Vec<(u64, i64)>> {
        collect(
            self.connection,
            sql::SCAN_APPEND_WRITERS,
            [run_column(run)],
            |row| {
                let append: i64 = row.get(0).map_err(sql_error)?;
                Ok((append.cast_unsigned(), row.get(1).map_err(sql_error)?))
            },
        )
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

    fn find_writer(&mut self, writer: WriterId) -> Result<Option<WriterRow>> {
        Ok(self
            .cache
            .writer(self.connection, writer)?
            .map(|cached| cached.row.clone()))
    }

    fn put_writer(&mut self, row: &WriterRow, fields_changed: bool) -> Result<()> {
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

    fn next_run_key(&mut self) -> Result<RunKey> {
        self.sequences.run += 1;
        Ok(RunKey(self.sequences.run.cast_unsigned()))
    }

    fn put_run(&mut self, row: &RunRow, fields_changed: bool) -> Result<()> {
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
        self.writer(writer)?.bindings.insert(number, *binding);
        let (_, gathered) = self
            .new_bindings
            .get_or_insert_with(|| (writer, Vec::new()));
        gathered.push((number, *binding));
        Ok(())
    }

    fn find_auto_base(&mut self, writer: WriterId, series: SeriesId) -> Result<Option<f64>> {
        let bindings = &self.writer(writer)?.bindings;
        Ok(bindings
            .values()
            .filter(|binding| binding.series == series)
            .find_map(|binding| binding.auto_base))
    }

    fn find_series(&mut self, run: RunKey, key: &SeriesKey) -> Result<Option<SeriesId>> {
        let connection = self.connection;
        Ok(self.run(run)?.keys(connection)?.get(key).copied())
    }

    fn count_series(&mut self, run: RunKey) -> Result<u32> {
        u32::try_from(self.run(run)?.series.len())
            .map_err(|error| value_error("the series of a run", error))
    }

    fn create_series(&mut self, run: RunKey, id: SeriesId, key: &SeriesKey) -> Result<()> {
        let connection = self.connection;
        let cached = self.run(run)?;
        cached.keys(connection)?.insert(key.clone(), id);
        cached.series.push(crate::cache::CachedSeries::default());
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
        let mut wanted = steps.to_vec();
        wanted.sort_by(f64::total_cmp);
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return Ok(false);
        };
        let Some(points) = self.points_at(run, id, (*first, *last))? else {
            return Ok(false);
        };
        let hiding = self.read_hiding(run, id)?;
        let other_than = match other_than {
            Some(writer) => Some((self.writer(writer)?.key, self.append_writers(run)?)),
            None => None,
        };
        let is_wanted = |step: f64| {
            wanted
                .binary_search_by(|other| other.total_cmp(&step))
                .is_ok()
        };
        let is_foreign = |append: u64| {
            other_than.as_ref().is_none_or(|(writer, appends)| {
                let later = appends.partition_point(|(first, _)| *first <= append);
                later == 0 || appends[later - 1].1 != *writer
            })
        };
        Ok((0..points.len()).any(|index| {
            let (step, append) = (points.steps[index], points.appends[index]);
            is_wanted(step)
                && is_foreign(append)
                && hiding.is_alive(step, points.generations[index], append)
        }))
    }

    fn push_points(&mut self, batch: &PointBatch<'_>) -> Result<()> {
        let connection = self.connection;
        let writer = self.writer(batch.writer)?.key;
        self.note_append_writer(batch.run, batch.append.0, writer)?;
        let received_at = self.received_at;
        let mut points = 0;
        let cached = self.run(batch.run)?;
        for series in batch.series {
            points += series.columns.steps.len() as u64;
            let range = series
                .steps()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |range, step| {
                    (range.0.min(step), range.1.max(step))
                });
            let state = cached
                .series
                .get_mut(series.series.0 as usize)
                .ok_or_else(|| {
                    value_error(
                        "a binding",
                        format!("there is no series {}", series.series.0),
                    )
                })?;
            state.add(range, series.value_type, writer)?;
        }
        let id = cached.next_frame;
        cached.next_frame += 1;
        let series_count = cached.series.len() as u64;
        let rest;
        let body: &[u8] = if batch.whole {
            batch.pack
        } else {
            rest = pack_of_accepted(batch)?;
            &rest
        };
        let params = (
            id,
            writer,
            batch.append.0.cast_signed(),
            batch.generation.0,
            points.cast_signed(),
            received_at.as_micros(),
            body,
        );
        execute(connection, sql::INSERT_L0, params)?;
        self.unfolded.push(Unfolded {
            frames: 1,
            points,
            bytes: body.len() as u64,
            series: series_count,
            ..Unfolded::nothing(batch.run, received_at)
        });
        Ok(())
    }

    fn push_removal(&mut self, run: RunKey, removal: &Removal) -> Result<()> {
        let connection = self.connection;
        let change = self.sequences.change;
        let cached = self.run(run)?;
        let id = cached.next_removal;
        cached.next_removal += 1;
        cached.hiding.removals.push((change, removal.clone()));
        let params = params![
            id,
            change,
            removal.append.0.cast_signed(),
            removal.series.as_ref().map(|key| key.name.as_str()),
            removal.series.as_ref().map(|key| key.context.as_str()),
            removal.series.as_ref().map(|key| key.kind.as_u8()),
            removal.step.map(|step| step.get())
        ];
        execute(connection, sql::INSERT_REMOVAL, params)?;
        self.unfolded.push(Unfolded {
            is_stale: true,
            ..Unfolded::nothing(run, self.received_at)
        });
        Ok(())
    }

    fn push_cut(&mut self, run: RunKey, cut: Cut) -> Result<()> {
        let connection = self.connection;
        let change = self.sequences.change;
        let cached = self.run(run)?;
        cached.hiding.cuts.push((change, cut));
        let id = RowRange::of(run_column(run)).row(i64::from(cut.generation.0))?;
        execute(connection, sql::INSERT_CUT, (id, change, cut.to_step.get()))?;
        self.unfolded.push(Unfolded {
            is_stale: true,
            ..Unfolded::nothing(run, self.received_at)
        });
        Ok(())
    }
}

/// A pack of the accepted series alone, with the numbers they came with.
fn pack_of_accepted(batch: &PointBatch<'_>) -> Result<Vec<u8>> {
    let series: Vec<SeriesPoints<'_>> = batch
        .series
        .iter()
        .map(|series| series.columns.as_points(series.number, series.value_type))
        .collect();
    encode_pack(&series)
        .map_err(|error| StoreError::Internal(format!("a pack can't be written again: {error}")))
}
