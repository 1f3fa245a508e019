//! What a frame means, written once for all engines.
//!
//! An engine decodes a frame outside its writer ([`PreparedFrame::prepare`]), then runs
//! [`apply_frame`] inside a savepoint, lending its tables as an [`ApplyContext`]. Every decision is
//! taken here: mark and chain, refusals, resolution of auto steps, lifecycle, warnings, counters.
//! The engine only finds and keeps rows.
//!
//! The surprising rule: this code may have written half of a frame when the context reports an
//! error. The engine then undoes the whole savepoint, its caches included; nothing is retried here.

mod artifact;
mod blob_context;
mod blobs;
mod context;
mod counters;
mod edit;
mod frame;
mod judge;
mod limits;
mod logs;
mod objects;
mod open;
mod params;
mod points;
mod prepare;
mod properties;
mod purge;
mod series;
mod text;
mod writer;

pub use blob_context::{BlobContext, BlobLease, BlobMark};
pub use blobs::{
    add_blob_reference, bind_blob_lease, expire_blob_leases, forget_deleted_blobs, mark_blobs,
    note_blob_remains, renew_blob_lease, take_blob_lease, take_over_blob_deletions,
};
pub use context::{
    AppliedSeries, ApplyContext, LostRange, ObjectBatch, PointBatch, RunRow, SeriesBinding,
    SeriesId, SeriesState, SeriesWriters, WarningKind, WriterRow,
};
pub use counters::WriterCounters;
pub use edit::{Overridden, apply_edits};
pub use frame::apply_frame;
pub use judge::{Verdict, judge_frame};
pub use limits::{
    CLOCK_SKEW_MICROS_MAX, FORK_DEPTH_MAX, LOG_BYTES_IN_RUN_MAX, LOG_ENTRIES_IN_OPERATION_MAX,
    OBJECT_BYTES_IN_SET_MAX, OBJECT_DIGESTS_IN_SET_MAX, OBJECT_DOCUMENT_BYTES_MAX,
    OBJECTS_IN_SET_MAX, SERIES_IN_RUN_MAX, SERIES_IN_RUN_WARNING, TAGS_IN_RUN_MAX,
    TEXT_IN_OPERATION_MAX,
};
pub use prepare::{PreparedFrame, PreparedKind, PreparedOperation, PreparedPack, PreparedSeries};
pub use purge::{FormerRun, apply_purges};

#[cfg(test)]
mod tests;
