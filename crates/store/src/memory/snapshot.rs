//! Questions to the in-memory engine, answered by looking at everything.

use std::collections::BTreeSet;

use std::sync::Arc;

use runstone_model::{
    AppendNumber, ArtifactPath, BlobDigest, ChangeNumber, ExperimentKey, Generation, ParamPath,
    ParamValue, Params, RunKey, SeriesKey, SeriesKind, Step, Timestamp, ValueType, WorkspaceId,
    WriterId,
};

use runstone_wire::{LogLine, LogRecord};

use super::state::{RunData, State, StoredPoint};
use crate::{
    AddressMatches, ArtifactPage, ArtifactRecord, ArtifactScan, BlobReference, ChangePage,
    ChangeScan, EventRecord, ExperimentRecord, LogKind, LogPage, LogScan, LogState, MetricCell,
    MetricColumn, MetricDefinition, ObjectPage, ObjectScan, ObjectSeriesRecord, Point, PointPage,
    PointPosition, PointScan, ReferenceKind, RunCompleteness, RunOrder, RunPage, RunRecord,
    RunScan, RunStand, RunVisit, ScalarRecord, Segment, SegmentScan, SeriesPage, SeriesRecord,
    SeriesScan, SeriesSegments, SeriesSummary, Snapshot, StoreError, SummaryPoint, TakeSegments,
    VisiblePoints, WarningRecord, WriterRecord, bits_as_f64, convert_bits, point_value,
};

pub(super) struct MemorySnapshot {
    state: Arc<State>,
}

impl MemorySnapshot {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    fn record(&self, data: &RunData) -> RunRecord {
        let row = &data.row;
        // A deleted run stands still; its writers may go on counting.
        let mut completeness = match row.deleted_at {
            Some(_) => row.completeness,
            None => RunCompleteness::default(),
        };
        let is_living = row.deleted_at.is_none();
        for writer in self
            .state
            .writers
            .values()
            .filter(|writer| is_living && writer.row.run == Some(row.key))
        {
            let own = writer.row.counters.completeness();
            completeness.logged_points += own.logged_points;
            completeness.durable_points += own.durable_points;
            completeness.refused_points += own.refused_points;
            completeness.dropped_points += own.dropped_points;
            completeness.lost_slots += own.lost_slots;
        }
        RunRecord {
            key: row.key,
            run: row.run.clone(),
            experiment_name: self.state.experiments[&row.run.experiment].name.to_string(),
            changed: row.changed,
            last_received_at: row.last_received_at,
            completeness,
            generation: row.generation,
            deleted_at: row.deleted_at,
        }
    }

    fn records(&self, workspace: WorkspaceId) -> Vec<RunRecord> {
        self.state
            .living()
            .filter(|data| data.row.run.workspace == workspace)
            .map(|data| self.record(data))
            .collect()
    }

    pub(super) fn first_change(&self, writer: WriterId) -> Option<ChangeNumber> {
        let data = self.state.writers.get(&writer)?;
        Some(data.row.first_change)
    }

    pub(super) fn run(&self, run: RunKey) -> Option<&RunData> {
        self.state.runs.get(&run).map(|data| &**data)
    }
}

impl Snapshot for MemorySnapshot {
    fn scan_artifacts(&self, run: RunKey, scan: &ArtifactScan) -> Result<ArtifactPage, StoreError> {
        let after = scan.after.as_ref();
        let artifacts = self.state.blobs.artifacts_of(run).into_iter();
        let artifacts = artifacts.filter(|one| {
            after.is_none_or(|(path, version)| (&one.path, &one.version) > (path, version))
        });
        ArtifactPage::gather(scan, artifacts.map(Ok))
    }

    fn find_artifact(
        &self,
        run: RunKey,
        path: &ArtifactPath,
        version: Option<u32>,
    ) -> Result<Option<ArtifactRecord>, StoreError> {
        let mut versions = self.state.blobs.artifacts_of(run);
        versions.retain(|one| one.path == *path);
        versions.retain(|one| match version {
            Some(version) => one.version == version,
            None => one.pending_until.is_none(),
        });
        Ok(versions.pop())
    }

    fn scan_blob_references(
        &self,
        after: Option<(BlobDigest, RunKey, ReferenceKind)>,
        limit: usize,
    ) -> Result<Vec<BlobReference>, StoreError> {
        let references = self.state.blobs.references.iter();
        let later = references.filter(|(place, _)| after.is_none_or(|after| **place > after));
        Ok(later.map(|(_, row)| *row).take(limit).collect())
    }

    fn change_number(&self) -> ChangeNumber {
        self.state.change
    }

    fn find_run(&self, workspace: WorkspaceId, address: &str) -> Result<RunRecord, StoreError> {
        let mut runs = self.records(workspace);
        runs.sort_by_key(|run| std::cmp::Reverse((run.run.created_at, run.key)));
        let by_id = runs
            .iter()
            .find(|run| run.run.id.as_str() == address)
            .cloned();
        let named = |run: &&RunRecord| run.run.name.as_deref() == Some(address);
        let by_name = runs.iter().filter(named).cloned().collect();
        let mut by_prefix: Vec<RunRecord> = runs
            .into_iter()
            .filter(|run| run.run.id.as_str().starts_with(address))
            .collect();
        by_prefix.sort_by(|a, b| a.run.id.cmp(&b.run.id));
        AddressMatches {
            by_id,
            by_name,
            by_prefix,
        }
        .pick(address)
    }

    fn scan_runs(&self, scan: &RunScan) -> Result<RunPage, StoreError> {
        let mut runs = self.records(scan.workspace);
        runs.sort_by_key(|run| (run.run.created_at, run.key));
        if scan.order == RunOrder::NewestFirst {
            runs.reverse();
        }
        let is_after = |place: (Timestamp, RunKey)| match (scan.after, scan.order) {
            (None, _) => true,
            (Some(after), RunOrder::NewestFirst) => place < after,
            (Some(after), RunOrder::OldestFirst) => place > after,
        };
        runs.retain(|run| {
            scan.experiment
                .as_ref()
                .is_none_or(|name| *name == run.experiment_name)
                && (scan.states.is_empty() || scan.states.contains(&run.run.state))
                && (scan.include_archived || !run.run.archived)
                && is_after((run.run.created_at, run.key))
        });
        let limit = scan.limit.max(1);
        let more = runs.len() > limit;
        runs.truncate(limit);
        let next = runs
            .last()
            .filter(|_| more)
            .map(|run| (run.run.created_at, run.key));
        Ok(RunPage { runs, next })
    }

    fn visit_runs_unsorted(
        &self,
        visit: &RunVisit,
        each: &mut dyn FnMut(RunRecord) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let wanted = |data: &&Arc<RunData>| {
            data.row.run.workspace == visit.workspace
                && data.row.deleted_at.is_some() == visit.deleted
        };
        for data in self.state.runs.values().filter(wanted) {
            let record = self.record(data);
            let named = |name: &String| *name == record.experiment_name;
            if visit.experiment.as_ref().is_none_or(named) {
                each(record)?;
            }
        }
        Ok(())
    }

    fn read_run(&self, run: RunKey) -> Result<Option<RunRecord>, StoreError> {
        Ok(self.run(run).map(|data| self.record(data)))
    }

    fn scan_experiments(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<ExperimentRecord>, StoreError> {
        let mut records: Vec<ExperimentRecord> = self
            .state
            .experiments
            .iter()
            .filter(|(_, experiment)| experiment.workspace == workspace)
            .map(|(key, experiment)| ExperimentRecord {
                key: *key,
                experiment: experiment.clone(),
                runs: self
                    .state
                    .living()
                    .filter(|data| data.row.run.experiment == *key)
                    .count() as u64,
            })
            .collect();
        records.sort_by(|a, b| a.experiment.name.cmp(&b.experiment.name));
        Ok(records)
    }

    fn read_params(&self, run: RunKey) -> Result<Params, StoreError> {
        Ok(self
            .state
            .runs
            .get(&run)
            .map(|data| data.params.clone())
            .unwrap_or_default())
    }

    fn visit_param_column(
        &self,
        path: &ParamPath,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &ParamValue),
    ) -> Result<(), StoreError> {
        for (index, run) in runs.iter().enumerate() {
            if let Some(value) = self.find_param(run.key, path)? {
                each(index, &value);
            }
        }
        Ok(())
    }

    fn find_param(&self, run: RunKey, path: &ParamPath) -> Result<Option<ParamValue>, StoreError> {
        let params = self.run(run).map(|data| &data.params);
        let mut leaves = params.into_iter().flat_map(Params::leaves);
        Ok(leaves
            .find(|(leaf, _)| leaf == path)
            .map(|(_, value)| value.clone()))
    }

    fn read_param_paths(&self, run: RunKey) -> Result<Vec<ParamPath>, StoreError> {
        let params = self.run(run).map(|data| &data.params);
        let leaves = params.into_iter().flat_map(Params::leaves);
        Ok(leaves.map(|(path, _)| path).collect())
    }

    fn visit_metric_column(
        &self,
        column: &MetricColumn,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &MetricCell),
    ) -> Result<(), StoreError> {
        for (index, run) in runs.iter().enumerate() {
            let Some(data) = self.run(run.key) else {
                continue;
            };
            let keys = State::keys(data);
            let mut series = keys
                .iter()
                .filter(|key| key.kind == SeriesKind::Metric)
                .filter(|key| key.name == column.name)
                .filter(|key| {
                    let context = column.context.as_ref();
                    context.is_none_or(|context| *context == key.context)
                })
                .filter_map(|key| self.series_record(data, key));
            let cell = series
                .next()
                .and_then(|record| MetricCell::new(record.value_type, &record.summary));
            if let Some(cell) = cell {
                each(index, &cell);
            }
        }
        Ok(())
    }

    fn read_scalars(&self, run: RunKey) -> Result<Vec<ScalarRecord>, StoreError> {
        let data = self.state.runs.get(&run);
        Ok(data
            .map(|data| data.scalars.values().cloned().collect())
            .unwrap_or_default())
    }

    fn read_writers(&self, run: RunKey) -> Result<Vec<WriterRecord>, StoreError> {
        let Some(data) = self.state.runs.get(&run) else {
            return Ok(Vec::new());
        };
        let mut writers: Vec<_> = self
            .state
            .writers
            .values()
            .filter(|writer| writer.row.run == Some(run))
            .collect();
        writers.sort_by_key(|writer| writer.row.first_change);
        let dropped = |writer: &super::state::WriterData| {
            let mut by_series = std::collections::BTreeMap::new();
            for (number, points) in &writer.dropped {
                if let Some(binding) = writer.bindings.get(number) {
                    let key = data.series[binding.series.0 as usize].key.clone();
                    *by_series.entry(key).or_default() += *points;
                }
            }
            by_series
                .into_iter()
                .filter(|(_, points)| *points > 0)
                .collect()
        };
        let record = |writer: &Arc<super::state::WriterData>| WriterRecord {
            writer: writer.row.writer.clone(),
            mark: writer.row.mark,
            completeness: writer.row.counters.completeness(),
            dropped_by_series: dropped(writer),
            lost: writer
                .lost
                .iter()
                .map(|range| (range.first, range.next))
                .collect(),
            last_received_at: writer.row.last_received_at,
        };
        Ok(writers.into_iter().map(record).collect())
    }

    fn read_events(&self, run: RunKey) -> Result<Vec<EventRecord>, StoreError> {
        Ok(self
            .state
            .runs
            .get(&run)
            .map(|data| data.events.clone())
            .unwrap_or_default())
    }

    fn read_warnings(&self, run: RunKey) -> Result<Vec<WarningRecord>, StoreError> {
        let data = self.state.runs.get(&run);
        let mut warnings: Vec<WarningRecord> = data
            .map(|data| data.warnings.values().cloned().collect())
            .unwrap_or_default();
        warnings.sort_by(|a, b| a.kind.cmp(&b.kind));
        Ok(warnings)
    }

    fn scan_series(&self, run: RunKey, scan: &SeriesScan) -> Result<SeriesPage, StoreError> {
        let Some(data) = self.state.runs.get(&run) else {
            return Ok(SeriesPage::default());
        };
        let keys = State::keys(data);
        let mut series: Vec<SeriesRecord> = keys
            .iter()
            .filter(|key| scan.name.as_ref().is_none_or(|name| *name == key.name))
            .filter(|key| {
                let context = scan.context.as_ref();
                context.is_none_or(|context| *context == key.context)
            })
            .filter(|key| scan.after.as_ref().is_none_or(|after| *key > after))
            .filter_map(|key| self.series_record(data, key))
            .collect();
        let limit = scan.limit.max(1);
        let more = series.len() > limit;
        series.truncate(limit);
        let next = series
            .last()
            .filter(|_| more)
            .map(|record| record.key.clone());
        Ok(SeriesPage { series, next })
    }

    fn scan_points(&self, run: RunKey, scan: &PointScan) -> Result<PointPage, StoreError> {
        let not_found = || StoreError::NotFound(format!("the run has no series {}", scan.series));
        let data = self.state.runs.get(&run).ok_or_else(not_found)?;
        let value_type = State::value_type(data, &scan.series);
        let value_type = value_type.ok_or_else(not_found)?;
        let mut points: Vec<Point> = self
            .state
            .history(data, &scan.series)
            .into_iter()
            .filter(|(_, visible)| scan.history || *visible)
            .map(|(stored, visible)| Point {
                position: position(&stored),
                time: Timestamp::from_micros(stored.time),
                value: point_value(
                    convert_bits(stored.bits, stored.value_type, value_type),
                    value_type,
                ),
                epoch: stored.epoch.filter(|epoch| !epoch.is_nan()),
                visible,
            })
            .filter(|point| {
                scan.from_step
                    .is_none_or(|from| point.position.step >= from)
            })
            .filter(|point| scan.to_step.is_none_or(|to| point.position.step <= to))
            .filter(|point| scan.after.is_none_or(|after| point.position > after))
            .collect();
        let limit = scan.limit.max(1);
        let more = points.len() > limit;
        points.truncate(limit);
        let next = points.last().filter(|_| more).map(|point| point.position);
        Ok(PointPage {
            value_type,
            points,
            next,
        })
    }

    fn scan_segments(
        &self,
        run: RunKey,
        scans: &[SegmentScan],
        each: &mut TakeSegments<'_>,
    ) -> Result<(), StoreError> {
        let data = self.state.runs.get(&run);
        for (index, scan) in scans.iter().enumerate() {
            let found = data.and_then(|data| {
                let value_type = State::value_type(data, &scan.series)?;
                let history = self.state.history(data, &scan.series);
                let points = visible_points(&history, value_type);
                Some(SeriesSegments {
                    value_type,
                    segments: Segment::from_points(points).into_iter().collect(),
                })
            });
            each(index, found)?;
        }
        Ok(())
    }

    fn read_logs(&self, run: RunKey, kind: LogKind) -> Result<Vec<LogState>, StoreError> {
        Ok(self.logs(run, kind))
    }

    fn scan_log_lines(&self, run: RunKey, scan: &LogScan) -> Result<LogPage<LogLine>, StoreError> {
        Ok(self.lines(run, scan))
    }

    fn scan_log_records(
        &self,
        run: RunKey,
        scan: &LogScan,
    ) -> Result<LogPage<LogRecord>, StoreError> {
        Ok(self.records_of(run, scan))
    }

    fn read_object_series(&self, run: RunKey) -> Result<Vec<ObjectSeriesRecord>, StoreError> {
        Ok(self.object_series(run))
    }

    fn scan_objects(&self, run: RunKey, scan: &ObjectScan) -> Result<ObjectPage, StoreError> {
        self.objects(run, scan)
    }

    fn scan_changes(&self, scan: &ChangeScan) -> Result<ChangePage, StoreError> {
        self.state.scan_changes(scan)
    }

    fn read_changed_runs(
        &self,
        since: ChangeNumber,
    ) -> Result<Option<BTreeSet<RunKey>>, StoreError> {
        Ok(self.state.changed_runs(since))
    }

    fn read_metric_definitions(
        &self,
        experiment: ExperimentKey,
    ) -> Result<Vec<MetricDefinition>, StoreError> {
        let all = self.state.definitions.iter();
        Ok(all
            .filter(|((key, _), _)| *key == experiment)
            .map(|(_, definition)| definition.clone())
            .collect())
    }
}

impl MemorySnapshot {
    /// `None` if no point of the series is readable.
    fn series_record(&self, data: &RunData, key: &SeriesKey) -> Option<SeriesRecord> {
        let readable: Vec<SummaryPoint> = self
            .state
            .history(data, key)
            .into_iter()
            .filter(|(_, visible)| *visible)
            .map(|(stored, _)| SummaryPoint {
                step: step(&stored),
                time: Timestamp::from_micros(stored.time),
                value: bits_as_f64(stored.bits, stored.value_type),
            })
            .collect();
        if readable.is_empty() {
            return None;
        }
        let definition = self
            .state
            .definitions
            .get(&(data.row.run.experiment, key.name.clone()));
        Some(SeriesRecord {
            key: key.clone(),
            value_type: State::value_type(data, key)?,
            summary: naive_summary(&readable),
            goal: definition.and_then(|definition| definition.goal),
        })
    }
}

fn visible_points(history: &[(StoredPoint, bool)], reads_as: ValueType) -> VisiblePoints {
    let mut points = VisiblePoints::default();
    for (stored, _) in history.iter().filter(|(_, visible)| *visible) {
        points.steps.push(stored.step);
        points.times.push(stored.time);
        let bits = convert_bits(stored.bits, stored.value_type, reads_as);
        points.values.push(bits);
        points.epochs.push(stored.epoch.unwrap_or(f64::NAN));
    }
    if points.epochs.iter().all(|epoch| epoch.is_nan()) {
        points.epochs.clear();
    }
    points
}

/// Readable points in the order of their steps, one a step.
fn naive_summary(points: &[SummaryPoint]) -> SeriesSummary {
    let count =
        |wanted: fn(f64) -> bool| points.iter().filter(|point| wanted(point.value)).count() as u64;
    let numbers = || points.iter().copied().filter(|point| !point.value.is_nan());
    SeriesSummary {
        count: points.len() as u64,
        nan_count: count(f64::is_nan),
        positive_infinity_count: count(|value| value == f64::INFINITY),
        negative_infinity_count: count(|value| value == f64::NEG_INFINITY),
        first: points.first().copied(),
        last: points.last().copied(),
        min: numbers().reduce(|a, b| if b.value < a.value { b } else { a }),
        max: numbers().reduce(|a, b| if b.value > a.value { b } else { a }),
        sum: points
            .iter()
            .map(|point| point.value)
            .filter(|value| value.is_finite())
            .sum(),
    }
}

fn step(stored: &StoredPoint) -> Step {
    Step::new(stored.step).expect("apply keeps finite steps only")
}

fn position(stored: &StoredPoint) -> PointPosition {
    PointPosition {
        step: step(stored),
        generation: Generation(stored.generation),
        append: AppendNumber(stored.append),
        position: stored.position,
    }
}
