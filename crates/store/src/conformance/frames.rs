//! Mark and chain: each slot is applied once, or its loss is counted.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{Timestamp, WriterId};
use runstone_wire::{Completeness, FrameStatus, OperationKind, RefusalCode};

use super::harness::Harness;
use super::testing::{FrameBuilder, TEST_EPOCH_MICROS, key};

fn steps(from: u32, to: u32) -> impl Iterator<Item = (f64, f64)> {
    (from..to).map(|step| (f64::from(step), f64::from(step) * 0.5))
}

fn expected(from: u32, to: u32) -> Vec<(f64, f64)> {
    steps(from, to).collect()
}

pub fn an_applied_frame_is_readable_and_moves_the_mark(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    assert_eq!(
        harness.store().read_writer_mark(writer.writer()).unwrap(),
        None
    );
    let loss = writer.metric("loss");
    writer.log(loss, steps(0, 10));
    let answer = harness.apply(writer.frame());
    assert_eq!(
        (answer.mark, answer.chain),
        (writer.next_slot(), writer.chain())
    );
    assert_eq!(answer.run_state, Some(runstone_model::RunState::Running));
    assert_eq!(answer.lost_slots, 0);
    let mark = harness
        .store()
        .read_writer_mark(writer.writer())
        .unwrap()
        .unwrap();
    assert_eq!(
        (mark.mark, mark.chain),
        (writer.next_slot(), writer.chain())
    );
    assert_eq!(harness.values("run-a", &key("loss")), expected(0, 10));
}

pub fn a_frame_sent_again_changes_nothing(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let first = writer.log(loss, steps(0, 5)).frame();
    let second = writer.log(loss, steps(5, 9)).set_param("lr", 0.5).frame();
    harness.apply(first.clone());
    harness.unchanged(first.clone(), FrameStatus::Duplicate);
    harness.apply(second.clone());
    let answer = harness.unchanged(first, FrameStatus::Duplicate);
    assert_eq!(
        (answer.mark, answer.chain),
        (writer.next_slot(), writer.chain())
    );
    harness.unchanged(second, FrameStatus::Duplicate);
    assert_eq!(harness.history("run-a", &key("loss")).len(), 9);
    assert_eq!(harness.run("run-a").completeness.durable_points, 9);
}

pub fn slots_packed_with_other_boundaries_are_applied_once(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    let mut heir = writer.clone();
    // The answer to this frame was lost.
    harness.apply(writer.log(loss, steps(0, 6)).frame());
    // The heir packs the same slots in frames of four.
    harness.unchanged(heir.log(loss, steps(0, 4)).frame(), FrameStatus::Duplicate);
    let straddling = heir.log(loss, steps(4, 8)).frame();
    let answer = harness.unchanged(straddling, FrameStatus::Mismatch);
    assert_eq!(
        (answer.mark, answer.chain),
        (writer.next_slot(), writer.chain())
    );
    harness.apply(writer.log(loss, steps(6, 10)).frame());
    assert_eq!(harness.values("run-a", &key("loss")), expected(0, 10));
    assert_eq!(harness.history("run-a", &key("loss")).len(), 10);
}

pub fn a_gap_without_base_is_a_mismatch(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let first = writer.frame();
    let late = writer.log(loss, steps(0, 5)).frame();
    let answer = harness.unchanged(late.clone(), FrameStatus::Mismatch);
    assert_eq!((answer.mark, answer.run_state), (0, None));
    let mark = harness.apply(first).mark;
    harness.apply(late);
    let beyond = writer.lose(3).log(loss, steps(8, 9)).frame();
    let answer = harness.unchanged(beyond, FrameStatus::Mismatch);
    assert_eq!(answer.mark, mark + 5);
    assert_eq!(harness.values("run-a", &key("loss")), expected(0, 5));
}

pub fn another_chain_at_the_mark_is_a_mismatch(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    let mut twin = writer.clone();
    twin.diverge(99);
    harness.apply(writer.log(loss, steps(0, 4)).frame());
    let _unsent = twin.log(loss, steps(0, 4)).frame();
    let answer = harness.unchanged(twin.log(loss, steps(4, 8)).frame(), FrameStatus::Mismatch);
    assert_eq!(
        (answer.mark, answer.chain),
        (writer.next_slot(), writer.chain())
    );
    assert_ne!(answer.chain, twin.chain());
    assert_eq!(harness.values("run-a", &key("loss")), expected(0, 4));
}

pub fn a_base_frame_records_the_slots_between_as_lost(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, steps(0, 3)).frame());
    let mark = writer.next_slot();
    writer.lose(7).log(loss, steps(10, 12));
    let answer = harness.apply(writer.base_frame());
    assert_eq!(answer.lost_slots, 7);
    assert_eq!(answer.mark, writer.next_slot());
    let record = harness.writer("run-a", writer.writer());
    assert_eq!(record.lost, [(mark, mark + 7)]);
    assert_eq!(record.completeness.lost_slots, 7);
    assert_eq!(harness.run("run-a").completeness.lost_slots, 7);
    assert_eq!(
        harness.warning_counts("run-a"),
        [("lost_slots".to_owned(), 7)]
    );
    harness.apply(writer.lose(2).base_frame());
    assert_eq!(
        harness
            .writer("run-a", writer.writer())
            .completeness
            .lost_slots,
        9
    );
    assert_eq!(harness.writer("run-a", writer.writer()).lost.len(), 2);
    let values = [expected(0, 3), expected(10, 12)].concat();
    assert_eq!(harness.values("run-a", &key("loss")), values);
}

pub fn a_base_frame_never_overlaps_the_mark(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    let mut other = writer.clone();
    harness.apply(writer.log(loss, steps(0, 5)).frame());
    other.lose(2).log(loss, steps(2, 8));
    harness.unchanged(other.base_frame(), FrameStatus::Mismatch);
    // At the mark a base frame is a frame like any other: nothing is lost.
    let answer = harness.apply(writer.log(loss, steps(5, 6)).base_frame());
    assert_eq!(answer.lost_slots, 0);
    assert_eq!(harness.values("run-a", &key("loss")), expected(0, 6));
    assert_eq!(harness.warning_counts("run-a"), []);
}

pub fn a_store_that_lost_everything_goes_on_from_a_base_frame(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let auto = writer.auto_metric("ticks");
    // These frames were acknowledged by a store that is gone.
    let _gone = writer.log(loss, steps(0, 20)).set_param("lr", 0.5).frame();
    let gone = writer.next_slot();
    let answer = harness.unchanged(
        writer.clone().log(loss, steps(20, 21)).frame(),
        FrameStatus::Mismatch,
    );
    assert_eq!(answer.mark, 0);
    writer
        .log(loss, steps(20, 25))
        .log(auto, [(7.0, 1.0), (8.0, 2.0)]);
    let answer = harness.apply(writer.base_frame());
    assert_eq!(answer.lost_slots, gone);
    assert_eq!(harness.values("run-a", &key("loss")), expected(20, 25));
    assert_eq!(
        harness.values("run-a", &key("ticks")),
        [(7.0, 1.0), (8.0, 2.0)]
    );
    harness.apply(writer.log(loss, steps(25, 27)).frame());
    assert_eq!(harness.values("run-a", &key("loss")), expected(20, 27));
    assert_eq!(
        harness.run("run-a").run.primary_writer,
        Some(writer.writer())
    );
}

pub fn a_restored_store_takes_each_point_once(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, steps(0, 5)).frame());
    let restored = writer.clone();
    // Two frames went to the store of which only the older state is left.
    let _gone = writer.log(loss, steps(5, 8)).frame();
    let _gone = writer.log(loss, steps(8, 11)).frame();
    let answer = harness.unchanged(writer.clone().frame(), FrameStatus::Mismatch);
    assert_eq!(
        (answer.mark, answer.chain),
        (restored.next_slot(), restored.chain())
    );
    // The client still has the slots and packs them anew, with other boundaries.
    let mut again = restored;
    harness.apply(again.log(loss, steps(5, 7)).frame());
    harness.apply(again.log(loss, steps(7, 11)).frame());
    assert_eq!(
        (again.next_slot(), again.chain()),
        (writer.next_slot(), writer.chain())
    );
    harness.apply(writer.log(loss, steps(11, 13)).frame());
    assert_eq!(harness.values("run-a", &key("loss")), expected(0, 13));
    assert_eq!(harness.history("run-a", &key("loss")).len(), 13);
}

pub fn base_frames_repeat_declarations_without_harm(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let auto = writer.auto_metric("ticks");
    harness.apply(
        writer
            .log(loss, steps(0, 2))
            .log(auto, [(0.0, 1.0)])
            .frame(),
    );
    let record = harness.run("run-a");
    let events = harness.events("run-a");
    writer.log(loss, steps(2, 4)).log(auto, [(1.0, 2.0)]);
    harness.apply(writer.base_frame());
    assert_eq!(harness.run("run-a").run, record.run);
    assert_eq!(harness.events("run-a"), events);
    assert_eq!(harness.values("run-a", &key("loss")), expected(0, 4));
    assert_eq!(
        harness.values("run-a", &key("ticks")),
        [(0.0, 1.0), (1.0, 2.0)]
    );
    assert_eq!(harness.writers("run-a").len(), 1);
}

pub fn an_empty_slot_range_carries_heartbeats_and_counters_only(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let at = Timestamp::from_micros(TEST_EPOCH_MICROS);
    let unknown = writer
        .clone()
        .discard()
        .push(OperationKind::Heartbeat { at })
        .beat();
    harness.unchanged(unknown, FrameStatus::Mismatch);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, steps(0, 3)).frame());
    let (mark, chain) = (writer.next_slot(), writer.chain());

    let beat_at = TEST_EPOCH_MICROS + 5_000_000;
    writer.set_clock(beat_at);
    let told = Completeness {
        logged_points: 10,
        ..Completeness::default()
    };
    writer.push(OperationKind::Heartbeat { at });
    writer.push(OperationKind::Completeness(told));
    let beat = writer.beat();
    let answer = harness.apply(beat.clone());
    assert_eq!((answer.mark, answer.chain), (mark, chain));
    // It is idempotent, and whether the chain agrees makes no difference.
    let mut again = beat;
    again.frame.chain_first ^= 1;
    again.frame.chain_next ^= 1;
    harness.apply(again.clone());
    let record = harness.writer("run-a", writer.writer());
    assert_eq!(record.completeness.logged_points, 10);
    assert_eq!(record.last_received_at, Timestamp::from_micros(beat_at));
    assert_eq!(record.mark.mark, mark);

    writer.set_param("lr", 0.5).log(loss, steps(3, 4));
    let answer = harness.append(writer.clone().beat());
    let codes: Vec<RefusalCode> = answer.refusals.iter().map(|refusal| refusal.code).collect();
    assert_eq!(codes, [RefusalCode::Invalid, RefusalCode::Invalid]);
    assert_eq!((answer.status, answer.mark), (FrameStatus::Applied, mark));
    assert_eq!(harness.params_json("run-a"), "{}");

    // One that stands below the mark is late, one above it is a mismatch.
    again.frame.first_slot = mark - 1;
    again.frame.next_slot = mark - 1;
    harness.unchanged(again.clone(), FrameStatus::Duplicate);
    again.frame.first_slot = mark + 1;
    again.frame.next_slot = mark + 1;
    harness.unchanged(again, FrameStatus::Mismatch);
    // The slots that were not moved are still to come.
    harness.apply(writer.frame());
    assert_eq!(harness.values("run-a", &key("loss")), expected(0, 4));
}

pub fn an_empty_range_takes_no_append_number(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, steps(0, 1)).frame());
    let at = Timestamp::from_micros(TEST_EPOCH_MICROS);
    harness.apply(writer.push(OperationKind::Heartbeat { at }).beat());
    harness.apply(writer.frame());
    harness.apply(writer.log(loss, steps(1, 2)).frame());
    let appends: Vec<u64> = harness
        .history("run-a", &key("loss"))
        .iter()
        .map(|point| point.position.append.0)
        .collect();
    assert_eq!(appends, [1, 3]);
}

pub fn a_frame_without_operations_takes_its_slots(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    // What a client sends in place of a frame that was refused as a whole.
    let mut skipped = writer.log(loss, steps(0, 5)).frame();
    skipped.frame.operations.clear();
    let answer = harness.apply(skipped);
    assert_eq!(answer.mark, writer.next_slot());
    harness.apply(writer.log(loss, steps(5, 6)).frame());
    assert_eq!(harness.values("run-a", &key("loss")), expected(5, 6));
}

pub fn the_mark_of_a_writer_without_a_run_moves_too(harness: &mut Harness) {
    let mut writer = FrameBuilder::new("run-a", 1);
    let loss = 1;
    let answer = harness.apply_refusing(
        writer.log(loss, steps(0, 3)).set_param("lr", 0.5).frame(),
        &[(0, RefusalCode::NotFound), (1, RefusalCode::NotFound)],
    );
    assert_eq!(answer.mark, writer.next_slot());
    assert_eq!(answer.run_state, None);
    assert_eq!(answer.refusals[0].points, 3);
    assert!(harness.find_run("run-a").is_err());
    let mark = harness.store().read_writer_mark(writer.writer()).unwrap();
    assert_eq!(mark.map(|mark| mark.mark), Some(writer.next_slot()));
    // It may still open its run; the refused points stay refused, and counted.
    writer.open(
        true,
        super::testing::open_run(runstone_wire::OpenMode::Create),
    );
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, steps(3, 4)).frame());
    assert_eq!(harness.values("run-a", &key("loss")), expected(3, 4));
    assert_eq!(harness.run("run-a").completeness.refused_points, 3);
}

pub fn writers_have_marks_of_their_own(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    let in_one = one.metric("one");
    let in_two = two.metric("two");
    harness.apply(one.log(in_one, steps(0, 3)).frame());
    harness.apply(two.log(in_two, steps(0, 2)).frame());
    harness.apply(two.log(in_two, steps(2, 4)).frame());
    harness.apply(one.log(in_one, steps(3, 4)).frame());
    assert_eq!(harness.values("run-a", &key("one")), expected(0, 4));
    assert_eq!(harness.values("run-a", &key("two")), expected(0, 4));
    let writers: Vec<WriterId> = harness
        .writers("run-a")
        .iter()
        .map(|record| record.writer.id)
        .collect();
    assert_eq!(writers, [one.writer(), two.writer()]);
    assert_eq!(
        harness.writer("run-a", one.writer()).mark.mark,
        one.next_slot()
    );
    assert_eq!(
        harness.writer("run-a", two.writer()).mark.chain,
        two.chain()
    );
}
