//! Deleted runs: gone from every read, closed to their writers, and taken back.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{EndReason, Step, WorkspaceId};
use runstone_wire::{Completeness, FrameStatus, OpenMode, OpenWriter, OperationKind, RefusalCode};

use super::edits::at;
use super::harness::Harness;
use super::testing::{FrameBuilder, Sample, key, open_run};
use crate::{EditOutcome, RunAction, RunRecord, RunScan, RunVisit, StoreError};

/// A run with three points and a param.
pub(super) fn logged(harness: &mut Harness, id: &str, number: u8) -> FrameBuilder {
    let mut writer = FrameBuilder::creator(id, number);
    let loss = writer.metric("loss");
    writer.set_param("lr", 0.5);
    writer.log(loss, [(0.0, 3.0), (1.0, 2.0), (2.0, 1.0)]);
    harness.apply(writer.frame());
    writer
}

#[track_caller]
pub(super) fn changed(harness: &mut Harness, id: &str, action: &RunAction, seconds: i64) {
    let outcomes = harness.edit(&[id], action, at(seconds));
    assert!(
        matches!(outcomes[..], [EditOutcome::Changed(_)]),
        "{outcomes:?}"
    );
}

#[track_caller]
pub(super) fn conflicts(harness: &mut Harness, id: &str, action: &RunAction) {
    let outcomes = harness.edit(&[id], action, at(90));
    assert!(
        matches!(
            outcomes[..],
            [EditOutcome::Refused(StoreError::Conflict(_))]
        ),
        "{outcomes:?}"
    );
}

pub(super) fn trash(harness: &Harness) -> Vec<RunRecord> {
    visited(harness, true)
}

fn visited(harness: &Harness, deleted: bool) -> Vec<RunRecord> {
    let visit = RunVisit {
        deleted,
        ..RunVisit::default()
    };
    let mut rows = Vec::new();
    let done = harness.ask(|snapshot| {
        snapshot.visit_runs_unsorted(&visit, &mut |row| {
            rows.push(row);
            Ok(())
        })
    });
    done.expect("runs are readable");
    rows.sort_by_key(|row| row.key);
    rows
}

/// A frame with one point more.
pub(super) fn point(writer: &mut FrameBuilder, step: f64) -> crate::AppendFrame {
    let loss = writer.metric("loss");
    writer.log(loss, [(step, step)]).frame()
}

pub fn a_deleted_run_is_gone_from_every_read(harness: &mut Harness) {
    logged(harness, "run-one", 1);
    logged(harness, "run-two", 2);
    let name = RunAction::Change({
        let mut changes = crate::RunChanges::default();
        changes.set_name("best").expect("a good name");
        changes
    });
    changed(harness, "run-one", &name, 50);
    changed(harness, "run-one", &RunAction::Delete, 60);
    for address in ["run-one", "best", "run-o"] {
        let found = harness.find_run(address);
        assert!(matches!(found, Err(StoreError::NotFound(_))), "{found:?}");
    }
    // The start of an id that was ambiguous is so no more.
    assert_eq!(harness.run("run-").run.id.as_str(), "run-two");
    let scan = RunScan {
        include_archived: true,
        limit: 10,
        ..RunScan::default()
    };
    let page = harness.ask(|snapshot| snapshot.scan_runs(&scan)).unwrap();
    assert_eq!(page.runs.len(), 1);
    let workspace = WorkspaceId::default();
    let experiments = harness.ask(|snapshot| snapshot.scan_experiments(workspace));
    assert_eq!(experiments.unwrap()[0].runs, 1);
    assert_eq!(harness.store().stats().unwrap().runs, 1);
    let living = visited(harness, false);
    assert_eq!(living.len(), 1);
    assert_eq!(living[0].deleted_at, None);
    let trash = trash(harness);
    assert_eq!(trash.len(), 1);
    assert_eq!(trash[0].run.name.as_deref(), Some("best"));
    assert_eq!(trash[0].deleted_at, Some(at(60)));
}

pub fn every_operation_of_a_deleted_runs_writer_is_refused(harness: &mut Harness) {
    let mut writer = logged(harness, "run-a", 1);
    let mut quiet = FrameBuilder::secondary("run-a", 2);
    harness.apply(quiet.frame());
    changed(harness, "run-a", &RunAction::Delete, 60);
    let answer = harness.apply_refusing(point(&mut writer, 3.0), &[(0, RefusalCode::Deleted)]);
    assert_eq!(answer.run_state, None);
    assert_eq!(answer.mark, writer.next_slot());
    assert!(answer.refusals[0].reason.contains("run-a"));
    assert_eq!(answer.refusals[0].points, 1);
    let accuracy = writer.metric("accuracy");
    writer
        .set_param("lr", 0.1)
        .change_tags(&["t"], &[])
        .log(accuracy, [(0.0, 1.0), (1.0, 1.0)]);
    let codes: Vec<(u32, RefusalCode)> = (0..4).map(|at| (at, RefusalCode::Deleted)).collect();
    harness.apply_refusing(writer.frame(), &codes);
    // Heartbeats and counters are the writer's own.
    let told = Completeness {
        logged_points: 6,
        dropped_points: 0,
        refused_points: 0,
        dropped: Vec::new(),
    };
    harness.apply(writer.push(OperationKind::Completeness(told)).beat());
    // A frame sent again is a duplicate, and a base frame says the openings again.
    let frame = point(&mut quiet, 0.0);
    let codes = [(0, RefusalCode::Deleted), (1, RefusalCode::Deleted)];
    harness.apply_refusing(frame.clone(), &codes);
    harness.unchanged(frame, FrameStatus::Duplicate);
    let answer = harness.append(quiet.lose(2).base_frame());
    assert_eq!(answer.status, FrameStatus::Applied);
    assert!(
        answer
            .refusals
            .iter()
            .all(|refusal| refusal.code == RefusalCode::Deleted)
    );
    assert!(harness.find_run("run-a").is_err());
}

pub fn a_deleted_run_stays_deleted_while_its_id_lives_again(harness: &mut Harness) {
    let mut former = logged(harness, "run-a", 1);
    let first = harness.key("run-a");
    changed(harness, "run-a", &RunAction::Delete, 60);
    let mut open = open_run(OpenMode::Create);
    open.created_at = at(70);
    let mut writer = FrameBuilder::new("run-a", 2);
    writer.set_clock(at(70).as_micros()).open(true, open);
    harness.apply(point(&mut writer, 9.0));
    let second = harness.key("run-a");
    assert!(second > first);
    harness.apply_refusing(point(&mut former, 3.0), &[(0, RefusalCode::Deleted)]);
    assert_eq!(harness.values("run-a", &key("loss")), [(9.0, 9.0)]);
    assert!(harness.params("run-a").is_empty());
    conflicts(harness, "run-a", &RunAction::Undelete);
    // Both are deleted; the one that was deleted last comes back.
    changed(harness, "run-a", &RunAction::Delete, 80);
    assert_eq!(trash(harness).len(), 2);
    changed(harness, "run-a", &RunAction::Undelete, 81);
    assert_eq!(harness.key("run-a"), second);
    harness.apply_refusing(point(&mut former, 4.0), &[(0, RefusalCode::Deleted)]);
    harness.apply(point(&mut writer, 10.0));
    assert_eq!(trash(harness).len(), 1);
}

pub fn a_run_comes_back_with_everything_and_its_writers_go_on(harness: &mut Harness) {
    let mut writer = logged(harness, "run-a", 1);
    let before = harness.run("run-a");
    changed(harness, "run-a", &RunAction::Delete, 60);
    harness.fold();
    harness.apply_refusing(point(&mut writer, 3.0), &[(0, RefusalCode::Deleted)]);
    changed(harness, "run-a", &RunAction::Undelete, 61);
    let after = harness.run("run-a");
    assert_eq!(after.key, before.key);
    assert_eq!(after.deleted_at, None);
    assert_eq!(after.run, before.run);
    assert_eq!(harness.params_json("run-a"), r#"{"lr":0.5}"#);
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(0.0, 3.0), (1.0, 2.0), (2.0, 1.0)]
    );
    // What was refused stays refused, and is counted.
    assert_eq!(after.completeness.refused_points, 1);
    assert_eq!(after.completeness.durable_points, 3);
    assert_eq!(harness.warning_counts("run-a"), [("refused".to_owned(), 1)]);
    harness.apply(point(&mut writer, 4.0));
    let written = harness.run("run-a").completeness;
    assert_eq!((written.durable_points, written.refused_points), (4, 1));
    assert_eq!(written.logged_points, 5);
    assert_eq!(harness.values("run-a", &key("loss")).len(), 4);
    harness.reopen();
    assert_eq!(harness.values("run-a", &key("loss")).len(), 4);
}

pub fn deleting_and_taking_back_twice_changes_nothing(harness: &mut Harness) {
    logged(harness, "run-a", 1);
    let unchanged = |harness: &mut Harness, action: &RunAction| {
        let outcomes = harness.edit(&["run-a"], action, at(70));
        assert!(
            matches!(outcomes[..], [EditOutcome::Unchanged]),
            "{outcomes:?}"
        );
    };
    unchanged(harness, &RunAction::Undelete);
    changed(harness, "run-a", &RunAction::Delete, 60);
    unchanged(harness, &RunAction::Delete);
    assert_eq!(trash(harness)[0].deleted_at, Some(at(60)));
    let name = RunAction::Change(crate::RunChanges::default());
    let outcomes = harness.edit(&["run-a"], &name, at(71));
    let [EditOutcome::Refused(StoreError::NotFound(reason))] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    assert!(reason.contains("runstone undelete run-a"), "{reason}");
    changed(harness, "run-a", &RunAction::Undelete, 72);
    unchanged(harness, &RunAction::Undelete);
}

pub fn a_writer_that_comes_late_belongs_to_the_deleted_run(harness: &mut Harness) {
    logged(harness, "run-a", 1);
    let key_before = harness.key("run-a");
    changed(harness, "run-a", &RunAction::Delete, 60);
    // Opened before the deletion, delivered after it, whatever it asks for.
    let modes = [OpenMode::Create, OpenMode::Attach, OpenMode::ResumeOrCreate];
    let mut late: Vec<FrameBuilder> = Vec::new();
    for (number, mode) in (2..).zip(modes) {
        let mut writer = FrameBuilder::new("run-a", number);
        let mut open = open_run(mode);
        open.created_at = at(59);
        // The client's clock agrees with the server's when it sends.
        writer.set_clock(at(90).as_micros()).open(false, open);
        let frame = point(&mut writer, f64::from(number));
        let codes = [1, 2, 3].map(|index| (index, RefusalCode::Deleted));
        harness.apply_refusing(frame, &codes);
        late.push(writer);
    }
    assert!(harness.find_run("run-a").is_err());
    // A clock that is an hour ahead does not make it a new run.
    let mut ahead = FrameBuilder::new("run-a", 8);
    let mut open = open_run(OpenMode::Create);
    open.created_at = at(3_600 + 50);
    ahead.set_clock(at(3_600 + 80).as_micros()).open(true, open);
    let mut frame = ahead.frame();
    frame.received_at = runstone_model::ReceivedAt(at(80));
    harness.apply_refusing(frame, &[(1, RefusalCode::Deleted)]);
    // Taken back, the run has them as its writers.
    changed(harness, "run-a", &RunAction::Undelete, 91);
    assert_eq!(harness.key("run-a"), key_before);
    late[0].push(OperationKind::SetProperties(Default::default()));
    harness.apply(late[0].frame());
    assert_eq!(harness.writers("run-a").len(), 5);
    assert_eq!(harness.run("run-a").completeness.refused_points, 3);
}

pub fn a_child_of_a_deleted_runs_process_makes_no_new_run(harness: &mut Harness) {
    let parent = logged(harness, "run-a", 1);
    changed(harness, "run-a", &RunAction::Delete, 60);
    let mut child = FrameBuilder::new("run-a", 2);
    child.set_clock(at(70).as_micros());
    child.push(OperationKind::OpenWriter(OpenWriter {
        host: "host-a".to_owned(),
        boot_id: "boot-1".to_owned(),
        pid: 7,
        rank: None,
        user: "ada".to_owned(),
        sdk: "test/1".to_owned(),
        opened_at: at(70),
        primary: false,
        parent_writer: Some(parent.writer()),
        lease_seconds: 0,
    }));
    let mut open = open_run(OpenMode::Attach);
    open.created_at = at(70);
    child.push(OperationKind::OpenRun(open));
    harness.apply_refusing(child.frame(), &[(1, RefusalCode::Deleted)]);
    assert!(harness.find_run("run-a").is_err());
}

pub fn a_resume_of_a_deleted_run_is_refused_as_deleted(harness: &mut Harness) {
    logged(harness, "run-a", 1);
    changed(harness, "run-a", &RunAction::Delete, 60);
    let mut writer = FrameBuilder::new("run-a", 2);
    let mut open = open_run(OpenMode::Resume);
    open.created_at = at(70);
    writer.set_clock(at(70).as_micros()).open(true, open);
    let answer = harness.apply_refusing(writer.frame(), &[(1, RefusalCode::Deleted)]);
    assert!(
        answer.refusals[0]
            .reason
            .contains("runstone undelete run-a")
    );
}

pub fn a_fork_of_a_deleted_run_keeps_what_it_has(harness: &mut Harness) {
    logged(harness, "parent", 1);
    let parent = harness.key("parent");
    let fork = |number: u8| {
        let mut writer = FrameBuilder::new(&format!("fork-{number}"), number);
        let mut open = open_run(OpenMode::Create);
        let step = Step::new(1.0).expect("a step");
        open.parent = Some((runstone_model::RunId::new("parent").expect("an id"), step));
        writer.open(true, open).frame()
    };
    harness.apply(fork(2));
    changed(harness, "parent", &RunAction::Delete, 60);
    assert_eq!(
        harness.run("fork-2").run.parent.map(|pin| pin.parent),
        Some(parent)
    );
    // A later one finds no parent, and says so.
    harness.apply(fork(3));
    assert_eq!(harness.run("fork-3").run.parent, None);
    assert_eq!(
        harness.warning_counts("fork-3"),
        [("missing_parent".to_owned(), 1)]
    );
}

pub fn an_ended_run_with_hidden_points_is_deleted_and_taken_back(harness: &mut Harness) {
    let mut writer = logged(harness, "run-a", 1);
    harness.apply(writer.remove(Some(key("loss")), Some(1.0)).frame());
    let many: Vec<Sample> = (0..700)
        .map(|step| Sample::float(f64::from(step) + 10.0, f64::from(step)))
        .collect();
    let loss = writer.metric("loss");
    writer.log_samples(&[(loss, many)]);
    harness.apply(writer.frame());
    let reason = EndReason::new(runstone_model::ReasonCode::Exception, "boom");
    harness.apply(writer.fail(reason.code, &reason.text).frame());
    let before = (
        harness.values("run-a", &key("loss")),
        harness.state("run-a"),
    );
    for _ in 0..2 {
        changed(harness, "run-a", &RunAction::Delete, 60);
        harness.fold();
        harness.reopen();
        changed(harness, "run-a", &RunAction::Undelete, 61);
        let after = (
            harness.values("run-a", &key("loss")),
            harness.state("run-a"),
        );
        assert_eq!(after, before);
    }
}
