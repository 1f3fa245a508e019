//! The in-memory rows as [`ApplyContext`] wants them.

use std::collections::BTreeMap;
use std::sync::Arc;

use runstone_model::{
    ChangeNumber, Experiment, ExperimentKey, ExperimentName, Generation, MetricName, Params, RunId,
    RunKey, SeriesKey, Timestamp, WorkspaceId, WriterId, experiment_id_from_parts,
};

use runstone_wire::{LogLine, LogRecord};

use super::state::{RunData, SeriesData, State, StoredPoint, WriterData};
use super::texts::StoredSet;
use crate::apply::{
    ApplyContext, FormerRun, LostRange, ObjectBatch, PointBatch, RunRow, SeriesBinding, SeriesId,
    SeriesState, WarningKind, WriterRow,
};
use crate::{
    ChangeRow, Cut, EventRecord, LogKind, LogMark, MetricDefinition, Removal, RunCompleteness,
    ScalarRecord, SeriesHiding, StoreError, WarningRecord,
};

impl State {
    pub(super) fn run(&self, run: RunKey) -> &RunData {
        self.runs
            .get(&run)
            .expect("apply names runs that it has found")
    }

    pub(super) fn run_mut(&mut self, run: RunKey) -> &mut RunData {
        Arc::make_mut(
            self.runs
                .get_mut(&run)
                .expect("apply names runs that it has found"),
        )
    }

    fn series_mut(&mut self, run: RunKey, id: SeriesId) -> &mut SeriesData {
        Arc::make_mut(&mut self.run_mut(run).series[id.0 as usize])
    }

    fn writer_mut(&mut self, writer: WriterId) -> &mut WriterData {
        Arc::make_mut(
            self.writers
                .get_mut(&writer)
                .expect("apply puts a writer's row first"),
        )
    }
}

impl ApplyContext for State {
    fn change_number(&mut self) -> Result<ChangeNumber, StoreError> {
        Ok(self.change)
    }

    fn next_change(&mut self) -> Result<ChangeNumber, StoreError> {
        self.change = self.change.next();
        Ok(self.change)
    }

    fn push_change(&mut self, change: &ChangeRow) -> Result<(), StoreError> {
        self.changes.insert(change.change, *change);
        Ok(())
    }

    fn find_writer(&mut self, writer: WriterId) -> Result<Option<WriterRow>, StoreError> {
        Ok(self.writers.get(&writer).map(|data| data.row.clone()))
    }

    fn put_writer(&mut self, row: &WriterRow, _fields_changed: bool) -> Result<(), StoreError> {
        match self.writers.get_mut(&row.writer.id) {
            Some(data) => Arc::make_mut(data).row.clone_from(row),
            None => {
                let data = WriterData {
                    row: row.clone(),
                    bindings: BTreeMap::new(),
                    dropped: BTreeMap::new(),
                    lost: Vec::new(),
                };
                self.writers.insert(row.writer.id, Arc::new(data));
            }
        }
        Ok(())
    }

    fn push_lost(&mut self, writer: WriterId, range: LostRange) -> Result<(), StoreError> {
        self.writer_mut(writer).lost.push(range);
        Ok(())
    }

    fn raise_dropped(
        &mut self,
        writer: WriterId,
        number: u32,
        points: u64,
    ) -> Result<(), StoreError> {
        let dropped = self.writer_mut(writer).dropped.entry(number).or_default();
        *dropped = points.max(*dropped);
        Ok(())
    }

    fn find_run(
        &mut self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<Option<RunRow>, StoreError> {
        let found = self
            .living()
            .find(|data| data.row.run.workspace == workspace && data.row.run.id == *id);
        Ok(found.map(|data| data.row.clone()))
    }

    fn read_run(&mut self, run: RunKey) -> Result<Option<RunRow>, StoreError> {
        let found = self.runs.get(&run).map(|data| data.row.clone());
        Ok(found.filter(|row| row.deleted_at.is_none()))
    }

    fn find_deleted_run(
        &mut self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<Option<RunRow>, StoreError> {
        let deleted = self.runs.values().filter(|data| {
            let row = &data.row;
            row.deleted_at.is_some() && row.run.workspace == workspace && row.run.id == *id
        });
        let last = deleted.max_by_key(|data| data.row.changed);
        Ok(last.map(|data| data.row.clone()))
    }

    fn find_former_run(
        &mut self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<Option<FormerRun>, StoreError> {
        let purged = self.purged.get(&(workspace, id.clone())).copied();
        let in_trash = self.find_deleted_run(workspace, id)?.and_then(|row| {
            let former = FormerRun {
                key: row.key,
                generation: row.generation,
                deleted_at: row.deleted_at?,
                is_purged: false,
            };
            Some((row.changed, former))
        });
        let last = [purged, in_trash].into_iter().flatten();
        Ok(last
            .max_by_key(|(changed, _)| *changed)
            .map(|(_, former)| former))
    }

    fn find_expired_runs(
        &mut self,
        deleted_until: Timestamp,
        runs_max: usize,
    ) -> Result<Vec<RunRow>, StoreError> {
        let rows = self.runs.values().map(|data| &data.row);
        let mut expired: Vec<RunRow> = rows
            .filter(|row| row.deleted_at.is_some_and(|at| at <= deleted_until))
            .cloned()
            .collect();
        expired.sort_by_key(|row| (row.deleted_at, row.key));
        expired.truncate(runs_max);
        Ok(expired)
    }

    fn put_purge(&mut self, row: &RunRow) -> Result<(), StoreError> {
        if let Some(data) = self.runs.remove(&row.key) {
            self.former.insert(row.key, data);
        }
        self.blobs.forget_run(row.key);
        let former = FormerRun {
            key: row.key,
            generation: Generation(0),
            deleted_at: row.deleted_at.unwrap_or_default(),
            is_purged: true,
        };
        let place = (row.run.workspace, row.run.id.clone());
        let kept = self.purged.entry(place).or_insert((row.changed, former));
        if kept.0 < row.changed {
            *kept = (row.changed, former);
        }
        for data in self.writers.values_mut() {
            if data.row.run == Some(row.key) {
                let data = Arc::make_mut(data);
                data.bindings.clear();
                data.dropped.clear();
                data.lost.clear();
            }
        }
        Ok(())
    }

    fn put_deletion(&mut self, row: &RunRow) -> Result<(), StoreError> {
        self.put_run(row, true)
    }

    fn sum_completeness(&mut self, run: RunKey) -> Result<RunCompleteness, StoreError> {
        let mut sum = RunCompleteness::default();
        let writers = self.writers.values();
        for writer in writers.filter(|writer| writer.row.run == Some(run)) {
            sum.add(&writer.row.counters.completeness());
        }
        Ok(sum)
    }

    fn next_run_key(&mut self) -> Result<RunKey, StoreError> {
        self.last_run_key += 1;
        Ok(RunKey(self.last_run_key))
    }

    fn put_run(&mut self, row: &RunRow, _fields_changed: bool) -> Result<(), StoreError> {
        match self.runs.get_mut(&row.key) {
            Some(data) => Arc::make_mut(data).row.clone_from(row),
            None => {
                let mut data = RunData::new(row.clone());
                if let Some(pin) = &row.run.parent {
                    data.shared = self.shared_series(pin);
                }
                self.runs.insert(row.key, Arc::new(data));
            }
        }
        Ok(())
    }

    fn find_experiment(
        &mut self,
        workspace: WorkspaceId,
        name: &ExperimentName,
    ) -> Result<Option<ExperimentKey>, StoreError> {
        let found = self
            .experiments
            .iter()
            .find(|(_, experiment)| experiment.workspace == workspace && experiment.name == *name);
        Ok(found.map(|(key, _)| *key))
    }

    fn create_experiment(
        &mut self,
        workspace: WorkspaceId,
        name: &ExperimentName,
        created_at: Timestamp,
    ) -> Result<ExperimentKey, StoreError> {
        let key = self.experiments.len() as u64 + 1;
        // No randomness here: the same operations give the same store.
        let mut parts = [0; 10];
        parts[2..].copy_from_slice(&key.to_be_bytes());
        let id = experiment_id_from_parts(created_at.as_micros() / 1_000, parts);
        let experiment = Experiment::new(name.clone(), id, workspace, created_at);
        self.experiments.insert(ExperimentKey(key), experiment);
        Ok(ExperimentKey(key))
    }

    fn read_params(&mut self, run: RunKey) -> Result<Params, StoreError> {
        Ok(self.run(run).params.clone())
    }

    fn put_params(&mut self, run: RunKey, params: &Params) -> Result<(), StoreError> {
        self.run_mut(run).params.clone_from(params);
        Ok(())
    }

    fn find_scalar(
        &mut self,
        run: RunKey,
        name: &MetricName,
    ) -> Result<Option<ScalarRecord>, StoreError> {
        Ok(self.run(run).scalars.get(name).cloned())
    }

    fn put_scalar(&mut self, run: RunKey, scalar: &ScalarRecord) -> Result<(), StoreError> {
        self.run_mut(run)
            .scalars
            .insert(scalar.name.clone(), scalar.clone());
        Ok(())
    }

    fn find_metric_definition(
        &mut self,
        experiment: ExperimentKey,
        name: &MetricName,
    ) -> Result<Option<MetricDefinition>, StoreError> {
        Ok(self.definitions.get(&(experiment, name.clone())).cloned())
    }

    fn put_metric_definition(
        &mut self,
        experiment: ExperimentKey,
        definition: &MetricDefinition,
    ) -> Result<(), StoreError> {
        self.definitions
            .insert((experiment, definition.name.clone()), definition.clone());
        Ok(())
    }

    fn push_event(&mut self, run: RunKey, event: &EventRecord) -> Result<(), StoreError> {
        self.run_mut(run).events.push(event.clone());
        Ok(())
    }

    fn add_warning(
        &mut self,
        run: RunKey,
        kind: WarningKind,
        count: u64,
        detail: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let warnings = &mut self.run_mut(run).warnings;
        let former = warnings.get(&kind).map_or(0, |warning| warning.count);
        let warning = WarningRecord {
            kind: kind.as_str().to_owned(),
            count: former + count,
            detail: detail.to_owned(),
            at,
        };
        warnings.insert(kind, warning);
        Ok(())
    }

    fn find_binding(
        &mut self,
        writer: WriterId,
        number: u32,
    ) -> Result<Option<SeriesBinding>, StoreError> {
        Ok(self
            .writers
            .get(&writer)
            .and_then(|data| data.bindings.get(&number).copied()))
    }

    fn put_binding(
        &mut self,
        writer: WriterId,
        number: u32,
        binding: &SeriesBinding,
    ) -> Result<(), StoreError> {
        self.writer_mut(writer).bindings.insert(number, *binding);
        Ok(())
    }

    fn list_auto_numbers(
        &mut self,
        writer: WriterId,
    ) -> Result<Vec<(u32, SeriesBinding)>, StoreError> {
        let bindings = self.writers[&writer].bindings.iter();
        Ok(bindings
            .filter(|(_, binding)| binding.auto_step && !binding.is_former)
            .map(|(number, binding)| (*number, *binding))
            .collect())
    }

    fn find_auto_base(
        &mut self,
        writer: WriterId,
        series: SeriesId,
    ) -> Result<Option<f64>, StoreError> {
        let bindings = self.writers[&writer].bindings.values();
        Ok(bindings
            .filter(|binding| binding.series == series && !binding.is_former)
            .find(|binding| binding.auto_base.is_some())
            .and_then(|binding| binding.auto_base))
    }

    fn find_series(
        &mut self,
        run: RunKey,
        key: &SeriesKey,
    ) -> Result<Option<SeriesId>, StoreError> {
        Ok(self.run(run).find_series(key))
    }

    fn fork_depth(&mut self, run: RunKey) -> Result<u32, StoreError> {
        let (mut depth, mut run) = (0, run);
        while let Some(pin) = (self.runs.get(&run).or_else(|| self.former.get(&run)))
            .and_then(|data| data.row.run.parent)
        {
            depth += 1;
            run = pin.parent;
        }
        Ok(depth)
    }

    fn shares_series(&mut self, run: RunKey, key: &SeriesKey) -> Result<bool, StoreError> {
        Ok(self.run(run).shared.contains_key(key))
    }

    fn count_series(&mut self, run: RunKey) -> Result<u32, StoreError> {
        Ok(u32::try_from(self.run(run).series.len()).expect("the number of series is limited"))
    }

    fn create_series(
        &mut self,
        run: RunKey,
        id: SeriesId,
        key: &SeriesKey,
    ) -> Result<(), StoreError> {
        let series = &mut self.run_mut(run).series;
        assert_eq!(
            series.len(),
            id.0 as usize,
            "series are numbered in their order"
        );
        series.push(Arc::new(SeriesData::new(key.clone())));
        Ok(())
    }

    fn read_series_state(&mut self, run: RunKey, id: SeriesId) -> Result<SeriesState, StoreError> {
        let run = self.run(run);
        Ok(self.state_of(run, &run.series[id.0 as usize].key))
    }

    fn mark_two_writers(&mut self, run: RunKey, id: SeriesId) -> Result<(), StoreError> {
        self.series_mut(run, id).two_writers = true;
        Ok(())
    }

    fn read_hiding(&mut self, run: RunKey, id: SeriesId) -> Result<SeriesHiding, StoreError> {
        let data = self.run(run);
        let key = &data.series[id.0 as usize].key;
        Ok(SeriesHiding::new(
            key,
            data.cuts.iter().copied(),
            &data.removals,
        ))
    }

    fn holds_step(
        &mut self,
        run: RunKey,
        id: SeriesId,
        steps: &[f64],
        other_than: Option<WriterId>,
    ) -> Result<bool, StoreError> {
        let data = self.run(run);
        let series = &data.series[id.0 as usize];
        let points = match other_than {
            Some(_) => series.points.clone(),
            None => self.points(data, &series.key),
        };
        let is_there = |step: f64, generation: u32, append: u64, writer: WriterId| {
            other_than != Some(writer)
                && steps.contains(&step)
                && data.is_alive(&series.key, step, generation, append)
        };
        let mut points = points.iter();
        let mut sets = series.sets.iter();
        Ok(
            points.any(|one| is_there(one.step, one.generation, one.append, one.writer))
                || sets.any(|one| is_there(one.step, one.generation, one.append, one.writer)),
        )
    }

    fn push_points(&mut self, batch: &PointBatch<'_>) -> Result<(), StoreError> {
        for applied in batch.series {
            let columns = applied.columns;
            let points = applied
                .steps()
                .enumerate()
                .map(|(index, step)| StoredPoint {
                    step,
                    generation: batch.generation.0,
                    append: batch.append.0,
                    position: applied.first_position + u32::try_from(index).unwrap_or(u32::MAX),
                    time: columns.times[index],
                    epoch: columns.epochs.as_ref().map(|epochs| epochs[index]),
                    bits: columns.values[index],
                    value_type: applied.value_type,
                    writer: batch.writer,
                });
            self.series_mut(batch.run, applied.series)
                .points
                .extend(points);
            self.applied_points += columns.steps.len() as u64;
        }
        Ok(())
    }

    fn read_log_mark(
        &mut self,
        run: RunKey,
        writer: WriterId,
        kind: LogKind,
    ) -> Result<LogMark, StoreError> {
        Ok(self.log_mark(run, writer, kind))
    }

    fn sum_log_bytes(&mut self, run: RunKey) -> Result<u64, StoreError> {
        Ok(self.log_bytes(run))
    }

    fn push_log_lines(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        lines: &[LogLine],
        mark: LogMark,
    ) -> Result<(), StoreError> {
        self.keep_lines(run, writer, first, lines, mark);
        Ok(())
    }

    fn push_log_records(
        &mut self,
        run: RunKey,
        writer: WriterId,
        first: u64,
        records: &[LogRecord],
        mark: LogMark,
    ) -> Result<(), StoreError> {
        self.keep_records(run, writer, first, records, mark);
        Ok(())
    }

    fn push_objects(&mut self, batch: &ObjectBatch<'_>) -> Result<(), StoreError> {
        let set = StoredSet::new(batch);
        self.series_mut(batch.run, batch.series).sets.push(set);
        Ok(())
    }

    fn push_removal(&mut self, run: RunKey, removal: &Removal) -> Result<(), StoreError> {
        self.run_mut(run).removals.push(removal.clone());
        Ok(())
    }

    fn push_cut(&mut self, run: RunKey, cut: Cut) -> Result<(), StoreError> {
        self.run_mut(run).cuts.push(cut);
        Ok(())
    }
}
