//! The store as a whole: change numbers, snapshots, threads, folding, reopening, closing.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runstone_wire::{FrameStatus, OperationKind};

use super::harness::Harness;
use super::testing::{FrameBuilder, TEST_EPOCH_MICROS, key};
use crate::StoreError;

pub fn every_applied_frame_takes_the_next_change_number(harness: &mut Harness) {
    assert_eq!(harness.store().change_number().unwrap().0, 0);
    let mut writer = FrameBuilder::creator("run-a", 1);
    let mut other = FrameBuilder::creator("run-b", 2);
    let first = writer.frame();
    assert_eq!(harness.apply(first.clone()).change.0, 1);
    assert_eq!(harness.apply(other.frame()).change.0, 2);
    assert_eq!(harness.unchanged(first, FrameStatus::Duplicate).change.0, 2);
    let at = runstone_model::Timestamp::from_micros(TEST_EPOCH_MICROS);
    assert_eq!(
        harness
            .apply(writer.push(OperationKind::Heartbeat { at }).beat())
            .change
            .0,
        3
    );
    assert_eq!(harness.apply(other.frame()).change.0, 4);
    assert_eq!(harness.run("run-a").changed.0, 3);
    assert_eq!(harness.run("run-b").changed.0, 4);
    harness.fold();
    harness.reopen();
    assert_eq!(harness.store().change_number().unwrap().0, 4);
    assert_eq!(harness.ask(|snapshot| snapshot.change_number()).0, 4);
    assert_eq!(harness.apply(writer.frame()).change.0, 5);
}

pub fn a_snapshot_does_not_move(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, 1.0)]).set_param("lr", 0.5).frame());
    let run = harness.key("run-a");
    let store = harness.store();
    let snapshot = store.snapshot().unwrap();
    // Asked once before the writes, so that an engine which pins its view at the first read
    // has pinned it.
    let seen = snapshot.change_number();
    let next = writer
        .log(loss, [(0.0, 2.0), (1.0, 3.0)])
        .set_param("lr", 0.7)
        .change_tags(&["new"], &[])
        .close()
        .frame();
    assert_eq!(store.append(next).unwrap().status, FrameStatus::Applied);
    store
        .append(FrameBuilder::creator("run-b", 2).frame())
        .unwrap();
    store.fold(true).unwrap();
    let points = super::harness::all_points(snapshot.as_ref(), run, &key("loss"), true, 2);
    assert_eq!(super::harness::step_values(&points), [(0.0, 1.0)]);
    assert_eq!(
        snapshot.read_params(run).unwrap().to_json().to_string(),
        r#"{"lr":0.5}"#
    );
    let workspace = runstone_model::WorkspaceId::default();
    let record = snapshot.find_run(workspace, "run-a").unwrap();
    assert!(record.run.tags.is_empty());
    assert_eq!(record.run.state, runstone_model::RunState::Running);
    assert_eq!(record.changed, seen);
    assert!(snapshot.find_run(workspace, "run-b").is_err());
    assert_eq!(snapshot.read_events(run).unwrap().len(), 2);
    assert_eq!(snapshot.change_number(), seen);
    drop(snapshot);
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(0.0, 2.0), (1.0, 3.0)]
    );
}

pub fn folding_changes_no_answer(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    for frame in 0..8_i32 {
        let step = |index: i32| (f64::from((index * 37 + frame * 11) % 90), f64::from(index));
        harness.apply(writer.log(loss, (0..40).map(step)).frame());
    }
    harness.apply(writer.rewind(60.0).frame());
    let before = format!(
        "{:?}",
        (
            harness.points("run-a", &key("loss")),
            harness.series("run-a")
        )
    );
    let history = format!("{:?}", harness.history("run-a", &key("loss")));
    let change = harness.store().change_number().unwrap();
    harness.fold();
    assert_eq!(harness.store().change_number().unwrap(), change);
    let after = format!(
        "{:?}",
        (
            harness.points("run-a", &key("loss")),
            harness.series("run-a")
        )
    );
    assert_eq!(after, before);
    assert_eq!(
        format!("{:?}", harness.history("run-a", &key("loss"))),
        history
    );
    assert_eq!(harness.store().stats().unwrap().unfolded_frames, 0);
    assert_eq!(harness.store().stats().unwrap().unfolded_points, 0);
    // Nothing is left to do, and doing nothing is harmless.
    let report = harness.store().fold(true).unwrap();
    assert_eq!((report.frames, report.points), (0, 0));
    harness.apply(writer.log(loss, [(0.5, 1.0)]).frame());
    assert!(harness.values("run-a", &key("loss")).contains(&(0.5, 1.0)));
}

pub fn a_reopened_store_has_everything(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let auto = writer.auto_metric("ticks");
    harness.apply(
        writer
            .log(loss, [(0.0, 1.0), (0.0, 2.0)])
            .log(auto, [(0.0, 1.0)])
            .frame(),
    );
    harness.fold();
    writer
        .log(loss, [(1.0, f64::NAN)])
        .set_param("lr", 0.5)
        .change_tags(&["t"], &[]);
    harness.apply(writer.frame());
    harness.apply(writer.remove(Some(key("loss")), Some(0.0)).frame());
    let everything = |harness: &Harness| {
        format!(
            "{:?}",
            (
                harness.run("run-a"),
                harness.writers("run-a"),
                harness.events("run-a"),
                harness.series("run-a"),
                harness.history("run-a", &key("loss")),
                harness.params("run-a"),
                harness.store().identity(),
            )
        )
    };
    let before = everything(harness);
    harness.reopen();
    assert_eq!(everything(harness), before);
    let mark = harness
        .store()
        .read_writer_mark(writer.writer())
        .unwrap()
        .unwrap();
    assert_eq!(
        (mark.mark, mark.chain),
        (writer.next_slot(), writer.chain())
    );
    harness.apply(
        writer
            .log(auto, [(1.0, 2.0)])
            .log(loss, [(0.0, 3.0)])
            .frame(),
    );
    assert_eq!(
        harness.values("run-a", &key("ticks")),
        [(0.0, 1.0), (1.0, 2.0)]
    );
    assert_eq!(harness.values("run-a", &key("loss"))[0], (0.0, 3.0));
}

pub fn many_threads_append_and_read_at_once(harness: &mut Harness) {
    const WRITERS: u8 = 4;
    const FRAMES: u32 = 25;
    harness.apply(FrameBuilder::creator("run-a", 200).frame());
    let run = harness.key("run-a");
    let store = harness.store();
    let done = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                let snapshot = store.snapshot().unwrap();
                let change = snapshot.change_number();
                assert!(change.0 >= seen);
                seen = change.0;
                for record in super::harness::all_series(snapshot.as_ref(), run, 2) {
                    let points =
                        super::harness::all_points(snapshot.as_ref(), run, &record.key, false, 64);
                    super::harness::check_summary(&points, Some(&record));
                }
            }
        });
        let folder = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.fold(true).unwrap();
                std::thread::yield_now();
            }
        });
        let writers: Vec<_> = (1..=WRITERS)
            .map(|number| {
                scope.spawn(move || {
                    let mut writer = FrameBuilder::secondary("run-a", number);
                    let mine = writer.metric(&format!("loss-{number}"));
                    let mut changes = Vec::new();
                    for frame in 0..FRAMES {
                        writer.log(mine, [(f64::from(frame), f64::from(number))]);
                        let answer = store.append(writer.frame()).unwrap();
                        assert_eq!(answer.status, FrameStatus::Applied);
                        assert_eq!(answer.mark, writer.next_slot());
                        changes.push(answer.change.0);
                    }
                    assert!(changes.is_sorted());
                    changes
                })
            })
            .collect();
        let mut changes: Vec<u64> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        folder.join().unwrap();
        changes.sort_unstable();
        changes.dedup();
        assert_eq!(
            changes.len(),
            usize::from(WRITERS) * FRAMES as usize,
            "numbers are unique"
        );
    });
    for number in 1..=WRITERS {
        let values: Vec<(f64, f64)> = (0..FRAMES)
            .map(|frame| (f64::from(frame), f64::from(number)))
            .collect();
        assert_eq!(
            harness.values("run-a", &key(&format!("loss-{number}"))),
            values
        );
    }
}

pub fn stats_count_what_was_applied(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let first = writer.log(loss, [(0.0, 1.0), (1.0, 1.0)]).frame();
    let store = harness.store();
    store.append(first.clone()).unwrap();
    store.append(first).unwrap();
    store
        .append(writer.log(loss, [(2.0, 1.0)]).frame())
        .unwrap();
    let stats = store.stats().unwrap();
    assert_eq!(
        (stats.runs, stats.applied_frames, stats.applied_points),
        (1, 2, 3)
    );
}

pub fn a_closed_store_answers_nothing(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.frame());
    harness.store().close().unwrap();
    // Closing again is harmless.
    harness.store().close().unwrap();
    let unavailable = |error: StoreError| matches!(error, StoreError::Unavailable { .. });
    assert!(unavailable(
        harness.store().append(writer.frame()).unwrap_err()
    ));
    assert!(harness.store().snapshot().err().is_some_and(unavailable));
    assert!(harness.store().fold(true).err().is_some_and(unavailable));
}
