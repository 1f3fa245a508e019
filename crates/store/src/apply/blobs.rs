//! Leases, marks and references of blobs, decided once for all engines.
//!
//! Each function is a call of [`crate::BlobCatalogue`], inside one transaction of the engine. One
//! that answers `Conflict` or `Invalid` has written nothing. Why no blob is lost by these rules is
//! argued in `crates/blobs`, in its sweep.

use runstone_model::{BlobDigest, BlobLeaseId, RunKey, Timestamp};

use super::blob_context::{BlobContext, BlobLease, BlobMark};
use crate::{
    BlobReference, ExpiredLease, LEASE_REMAINS_BYTES_MAX, LeaseAnswer, ReferenceKind, StoreError,
};

/// [`crate::BlobCatalogue::take_lease`].
///
/// # Errors
/// Those of the context.
pub fn take_blob_lease(
    context: &mut impl BlobContext,
    digest: Option<BlobDigest>,
    expires_at: Timestamp,
) -> Result<LeaseAnswer, StoreError> {
    if let Some(digest) = digest
        && !unmark(context, digest)?
    {
        return Ok(LeaseAnswer::Deleting);
    }
    let lease = context.next_blob_lease()?;
    let row = BlobLease {
        digest,
        expires_at,
        ended: false,
        remains: None,
    };
    context.put_blob_lease(lease, &row)?;
    Ok(LeaseAnswer::Held(lease))
}

/// [`crate::BlobCatalogue::bind_lease`].
///
/// # Errors
/// `Conflict` if the lease has ended or is bound to another digest; those of the context.
pub fn bind_blob_lease(
    context: &mut impl BlobContext,
    lease: BlobLeaseId,
    digest: BlobDigest,
    expires_at: Timestamp,
) -> Result<LeaseAnswer, StoreError> {
    let mut row = live_lease(context, lease)?;
    if let Some(other) = row.digest.filter(|bound| *bound != digest) {
        return Err(StoreError::Conflict(format!(
            "lease {lease} is on {other}, it can't be bound to {digest}"
        )));
    }
    if !unmark(context, digest)? {
        return Ok(LeaseAnswer::Deleting);
    }
    row.digest = Some(digest);
    row.expires_at = expires_at;
    context.put_blob_lease(lease, &row)?;
    Ok(LeaseAnswer::Held(lease))
}

/// [`crate::BlobCatalogue::note_remains`].
///
/// # Errors
/// `Conflict` if the lease has ended; `Invalid` for a text that is too long; those of the context.
pub fn note_blob_remains(
    context: &mut impl BlobContext,
    lease: BlobLeaseId,
    remains: &str,
) -> Result<Option<String>, StoreError> {
    if remains.len() > LEASE_REMAINS_BYTES_MAX {
        return Err(StoreError::Invalid(format!(
            "the note of an upload has {} bytes, the limit is {LEASE_REMAINS_BYTES_MAX}",
            remains.len()
        )));
    }
    let mut row = live_lease(context, lease)?;
    let former = row.remains.replace(remains.to_owned());
    context.put_blob_lease(lease, &row)?;
    Ok(former)
}

/// [`crate::BlobCatalogue::renew_lease`].
///
/// # Errors
/// `Conflict` if the lease has ended; those of the context.
pub fn renew_blob_lease(
    context: &mut impl BlobContext,
    lease: BlobLeaseId,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let mut row = live_lease(context, lease)?;
    row.expires_at = expires_at;
    context.put_blob_lease(lease, &row)
}

/// [`crate::BlobCatalogue::expire_leases`].
///
/// # Errors
/// Those of the context.
pub fn expire_blob_leases(
    context: &mut impl BlobContext,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<ExpiredLease>, StoreError> {
    context.end_blob_leases(now)?;
    context.scan_ended_leases(limit)
}

/// [`crate::BlobCatalogue::mark`].
///
/// # Errors
/// Those of the context.
pub fn mark_blobs(
    context: &mut impl BlobContext,
    digests: &[BlobDigest],
    now: Timestamp,
    marked_before: Timestamp,
) -> Result<Vec<BlobDigest>, StoreError> {
    let mut turned = Vec::new();
    for digest in digests {
        let mark = context.find_blob_mark(*digest)?;
        if mark.is_some_and(|mark| mark.deleting) {
            continue;
        }
        let wanted = context.is_blob_wanted(*digest, now)?;
        let new = match mark {
            None if wanted => continue,
            Some(_) if wanted => None,
            None => Some(BlobMark {
                deleting: false,
                since: now,
            }),
            Some(mark) if mark.since <= marked_before => {
                turned.push(*digest);
                Some(BlobMark {
                    deleting: true,
                    since: now,
                })
            }
            Some(_) => continue,
        };
        context.put_blob_mark(*digest, new)?;
    }
    Ok(turned)
}

/// [`crate::BlobCatalogue::take_over_deletions`].
///
/// # Errors
/// Those of the context.
pub fn take_over_blob_deletions(
    context: &mut impl BlobContext,
    now: Timestamp,
    since_before: Timestamp,
    limit: usize,
) -> Result<Vec<BlobDigest>, StoreError> {
    let taken = context.scan_old_deletions(since_before, limit)?;
    for digest in &taken {
        let mark = BlobMark {
            deleting: true,
            since: now,
        };
        context.put_blob_mark(*digest, Some(mark))?;
    }
    Ok(taken)
}

/// [`crate::BlobCatalogue::forget_deleted`].
///
/// # Errors
/// Those of the context.
pub fn forget_deleted_blobs(
    context: &mut impl BlobContext,
    digests: &[BlobDigest],
    since: Timestamp,
) -> Result<(), StoreError> {
    let ours = BlobMark {
        deleting: true,
        since,
    };
    for digest in digests {
        if context.find_blob_mark(*digest)? == Some(ours) {
            context.put_blob_mark(*digest, None)?;
        }
    }
    Ok(())
}

/// Notes that something of this kind in a run refers to a blob: ready if another ready reference to
/// it is there, else pending until `pending_until`. One that is there stays, and waits no shorter
/// than before.
///
/// # Errors
/// Those of the context.
pub fn add_blob_reference(
    context: &mut impl BlobContext,
    run: RunKey,
    kind: ReferenceKind,
    digest: BlobDigest,
    bytes: Option<u64>,
    pending_until: Timestamp,
) -> Result<BlobReference, StoreError> {
    let former = context.find_blob_reference(run, kind, digest)?;
    let ready = context.find_ready_reference(digest)?;
    let pending_until = match former.map(|former| former.pending_until) {
        Some(None) => None,
        _ if ready.is_some() => None,
        Some(Some(until)) => Some(until.max(pending_until)),
        None => Some(pending_until),
    };
    let reference = BlobReference {
        digest,
        run,
        kind,
        // What is there tells more than what was announced.
        bytes: (ready.and_then(|ready| ready.bytes))
            .or(bytes)
            .or(former.and_then(|former| former.bytes)),
        pending_until,
    };
    if former != Some(reference) {
        context.put_blob_reference(&reference)?;
    }
    Ok(reference)
}

/// Ends the lease of a blob that is there, and makes all references to it ready; answers the runs
/// of those that were pending. What refers to it must have been added before.
///
/// # Errors
/// Those of the context. The lease was checked by [`check_blob_lease`] in the same transaction.
pub(super) fn settle_blob(
    context: &mut impl BlobContext,
    lease: BlobLeaseId,
    digest: BlobDigest,
    bytes: u64,
) -> Result<Vec<RunKey>, StoreError> {
    context.remove_blob_lease(lease)?;
    context.ready_blob_references(digest, bytes)
}

/// Whether a lease permits a reference to `digest`.
///
/// # Errors
/// `Conflict` if it has ended or is not on that digest; those of the context.
pub(super) fn check_blob_lease(
    context: &mut impl BlobContext,
    lease: BlobLeaseId,
    digest: BlobDigest,
) -> Result<(), StoreError> {
    if live_lease(context, lease)?.digest == Some(digest) {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "lease {lease} is not one on {digest}, hint: upload the bytes again"
    )))
}

/// Removes the mark `marked`; whether the digest can be leased, which it can't while it is deleted.
fn unmark(context: &mut impl BlobContext, digest: BlobDigest) -> Result<bool, StoreError> {
    match context.find_blob_mark(digest)? {
        Some(mark) if mark.deleting => return Ok(false),
        Some(_) => context.put_blob_mark(digest, None)?,
        None => {}
    }
    Ok(true)
}

fn live_lease(context: &mut impl BlobContext, lease: BlobLeaseId) -> Result<BlobLease, StoreError> {
    match context.find_blob_lease(lease)? {
        Some(row) if !row.ended => Ok(row),
        _ => Err(StoreError::Conflict(format!(
            "lease {lease} of an upload has ended, hint: upload the bytes again"
        ))),
    }
}
