//! A catalogue in memory: the simplest thing that can be right, for tests and as the oracle of engines.
//!
//! One lock stands for the transaction of an engine. It forgets everything with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runstone_model::{BlobDigest, BlobLeaseId, Timestamp};

use crate::{BlobError, Catalogue, ExpiredLease, LeaseAnswer};

/// Leases, marks and references of nobody but a test.
#[derive(Debug, Default)]
pub struct MemoryCatalogue {
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    lease_last: u64,
    leases: BTreeMap<BlobLeaseId, Lease>,
    marks: BTreeMap<BlobDigest, Mark>,
    references: BTreeMap<String, Reference>,
}

#[derive(Debug)]
struct Lease {
    digest: Option<BlobDigest>,
    expires_at: Timestamp,
    ended: bool,
    remains: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Marked(Timestamp),
    Deleting(Timestamp),
}

#[derive(Debug)]
struct Reference {
    digest: BlobDigest,
    pending_until: Option<Timestamp>,
}

impl MemoryCatalogue {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a ready reference under a lease, and ends the lease.
    ///
    /// # Errors
    /// `Conflict` if the lease has ended, or is not bound to `digest`.
    pub fn add_reference(
        &self,
        owner: &str,
        digest: BlobDigest,
        lease: BlobLeaseId,
    ) -> Result<(), BlobError> {
        let mut records = self.records();
        if records.live_lease(lease)?.digest != Some(digest) {
            return Err(BlobError::Conflict(format!(
                "lease {lease} is not one on {digest}, hint: upload the bytes again"
            )));
        }
        records.leases.remove(&lease);
        let ready = Reference {
            digest,
            pending_until: None,
        };
        records.references.insert(owner.to_owned(), ready);
        Ok(())
    }

    /// Adds a pending reference, which needs no lease: it says that bytes will come.
    pub fn add_pending_reference(&self, owner: &str, digest: BlobDigest, until: Timestamp) {
        let pending = Reference {
            digest,
            pending_until: Some(until),
        };
        self.records().references.insert(owner.to_owned(), pending);
    }

    /// Removes the reference of an owner, if it has one.
    pub fn remove_reference(&self, owner: &str) {
        self.records().references.remove(owner);
    }

    /// Digests that are referred to, pending or ready, sorted, each once.
    pub fn referenced(&self) -> Vec<BlobDigest> {
        let records = self.records();
        let mut digests: Vec<_> = records.references.values().map(|r| r.digest).collect();
        digests.sort();
        digests.dedup();
        digests
    }

    /// Leases, ended or not, and digests with a mark.
    pub fn counts(&self) -> (usize, usize) {
        let records = self.records();
        (records.leases.len(), records.marks.len())
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // No call leaves the records half-changed, so those of a panic are whole.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn live_lease(&mut self, lease: BlobLeaseId) -> Result<&mut Lease, BlobError> {
        match self.leases.get_mut(&lease) {
            Some(found) if !found.ended => Ok(found),
            _ => Err(BlobError::Conflict(format!(
                "lease {lease} of an upload has ended, hint: upload the bytes again"
            ))),
        }
    }

    fn is_deleting(&self, digest: BlobDigest) -> bool {
        matches!(self.marks.get(&digest), Some(Mark::Deleting(_)))
    }

    fn is_wanted(&self, digest: BlobDigest, now: Timestamp) -> bool {
        let mut leases = self.leases.values();
        let mut references = self.references.values();
        leases.any(|lease| !lease.ended && lease.digest == Some(digest))
            || references.any(|reference| {
                reference.digest == digest
                    && reference.pending_until.is_none_or(|until| until > now)
            })
    }
}

impl Catalogue for MemoryCatalogue {
    fn take_lease(
        &self,
        digest: Option<BlobDigest>,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, BlobError> {
        let mut records = self.records();
        if let Some(digest) = digest {
            if records.is_deleting(digest) {
                return Ok(LeaseAnswer::Deleting);
            }
            records.marks.remove(&digest);
        }
        records.lease_last += 1;
        let lease = BlobLeaseId(records.lease_last);
        let record = Lease {
            digest,
            expires_at,
            ended: false,
            remains: None,
        };
        records.leases.insert(lease, record);
        Ok(LeaseAnswer::Held(lease))
    }

    fn bind_lease(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, BlobError> {
        let mut records = self.records();
        let bound = records.live_lease(lease)?.digest;
        if let Some(other) = bound.filter(|bound| *bound != digest) {
            return Err(BlobError::Conflict(format!(
                "lease {lease} is on {other}, it can't be bound to {digest}"
            )));
        }
        if records.is_deleting(digest) {
            return Ok(LeaseAnswer::Deleting);
        }
        records.marks.remove(&digest);
        let record = records.live_lease(lease)?;
        record.digest = Some(digest);
        record.expires_at = expires_at;
        Ok(LeaseAnswer::Held(lease))
    }

    fn note_remains(&self, lease: BlobLeaseId, remains: &str) -> Result<(), BlobError> {
        self.records().live_lease(lease)?.remains = Some(remains.to_owned());
        Ok(())
    }

    fn renew_lease(&self, lease: BlobLeaseId, expires_at: Timestamp) -> Result<(), BlobError> {
        self.records().live_lease(lease)?.expires_at = expires_at;
        Ok(())
    }

    fn expire_leases(&self, now: Timestamp, limit: usize) -> Result<Vec<ExpiredLease>, BlobError> {
        let mut records = self.records();
        let mut expired = Vec::new();
        for (lease, record) in &mut records.leases {
            record.ended |= record.expires_at <= now;
            if record.ended && expired.len() < limit {
                expired.push(ExpiredLease {
                    lease: *lease,
                    remains: record.remains.clone(),
                });
            }
        }
        Ok(expired)
    }

    fn forget_leases(&self, leases: &[BlobLeaseId]) -> Result<(), BlobError> {
        let mut records = self.records();
        for lease in leases {
            records.leases.remove(lease);
        }
        Ok(())
    }

    fn known_leases(&self, leases: &[BlobLeaseId]) -> Result<Vec<BlobLeaseId>, BlobError> {
        let records = self.records();
        let known = leases.iter().copied();
        Ok(known
            .filter(|lease| records.leases.contains_key(lease))
            .collect())
    }

    fn mark(
        &self,
        digests: &[BlobDigest],
        now: Timestamp,
        marked_before: Timestamp,
    ) -> Result<Vec<BlobDigest>, BlobError> {
        let mut records = self.records();
        let mut deleting = Vec::new();
        for digest in digests {
            let wanted = records.is_wanted(*digest, now);
            match records.marks.get(digest).copied() {
                Some(Mark::Deleting(_)) => {}
                Some(Mark::Marked(_)) if wanted => {
                    records.marks.remove(digest);
                }
                None if wanted => {}
                None => {
                    records.marks.insert(*digest, Mark::Marked(now));
                }
                Some(Mark::Marked(since)) if since <= marked_before => {
                    records.marks.insert(*digest, Mark::Deleting(now));
                    deleting.push(*digest);
                }
                Some(Mark::Marked(_)) => {}
            }
        }
        Ok(deleting)
    }

    fn take_over_deletions(
        &self,
        now: Timestamp,
        since_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobDigest>, BlobError> {
        let mut records = self.records();
        let mut taken = Vec::new();
        for (digest, mark) in &mut records.marks {
            if let Mark::Deleting(since) = mark
                && *since <= since_before
                && taken.len() < limit
            {
                *since = now;
                taken.push(*digest);
            }
        }
        Ok(taken)
    }

    fn forget_deleted(&self, digests: &[BlobDigest], since: Timestamp) -> Result<(), BlobError> {
        let mut records = self.records();
        for digest in digests {
            if records.marks.get(digest) == Some(&Mark::Deleting(since)) {
                records.marks.remove(digest);
            }
        }
        Ok(())
    }
}
