//! What an engine lends for blobs: its rows of leases, marks, references and artifacts.
//!
//! As [`super::ApplyContext`]: all methods see what earlier calls of the same transaction have
//! written, and none of them decides anything.

use runstone_model::{ArtifactPath, BlobDigest, BlobLeaseId, RunKey, Timestamp};

use crate::{ArtifactRecord, BlobReference, ExpiredLease, ReferenceKind, StoreError};

/// A lease as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobLease {
    /// What it protects, once that is known.
    pub digest: Option<BlobDigest>,
    /// When it may be ended.
    pub expires_at: Timestamp,
    /// It protects and permits nothing any more.
    pub ended: bool,
    /// What was noted for the sweep.
    pub remains: Option<String>,
}

/// What garbage collection thinks of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobMark {
    /// It is being deleted; otherwise nobody wanted it.
    pub deleting: bool,
    /// Since when.
    pub since: Timestamp,
}

/// The rows of an engine about blobs, lent for one transaction.
pub trait BlobContext {
    /// A number for a new lease, never given again.
    fn next_blob_lease(&mut self) -> Result<BlobLeaseId, StoreError>;

    /// A lease, ended or not.
    fn find_blob_lease(&mut self, lease: BlobLeaseId) -> Result<Option<BlobLease>, StoreError>;

    /// Inserts or replaces a lease.
    fn put_blob_lease(&mut self, lease: BlobLeaseId, row: &BlobLease) -> Result<(), StoreError>;

    /// Removes a lease, if it is there.
    fn remove_blob_lease(&mut self, lease: BlobLeaseId) -> Result<(), StoreError>;

    /// Ends all leases that expire at `now` or before.
    fn end_blob_leases(&mut self, now: Timestamp) -> Result<(), StoreError>;

    /// Ended leases, by number, at most `limit`.
    fn scan_ended_leases(&mut self, limit: usize) -> Result<Vec<ExpiredLease>, StoreError>;

    /// The mark of a digest.
    fn find_blob_mark(&mut self, digest: BlobDigest) -> Result<Option<BlobMark>, StoreError>;

    /// Sets, replaces or removes a mark.
    fn put_blob_mark(
        &mut self,
        digest: BlobDigest,
        mark: Option<BlobMark>,
    ) -> Result<(), StoreError>;

    /// Digests in `deleting` since `since_before` or earlier, at most `limit`.
    fn scan_old_deletions(
        &mut self,
        since_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobDigest>, StoreError>;

    /// Whether a lease that has not ended is on this digest, or a reference that is ready or
    /// pending past `now`.
    fn is_blob_wanted(&mut self, digest: BlobDigest, now: Timestamp) -> Result<bool, StoreError>;

    /// A ready reference to this digest, of whatever run and kind; one that knows the size, if any does.
    fn find_ready_reference(
        &mut self,
        digest: BlobDigest,
    ) -> Result<Option<BlobReference>, StoreError>;

    /// The reference of one kind of one run.
    fn find_blob_reference(
        &mut self,
        run: RunKey,
        kind: ReferenceKind,
        digest: BlobDigest,
    ) -> Result<Option<BlobReference>, StoreError>;

    /// Inserts or replaces a reference.
    fn put_blob_reference(&mut self, reference: &BlobReference) -> Result<(), StoreError>;

    /// Removes a reference, if it is there.
    fn remove_blob_reference(
        &mut self,
        run: RunKey,
        kind: ReferenceKind,
        digest: BlobDigest,
    ) -> Result<(), StoreError>;

    /// Makes all pending references to a blob ready, with its size, which the artifacts that waited
    /// take over whatever was announced of them; answers their runs, each once, sorted.
    fn ready_blob_references(
        &mut self,
        digest: BlobDigest,
        bytes: u64,
    ) -> Result<Vec<RunKey>, StoreError>;

    /// All versions of an artifact, by version.
    fn read_artifact(
        &mut self,
        run: RunKey,
        path: &ArtifactPath,
    ) -> Result<Vec<ArtifactRecord>, StoreError>;

    /// Inserts or replaces a version; its `pending_until` is that of the reference and is not kept.
    fn put_artifact(&mut self, run: RunKey, artifact: &ArtifactRecord) -> Result<(), StoreError>;

    /// Removes a version.
    fn remove_artifact(
        &mut self,
        run: RunKey,
        path: &ArtifactPath,
        version: u32,
    ) -> Result<(), StoreError>;

    /// Whether a version of an artifact of this run has this digest.
    fn holds_artifact(&mut self, run: RunKey, digest: BlobDigest) -> Result<bool, StoreError>;

    /// Artifacts of a run, all versions.
    fn count_artifacts(&mut self, run: RunKey) -> Result<u64, StoreError>;
}
