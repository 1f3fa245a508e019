//! Blobs of the in-memory engine: its rows, and the calls of [`BlobCatalogue`] on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use runstone_model::{ArtifactPath, BlobDigest, BlobLeaseId, RunKey, Timestamp};

use super::MemoryStore;
use super::state::State;
use crate::apply::{self, BlobContext, BlobLease, BlobMark};
use crate::{
    ArtifactRecord, BlobCatalogue, BlobCounts, BlobReference, ExpiredLease, LeaseAnswer,
    ReferenceKind, StoreError,
};

/// Everything about blobs.
#[derive(Debug, Clone, Default)]
pub(super) struct BlobRows {
    lease_last: u64,
    leases: BTreeMap<BlobLeaseId, BlobLease>,
    marks: BTreeMap<BlobDigest, BlobMark>,
    pub(super) references: BTreeMap<(BlobDigest, RunKey, ReferenceKind), BlobReference>,
    artifacts: BTreeMap<(RunKey, ArtifactPath, u32), ArtifactRecord>,
}

impl BlobRows {
    /// Artifacts of a run by (path, version), each pending as its reference is.
    pub(super) fn artifacts_of(&self, run: RunKey) -> Vec<ArtifactRecord> {
        let of_run = self
            .artifacts
            .iter()
            .filter(|((owner, ..), _)| *owner == run);
        let known = of_run.filter_map(|(_, artifact)| {
            let place = (artifact.digest, run, ReferenceKind::Artifact);
            let reference = self.references.get(&place)?;
            Some(ArtifactRecord {
                pending_until: reference.pending_until,
                ..artifact.clone()
            })
        });
        known.collect()
    }

    /// Blobs that a run, or anybody, refers to and that are there, and their bytes.
    pub(super) fn bytes_of(&self, run: Option<RunKey>) -> (u64, u64) {
        let ready = self
            .references
            .values()
            .filter(|row| row.pending_until.is_none() && run.is_none_or(|run| run == row.run));
        let mut sizes: BTreeMap<BlobDigest, u64> = BTreeMap::new();
        for row in ready {
            let size = sizes.entry(row.digest).or_default();
            *size = row.bytes.unwrap_or(0).max(*size);
        }
        (sizes.len() as u64, sizes.values().sum())
    }

    /// A run is purged: nothing of it refers to anything any more.
    pub(super) fn forget_run(&mut self, run: RunKey) {
        self.references.retain(|(_, owner, _), _| *owner != run);
        self.artifacts.retain(|(owner, ..), _| *owner != run);
    }
}

impl BlobContext for State {
    fn next_blob_lease(&mut self) -> Result<BlobLeaseId, StoreError> {
        self.blobs.lease_last += 1;
        Ok(BlobLeaseId(self.blobs.lease_last))
    }

    fn find_blob_lease(&mut self, lease: BlobLeaseId) -> Result<Option<BlobLease>, StoreError> {
        Ok(self.blobs.leases.get(&lease).cloned())
    }

    fn put_blob_lease(&mut self, lease: BlobLeaseId, row: &BlobLease) -> Result<(), StoreError> {
        self.blobs.leases.insert(lease, row.clone());
        Ok(())
    }

    fn remove_blob_lease(&mut self, lease: BlobLeaseId) -> Result<(), StoreError> {
        self.blobs.leases.remove(&lease);
        Ok(())
    }

    fn end_blob_leases(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for row in self.blobs.leases.values_mut() {
            row.ended |= row.expires_at <= now;
        }
        Ok(())
    }

    fn scan_ended_leases(&mut self, limit: usize) -> Result<Vec<ExpiredLease>, StoreError> {
        let ended = self.blobs.leases.iter().filter(|(_, row)| row.ended);
        let ended = ended.map(|(lease, row)| ExpiredLease {
            lease: *lease,
            remains: row.remains.clone(),
        });
        Ok(ended.take(limit).collect())
    }

    fn find_blob_mark(&mut self, digest: BlobDigest) -> Result<Option<BlobMark>, StoreError> {
        Ok(self.blobs.marks.get(&digest).copied())
    }

    fn put_blob_mark(
        &mut self,
        digest: BlobDigest,
        mark: Option<BlobMark>,
    ) -> Result<(), StoreError> {
        match mark {
            Some(mark) => self.blobs.marks.insert(digest, mark),
            None => self.blobs.marks.remove(&digest),
        };
        Ok(())
    }

    fn scan_old_deletions(
        &mut self,
        since_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobDigest>, StoreError> {
        let marks = self.blobs.marks.iter();
        let old = marks.filter(|(_, mark)| mark.deleting && mark.since <= since_before);
        Ok(old.map(|(digest, _)| *digest).take(limit).collect())
    }

    fn is_blob_wanted(&mut self, digest: BlobDigest, now: Timestamp) -> Result<bool, StoreError> {
        let mut leases = self.blobs.leases.values();
        let mut references = self.blobs.references.values();
        Ok(leases.any(|row| !row.ended && row.digest == Some(digest))
            || references.any(|row| {
                row.digest == digest && row.pending_until.is_none_or(|until| until > now)
            }))
    }

    fn find_ready_reference(
        &mut self,
        digest: BlobDigest,
    ) -> Result<Option<BlobReference>, StoreError> {
        let references = self.blobs.references.values();
        let ready = references.filter(|row| row.digest == digest && row.pending_until.is_none());
        Ok(ready.max_by_key(|row| row.bytes).copied())
    }

    fn find_blob_reference(
        &mut self,
        run: RunKey,
        kind: ReferenceKind,
        digest: BlobDigest,
    ) -> Result<Option<BlobReference>, StoreError> {
        Ok(self.blobs.references.get(&(digest, run, kind)).copied())
    }

    fn put_blob_reference(&mut self, reference: &BlobReference) -> Result<(), StoreError> {
        let place = (reference.digest, reference.run, reference.kind);
        self.blobs.references.insert(place, *reference);
        Ok(())
    }

    fn remove_blob_reference(
        &mut self,
        run: RunKey,
        kind: ReferenceKind,
        digest: BlobDigest,
    ) -> Result<(), StoreError> {
        self.blobs.references.remove(&(digest, run, kind));
        Ok(())
    }

    fn ready_blob_references(
        &mut self,
        digest: BlobDigest,
        bytes: u64,
    ) -> Result<Vec<RunKey>, StoreError> {
        let mut runs = Vec::new();
        let references = self.blobs.references.values_mut();
        for row in references.filter(|row| row.digest == digest && row.pending_until.is_some()) {
            row.pending_until = None;
            row.bytes = Some(bytes);
            runs.push(row.run);
        }
        runs.dedup();
        for ((run, ..), artifact) in &mut self.blobs.artifacts {
            if artifact.digest == digest && runs.contains(run) {
                artifact.bytes = bytes;
            }
        }
        Ok(runs)
    }

    fn read_artifact(
        &mut self,
        run: RunKey,
        path: &ArtifactPath,
    ) -> Result<Vec<ArtifactRecord>, StoreError> {
        let mut versions = self.blobs.artifacts_of(run);
        versions.retain(|one| one.path == *path);
        Ok(versions)
    }

    fn put_artifact(&mut self, run: RunKey, artifact: &ArtifactRecord) -> Result<(), StoreError> {
        let place = (run, artifact.path.clone(), artifact.version);
        self.blobs.artifacts.insert(place, artifact.clone());
        Ok(())
    }

    fn remove_artifact(
        &mut self,
        run: RunKey,
        path: &ArtifactPath,
        version: u32,
    ) -> Result<(), StoreError> {
        self.blobs.artifacts.remove(&(run, path.clone(), version));
        Ok(())
    }

    fn holds_artifact(&mut self, run: RunKey, digest: BlobDigest) -> Result<bool, StoreError> {
        let mut artifacts = self.blobs.artifacts.iter();
        Ok(artifacts.any(|((owner, ..), one)| *owner == run && one.digest == digest))
    }

    fn count_artifacts(&mut self, run: RunKey) -> Result<u64, StoreError> {
        let owners = self.blobs.artifacts.keys();
        Ok(owners.filter(|(owner, ..)| *owner == run).count() as u64)
    }
}

impl MemoryStore {
    /// One call, one transaction.
    fn with_blobs<T>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        work(Arc::make_mut(&mut self.lock()?.state))
    }
}

impl BlobCatalogue for MemoryStore {
    fn take_lease(
        &self,
        digest: Option<BlobDigest>,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        self.with_blobs(|state| apply::take_blob_lease(state, digest, expires_at))
    }

    fn bind_lease(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        self.with_blobs(|state| apply::bind_blob_lease(state, lease, digest, expires_at))
    }

    fn note_remains(
        &self,
        lease: BlobLeaseId,
        remains: &str,
    ) -> Result<Option<String>, StoreError> {
        self.with_blobs(|state| apply::note_blob_remains(state, lease, remains))
    }

    fn renew_lease(&self, lease: BlobLeaseId, expires_at: Timestamp) -> Result<(), StoreError> {
        self.with_blobs(|state| apply::renew_blob_lease(state, lease, expires_at))
    }

    fn expire_leases(&self, now: Timestamp, limit: usize) -> Result<Vec<ExpiredLease>, StoreError> {
        self.with_blobs(|state| apply::expire_blob_leases(state, now, limit))
    }

    fn forget_leases(&self, leases: &[BlobLeaseId]) -> Result<(), StoreError> {
        self.with_blobs(|state| {
            for lease in leases {
                state.remove_blob_lease(*lease)?;
            }
            Ok(())
        })
    }

    fn known_leases(&self, leases: &[BlobLeaseId]) -> Result<Vec<BlobLeaseId>, StoreError> {
        self.with_blobs(|state| {
            let known = leases.iter().copied();
            Ok(known
                .filter(|lease| state.blobs.leases.contains_key(lease))
                .collect())
        })
    }

    fn mark(
        &self,
        digests: &[BlobDigest],
        now: Timestamp,
        marked_before: Timestamp,
    ) -> Result<Vec<BlobDigest>, StoreError> {
        self.with_blobs(|state| apply::mark_blobs(state, digests, now, marked_before))
    }

    fn take_over_deletions(
        &self,
        now: Timestamp,
        since_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobDigest>, StoreError> {
        self.with_blobs(|state| apply::take_over_blob_deletions(state, now, since_before, limit))
    }

    fn forget_deleted(&self, digests: &[BlobDigest], since: Timestamp) -> Result<(), StoreError> {
        self.with_blobs(|state| apply::forget_deleted_blobs(state, digests, since))
    }

    fn count_blob_records(&self) -> Result<BlobCounts, StoreError> {
        self.with_blobs(|state| {
            Ok(BlobCounts {
                leases: state.blobs.leases.len() as u64,
                marks: state.blobs.marks.len() as u64,
                references: state.blobs.references.len() as u64,
            })
        })
    }
}
