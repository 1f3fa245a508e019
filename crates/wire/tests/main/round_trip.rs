//! What is encoded is decoded as it was.

use bytes::Bytes;
use proptest::prelude::*;
use runstone_model::{ChangeNumber, LogStream, ParamPath, ParamValue, RunState, Timestamp};
use runstone_wire::{
    EncodedOperation, Frame, FrameAnswer, FrameStatus, IfPresent, KindTag, LogLine, LogLines,
    Operation, OperationKind, ParamSetting, Refusal, RefusalCode,
};

use crate::samples;

#[test]
fn every_kind_of_operation_comes_back_as_it_was() {
    for operation in samples::one_of_each().into_iter().chain(samples::texts()) {
        let encoded = EncodedOperation::encode(&operation);
        assert_eq!(encoded.decode().unwrap(), operation);
    }
}

#[test]
fn a_frame_comes_back_as_it_was() {
    let frame = samples::frame();
    assert_eq!(Frame::decode(&Bytes::from(frame.encode())).unwrap(), frame);
}

#[test]
fn barriers_and_points_are_told_without_decoding() {
    for operation in samples::one_of_each() {
        let expected = match operation.kind {
            OperationKind::Remove(_) | OperationKind::Rewind { .. } => KindTag::Barrier,
            OperationKind::Points(_) => KindTag::Points,
            _ => KindTag::Other,
        };
        assert_eq!(
            EncodedOperation::encode(&operation).kind_tag(),
            expected,
            "{operation:?}"
        );
    }
    let noise = EncodedOperation::from_bytes(Bytes::from_static(&[0xff; 20]));
    assert_eq!(noise.kind_tag(), KindTag::Other);
}

#[test]
fn an_answer_comes_back_as_it_was() {
    for status in [
        FrameStatus::Applied,
        FrameStatus::Duplicate,
        FrameStatus::Mismatch,
    ] {
        let answer = FrameAnswer {
            mark: 7,
            chain: 8,
            status,
            refusals: vec![Refusal {
                operation: 3,
                series: Some(2),
                code: RefusalCode::TypeConflict,
                reason: "a number against a string".to_owned(),
                points: 5,
            }],
            run_state: Some(RunState::Running),
            stop_requested: true,
            change: ChangeNumber(9),
            lost_slots: 10,
        };
        assert_eq!(
            FrameAnswer::decode(&Bytes::from(answer.encode())).unwrap(),
            answer
        );
    }
}

#[test]
fn the_deepest_params_that_the_model_allows_travel() {
    let mut value = ParamValue::I64(1);
    for _ in 0..31 {
        value = ParamValue::Dict([("k".to_owned(), value)].into_iter().collect());
    }
    let kind = OperationKind::SetParams(vec![ParamSetting {
        path: ParamPath::from_keys(["k".to_owned()]).unwrap(),
        value,
        replace: false,
    }]);
    let operation = Operation {
        if_present: IfPresent::Apply,
        kind,
    };
    assert_eq!(
        EncodedOperation::encode(&operation).decode().unwrap(),
        operation
    );
}

#[test]
fn an_endless_nesting_is_refused_and_not_followed() {
    let mut value = ParamValue::List(Vec::new());
    for _ in 0..5_000 {
        value = ParamValue::List(vec![value]);
    }
    let kind = OperationKind::SetParams(vec![ParamSetting {
        path: ParamPath::from_keys(["k".to_owned()]).unwrap(),
        value,
        replace: false,
    }]);
    let encoded = EncodedOperation::encode(&Operation {
        if_present: IfPresent::Apply,
        kind,
    });
    assert_eq!(encoded.decode().unwrap_err().code, RefusalCode::Invalid);
}

fn any_param() -> impl Strategy<Value = ParamValue> {
    let leaf = prop_oneof![
        Just(ParamValue::Null),
        any::<bool>().prop_map(ParamValue::Bool),
        any::<i64>().prop_map(ParamValue::I64),
        (i64::MAX as u64 + 1..).prop_map(ParamValue::U64),
        any::<f64>()
            .prop_filter("NaN is not equal to itself", |f| !f.is_nan())
            .prop_map(ParamValue::F64),
        "\\PC{0,12}".prop_map(ParamValue::String),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(ParamValue::List),
            proptest::collection::btree_map("\\PC{1,6}", inner, 0..6).prop_map(ParamValue::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn any_param_value_comes_back_as_it_was(value in any_param(), replace: bool) {
        let path = ParamPath::from_keys(["a".to_owned(), "b.c".to_owned()]).unwrap();
        let kind = OperationKind::SetParams(vec![ParamSetting { path, value, replace }]);
        let operation = Operation { if_present: IfPresent::Apply, kind };
        prop_assert_eq!(EncodedOperation::encode(&operation).decode().unwrap(), operation);
    }

    #[test]
    fn hostile_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        drop(Frame::decode(&bytes));
        drop(FrameAnswer::decode(&bytes));
        drop(EncodedOperation::from_bytes(bytes).decode());
    }

    #[test]
    fn a_damaged_frame_never_panics(position: prop::sample::Index, bit in 0..8u8) {
        let mut bytes = samples::frame().encode();
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        if let Ok(frame) = Frame::decode(&Bytes::from(bytes)) {
            for operation in &frame.operations {
                drop(operation.decode());
            }
        }
    }
}

#[test]
fn what_is_no_json_digest_stream_or_line_number_is_refused() {
    let text = "{\"caption\":\"é\"}";
    let damage = |operation: &Operation, from: &[u8], to: &[u8]| {
        let mut bytes = EncodedOperation::encode(operation).as_bytes().to_vec();
        let at = bytes.windows(from.len()).position(|part| part == from);
        let at = at.unwrap();
        bytes[at..at + to.len()].copy_from_slice(to);
        let damaged = EncodedOperation::from_bytes(Bytes::from(bytes));
        damaged.decode().unwrap_err()
    };
    let texts = samples::texts();
    let objects = &texts[6];
    let error = damage(objects, text.as_bytes(), b"[");
    assert_eq!(error.code, RefusalCode::Invalid);
    assert!(error.reason.contains("hint:"), "{}", error.reason);
    // The length of the first digest: one byte less, the byte left over is an unknown field.
    let error = damage(objects, &[18, 32, 7], &[18, 31]);
    assert_eq!(error.code, RefusalCode::Invalid);
    let lines = OperationKind::LogLines(LogLines {
        first_line: 1 << 53,
        lines: vec![LogLine {
            text: String::new(),
            stream: LogStream::Stdout,
            time: Timestamp::from_micros(0),
            cut_bytes: 0,
        }],
    });
    let lines = Operation {
        if_present: IfPresent::Apply,
        kind: lines,
    };
    let error = EncodedOperation::encode(&lines).decode().unwrap_err();
    assert_eq!(error.code, RefusalCode::Invalid);
    assert!(error.reason.contains("2^53"), "{}", error.reason);
}
