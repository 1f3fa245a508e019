//! What is hidden: rewinds, removals, and points of older generations that come late.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use super::harness::{Harness, step_values};
use super::testing::{FrameBuilder, key, key_in};
use runstone_model::ValueType;

fn ramp(from: u32, to: u32, value: f64) -> Vec<(f64, f64)> {
    (from..to).map(|step| (f64::from(step), value)).collect()
}

pub fn a_rewind_hides_what_lies_at_or_past_its_cut(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let other = writer.metric("other");
    harness.apply(
        writer
            .log(loss, ramp(0, 6, 1.0))
            .log(other, ramp(4, 6, 2.0))
            .frame(),
    );
    harness.apply(writer.rewind(3.0).log(loss, ramp(3, 5, 9.0)).frame());
    let values = [ramp(0, 3, 1.0), ramp(3, 5, 9.0)].concat();
    assert_eq!(harness.values("run-a", &key("loss")), values);
    assert_eq!(harness.values("run-a", &key("other")), []);
    // A series of which nothing shows is not listed, and keeps its history.
    assert_eq!(harness.series("run-a").len(), 1);
    assert_eq!(harness.history("run-a", &key("other")).len(), 2);
    assert_eq!(harness.run("run-a").generation.0, 1);
    let history = harness.history("run-a", &key("loss"));
    assert_eq!(history.len(), 8);
    let generations: Vec<u32> = history
        .iter()
        .map(|point| point.position.generation.0)
        .collect();
    assert_eq!(generations, [0, 0, 0, 0, 1, 0, 1, 0]);
    harness.apply(writer.log(loss, ramp(5, 6, 9.0)).frame());
    assert_eq!(harness.values("run-a", &key("loss")).len(), 6);
}

pub fn late_points_of_an_older_generation_stay_hidden(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    let in_one = one.metric("loss");
    let in_two = two.metric("loss");
    harness.apply(one.log(in_one, ramp(0, 4, 1.0)).frame());
    harness.apply(two.frame());
    harness.apply(one.rewind(2.0).log(in_one, ramp(2, 3, 5.0)).frame());
    // The other writer goes on in the generation in which it was opened.
    harness.apply(
        two.log(in_two, [(1.5, 7.0), (2.0, 7.0), (8.0, 7.0)])
            .frame(),
    );
    let values = [(0.0, 1.0), (1.0, 1.0), (1.5, 7.0), (2.0, 5.0)];
    assert_eq!(harness.values("run-a", &key("loss")), values);
    let history = harness.history("run-a", &key("loss"));
    assert_eq!(history.len(), 8);
    let hidden: Vec<f64> = history
        .iter()
        .filter(|point| !point.visible)
        .map(|point| point.position.step.get())
        .collect();
    assert_eq!(hidden, [2.0, 2.0, 3.0, 8.0]);
    // A writer that is opened now stands in the present generation.
    let mut three = FrameBuilder::secondary("run-a", 3);
    let in_three = three.metric("loss");
    harness.apply(three.log(in_three, [(8.0, 3.0)]).frame());
    assert_eq!(
        harness.values("run-a", &key("loss")).last(),
        Some(&(8.0, 3.0))
    );
}

pub fn rewinds_add_up(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, ramp(0, 10, 0.0)).frame());
    harness.apply(writer.rewind(6.0).log(loss, ramp(6, 10, 1.0)).frame());
    harness.apply(writer.rewind(8.0).log(loss, ramp(8, 9, 2.0)).frame());
    let values = [ramp(0, 6, 0.0), ramp(6, 8, 1.0), ramp(8, 9, 2.0)].concat();
    assert_eq!(harness.values("run-a", &key("loss")), values);
    harness.apply(writer.rewind(2.0).log(loss, ramp(2, 3, 3.0)).frame());
    let values = [ramp(0, 2, 0.0), ramp(2, 3, 3.0)].concat();
    assert_eq!(harness.values("run-a", &key("loss")), values);
    // Rewinding past everything hides nothing.
    harness.apply(writer.rewind(1e9).frame());
    assert_eq!(harness.values("run-a", &key("loss")), values);
    harness.apply(writer.rewind(-1e9).frame());
    assert_eq!(harness.values("run-a", &key("loss")), []);
    assert_eq!(harness.history("run-a", &key("loss")).len(), 16);
    assert_eq!(harness.run("run-a").generation.0, 5);
}

pub fn a_generation_wins_over_an_append_number(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    let in_one = one.metric("loss");
    let in_two = two.metric("loss");
    harness.apply(one.frame());
    harness.apply(two.frame());
    harness.apply(one.rewind(5.0).log(in_one, [(1.0, 1.0)]).frame());
    // Below the cut and later, but of an older generation.
    harness.apply(two.log(in_two, [(1.0, 2.0)]).frame());
    assert_eq!(harness.values("run-a", &key("loss")), [(1.0, 1.0)]);
    // Once the winner is removed, what came after the removal shows.
    harness.apply(one.remove(Some(key("loss")), Some(1.0)).frame());
    assert_eq!(harness.values("run-a", &key("loss")), []);
    harness.apply(two.log(in_two, [(1.0, 3.0)]).frame());
    assert_eq!(harness.values("run-a", &key("loss")), [(1.0, 3.0)]);
}

pub fn a_removed_series_is_gone_and_keeps_its_history(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let sibling = key_in("loss", "subset", "test");
    let other = writer.series(&sibling, ValueType::F64, false);
    harness.apply(
        writer
            .log(loss, ramp(0, 3, 1.0))
            .log(other, ramp(0, 3, 2.0))
            .frame(),
    );
    harness.apply(writer.remove(Some(key("loss")), None).frame());
    assert_eq!(harness.values("run-a", &key("loss")), []);
    assert_eq!(harness.values("run-a", &sibling), ramp(0, 3, 2.0));
    let listed: Vec<_> = harness
        .series("run-a")
        .into_iter()
        .map(|record| record.key)
        .collect();
    assert_eq!(listed, std::slice::from_ref(&sibling));
    let history = harness.history("run-a", &key("loss"));
    assert_eq!(step_values(&history), ramp(0, 3, 1.0));
    assert!(history.iter().all(|point| !point.visible));
    // Logged again it lives again, from the frame of the removal on.
    harness.apply(writer.log(loss, [(1.0, 5.0)]).frame());
    assert_eq!(harness.values("run-a", &key("loss")), [(1.0, 5.0)]);
    harness.apply(
        writer
            .remove(Some(key("loss")), None)
            .log(loss, [(2.0, 6.0)])
            .frame(),
    );
    assert_eq!(harness.values("run-a", &key("loss")), [(2.0, 6.0)]);
}

pub fn a_removed_step_is_gone_from_one_series_or_all(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let other = writer.metric("other");
    harness.apply(
        writer
            .log(loss, ramp(0, 4, 1.0))
            .log(other, ramp(0, 4, 2.0))
            .frame(),
    );
    harness.apply(writer.log(loss, [(2.0, 1.5)]).frame());
    harness.apply(writer.remove(Some(key("loss")), Some(2.0)).frame());
    // The older point of the step does not come to light again.
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(0.0, 1.0), (1.0, 1.0), (3.0, 1.0)]
    );
    assert_eq!(harness.values("run-a", &key("other")).len(), 4);
    harness.apply(writer.remove(None, Some(0.0)).frame());
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(1.0, 1.0), (3.0, 1.0)]
    );
    assert_eq!(harness.values("run-a", &key("other")), ramp(1, 4, 2.0));
    // A step that was never logged is no error.
    harness.apply(writer.remove(Some(key("loss")), Some(77.0)).frame());
    harness.apply(writer.log(loss, [(2.0, 8.0), (77.0, 8.0)]).frame());
    let values = [(1.0, 1.0), (2.0, 8.0), (3.0, 1.0), (77.0, 8.0)];
    assert_eq!(harness.values("run-a", &key("loss")), values);
}

pub fn removing_everything_hides_every_series(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let other = writer.metric("other");
    harness.apply(
        writer
            .log(loss, ramp(0, 4, 1.0))
            .log(other, ramp(0, 4, 2.0))
            .frame(),
    );
    writer.set_param("lr", 0.5);
    harness.apply(writer.frame());
    harness.apply(
        writer
            .remove(None, None)
            .log(other, ramp(9, 10, 3.0))
            .frame(),
    );
    assert_eq!(harness.values("run-a", &key("loss")), []);
    assert_eq!(harness.values("run-a", &key("other")), ramp(9, 10, 3.0));
    assert_eq!(harness.series("run-a").len(), 1);
    assert_eq!(harness.history("run-a", &key("other")).len(), 5);
    assert_eq!(harness.params_json("run-a"), r#"{"lr":0.5}"#);
}

pub fn a_removal_hides_the_points_of_all_writers(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::secondary("run-a", 2);
    let in_one = one.metric("loss");
    let in_two = two.metric("loss");
    harness.apply(one.log(in_one, ramp(0, 2, 1.0)).frame());
    harness.apply(two.log(in_two, ramp(2, 4, 2.0)).frame());
    harness.apply(one.remove(Some(key("loss")), None).frame());
    assert_eq!(harness.values("run-a", &key("loss")), []);
    harness.apply(two.log(in_two, ramp(4, 5, 2.0)).frame());
    assert_eq!(harness.values("run-a", &key("loss")), ramp(4, 5, 2.0));
}

pub fn other_runs_are_not_touched(harness: &mut Harness) {
    let mut one = FrameBuilder::creator("run-a", 1);
    let mut two = FrameBuilder::creator("run-b", 2);
    let in_one = one.metric("loss");
    let in_two = two.metric("loss");
    harness.apply(one.log(in_one, ramp(0, 3, 1.0)).frame());
    harness.apply(two.log(in_two, ramp(0, 3, 2.0)).frame());
    harness.apply(one.remove(None, None).frame());
    harness.apply(one.rewind(0.0).frame());
    assert_eq!(harness.values("run-a", &key("loss")), []);
    assert_eq!(harness.values("run-b", &key("loss")), ramp(0, 3, 2.0));
    assert_eq!(harness.run("run-b").generation.0, 0);
}
