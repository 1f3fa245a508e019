//! What this crate asks of whoever knows which blobs are referred to.
//!
//! # The records
//!
//! An engine keeps three, and decides every call in one transaction over them:
//!
//! - *references* (owner, digest, ready or pending until a time): the engine's own business,
//!   written in the transaction that writes the owner. A pending one counts until its time.
//! - *leases* (id, digest if known, expiry, ended or not, what to sweep): one an upload.
//! - *marks* (digest, `marked` or `deleting`, since when): what garbage collection thinks.
//!
//! A lease protects its digest **as long as it stands in the catalogue and has not ended**, whatever
//! the clock says. Only [`Catalogue::expire_leases`] looks at the time, and what it ends never
//! protects again. So no two clocks need agree.
//!
//! # The rule for references
//!
//! A reference to a digest becomes ready only in a transaction that sees a lease bound to that
//! digest which has not ended, or another ready reference to it. The same transaction may end the
//! lease. If neither is there the transaction fails, and the bytes are sent again.

use runstone_model::{BlobDigest, BlobLeaseId, Timestamp};

use crate::BlobError;

/// Leases and marks. Calls block and are durable on return; each is one transaction.
pub trait Catalogue: Send + Sync + 'static {
    /// Takes a lease for a new upload until `expires_at`. With a digest this also does what
    /// [`Catalogue::bind_lease`] does, or nothing when the digest is being deleted.
    fn take_lease(
        &self,
        digest: Option<BlobDigest>,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, BlobError>;

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
    ) -> Result<LeaseAnswer, BlobError>;

    /// Keeps what [`ExpiredLease::remains`] tells later: up to 2 KiB that mean nothing to the catalogue.
    ///
    /// # Errors
    /// `Conflict` if the lease has ended.
    fn note_remains(&self, lease: BlobLeaseId, remains: &str) -> Result<(), BlobError>;

    /// Moves the expiry of a lease.
    ///
    /// # Errors
    /// `Conflict` if the lease has ended.
    fn renew_lease(&self, lease: BlobLeaseId, expires_at: Timestamp) -> Result<(), BlobError>;

    /// Ends leases that expired at `now` or before, and returns up to `limit` ended ones, those of
    /// former calls too, until they are forgotten.
    fn expire_leases(&self, now: Timestamp, limit: usize) -> Result<Vec<ExpiredLease>, BlobError>;

    /// Forgets leases, ended or not. Unknown ones are passed over.
    fn forget_leases(&self, leases: &[BlobLeaseId]) -> Result<(), BlobError>;

    /// Those of `leases` that are known, ended or not.
    fn known_leases(&self, leases: &[BlobLeaseId]) -> Result<Vec<BlobLeaseId>, BlobError>;

    /// Judges blobs that exist, each by itself:
    /// - one that is referred to, also by a pending reference, or leased loses the mark `marked`;
    /// - one in `deleting` stays so;
    /// - one without a mark is `marked` since `now`;
    /// - one `marked` at `marked_before` or earlier turns to `deleting` since `now`, and is returned.
    ///
    /// For the last no lease can be taken and no reference made ready from here on, until
    /// [`Catalogue::forget_deleted`]. No other call returns it before it is taken over.
    fn mark(
        &self,
        digests: &[BlobDigest],
        now: Timestamp,
        marked_before: Timestamp,
    ) -> Result<Vec<BlobDigest>, BlobError>;

    /// Up to `limit` digests in `deleting` since `since_before` or earlier. They are now so since `now`.
    fn take_over_deletions(
        &self,
        now: Timestamp,
        since_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobDigest>, BlobError>;

    /// Removes the mark `deleting` of blobs that are gone, if it is still that of `since`.
    fn forget_deleted(&self, digests: &[BlobDigest], since: Timestamp) -> Result<(), BlobError>;
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
