//! Blobs as a store knows them: who refers to which digest, who is uploading, what is being deleted.
//!
//! The bytes lie elsewhere (`crates/blobs`), under their SHA-256. A store keeps three records,
//! and decides every call in one transaction over them:
//!
//! - *references* (digest, run, kind, ready or pending until a time), written in the transaction
//!   that writes what refers: an artifact by [`RunAction::PutArtifact`](crate::RunAction). A
//!   pending one counts until its time.
//! - *leases* (id, digest if known, expiry, ended or not, what to sweep): one an upload.
//! - *marks* (digest, `marked` or `deleting`, since when): what garbage collection thinks.
//!
//! A lease protects its digest **as long as it stands in the catalogue and has not ended**, whatever
//! the clock says. Only [`BlobCatalogue::expire_leases`] looks at the time, and what it ends never
//! protects again. So no two clocks need agree.
//!
//! # The rule for references
//!
//! A reference to a digest becomes ready only in a transaction that sees a lease bound to that
//! digest which has not ended (then all references to it do, and the lease ends), or another ready
//! reference to it. Without either it is pending, or the transaction fails and the bytes are sent again.

use runstone_model::{ArtifactPath, BlobDigest, BlobLeaseId, MediaType, RunKey, Timestamp};

use crate::StoreError;

/// What a blob lease remembers for the sweep, in bytes, at most.
pub const LEASE_REMAINS_BYTES_MAX: usize = 2 * 1024;
/// Artifacts of a run at most, all versions counted.
pub const ARTIFACTS_IN_RUN_MAX: u64 = 100_000;

/// Leases and marks of blobs. Calls block and are durable on return; each is one transaction.
pub trait BlobCatalogue: Send + Sync + 'static {
    /// Takes a lease for a new upload until `expires_at`. With a digest this also does what
    /// [`BlobCatalogue::bind_lease`] does, or nothing when the digest is being deleted.
    fn take_lease(
        &self,
        digest: Option<BlobDigest>,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError>;

    /// Binds a lease to the digest that its upload has turned out to have, removes the mark
    /// `marked` of that digest, and renews the lease. A digest in `deleting` changes nothing.
    ///
    /// # Errors
    /// `Conflict` if the lease has ended or is bound to another digest.
    fn bind_lease(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError>;

    /// Keeps what [`ExpiredLease::remains`] tells later: up to 2 KiB that mean nothing to the catalogue.
    /// Answers what it told so far, and does not any more: whoever asks sees to that.
    ///
    /// # Errors
    /// `Conflict` if the lease has ended; `Invalid` for a longer text.
    fn note_remains(&self, lease: BlobLeaseId, remains: &str)
    -> Result<Option<String>, StoreError>;

    /// Moves the expiry of a lease.
    ///
    /// # Errors
    /// `Conflict` if the lease has ended.
    fn renew_lease(&self, lease: BlobLeaseId, expires_at: Timestamp) -> Result<(), StoreError>;

    /// Ends leases that expired at `now` or before, and returns up to `limit` ended ones, those of
    /// former calls too, until they are forgotten.
    fn expire_leases(&self, now: Timestamp, limit: usize) -> Result<Vec<ExpiredLease>, StoreError>;

    /// Forgets leases, ended or not. Unknown ones are passed over.
    fn forget_leases(&self, leases: &[BlobLeaseId]) -> Result<(), StoreError>;

    /// Those of `leases` that are known, ended or not.
    fn known_leases(&self, leases: &[BlobLeaseId]) -> Result<Vec<BlobLeaseId>, StoreError>;

    /// Judges blobs that exist, each by itself:
    /// - one that is referred to, also by a pending reference, or leased loses the mark `marked`;
    /// - one in `deleting` stays so;
    /// - one without a mark is `marked` since `now`;
    /// - one `marked` at `marked_before` or earlier turns to `deleting` since `now`, and is returned.
    ///
    /// For the last no lease can be taken and no reference made ready from here on, until
    /// [`BlobCatalogue::forget_deleted`]. No other call returns it before it is taken over.
    fn mark(
        &self,
        digests: &[BlobDigest],
        now: Timestamp,
        marked_before: Timestamp,
    ) -> Result<Vec<BlobDigest>, StoreError>;

    /// Up to `limit` digests in `deleting` since `since_before` or earlier. They are now so since `now`.
    fn take_over_deletions(
        &self,
        now: Timestamp,
        since_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobDigest>, StoreError>;

    /// Removes the mark `deleting` of blobs that are gone, if it is still that of `since`.
    fn forget_deleted(&self, digests: &[BlobDigest], since: Timestamp) -> Result<(), StoreError>;

    /// How many records there are of each kind.
    fn count_blob_records(&self) -> Result<BlobCounts, StoreError>;
}

/// What came of asking for a lease on a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// The lease is held.
    Held(BlobLeaseId),
    /// The blob is being deleted; ask again in a moment.
    Deleting,
}

/// A lease that ended without its upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredLease {
    /// Its id.
    pub lease: BlobLeaseId,
    /// What was noted for the sweep.
    pub remains: Option<String>,
}

/// Records of a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlobCounts {
    /// Leases, ended or not.
    pub leases: u64,
    /// Digests with a mark.
    pub marks: u64,
    /// References, ready or pending.
    pub references: u64,
}

/// What of a run refers to a blob. The numbers are on disk, so new ones come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// A version of an artifact.
    Artifact = 1,
    /// An object that was ever applied; it stays until the run is purged, as history does.
    Object = 2,
}

impl ReferenceKind {
    /// From its number; `None` for one of a later version.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Artifact),
            2 => Some(Self::Object),
            _ => None,
        }
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// That something in a run refers to a blob; one a (digest, run, kind), however many do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobReference {
    /// The blob.
    pub digest: BlobDigest,
    /// The run.
    pub run: RunKey,
    /// What refers to it.
    pub kind: ReferenceKind,
    /// Bytes of the blob, as announced while it is pending; `None` if nobody has told.
    pub bytes: Option<u64>,
    /// `None` once the blob is there; else it is waited for until then.
    pub pending_until: Option<Timestamp>,
}

/// A version of an artifact as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactPut {
    /// Where in the run.
    pub path: ArtifactPath,
    /// Its bytes.
    pub digest: BlobDigest,
    /// How many.
    pub bytes: u64,
    /// Their type.
    pub media_type: MediaType,
    /// The lease under which the blob was uploaded or found; it ends. `None` while the bytes are
    /// still to come.
    pub lease: Option<BlobLeaseId>,
    /// Until when the bytes are waited for, where there is no lease.
    pub pending_until: Timestamp,
}

/// A version of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRecord {
    /// Where in the run.
    pub path: ArtifactPath,
    /// 1, 2, ... among those of one path.
    pub version: u32,
    /// Its bytes.
    pub digest: BlobDigest,
    /// How many.
    pub bytes: u64,
    /// Their type.
    pub media_type: MediaType,
    /// The server's clock when it was first told of.
    pub created_at: Timestamp,
    /// `None` once its bytes are there; else they are waited for until then.
    pub pending_until: Option<Timestamp>,
}

/// Which artifacts of a run, by (path, version).
#[derive(Debug, Clone, Default)]
pub struct ArtifactScan {
    /// Only paths that begin so.
    pub prefix: String,
    /// All versions; otherwise the newest of each path.
    pub all_versions: bool,
    /// Continue after this position.
    pub after: Option<(ArtifactPath, u32)>,
    /// At most so many; 0 is taken as 1.
    pub limit: usize,
}

/// One page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArtifactPage {
    /// The artifacts.
    pub artifacts: Vec<ArtifactRecord>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<(ArtifactPath, u32)>,
}

impl ArtifactPage {
    /// A page of what an engine finds after the scan's position, in the scan's order.
    ///
    /// # Errors
    /// Those of `found`.
    pub fn gather(
        scan: &ArtifactScan,
        found: impl Iterator<Item = Result<ArtifactRecord, StoreError>>,
    ) -> Result<Self, StoreError> {
        let mut page = Self::default();
        let limit = scan.limit.max(1);
        let after = scan.after.as_ref().map(|(path, _)| path);
        let mut found = found.peekable();
        while let Some(record) = found.next() {
            let record = record?;
            if !record.path.as_str().starts_with(&scan.prefix) {
                if record.path.as_str() > scan.prefix.as_str() {
                    break;
                }
                continue;
            }
            let newer_follows = !scan.all_versions
                && matches!(found.peek(), Some(Ok(next)) if next.path == record.path);
            let was_told = !scan.all_versions && after == Some(&record.path);
            if newer_follows || was_told {
                continue;
            }
            if page.artifacts.len() == limit {
                page.next = page
                    .artifacts
                    .last()
                    .map(|last: &ArtifactRecord| (last.path.clone(), last.version));
                break;
            }
            page.artifacts.push(record);
        }
        Ok(page)
    }
}

/// Takes up to 1,000 digests of blobs that a copy of a store refers to, sorted over all calls.
pub type CopyBlobs<'a> = dyn FnMut(&[BlobDigest]) -> Result<(), StoreError> + 'a;
