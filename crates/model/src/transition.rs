//! The transition table of a run's life.
//!
//! [`TRANSITIONS`] is the one place that says which event leads where, who may cause it, and
//! which rules hold for strict runs (those inside a variation, and of sealed experiments). The
//! store applies it through [`crate::Run::apply`]; `docs/reference/lifecycle.md` is made from it.
//!
//! The surprising rule: what the watchdog says is an inference. A writer that comes back revives
//! a lost run, and the end it reports replaces the watchdog's.

use crate::{Actor, LifecycleEvent, Standing};

use Actor::{Client, Person, Watchdog};
use LifecycleEvent::{
    Create, Fail, Heartbeat, LateEnd, LeaseExpired, RecoveryExpired, Resume, Start, Succeed,
};
use Standing::{Failed, FailedLost, Lost, Pending, Running, Succeeded};
use Strictness::{Any, Plain};

/// For which runs a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// For all runs.
    Any,
    /// For plain runs only: not inside a variation, not in a sealed experiment.
    Plain,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Where the run stands; `None`: there is no run yet.
    pub from: Option<Standing>,
    /// What happens.
    pub event: LifecycleEvent,
    /// Who may cause it.
    pub actors: &'static [Actor],
    /// For which runs.
    pub runs: Strictness,
    /// Where it stands afterwards; the same as `from`: nothing changes and nothing is recorded.
    pub to: Standing,
    /// The event that the record shows.
    pub recorded: LifecycleEvent,
    /// Why, for the documentation.
    pub note: &'static str,
}

/// An event that the table does not allow where the run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {actor} can't {event} a run that {}, hint: {}", self.standing_words(), self.hint())]
pub struct TransitionError {
    /// Where the run stands; `None`: there is no run.
    pub from: Option<Standing>,
    /// What was asked.
    pub event: LifecycleEvent,
    /// Who asked.
    pub actor: Actor,
    /// Whether the run is strict.
    pub strict: bool,
}

impl TransitionError {
    fn standing_words(self) -> String {
        match self.from {
            None => "does not exist".to_owned(),
            Some(standing) if self.strict => format!("is {standing} and strict"),
            Some(standing) => format!("is {standing}"),
        }
    }

    fn hint(self) -> &'static str {
        match (self.from, self.event) {
            (None, _) => "create it first",
            (Some(_), Create) => "choose another id, or resume the run",
            (Some(_), LateEnd) => "report succeed or fail, a late end is recognised",
            (Some(_), LeaseExpired | RecoveryExpired) => "only the watchdog decides this",
            (Some(_), _) if self.strict => "ask for a new run number of the variation",
            (Some(_), _) => "resume the run first",
        }
    }
}

const fn row(
    from: Standing,
    event: LifecycleEvent,
    actors: &'static [Actor],
    runs: Strictness,
    to: Standing,
    note: &'static str,
) -> Transition {
    Transition {
        from: Some(from),
        event,
        actors,
        runs,
        to,
        recorded: event,
        note,
    }
}

const fn late(from: Standing, event: LifecycleEvent, to: Standing) -> Transition {
    Transition {
        recorded: LateEnd,
        ..row(
            from,
            event,
            &[Client],
            Any,
            to,
            "the writer's report replaces the inference",
        )
    }
}

const fn race(from: Standing, event: LifecycleEvent, note: &'static str) -> Transition {
    row(from, event, &[Watchdog], Any, from, note)
}

const REPEAT: &str = "a repeat, harmless";
const AGAIN: &str = "the former end stays in the record";
const CORRECTED: &str = "a person corrects the end";
const ALIVE: &str = "the process is evidently alive";
const OVERTAKEN: &str = "the verdict was overtaken";
const NO_LEASE: &str = "nobody holds a lease on a run that has not begun";

/// Every transition that is allowed; all others are refused. At most one row fits each case.
pub const TRANSITIONS: &[Transition] = &[
    Transition {
        from: None,
        event: Create,
        actors: &[Client, Person],
        runs: Any,
        to: Pending,
        recorded: Create,
        note: "a plain run starts at once",
    },
    row(Pending, Start, &[Client, Person], Any, Running, ""),
    Transition {
        recorded: Start,
        ..row(
            Pending,
            Heartbeat,
            &[Client],
            Any,
            Running,
            "a beat shows that work has begun",
        )
    },
    row(
        Pending,
        Resume,
        &[Client, Person],
        Plain,
        Running,
        "starting it is meant",
    ),
    row(
        Pending,
        Succeed,
        &[Client, Person],
        Plain,
        Succeeded,
        "a record made afterwards",
    ),
    row(
        Pending,
        Fail,
        &[Client, Person],
        Any,
        Failed,
        "given up before it began",
    ),
    race(Pending, LeaseExpired, NO_LEASE),
    race(Pending, RecoveryExpired, NO_LEASE),
    row(Running, Start, &[Client, Person], Any, Running, REPEAT),
    row(
        Running,
        Heartbeat,
        &[Client],
        Any,
        Running,
        "renews the lease",
    ),
    row(
        Running,
        Resume,
        &[Client, Person],
        Any,
        Running,
        "another writer joins",
    ),
    row(Running, Succeed, &[Client, Person], Any, Succeeded, ""),
    row(Running, Fail, &[Client, Person], Any, Failed, ""),
    row(
        Running,
        LeaseExpired,
        &[Watchdog],
        Any,
        Lost,
        "no writer has a live lease",
    ),
    race(Running, RecoveryExpired, OVERTAKEN),
    row(Lost, Start, &[Client], Any, Running, ALIVE),
    row(Lost, Heartbeat, &[Client], Any, Running, ALIVE),
    row(
        Lost,
        Resume,
        &[Client, Person],
        Any,
        Running,
        "taken up again",
    ),
    late(Lost, Succeed, Succeeded),
    late(Lost, Fail, Failed),
    row(
        Lost,
        Succeed,
        &[Person],
        Any,
        Succeeded,
        "a person knows better",
    ),
    row(Lost, Fail, &[Person], Any, Failed, "a person knows better"),
    race(Lost, LeaseExpired, REPEAT),
    row(
        Lost,
        RecoveryExpired,
        &[Watchdog],
        Any,
        FailedLost,
        "the recovery window has passed",
    ),
    row(FailedLost, Heartbeat, &[Client], Plain, Running, ALIVE),
    row(FailedLost, Resume, &[Client, Person], Plain, Running, AGAIN),
    late(FailedLost, Succeed, Succeeded),
    late(FailedLost, Fail, Failed),
    row(FailedLost, Succeed, &[Person], Plain, Succeeded, CORRECTED),
    row(FailedLost, Fail, &[Person], Plain, Failed, CORRECTED),
    race(FailedLost, LeaseExpired, OVERTAKEN),
    race(FailedLost, RecoveryExpired, REPEAT),
    row(
        Succeeded,
        Succeed,
        &[Client, Person],
        Any,
        Succeeded,
        REPEAT,
    ),
    row(Succeeded, Fail, &[Person], Plain, Failed, CORRECTED),
    row(Succeeded, Resume, &[Client, Person], Plain, Running, AGAIN),
    row(
        Succeeded,
        Heartbeat,
        &[Client],
        Plain,
        Succeeded,
        "another writer still works",
    ),
    race(Succeeded, LeaseExpired, OVERTAKEN),
    race(Succeeded, RecoveryExpired, OVERTAKEN),
    row(
        Failed,
        Fail,
        &[Client, Person],
        Any,
        Failed,
        "a repeat, the first reason stays",
    ),
    row(Failed, Succeed, &[Person], Plain, Succeeded, CORRECTED),
    row(Failed, Resume, &[Client, Person], Plain, Running, AGAIN),
    row(
        Failed,
        Heartbeat,
        &[Client],
        Plain,
        Failed,
        "another writer still works",
    ),
    race(Failed, LeaseExpired, OVERTAKEN),
    race(Failed, RecoveryExpired, OVERTAKEN),
];

/// The row of the table that fits; `None` if the event is allowed and changes nothing.
///
/// `from` is where the run stands now, [`crate::Run::standing`], or `None` if there is no run.
/// Whether a row was found by state and reason of the run, never by the reason of the event.
///
/// # Errors
/// [`TransitionError`] with the standing of the run; a dialect answers it as a conflict.
pub fn transition(
    from: Option<Standing>,
    event: LifecycleEvent,
    actor: Actor,
    strict: bool,
) -> Result<Option<&'static Transition>, TransitionError> {
    let fits = |row: &&Transition| {
        row.from == from
            && row.event == event
            && row.actors.contains(&actor)
            && (row.runs == Any || !strict)
    };
    match TRANSITIONS.iter().find(fits) {
        Some(row) if row.from == Some(row.to) => Ok(None),
        Some(row) => Ok(Some(row)),
        None => Err(TransitionError {
            from,
            event,
            actor,
            strict,
        }),
    }
}

#[cfg(test)]
mod document;
#[cfg(test)]
mod tests;
