//! Forks, which begin with points of their parent, and counted steps after a rewind.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{RunId, SeriesKey, Step, ValueType};
use runstone_wire::{OpenMode, RefusalCode};

use super::deletion::changed;
use super::edits::at;
use super::harness::Harness;
use super::testing::{FrameBuilder, Sample, key, open_run};
use crate::RunAction;
use crate::apply::FORK_DEPTH_MAX;

type Values = Vec<(f64, f64)>;

fn line(from: u32, to: u32, slope: f64) -> Values {
    (from..to)
        .map(|step| (f64::from(step), f64::from(step) * slope))
        .collect()
}

fn fork(harness: &mut Harness, id: &str, number: u8, parent: &str, step: f64) -> FrameBuilder {
    let mut writer = FrameBuilder::new(id, number);
    let mut open = open_run(OpenMode::Create);
    let parent = RunId::new(parent).expect("an id");
    open.parent = Some((parent, Step::new(step).expect("a step")));
    harness.apply(writer.open(true, open).frame());
    writer
}

/// The values of a series and its summary, which must agree.
fn shown(harness: &Harness, run: &str, series: &SeriesKey) -> Values {
    let values = harness.values(run, series);
    let found = harness.series(run);
    let record = found.iter().find(|record| record.key == *series);
    let count = record.map_or(0, |record| record.summary.count);
    assert_eq!(count, values.len() as u64, "{run}");
    if let Some(record) = record {
        let last = record
            .summary
            .last
            .map(|last| (last.step.get(), last.value));
        assert_eq!(last, values.last().copied(), "{run}");
        let sum: f64 = values.iter().map(|(_, value)| value).sum();
        assert!(
            (record.summary.sum - sum).abs() <= sum.abs() * 1e-9,
            "{run}"
        );
    }
    values
}

pub fn a_fork_begins_with_the_points_of_its_parent(harness: &mut Harness) {
    let mut parent = FrameBuilder::creator("parent", 1);
    let (loss, late) = (parent.metric("loss"), parent.metric("late"));
    harness.apply(parent.log(loss, line(0, 10, 1.0)).frame());
    harness.apply(parent.log(late, line(8, 10, 1.0)).frame());
    let mut child = fork(harness, "child", 2, "parent", 4.0);
    assert_eq!(shown(harness, "child", &key("loss")), line(0, 5, 1.0));
    // What begins after the step is not shared.
    let names: Vec<String> = (harness.series("child").iter())
        .map(|record| record.key.name.to_string())
        .collect();
    assert_eq!(names, ["loss"]);
    let loss = child.metric("loss");
    harness.apply(child.log(loss, line(4, 8, -1.0)).frame());
    let mut values = line(0, 4, 1.0);
    values.extend(line(4, 8, -1.0));
    assert_eq!(shown(harness, "child", &key("loss")), values);
    assert_eq!(shown(harness, "parent", &key("loss")), line(0, 10, 1.0));
    // What was covered is history, as the oldest point of its step.
    let history = harness.history("child", &key("loss"));
    let at_four: Vec<(f64, bool)> = history
        .iter()
        .filter(|point| point.position.step.get() == 4.0)
        .map(|point| (point.value.as_f64(), point.visible))
        .collect();
    assert_eq!(at_four, [(4.0, false), (-4.0, true)]);
}

pub fn a_fork_keeps_what_its_parent_showed_then(harness: &mut Harness) {
    let mut parent = FrameBuilder::creator("parent", 1);
    let loss = parent.metric("loss");
    harness.apply(parent.log(loss, line(0, 6, 1.0)).frame());
    harness.apply(parent.remove(Some(key("loss")), Some(1.0)).frame());
    harness.apply(parent.rewind(5.0).frame());
    let _child = fork(harness, "child", 2, "parent", 100.0);
    let then = [(0.0, 0.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0)];
    assert_eq!(shown(harness, "child", &key("loss")), then);
    harness.apply(parent.log(loss, line(0, 20, 9.0)).frame());
    harness.apply(parent.rewind(1.0).frame());
    harness.apply(parent.remove(None, None).frame());
    assert_eq!(shown(harness, "parent", &key("loss")), []);
    assert_eq!(shown(harness, "child", &key("loss")), then);
    // Integers stay integers, also when the parent gets floats.
    let epoch = parent.series(&key("epoch"), ValueType::I64, false);
    let samples = vec![Sample::integer(0.0, 7), Sample::integer(1.0, 8)];
    harness.apply(parent.log_samples(&[(epoch, samples)]).frame());
    let _other = fork(harness, "other", 3, "parent", 100.0);
    let float = parent.metric("epoch");
    harness.apply(parent.log(float, [(2.0, 0.5)]).frame());
    let value_type = |run| harness.one_series(run, &key("epoch")).value_type;
    assert_eq!(value_type("other"), ValueType::I64);
    assert_eq!(value_type("parent"), ValueType::F64);
    let epochs = [(0.0, 7.0), (1.0, 8.0)];
    assert_eq!(shown(harness, "other", &key("epoch")), epochs);
}

pub fn a_fork_of_a_fork_has_the_points_of_both(harness: &mut Harness) {
    let mut first = FrameBuilder::creator("first", 1);
    let loss = first.metric("loss");
    harness.apply(first.log(loss, line(0, 5, 1.0)).frame());
    let mut second = fork(harness, "second", 2, "first", 2.0);
    let loss = second.metric("loss");
    harness.apply(second.log(loss, line(3, 8, 10.0)).frame());
    let mut third = fork(harness, "third", 3, "second", 5.0);
    let auto = third.auto_metric("loss");
    harness.apply(third.log(auto, [(0.0, 1.0), (1.0, 2.0)]).frame());
    let mut values = line(0, 3, 1.0);
    values.extend(line(3, 6, 10.0));
    values.extend([(6.0, 1.0), (7.0, 2.0)]);
    assert_eq!(shown(harness, "third", &key("loss")), values);
    // Nobody shares what came later.
    harness.apply(second.log(loss, line(0, 9, 7.0)).frame());
    assert_eq!(shown(harness, "third", &key("loss")), values);
}

pub fn removals_and_rewinds_of_a_fork_hide_what_it_shares(harness: &mut Harness) {
    let mut parent = FrameBuilder::creator("parent", 1);
    let (loss, gain) = (parent.metric("loss"), parent.metric("gain"));
    harness.apply(parent.log(loss, line(0, 6, 1.0)).frame());
    harness.apply(parent.log(gain, line(0, 6, 1.0)).frame());
    let mut child = fork(harness, "child", 2, "parent", 5.0);
    // A series that the fork itself has never written.
    harness.apply(child.remove(Some(key("gain")), None).frame());
    assert_eq!(shown(harness, "child", &key("gain")), []);
    harness.apply(child.remove(Some(key("loss")), Some(2.0)).frame());
    harness.apply(child.rewind(4.0).frame());
    let left = [(0.0, 0.0), (1.0, 1.0), (3.0, 3.0)];
    assert_eq!(shown(harness, "child", &key("loss")), left);
    let auto = child.auto_metric("loss");
    harness.apply(child.log(auto, [(0.0, 7.0)]).frame());
    let last = shown(harness, "child", &key("loss")).pop();
    assert_eq!(last, Some((4.0, 7.0)));
    assert_eq!(shown(harness, "parent", &key("loss")), line(0, 6, 1.0));
    harness.apply_refusing(
        child.remove(Some(key("nothing")), None).frame(),
        &[(0, RefusalCode::NotFound)],
    );
}

pub fn a_shared_step_is_taken(harness: &mut Harness) {
    let mut parent = FrameBuilder::creator("parent", 1);
    let loss = parent.metric("loss");
    harness.apply(parent.log(loss, line(0, 6, 1.0)).frame());
    let mut child = fork(harness, "child", 2, "parent", 3.0);
    let loss = child.metric("loss");
    let frame = child.log_refusing(loss, &[Sample::float(3.0, 1.0)]).frame();
    let refused: Vec<RefusalCode> = (harness.append(frame).refusals.iter())
        .map(|refusal| refusal.code)
        .collect();
    assert_eq!(refused, [RefusalCode::Exists]);
    harness.apply(child.log_refusing(loss, &[Sample::float(4.0, 1.0)]).frame());
    assert_eq!(shown(harness, "child", &key("loss")).len(), 5);
    assert_eq!(harness.warning_counts("child"), [("refused".to_owned(), 1)]);
}

pub fn forks_of_a_purged_run_keep_what_they_need(harness: &mut Harness) {
    let mut parent = FrameBuilder::creator("parent", 1);
    let loss = parent.metric("loss");
    harness.apply(parent.log(loss, line(0, 700, 1.0)).frame());
    harness.fold();
    harness.apply(parent.log(loss, line(700, 900, 1.0)).frame());
    let mut child = fork(harness, "child", 2, "parent", 800.0);
    let _grandchild = fork(harness, "grandchild", 3, "child", 400.0);
    for (id, minute) in [("parent", 60), ("child", 70)] {
        changed(harness, id, &RunAction::Delete, minute);
        changed(harness, id, &RunAction::Purge, minute + 1);
        assert!(harness.find_run(id).is_err());
    }
    harness.fold();
    harness.reopen();
    let values = line(0, 401, 1.0);
    assert_eq!(shown(harness, "grandchild", &key("loss")), values);
    // The id lives again, as another run.
    let mut again = FrameBuilder::new("parent", 4);
    let mut open = open_run(OpenMode::Create);
    open.created_at = at(75);
    again.open(true, open);
    let loss = again.metric("loss");
    harness.apply(again.log(loss, [(0.0, 5.0)]).frame());
    assert_eq!(shown(harness, "grandchild", &key("loss")), values);
    let loss = child.metric("loss");
    let answer = harness.append(child.log(loss, [(1.0, 1.0)]).frame());
    let codes = answer.refusals.iter().map(|refusal| refusal.code);
    assert!(codes.clone().all(|code| code == RefusalCode::Deleted));
    assert!(codes.count() > 0, "{answer:?}");
    changed(harness, "grandchild", &RunAction::Delete, 80);
    changed(harness, "grandchild", &RunAction::Purge, 81);
    assert_eq!(shown(harness, "parent", &key("loss")), [(0.0, 5.0)]);
}

pub fn counted_steps_go_on_after_what_a_rewind_leaves(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let auto = writer.auto_metric("loss");
    harness.apply(writer.log(auto, line(0, 8, 1.0)).frame());
    let short = writer.auto_metric("short");
    harness.apply(writer.log(short, line(0, 3, 1.0)).frame());
    harness.apply(writer.rewind(4.5).forget_counted().frame());
    let auto = writer.auto_metric("loss");
    let short = writer.auto_metric("short");
    harness.apply(writer.log(auto, [(0.0, 50.0), (1.0, 60.0)]).frame());
    harness.apply(writer.log(short, [(0.0, 30.0)]).frame());
    let mut values = line(0, 5, 1.0);
    values.extend([(5.0, 50.0), (6.0, 60.0)]);
    assert_eq!(shown(harness, "run-a", &key("loss")), values);
    assert_eq!(
        shown(harness, "run-a", &key("short")).last(),
        Some(&(3.0, 30.0))
    );
    // So do those of a writer that resumes the run, with a rewind of its own or without.
    for (number, rewind, step) in [(2, None, 7.0), (3, Some(2.0), 2.0), (4, Some(-3.0), 0.0)] {
        let mut heir = FrameBuilder::new("run-a", number);
        harness.apply(heir.open(true, open_run(OpenMode::Resume)).frame());
        if let Some(to_step) = rewind {
            harness.apply(heir.rewind(to_step).forget_counted().frame());
        }
        let auto = heir.auto_metric("loss");
        harness.apply(heir.log(auto, [(0.0, 99.0)]).frame());
        let last = shown(harness, "run-a", &key("loss")).pop();
        assert_eq!(last, Some((step, 99.0)), "writer {number}");
    }
}

pub fn a_fork_counts_on_after_its_step(harness: &mut Harness) {
    let mut parent = FrameBuilder::creator("parent", 1);
    let (sparse, short) = (parent.metric("sparse"), parent.metric("short"));
    harness.apply(
        parent
            .log(sparse, [(0.0, 1.0), (100.0, 2.0), (200.0, 3.0)])
            .frame(),
    );
    harness.apply(parent.log(short, [(7.0, 1.0)]).frame());
    let mut child = fork(harness, "child", 2, "parent", 150.0);
    for (name, step) in [("sparse", 151.0), ("short", 8.0)] {
        let auto = child.auto_metric(name);
        harness.apply(child.log(auto, [(0.0, 9.0)]).frame());
        let last = shown(harness, "child", &key(name)).pop();
        assert_eq!(last, Some((step, 9.0)), "{name}");
    }
}

pub fn a_run_that_is_there_does_not_become_a_fork(harness: &mut Harness) {
    let mut parent = FrameBuilder::creator("parent", 1);
    let loss = parent.metric("loss");
    harness.apply(parent.log(loss, line(0, 6, 1.0)).frame());
    let _child = fork(harness, "child", 2, "parent", 3.0);
    harness.apply(FrameBuilder::creator("plain", 3).frame());
    let open = |id: &str, number: u8, step: f64, seconds: i64| {
        let mut writer = FrameBuilder::new(id, number);
        let mut open = open_run(OpenMode::ResumeOrCreate);
        open.created_at = at(seconds);
        let parent = RunId::new("parent").expect("an id");
        open.parent = Some((parent, Step::new(step).expect("a step")));
        writer.open(false, open).frame()
    };
    // Another process of the same job says the same.
    harness.apply(open("child", 4, 3.0, 60));
    assert_eq!(harness.warning_counts("child"), []);
    harness.apply(open("child", 5, 2.0, 60));
    let told = [("missing_parent".to_owned(), 1)];
    assert_eq!(harness.warning_counts("child"), told);
    assert_eq!(shown(harness, "child", &key("loss")), line(0, 4, 1.0));
    harness.apply(open("plain", 6, 3.0, 60));
    assert_eq!(harness.warning_counts("plain"), told);
    assert_eq!(shown(harness, "plain", &key("loss")), []);
}

pub fn forks_stand_on_so_many_others_and_no_more(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("fork-0", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, 7.0)]).frame());
    let last = u8::try_from(FORK_DEPTH_MAX).expect("it is small") + 1;
    for number in 1..=last {
        let parent = format!("fork-{}", number - 1);
        let _ = fork(harness, &format!("fork-{number}"), number + 1, &parent, 0.0);
    }
    let deepest = format!("fork-{}", last - 1);
    assert_eq!(shown(harness, &deepest, &key("loss")), [(0.0, 7.0)]);
    let refused = format!("fork-{last}");
    let told = [("missing_parent".to_owned(), 1)];
    assert_eq!(harness.warning_counts(&refused), told);
    assert_eq!(shown(harness, &refused, &key("loss")), []);
}
