//! Auto steps: ordinals of a writer, resolved once, at its first frame of the series.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::ValueType;
use runstone_wire::{FrameStatus, RefusalCode};

use super::harness::Harness;
use super::testing::{FrameBuilder, Sample, key};

fn ordinals(from: u32, to: u32) -> Vec<(f64, f64)> {
    (from..to)
        .map(|ordinal| (f64::from(ordinal), f64::from(ordinal) * 10.0))
        .collect()
}

pub fn auto_steps_count_from_zero(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let auto = writer.auto_metric("loss");
    harness.apply(writer.log(auto, ordinals(0, 3)).frame());
    harness.apply(writer.log(auto, ordinals(3, 5)).frame());
    assert_eq!(harness.values("run-a", &key("loss")), ordinals(0, 5));
}

pub fn a_resumed_run_counts_on(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let auto = one.auto_metric("loss");
    harness.apply(one.log(auto, ordinals(0, 3)).frame());
    harness.apply(one.close().frame());
    let mut two = FrameBuilder::new("run-a", 2);
    two.open(
        true,
        super::testing::open_run(runstone_wire::OpenMode::Resume),
    );
    let auto = two.auto_metric("loss");
    harness.apply(two.log(auto, [(0.0, 7.0), (1.0, 8.0)]).frame());
    harness.apply(two.log(auto, [(2.0, 9.0)]).frame());
    let values = [
        (0.0, 0.0),
        (1.0, 10.0),
        (2.0, 20.0),
        (3.0, 7.0),
        (4.0, 8.0),
        (5.0, 9.0),
    ];
    assert_eq!(harness.values("run-a", &key("loss")), values);
    assert_eq!(harness.warning_counts("run-a"), []);
}

pub fn re_delivery_with_other_boundaries_gives_the_same_steps(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let auto = writer.auto_metric("loss");
    let explicit = writer.metric("loss");
    harness.apply(writer.log(explicit, [(4.5, 1.0)]).frame());
    let mut heir = writer.clone();
    harness.apply(writer.log(auto, ordinals(0, 2)).frame());
    // The answer was lost; an heir packs from the beginning, two by two and then all the rest.
    harness.unchanged(
        heir.log(auto, ordinals(0, 2)).frame(),
        FrameStatus::Duplicate,
    );
    harness.apply(heir.log(auto, ordinals(2, 6)).frame());
    let values: Vec<f64> = harness
        .values("run-a", &key("loss"))
        .iter()
        .map(|(step, _)| *step)
        .collect();
    assert_eq!(values, [4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
}

pub fn the_base_is_one_past_the_highest_step(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let cases = [
        ("fraction", 6.25, 7.0),
        ("negative", -3.5, -3.0),
        ("integer", 9.0, 10.0),
    ];
    for (name, highest, first) in cases {
        let explicit = writer.metric(name);
        let auto = writer.auto_metric(name);
        harness.apply(
            writer
                .log(explicit, [(highest, 1.0), (highest - 2.0, 1.0)])
                .frame(),
        );
        harness.apply(writer.log(auto, [(0.0, 2.0)]).frame());
        assert_eq!(
            harness.values("run-a", &key(name)).last(),
            Some(&(first, 2.0)),
            "{name}"
        );
    }
}

pub fn explicit_points_of_the_same_frame_do_not_count_for_the_base(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let auto = writer.auto_metric("loss");
    let explicit = writer.metric("loss");
    assert!(auto < explicit);
    harness.apply(writer.log(explicit, [(3.0, 9.0)]).frame());
    let series = [
        (auto, vec![Sample::float(0.0, 1.0), Sample::float(1.0, 2.0)]),
        (explicit, vec![Sample::float(8.0, 9.0)]),
    ];
    harness.apply(writer.log_samples(&series).frame());
    let values = [(3.0, 9.0), (4.0, 1.0), (5.0, 2.0), (8.0, 9.0)];
    assert_eq!(harness.values("run-a", &key("loss")), values);
    // Resolved once: later explicit points do not move it.
    harness.apply(writer.log(explicit, [(20.0, 0.0)]).frame());
    harness.apply(writer.log(auto, [(2.0, 3.0)]).frame());
    let values = [
        (3.0, 9.0),
        (4.0, 1.0),
        (5.0, 2.0),
        (6.0, 3.0),
        (8.0, 9.0),
        (20.0, 0.0),
    ];
    assert_eq!(harness.values("run-a", &key("loss")), values);
}

pub fn hidden_points_count_for_the_base(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let explicit = one.metric("loss");
    harness.apply(one.log(explicit, [(0.0, 1.0), (7.0, 1.0)]).frame());
    harness.apply(one.remove(Some(key("loss")), None).frame());
    let auto = one.auto_metric("loss");
    harness.apply(one.log(auto, [(0.0, 2.0)]).frame());
    assert_eq!(harness.values("run-a", &key("loss")), [(8.0, 2.0)]);
    // A rewind does not resolve anew: the writer's ordinals run on.
    harness.apply(one.rewind(8.0).log(auto, [(1.0, 3.0)]).frame());
    assert_eq!(harness.values("run-a", &key("loss")), [(9.0, 3.0)]);
}

pub fn numbers_of_all_types_share_one_count(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let explicit = writer.metric("n");
    harness.apply(writer.log(explicit, [(4.0, 0.0)]).frame());
    let integers = writer.series(&key("n"), ValueType::I64, true);
    let floats = writer.auto_metric("n");
    // track(1), track(0.5), track(2): ordinals 0, 1, 2 of one series.
    writer.log_samples(&[
        (
            integers,
            vec![Sample::integer(0.0, 1), Sample::integer(2.0, 2)],
        ),
        (floats, vec![Sample::float(1.0, 0.5)]),
    ]);
    harness.apply(writer.frame());
    let values = [(4.0, 0.0), (5.0, 1.0), (6.0, 0.5), (7.0, 2.0)];
    assert_eq!(harness.values("run-a", &key("n")), values);
}

pub fn each_writer_counts_for_itself(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    let in_one = one.auto_metric("loss");
    let in_two = two.auto_metric("loss");
    harness.apply(one.log(in_one, [(0.0, 1.0)]).frame());
    harness.apply(two.log(in_two, [(0.0, 2.0), (1.0, 2.0)]).frame());
    harness.apply(one.log(in_one, [(1.0, 1.0)]).frame());
    // Both are kept; at step 1 the later one shows, and the run is warned.
    let values = [(0.0, 1.0), (1.0, 1.0), (2.0, 2.0)];
    assert_eq!(harness.values("run-a", &key("loss")), values);
    assert_eq!(harness.history("run-a", &key("loss")).len(), 4);
    assert_eq!(
        harness.warning_counts("run-a"),
        [("two_writers_one_step".to_owned(), 1)]
    );
}

/// Two workers of one run and their parent, frame by frame in every order they can arrive in:
/// whenever a point covers another writer's, the run says so, and only then.
pub fn counted_steps_that_meet_are_warned_of_in_every_order(harness: &mut Harness) {
    for (number, order) in orders([2, 2, 1]).into_iter().enumerate() {
        let run = format!("run-{number}");
        let id = u8::try_from(number * 3).unwrap();
        let mut writers = [
            FrameBuilder::creator(&run, id + 1),
            FrameBuilder::secondary(&run, id + 2),
            FrameBuilder::secondary(&run, id + 3),
        ];
        let numbers = writers.each_mut().map(|writer| writer.auto_metric("loss"));
        harness.apply(writers[0].frame());
        let mut logged = [0; 3];
        for writer in &order {
            let from = logged[*writer];
            logged[*writer] += 3;
            let points = ordinals(from, from + 3);
            harness.apply(writers[*writer].log(numbers[*writer], points).frame());
        }
        let shown = harness.values(&run, &key("loss")).len();
        assert_eq!(harness.history(&run, &key("loss")).len(), 15);
        let warnings: u64 = harness
            .warning_counts(&run)
            .iter()
            .map(|(kind, count)| {
                assert_eq!(kind, "two_writers_one_step");
                count
            })
            .sum();
        assert_eq!(
            warnings,
            u64::from(shown < 15),
            "{order:?}: {shown} of 15 show"
        );
    }
}

/// Every order in which so many frames of each writer can arrive.
fn orders(left: [usize; 3]) -> Vec<Vec<usize>> {
    if left == [0; 3] {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for writer in (0..3).filter(|writer| left[*writer] > 0) {
        let mut rest = left;
        rest[writer] -= 1;
        for mut order in orders(rest) {
            order.insert(0, writer);
            all.push(order);
        }
    }
    all
}

pub fn a_count_past_the_whole_numbers_is_refused_alone(harness: &mut Harness) {
    const END: f64 = 9_007_199_254_740_992.0;
    let mut writer = FrameBuilder::creator("run-a", 1);
    for (name, highest) in [("huge", 1e300), ("low", -1e300), ("edge", END - 1.0)] {
        let explicit = writer.metric(name);
        harness.apply(writer.log(explicit, [(highest, 1.0)]).frame());
        let auto = writer.auto_metric(name);
        let neighbour = writer.metric(&format!("beside {name}"));
        let series = [
            (auto, vec![Sample::float(0.0, 2.0), Sample::float(1.0, 3.0)]),
            (neighbour, vec![Sample::float(0.0, 4.0)]),
        ];
        writer.log_samples(&series);
        let answer = harness.apply_refusing(writer.frame(), &[(2, RefusalCode::Invalid)]);
        let refusal = &answer.refusals[0];
        assert_eq!((refusal.series, refusal.points), (Some(auto), 2));
        assert!(refusal.reason.contains("2^53"), "{}", refusal.reason);
        assert!(refusal.reason.contains("hint: "), "{}", refusal.reason);
        assert_eq!(harness.values("run-a", &key(name)), [(highest, 1.0)]);
        let beside = key(&format!("beside {name}"));
        assert_eq!(harness.values("run-a", &beside), [(0.0, 4.0)]);
    }
    // A count that is under way ends there too: what still fits is kept.
    let explicit = writer.metric("near");
    let auto = writer.auto_metric("near");
    harness.apply(writer.log(explicit, [(END - 3.0, 1.0)]).frame());
    harness.apply(writer.log(auto, [(0.0, 2.0), (1.0, 3.0)]).frame());
    harness.apply_refusing(
        writer.log(auto, [(2.0, 4.0)]).frame(),
        &[(0, RefusalCode::Invalid)],
    );
    let values = [(END - 3.0, 1.0), (END - 2.0, 2.0), (END - 1.0, 3.0)];
    assert_eq!(harness.values("run-a", &key("near")), values);
    assert_eq!(
        harness
            .writer("run-a", writer.writer())
            .completeness
            .refused_points,
        7
    );
}

pub fn auto_steps_must_be_ordinals(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let auto = writer.auto_metric("loss");
    harness.apply(writer.frame());
    for bad in [-1.0, 0.5, f64::NAN, 1e300] {
        harness.apply_refusing(
            writer.log(auto, [(bad, 1.0)]).frame(),
            &[(0, RefusalCode::Invalid)],
        );
    }
    // Refused points do not resolve the base, nor do ordinals have to begin at 0.
    harness.apply(writer.log(auto, [(4.0, 1.0), (5.0, 2.0)]).frame());
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(4.0, 1.0), (5.0, 2.0)]
    );
}
