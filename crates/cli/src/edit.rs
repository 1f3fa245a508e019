//! `runstone edit`, `runstone delete` and `runstone undelete`.
//!
//! Each run is done by itself: one that can't be done is told on standard error and leaves the
//! others alone, and the exit code is that of the first such error.

use crate::arguments::{
    Arguments, ChangeArguments, DeleteArguments, EditArguments, UndeleteArguments,
};
use crate::backend::Backend;
use crate::failure::{Failure, Outcome};
use crate::format::counted;
use crate::output::Output;
use runstone_service::api::{
    EDIT_RUNS_MAX, EditAction, EditResult, EditsAnswer, EditsRequest, ItemError, RunEdit,
};
use runstone_service::{ErrorKind, ServiceError};
use serde::Serialize;

#[derive(Serialize)]
struct EditsDocument<'a> {
    version: u32,
    #[serde(flatten)]
    answer: &'a EditsAnswer,
}

/// Changes properties and tags.
pub(crate) fn edit(arguments: &Arguments, asked: &EditArguments, output: &mut Output) -> Outcome {
    let edit = run_edit(&asked.changes);
    let backend = Backend::open(arguments)?;
    let answer = do_with(&backend, &asked.runs, true, &EditAction::Edit { edit })?;
    drop(backend);
    if !asked.json {
        let (changed, unchanged) = done(&answer);
        if !changed.is_empty() {
            let count = counted(changed.len() as u64, "run");
            output.line(&format!("edited {count}: {}", changed.join(" ")))?;
        }
        if !unchanged.is_empty() {
            output.line(&format!("as asked already: {}", unchanged.join(" ")))?;
        }
    }
    finish(&answer, asked.json, output)
}

/// Deletes runs, and says how to take them back.
pub(crate) fn delete(
    arguments: &Arguments,
    asked: &DeleteArguments,
    output: &mut Output,
) -> Outcome {
    let backend = Backend::open(arguments)?;
    let action = if asked.now {
        EditAction::Purge
    } else {
        EditAction::Delete
    };
    let answer = do_with(&backend, &asked.runs, true, &action)?;
    drop(backend);
    if !asked.json {
        let (changed, unchanged) = done(&answer);
        if !changed.is_empty() {
            let count = counted(changed.len() as u64, "run");
            if asked.now {
                output.line(&format!("deleted {count} for good: {}", changed.join(" ")))?;
                output.line("`runstone gc` gives the space back to the disk")?;
            } else {
                output.line(&format!("deleted {count}"))?;
                // Never cut: it is there to be copied.
                output.verbatim(&format!(
                    "take back with: runstone undelete {}\n",
                    changed.join(" ")
                ))?;
            }
        }
        if !unchanged.is_empty() {
            output.line(&format!("deleted already: {}", unchanged.join(" ")))?;
        }
    }
    finish(&answer, asked.json, output)
}

/// Takes deleted runs back.
pub(crate) fn undelete(
    arguments: &Arguments,
    asked: &UndeleteArguments,
    output: &mut Output,
) -> Outcome {
    let backend = Backend::open(arguments)?;
    let answer = do_with(&backend, &asked.runs, false, &EditAction::Undelete)?;
    drop(backend);
    if !asked.json {
        let (changed, unchanged) = done(&answer);
        if !changed.is_empty() {
            let count = counted(changed.len() as u64, "run");
            output.line(&format!("took back {count}: {}", changed.join(" ")))?;
        }
        if !unchanged.is_empty() {
            output.line(&format!("not deleted: {}", unchanged.join(" ")))?;
        }
    }
    finish(&answer, asked.json, output)
}

fn run_edit(changes: &ChangeArguments) -> RunEdit {
    RunEdit {
        name: changes.name.clone(),
        description: changes.description.clone(),
        experiment: changes.experiment.clone(),
        archived: match (changes.archive, changes.unarchive) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        tags: None,
        add_tags: changes.tags.clone(),
        remove_tags: changes.untags.clone(),
    }
}

/// Does it with each run, in the order asked. With `by_address` a run may be given by the start of
/// its id or by its name.
fn do_with(
    backend: &Backend,
    runs: &[String],
    by_address: bool,
    action: &EditAction,
) -> Result<EditsAnswer, ServiceError> {
    let mut ids = Vec::with_capacity(runs.len());
    for run in runs {
        let id = match by_address {
            true => find_id(backend, run),
            false => Ok(run.clone()),
        };
        match id {
            // A server that does not answer is nothing that concerns this run alone.
            Err(error) if !concerns_one_run(error.kind) => return Err(error),
            id => ids.push(id),
        }
    }
    let found: Vec<&String> = ids.iter().filter_map(|id| id.as_ref().ok()).collect();
    let mut answer = EditsAnswer::default();
    let mut done = Vec::new();
    for chunk in found.chunks(EDIT_RUNS_MAX) {
        let part = backend.edit_runs(&EditsRequest {
            runs: chunk.iter().map(|id| (*id).clone()).collect(),
            action: action.clone(),
        })?;
        answer.change = part.change;
        done.extend(part.results);
    }
    let mut done = done.into_iter();
    for (run, id) in runs.iter().zip(ids) {
        answer.results.push(match id {
            Ok(_) => done.next().ok_or_else(|| {
                ServiceError::new(ErrorKind::Internal, "the answer has too few results")
            })?,
            Err(error) => EditResult {
                run: run.clone(),
                unchanged: false,
                error: Some(ItemError {
                    kind: error.kind.as_str().to_owned(),
                    detail: error.message,
                    hint: error.hint,
                }),
            },
        });
    }
    Ok(answer)
}

/// The id that an address means. A deleted run is not found; its whole id is passed on, so that
/// deleting it twice is no error.
fn find_id(backend: &Backend, address: &str) -> Result<String, ServiceError> {
    match backend.get_run(address) {
        Ok(run) => Ok(run.run.id.to_string()),
        Err(error) if error.kind == ErrorKind::NotFound => {
            if backend.is_deleted(address)? {
                Ok(address.to_owned())
            } else {
                Err(error)
            }
        }
        Err(error) => Err(error),
    }
}

fn concerns_one_run(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Invalid
    )
}

/// Runs that were changed, and those that were as asked.
fn done(answer: &EditsAnswer) -> (Vec<&str>, Vec<&str>) {
    let good = answer.results.iter().filter(|one| one.error.is_none());
    let (unchanged, changed): (Vec<_>, Vec<_>) = good.partition(|one| one.unchanged);
    (ids(&changed), ids(&unchanged))
}

fn ids<'a>(results: &[&'a EditResult]) -> Vec<&'a str> {
    results.iter().map(|one| one.run.as_str()).collect()
}

/// Prints JSON where asked, tells of what was not done, and answers the exit code.
fn finish(answer: &EditsAnswer, json: bool, output: &mut Output) -> Outcome {
    if json {
        output.json(&EditsDocument { version: 1, answer })?;
    }
    output.flush()?;
    let mut code = 0;
    for error in answer.results.iter().filter_map(|one| one.error.as_ref()) {
        let kind = ErrorKind::from_name(&error.kind).unwrap_or(ErrorKind::Internal);
        let mut told = ServiceError::new(kind, error.detail.clone());
        told.hint.clone_from(&error.hint);
        if code == 0 {
            code = kind.exit_code();
        }
        Failure::from(told).report();
    }
    Ok(code)
}
