//! What people change: properties and tags of runs, deletion and its undoing.
//!
//! One run by any address, or many by their ids. An id in a list is taken as it stands, never as
//! the start of another one, so that a slip of the hand deletes nothing.

use crate::Service;
use crate::api::{
    EDIT_RUNS_MAX, EditAction, EditResult, EditsAnswer, EditsRequest, ItemError, RunEdit, RunItem,
};
use crate::error::{ErrorKind, ServiceError};
use crate::runs::run_item;
use runstone_model::{Principal, RunId};
use runstone_store::{EditOutcome, EditRequest, RunAction, RunChanges, StoreError};

impl Service {
    /// Changes properties and tags of a run; answers the run as it is then.
    ///
    /// # Errors
    /// `Forbidden` for a reader; `NotFound` and `Conflict` for the address; `Invalid` for a text,
    /// name or tag that is none.
    pub fn edit_run(
        &self,
        principal: &Principal,
        address: &str,
        edit: &RunEdit,
    ) -> Result<RunItem, ServiceError> {
        Self::may_write(principal)?;
        let action = RunAction::Change(run_changes(edit)?);
        let id = self.id_of(address)?;
        self.do_one(id.clone(), action)?;
        self.item_of(&id)
    }

    /// Deletes a run: gone from every read at once, and later frames of its writers are refused.
    /// A run that is deleted already, named by its id, is no error.
    ///
    /// # Errors
    /// `Forbidden` for a reader; `NotFound` and `Conflict` for the address.
    pub fn delete_run(&self, principal: &Principal, address: &str) -> Result<(), ServiceError> {
        Self::may_write(principal)?;
        let id = match self.id_of(address) {
            Err(error) if error.kind == ErrorKind::NotFound => {
                RunId::new(address).map_err(|_| error)?
            }
            found => found?,
        };
        self.do_one(id, RunAction::Delete)
    }

    /// Takes back the run of an id that was deleted last; answers the run as it is then.
    ///
    /// # Errors
    /// `Forbidden` for a reader; `NotFound` if no run of this id was deleted; `Conflict` while
    /// another run of the id lives.
    pub fn undelete_run(&self, principal: &Principal, id: &str) -> Result<RunItem, ServiceError> {
        Self::may_write(principal)?;
        let id = RunId::new(id).map_err(|error| {
            ServiceError::invalid(format!("`{id}` is no id: {error}"))
                .or_hint("a deleted run is named by its whole id")
        })?;
        self.do_one(id.clone(), RunAction::Undelete)?;
        self.item_of(&id)
    }

    /// Does the same with many runs; one that can't be done leaves the others alone.
    ///
    /// # Errors
    /// `Forbidden` for a reader; `Invalid` for no run, too many, or a change that no run can take.
    pub fn edit_runs(
        &self,
        principal: &Principal,
        request: &EditsRequest,
    ) -> Result<EditsAnswer, ServiceError> {
        Self::may_write(principal)?;
        if !(1..=EDIT_RUNS_MAX).contains(&request.runs.len()) {
            return Err(
                ServiceError::invalid(format!("{} runs are named", request.runs.len()))
                    .with_hint(format!("name 1 to {EDIT_RUNS_MAX} runs at once")),
            );
        }
        let action = match &request.action {
            EditAction::Edit { edit } => RunAction::Change(run_changes(edit)?),
            EditAction::Delete => RunAction::Delete,
            EditAction::Undelete => RunAction::Undelete,
            EditAction::Purge => RunAction::Purge,
        };
        let ids: Vec<Result<RunId, ServiceError>> = request
            .runs
            .iter()
            .map(|text| {
                RunId::new(text.as_str())
                    .map_err(|error| ServiceError::invalid(format!("`{text}` is no id: {error}")))
            })
            .collect();
        let good = ids.iter().filter_map(|id| id.as_ref().ok());
        let mut asked = EditRequest {
            workspace: self.workspace,
            runs: good.cloned().collect(),
            action,
            at: self.now(),
        };
        if matches!(asked.action, RunAction::Purge) {
            // Followers of changes hear of the deletion; of a purged run nothing is told.
            asked.action = RunAction::Delete;
            let _ = self.store.edit(&asked)?;
            asked.action = RunAction::Purge;
        }
        let answer = self.store.edit(&asked)?;
        let mut outcomes = answer.outcomes.into_iter();
        let results = request.runs.iter().zip(ids).map(|(run, id)| {
            let outcome = match id {
                Err(error) => Err(error),
                Ok(_) => match outcomes.next() {
                    Some(EditOutcome::Changed(_)) => Ok(false),
                    Some(EditOutcome::Unchanged) => Ok(true),
                    Some(EditOutcome::Refused(error)) => Err(ServiceError::from(error)),
                    None => Err(ServiceError::new(
                        ErrorKind::Internal,
                        "the store answered for too few runs",
                    )),
                },
            };
            EditResult {
                run: run.clone(),
                unchanged: *outcome.as_ref().unwrap_or(&false),
                error: outcome.err().map(item_error),
            }
        });
        Ok(EditsAnswer {
            change: answer.change.0,
            results: results.collect(),
        })
    }

    fn id_of(&self, address: &str) -> Result<RunId, ServiceError> {
        let snapshot = self.store.snapshot()?;
        Ok(self.find_run(&*snapshot, address)?.run.id)
    }

    fn item_of(&self, id: &RunId) -> Result<RunItem, ServiceError> {
        let snapshot = self.store.snapshot()?;
        Ok(run_item(&self.find_run(&*snapshot, id.as_str())?))
    }

    pub(crate) fn do_one(&self, id: RunId, action: RunAction) -> Result<(), ServiceError> {
        let answer = self.store.edit(&EditRequest {
            workspace: self.workspace,
            runs: vec![id],
            action,
            at: self.now(),
        })?;
        match answer.outcomes.into_iter().next() {
            Some(EditOutcome::Changed(_) | EditOutcome::Unchanged) => Ok(()),
            Some(EditOutcome::Refused(error)) => Err(error.into()),
            None => Err(ServiceError::new(
                ErrorKind::Internal,
                "the store answered for no run",
            )),
        }
    }
}

/// What the store is to change; everything that holds for each run alike is checked here.
fn run_changes(edit: &RunEdit) -> Result<RunChanges, StoreError> {
    let mut changes = RunChanges::default();
    if let Some(name) = &edit.name {
        changes.set_name(name)?;
    }
    if let Some(description) = &edit.description {
        changes.set_description(description)?;
    }
    if let Some(experiment) = &edit.experiment {
        changes.set_experiment(experiment)?;
    }
    if let Some(archived) = edit.archived {
        changes.set_archived(archived);
    }
    if let Some(tags) = &edit.tags {
        changes.set_tags(tags.iter().map(String::as_str))?;
    }
    changes.add_tags(edit.add_tags.iter().map(String::as_str))?;
    changes.remove_tags(edit.remove_tags.iter().map(String::as_str))?;
    Ok(changes)
}

fn item_error(error: ServiceError) -> ItemError {
    ItemError {
        kind: error.kind.as_str().to_owned(),
        detail: error.message,
        hint: error.hint,
    }
}

#[cfg(test)]
mod tests;
