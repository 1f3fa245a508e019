//! What people change: properties, tags, experiment; and what the script says afterwards.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{ChangeNumber, TagName, Timestamp};
use runstone_wire::{OpenMode, OpenRun, OperationKind, SetProperties};

use super::harness::Harness;
use super::testing::{FrameBuilder, TEST_EPOCH_MICROS, experiment_name, key, open_run, tag_name};
use crate::{EditOutcome, RunAction, RunChanges, StoreError};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(TEST_EPOCH_MICROS + seconds * 1_000_000)
}

fn changes(make: impl FnOnce(&mut RunChanges) -> Result<(), StoreError>) -> RunAction {
    let mut changes = RunChanges::default();
    make(&mut changes).expect("the changes are good");
    RunAction::Change(changes)
}

fn named(name: &str) -> RunAction {
    changes(|changes| changes.set_name(name))
}

fn tags(harness: &Harness, run: &str) -> Vec<String> {
    let tags = harness.run(run).run.tags;
    tags.iter().map(TagName::to_string).collect()
}

pub fn properties_and_tags_are_edited(harness: &mut Harness) {
    let mut writer = FrameBuilder::new("run-a", 1);
    let mut open = open_run(OpenMode::Create);
    open.name = Some("first".to_owned());
    open.description = Some("as logged".to_owned());
    open.tags = vec![tag_name("x"), tag_name("y")];
    harness.apply(writer.open(true, open).frame());
    let before = harness.run("run-a");
    let edit = changes(|changes| {
        changes.set_name("second\0")?;
        changes.set_description("")?;
        changes.set_archived(true);
        changes.add_tags(["a", "x"])?;
        changes.remove_tags(["y", "nothing"])
    });
    let outcomes = harness.edit(&["run-a"], &edit, at(60));
    let after = harness.run("run-a");
    assert!(matches!(outcomes[..], [EditOutcome::Changed(change)] if change == after.changed));
    assert_eq!(after.changed, before.changed.next());
    assert_eq!(after.run.name.as_deref(), Some("second\u{fffd}"));
    assert_eq!(after.run.description, None);
    assert!(after.run.archived);
    assert_eq!(tags(harness, "run-a"), ["a", "x"]);
    // Nothing else has moved.
    assert_eq!(after.key, before.key);
    assert_eq!(after.last_received_at, before.last_received_at);
    assert_eq!(after.run.state, before.run.state);
    let exactly = changes(|changes| changes.set_tags(["z"]));
    harness.edit(&["run-a"], &exactly, at(61));
    assert_eq!(tags(harness, "run-a"), ["z"]);
}

pub fn what_is_as_asked_already_takes_no_change_number(harness: &mut Harness) {
    harness.apply(FrameBuilder::creator("run-a", 1).frame());
    harness.edit(&["run-a"], &named("one"), at(60));
    let change = harness.store().change_number().unwrap();
    let again = changes(|changes| {
        changes.set_name("one")?;
        changes.set_description("")?;
        changes.set_experiment("default")?;
        changes.set_archived(false);
        changes.remove_tags(["nothing"])
    });
    let outcomes = harness.edit(&["run-a"], &again, at(61));
    assert!(matches!(outcomes[..], [EditOutcome::Unchanged]));
    assert_eq!(harness.store().change_number().unwrap(), change);
}

pub fn each_edited_run_takes_a_change_number_and_a_bad_one_harms_nobody(harness: &mut Harness) {
    for (number, id) in [(1, "run-a"), (2, "run-b")] {
        harness.apply(FrameBuilder::creator(id, number).frame());
    }
    let many: Vec<String> = (0..1_000).map(|tag| format!("t{tag}")).collect();
    let full = changes(|changes| changes.set_tags(many.iter().map(String::as_str)));
    harness.edit(&["run-b"], &full, at(60));
    let before = harness.store().change_number().unwrap();
    let edit = changes(|changes| {
        changes.set_name("same")?;
        changes.add_tags(["one more"])
    });
    let outcomes = harness.edit(&["run-a", "nobody", "run-b", "run-a"], &edit, at(61));
    let [
        EditOutcome::Changed(change),
        EditOutcome::Refused(StoreError::NotFound(_)),
        EditOutcome::Refused(StoreError::Invalid(_)),
        EditOutcome::Unchanged,
    ] = outcomes[..]
    else {
        panic!("{outcomes:?}");
    };
    assert_eq!(change, before.next());
    assert_eq!(harness.store().change_number().unwrap(), change);
    assert_eq!(harness.run("run-b").run.name, None, "not even in part");
}

pub fn a_run_moves_to_an_experiment_that_is_created_for_it(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.frame());
    let moved = changes(|changes| changes.set_experiment("kept"));
    harness.edit(&["run-a", "nobody"], &moved, at(60));
    assert_eq!(harness.run("run-a").experiment_name, "kept");
    let counts = |harness: &Harness| -> Vec<(String, u64)> {
        let all = harness.ask(|snapshot| snapshot.scan_experiments(Default::default()));
        let all = all.unwrap().into_iter();
        all.map(|one| (one.experiment.name.to_string(), one.runs))
            .collect()
    };
    assert_eq!(
        counts(harness),
        [("default".to_owned(), 0), ("kept".to_owned(), 1)]
    );
    // A run that goes on is written in its new place.
    let loss = writer.metric("loss");
    writer.log(loss, [(0.0, 1.0)]);
    harness.apply(writer.frame());
    assert_eq!(harness.run("run-a").experiment_name, "kept");
    assert_eq!(harness.values("run-a", &key("loss")), [(0.0, 1.0)]);
}

pub fn the_same_opening_does_not_undo_what_a_person_has_set(harness: &mut Harness) {
    let opening = |mode: OpenMode| OpenRun {
        experiment: Some(experiment_name("digits")),
        name: Some("from the script".to_owned()),
        description: Some("as ever".to_owned()),
        tags: vec![tag_name("good"), tag_name("old")],
        ..open_run(mode)
    };
    let mut first = FrameBuilder::new("run-a", 1);
    harness.apply(first.open(true, opening(OpenMode::Create)).frame());
    let edit = changes(|changes| {
        changes.set_name("by hand")?;
        changes.set_description("")?;
        changes.set_experiment("kept")?;
        changes.remove_tags(["good"])
    });
    harness.edit(&["run-a"], &edit, at(60));
    harness.edit(&["run-a"], &named("by hand, again"), at(61));
    for (number, mode) in [(2, OpenMode::ResumeOrCreate), (3, OpenMode::Attach)] {
        let mut again = FrameBuilder::new("run-a", number);
        harness.apply(again.open(true, opening(mode)).frame());
        let run = harness.run("run-a");
        assert_eq!(run.run.name.as_deref(), Some("by hand, again"));
        assert_eq!(run.run.description, None);
        assert_eq!(run.experiment_name, "kept");
        assert_eq!(tags(harness, "run-a"), ["old"]);
    }
    // A script that says something else than before says something new.
    let mut other = FrameBuilder::new("run-a", 4);
    let open = OpenRun {
        experiment: Some(experiment_name("third")),
        name: Some("another".to_owned()),
        description: Some("and more".to_owned()),
        tags: vec![tag_name("new")],
        ..open_run(OpenMode::Resume)
    };
    harness.apply(other.open(true, open).frame());
    let run = harness.run("run-a");
    assert_eq!(run.run.name.as_deref(), Some("another"));
    assert_eq!(run.run.description.as_deref(), Some("and more"));
    assert_eq!(run.experiment_name, "third");
    assert_eq!(tags(harness, "run-a"), ["new", "old"]);
    // Its words count again, since it took its own back.
    let mut last = FrameBuilder::new("run-a", 5);
    harness.apply(last.open(true, opening(OpenMode::Resume)).frame());
    let run = harness.run("run-a");
    assert_eq!(run.run.name.as_deref(), Some("from the script"));
    assert_eq!(run.experiment_name, "digits");
}

pub fn a_later_call_of_the_script_counts(harness: &mut Harness) {
    let mut writer = FrameBuilder::new("run-a", 1);
    let mut open = open_run(OpenMode::Create);
    open.name = Some("first".to_owned());
    open.tags = vec![tag_name("t")];
    harness.apply(writer.open(true, open.clone()).frame());
    let edit = changes(|changes| {
        changes.set_name("by hand")?;
        changes.remove_tags(["t"])
    });
    harness.edit(&["run-a"], &edit, at(60));
    writer.push(OperationKind::SetProperties(SetProperties {
        name: Some("first".to_owned()),
        ..SetProperties::default()
    }));
    harness.apply(writer.change_tags(&["t"], &[]).frame());
    assert_eq!(harness.run("run-a").run.name.as_deref(), Some("first"));
    assert_eq!(tags(harness, "run-a"), ["t"]);
}

pub fn an_edit_of_nobody_changes_nothing(harness: &mut Harness) {
    let before = harness.store().change_number().unwrap();
    assert_eq!(before, ChangeNumber(0));
    let moved = changes(|changes| changes.set_experiment("kept"));
    for action in [moved, RunAction::Delete, RunAction::Undelete] {
        let outcomes = harness.edit(&["nobody"], &action, at(60));
        assert!(matches!(
            outcomes[..],
            [EditOutcome::Refused(StoreError::NotFound(_))]
        ));
    }
    assert_eq!(harness.store().change_number().unwrap(), before);
    let experiments = harness.ask(|snapshot| snapshot.scan_experiments(Default::default()));
    assert_eq!(experiments.unwrap(), []);
}
