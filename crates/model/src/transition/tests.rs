use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::{
    EndReason, ExperimentKey, LifecycleChange, ReasonCode, Run, RunId, RunState, StateChange,
    Timestamp, WorkspaceId,
};

fn cases() -> impl Iterator<Item = (Option<Standing>, LifecycleEvent, Actor, bool)> {
    let standings = Standing::ALL.iter().copied().map(Some).chain([None]);
    standings.flat_map(|from| {
        LifecycleEvent::ALL.iter().flat_map(move |event| {
            Actor::ALL.iter().flat_map(move |actor| {
                [false, true]
                    .into_iter()
                    .map(move |strict| (from, *event, *actor, strict))
            })
        })
    })
}

#[test]
fn at_most_one_row_fits_each_case() {
    for (from, event, actor, strict) in cases() {
        let fitting = TRANSITIONS
            .iter()
            .filter(|row| row.from == from && row.event == event && row.actors.contains(&actor))
            .filter(|row| row.runs == Strictness::Any || !strict)
            .count();
        assert!(fitting <= 1, "{from:?} {event} {actor} {strict}");
    }
}

#[test]
fn what_a_strict_run_allows_a_plain_run_allows_too() {
    for (from, event, actor, _) in cases() {
        if let Ok(strict) = transition(from, event, actor, true) {
            assert_eq!(transition(from, event, actor, false), Ok(strict));
        }
    }
}

#[test]
fn the_watchdog_only_loses_running_runs_and_ends_lost_ones() {
    for (from, event, _, strict) in cases() {
        let change = transition(from, event, Watchdog, strict);
        match (from, event) {
            (Some(Running), LeaseExpired) => assert_eq!(change.unwrap().unwrap().to, Lost),
            (Some(Lost), RecoveryExpired) => assert_eq!(change.unwrap().unwrap().to, FailedLost),
            (Some(_), LeaseExpired | RecoveryExpired) => assert_eq!(change, Ok(None)),
            _ => assert!(change.is_err()),
        }
    }
}

#[test]
fn only_the_watchdog_reaches_lost_and_failed_lost() {
    for row in TRANSITIONS.iter().filter(|row| row.from != Some(row.to)) {
        assert_eq!(
            matches!(row.to, Lost | FailedLost),
            row.actors == [Watchdog],
            "{row:?}"
        );
    }
}

#[test]
fn only_creation_reaches_pending_and_only_without_a_run() {
    for row in TRANSITIONS.iter().filter(|row| row.from != Some(row.to)) {
        assert_eq!(row.to == Pending, row.event == Create, "{row:?}");
        assert_eq!(row.from.is_none(), row.event == Create, "{row:?}");
    }
}

#[test]
fn an_ended_strict_run_changes_only_by_a_late_report_of_its_writer() {
    for (from, event, actor, _) in cases() {
        if let Some(from @ (Succeeded | Failed | FailedLost)) = from
            && let Ok(Some(row)) = transition(Some(from), event, actor, true)
        {
            assert_eq!(
                (from, actor, row.recorded),
                (FailedLost, Client, LateEnd),
                "{row:?}"
            );
        }
    }
}

#[test]
fn a_late_end_is_recorded_exactly_when_a_writer_ends_after_the_watchdogs_verdict() {
    for row in TRANSITIONS {
        let late = matches!(row.from, Some(Lost | FailedLost))
            && row.actors == [Client]
            && matches!(row.event, Succeed | Fail);
        assert_eq!(row.recorded == LateEnd, late, "{row:?}");
    }
}

#[test]
fn a_client_never_turns_one_end_into_the_other() {
    for strict in [false, true] {
        assert!(transition(Some(Succeeded), Fail, Client, strict).is_err());
        assert!(transition(Some(Failed), Succeed, Client, strict).is_err());
    }
}

#[test]
fn a_repeat_of_an_end_changes_nothing() {
    for strict in [false, true] {
        assert_eq!(
            transition(Some(Succeeded), Succeed, Client, strict),
            Ok(None)
        );
        assert_eq!(transition(Some(Failed), Fail, Client, strict), Ok(None));
    }
}

#[test]
fn a_plain_ended_run_is_resumed_and_a_strict_one_refused_with_its_state() {
    for from in [Succeeded, Failed, FailedLost] {
        assert_eq!(
            transition(Some(from), Resume, Client, false)
                .unwrap()
                .unwrap()
                .to,
            Running
        );
        let error = transition(Some(from), Resume, Client, true).unwrap_err();
        assert_eq!(error.from, Some(from));
    }
    let error = transition(Some(Succeeded), Resume, Client, true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a client can't resume a run that is succeeded and strict, \
         hint: ask for a new run number of the variation"
    );
}

fn new_run() -> Run {
    let id = RunId::new("r").unwrap();
    Run::new(
        id,
        WorkspaceId::default(),
        ExperimentKey(1),
        Timestamp::from_micros(0),
    )
}

fn change(event: LifecycleEvent, actor: Actor, at: i64) -> LifecycleChange {
    LifecycleChange {
        event,
        actor,
        reason: None,
        at: Timestamp::from_micros(at),
    }
}

fn failure(code: ReasonCode, text: &str, at: i64) -> LifecycleChange {
    LifecycleChange {
        reason: Some(EndReason::new(code, text)),
        ..change(Fail, Client, at)
    }
}

#[test]
fn a_life_with_every_turn() {
    let mut run = new_run();
    run.apply(&change(Start, Client, 1), false)
        .unwrap()
        .unwrap();
    assert_eq!(run.apply(&change(Heartbeat, Client, 2), false), Ok(None));
    run.apply(&change(LeaseExpired, Watchdog, 3), false)
        .unwrap()
        .unwrap();
    assert_eq!((run.state, run.ended_at), (RunState::Lost, None));
    run.apply(&change(RecoveryExpired, Watchdog, 4), false)
        .unwrap()
        .unwrap();
    assert_eq!(run.standing(), FailedLost);
    assert_eq!(run.ended_at, Some(Timestamp::from_micros(4)));

    let late = run
        .apply(&failure(ReasonCode::Oom, "killed", 5), false)
        .unwrap()
        .unwrap();
    let reason = Some(EndReason::new(ReasonCode::Oom, "killed"));
    assert_eq!(
        late,
        StateChange {
            from: RunState::Failed,
            to: RunState::Failed,
            event: LateEnd,
            reason: reason.clone()
        }
    );
    assert_eq!(
        run.apply(&failure(ReasonCode::Signal, "9", 6), false),
        Ok(None)
    );
    assert_eq!(run.reason, reason, "the first reason stays");

    run.apply(&change(Resume, Client, 7), false)
        .unwrap()
        .unwrap();
    assert_eq!(
        (run.state, &run.reason, run.ended_at),
        (RunState::Running, &None, None)
    );
    assert_eq!(
        run.started_at,
        Some(Timestamp::from_micros(1)),
        "the first start stays"
    );
    run.apply(&change(Succeed, Client, 8), false)
        .unwrap()
        .unwrap();
    assert_eq!(run.standing(), Succeeded);
}

#[test]
fn a_late_end_may_be_asked_for_by_its_name() {
    for (reason, to) in [
        (None, RunState::Succeeded),
        (
            Some(EndReason::new(ReasonCode::Exception, "x")),
            RunState::Failed,
        ),
    ] {
        let mut run = new_run();
        run.state = RunState::Lost;
        let asked = LifecycleChange {
            reason,
            ..change(LateEnd, Client, 1)
        };
        assert_eq!(run.apply(&asked, true).unwrap().unwrap().event, LateEnd);
        assert_eq!(run.state, to);
    }
}

#[test]
fn nobody_but_the_watchdog_gives_the_reason_lost() {
    let mut run = new_run();
    run.apply(&failure(ReasonCode::Lost, "gone", 1), false)
        .unwrap()
        .unwrap();
    assert_eq!(
        run.reason,
        Some(EndReason::new(ReasonCode::Unknown, "gone"))
    );
    assert_eq!(run.standing(), Failed);
}

#[test]
fn words_read_back() {
    for event in LifecycleEvent::ALL {
        assert_eq!(event.as_str().parse::<LifecycleEvent>().unwrap(), *event);
        assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
    }
    for state in RunState::ALL {
        assert_eq!(state.as_str().parse::<RunState>().unwrap(), *state);
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    for code in ReasonCode::ALL {
        assert_eq!(code.as_str().parse::<ReasonCode>().unwrap(), *code);
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
    assert_eq!(
        "ended".parse::<RunState>().unwrap_err().to_string(),
        "run state \"ended\" is unknown, hint: one of pending running succeeded failed lost"
    );
}

fn any_change() -> impl Strategy<Value = LifecycleChange> {
    let reason = proptest::option::of(select(ReasonCode::ALL));
    (
        select(LifecycleEvent::ALL),
        select(Actor::ALL),
        reason,
        0_i64..1000,
    )
        .prop_map(|(event, actor, code, at)| LifecycleChange {
            event,
            actor,
            reason: code.map(|code| EndReason::new(code, "text")),
            at: Timestamp::from_micros(at),
        })
}

proptest! {
    /// Whatever comes in whatever order, a run's fields fit together and the promises hold.
    #[test]
    fn no_sequence_of_events_reaches_what_is_forbidden(
        changes in proptest::collection::vec(any_change(), 0..40),
        strict in any::<bool>(),
    ) {
        let mut run = new_run();
        for change in changes {
            let before = run.clone();
            match run.apply(&change, strict) {
                Err(_) | Ok(None) => prop_assert_eq!(&run, &before),
                Ok(Some(done)) => {
                    prop_assert_eq!((done.from, done.to), (before.state, run.state));
                    prop_assert_eq!(&done.reason, &run.reason);
                    prop_assert_ne!(run.standing(), before.standing());
                    prop_assert_ne!(run.state, RunState::Pending);
                    if change.actor == Watchdog {
                        prop_assert!(!before.state.is_ended());
                        prop_assert_ne!(run.state, RunState::Succeeded);
                    }
                    if strict && before.state.is_ended() {
                        prop_assert_eq!(before.standing(), FailedLost);
                        prop_assert!(run.state.is_ended());
                    }
                }
            }
            let has_reason = matches!(run.state, RunState::Failed | RunState::Lost);
            prop_assert_eq!(run.reason.is_some(), has_reason);
            prop_assert_eq!(run.ended_at.is_some(), run.state.is_ended());
            if run.state == RunState::Running {
                prop_assert!(run.started_at.is_some());
            }
        }
    }
}
