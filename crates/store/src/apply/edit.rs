//! What people change of runs, decided once for all engines: edits, deletion and its undoing.
//!
//! Each run of a request is looked at by itself and changed whole or not at all; each that is
//! changed takes one change number. What a person sets wins over what the run's script gave when
//! it opened the run: [`Overridden`] remembers the script's words, so that the same script, opening
//! the run again, does not undo the person's; other words than before, and every later call of the
//! script, count as new and are taken.

use std::collections::BTreeSet;

use runstone_model::{ExperimentKey, RunId, TagName};

use super::artifact::{put_artifact, remove_artifact};
use super::context::{ApplyContext, RunRow, WarningKind};
use super::limits::TAGS_IN_RUN_MAX;
use super::purge::purge;
use crate::edit::too_many_tags;
use crate::{
    ChangeKind, ChangeRow, EditAnswer, EditOutcome, EditRequest, RunAction, RunChanges, StoreError,
};

/// What a run's script gave and a person has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overridden {
    /// The name that the script gave.
    pub name: Option<String>,
    /// The description that the script gave.
    pub description: Option<String>,
    /// The experiment that the script named.
    pub experiment: Option<ExperimentKey>,
    /// Tags that the script gave and a person took away.
    pub tags: BTreeSet<TagName>,
}

/// Applies a request to the rows of an engine.
///
/// # Errors
/// Only those of the context; rows may then be half written and the whole request must be undone.
pub fn apply_edits(
    context: &mut impl ApplyContext,
    request: &EditRequest,
) -> Result<EditAnswer, StoreError> {
    let mut outcomes = Vec::with_capacity(request.runs.len());
    for run in &request.runs {
        outcomes.push(match &request.action {
            RunAction::Change(changes) => change(context, request, run, changes)?,
            RunAction::Delete => delete(context, request, run)?,
            RunAction::Undelete => undelete(context, request, run)?,
            RunAction::Purge => purge(context, request, run)?,
            RunAction::PutArtifact(put) => put_artifact(context, request, run, put)?,
            RunAction::RemoveArtifact { path, version } => {
                remove_artifact(context, request, run, path, *version)?
            }
        });
    }
    Ok(EditAnswer {
        change: context.change_number()?,
        outcomes,
    })
}

fn change(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    id: &RunId,
    changes: &RunChanges,
) -> Result<EditOutcome, StoreError> {
    let Some(former) = context.find_run(request.workspace, id)? else {
        return not_living(context, request, id);
    };
    let mut row = former.clone();
    if let Err(refusal) = change_tags(&mut row, changes) {
        return Ok(EditOutcome::Refused(refusal));
    }
    change_text(
        &mut row.run.name,
        &mut row.overridden.name,
        changes.name.as_ref(),
    );
    change_text(
        &mut row.run.description,
        &mut row.overridden.description,
        changes.description.as_ref(),
    );
    row.run.archived = changes.archived.unwrap_or(row.run.archived);
    if let Some(name) = &changes.experiment {
        let experiment = match context.find_experiment(request.workspace, name)? {
            Some(known) => known,
            None => context.create_experiment(request.workspace, name, request.at)?,
        };
        if experiment != row.run.experiment {
            row.overridden.experiment.get_or_insert(row.run.experiment);
            row.run.experiment = experiment;
        }
    }
    if row.run == former.run {
        return Ok(EditOutcome::Unchanged);
    }
    row.changed = context.next_change()?;
    context.put_run(&row, true)?;
    let (one, other) = (&former.run, &row.run);
    let same_properties = one.name == other.name
        && one.description == other.description
        && one.experiment == other.experiment
        && one.archived == other.archived;
    let kinds = [
        (!same_properties).then_some(ChangeKind::Properties),
        (one.tags != other.tags).then_some(ChangeKind::Tags),
    ];
    keep(
        context,
        request,
        &row,
        former.run.experiment,
        kinds.into_iter().flatten(),
    )
}

/// Keeps what was changed in the journal.
fn keep(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    row: &RunRow,
    former_experiment: ExperimentKey,
    kinds: impl IntoIterator<Item = ChangeKind>,
) -> Result<EditOutcome, StoreError> {
    let experiment = row.run.experiment;
    context.push_change(&ChangeRow {
        change: row.changed,
        at: request.at,
        run: row.key,
        experiment,
        former_experiment: Some(former_experiment).filter(|former| *former != experiment),
        kinds: kinds.into_iter().collect(),
    })?;
    Ok(EditOutcome::Changed(row.changed))
}

fn change_tags(row: &mut RunRow, changes: &RunChanges) -> Result<(), StoreError> {
    let former = &row.run.tags;
    let mut tags = changes.tags.clone().unwrap_or_else(|| former.clone());
    tags.extend(changes.add_tags.iter().cloned());
    tags.retain(|tag| !changes.remove_tags.contains(tag));
    if tags.len() > TAGS_IN_RUN_MAX && tags.len() > former.len() {
        return Err(too_many_tags());
    }
    let taken_away = former.difference(&tags).cloned();
    row.overridden.tags.extend(taken_away);
    row.overridden.tags.retain(|tag| !tags.contains(tag));
    row.run.tags = tags;
    Ok(())
}

/// Sets a text, or takes it away; keeps what the script gave first.
fn change_text(
    target: &mut Option<String>,
    overridden: &mut Option<String>,
    given: Option<&String>,
) {
    let Some(given) = given else { return };
    let given = Some(given).filter(|text| !text.is_empty()).cloned();
    if *target == given {
        return;
    }
    let former = std::mem::replace(target, given);
    if overridden.is_none() {
        *overridden = former;
    }
}

fn delete(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    id: &RunId,
) -> Result<EditOutcome, StoreError> {
    let Some(mut row) = context.find_run(request.workspace, id)? else {
        let deleted = context.find_deleted_run(request.workspace, id)?;
        return match deleted {
            Some(_) => Ok(EditOutcome::Unchanged),
            None => not_living(context, request, id),
        };
    };
    row.deleted_at = Some(request.at);
    row.changed = context.next_change()?;
    context.put_deletion(&row)?;
    let experiment = row.run.experiment;
    keep(context, request, &row, experiment, [ChangeKind::Deleted])
}

fn undelete(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    id: &RunId,
) -> Result<EditOutcome, StoreError> {
    let lives = context.find_run(request.workspace, id)?.is_some();
    let deleted = context.find_deleted_run(request.workspace, id)?;
    let mut row = match (lives, deleted) {
        (true, None) => return Ok(EditOutcome::Unchanged),
        (true, Some(_)) => {
            return Ok(EditOutcome::Refused(StoreError::Conflict(format!(
                "another run {id} lives, hint: delete that one first"
            ))));
        }
        (false, None) => {
            let former = context.find_former_run(request.workspace, id)?;
            let reason = if former.is_some() {
                format!("run {id} was deleted for good, hint: log to a new run")
            } else {
                format!(
                    "no run {id} was deleted, hint: `runstone runs --deleted` lists those that were"
                )
            };
            return Ok(EditOutcome::Refused(StoreError::NotFound(reason)));
        }
        (false, Some(row)) => row,
    };
    let refused_before = row.completeness.refused_points;
    // Its writers have gone on counting.
    row.completeness = context.sum_completeness(row.key)?;
    row.deleted_at = None;
    row.changed = context.next_change()?;
    context.put_deletion(&row)?;
    let refused = row
        .completeness
        .refused_points
        .saturating_sub(refused_before);
    let mut kinds = vec![ChangeKind::Undeleted];
    if refused > 0 {
        kinds.push(ChangeKind::Warnings);
        let detail = format!("{refused} points came while the run was deleted");
        context.add_warning(row.key, WarningKind::Refused, refused, &detail, request.at)?;
    }
    let experiment = row.run.experiment;
    keep(context, request, &row, experiment, kinds)
}

/// Why a run can't be changed that does not live.
pub(super) fn not_living(
    context: &mut impl ApplyContext,
    request: &EditRequest,
    id: &RunId,
) -> Result<EditOutcome, StoreError> {
    let deleted = context.find_deleted_run(request.workspace, id)?;
    let reason = if deleted.is_some() {
        format!("run {id} was deleted, hint: take it back with `runstone undelete {id}`")
    } else {
        format!("there is no run {id}, hint: `runstone runs` lists ids")
    };
    Ok(EditOutcome::Refused(StoreError::NotFound(reason)))
}

impl Overridden {
    /// Whether an opening gives a name that a person has replaced.
    pub(super) fn holds_name(&self, given: Option<&String>) -> bool {
        given.is_some() && self.name.as_ref() == given
    }

    /// Whether an opening gives a description that a person has replaced.
    pub(super) fn holds_description(&self, given: Option<&String>) -> bool {
        given.is_some() && self.description.as_ref() == given
    }
}
