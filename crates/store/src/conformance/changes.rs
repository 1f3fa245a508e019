//! The journal of changes: what each applied frame was, filters, pages, what is forgotten.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use std::time::{Duration, Instant};

use runstone_model::{
    ChangeNumber, Goal, LifecycleEvent, ReasonCode, RunId, ScalarValue, Timestamp,
};
use runstone_wire::{
    Completeness, DefineMetric, FrameStatus, OpenMode, OperationKind, RefusalCode, SetProperties,
    SetScalar,
};

use super::CONFORMANCE_CHANGES_KEPT;
use super::harness::Harness;
use super::testing::{
    FrameBuilder, TEST_EPOCH_MICROS, experiment_name, key, metric_name, open_run, param_path,
    setting, tag_name,
};
use crate::ChangeKind::{
    Created, Params, Points, Properties, Scalars, State, Tags, Warnings, Writers,
};
use crate::{ChangeKind, ChangePage, ChangeRecord, ChangeScan, StoreError};

fn scan(harness: &Harness, scan: &ChangeScan) -> ChangePage {
    harness
        .ask(|snapshot| snapshot.scan_changes(scan))
        .expect("the journal is readable")
}

/// All changes that a scan asks for, in pages of two.
fn changes(harness: &Harness, wanted: &ChangeScan) -> Vec<ChangeRecord> {
    let mut wanted = ChangeScan {
        limit: 2,
        ..wanted.clone()
    };
    let mut all = Vec::new();
    loop {
        let page = scan(harness, &wanted);
        assert!(!page.reset && page.changes.len() <= 2, "{page:?}");
        let is_last = page.next == harness.store().change_number().unwrap();
        assert!(is_last || wanted.since != Some(page.next), "{page:?}");
        all.extend(page.changes);
        wanted.since = Some(page.next);
        if is_last {
            return all;
        }
    }
}

fn numbers(records: &[ChangeRecord]) -> Vec<u64> {
    records.iter().map(|record| record.change.0).collect()
}

fn kinds(record: &ChangeRecord) -> Vec<ChangeKind> {
    record.kinds.iter().collect()
}

/// The kinds of the newest change.
fn last_kinds(harness: &Harness) -> Vec<ChangeKind> {
    let all = changes(harness, &ChangeScan::default());
    let last = all.last().expect("there was a change");
    assert_eq!(last.change, harness.store().change_number().unwrap());
    kinds(last)
}

pub fn each_applied_frame_is_one_change_with_its_kinds(harness: &mut Harness) {
    let mut writer = FrameBuilder::new("run-a", 1);
    let mut open = open_run(OpenMode::Create);
    open.name = Some("sgd-1".to_owned());
    open.tags = vec![tag_name("baseline")];
    open.config = vec![setting("lr", 0.5, false)];
    harness.apply(writer.open(true, open).frame());
    assert_eq!(
        last_kinds(harness),
        [Created, State, Properties, Tags, Params, Writers]
    );
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    assert_eq!(last_kinds(harness), [Writers]);
    harness.apply(writer.log(loss, [(0.0, 1.0)]).frame());
    assert_eq!(last_kinds(harness), [Points]);
    harness.apply(
        writer
            .set_param("depth", 3_i64)
            .log(loss, [(1.0, 1.0)])
            .frame(),
    );
    assert_eq!(last_kinds(harness), [Params, Points]);
    harness.apply(writer.change_tags(&["best"], &["baseline"]).frame());
    assert_eq!(last_kinds(harness), [Tags]);
    let at = Timestamp::from_micros(TEST_EPOCH_MICROS);
    let cases: [(OperationKind, &[ChangeKind]); 6] = [
        (
            OperationKind::SetProperties(SetProperties {
                name: Some("sgd-2".to_owned()),
                ..SetProperties::default()
            }),
            &[Properties],
        ),
        (
            OperationKind::SetScalar(SetScalar {
                name: metric_name("accuracy"),
                value: ScalarValue::F64(0.5),
                time: at,
            }),
            &[Scalars],
        ),
        (
            OperationKind::DefineMetric(DefineMetric {
                name: metric_name("loss"),
                goal: Some(Goal::Min),
                unit: None,
                default_x: None,
            }),
            &[Points],
        ),
        (
            OperationKind::RemoveParams(vec![param_path("depth")]),
            &[Params],
        ),
        (OperationKind::Heartbeat { at }, &[Writers]),
        (
            OperationKind::Completeness(Completeness {
                logged_points: 10,
                dropped_points: 3,
                ..Completeness::default()
            }),
            &[Writers, Warnings],
        ),
    ];
    for (operation, expected) in cases {
        harness.apply(writer.push(operation.clone()).frame());
        assert_eq!(last_kinds(harness), expected, "{operation:?}");
    }
    harness.apply(writer.rewind(1.0).frame());
    assert_eq!(last_kinds(harness), [Points]);
    harness.apply(writer.remove(Some(key("loss")), None).frame());
    assert_eq!(last_kinds(harness), [Points]);
    harness.apply(writer.close().frame());
    assert_eq!(last_kinds(harness), [State, Writers]);
    let all = changes(harness, &ChangeScan::default());
    assert_eq!(numbers(&all), (1..=14).collect::<Vec<u64>>());
    let first = all.first().unwrap();
    assert_eq!(first.run_id, *writer.run());
    assert_eq!(first.run, harness.key("run-a"));
    assert_eq!(first.experiment_name, "default");
    assert_eq!(first.at.as_micros(), TEST_EPOCH_MICROS);
}

pub fn a_frame_that_changes_nothing_leaves_no_change(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let first = writer.frame();
    harness.apply(first.clone());
    harness.unchanged(first, FrameStatus::Duplicate);
    writer.lose(3);
    harness.unchanged(writer.frame(), FrameStatus::Mismatch);
    // A writer whose run was refused has no run to tell of, and takes a number all the same.
    let mut stranger = FrameBuilder::new("run-b", 2);
    stranger.open(true, open_run(OpenMode::Resume));
    harness.apply_refusing(stranger.frame(), &[(1, RefusalCode::NotFound)]);
    let page = scan(
        harness,
        &ChangeScan {
            limit: 10,
            ..ChangeScan::default()
        },
    );
    assert_eq!(numbers(&page.changes), [1]);
    assert_eq!(page.next.0, 2);
}

pub fn refusals_and_losses_are_changes_of_writers_and_warnings(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.frame());
    writer.push(OperationKind::DefineMetric(DefineMetric {
        name: metric_name("loss"),
        goal: None,
        unit: Some("x".repeat(100_000)),
        default_x: None,
    }));
    harness.apply_refusing(writer.frame(), &[(0, RefusalCode::TooLarge)]);
    assert_eq!(last_kinds(harness), [Warnings]);
    writer.lose(5);
    harness.apply(writer.base_frame());
    assert_eq!(last_kinds(harness), [Writers, Warnings]);
}

pub fn changes_carry_the_events_of_their_frame(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.frame());
    let mut other = FrameBuilder::creator("run-b", 2);
    harness.apply(other.frame());
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, 1.0)]).frame());
    harness.apply(writer.fail(ReasonCode::Exception, "out of memory").frame());
    let all = changes(harness, &ChangeScan::default());
    let events: Vec<Vec<LifecycleEvent>> = all
        .iter()
        .map(|change| change.events.iter().map(|event| event.event).collect())
        .collect();
    let born = vec![LifecycleEvent::Create, LifecycleEvent::Start];
    assert_eq!(
        events,
        [born.clone(), born, vec![], vec![LifecycleEvent::Fail]]
    );
    let told: Vec<_> = all
        .iter()
        .filter(|change| change.run_id == *writer.run())
        .flat_map(|change| change.events.clone())
        .collect();
    assert_eq!(told, harness.events("run-a"));
}

pub fn changes_are_filtered_by_run_experiment_and_kind(harness: &mut Harness) {
    let mut writers = Vec::new();
    for (number, run, experiment) in [(1, "run-a", "digits"), (2, "run-b", "words")] {
        let mut writer = FrameBuilder::new(run, number);
        let mut open = open_run(OpenMode::Create);
        open.experiment = Some(experiment_name(experiment));
        harness.apply(writer.open(true, open).frame());
        writers.push(writer);
    }
    for writer in &mut writers {
        let loss = writer.metric("loss");
        harness.apply(writer.log(loss, [(0.0, 1.0)]).frame());
        harness.apply(writer.set_param("lr", 0.5).frame());
    }
    harness.apply(
        writers[0]
            .push(OperationKind::SetProperties(SetProperties {
                experiment: Some(experiment_name("words")),
                ..SetProperties::default()
            }))
            .frame(),
    );
    let of = |run: Option<&str>, experiment: Option<&str>, wanted: &[ChangeKind]| {
        let wanted = ChangeScan {
            run: run.map(|run| RunId::new(run).unwrap()),
            experiment: experiment.map(str::to_owned),
            kinds: wanted.iter().copied().collect(),
            ..ChangeScan::default()
        };
        numbers(&changes(harness, &wanted))
    };
    assert_eq!(of(None, None, &[]), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(of(Some("run-a"), None, &[]), [1, 3, 4, 7]);
    assert_eq!(of(Some("run-b"), None, &[Points]), [5]);
    // Who leaves an experiment is seen by its readers.
    assert_eq!(of(None, Some("digits"), &[]), [1, 3, 4, 7]);
    assert_eq!(of(None, Some("words"), &[]), [2, 5, 6, 7]);
    assert_eq!(of(None, None, &[Created, Properties]), [1, 2, 7]);
    assert_eq!(of(Some("run-a"), Some("words"), &[]), [7]);
    assert_eq!(of(None, Some("nobody"), &[]), [0_u64; 0]);
    let moved = ChangeScan {
        since: Some(ChangeNumber(6)),
        limit: 5,
        ..ChangeScan::default()
    };
    let moved = scan(harness, &moved).changes;
    assert_eq!(moved.first().unwrap().experiment_name, "words");
    let stranger = ChangeScan {
        run: Some(RunId::new("run-c").unwrap()),
        ..ChangeScan::default()
    };
    let error = harness.ask(|snapshot| snapshot.scan_changes(&stranger));
    assert!(matches!(error, Err(StoreError::NotFound(_))), "{error:?}");
}

pub fn a_cursor_of_another_store_is_reset(harness: &mut Harness) {
    harness.apply(FrameBuilder::creator("run-a", 1).frame());
    let since = |since: u64| {
        let wanted = ChangeScan {
            since: Some(ChangeNumber(since)),
            limit: 10,
            ..ChangeScan::default()
        };
        let page = scan(harness, &wanted);
        (page.reset, page.next.0, numbers(&page.changes))
    };
    assert_eq!(since(0), (false, 1, vec![1]));
    assert_eq!(since(1), (false, 1, vec![]));
    assert_eq!(since(2), (true, 1, vec![]));
    assert_eq!(since(u64::MAX), (true, 1, vec![]));
}

pub fn the_oldest_changes_are_forgotten(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let frames = CONFORMANCE_CHANGES_KEPT * 2;
    for step in 0..frames {
        harness.apply(writer.set_param("step", step.cast_signed()).frame());
    }
    harness.fold();
    harness.reopen();
    let kept = changes(harness, &ChangeScan::default());
    let first = kept.first().unwrap().change.0;
    assert_eq!(
        numbers(&kept),
        (first..=frames).collect::<Vec<u64>>(),
        "what is kept has no holes"
    );
    let count = frames + 1 - first;
    assert!(
        (CONFORMANCE_CHANGES_KEPT..CONFORMANCE_CHANGES_KEPT * 3 / 2).contains(&count),
        "{count} are kept"
    );
    let since = |since: u64| {
        let wanted = ChangeScan {
            since: Some(ChangeNumber(since)),
            limit: 1,
            ..ChangeScan::default()
        };
        scan(harness, &wanted)
    };
    let page = since(first - 1);
    assert!(!page.reset);
    assert_eq!(numbers(&page.changes), [first]);
    let page = since(first - 2);
    assert!(page.reset && page.changes.is_empty());
    assert_eq!(page.next.0, frames);
}

pub fn who_waits_for_a_change_is_woken_by_it(harness: &mut Harness) {
    let store = harness.store();
    let short = Duration::from_millis(1);
    let zero = ChangeNumber(0);
    assert_eq!(store.wait_for_change(zero, short).unwrap(), zero);
    let long = Duration::from_secs(600);
    let mut writer = FrameBuilder::creator("run-a", 1);
    let started_at = Instant::now();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| store.wait_for_change(zero, long).unwrap());
        store.append(writer.frame()).unwrap();
        assert_eq!(waits.join().unwrap(), ChangeNumber(1));
        // What is there already is not waited for.
        assert_eq!(store.wait_for_change(zero, long).unwrap(), ChangeNumber(1));
        let waits = scope.spawn(|| store.wait_for_change(ChangeNumber(9), long));
        store.append(writer.frame()).unwrap();
        store.close().unwrap();
        let outcome = waits.join().unwrap();
        assert!(
            matches!(outcome, Err(StoreError::Unavailable { .. })),
            "{outcome:?}"
        );
    });
    assert!(started_at.elapsed() < long, "nobody slept to the end");
}
