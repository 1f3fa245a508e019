//! A writer opens its run: creates it, resumes it or attaches to it.

use runstone_model::{
    Actor, AppendNumber, DESCRIPTION_BYTES_MAX, ExperimentKey, ExperimentName, ForkPin, Generation,
    LifecycleEvent, ModelError, ParamPath, Params, Run, RunKey, RunState, SHORT_TEXT_BYTES_MAX,
    Timestamp, check_text, transition,
};
use runstone_wire::{IfPresent, OpenMode, OpenRun, OperationError, RefusalCode};

use super::context::{ApplyContext, RunRow, WarningKind};
use super::edit::Overridden;
use super::frame::{Applying, Outcome, Stop, refuse};
use super::limits::{FORK_DEPTH_MAX, TAGS_IN_RUN_MAX};
use super::params::merge_settings;
use super::purge::FormerRun;
use crate::{ChangeKind, EventRecord, RunCompleteness, StoreError};

impl<C: ApplyContext> Applying<'_, C> {
    /// The run of this frame, from here on. Said again by the same writer it changes nothing:
    /// a base frame repeats all declarations.
    pub(super) fn open_run(&mut self, open: &OpenRun, if_present: IfPresent) -> Outcome {
        if self.writer.run.is_some() {
            return self.run().map(|_| ());
        }
        check_texts(open)?;
        let workspace = self.prepared.workspace;
        let found = self.context.find_run(workspace, &self.prepared.frame.run)?;
        let creates = open.mode == OpenMode::Create;
        match found {
            None => self.open_unknown(open),
            // A base frame tells what the store has known and lost: the run may be its own.
            Some(_) if creates && if_present == IfPresent::Refuse && !self.prepared.frame.base => {
                refuse(
                    RefusalCode::Exists,
                    format!("run {} exists already", self.prepared.frame.run),
                )
            }
            Some(run) => self.attach_run(run, open),
        }
    }

    /// No run of this id lives: it is new, or was deleted.
    fn open_unknown(&mut self, open: &OpenRun) -> Outcome {
        let id = self.prepared.frame.run.clone();
        let deleted = self.context.find_former_run(self.prepared.workspace, &id)?;
        let resumes = open.mode == OpenMode::Resume;
        let Some(deleted) = deleted else {
            if resumes {
                return refuse(
                    RefusalCode::NotFound,
                    format!("there is no run {id} to resume"),
                );
            }
            return self.create_run(open);
        };
        let belongs = self.belongs_to_deleted(&deleted, open)?;
        if belongs {
            self.writer.run = Some(deleted.key);
            self.writer.generation = deleted.generation;
            self.writer_changed = true;
        }
        if belongs || resumes {
            let reason = if deleted.is_purged {
                format!("run {id} was deleted for good, hint: log to a new run")
            } else {
                format!(
                    "run {id} was deleted, hint: take it back with `runstone undelete {id}`, or \
                     log to a new run"
                )
            };
            return refuse(RefusalCode::Deleted, reason);
        }
        self.create_run(open)
    }

    /// Whether a writer is one of a deleted run and only comes late, rather than the first of a
    /// new run with the same id: its script opened it before the deletion, or its process was
    /// forked by one that wrote to the deleted run. Clocks are compared by the server's, as far as
    /// the frame tells how the client's differs.
    fn belongs_to_deleted(
        &mut self,
        deleted: &FormerRun,
        open: &OpenRun,
    ) -> Result<bool, StoreError> {
        let sent_at = self.prepared.frame.sent_at.as_micros();
        let skew = match sent_at {
            0 => 0,
            sent_at => self.received_at().as_micros().saturating_sub(sent_at),
        };
        let opened_at = open.created_at.as_micros().saturating_add(skew);
        if opened_at <= deleted.deleted_at.as_micros() {
            return Ok(true);
        }
        let parent = match self.writer.writer.parent {
            Some(parent) => self.context.find_writer(parent)?,
            None => None,
        };
        Ok(parent.is_some_and(|parent| parent.run == Some(deleted.key)))
    }

    fn create_run(&mut self, open: &OpenRun) -> Outcome {
        let mut params = Params::default();
        let conflicts = merge_settings(&mut params, &open.config)?;
        let workspace = self.prepared.workspace;
        let name = open.experiment.clone().unwrap_or_default();
        let experiment = self.experiment_named(&name, open.created_at)?;
        let parent = self.fork_pin(open)?;
        let key = self.context.next_run_key()?;
        let id = self.prepared.frame.run.clone();
        let mut run = Run::new(id, workspace, experiment, open.created_at);
        apply_given(&mut run, &mut Overridden::default(), open);
        run.parent = parent;
        run.primary_writer = self.writer.writer.primary.then_some(self.writer.writer.id);
        let row = RunRow {
            key,
            run,
            changed: self.change,
            last_received_at: Some(self.received_at()),
            generation: Generation(0),
            last_append: AppendNumber(0),
            completeness: RunCompleteness::default(),
            deleted_at: None,
            overridden: Overridden::default(),
        };
        let blank = Run::new(row.run.id.clone(), workspace, experiment, open.created_at);
        self.bind_run(row);
        self.note_differences(&blank);
        if let Some(row) = &self.run {
            self.context.put_run(row, true)?;
        }
        self.record_creation(key, open.created_at)?;
        // A plain run starts at once.
        let _ = self.change_state(LifecycleEvent::Start, None, open.created_at)?;
        if !params.is_empty() {
            self.kinds.insert(ChangeKind::Params);
            self.context.put_params(key, &params)?;
        }
        self.warn_param_conflicts(&conflicts);
        Ok(())
    }

    fn attach_run(&mut self, mut row: RunRow, open: &OpenRun) -> Outcome {
        let resumes = matches!(open.mode, OpenMode::Resume | OpenMode::ResumeOrCreate);
        if resumes {
            let from = Some(row.run.standing());
            let strict = row.run.is_in_variation();
            if let Err(error) = transition(from, LifecycleEvent::Resume, Actor::Client, strict) {
                return refuse(RefusalCode::Conflict, error.to_string());
            }
        }
        let tags = open
            .tags
            .iter()
            .filter(|tag| !row.run.tags.contains(*tag) && !row.overridden.tags.contains(*tag))
            .count();
        if row.run.tags.len() + tags > TAGS_IN_RUN_MAX {
            return too_many_tags();
        }
        let mut params = self.context.read_params(row.key)?;
        let conflicts = merge_settings(&mut params, &open.config)?;
        let is_other_fork = self.is_other_fork(&row, open)?;
        let before = row.run.clone();
        if let Some(name) = &open.experiment {
            let named = self
                .context
                .find_experiment(self.prepared.workspace, name)?;
            if named.is_none() || named != row.overridden.experiment {
                row.run.experiment = self.experiment_named(name, open.created_at)?;
                row.overridden.experiment = None;
            }
        }
        if self.becomes_primary(&row, resumes)? {
            row.run.primary_writer = Some(self.writer.writer.id);
        }
        apply_given(&mut row.run, &mut row.overridden, open);
        let key = row.key;
        self.former_experiment = Some(before.experiment);
        self.bind_run(row);
        if let (true, Some((id, _))) = (is_other_fork, &open.parent) {
            let detail = format!(
                "the run was there already and is no fork of {id} at that step, hint: leave out the \
                 id of the run to begin a new one"
            );
            self.warn(WarningKind::MissingParent, 1, detail);
        }
        self.note_differences(&before);
        if resumes {
            let _ = self.change_state(LifecycleEvent::Resume, None, open.created_at)?;
        }
        if !open.config.is_empty() {
            self.kinds.insert(ChangeKind::Params);
            self.context.put_params(key, &params)?;
        }
        self.warn_param_conflicts(&conflicts);
        Ok(())
    }

    fn record_creation(&mut self, run: RunKey, at: Timestamp) -> Result<(), StoreError> {
        let writer = self.writer.writer.id;
        self.kinds.insert(ChangeKind::Created);
        self.kinds.insert(ChangeKind::State);
        let record = EventRecord {
            change: self.change,
            from: None,
            to: RunState::Pending,
            event: LifecycleEvent::Create,
            actor: writer.to_string(),
            at,
            reason: None,
            writer: Some(writer),
        };
        self.context.push_event(run, &record)
    }

    fn bind_run(&mut self, row: RunRow) {
        self.writer.run = Some(row.key);
        self.writer.generation = row.generation;
        self.writer_changed = true;
        self.run_changed = true;
        self.take_run(row);
    }

    /// A resume takes the run over. Otherwise its primary writer stays until it has ended.
    fn becomes_primary(&mut self, row: &RunRow, resumes: bool) -> Result<bool, StoreError> {
        if !self.writer.writer.primary || resumes {
            return Ok(self.writer.writer.primary);
        }
        let Some(former) = row.run.primary_writer else {
            return Ok(true);
        };
        let former = self.context.find_writer(former)?;
        Ok(former.is_none_or(|former| former.writer.end.is_some()))
    }

    /// The experiment of this name; naming one creates it.
    pub(super) fn experiment_named(
        &mut self,
        name: &ExperimentName,
        at: Timestamp,
    ) -> Result<ExperimentKey, StoreError> {
        let workspace = self.prepared.workspace;
        match self.context.find_experiment(workspace, name)? {
            Some(key) => Ok(key),
            None => self.context.create_experiment(workspace, name, at),
        }
    }

    /// Whether a run is asked to be a fork that it is not. Every process of a job says the same.
    fn is_other_fork(&mut self, row: &RunRow, open: &OpenRun) -> Outcome<bool> {
        let Some((id, step)) = &open.parent else {
            return Ok(false);
        };
        let parent = self.context.find_run(self.prepared.workspace, id)?;
        Ok(match (&row.run.parent, parent) {
            (Some(pin), Some(parent)) => pin.parent != parent.key || pin.step != *step,
            // A parent that is gone, or was not here then, was told when the run was made.
            (Some(_), None) => false,
            (None, parent) => parent.is_some() && row.run.created_at != open.created_at,
        })
    }

    /// Where a fork stands on its parent. A parent that is not here costs the pin, not the run.
    fn fork_pin(&mut self, open: &OpenRun) -> Outcome<Option<ForkPin>> {
        let Some((id, step)) = &open.parent else {
            return Ok(None);
        };
        let Some(parent) = self.context.find_run(self.prepared.workspace, id)? else {
            let detail = format!("the run was forked from {id}, which is not here");
            self.warn(WarningKind::MissingParent, 1, detail);
            return Ok(None);
        };
        if self.context.fork_depth(parent.key)? >= FORK_DEPTH_MAX {
            let detail = format!(
                "the run shares nothing with {id}, which has {FORK_DEPTH_MAX} parents above it \
                 already, hint: fork from an earlier one"
            );
            self.warn(WarningKind::MissingParent, 1, detail);
            return Ok(None);
        }
        Ok(Some(ForkPin {
            parent: parent.key,
            step: *step,
            append: parent.last_append,
            generation: parent.generation,
        }))
    }

    pub(super) fn warn_param_conflicts(&mut self, conflicts: &[ParamPath]) {
        let Some(last) = conflicts.last() else { return };
        self.warn(
            WarningKind::ParamConflict,
            conflicts.len() as u64,
            format!("param {last} gave way: a value and a child below it can't both live"),
        );
    }
}

/// What a resumed or attached run takes over from the opening: whatever is given, but for words
/// that the script has said before and a person has replaced since.
fn apply_given(run: &mut Run, overridden: &mut Overridden, open: &OpenRun) {
    let given = open.name.as_ref();
    if given.is_some() && !overridden.holds_name(given) {
        replace_text(&mut run.name, given);
        overridden.name = None;
    }
    let given = open.description.as_ref();
    if given.is_some() && !overridden.holds_description(given) {
        replace_text(&mut run.description, given);
        overridden.description = None;
    }
    replace_text(&mut run.group, open.group.as_ref());
    replace_text(&mut run.job_type, open.job_type.as_ref());
    run.seed = open.seed.or(run.seed);
    if open.rerun_of.is_some() {
        run.rerun_of.clone_from(&open.rerun_of);
    }
    let tags = open.tags.iter();
    let tags = tags.filter(|tag| !overridden.tags.contains(*tag));
    run.tags.extend(tags.cloned());
}

fn check_texts(open: &OpenRun) -> Outcome {
    check("run name", open.name.as_ref(), SHORT_TEXT_BYTES_MAX)?;
    check("group", open.group.as_ref(), SHORT_TEXT_BYTES_MAX)?;
    check("job type", open.job_type.as_ref(), SHORT_TEXT_BYTES_MAX)?;
    check(
        "description",
        open.description.as_ref(),
        DESCRIPTION_BYTES_MAX,
    )?;
    if open.tags.len() > TAGS_IN_RUN_MAX {
        return too_many_tags();
    }
    Ok(())
}

/// Refuses a text past its limit.
pub(super) fn check(what: &'static str, text: Option<&String>, bytes_max: usize) -> Outcome {
    match text {
        Some(text) => check_text(what, text, bytes_max).map_err(Stop::from),
        None => Ok(()),
    }
}

pub(super) fn too_many_tags<T>() -> Outcome<T> {
    refuse(
        RefusalCode::TooLarge,
        format!("a run can't have more than {TAGS_IN_RUN_MAX} tags, hint: use params for values"),
    )
}

/// Replaces a text when one is given; the empty text clears it.
pub(super) fn replace_text(target: &mut Option<String>, given: Option<&String>) {
    if given.is_some() {
        *target = non_empty(given);
    }
}

fn non_empty(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

impl From<ModelError> for Stop {
    fn from(error: ModelError) -> Self {
        let code = if error.is_too_large() {
            RefusalCode::TooLarge
        } else {
            RefusalCode::Invalid
        };
        Self::Refused(OperationError {
            code,
            reason: error.to_string(),
        })
    }
}
