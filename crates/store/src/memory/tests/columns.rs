//! A store that keeps its rows as the oracle does and answers through the shared columns.

use std::collections::BTreeSet;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use runstone_model::{
    ArtifactPath, BlobDigest, BlobLeaseId, ChangeNumber, ExperimentKey, ParamPath, ParamValue,
    Params, RunKey, SeriesKey, StoreIdentity, Timestamp, WorkspaceId, WriterId,
};
use runstone_wire::{FrameAnswer, LogLine, LogRecord};

use super::super::MemoryStore;
use super::super::snapshot::MemorySnapshot;
use super::super::state::{RunData, State};
use crate::{
    AppendFrame, ArtifactPage, ArtifactRecord, ArtifactScan, BackupReport, BlobCatalogue,
    BlobReference, ChangePage, ChangeScan, CopyBlobs, EditAnswer, EditRequest, EventRecord,
    ExperimentRecord, FoldReport, LeaseAnswer, LogKind, LogPage, LogScan, LogState, MetricCell,
    MetricColumn, MetricDefinition, ObjectPage, ObjectScan, ObjectSeriesRecord, PointColumns,
    PointPage, PointScan, ReclaimReport, ReclaimRequest, ReferenceKind, RunPage, RunRecord,
    RunScan, RunStand, RunVisit, ScalarRecord, Segment, SegmentScan, SeriesHiding, SeriesPage,
    SeriesScan, SeriesSegments, Snapshot, SpaceReport, Store, StoreError, StoreStats, TakeSegments,
    VisiblePoints, WarningRecord, WriterMark, WriterRecord, convert_bits,
};

pub(super) struct ColumnsStore {
    pub(super) inner: MemoryStore,
    /// A defect: nothing is ever removed or cut.
    pub(super) forgets_hiding: bool,
}

impl BlobCatalogue for ColumnsStore {
    fn take_lease(
        &self,
        digest: Option<BlobDigest>,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        self.inner.take_lease(digest, expires_at)
    }

    fn bind_lease(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        self.inner.bind_lease(lease, digest, expires_at)
    }

    crate::forward_blob_catalogue!(inner);
}

impl Store for ColumnsStore {
    fn identity(&self) -> StoreIdentity {
        self.inner.identity()
    }

    fn append(&self, frame: AppendFrame) -> Result<FrameAnswer, StoreError> {
        self.inner.append(frame)
    }

    fn edit(&self, request: &EditRequest) -> Result<EditAnswer, StoreError> {
        self.inner.edit(request)
    }

    fn read_writer_mark(&self, writer: WriterId) -> Result<Option<WriterMark>, StoreError> {
        self.inner.read_writer_mark(writer)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        let state = Arc::clone(&self.inner.lock()?.state);
        Ok(Box::new(ColumnsSnapshot {
            naive: MemorySnapshot::new(Arc::clone(&state)),
            state,
            forgets_hiding: self.forgets_hiding,
        }))
    }

    fn change_number(&self) -> Result<ChangeNumber, StoreError> {
        self.inner.change_number()
    }

    fn wait_for_change(
        &self,
        after: ChangeNumber,
        longest: Duration,
    ) -> Result<ChangeNumber, StoreError> {
        self.inner.wait_for_change(after, longest)
    }

    fn fold(&self, everything: bool) -> Result<FoldReport, StoreError> {
        self.inner.fold(everything)
    }

    fn reclaim(&self, request: &ReclaimRequest) -> Result<ReclaimReport, StoreError> {
        self.inner.reclaim(request)
    }

    fn read_space(&self) -> Result<SpaceReport, StoreError> {
        self.inner.read_space()
    }

    fn back_up(
        &self,
        folder: &Path,
        copy_blobs: &mut CopyBlobs<'_>,
    ) -> Result<BackupReport, StoreError> {
        self.inner.back_up(folder, copy_blobs)
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        self.inner.stats()
    }

    fn close(&self) -> Result<(), StoreError> {
        self.inner.close()
    }
}

struct ColumnsSnapshot {
    naive: MemorySnapshot,
    state: Arc<State>,
    forgets_hiding: bool,
}

impl ColumnsSnapshot {
    /// All points of a series, sorted, in two parts that were sorted apart.
    fn columns(&self, data: &RunData, key: &SeriesKey) -> PointColumns {
        let reads_as = State::value_type(data, key).expect("the series has points");
        let points = self.state.points(data, key);
        let mut parts = [PointColumns::default(), PointColumns::default()];
        for (index, point) in points.iter().enumerate() {
            let part = &mut parts[index % 2];
            if point.epoch.is_some() {
                part.epochs.resize(part.len(), f64::NAN);
            }
            part.steps.push(point.step);
            part.times.push(point.time);
            part.values
                .push(convert_bits(point.bits, point.value_type, reads_as));
            part.generations.push(point.generation);
            part.appends.push(point.append);
            part.positions.push(point.position);
            if point.epoch.is_some() || !part.epochs.is_empty() {
                part.epochs.push(point.epoch.unwrap_or(f64::NAN));
            }
        }
        let [mut columns, other] = parts;
        columns.append(&other);
        columns.sort();
        columns
    }

    fn hiding(&self, data: &RunData, key: &SeriesKey) -> SeriesHiding {
        if self.forgets_hiding {
            return SeriesHiding::default();
        }
        SeriesHiding::new(key, data.cuts.iter().copied(), &data.removals)
    }
}

impl Snapshot for ColumnsSnapshot {
    fn read_logs(&self, run: RunKey, kind: LogKind) -> Result<Vec<LogState>, StoreError> {
        self.naive.read_logs(run, kind)
    }

    fn scan_log_lines(&self, run: RunKey, scan: &LogScan) -> Result<LogPage<LogLine>, StoreError> {
        self.naive.scan_log_lines(run, scan)
    }

    fn scan_log_records(
        &self,
        run: RunKey,
        scan: &LogScan,
    ) -> Result<LogPage<LogRecord>, StoreError> {
        self.naive.scan_log_records(run, scan)
    }

    fn read_object_series(&self, run: RunKey) -> Result<Vec<ObjectSeriesRecord>, StoreError> {
        self.naive.read_object_series(run)
    }

    fn scan_objects(&self, run: RunKey, scan: &ObjectScan) -> Result<ObjectPage, StoreError> {
        self.naive.scan_objects(run, scan)
    }

    fn scan_artifacts(&self, run: RunKey, scan: &ArtifactScan) -> Result<ArtifactPage, StoreError> {
        self.naive.scan_artifacts(run, scan)
    }

    fn find_artifact(
        &self,
        run: RunKey,
        path: &ArtifactPath,
        version: Option<u32>,
    ) -> Result<Option<ArtifactRecord>, StoreError> {
        self.naive.find_artifact(run, path, version)
    }

    fn scan_blob_references(
        &self,
        after: Option<(BlobDigest, RunKey, ReferenceKind)>,
        limit: usize,
    ) -> Result<Vec<BlobReference>, StoreError> {
        self.naive.scan_blob_references(after, limit)
    }

    fn scan_changes(&self, scan: &ChangeScan) -> Result<ChangePage, StoreError> {
        self.naive.scan_changes(scan)
    }

    fn read_changed_runs(
        &self,
        since: ChangeNumber,
    ) -> Result<Option<BTreeSet<RunKey>>, StoreError> {
        self.naive.read_changed_runs(since)
    }

    fn scan_series(&self, run: RunKey, scan: &SeriesScan) -> Result<SeriesPage, StoreError> {
        let mut page = self.naive.scan_series(run, scan)?;
        for record in &mut page.series {
            let data = &self.state.runs[&run];
            let columns = self.columns(data, &record.key);
            let visible = columns.visible(&self.hiding(data, &record.key));
            record.summary = columns.summarize(&visible, record.value_type);
        }
        Ok(page)
    }

    fn scan_points(&self, run: RunKey, scan: &PointScan) -> Result<PointPage, StoreError> {
        // The naive answer knows what is not found.
        let value_type = self.naive.scan_points(run, scan)?.value_type;
        let data = &self.state.runs[&run];
        let hiding = self.hiding(data, &scan.series);
        Ok(self
            .columns(data, &scan.series)
            .page(scan, &hiding, value_type))
    }

    fn scan_segments(
        &self,
        run: RunKey,
        scans: &[SegmentScan],
        each: &mut TakeSegments<'_>,
    ) -> Result<(), StoreError> {
        for (index, scan) in scans.iter().enumerate() {
            let found = self.state.runs.get(&run).and_then(|data| {
                let value_type = State::value_type(data, &scan.series)?;
                let hiding = self.hiding(data, &scan.series);
                let columns = self.columns(data, &scan.series);
                let points = VisiblePoints::from_columns(columns, &hiding);
                Some(SeriesSegments {
                    value_type,
                    segments: Segment::from_points(points).into_iter().collect(),
                })
            });
            each(index, found)?;
        }
        Ok(())
    }

    fn change_number(&self) -> ChangeNumber {
        self.naive.change_number()
    }

    fn find_run(&self, workspace: WorkspaceId, address: &str) -> Result<RunRecord, StoreError> {
        self.naive.find_run(workspace, address)
    }

    fn scan_runs(&self, scan: &RunScan) -> Result<RunPage, StoreError> {
        self.naive.scan_runs(scan)
    }

    fn scan_experiments(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<ExperimentRecord>, StoreError> {
        self.naive.scan_experiments(workspace)
    }

    fn visit_runs_unsorted(
        &self,
        visit: &RunVisit,
        each: &mut dyn FnMut(RunRecord) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.naive.visit_runs_unsorted(visit, each)
    }

    fn read_run(&self, run: RunKey) -> Result<Option<RunRecord>, StoreError> {
        self.naive.read_run(run)
    }

    fn visit_param_column(
        &self,
        path: &ParamPath,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &ParamValue),
    ) -> Result<(), StoreError> {
        self.naive.visit_param_column(path, runs, each)
    }

    fn find_param(&self, run: RunKey, path: &ParamPath) -> Result<Option<ParamValue>, StoreError> {
        self.naive.find_param(run, path)
    }

    fn read_param_paths(&self, run: RunKey) -> Result<Vec<ParamPath>, StoreError> {
        self.naive.read_param_paths(run)
    }

    fn visit_metric_column(
        &self,
        column: &MetricColumn,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &MetricCell),
    ) -> Result<(), StoreError> {
        self.naive.visit_metric_column(column, runs, each)
    }

    fn read_params(&self, run: RunKey) -> Result<Params, StoreError> {
        self.naive.read_params(run)
    }

    fn read_scalars(&self, run: RunKey) -> Result<Vec<ScalarRecord>, StoreError> {
        self.naive.read_scalars(run)
    }

    fn read_writers(&self, run: RunKey) -> Result<Vec<WriterRecord>, StoreError> {
        self.naive.read_writers(run)
    }

    fn read_events(&self, run: RunKey) -> Result<Vec<EventRecord>, StoreError> {
        self.naive.read_events(run)
    }

    fn read_warnings(&self, run: RunKey) -> Result<Vec<WarningRecord>, StoreError> {
        self.naive.read_warnings(run)
    }

    fn read_metric_definitions(
        &self,
        experiment: ExperimentKey,
    ) -> Result<Vec<MetricDefinition>, StoreError> {
        self.naive.read_metric_definitions(experiment)
    }
}
