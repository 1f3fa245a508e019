//! Writers and the lifecycle of their run: ends, resumes, late ends, counters, two at one step.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{EndReason, LifecycleEvent, ReasonCode, RunState, Timestamp, WriterEndKind};
use runstone_wire::{Completeness, Lifecycle, OpenMode, OperationKind, RefusalCode};

use super::harness::Harness;
use super::testing::{FrameBuilder, TEST_EPOCH_MICROS, key, open_run};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(TEST_EPOCH_MICROS + seconds * 1_000_000)
}

/// (from, event, to) of the events of a run.
fn story(harness: &Harness, run: &str) -> Vec<(Option<RunState>, LifecycleEvent, RunState)> {
    harness
        .events(run)
        .into_iter()
        .map(|event| (event.from, event.event, event.to))
        .collect()
}

const BORN: [(Option<RunState>, LifecycleEvent, RunState); 2] = [
    (None, LifecycleEvent::Create, RunState::Pending),
    (
        Some(RunState::Pending),
        LifecycleEvent::Start,
        RunState::Running,
    ),
];

fn event_of_client(event: LifecycleEvent) -> OperationKind {
    OperationKind::Lifecycle(Lifecycle {
        event,
        reason: None,
        at: at(50),
    })
}

pub fn a_writer_is_kept_with_its_properties(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    harness.apply(one.frame());
    let mut two = FrameBuilder::secondary("run-a", 2);
    two.set_clock(at(7).as_micros());
    harness.apply(two.frame());
    let writers = harness.writers("run-a");
    assert_eq!(writers.len(), 2);
    let first = &writers[0];
    assert_eq!(first.writer.id, one.writer());
    assert_eq!(
        (first.writer.host.as_str(), first.writer.pid),
        ("host-a", 101)
    );
    assert_eq!(
        (first.writer.user.as_str(), first.writer.sdk.as_str()),
        ("ada", "test/1")
    );
    assert_eq!(
        (first.writer.boot_id.as_str(), first.writer.rank),
        ("boot-1", None)
    );
    assert_eq!((first.writer.opened_at, &first.writer.end), (at(0), &None));
    assert!(first.writer.primary && !writers[1].writer.primary);
    assert_eq!(writers[1].last_received_at, at(7));
    assert_eq!(harness.run("run-a").last_received_at, Some(at(7)));
}

pub fn a_run_is_created_and_started_by_its_writer(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let answer = harness.apply(writer.frame());
    assert_eq!(answer.run_state, Some(RunState::Running));
    assert_eq!(story(harness, "run-a"), BORN);
    let events = harness.events("run-a");
    assert!(events.iter().all(|event| event.change == answer.change));
    assert!(
        events
            .iter()
            .all(|event| event.writer == Some(writer.writer()))
    );
    assert!(
        events
            .iter()
            .all(|event| event.actor == writer.writer().to_string())
    );
    assert!(
        events
            .iter()
            .all(|event| event.at == at(0) && event.reason.is_none())
    );
    let run = harness.run("run-a").run;
    assert_eq!(
        (run.created_at, run.started_at, run.ended_at),
        (at(0), Some(at(0)), None)
    );
    assert_eq!(run.primary_writer, Some(writer.writer()));
}

pub fn the_end_of_the_primary_writer_is_the_end_of_the_run(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.frame());
    let answer = harness.apply(writer.set_clock(at(9).as_micros()).close().frame());
    assert_eq!(answer.run_state, Some(RunState::Succeeded));
    let run = harness.run("run-a").run;
    assert_eq!(
        (run.state, run.ended_at, run.reason),
        (RunState::Succeeded, Some(at(9)), None)
    );
    let last = harness.events("run-a").pop().unwrap();
    assert_eq!(
        (last.from, last.to),
        (Some(RunState::Running), RunState::Succeeded)
    );
    assert_eq!((last.at, last.change), (at(9), answer.change));
    let end = harness.writer("run-a", writer.writer()).writer.end.unwrap();
    assert_eq!((end.kind, end.at), (WriterEndKind::Closed, at(9)));

    let mut failing = FrameBuilder::creator("run-b", 2);
    failing.set_clock(at(3).as_micros());
    harness.apply(
        failing
            .fail(ReasonCode::Exception, "ValueError: nan")
            .frame(),
    );
    let run = harness.run("run-b").run;
    let reason = EndReason::new(ReasonCode::Exception, "ValueError: nan");
    assert_eq!((run.state, run.ended_at), (RunState::Failed, Some(at(3))));
    assert_eq!(run.reason, Some(reason.clone()));
    assert_eq!(harness.events("run-b").pop().unwrap().reason, Some(reason));
}

pub fn the_end_of_a_secondary_writer_is_recorded_only(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    harness.apply(one.frame());
    let answer = harness.apply(two.fail(ReasonCode::Signal, "SIGSEGV").frame());
    assert_eq!(answer.run_state, Some(RunState::Running));
    assert_eq!(story(harness, "run-a"), BORN);
    let end = harness.writer("run-a", two.writer()).writer.end.unwrap();
    assert_eq!(
        end.reason,
        Some(EndReason::new(ReasonCode::Signal, "SIGSEGV"))
    );
    assert_eq!(harness.writer("run-a", one.writer()).writer.end, None);
    harness.apply(one.close().frame());
    assert_eq!(harness.state("run-a"), RunState::Succeeded);
}

pub fn data_of_a_known_writer_is_taken_after_the_end(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    let loss = two.metric("loss");
    harness.apply(two.frame());
    harness.apply(one.close().frame());
    harness.apply(two.log(loss, [(0.0, 1.0)]).set_param("lr", 0.5).frame());
    harness.apply(one.set_param("late", true).frame());
    assert_eq!(harness.values("run-a", &key("loss")), [(0.0, 1.0)]);
    assert_eq!(harness.params_json("run-a"), r#"{"late":true,"lr":0.5}"#);
    assert_eq!(harness.state("run-a"), RunState::Succeeded);
}

pub fn a_resume_sets_an_ended_run_running_again(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    harness.apply(one.frame());
    harness.apply(
        one.set_clock(at(5).as_micros())
            .fail(ReasonCode::Oom, "killed")
            .frame(),
    );
    let mut two = FrameBuilder::new("run-a", 2);
    let mut open = open_run(OpenMode::Resume);
    open.created_at = at(20);
    harness.apply(two.open(true, open).frame());
    let run = harness.run("run-a").run;
    assert_eq!(
        (run.state, run.ended_at, run.reason),
        (RunState::Running, None, None)
    );
    assert_eq!((run.created_at, run.started_at), (at(0), Some(at(0))));
    assert_eq!(run.primary_writer, Some(two.writer()));
    let told = story(harness, "run-a");
    assert_eq!(told[..2], BORN);
    assert_eq!(
        told[2..],
        [
            (
                Some(RunState::Running),
                LifecycleEvent::Fail,
                RunState::Failed
            ),
            (
                Some(RunState::Failed),
                LifecycleEvent::Resume,
                RunState::Running
            ),
        ]
    );
    assert_eq!(
        harness.events("run-a")[2].reason,
        Some(EndReason::new(ReasonCode::Oom, "killed"))
    );
    assert_eq!(harness.events("run-a")[3].at, at(20));
    // The former primary writer's end has been; only the new one's ends the run now.
    harness.apply(two.set_clock(at(30).as_micros()).close().frame());
    assert_eq!(harness.state("run-a"), RunState::Succeeded);
}

pub fn a_resume_of_an_unknown_run_is_refused_or_creates(harness: &mut Harness) {
    let mut strict = FrameBuilder::new("run-a", 1);
    strict.open(true, open_run(OpenMode::Resume));
    harness.apply_refusing(strict.frame(), &[(1, RefusalCode::NotFound)]);
    assert!(harness.find_run("run-a").is_err());
    let mut relaxed = FrameBuilder::new("run-a", 2);
    harness.apply(
        relaxed
            .open(true, open_run(OpenMode::ResumeOrCreate))
            .frame(),
    );
    assert_eq!(story(harness, "run-a"), BORN);
    let mut attached = FrameBuilder::new("run-b", 3);
    harness.apply(attached.open(false, open_run(OpenMode::Attach)).frame());
    assert_eq!(harness.state("run-b"), RunState::Running);
    assert_eq!(harness.run("run-b").run.primary_writer, None);
}

pub fn a_resume_of_a_running_run_takes_it_over(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    harness.apply(one.frame());
    let mut two = FrameBuilder::new("run-a", 2);
    harness.apply(two.open(true, open_run(OpenMode::ResumeOrCreate)).frame());
    assert_eq!(story(harness, "run-a"), BORN);
    assert_eq!(harness.run("run-a").run.primary_writer, Some(two.writer()));
    // The former one's end is now that of a secondary.
    harness.apply(one.close().frame());
    assert_eq!(harness.state("run-a"), RunState::Running);
    harness.apply(two.close().frame());
    assert_eq!(harness.state("run-a"), RunState::Succeeded);
}

pub fn attaching_leaves_state_and_primary_alone(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    harness.apply(one.frame());
    // Another that claims to be primary, while the first is open.
    let mut two = FrameBuilder::new("run-a", 2);
    harness.apply(two.open(true, open_run(OpenMode::Attach)).frame());
    assert_eq!(harness.run("run-a").run.primary_writer, Some(one.writer()));
    harness.apply(one.close().frame());
    let mut three = FrameBuilder::new("run-a", 3);
    harness.apply(three.open(true, open_run(OpenMode::Attach)).frame());
    assert_eq!(harness.state("run-a"), RunState::Succeeded);
    assert_eq!(
        harness.run("run-a").run.primary_writer,
        Some(three.writer())
    );
}

pub fn lifecycle_events_go_through_the_table(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    writer.push(event_of_client(LifecycleEvent::Succeed));
    // A repeat changes nothing; what the table forbids is refused.
    writer.push(event_of_client(LifecycleEvent::Succeed));
    writer.push(event_of_client(LifecycleEvent::LeaseExpired));
    writer.push(event_of_client(LifecycleEvent::Create));
    writer.push(event_of_client(LifecycleEvent::Resume));
    let refused = [(4, RefusalCode::Conflict), (5, RefusalCode::Conflict)];
    harness.apply_refusing(writer.frame(), &refused);
    let told = story(harness, "run-a");
    assert_eq!(told.len(), 4);
    assert_eq!(
        told[2..],
        [
            (
                Some(RunState::Running),
                LifecycleEvent::Succeed,
                RunState::Succeeded
            ),
            (
                Some(RunState::Succeeded),
                LifecycleEvent::Resume,
                RunState::Running
            ),
        ]
    );
    let changes: Vec<u64> = harness
        .events("run-a")
        .iter()
        .map(|event| event.change.0)
        .collect();
    assert!(changes.is_sorted());
}

pub fn a_run_ended_by_an_event_keeps_its_end_when_the_writer_closes(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let reason = Some(EndReason::new(ReasonCode::Abandoned, "no use"));
    writer.push(OperationKind::Lifecycle(Lifecycle {
        event: LifecycleEvent::Fail,
        reason: reason.clone(),
        at: at(1),
    }));
    harness.apply(writer.frame());
    harness.apply(writer.close().frame());
    let run = harness.run("run-a").run;
    assert_eq!(
        (run.state, run.reason, run.ended_at),
        (RunState::Failed, reason, Some(at(1)))
    );
    assert!(
        harness
            .writer("run-a", writer.writer())
            .writer
            .end
            .is_some()
    );
}

pub fn completeness_is_what_was_told_and_what_is_here(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(
        writer
            .log(loss, [(0.0, 1.0), (1.0, 1.0), (1.0, 2.0)])
            .frame(),
    );
    let told = |logged, dropped, refused| {
        OperationKind::Completeness(Completeness {
            logged_points: logged,
            dropped_points: dropped,
            refused_points: refused,
            dropped: vec![(loss, dropped), (loss + 9, 1)],
        })
    };
    harness.apply(writer.push(told(10, 4, 2)).frame());
    let shown = harness.run("run-a").completeness;
    assert_eq!((shown.logged_points, shown.durable_points), (10, 3));
    assert_eq!((shown.dropped_points, shown.refused_points), (4, 2));
    let record = harness.writer("run-a", writer.writer());
    assert_eq!(record.completeness, shown);
    assert_eq!(record.dropped_by_series, [(key("loss"), 4)]);
    let counts = [("dropped".to_owned(), 4), ("refused".to_owned(), 2)];
    assert_eq!(harness.warning_counts("run-a"), counts);
    // An older message and a repeat change nothing; a newer one only adds what is new.
    harness.apply(writer.push(told(9, 3, 1)).frame());
    harness.apply(writer.push(told(10, 4, 2)).frame());
    assert_eq!(harness.run("run-a").completeness, shown);
    assert_eq!(harness.warning_counts("run-a"), counts);
    harness.apply(writer.push(told(12, 5, 2)).beat());
    assert_eq!(
        harness.writer("run-a", writer.writer()).dropped_by_series[0].1,
        5
    );
    assert_eq!(
        harness.warning_counts("run-a")[0],
        ("dropped".to_owned(), 5)
    );
    // What is here is never more than what is said to be logged.
    harness.apply(
        writer
            .log(loss, (0..20).map(|step| (f64::from(step), 0.0)))
            .frame(),
    );
    let shown = harness.run("run-a").completeness;
    assert_eq!((shown.durable_points, shown.logged_points), (23, 30));
}

pub fn completeness_of_a_run_is_the_sum_over_its_writers(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    let in_one = one.metric("one");
    let in_two = two.metric("two");
    harness.apply(one.log(in_one, [(0.0, 1.0)]).frame());
    harness.apply(two.log(in_two, [(0.0, 1.0), (1.0, 1.0)]).frame());
    let told = Completeness {
        logged_points: 9,
        ..Completeness::default()
    };
    harness.apply(one.push(OperationKind::Completeness(told)).beat());
    let shown = harness.run("run-a").completeness;
    assert_eq!((shown.logged_points, shown.durable_points), (11, 3));
}

pub fn two_writers_at_one_step_are_warned_of_once_a_series(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    let in_one = one.metric("loss");
    let in_two = two.metric("loss");
    let even = |step: i32| (f64::from(step) * 2.0, 1.0);
    harness.apply(one.log(in_one, (0..10).map(even)).frame());
    // Interleaved, and no step in common.
    harness.apply(
        two.log(
            in_two,
            (0..9).map(|step| (f64::from(step) * 2.0 + 1.0, 2.0)),
        )
        .frame(),
    );
    harness.apply(one.log(in_one, [(4.0, 1.5)]).frame());
    harness.apply(two.log(in_two, [(3.0, 2.5)]).frame());
    assert_eq!(harness.warning_counts("run-a"), []);
    harness.apply(two.log(in_two, [(100.0, 2.0), (6.0, 9.0)]).frame());
    let counts = [("two_writers_one_step".to_owned(), 1)];
    assert_eq!(harness.warning_counts("run-a"), counts);
    // The later shows, both are kept.
    assert!(harness.values("run-a", &key("loss")).contains(&(6.0, 9.0)));
    assert_eq!(harness.history("run-a", &key("loss")).len(), 23);
    harness.apply(one.log(in_one, [(100.0, 3.0)]).frame());
    assert_eq!(harness.warning_counts("run-a"), counts);
    let other_one = one.metric("other");
    let other_two = two.metric("other");
    harness.apply(two.log(other_two, [(1.0, 1.0)]).frame());
    harness.apply(one.log(other_one, [(1.0, 1.0)]).frame());
    assert_eq!(
        harness.warning_counts("run-a"),
        [("two_writers_one_step".to_owned(), 2)]
    );
}

pub fn what_is_hidden_does_not_count_as_another_writers_step(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let in_one = one.metric("loss");
    harness.apply(
        one.log(in_one, [(0.0, 1.0), (5.0, 1.0), (6.0, 1.0)])
            .frame(),
    );
    harness.apply(one.rewind(6.0).frame());
    harness.apply(one.remove(Some(key("loss")), Some(5.0)).frame());
    let mut two = FrameBuilder::secondary("run-a", 2);
    let in_two = two.metric("loss");
    harness.apply(two.log(in_two, [(5.0, 2.0), (6.0, 2.0)]).frame());
    assert_eq!(harness.warning_counts("run-a"), []);
    harness.apply(two.log(in_two, [(0.0, 2.0)]).frame());
    assert_eq!(harness.warning_counts("run-a").len(), 1);
}

pub fn clocks_apart_are_warned_of(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let mut near = writer.frame();
    near.frame.sent_at = at(30);
    harness.apply(near);
    assert_eq!(harness.warning_counts("run-a"), []);
    for sent_at in [at(3_600), at(-3_600)] {
        let mut far = writer.frame();
        far.frame.sent_at = sent_at;
        harness.apply(far);
    }
    let warning = harness.warnings("run-a").remove(0);
    assert_eq!((warning.kind.as_str(), warning.count), ("clock_skew", 2));
    assert!(
        warning.detail.contains("3600 s behind"),
        "{}",
        warning.detail
    );
}
