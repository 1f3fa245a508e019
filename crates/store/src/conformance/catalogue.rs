//! The catalogue: runs, experiments, params, tags, scalars, definitions, and how they are found.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{
    DESCRIPTION_BYTES_MAX, Goal, ParamPath, ParamValue, ScalarValue, Step, Timestamp, WorkspaceId,
};
use runstone_wire::{
    DefineMetric, OpenMode, OperationKind, ParamSetting, RefusalCode, SetProperties, SetScalar,
};

use super::harness::Harness;
use super::testing::{
    FrameBuilder, TEST_EPOCH_MICROS, experiment_name, key, metric_name, open_run, param_path,
    setting, tag_name,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(TEST_EPOCH_MICROS + seconds * 1_000_000)
}

pub fn a_run_is_created_with_what_its_opening_gives(harness: &mut Harness) {
    let mut parent = FrameBuilder::creator("parent", 1);
    harness.apply(parent.frame());
    harness.apply(parent.frame());
    let mut writer = FrameBuilder::new("run-a", 2);
    let mut open = open_run(OpenMode::Create);
    open.experiment = Some(experiment_name("digits"));
    open.name = Some("sgd-1".to_owned());
    open.description = Some("the first".to_owned());
    open.group = Some("fold".to_owned());
    open.job_type = Some(String::new());
    open.seed = Some(-7);
    open.rerun_of = Some(parent.run().clone());
    open.tags = vec![tag_name("baseline"), tag_name("a"), tag_name("baseline")];
    open.config = vec![
        ParamSetting {
            path: ParamPath::root(),
            value: ParamValue::from([("lr", 0.05)]),
            replace: false,
        },
        setting("model.depth", 3_i64, false),
    ];
    open.parent = Some((parent.run().clone(), Step::from_integer(100)));
    harness.apply(writer.open(true, open).frame());
    let record = harness.run("run-a");
    assert_eq!(record.experiment_name, "digits");
    let run = record.run;
    assert_eq!(run.name.as_deref(), Some("sgd-1"));
    assert_eq!(run.description.as_deref(), Some("the first"));
    assert_eq!(
        (run.group.as_deref(), run.job_type, run.seed),
        (Some("fold"), None, Some(-7))
    );
    assert_eq!(run.rerun_of.as_ref(), Some(parent.run()));
    let tags: Vec<&str> = run.tags.iter().map(|tag| tag.as_str()).collect();
    assert_eq!(tags, ["a", "baseline"]);
    let pin = run.parent.unwrap();
    assert_eq!((pin.parent, pin.append.0), (harness.key("parent"), 2));
    assert_eq!(pin.step, Step::from_integer(100));
    assert_eq!(
        harness.params_json("run-a"),
        r#"{"lr":0.05,"model":{"depth":3}}"#
    );
    assert!(!run.archived);
}

pub fn a_fork_without_its_parent_is_kept_and_warned_of(harness: &mut Harness) {
    let mut writer = FrameBuilder::new("run-a", 1);
    let mut open = open_run(OpenMode::Create);
    open.parent = Some((runstone_model::RunId::new("gone").unwrap(), Step::ZERO));
    harness.apply(writer.open(true, open).frame());
    assert_eq!(harness.run("run-a").run.parent, None);
    assert_eq!(
        harness.warning_counts("run-a"),
        [("missing_parent".to_owned(), 1)]
    );
}

pub fn naming_an_experiment_creates_it(harness: &mut Harness) {
    harness.apply(FrameBuilder::creator("run-a", 1).frame());
    for (number, id) in [(2, "run-b"), (3, "run-c")] {
        let mut writer = FrameBuilder::new(id, number);
        let mut open = open_run(OpenMode::Create);
        open.experiment = Some(experiment_name("Ärger"));
        harness.apply(writer.open(true, open).frame());
    }
    let experiments = harness
        .ask(|snapshot| snapshot.scan_experiments(WorkspaceId::default()))
        .unwrap();
    let names: Vec<(String, u64)> = experiments
        .iter()
        .map(|record| (record.experiment.name.to_string(), record.runs))
        .collect();
    assert_eq!(names, [("default".to_owned(), 1), ("Ärger".to_owned(), 2)]);
    assert_ne!(experiments[0].experiment.id, experiments[1].experiment.id);
    assert_eq!(experiments[1].experiment.created_at, at(0));
    assert_eq!(harness.experiment("run-b"), harness.experiment("run-c"));
    assert_eq!(harness.run("run-a").experiment_name, "default");
}

pub fn a_resume_keeps_the_experiment_and_takes_what_is_given(harness: &mut Harness) {
    let mut one = FrameBuilder::new("run-a", 1);
    let mut open = open_run(OpenMode::Create);
    open.experiment = Some(experiment_name("digits"));
    open.name = Some("first".to_owned());
    open.seed = Some(1);
    open.tags = vec![tag_name("old")];
    open.config = vec![setting("lr", 0.1, false), setting("keep", true, false)];
    harness.apply(one.open(true, open).close().frame());
    let mut two = FrameBuilder::new("run-a", 2);
    let mut open = open_run(OpenMode::ResumeOrCreate);
    open.description = Some("again".to_owned());
    open.tags = vec![tag_name("new")];
    open.config = vec![setting("lr", 0.2, false)];
    harness.apply(two.open(true, open).frame());
    let record = harness.run("run-a");
    assert_eq!(record.experiment_name, "digits");
    assert_eq!(record.run.name.as_deref(), Some("first"));
    assert_eq!(record.run.description.as_deref(), Some("again"));
    assert_eq!((record.run.seed, record.run.tags.len()), (Some(1), 2));
    assert_eq!(harness.params_json("run-a"), r#"{"keep":true,"lr":0.2}"#);
}

pub fn properties_are_set_cleared_and_left_alone(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let set = |set: SetProperties| OperationKind::SetProperties(set);
    writer.push(set(SetProperties {
        name: Some("one".to_owned()),
        description: Some("text".to_owned()),
        experiment: Some(experiment_name("moved")),
        archived: Some(true),
    }));
    harness.apply(writer.frame());
    let record = harness.run("run-a");
    assert_eq!(
        (record.run.name.as_deref(), record.run.archived),
        (Some("one"), true)
    );
    assert_eq!(record.experiment_name, "moved");
    writer.push(set(SetProperties {
        name: Some(String::new()),
        ..SetProperties::default()
    }));
    harness.apply(writer.frame());
    let record = harness.run("run-a");
    assert_eq!(
        (record.run.name, record.run.description.as_deref()),
        (None, Some("text"))
    );
    assert!(record.run.archived);
    writer.push(set(SetProperties {
        archived: Some(false),
        ..SetProperties::default()
    }));
    harness.apply(writer.frame());
    assert!(!harness.run("run-a").run.archived);
    assert_eq!(harness.run("run-a").experiment_name, "moved");
}

pub fn tags_are_added_and_removed(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(
        writer
            .change_tags(&["v1", "best", "Zoë"], &["never there"])
            .frame(),
    );
    harness.apply(writer.change_tags(&["v1", "v2"], &["best", "v1"]).frame());
    let tags: Vec<String> = harness
        .run("run-a")
        .run
        .tags
        .iter()
        .map(|tag| tag.to_string())
        .collect();
    assert_eq!(tags, ["Zoë", "v1", "v2"]);
}

pub fn params_merge_replace_and_are_removed(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let dict = |entries: &[(&str, f64)]| {
        ParamValue::Dict(
            entries
                .iter()
                .map(|(key, value)| ((*key).to_owned(), ParamValue::from(*value)))
                .collect(),
        )
    };
    harness.apply(
        writer
            .set_param("model", dict(&[("lr", 0.1), ("depth", 3.0)]))
            .frame(),
    );
    harness.apply(writer.set_param("model", dict(&[("lr", 0.2)])).frame());
    assert_eq!(
        harness.params_json("run-a"),
        r#"{"model":{"depth":3.0,"lr":0.2}}"#
    );
    writer.push(OperationKind::SetParams(vec![setting(
        "model",
        dict(&[("lr", 0.3)]),
        true,
    )]));
    harness.apply(writer.frame());
    assert_eq!(harness.params_json("run-a"), r#"{"model":{"lr":0.3}}"#);
    let values = [
        ("null", ParamValue::Null),
        ("one", ParamValue::I64(1)),
        ("one point", ParamValue::F64(1.0)),
        ("huge", ParamValue::U64(u64::MAX)),
        ("nan", ParamValue::F64(f64::NAN)),
        ("infinite", ParamValue::F64(f64::NEG_INFINITY)),
        ("minus zero", ParamValue::F64(-0.0)),
        ("text", ParamValue::from("a \"b\" \u{1f600}")),
        (
            "list",
            ParamValue::List(vec![ParamValue::I64(1), dict(&[("x", 2.0)])]),
        ),
        ("nothing", ParamValue::List(Vec::new())),
        ("empty", ParamValue::Dict(std::collections::BTreeMap::new())),
    ];
    for (path, value) in &values {
        writer.set_param(path, value.clone());
    }
    harness.apply(writer.frame());
    let params = harness.params("run-a");
    for (path, value) in &values {
        assert_eq!(params.get(&param_path(path)), Some(value), "{path}");
    }
    // Lists are leaves.
    harness.apply(
        writer
            .set_param("list", ParamValue::List(vec![ParamValue::I64(9)]))
            .frame(),
    );
    let list = harness.params("run-a").get(&param_path("list")).cloned();
    assert_eq!(list, Some(ParamValue::List(vec![ParamValue::I64(9)])));
    let paths = values
        .iter()
        .map(|(path, _)| param_path(path))
        .chain([param_path("not there")]);
    harness.apply(
        writer
            .push(OperationKind::RemoveParams(paths.collect()))
            .frame(),
    );
    assert_eq!(harness.params_json("run-a"), r#"{"model":{"lr":0.3}}"#);
    harness.apply(
        writer
            .push(OperationKind::RemoveParams(vec![ParamPath::root()]))
            .frame(),
    );
    assert_eq!(harness.params_json("run-a"), "{}");
}

pub fn a_param_that_gives_way_is_warned_of(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(
        writer
            .set_param("model", 3.0)
            .set_param("other.x", 1.0)
            .frame(),
    );
    assert_eq!(harness.warning_counts("run-a"), []);
    harness.apply(
        writer
            .set_param("model.lr", 0.1)
            .set_param("other", 2.0)
            .frame(),
    );
    assert_eq!(
        harness.params_json("run-a"),
        r#"{"model":{"lr":0.1},"other":2.0}"#
    );
    assert_eq!(
        harness.warning_counts("run-a"),
        [("param_conflict".to_owned(), 2)]
    );
}

pub fn a_setting_that_can_not_be_refuses_its_operation_whole(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.frame());
    let leaf_at_root = ParamSetting {
        path: ParamPath::root(),
        value: ParamValue::I64(1),
        replace: false,
    };
    writer.push(OperationKind::SetParams(vec![
        setting("lr", 0.5, false),
        leaf_at_root,
    ]));
    writer.set_param("kept", true);
    harness.apply_refusing(writer.frame(), &[(0, runstone_wire::RefusalCode::Invalid)]);
    assert_eq!(harness.params_json("run-a"), r#"{"kept":true}"#);
}

pub fn scalars_keep_type_and_time(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let set = |name: &str, value, seconds| {
        OperationKind::SetScalar(SetScalar {
            name: metric_name(name),
            value,
            time: at(seconds),
        })
    };
    writer.push(set("z", ScalarValue::F64(f64::NAN), 1));
    writer.push(set("a", ScalarValue::Bool(true), 2));
    writer.push(set("m", ScalarValue::I64(i64::MIN), 3));
    writer.push(set("é", ScalarValue::String("text".to_owned()), 4));
    harness.apply(writer.frame());
    harness.apply(writer.push(set("a", ScalarValue::F64(1.0), 0)).frame());
    let scalars = harness.scalars("run-a");
    let names: Vec<&str> = scalars.iter().map(|scalar| scalar.name.as_str()).collect();
    assert_eq!(names, ["a", "m", "z", "é"]);
    assert_eq!(
        (&scalars[0].value, scalars[0].time),
        (&ScalarValue::F64(1.0), at(0))
    );
    assert_eq!(scalars[1].value, ScalarValue::I64(i64::MIN));
    assert_eq!(scalars[2].value, ScalarValue::F64(f64::NAN));
    assert_eq!(scalars[3].value, ScalarValue::String("text".to_owned()));
}

pub fn a_scalar_is_what_the_last_frame_said_whatever_its_time(harness: &mut Harness) {
    let set = |value, seconds| {
        OperationKind::SetScalar(SetScalar {
            name: metric_name("best"),
            value,
            time: at(seconds),
        })
    };
    let mut first = FrameBuilder::creator("run-a", 9);
    let mut second = FrameBuilder::secondary("run-a", 1);
    for (seconds, value) in (0..).zip([
        ScalarValue::F64(-0.0),
        ScalarValue::F64(f64::INFINITY),
        ScalarValue::F64(f64::NEG_INFINITY),
        ScalarValue::F64(f64::from_bits(0x7ff8_0000_0000_0001)),
        ScalarValue::F64(f64::MIN_POSITIVE / 4.0),
        ScalarValue::I64(i64::MAX),
        ScalarValue::I64(1),
        ScalarValue::F64(1.0),
        ScalarValue::Bool(false),
        ScalarValue::String(String::new()),
        ScalarValue::String("a\u{fffd}\n".repeat(1_000)),
    ]) {
        // The later a frame, the earlier the clock of its writer.
        harness.apply(first.push(set(ScalarValue::I64(7), 1_000)).frame());
        harness.apply(second.push(set(value.clone(), -seconds)).frame());
        let scalars = harness.scalars("run-a");
        assert_eq!(scalars.len(), 1);
        assert_eq!((&scalars[0].value, scalars[0].time), (&value, at(-seconds)));
    }
    // Two in one frame, and what hides points.
    first
        .push(set(ScalarValue::I64(1), 5))
        .push(set(ScalarValue::I64(2), 4));
    harness.apply(first.frame());
    harness.apply(first.rewind(0.0).frame());
    harness.apply(first.remove(None, None).frame());
    assert_eq!(harness.scalars("run-a")[0].value, ScalarValue::I64(2));
    let long = ScalarValue::String("x".repeat(DESCRIPTION_BYTES_MAX + 1));
    harness.apply_refusing(
        first.push(set(long, 6)).frame(),
        &[(0, RefusalCode::TooLarge)],
    );
    assert_eq!(harness.scalars("run-a")[0].value, ScalarValue::I64(2));
}

pub fn metric_definitions_belong_to_the_experiment(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let define = |goal, unit: Option<&str>, default_x: Option<&str>| {
        OperationKind::DefineMetric(DefineMetric {
            name: metric_name("loss"),
            goal,
            unit: unit.map(str::to_owned),
            default_x: default_x.map(str::to_owned),
        })
    };
    let loss = writer.metric("loss");
    writer
        .push(define(Some(Goal::Min), Some("nats"), None))
        .log(loss, [(0.0, 1.0)]);
    harness.apply(writer.frame());
    harness.apply(writer.push(define(None, None, Some("epoch"))).frame());
    let definition = harness.definitions("run-a").remove(0);
    assert_eq!(
        (definition.goal, definition.unit.as_deref()),
        (Some(Goal::Min), Some("nats"))
    );
    assert_eq!(definition.default_x.as_deref(), Some("epoch"));
    assert_eq!(
        harness.one_series("run-a", &key("loss")).goal,
        Some(Goal::Min)
    );
    // Every run of the experiment has them, and no other run.
    let mut same = FrameBuilder::creator("run-b", 2);
    let loss = same.metric("loss");
    harness.apply(same.log(loss, [(0.0, 1.0)]).frame());
    assert_eq!(
        harness.one_series("run-b", &key("loss")).goal,
        Some(Goal::Min)
    );
    same.push(OperationKind::SetProperties(SetProperties {
        experiment: Some(experiment_name("elsewhere")),
        ..SetProperties::default()
    }));
    harness.apply(same.frame());
    assert_eq!(harness.one_series("run-b", &key("loss")).goal, None);
    assert_eq!(harness.definitions("run-b"), []);
    harness.apply(writer.push(define(Some(Goal::Max), Some(""), None)).frame());
    let definition = harness.definitions("run-a").remove(0);
    assert_eq!((definition.goal, definition.unit), (Some(Goal::Max), None));
    assert_eq!(
        harness.one_series("run-a", &key("loss")).goal,
        Some(Goal::Max)
    );
}
