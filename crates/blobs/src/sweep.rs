//! Deletes what nobody wants: uploads that ended without their blob, and blobs that nobody refers to.
//!
//! # Why no blob is deleted that is referred to
//!
//! Garbage collection takes two passes. A pass lists what lies in the place and has the catalogue
//! judge it: what is neither referred to nor leased is `marked`; what was marked a grace period ago,
//! and still is neither, turns to `deleting`. Only what has turned is deleted, then its mark is
//! forgotten. The argument needs these four facts, the first three of which an engine gives by deciding
//! each call of [`runstone_store::BlobCatalogue`] in one transaction:
//!
//! 1. *Turning to `deleting` and taking a lease exclude each other.* `mark` turns only what has no live
//!    lease and no reference in the same transaction; `take_lease` and `bind_lease` are refused
//!    while the digest is in `deleting`. So from the turn to `forget_deleted` nobody holds a lease.
//! 2. *A reference becomes ready only under a live lease* (or beside another ready reference), in
//!    one transaction. So from the turn to `forget_deleted` nobody gains a reference either.
//! 3. *An upload looks for its blob, or writes it, only under its lease*, after which by 1 the blob
//!    can't turn until the lease ends; and by 2 it ends after the reference, or there is none. A lease
//!    ends by [`runstone_store::BlobCatalogue::expire_leases`] or its owner, never by the clock alone: an upload that
//!    was slower than its lease is refused its reference, it does not lose a blob.
//! 4. *No request to delete outlives `deleting`.* A pass sends a deletion once, without a retry that might
//!    land later, only while its decision is younger than half of `deletion_settles`, and
//!    with a timeout that is at most a quarter of it. It forgets the mark only once the deletion has
//!    been answered. A decision whose pass died stays in `deleting` for `deletion_settles`, then
//!    another pass takes it over, deletes again and forgets it.
//!
//! Let a blob be referred to at some time, and take the last upload before it that held its lease. By
//! 3 the bytes were there under that lease. A deletion after that needs a turn after that, which by 1
//! and 2 finds the lease or the reference; a deletion before that was answered before its `forget_deleted`,
//! by 4, and so before the lease was taken, by 1. So the bytes are there.
//!
//! What 4 rests on, and can't prove: that a process which stands still between looking at its clock and
//! sending the request stands still for less than half of `deletion_settles`, and that a store has
//! done or dropped a request by then of which the client has given up. Within one process, as for a
//! folder, neither can happen: only one pass runs at a time, and none survives the process.
//!
//! Writes that land late do no harm: they bring the very bytes of their digest, which nobody refers
//! to, and the next two passes delete them. So does a deletion that a power loss undoes.
//!
//! # Why nothing is left
//!
//! Every object in the place is listed by every pass, whether the catalogue knows it or not. Unsent parts of a
//! bucket can't be listed, so their upload is noted with the lease before the first is sent, and a
//! lease that has ended is forgotten only after its upload was aborted.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectMeta;
use runstone_model::{BlobDigest, Timestamp};
use runstone_store::ExpiredLease;

use crate::BlobError;
use crate::blobs::{Blobs, add, subtract};
use crate::layout::{digest_from_object, lease_from_object};

/// So many blobs or leases are judged in one transaction.
const BATCH: usize = 1000;

/// What a pass of garbage collection found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectReport {
    /// Blobs that were listed.
    pub seen: u64,
    /// Objects that are not ours, which are left alone.
    pub foreign: u64,
    /// Deletions of a pass that died, taken over.
    pub taken_over: u64,
    /// Blobs that are gone, and that were listed with a size below.
    pub deleted: u64,
    /// Bytes that are free now, without those taken over.
    pub deleted_bytes: u64,
    /// Why some could not be deleted; a later pass tries again.
    pub failure: Option<String>,
}

/// What a sweep of uploads found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Leases that had ended and are forgotten.
    pub leases: u64,
    /// Staged objects without a lease that are gone.
    pub staged: u64,
    /// Why some could not be removed; a later sweep tries again.
    pub failure: Option<String>,
}

impl Blobs {
    /// One pass of garbage collection: marks what nobody wants, and deletes what was marked a grace
    /// period ago. Safe beside uploads and beside passes of other servers. Memory is bounded.
    ///
    /// # Errors
    /// `Conflict` if a pass of this process is under way; `Unavailable` when the place can't be listed. What was
    /// done until then stays done, and the next pass goes on.
    pub async fn collect(&self) -> Result<CollectReport, BlobError> {
        self.collect_after(self.times.grace).await
    }

    /// As [`Blobs::collect`], with another grace period. Safety does not rest on it: with none, two
    /// passes in a row delete what nobody wants now.
    ///
    /// # Errors
    /// Those of [`Blobs::collect`].
    pub async fn collect_after(&self, grace: Duration) -> Result<CollectReport, BlobError> {
        let Ok(_pass) = self.collecting.try_lock() else {
            return Err(BlobError::Conflict(
                "garbage is being collected already, or a copy is being made, hint: wait for that to end".to_owned(),
            ));
        };
        let mut report = CollectReport::default();
        self.finish_old_deletions(&mut report).await?;
        self.gate.pass("list the blobs").await;
        let mut batches = self.backend.list_blobs_unsorted().try_chunks(BATCH);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| error.1)?;
            self.judge(&batch, grace, &mut report).await?;
        }
        Ok(report)
    }

    /// Deletes again what a pass that died was deleting.
    async fn finish_old_deletions(&self, report: &mut CollectReport) -> Result<(), BlobError> {
        loop {
            let since = self.now();
            let before = subtract(since, self.times.deletion_settles);
            let taken = self
                .ask("take over deletions", move |catalogue| {
                    catalogue.take_over_deletions(since, before, BATCH)
                })
                .await?;
            if taken.is_empty() {
                return Ok(());
            }
            report.taken_over += taken.len() as u64;
            self.delete(taken, since, report).await?;
        }
    }

    async fn judge(
        &self,
        objects: &[ObjectMeta],
        grace: Duration,
        report: &mut CollectReport,
    ) -> Result<(), BlobError> {
        let sizes: BTreeMap<BlobDigest, u64> = objects
            .iter()
            .filter_map(|object| Some((digest_from_object(object)?, object.size)))
            .collect();
        report.seen += sizes.len() as u64;
        report.foreign += (objects.len() - sizes.len()) as u64;
        let since = self.now();
        let before = subtract(since, grace);
        let digests: Vec<BlobDigest> = sizes.keys().copied().collect();
        let turned = self
            .ask("mark", move |catalogue| {
                catalogue.mark(&digests, since, before)
            })
            .await?;
        let gone = self.delete(turned, since, report).await?;
        report.deleted_bytes += gone.iter().filter_map(|d| sizes.get(d)).sum::<u64>();
        Ok(())
    }

    /// Deletes what has turned to `deleting` at `since`, and forgets what is gone.
    async fn delete(
        &self,
        digests: Vec<BlobDigest>,
        since: Timestamp,
        report: &mut CollectReport,
    ) -> Result<Vec<BlobDigest>, BlobError> {
        if digests.is_empty() {
            return Ok(digests);
        }
        self.gate.pass("delete the blobs").await;
        if self.now() >= add(since, self.times.deletion_settles / 2) {
            report.failure = Some(format!(
                "the decision to delete {} blobs has aged, a later pass takes it over",
                digests.len()
            ));
            return Ok(Vec::new());
        }
        let (gone, failure) = self.backend.delete(&digests).await;
        if let Some(failure) = failure {
            report.failure = Some(failure.to_string());
        }
        report.deleted += gone.len() as u64;
        let forgotten = gone.clone();
        self.ask("forget the deleted", move |catalogue| {
            catalogue.forget_deleted(&forgotten, since)
        })
        .await?;
        Ok(gone)
    }

    /// Ends leases that have expired, and removes what uploads without a live lease have left.
    ///
    /// # Errors
    /// `Unavailable` when the place can't be listed. What was done until then stays done.
    pub async fn sweep_uploads(&self) -> Result<SweepReport, BlobError> {
        let mut report = SweepReport::default();
        loop {
            let now = self.now();
            let expired = self
                .ask("expire leases", move |catalogue| {
                    catalogue.expire_leases(now, BATCH)
                })
                .await?;
            let found = expired.len();
            let forgotten = self.sweep_leases(expired, &mut report).await?;
            // Those that could not be swept come again; they must not be waited for.
            if found < BATCH || forgotten == 0 {
                break;
            }
        }
        self.gate.pass("list the uploads").await;
        let mut batches = self.backend.list_uploads_unsorted().try_chunks(BATCH);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| error.1)?;
            self.sweep_staged(&batch, &mut report).await?;
        }
        Ok(report)
    }

    /// Removes what these leases have staged, then forgets them; returns how many.
    async fn sweep_leases(
        &self,
        expired: Vec<ExpiredLease>,
        report: &mut SweepReport,
    ) -> Result<usize, BlobError> {
        let mut swept = Vec::new();
        for ended in expired {
            self.gate.pass("discard what is staged").await;
            let discarded = self.backend.discard(ended.lease, ended.remains.as_deref());
            match discarded.await {
                Ok(()) => swept.push(ended.lease),
                Err(error) => report.failure = Some(error.to_string()),
            }
        }
        let count = swept.len();
        report.leases += count as u64;
        if count > 0 {
            self.ask("forget the leases", move |catalogue| {
                catalogue.forget_leases(&swept)
            })
            .await?;
        }
        Ok(count)
    }

    /// Removes staged objects whose lease is not known. A lease is taken before its upload stages
    /// anything, so one that is not known now is none that will be.
    async fn sweep_staged(
        &self,
        objects: &[ObjectMeta],
        report: &mut SweepReport,
    ) -> Result<(), BlobError> {
        let leases: Vec<_> = objects.iter().filter_map(lease_from_object).collect();
        let asked = leases.clone();
        let known = self
            .ask("look for leases", move |catalogue| {
                catalogue.known_leases(&asked)
            })
            .await?;
        for lease in leases.into_iter().filter(|lease| !known.contains(lease)) {
            self.gate.pass("discard what is staged").await;
            match self.backend.discard(lease, None).await {
                Ok(()) => report.staged += 1,
                Err(error) => report.failure = Some(error.to_string()),
            }
        }
        Ok(())
    }
}
