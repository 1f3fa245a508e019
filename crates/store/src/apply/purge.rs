//! Purge: deleted runs go for good, decided once for all engines.
//!
//! A purge is one step for readers: the run leaves the trash and is gone from every read. What an
//! engine still has of it is out of reach, and goes by and by. The surprising rule: a purged run
//! is never forgotten whole. Its writers keep their marks, and its id keeps a [`FormerRun`], so
//! that whatever they send later is still refused as deleted.

use runstone_model::{Generation, RunId, RunKey, Timestamp};

use super::context::ApplyContext;
use crate::{EditOutcome, EditRequest, StoreError};

/// A run that was deleted, in the trash or purged: what decides whether a late writer is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerRun {
    /// Its key.
    pub key: RunKey,
    /// The generation that a late writer is bound to; 0 once it is purged.
    pub generation: Generation,
    /// The server's clock when it was deleted.
    pub deleted_at: Timestamp,
    /// Whether it can't be taken back any more.
    pub is_purged: bool,
}

/// Purges runs that were deleted at or before `deleted_until`, those deleted first first, at most
/// `runs_max`; answers their ids. All of them take one change number.
///
/// # Errors
/// Only those of the context; rows may then be half written and all must be undone.
pub fn apply_purges(
    context: &mut impl ApplyContext,
    deleted_until: Timestamp,
    runs_max: usize,
) -> Result<Vec<RunId>, StoreError> {
    let expired = context.find_expired_runs(deleted_until, runs_max)?;
    if expired.is_empty() {
        return Ok(Vec::new());
    }
    let _ = context.next_change()?;
    for run in &expired {
        context.put_purge(run)?;
    }
    Ok(expired.into_iter().map(|row| row.run.id).collect())
}

/// Purges every deleted run of an id; one that lives beside them stays.
pub(super) fn purge(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    id: &RunId,
) -> Result<EditOutcome, StoreError> {
    let Some(mut row) = context.find_deleted_run(request.workspace, id)? else {
        return not_in_the_trash(context, request, id);
    };
    let change = context.next_change()?;
    loop {
        context.put_purge(&row)?;
        match context.find_deleted_run(request.workspace, id)? {
            Some(other) => row = other,
            None => return Ok(EditOutcome::Changed(change)),
        }
    }
}

fn not_in_the_trash(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    id: &RunId,
) -> Result<EditOutcome, StoreError> {
    if context.find_run(request.workspace, id)?.is_some() {
        return Ok(EditOutcome::Refused(StoreError::Conflict(format!(
            "run {id} lives, hint: delete it first"
        ))));
    }
    Ok(match context.find_former_run(request.workspace, id)? {
        Some(_) => EditOutcome::Unchanged,
        None => EditOutcome::Refused(StoreError::NotFound(format!(
            "there is no run {id}, hint: `runstone runs` lists ids"
        ))),
    })
}
