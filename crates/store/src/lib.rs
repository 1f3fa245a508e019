//! What every storage engine must do, and the parts all engines share.
//!
//! [`Store`] is the one seam between the system and where its data lie. An engine takes prepared
//! frames through [`Store::append`] and answers questions through a [`Snapshot`]. The promises
//! stand on the methods; `conformance` holds every engine to them, and [`memory::MemoryStore`],
//! the simplest thing that can be right, is the oracle of the model test. Only the binary names
//! an engine.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod apply;
mod blobs;
mod changes;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod edit;
mod entries;
mod find;
mod hiding;
mod logs;
pub mod memory;
mod objects;
mod points;
mod read;
mod segments;
mod space;
mod summary;
mod table;

pub use blobs::{
    ARTIFACTS_IN_RUN_MAX, ArtifactPage, ArtifactPut, ArtifactRecord, ArtifactScan, BlobCatalogue,
    BlobCounts, BlobReference, CopyBlobs, ExpiredLease, LEASE_REMAINS_BYTES_MAX, LeaseAnswer,
    ReferenceKind,
};
pub use changes::*;
pub use edit::{EditAnswer, EditOutcome, EditRequest, RunAction, RunChanges};
pub use entries::{
    Entry, EntryBlock, EntryError, EntryHead, EntryKey, EntryKind, EntryMeta, decode_line,
    decode_object_set, decode_record, encode_entries, encode_line, encode_object_set,
    encode_record,
};
pub use find::{AddressMatches, CANDIDATES_MAX, PREFIX_CHARACTERS_MIN};
pub use hiding::{Cut, Removal, SeriesHiding, counted_before};
pub use logs::{
    LOG_ENTRY_BYTES, LOG_EXAMINED_MAX, LOG_PAGE_BYTES_MAX, LogEntry, LogKind, LogMark, LogPage,
    LogScan, LogState, Numbered,
};
pub use objects::{OBJECT_PAGE_BYTES_MAX, ObjectPage, ObjectScan, ObjectSeriesRecord, ObjectSet};
pub use points::{FrameOrder, PointColumns, bits_as_f64, convert_bits, is_integer, point_value};
pub use read::*;
pub use segments::{
    BlockPoint, PointBlock, Segment, SegmentScan, SeriesSegments, TakePoints, TakeSegments,
    VisiblePoints,
};
pub use space::{
    BackupReport, ReclaimReport, ReclaimRequest, RunSpace, SpaceByKind, SpaceReport, TRASH_SECONDS,
};
pub use summary::{SummaryFold, merge_summaries};
pub use table::{MetricCell, MetricColumn, RunStand, RunVisit};

use runstone_model::{
    ArtifactPath, BlobDigest, ChangeNumber, ExperimentKey, ParamPath, ParamValue, Params,
    ReceivedAt, RunKey, StoreIdentity, WorkspaceId, WriterId,
};
use runstone_wire::{Frame, FrameAnswer, LogLine, LogRecord};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// A frame as it was received and decoded, ready for [`Store::append`].
#[derive(Debug, Clone)]
pub struct AppendFrame {
    /// 1 until there are more.
    pub workspace: WorkspaceId,
    /// The frame; its operations keep their bytes.
    pub frame: Frame,
    /// The server's clock: leases and skew warnings, never charts.
    pub received_at: ReceivedAt,
    /// Who sent it, for the events.
    pub principal: String,
}

/// The durable record of every run.
///
/// Calls block; they are made from threads that may wait. All are safe from many threads.
pub trait Store: BlobCatalogue {
    /// Id of the store and its incarnation (a new one for each restored or re-created folder).
    fn identity(&self) -> StoreIdentity;

    /// Applies one frame by the rules of the mark and the chain, and returns the answer.
    ///
    /// On return the frame's data are durable (fsync, group commit with other callers) and
    /// readable by every snapshot taken afterwards. The frame is one savepoint: it moves the
    /// writer's mark and stores its operations together, or nothing. Each operation is judged
    /// on its own: a refused one is named in the answer, its neighbours are kept, and the mark
    /// moves past it. A frame at or below the mark is a duplicate and changes nothing; one whose
    /// chain disagrees, or that starts past the mark without `base`, is answered `Mismatch` with
    /// the mark, and changes nothing.
    ///
    /// # Errors
    /// `Overloaded` when unfolded data or the log are past their bound, `Unavailable` after a failed
    /// fsync or on a full disk: nothing was applied, try again later. `Invalid` never concerns a single operation.
    fn append(&self, frame: AppendFrame) -> Result<FrameAnswer, StoreError>;

    /// Changes, deletes or takes back runs, as people ask for it.
    ///
    /// On return everything that was done is durable (fsync, one transaction) and readable by
    /// every snapshot taken afterwards. Each run is done whole or not at all, and one that can't
    /// be done never harms its neighbours; each that was changed has a change number of its own.
    ///
    /// A deleted run is gone from every read but [`Snapshot::visit_runs_unsorted`] of deleted
    /// ones, and frames of its writers are refused `Deleted`, operation by operation, for ever,
    /// also while a new run of the same id lives. Its rows stay, so that it can be taken back,
    /// until it is purged: then it is gone from every read, and its rows go by and by.
    ///
    /// # Errors
    /// `Unavailable` after a failed fsync or on a full disk: nothing was done, try again later.
    /// What concerns a single run stands in its outcome.
    fn edit(&self, request: &EditRequest) -> Result<EditAnswer, StoreError>;

    /// Mark and chain of a writer; `None` if the store never saw it.
    fn read_writer_mark(&self, writer: WriterId) -> Result<Option<WriterMark>, StoreError>;

    /// A consistent view of everything acknowledged so far. Take one an answer, drop it after.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError>;

    /// The newest committed change.
    fn change_number(&self) -> Result<ChangeNumber, StoreError>;

    /// Waits until the newest committed change lies past `after`, at most so long; returns the
    /// newest either way. What it names is readable by every snapshot taken afterwards.
    ///
    /// # Errors
    /// `Unavailable` once the store is closed, also for those who wait already.
    fn wait_for_change(
        &self,
        after: ChangeNumber,
        longest: Duration,
    ) -> Result<ChangeNumber, StoreError>;

    /// Folds unfolded frames of runs that are due (all runs when `everything`), in slices, and
    /// forgets the oldest changes past the number that is kept.
    /// Folding is invisible to readers. Engines also do so by themselves, see their configuration.
    fn fold(&self, everything: bool) -> Result<FoldReport, StoreError>;

    /// Gives space back: purges runs whose time in the trash is over, goes on with purges that
    /// have begun, and returns free bytes to the file system. Works in slices between the frames
    /// of writers, and is invisible to readers but for the runs that it purges; a crash half-way
    /// is made good by the next turn. Engines also do so by themselves, see their configuration.
    ///
    /// # Errors
    /// `Unavailable` after a failed fsync, on a full disk, or once the store is closed.
    fn reclaim(&self, request: &ReclaimRequest) -> Result<ReclaimReport, StoreError>;

    /// Where the bytes are, by run and kind, as of one snapshot. Costs one look at every row, not
    /// at the points themselves.
    fn read_space(&self) -> Result<SpaceReport, StoreError>;

    /// Copies the data folder to another one, which is made, or is there and empty, while frames
    /// come in. The copy is one state and holds everything that was acknowledged before the call;
    /// it is durable on return, and has an incarnation of its own. Before anybody can take it for a
    /// copy, `copy_blobs` is given the blobs that ready references in it name. A copy that fails
    /// leaves no database there.
    ///
    /// # Errors
    /// `Conflict` if the folder is not empty; `Invalid` if it can't be made or written, or the
    /// engine has nothing on disk; `Unavailable` on a full disk, or if the store is closed; those
    /// of `copy_blobs`.
    fn back_up(
        &self,
        folder: &Path,
        copy_blobs: &mut CopyBlobs<'_>,
    ) -> Result<BackupReport, StoreError>;

    /// Sizes and counters for health, metrics and `doctor`.
    fn stats(&self) -> Result<StoreStats, StoreError>;

    /// Stops the background work and syncs. Later calls answer `Unavailable`.
    fn close(&self) -> Result<(), StoreError>;
}

/// One consistent view. No two calls on it see different states.
pub trait Snapshot {
    /// The change number this view stands at.
    fn change_number(&self) -> ChangeNumber;

    /// The run that an address means: its id, else the name of one run, else a prefix of one id
    /// (4 characters or more). Archived runs count. See [`AddressMatches::pick`].
    ///
    /// # Errors
    /// `NotFound`; `Conflict` naming up to five candidates when the address is ambiguous.
    fn find_run(&self, workspace: WorkspaceId, address: &str) -> Result<RunRecord, StoreError>;

    /// One page of runs in the order asked, paged by (creation time, key), never by offset.
    fn scan_runs(&self, scan: &RunScan) -> Result<RunPage, StoreError>;

    /// Hands on every run of a visit, archived ones too, in no promised order. `each` may stop
    /// it with an error. Nothing is gathered: memory does not grow with the number of runs.
    fn visit_runs_unsorted(
        &self,
        visit: &RunVisit,
        each: &mut dyn FnMut(RunRecord) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// The run of a key, living or deleted; `None` if there never was one.
    fn read_run(&self, run: RunKey) -> Result<Option<RunRecord>, StoreError>;

    /// Experiments, sorted by the bytes of their names.
    fn scan_experiments(&self, workspace: WorkspaceId)
    -> Result<Vec<ExperimentRecord>, StoreError>;

    /// Params of a run; empty if it has none. This and the other `read_` calls answer for a run
    /// that is not there as for one that has nothing.
    fn read_params(&self, run: RunKey) -> Result<Params, StoreError>;

    /// The param at a path in many runs: `each` gets the place of a run in `runs`, and the value,
    /// once for each run that has a leaf there, in any order. The values equal those of
    /// [`Snapshot::find_param`].
    fn visit_param_column(
        &self,
        path: &ParamPath,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &ParamValue),
    ) -> Result<(), StoreError>;

    /// The param at a path in one run, if it has a leaf there.
    fn find_param(&self, run: RunKey, path: &ParamPath) -> Result<Option<ParamValue>, StoreError>;

    /// Paths of the leaves of a run's params, in their order.
    fn read_param_paths(&self, run: RunKey) -> Result<Vec<ParamPath>, StoreError>;

    /// A metric of many runs: `each` gets the place of a run in `runs`, and the cell, once for each
    /// run that has a readable point of it, in any order. The cells equal those of
    /// [`Snapshot::scan_series`].
    fn visit_metric_column(
        &self,
        column: &MetricColumn,
        runs: &[RunStand],
        each: &mut dyn FnMut(usize, &MetricCell),
    ) -> Result<(), StoreError>;

    /// Scalars of a run, by name.
    fn read_scalars(&self, run: RunKey) -> Result<Vec<ScalarRecord>, StoreError>;

    /// Writers of a run, in the order of their first frames.
    fn read_writers(&self, run: RunKey) -> Result<Vec<WriterRecord>, StoreError>;

    /// Lifecycle events of a run, oldest first.
    fn read_events(&self, run: RunKey) -> Result<Vec<EventRecord>, StoreError>;

    /// Warnings of a run, by kind.
    fn read_warnings(&self, run: RunKey) -> Result<Vec<WarningRecord>, StoreError>;

    /// Series of a run that have a readable point, with their summaries, sorted by
    /// (name, context, kind) as bytes, after `after`. A summary equals a fold over the readable
    /// points of the series. The value type is that of all points ever applied.
    fn scan_series(&self, run: RunKey, scan: &SeriesScan) -> Result<SeriesPage, StoreError>;

    /// Points of one series, one a step, by step; or with `history` all points ever applied,
    /// by (step, generation, append number, position).
    ///
    /// # Errors
    /// `NotFound` if no point of such a series was ever applied; one whose points are all hidden
    /// has an empty page and a history.
    fn scan_points(&self, run: RunKey, scan: &PointScan) -> Result<PointPage, StoreError>;

    /// Readable points of many series of one run, for drawing. Hands each scan's index and series
    /// to `each` once, in whatever order suits the engine; `None` if no point of such a series was
    /// ever applied. What is read for all series of a run (frames that are not folded, packs) is
    /// read once for all scans.
    ///
    /// # Errors
    /// Those of `each`, which end the scan.
    fn scan_segments(
        &self,
        run: RunKey,
        scans: &[SegmentScan],
        each: &mut TakeSegments<'_>,
    ) -> Result<(), StoreError>;

    /// Logs of a run that have entries, in the order of their writers' first frames.
    fn read_logs(&self, run: RunKey, kind: LogKind) -> Result<Vec<LogState>, StoreError>;

    /// Terminal lines of one writer by number, a page. It is bounded in the entries it looks at
    /// and in bytes, so it may be empty and still move on. None for a log that is not there.
    fn scan_log_lines(&self, run: RunKey, scan: &LogScan) -> Result<LogPage<LogLine>, StoreError>;

    /// Log records of one writer, as [`Snapshot::scan_log_lines`].
    fn scan_log_records(
        &self,
        run: RunKey,
        scan: &LogScan,
    ) -> Result<LogPage<LogRecord>, StoreError>;

    /// Object series of a run that have a readable set, sorted by (name, context, kind) as bytes.
    fn read_object_series(&self, run: RunKey) -> Result<Vec<ObjectSeriesRecord>, StoreError>;

    /// Sets of one object series, one a step, by step; or with `history` all sets ever applied, by
    /// (step, generation, append number, position). A page ends early where documents are long.
    ///
    /// # Errors
    /// `NotFound` if no object of such a series was ever applied; one whose sets are all hidden
    /// has an empty page and a history.
    fn scan_objects(&self, run: RunKey, scan: &ObjectScan) -> Result<ObjectPage, StoreError>;

    /// Artifacts of a run, pending ones too.
    fn scan_artifacts(&self, run: RunKey, scan: &ArtifactScan) -> Result<ArtifactPage, StoreError>;

    /// A version of an artifact; with `None` the newest whose bytes are there.
    fn find_artifact(
        &self,
        run: RunKey,
        path: &ArtifactPath,
        version: Option<u32>,
    ) -> Result<Option<ArtifactRecord>, StoreError>;

    /// References to blobs of all runs, deleted and half purged ones too, by (digest, run, kind),
    /// after `after`, at most `limit`.
    fn scan_blob_references(
        &self,
        after: Option<(BlobDigest, RunKey, ReferenceKind)>,
        limit: usize,
    ) -> Result<Vec<BlobReference>, StoreError>;

    /// One page of the journal, by number. A page is bounded in the rows it looks at, so it may be
    /// empty and still move on: `next` is [`Snapshot::change_number`] once all was looked at.
    ///
    /// # Errors
    /// `NotFound` if a run is asked for and none, living or deleted, has that id.
    fn scan_changes(&self, scan: &ChangeScan) -> Result<ChangePage, StoreError>;

    /// The runs that changes after `since` concern, of all workspaces, also those that were purged
    /// since; `None` if the journal does not reach back so far, or `since` lies past the newest
    /// change. For those who keep what they read and want to know what is no longer true.
    fn read_changed_runs(
        &self,
        since: ChangeNumber,
    ) -> Result<Option<BTreeSet<RunKey>>, StoreError>;

    /// Definitions of metrics in an experiment, sorted by the bytes of their names.
    fn read_metric_definitions(
        &self,
        experiment: ExperimentKey,
    ) -> Result<Vec<MetricDefinition>, StoreError>;
}

/// Seven kinds, each an instruction to the caller.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The request can never succeed as it stands; change it.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The state forbids it; look and ask again.
    #[error("{0}")]
    Conflict(String),
    /// Nothing was done; try again after the given time.
    #[error("{reason}")]
    Unavailable {
        /// Why.
        reason: String,
        /// When to try again.
        retry_after_millis: u64,
    },
    /// Nothing was done, because more is asked than is kept up with; slow down, and try again
    /// after the given time. The store is well.
    #[error("{reason}")]
    Overloaded {
        /// Why.
        reason: String,
        /// When to try again.
        retry_after_millis: u64,
    },
    /// What is on disk is not what was written; run `runstone doctor`.
    #[error("{0}")]
    Corrupt(String),
    /// A defect or an operating-system error.
    #[error("{0}")]
    Internal(String),
}
