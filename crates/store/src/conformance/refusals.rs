//! Refusals: each operation is judged alone, and its neighbours are kept.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use bytes::Bytes;
use runstone_model::{Context, EndReason, ReasonCode, SeriesKey, ValueType};
use runstone_wire::{
    DefineMetric, DefineSeries, EncodedOperation, EndKind, EndWriter, IfPresent, OpenMode,
    Operation, OperationKind, RefusalCode, SetProperties, SetScalar,
};

use super::harness::Harness;
use super::testing::{FrameBuilder, Sample, key, metric_name, open_run, setting};
use crate::apply::TAGS_IN_RUN_MAX;

pub fn a_refused_operation_keeps_its_neighbours(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    writer.log(loss, [(0.0, 1.0)]);
    writer.push_encoded(
        EncodedOperation::from_bytes(Bytes::from_static(b"\xff\xff\xff")),
        1,
    );
    writer.set_param("lr", 0.5);
    writer.push(OperationKind::Points(Bytes::from_static(b"no pack")));
    writer.log(loss, [(1.0, 2.0)]);
    let answer = harness.apply_refusing(
        writer.frame(),
        &[(1, RefusalCode::Invalid), (3, RefusalCode::Invalid)],
    );
    assert_eq!(answer.mark, writer.next_slot());
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(0.0, 1.0), (1.0, 2.0)]
    );
    assert_eq!(harness.params_json("run-a"), r#"{"lr":0.5}"#);
    assert_eq!(harness.warning_counts("run-a"), [("refused".to_owned(), 2)]);
    harness.apply(writer.log(loss, [(2.0, 3.0)]).frame());
    assert_eq!(harness.run("run-a").completeness.durable_points, 3);
}

pub fn a_pack_with_a_flipped_bit_is_refused(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, 1.0)]).frame());
    let mut frame = writer.log(loss, [(1.0, 2.0)]).frame();
    let operation = frame.frame.operations[0].decode().unwrap();
    let OperationKind::Points(pack) = operation.kind else {
        panic!("the frame holds points only")
    };
    let mut damaged = pack.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    frame.frame.operations[0] = EncodedOperation::encode(&Operation {
        if_present: IfPresent::Apply,
        kind: OperationKind::Points(damaged.into()),
    });
    harness.apply_refusing(frame, &[(0, RefusalCode::Invalid)]);
    assert_eq!(harness.values("run-a", &key("loss")), [(0.0, 1.0)]);
}

pub fn an_operation_of_a_later_version_is_refused_alone(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    // Field 41, a message of no bytes: a kind that this version does not know.
    writer.push_encoded(
        EncodedOperation::from_bytes(Bytes::from_static(b"\xca\x02\x00")),
        1,
    );
    writer.set_param("lr", 0.5);
    harness.apply_refusing(writer.frame(), &[(2, RefusalCode::Unsupported)]);
    assert_eq!(harness.params_json("run-a"), r#"{"lr":0.5}"#);
}

pub fn one_refused_series_of_a_pack_keeps_the_others(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    let samples = |value| vec![Sample::float(0.0, value), Sample::float(1.0, value)];
    let unknown = loss + 40;
    let answer = harness.apply_refusing(
        writer
            .log_samples(&[(loss, samples(1.0)), (unknown, samples(2.0))])
            .frame(),
        &[(0, RefusalCode::UnknownSeries)],
    );
    assert_eq!(answer.refusals[0].series, Some(unknown));
    assert_eq!(answer.refusals[0].points, 2);
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(0.0, 1.0), (1.0, 1.0)]
    );
    let record = harness.run("run-a");
    assert_eq!(record.completeness.refused_points, 2);
    assert_eq!(record.completeness.durable_points, 2);
    assert_eq!(record.completeness.logged_points, 4);
    assert_eq!(harness.warning_counts("run-a"), [("refused".to_owned(), 2)]);
    // Later frames of the good series stand behind, in order.
    harness.apply(writer.log(loss, [(1.0, 9.0)]).frame());
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(0.0, 1.0), (1.0, 9.0)]
    );
}

pub fn values_of_another_type_than_declared_are_refused(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    // The same number in a pack of somebody who takes it for integers.
    let mut confused = FrameBuilder::new("run-a", 9);
    confused.log_samples(&[(loss, vec![Sample::integer(0.0, 3)])]);
    writer.push_encoded(confused.frame().frame.operations.remove(0), 1);
    writer.log(loss, [(1.0, 1.0)]);
    harness.apply_refusing(writer.frame(), &[(0, RefusalCode::TypeConflict)]);
    assert_eq!(harness.values("run-a", &key("loss")), [(1.0, 1.0)]);
}

pub fn steps_that_are_not_finite_are_refused(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let good = writer.metric("good");
    harness.apply(writer.frame());
    for step in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let bad = vec![
            Sample::float(0.0, 1.0),
            Sample {
                step,
                ..Sample::float(0.0, 1.0)
            },
        ];
        harness.apply_refusing(
            writer
                .log_samples(&[(loss, bad), (good, vec![Sample::float(0.0, 1.0)])])
                .frame(),
            &[(0, RefusalCode::Invalid)],
        );
    }
    assert_eq!(harness.values("run-a", &key("loss")), []);
    assert_eq!(harness.values("run-a", &key("good")), [(0.0, 1.0)]);
    assert_eq!(harness.run("run-a").completeness.refused_points, 6);
}

pub fn a_series_number_stands_for_one_series(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, 1.0)]).frame());
    let define = |name: &str, value_type, auto_step| {
        OperationKind::DefineSeries(DefineSeries {
            number: loss,
            key: key(name),
            value_type,
            auto_step,
        })
    };
    writer.push(define("loss", ValueType::F64, false));
    writer.push(define("other", ValueType::F64, false));
    writer.push(define("loss", ValueType::I64, false));
    writer.push(define("loss", ValueType::F64, true));
    writer.log(loss, [(1.0, 2.0)]);
    let refused = [
        (1, RefusalCode::Conflict),
        (2, RefusalCode::Conflict),
        (3, RefusalCode::Conflict),
    ];
    harness.apply_refusing(writer.frame(), &refused);
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(0.0, 1.0), (1.0, 2.0)]
    );
}

pub fn series_of_texts_are_refused(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, 1.0)]).frame());
    let define = |number, name: &str, value_type| {
        OperationKind::DefineSeries(DefineSeries {
            number,
            key: key(name),
            value_type,
            auto_step: false,
        })
    };
    writer.push(define(20, "loss", ValueType::String));
    writer.push(define(21, "words", ValueType::String));
    writer.push(define(22, "flags", ValueType::Bool));
    let refused = [
        (0, RefusalCode::TypeConflict),
        (1, RefusalCode::Unsupported),
        (2, RefusalCode::Unsupported),
    ];
    harness.apply_refusing(writer.frame(), &refused);
}

pub fn removals_and_rewinds_stand_first_in_their_frame(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, 1.0), (1.0, 2.0)]).frame());
    writer
        .log(loss, [(2.0, 3.0)])
        .remove(None, None)
        .rewind(0.0);
    let refused = [(1, RefusalCode::Invalid), (2, RefusalCode::Invalid)];
    harness.apply_refusing(writer.frame(), &refused);
    writer.set_param("lr", 0.5).rewind(0.0);
    harness.apply_refusing(writer.frame(), &[(1, RefusalCode::Invalid)]);
    writer.rewind(0.0).rewind(1.0);
    harness.apply_refusing(writer.frame(), &[(1, RefusalCode::Invalid)]);
    assert_eq!(harness.values("run-a", &key("loss")), []);
    assert_eq!(harness.run("run-a").generation.0, 1);
    // In a base frame the declarations stand before it.
    harness.apply(writer.log(loss, [(0.0, 5.0)]).frame());
    writer.remove(Some(key("loss")), None);
    harness.apply(writer.base_frame());
    assert_eq!(harness.values("run-a", &key("loss")), []);
}

pub fn a_removal_of_a_series_that_is_not_there_is_refused(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, 1.0)]).frame());
    let elsewhere = SeriesKey::metric(
        metric_name("loss"),
        Context::from_pairs([("subset", "test")]).unwrap(),
    );
    writer.remove(Some(elsewhere), None).log(loss, [(1.0, 2.0)]);
    harness.apply_refusing(writer.frame(), &[(0, RefusalCode::NotFound)]);
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(0.0, 1.0), (1.0, 2.0)]
    );
}

pub fn if_present_refuses_a_run_that_lives(harness: &mut Harness) {
    harness.apply(FrameBuilder::creator("run-a", 1).frame());
    let create = || OperationKind::OpenRun(open_run(OpenMode::Create));
    let mut strict = FrameBuilder::new("run-a", 2);
    strict.push_refusing(create());
    let loss = strict.metric("loss");
    strict.log(loss, [(0.0, 1.0)]);
    let refused = [
        (0, RefusalCode::Exists),
        (1, RefusalCode::NotFound),
        (2, RefusalCode::NotFound),
    ];
    let answer = harness.apply_refusing(strict.frame(), &refused);
    assert_eq!(answer.run_state, None);
    assert_eq!(harness.writers("run-a").len(), 1);
    assert_eq!(harness.series("run-a"), []);

    let mut fresh = FrameBuilder::new("run-b", 3);
    fresh.push_refusing(create());
    harness.apply(fresh.frame());
    // Said again by the writer that created it, as a base frame does, it is no news.
    fresh.push_refusing(create());
    harness.apply(fresh.frame());
    let mut relaxed = FrameBuilder::creator("run-a", 4);
    harness.apply(relaxed.frame());
    assert_eq!(harness.writers("run-a").len(), 2);
}

pub fn if_present_refuses_params_scalars_and_definitions(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let set = |path: &str, value: f64| OperationKind::SetParams(vec![setting(path, value, false)]);
    let scalar = |value| {
        OperationKind::SetScalar(SetScalar {
            name: metric_name("score"),
            value,
            time: runstone_model::Timestamp::from_micros(5),
        })
    };
    let metric = |goal| {
        OperationKind::DefineMetric(DefineMetric {
            name: metric_name("loss"),
            goal: Some(goal),
            unit: None,
            default_x: None,
        })
    };
    writer.push_refusing(set("model.lr", 0.5));
    writer.push_refusing(scalar(runstone_model::ScalarValue::I64(1)));
    writer.push_refusing(metric(runstone_model::Goal::Min));
    harness.apply(writer.frame());
    writer.push_refusing(set("model.lr", 0.7));
    writer.push_refusing(set("model", 0.7));
    writer.push_refusing(set("model.depth", 3.0));
    writer.push_refusing(OperationKind::SetParams(vec![
        setting("fresh", 1.0, false),
        setting("model.lr", 1.0, false),
    ]));
    writer.push_refusing(scalar(runstone_model::ScalarValue::I64(2)));
    writer.push_refusing(metric(runstone_model::Goal::Max));
    let refused = [
        (0, RefusalCode::Exists),
        (1, RefusalCode::Exists),
        (3, RefusalCode::Exists),
        (4, RefusalCode::Exists),
        (5, RefusalCode::Exists),
    ];
    harness.apply_refusing(writer.frame(), &refused);
    assert_eq!(
        harness.params_json("run-a"),
        r#"{"model":{"depth":3.0,"lr":0.5}}"#
    );
    assert_eq!(
        harness.scalars("run-a")[0].value,
        runstone_model::ScalarValue::I64(1)
    );
    assert_eq!(
        harness.definitions("run-a")[0].goal,
        Some(runstone_model::Goal::Min)
    );
}

pub fn if_present_refuses_points_at_steps_that_are_taken(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(
        writer
            .log(loss, [(0.0, 1.0), (2.0, 2.0), (9.0, 3.0)])
            .frame(),
    );
    writer.log_refusing(loss, &[Sample::float(1.0, 5.0), Sample::float(3.0, 5.0)]);
    harness.apply(writer.frame());
    writer.log_refusing(loss, &[Sample::float(4.0, 6.0), Sample::float(2.0, 6.0)]);
    let answer = harness.apply_refusing(writer.frame(), &[(0, RefusalCode::Exists)]);
    assert_eq!(answer.refusals[0].points, 2);
    assert_eq!(answer.refusals[0].series, Some(loss));
    let values = [(0.0, 1.0), (1.0, 5.0), (2.0, 2.0), (3.0, 5.0), (9.0, 3.0)];
    assert_eq!(harness.values("run-a", &key("loss")), values);
    // A step whose point was removed is free again.
    harness.apply(writer.remove(Some(key("loss")), Some(2.0)).frame());
    harness.apply(
        writer
            .log_refusing(loss, &[Sample::float(2.0, 7.0)])
            .frame(),
    );
    assert_eq!(harness.values("run-a", &key("loss"))[2], (2.0, 7.0));
}

pub fn a_writer_writes_to_the_run_it_has_opened(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.frame());
    harness.apply(FrameBuilder::creator("run-b", 2).frame());
    let mut frame = writer.log(loss, [(0.0, 1.0)]).set_param("lr", 0.5).frame();
    frame.frame.run = runstone_model::RunId::new("run-b").unwrap();
    harness.apply_refusing(
        frame,
        &[(0, RefusalCode::Conflict), (1, RefusalCode::Conflict)],
    );
    assert_eq!(harness.series("run-a"), []);
    assert_eq!(harness.series("run-b"), []);
    assert_eq!(harness.params_json("run-b"), "{}");
}

pub fn a_writer_is_opened_once(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.frame());
    let mut other = FrameBuilder::new("run-a", 1);
    other.open(false, open_run(OpenMode::Attach));
    let open = other.frame().frame.operations.remove(0);
    writer.push_encoded(open, 1).set_param("lr", 0.5);
    harness.apply_refusing(writer.frame(), &[(0, RefusalCode::Conflict)]);
    assert!(harness.writer("run-a", writer.writer()).writer.primary);
    assert_eq!(harness.params_json("run-a"), r#"{"lr":0.5}"#);
}

pub fn a_writer_ends_once(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.close().frame());
    harness.apply(writer.close().frame());
    let end = harness.writer("run-a", writer.writer()).writer.end;
    writer.fail(ReasonCode::Exception, "too late");
    harness.apply_refusing(writer.frame(), &[(0, RefusalCode::Conflict)]);
    writer.push(OperationKind::EndWriter(EndWriter {
        kind: EndKind::Lost,
        reason: Some(EndReason::new(ReasonCode::Lost, "")),
        ended_at: runstone_model::Timestamp::from_micros(0),
    }));
    harness.apply_refusing(writer.frame(), &[(0, RefusalCode::Invalid)]);
    assert_eq!(harness.writer("run-a", writer.writer()).writer.end, end);
}

pub fn texts_and_tags_past_their_limits_are_refused(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    harness.apply(writer.frame());
    let long = SetProperties {
        name: Some("x".repeat(70_000)),
        ..SetProperties::default()
    };
    writer.push(OperationKind::SetProperties(long));
    let names: Vec<String> = (0..=TAGS_IN_RUN_MAX)
        .map(|index| format!("tag-{index}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    writer.change_tags(&names, &[]);
    writer.change_tags(&names[1..], &[]);
    writer.change_tags(&names[..1], &[]);
    writer.change_tags(&names[..1], &names[5..6]);
    let refused = [
        (0, RefusalCode::TooLarge),
        (1, RefusalCode::TooLarge),
        (3, RefusalCode::TooLarge),
    ];
    harness.apply_refusing(writer.frame(), &refused);
    let run = harness.run("run-a").run;
    assert_eq!((run.name, run.tags.len()), (None, TAGS_IN_RUN_MAX));
}
