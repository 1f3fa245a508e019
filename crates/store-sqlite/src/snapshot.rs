//! Questions to this engine: one read transaction, so no two answers see different states.
//!
//! Runs and their properties here, series and points in `pages.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use runstone_model::{
    ArtifactPath, BlobDigest, ChangeNumber, Experiment, ExperimentKey, ParamPath, ParamValue,
    Params, RunKey, RunState, SeriesKey, Timestamp, WorkspaceId,
};
use runstone_store::apply::RunRow;
use runstone_store::{
    AddressMatches, ArtifactPage, ArtifactRecord, ArtifactScan, BlobReference, CANDIDATES_MAX,
    ChangePage, ChangeScan, EventRecord, ExperimentRecord, LogKind, LogPage, LogScan, LogState,
    MetricCell, MetricColumn, MetricDefinition, ObjectPage, ObjectScan, ObjectSeriesRecord,
    PREFIX_CHARACTERS_MIN, PointPage, PointScan, ReferenceKind, RunOrder, RunPage, RunRecord,
    RunScan, RunStand, RunVisit, ScalarRecord, SegmentScan, SeriesPage, SeriesScan, Snapshot,
    StoreError, TakeSegments, WarningRecord, WriterRecord,
};
use runstone_wire::{LogLine, LogRecord};
use rusqlite::{Connection, Row};

use crate::bindings::read_bindings;
use crate::connection::Reader;
use crate::directory::read_keys;
use crate::entries;
use crate::error::{Result, sql_error, value_error, with_path};
use crate::journal::{read_changed_runs, scan_changes};
use crate::keys::run_column;
use crate::pages;
use crate::rows::{
    collect, find, metric_from_row, read_events, read_params, read_warnings, run_from_row,
    scalar_from_row, writer_from_row,
};
use crate::sequences::read_change;
use crate::store::Inner;
use crate::summaries::Caches;
use crate::{blobs, fork, sql, table};

/// One consistent view.
pub(crate) struct SqliteSnapshot<'a> {
    inner: &'a Arc<Inner>,
    reader: Reader<'a>,
    change: ChangeNumber,
}

impl<'a> SqliteSnapshot<'a> {
    pub(crate) fn take(inner: &'a Arc<Inner>) -> Result<Self> {
        let reader = inner.pool.begin()?;
        let change = ChangeNumber(read_change(reader.connection())?.cast_unsigned());
        Ok(Self {
            inner,
            reader,
            change,
        })
    }

    fn connection(&self) -> &Connection {
        self.reader.connection()
    }

    fn caches(&self) -> Caches<'_> {
        Caches {
            unfolded: &self.inner.unfolded,
            forks: &self.inner.forks,
        }
    }

    /// Adds the folder to errors that concern the disk.
    fn locate<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| with_path(&self.inner.folder, error))
    }

    fn records(&self, statement: &str, params: impl rusqlite::Params) -> Result<Vec<RunRecord>> {
        let rows = collect(self.connection(), statement, params, |row| {
            run_from_row(self.connection(), row)
        })?;
        rows.into_iter().map(|row| self.record(row)).collect()
    }

    fn record(&self, row: RunRow) -> Result<RunRecord> {
        let name = self.experiment_name(row.run.experiment)?;
        Ok(record_named(row, name))
    }

    fn experiment_name(&self, experiment: ExperimentKey) -> Result<String> {
        let key = experiment.0.cast_signed();
        find(self.connection(), sql::READ_EXPERIMENT_NAME, [key], |row| {
            row.get(0).map_err(sql_error)
        })?
        .ok_or_else(|| value_error("a run", format!("there is no experiment {experiment}")))
    }

    fn find_matches(&self, workspace: WorkspaceId, address: &str) -> Result<AddressMatches> {
        let workspace = workspace.0.cast_signed();
        let limit = CANDIDATES_MAX as i64 + 1;
        let mut matches = AddressMatches {
            by_id: self.records(sql::FIND_RUN, (workspace, address))?.pop(),
            ..AddressMatches::default()
        };
        if matches.by_id.is_some() {
            return Ok(matches);
        }
        matches.by_name = self.records(sql::FIND_RUNS_BY_NAME, (workspace, address, limit))?;
        if matches.by_name.is_empty() && address.chars().count() >= PREFIX_CHARACTERS_MIN {
            // No text holds this character, so it ends the range of the prefix.
            let end = format!("{address}\u{10ffff}");
            matches.by_prefix =
                self.records(sql::FIND_RUNS_BY_PREFIX, (workspace, address, end, limit))?;
        }
        Ok(matches)
    }

    fn scan(&self, scan: &RunScan) -> Result<RunPage> {
        let is_newest_first = scan.order == RunOrder::NewestFirst;
        let start = if is_newest_first {
            (Timestamp::from_micros(i64::MAX), RunKey(i64::MAX as u64))
        } else {
            (Timestamp::from_micros(i64::MIN), RunKey(0))
        };
        let (created_at, key) = scan.after.unwrap_or(start);
        let workspace = scan.workspace.0.cast_signed();
        let place = (workspace, created_at.as_micros(), run_column(key));
        let Some(name) = &scan.experiment else {
            let statement = if is_newest_first {
                sql::SCAN_RUNS_NEWEST
            } else {
                sql::SCAN_RUNS_OLDEST
            };
            return self.page(scan, statement, place);
        };
        let experiment = find(
            self.connection(),
            sql::FIND_EXPERIMENT,
            (workspace, name),
            |row| row.get::<_, i64>(0).map_err(sql_error),
        )?;
        let Some(experiment) = experiment else {
            return Ok(RunPage::default());
        };
        let statement = if is_newest_first {
            sql::SCAN_RUNS_NEWEST_OF_EXPERIMENT
        } else {
            sql::SCAN_RUNS_OLDEST_OF_EXPERIMENT
        };
        self.page(scan, statement, (place.0, place.1, place.2, experiment))
    }

    fn page(
        &self,
        scan: &RunScan,
        statement: &str,
        params: impl rusqlite::Params,
    ) -> Result<RunPage> {
        let limit = scan.limit.max(1);
        let connection = self.connection();
        let mut statement = connection.prepare_cached(statement).map_err(sql_error)?;
        let mut rows = statement.query(params).map_err(sql_error)?;
        let mut page = RunPage::default();
        while let Some(row) = rows.next().map_err(sql_error)? {
            if !is_wanted(scan, row)? {
                continue;
            }
            if page.runs.len() == limit {
                page.next = page.runs.last().map(|run| (run.run.created_at, run.key));
                break;
            }
            page.runs.push(self.record(run_from_row(connection, row)?)?);
        }
        Ok(page)
    }

    fn writers(&self, run: RunKey) -> Result<Vec<WriterRecord>> {
        let connection = self.connection();
        let writers = collect(
            connection,
            sql::SCAN_WRITERS,
            [run_column(run)],
            writer_from_row,
        )?;
        let mut keys = None;
        let mut records = Vec::with_capacity(writers.len());
        for (key, row) in writers {
            let lost = collect(connection, sql::SCAN_LOST, [key], |row| {
                let get = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
                Ok((get(0)?.cast_unsigned(), get(1)?.cast_unsigned()))
            })?;
            let dropped = collect(connection, sql::SCAN_DROPPED, [key], |row| {
                let points: i64 = row.get(1).map_err(sql_error)?;
                Ok((
                    row.get::<_, u32>(0).map_err(sql_error)?,
                    points.cast_unsigned(),
                ))
            })?;
            let mut dropped_by_series: BTreeMap<SeriesKey, u64> = BTreeMap::new();
            if !dropped.is_empty() {
                let (bindings, _) = read_bindings(connection, key)?;
                if keys.is_none() {
                    keys = Some(read_keys(connection, run)?);
                }
                for (number, points) in dropped.into_iter().filter(|(_, points)| *points > 0) {
                    let series = bindings
                        .get(&number)
                        .map(|binding| binding.series.0 as usize);
                    let key = series.and_then(|series| keys.as_ref()?.get(series));
                    if let Some(key) = key {
                        *dropped_by_series.entry(key.clone()).or_default() += points;
                    }
                }
            }
            records.push(WriterRecord {
                writer: row.writer,
                mark: row.mark,
                completeness: row.counters.completeness(),
                dropped_by_series: dropped_by_series.into_iter().collect(),
                lost,
                last_received_at: row.last_received_at,
            });
        }
        Ok(records)
    }
}

impl Snapshot for SqliteSnapshot<'_> {
    fn scan_artifacts(&self, run: RunKey, scan: &ArtifactScan) -> Result<ArtifactPage, StoreError> {
        self.locate(blobs::scan_artifacts(self.connection(), run, scan))
    }

    fn find_artifact(
        &self,
        run: RunKey,
        path: &ArtifactPath,
        version: Option<u32>,
    ) -> Result<Option<ArtifactRecord>, StoreError> {
        self.locate(blobs::find_artifact(self.connection(), run, path, version))
    }

    fn scan_blob_references(
        &self,
        after: Option<(BlobDigest, RunKey, ReferenceKind)>,
        limit: usize,
    ) -> Result<Vec<BlobReference>, StoreError> {
        self.locate(blobs::scan_references(self.connection(), after, limit))
    }

    fn change_number(&self) -> ChangeNumber {
        self.change
    }

    fn find_run(&self, workspace: WorkspaceId, address: &str) -> Result<RunRecord, StoreError> {
        self.locate(self.find_matches(workspace, address))?
            .pick(address)
    }

    fn scan_runs(&self, scan: &RunScan) -> Result<RunPage, StoreError> {
        self.locate(self.scan(scan))
    }

    fn visit_runs_unsorted(
        &self,
        visit: &RunVisit,
        each: &mut dyn FnMut(RunRecord) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.locate(table::visit_runs(self.connection(), visit, |row, name| {
            each(record_named(row, name))
        }))
    }

    fn read_run(&self, run: RunKey) -> Result<Option<RunRecord>, StoreError> {
        let key = run_column(run);
        let found = self.locate(self.records(sql::READ_RUN_OR_DELETED, [key]));
        Ok(found?.pop())
    }

    fn scan_experiments(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<ExperimentRecord>, StoreError> {
        let params = [workspace.0.cast_signed()];
        self.locate(collect(
            self.connection(),
            sql::SCAN_EXPERIMENTS,
            params,
            |row| experiment_from_row(row, workspace),
        ))
    }

    fn read_params(&self, run: RunKey) -> Result<Params, StoreError> {
        self.locate(read_params(self.connection(), run))
    }

    fn visit_param_column(
        &self,
        path: &ParamPath,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &ParamValue),
    ) -> Result<(), StoreError> {
        let columns = &self.inner.columns;
        self.locate(columns.visit_param(self.connection(), path, runs, each))
    }

    fn find_param(&self, run: RunKey, path: &ParamPath) -> Result<Option<ParamValue>, StoreError> {
        self.locate(table::find_param(self.connection(), run, path))
    }

    fn read_param_paths(&self, run: RunKey) -> Result<Vec<ParamPath>, StoreError> {
        self.locate(table::read_param_paths(self.connection(), run))
    }

    fn visit_metric_column(
        &self,
        column: &MetricColumn,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &MetricCell),
    ) -> Result<(), StoreError> {
        let columns = &self.inner.columns;
        let visited = columns.visit_metric(self.connection(), self.caches(), column, runs, each);
        self.locate(visited)
    }

    fn read_scalars(&self, run: RunKey) -> Result<Vec<ScalarRecord>, StoreError> {
        let params = [run_column(run)];
        self.locate(collect(
            self.connection(),
            sql::SCAN_SCALARS,
            params,
            scalar_from_row,
        ))
    }

    fn read_writers(&self, run: RunKey) -> Result<Vec<WriterRecord>, StoreError> {
        self.locate(self.writers(run))
    }

    fn read_events(&self, run: RunKey) -> Result<Vec<EventRecord>, StoreError> {
        self.locate(read_events(self.connection(), run))
    }

    fn read_warnings(&self, run: RunKey) -> Result<Vec<WarningRecord>, StoreError> {
        self.locate(read_warnings(self.connection(), run))
    }

    fn scan_series(&self, run: RunKey, scan: &SeriesScan) -> Result<SeriesPage, StoreError> {
        self.locate(pages::scan_series(
            self.connection(),
            self.caches(),
            run,
            scan,
        ))
    }

    fn scan_points(&self, run: RunKey, scan: &PointScan) -> Result<PointPage, StoreError> {
        self.locate(pages::scan_points(self.connection(), run, scan))
    }

    fn scan_segments(
        &self,
        run: RunKey,
        scans: &[SegmentScan],
        each: &mut TakeSegments<'_>,
    ) -> Result<(), StoreError> {
        self.locate(fork::scan_segments(self.connection(), run, scans, each))
    }

    fn read_logs(&self, run: RunKey, kind: LogKind) -> Result<Vec<LogState>, StoreError> {
        self.locate(entries::logs::read_logs(self.connection(), run, kind))
    }

    fn scan_log_lines(&self, run: RunKey, scan: &LogScan) -> Result<LogPage<LogLine>, StoreError> {
        self.locate(entries::logs::scan_lines(self.connection(), run, scan))
    }

    fn scan_log_records(
        &self,
        run: RunKey,
        scan: &LogScan,
    ) -> Result<LogPage<LogRecord>, StoreError> {
        self.locate(entries::logs::scan_records(self.connection(), run, scan))
    }

    fn read_object_series(&self, run: RunKey) -> Result<Vec<ObjectSeriesRecord>, StoreError> {
        self.locate(entries::objects::read_object_series(self.connection(), run))
    }

    fn scan_objects(&self, run: RunKey, scan: &ObjectScan) -> Result<ObjectPage, StoreError> {
        self.locate(entries::objects::scan_objects(self.connection(), run, scan))
    }

    fn scan_changes(&self, scan: &ChangeScan) -> Result<ChangePage, StoreError> {
        self.locate(scan_changes(self.connection(), self.change, scan))
    }

    fn read_changed_runs(
        &self,
        since: ChangeNumber,
    ) -> Result<Option<BTreeSet<RunKey>>, StoreError> {
        self.locate(read_changed_runs(self.connection(), self.change, since))
    }

    fn read_metric_definitions(
        &self,
        experiment: ExperimentKey,
    ) -> Result<Vec<MetricDefinition>, StoreError> {
        let params = [experiment.0.cast_signed()];
        self.locate(collect(
            self.connection(),
            sql::SCAN_METRICS,
            params,
            metric_from_row,
        ))
    }
}

fn record_named(row: RunRow, experiment_name: String) -> RunRecord {
    RunRecord {
        key: row.key,
        experiment_name,
        run: row.run,
        changed: row.changed,
        last_received_at: row.last_received_at,
        completeness: row.completeness,
        generation: row.generation,
        deleted_at: row.deleted_at,
    }
}

/// Tests a row before the run is read whole.
fn is_wanted(scan: &RunScan, row: &Row<'_>) -> Result<bool> {
    let archived: bool = row.get("archived").map_err(sql_error)?;
    if archived && !scan.include_archived {
        return Ok(false);
    }
    if scan.states.is_empty() {
        return Ok(true);
    }
    let state: String = row.get("state").map_err(sql_error)?;
    let state: RunState = state.parse().map_err(|error| value_error("a run", error))?;
    Ok(scan.states.contains(&state))
}

fn experiment_from_row(row: &Row<'_>, workspace: WorkspaceId) -> Result<ExperimentRecord> {
    let wrong = |error: rusqlite::Error| value_error("an experiment", error);
    let name: String = row.get(2).map_err(wrong)?;
    let name = name
        .parse()
        .map_err(|error| value_error("an experiment", error))?;
    let created_at = Timestamp::from_micros(row.get(6).map_err(wrong)?);
    let mut experiment = Experiment::new(name, row.get(1).map_err(wrong)?, workspace, created_at);
    experiment.slug = row.get(3).map_err(wrong)?;
    experiment.title = row.get(4).map_err(wrong)?;
    experiment.description = row.get(5).map_err(wrong)?;
    experiment.archived = row.get(7).map_err(wrong)?;
    experiment.sealed_digest = row.get(8).map_err(wrong)?;
    let key: i64 = row.get(0).map_err(wrong)?;
    let runs: i64 = row.get(9).map_err(wrong)?;
    Ok(ExperimentRecord {
        key: ExperimentKey(key.cast_unsigned()),
        experiment,
        runs: runs.cast_unsigned(),
    })
}
