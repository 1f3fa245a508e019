//! A run: one trial, with everything the catalogue knows of it but its params and series.
//!
//! Stores keep it field by field and change its state through [`Run::apply`] only, so that every
//! engine keeps state, reason and times together in the same way.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Actor, AppendNumber, EndReason, ExperimentKey, Generation, LifecycleEvent, ReasonCode, RunId,
    RunKey, RunState, Standing, Step, TagName, Timestamp, TransitionError, WorkspaceId, WriterId,
    transition,
};

/// One trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Unique among the living runs of the workspace.
    pub id: RunId,
    /// Workspace.
    pub workspace: WorkspaceId,
    /// Experiment it belongs to.
    pub experiment: ExperimentKey,
    /// Name; need not be unique.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Tags.
    pub tags: BTreeSet<TagName>,
    /// Archived runs are left out of lists unless asked for.
    pub archived: bool,
    /// Group, as the folds of one cross-validation.
    pub group: Option<String>,
    /// Job type, as `train` or `evaluate`.
    pub job_type: Option<String>,
    /// Seed of its random numbers.
    pub seed: Option<i64>,
    /// The run that it repeats.
    pub rerun_of: Option<RunId>,
    /// The run that it was forked from, and where.
    pub parent: Option<ForkPin>,
    /// Its variation inside the experiment.
    pub variation: Option<u32>,
    /// Its number inside the variation.
    pub number: Option<u32>,
    /// Ids that other systems gave it.
    pub aliases: Vec<Alias>,
    /// The writer whose end is the run's end: its creator, or rank 0.
    pub primary_writer: Option<WriterId>,
    /// State.
    pub state: RunState,
    /// Why it failed or was lost.
    pub reason: Option<EndReason>,
    /// The client's clock when it was created.
    pub created_at: Timestamp,
    /// When it first was running.
    pub started_at: Option<Timestamp>,
    /// When it ended; absent while it has not.
    pub ended_at: Option<Timestamp>,
}

/// Where a fork leaves its parent: the parent's points up to the step, as of the append number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ForkPin {
    /// The parent, in this life of its id.
    pub parent: RunKey,
    /// Last step that the fork shares.
    pub step: Step,
    /// Later frames of the parent don't show in the fork, neither do their rewinds and removals.
    pub append: AppendNumber,
    /// The parent's generation then.
    pub generation: Generation,
}

/// An id that another system's client knows the run by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Alias {
    /// The dialect, as `dalva`.
    pub dialect: String,
    /// The id there.
    pub id: String,
}

/// An event on its way to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleChange {
    /// What happens. `LateEnd` is taken as `Fail` if there is a reason, else as `Succeed`.
    pub event: LifecycleEvent,
    /// Who causes it.
    pub actor: Actor,
    /// The cause, for `Fail`; ignored for other events.
    pub reason: Option<EndReason>,
    /// When: the client's clock where it reported one, else the server's.
    pub at: Timestamp,
}

/// What an event did to a run; one row of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// State before.
    pub from: RunState,
    /// State after.
    pub to: RunState,
    /// The event that the record shows; a writer's end after the watchdog's verdict is `LateEnd`.
    pub event: LifecycleEvent,
    /// The reason the run has now.
    pub reason: Option<EndReason>,
}

impl Run {
    /// A new run: pending, and empty beyond what is given.
    pub fn new(
        id: RunId,
        workspace: WorkspaceId,
        experiment: ExperimentKey,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            workspace,
            experiment,
            name: None,
            description: None,
            tags: BTreeSet::new(),
            archived: false,
            group: None,
            job_type: None,
            seed: None,
            rerun_of: None,
            parent: None,
            variation: None,
            number: None,
            aliases: Vec::new(),
            primary_writer: None,
            state: RunState::Pending,
            reason: None,
            created_at,
            started_at: None,
            ended_at: None,
        }
    }

    /// Where it stands in the transition table.
    pub fn standing(&self) -> Standing {
        Standing::of(self.state, self.reason.as_ref())
    }

    /// Whether the strict rules hold for it; the runs of a sealed experiment are strict too,
    /// which the caller knows.
    pub fn is_in_variation(&self) -> bool {
        self.variation.is_some()
    }

    /// Applies an event by the transition table: state, reason and times change together.
    /// `None`: the event is allowed and changes nothing. A watchdog's verdict has the reason
    /// `lost`; nobody else's has: from a client or a person it becomes `unknown`. The reason of
    /// a former end goes when the run is running again.
    ///
    /// # Errors
    /// [`TransitionError`]: the table forbids it, and nothing has changed.
    pub fn apply(
        &mut self,
        change: &LifecycleChange,
        strict: bool,
    ) -> Result<Option<StateChange>, TransitionError> {
        let event = match (change.event, &change.reason) {
            (LifecycleEvent::LateEnd, Some(_)) => LifecycleEvent::Fail,
            (LifecycleEvent::LateEnd, None) => LifecycleEvent::Succeed,
            (event, _) => event,
        };
        let Some(row) = transition(Some(self.standing()), event, change.actor, strict)? else {
            return Ok(None);
        };
        let from = self.state;
        self.state = row.to.state();
        self.reason = match row.to {
            Standing::Lost | Standing::FailedLost => Some(EndReason::new(ReasonCode::Lost, "")),
            Standing::Failed => Some(failure_reason(change.reason.clone())),
            Standing::Pending | Standing::Running | Standing::Succeeded => None,
        };
        if self.state == RunState::Running && self.started_at.is_none() {
            self.started_at = Some(change.at);
        }
        self.ended_at = self.state.is_ended().then_some(change.at);
        let (to, reason) = (self.state, self.reason.clone());
        Ok(Some(StateChange {
            from,
            to,
            event: row.recorded,
            reason,
        }))
    }
}

fn failure_reason(told: Option<EndReason>) -> EndReason {
    match told {
        None => EndReason::new(ReasonCode::Unknown, ""),
        Some(EndReason {
            code: ReasonCode::Lost,
            text,
        }) => EndReason::new(ReasonCode::Unknown, text),
        Some(reason) => reason,
    }
}
