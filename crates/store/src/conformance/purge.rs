//! Purged runs: gone for good, and closed to their writers for ever.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use runstone_model::{ChangeNumber, Timestamp, WorkspaceId};
use runstone_wire::{FrameStatus, OpenMode, OpenWriter, OperationKind, RefusalCode};

use super::deletion::{changed, conflicts, logged, point, trash};
use super::edits::at;
use super::harness::Harness;
use super::testing::{FrameBuilder, key, open_run};
use crate::{
    ChangeScan, EditOutcome, ReclaimReport, ReclaimRequest, RunAction, RunStand, SpaceReport,
    StoreError,
};

/// Purges what was deleted `trash_seconds` before `now` or earlier.
pub(super) fn reclaim(harness: &Harness, now: Timestamp, trash_seconds: u64) -> ReclaimReport {
    let request = ReclaimRequest {
        at: now,
        trash_seconds: Some(trash_seconds),
        longest: Duration::from_secs(60),
    };
    let report = harness.store().reclaim(&request).expect("it can be purged");
    assert!(report.done, "{report:?}");
    report
}

fn space(harness: &Harness) -> SpaceReport {
    let space = harness.store().read_space().expect("space is readable");
    let held = space.runs.iter().map(|run| run.bytes.total()).sum::<u64>()
        + space.journal_bytes
        + space.purging_bytes
        + space.rest_bytes
        + space.reusable_bytes;
    assert!(
        held.abs_diff(space.database_bytes) * 50 <= space.database_bytes,
        "{held} of {space:?}"
    );
    space
}

pub fn a_run_is_purged_when_its_time_in_the_trash_is_over(harness: &mut Harness) {
    for (number, id) in (1..).zip(["run-a", "run-b", "run-c"]) {
        logged(harness, id, number);
    }
    let keys = ["run-a", "run-b"].map(|id| harness.key(id));
    changed(harness, "run-b", &RunAction::Delete, 60);
    changed(harness, "run-a", &RunAction::Delete, 70);
    let nothing = reclaim(harness, at(100), 41);
    assert_eq!((nothing.purged.len(), trash(harness).len()), (0, 2));
    assert_eq!(space(harness).runs.len(), 3);
    let before = harness.store().change_number().unwrap();
    let report = reclaim(harness, at(100), 40);
    let purged: Vec<&str> = report.purged.iter().map(|id| id.as_str()).collect();
    assert_eq!(purged, ["run-b"]);
    // Who keeps runs learns of it all the same.
    let snapshot = harness.store().snapshot().unwrap();
    let changed = |since| snapshot.read_changed_runs(since).unwrap();
    let all = changed(ChangeNumber(0)).expect("the journal is whole");
    assert!(keys.iter().all(|key| all.contains(key)), "{all:?}");
    let newest = snapshot.change_number();
    assert_eq!(changed(newest), Some(BTreeSet::new()));
    assert_eq!(changed(newest.next()), None);
    drop(snapshot);
    // Whoever keeps what they have read learns that something has changed.
    assert_eq!(harness.store().change_number().unwrap().0, before.0 + 1);
    let left = trash(harness);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].run.id.as_str(), "run-a");
    assert_eq!(reclaim(harness, at(200), 0).purged.len(), 1);
    assert!(trash(harness).is_empty());
    assert_eq!(harness.params_json("run-c"), r#"{"lr":0.5}"#);
    assert_eq!(harness.values("run-c", &key("loss")).len(), 3);
    let space = space(harness);
    assert_eq!((space.runs.len(), space.purging_bytes), (1, 0));
    assert_eq!(space.runs[0].run, harness.key("run-c"));
    for key in keys {
        let (record, params, writers) = harness.ask(|snapshot| {
            let record = snapshot.read_run(key).unwrap();
            let params = snapshot.read_params(key).unwrap();
            (record, params, snapshot.read_scalars(key).unwrap())
        });
        assert!(record.is_none() && params.is_empty() && writers.is_empty());
    }
    harness.reopen();
    assert!(trash(harness).is_empty());
}

pub fn a_purged_run_is_in_no_read_and_can_not_be_taken_back(harness: &mut Harness) {
    logged(harness, "run-a", 1);
    logged(harness, "run-b", 2);
    let stands = ["run-a", "run-b"].map(|id| {
        let run = harness.run(id);
        RunStand {
            key: run.key,
            changed: run.changed,
        }
    });
    changed(harness, "run-a", &RunAction::Delete, 60);
    changed(harness, "run-a", &RunAction::Purge, 61);
    assert!(trash(harness).is_empty());
    let path = runstone_model::ParamPath::parse_dotted("lr").unwrap();
    let mut found = Vec::new();
    let visited = harness.ask(|snapshot| {
        snapshot.visit_param_column(&path, &stands, &mut |index, _| found.push(index))
    });
    visited.unwrap();
    assert_eq!(found, [1]);
    let page = harness.ask(|snapshot| {
        snapshot.scan_changes(&ChangeScan {
            limit: 100,
            ..ChangeScan::default()
        })
    });
    let page = page.unwrap();
    assert!(!page.reset);
    assert!(
        page.changes
            .iter()
            .all(|one| one.run_id.as_str() == "run-b")
    );
    assert_eq!(page.next, harness.store().change_number().unwrap());
    let of_run = harness.ask(|snapshot| {
        snapshot.scan_changes(&ChangeScan {
            run: Some(runstone_model::RunId::new("run-a").unwrap()),
            limit: 100,
            ..ChangeScan::default()
        })
    });
    assert!(matches!(of_run, Err(StoreError::NotFound(_))), "{of_run:?}");
    for action in [RunAction::Undelete, RunAction::Delete] {
        let outcomes = harness.edit(&["run-a"], &action, at(62));
        assert!(
            matches!(
                outcomes[..],
                [EditOutcome::Refused(StoreError::NotFound(_))]
            ),
            "{outcomes:?}"
        );
    }
    let outcomes = harness.edit(&["run-a", "nobody", "run-b"], &RunAction::Purge, at(63));
    assert!(
        matches!(
            outcomes[..],
            [
                EditOutcome::Unchanged,
                EditOutcome::Refused(StoreError::NotFound(_)),
                EditOutcome::Refused(StoreError::Conflict(_))
            ]
        ),
        "{outcomes:?}"
    );
}

pub fn writers_of_a_purged_run_are_refused_for_ever(harness: &mut Harness) {
    let mut writer = logged(harness, "run-a", 1);
    let parent = writer.writer();
    changed(harness, "run-a", &RunAction::Delete, 60);
    changed(harness, "run-a", &RunAction::Purge, 61);
    let frame = point(&mut writer, 3.0);
    let answer = harness.apply_refusing(frame.clone(), &[(0, RefusalCode::Deleted)]);
    assert_eq!(answer.mark, writer.next_slot());
    harness.unchanged(frame, FrameStatus::Duplicate);
    // One that opened before the deletion and comes only now.
    let mut late = FrameBuilder::new("run-a", 2);
    let mut open = open_run(OpenMode::ResumeOrCreate);
    open.created_at = at(59);
    late.set_clock(at(90).as_micros()).open(false, open);
    let codes = [1, 2, 3].map(|index| (index, RefusalCode::Deleted));
    let answer = harness.apply_refusing(point(&mut late, 2.0), &codes);
    assert!(answer.refusals[0].reason.contains("for good"));
    // A child of its process, and one that wants to resume.
    let mut child = FrameBuilder::new("run-a", 3);
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
        parent_writer: Some(parent),
        lease_seconds: 0,
    }));
    let mut open = open_run(OpenMode::Attach);
    open.created_at = at(70);
    child.push(OperationKind::OpenRun(open));
    harness.apply_refusing(child.frame(), &[(1, RefusalCode::Deleted)]);
    let mut resumed = FrameBuilder::new("run-a", 4);
    let mut open = open_run(OpenMode::Resume);
    open.created_at = at(70);
    resumed.set_clock(at(70).as_micros()).open(true, open);
    harness.apply_refusing(resumed.frame(), &[(1, RefusalCode::Deleted)]);
    assert!(harness.find_run("run-a").is_err());
    // Also when the id lives again.
    let mut open = open_run(OpenMode::Create);
    open.created_at = at(100);
    let mut fresh = FrameBuilder::new("run-a", 5);
    fresh.set_clock(at(100).as_micros()).open(true, open);
    harness.apply(point(&mut fresh, 9.0));
    harness.apply_refusing(point(&mut writer, 4.0), &[(0, RefusalCode::Deleted)]);
    harness.apply_refusing(point(&mut late, 4.0), &[(0, RefusalCode::Deleted)]);
    assert_eq!(harness.values("run-a", &key("loss")), [(9.0, 9.0)]);
    harness.reopen();
    harness.apply_refusing(point(&mut writer, 5.0), &[(0, RefusalCode::Deleted)]);
    assert_eq!(harness.values("run-a", &key("loss")), [(9.0, 9.0)]);
}

pub fn lives_of_one_id_are_purged_without_the_one_that_lives(harness: &mut Harness) {
    let mut writers = vec![logged(harness, "run-a", 1)];
    for (number, start) in [(2, 100), (3, 200)] {
        changed(harness, "run-a", &RunAction::Delete, start - 1);
        let mut open = open_run(OpenMode::Create);
        open.created_at = at(start);
        let mut writer = FrameBuilder::new("run-a", number);
        writer.set_clock(at(start).as_micros()).open(true, open);
        harness.apply(point(&mut writer, f64::from(number)));
        writers.push(writer);
    }
    assert_eq!(trash(harness).len(), 2);
    conflicts(harness, "run-a", &RunAction::Undelete);
    changed(harness, "run-a", &RunAction::Purge, 300);
    assert!(trash(harness).is_empty());
    assert_eq!(harness.values("run-a", &key("loss")), [(3.0, 3.0)]);
    let mut living = writers.pop().expect("three were made");
    for writer in &mut writers {
        harness.apply_refusing(point(writer, 7.0), &[(0, RefusalCode::Deleted)]);
    }
    harness.apply(point(&mut living, 4.0));
    // Of the trash and what is purged, the life that was deleted last decides.
    changed(harness, "run-a", &RunAction::Delete, 400);
    let mut late = FrameBuilder::new("run-a", 9);
    let mut open = open_run(OpenMode::Attach);
    open.created_at = at(350);
    late.set_clock(at(450).as_micros()).open(false, open);
    harness.apply_refusing(late.frame(), &[(1, RefusalCode::Deleted)]);
    changed(harness, "run-a", &RunAction::Undelete, 401);
    assert_eq!(harness.values("run-a", &key("loss")).len(), 2);
    let workspace = WorkspaceId::default();
    let experiments = harness.ask(|snapshot| snapshot.scan_experiments(workspace));
    assert_eq!(experiments.unwrap()[0].runs, 1);
}
