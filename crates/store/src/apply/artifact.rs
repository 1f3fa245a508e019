//! Artifacts of a run: versions that refer to blobs, decided once for all engines.
//!
//! A version whose bytes are still to come is pending, and is replaced by the next one of its path:
//! nobody has ever read it. A reference is kept a (run, digest), however many versions have that
//! digest, and goes with the last of them.

use runstone_model::{ArtifactPath, RunId, RunKey};

use super::blobs::{add_blob_reference, check_blob_lease, settle_blob};
use super::context::{ApplyContext, RunRow};
use super::edit::not_living;
use crate::{
    ARTIFACTS_IN_RUN_MAX, ArtifactPut, ArtifactRecord, ChangeKind, ChangeRow, EditOutcome,
    EditRequest, ReferenceKind, StoreError,
};

const KIND: ReferenceKind = ReferenceKind::Artifact;

/// Adds a version, or makes the pending one of these bytes ready.
pub(super) fn put_artifact(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    id: &RunId,
    put: &ArtifactPut,
) -> Result<EditOutcome, StoreError> {
    let Some(row) = context.find_run(request.workspace, id)? else {
        return not_living(context, request, id);
    };
    if let Some(lease) = put.lease {
        match check_blob_lease(context, lease, put.digest) {
            Ok(()) => {}
            Err(refusal @ StoreError::Conflict(_)) => return Ok(EditOutcome::Refused(refusal)),
            Err(error) => return Err(error),
        }
    }
    let versions = context.read_artifact(row.key, &put.path)?;
    let newest = versions.last();
    let same = newest.filter(|newest| {
        newest.digest == put.digest
            && newest.bytes == put.bytes
            && newest.media_type == put.media_type
    });
    let pending = newest.filter(|newest| newest.pending_until.is_some());
    if same.or(pending).is_none() && context.count_artifacts(row.key)? >= ARTIFACTS_IN_RUN_MAX {
        return Ok(EditOutcome::Refused(StoreError::Invalid(format!(
            "a run can't have more than {ARTIFACTS_IN_RUN_MAX} artifacts, hint: pack small files \
             into one"
        ))));
    }
    let artifact = ArtifactRecord {
        path: put.path.clone(),
        version: match (same.or(pending), newest) {
            (Some(taken), _) => taken.version,
            (None, Some(newest)) => newest.version.saturating_add(1),
            (None, None) => 1,
        },
        digest: put.digest,
        bytes: put.bytes,
        media_type: put.media_type.clone(),
        created_at: same.map_or(request.at, |same| same.created_at),
        pending_until: None,
    };
    let former = context.find_blob_reference(row.key, KIND, put.digest)?;
    let (bytes, until) = (Some(put.bytes), put.pending_until);
    let reference = add_blob_reference(context, row.key, KIND, put.digest, bytes, until)?;
    let artifact = ArtifactRecord {
        bytes: reference.bytes.unwrap_or(put.bytes),
        ..artifact
    };
    context.put_artifact(row.key, &artifact)?;
    if let Some(replaced) = pending.filter(|pending| pending.digest != put.digest) {
        release(context, row.key, replaced)?;
    }
    let mut runs = match put.lease {
        Some(lease) => settle_blob(context, lease, put.digest, put.bytes)?,
        None => Vec::new(),
    };
    let is_new = same.is_none() || former != Some(reference);
    if is_new && !runs.contains(&row.key) {
        runs.push(row.key);
    }
    tell(context, request, &row, &runs)
}

/// Removes a version of an artifact, or all of them.
pub(super) fn remove_artifact(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    id: &RunId,
    path: &ArtifactPath,
    version: Option<u32>,
) -> Result<EditOutcome, StoreError> {
    let Some(row) = context.find_run(request.workspace, id)? else {
        return not_living(context, request, id);
    };
    let mut versions = context.read_artifact(row.key, path)?;
    versions.retain(|one| version.is_none_or(|version| version == one.version));
    if versions.is_empty() {
        let which = version.map_or(String::new(), |version| format!("version {version} of "));
        return Ok(EditOutcome::Refused(StoreError::NotFound(format!(
            "run {id} has no {which}artifact {path}, hint: `runstone artifact list {id}` lists \
             what it has"
        ))));
    }
    for one in &versions {
        context.remove_artifact(row.key, path, one.version)?;
    }
    for one in &versions {
        release(context, row.key, one)?;
    }
    tell(context, request, &row, &[row.key])
}

/// Drops the reference of a version that is gone, unless another one has the same bytes.
fn release(
    context: &mut impl ApplyContext,
    run: RunKey,
    artifact: &ArtifactRecord,
) -> Result<(), StoreError> {
    if context.holds_artifact(run, artifact.digest)? {
        return Ok(());
    }
    context.remove_blob_reference(run, KIND, artifact.digest)
}

/// Takes a change number for each run whose artifacts have changed and that lives; the one that was
/// asked for comes last, so that its change is the newest.
fn tell(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    asked: &RunRow,
    runs: &[RunKey],
) -> Result<EditOutcome, StoreError> {
    for run in runs.iter().filter(|run| **run != asked.key) {
        if let Some(row) = context.read_run(*run)? {
            tell_one(context, request, row)?;
        }
    }
    if !runs.contains(&asked.key) {
        return Ok(EditOutcome::Unchanged);
    }
    tell_one(context, request, asked.clone())
}

fn tell_one(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    mut row: RunRow,
) -> Result<EditOutcome, StoreError> {
    row.changed = context.next_change()?;
    context.put_run(&row, false)?;
    context.push_change(&ChangeRow {
        change: row.changed,
        at: request.at,
        run: row.key,
        experiment: row.run.experiment,
        former_experiment: None,
        kinds: [ChangeKind::Artifacts].into_iter().collect(),
    })?;
    Ok(EditOutcome::Changed(row.changed))
}
