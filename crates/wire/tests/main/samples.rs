//! One operation of each kind, with every field set.

use bytes::Bytes;
use runstone_model::{
    BlobDigest, Context, EndReason, ExperimentName, Goal, JsonText, LifecycleEvent, LogLevel,
    LogStream, MetricName, ParamPath, ParamValue, ReasonCode, RunId, ScalarValue, SeriesKey,
    SeriesKind, Step, TagName, Timestamp, ValueType, WriterId,
};
use runstone_wire::{
    ChangeTags, Completeness, DefineMetric, DefineSeries, EncodedOperation, EndKind, EndWriter,
    Frame, IfPresent, Lifecycle, LogLine, LogLines, LogRecord, ObjectDocument, ObjectPoints,
    OpenMode, OpenRun, OpenWriter, Operation, OperationKind, ParamSetting, Remove, SetProperties,
    SetScalar,
};

pub(crate) fn metric(name: &str, context: &str) -> SeriesKey {
    SeriesKey {
        name: MetricName::new(name).unwrap(),
        context: Context::parse(context).unwrap(),
        kind: SeriesKind::Metric,
    }
}

fn setting(path: &[&str], value: ParamValue, replace: bool) -> ParamSetting {
    let path = ParamPath::from_keys(path.iter().map(|key| (*key).to_owned())).unwrap();
    ParamSetting {
        path,
        value,
        replace,
    }
}

fn params() -> Vec<ParamSetting> {
    let dict = ParamValue::Dict(
        [
            ("null".to_owned(), ParamValue::Null),
            ("flag".to_owned(), ParamValue::Bool(true)),
            ("one".to_owned(), ParamValue::I64(1)),
            ("one_float".to_owned(), ParamValue::F64(1.0)),
            ("least".to_owned(), ParamValue::I64(i64::MIN)),
            ("greatest".to_owned(), ParamValue::U64(u64::MAX)),
            ("endless".to_owned(), ParamValue::F64(f64::NEG_INFINITY)),
            (
                "list".to_owned(),
                ParamValue::List(vec![ParamValue::I64(2), ParamValue::String("é".to_owned())]),
            ),
        ]
        .into_iter()
        .collect(),
    );
    vec![
        setting(&[], dict, false),
        setting(&["optimizer", "lr"], ParamValue::F64(0.05), true),
    ]
}

/// One operation of each kind that frames had at first, in the order of their numbers.
pub(crate) fn one_of_each() -> Vec<Operation> {
    let at = Timestamp::from_micros(1_790_000_000_000_000);
    let reason = EndReason {
        code: ReasonCode::Exception,
        text: "ValueError: no".to_owned(),
    };
    let kinds = vec![
        OperationKind::OpenWriter(OpenWriter {
            host: "node-7".to_owned(),
            boot_id: "b1".to_owned(),
            pid: 4711,
            rank: Some(3),
            user: "ada".to_owned(),
            sdk: "runstone-rust/0.1.0".to_owned(),
            opened_at: at,
            primary: true,
            parent_writer: Some(WriterId::new([7; 16])),
            lease_seconds: 900,
        }),
        OperationKind::EndWriter(EndWriter {
            kind: EndKind::Failed,
            reason: Some(reason.clone()),
            ended_at: at,
        }),
        OperationKind::OpenRun(OpenRun {
            mode: OpenMode::ResumeOrCreate,
            experiment: Some(ExperimentName::new("digits").unwrap()),
            name: Some("sgd-1".to_owned()),
            description: Some("first".to_owned()),
            group: Some("g".to_owned()),
            job_type: Some("train".to_owned()),
            seed: Some(-1),
            rerun_of: Some(RunId::new("run-0").unwrap()),
            created_at: at,
            tags: vec![TagName::new("baseline").unwrap()],
            config: params(),
            parent: Some((RunId::new("run-parent").unwrap(), Step::new(12.5).unwrap())),
        }),
        OperationKind::SetProperties(SetProperties {
            name: Some("new".to_owned()),
            description: None,
            experiment: Some(ExperimentName::new("other").unwrap()),
            archived: Some(false),
        }),
        OperationKind::SetParams(params()),
        OperationKind::RemoveParams(vec![ParamPath::parse_dotted("optimizer.lr").unwrap()]),
        OperationKind::ChangeTags(ChangeTags {
            add: vec![TagName::new("v1").unwrap()],
            remove: vec![TagName::new("baseline").unwrap()],
        }),
        OperationKind::DefineSeries(DefineSeries {
            number: 1,
            key: metric("loss", r#"{"subset":"train"}"#),
            value_type: ValueType::F64,
            auto_step: true,
        }),
        OperationKind::DefineMetric(DefineMetric {
            name: MetricName::new("accuracy").unwrap(),
            goal: Some(Goal::Max),
            unit: Some("%".to_owned()),
            default_x: Some("epoch".to_owned()),
        }),
        OperationKind::Points(Bytes::from_static(b"a pack")),
        OperationKind::SetScalar(SetScalar {
            name: MetricName::new("size").unwrap(),
            value: ScalarValue::I64(42),
            time: at,
        }),
        OperationKind::Remove(Remove {
            series: Some(metric("loss", "{}")),
            step: Some(Step::new(3.0).unwrap()),
        }),
        OperationKind::Rewind {
            to_step: Step::new(100.0).unwrap(),
        },
        OperationKind::Lifecycle(Lifecycle {
            event: LifecycleEvent::Fail,
            reason: Some(reason),
            at,
        }),
        OperationKind::Heartbeat { at },
        OperationKind::Completeness(Completeness {
            logged_points: 10,
            dropped_points: 2,
            refused_points: 1,
            dropped: vec![(1, 2)],
        }),
    ];
    kinds
        .into_iter()
        .map(|kind| Operation {
            if_present: IfPresent::Refuse,
            kind,
        })
        .collect()
}

/// What came later: objects, terminal lines, log records, and a series of each kind of objects.
pub(crate) fn texts() -> Vec<Operation> {
    let at = Timestamp::from_micros(1_790_000_000_000_000);
    let json = |text: &str| JsonText::new(text).unwrap();
    let mut kinds: Vec<OperationKind> = (1..)
        .zip(&SeriesKind::ALL[1..])
        .map(|(number, kind)| {
            OperationKind::DefineSeries(DefineSeries {
                number,
                key: SeriesKey {
                    kind: *kind,
                    ..metric("sample", "{}")
                },
                value_type: ValueType::F64,
                auto_step: number == 2,
            })
        })
        .collect();
    kinds.extend([
        OperationKind::ObjectPoints(ObjectPoints {
            number: 1,
            step: Step::new(7.0).unwrap(),
            time: at,
            epoch: Some(0.5),
            objects: vec![
                ObjectDocument {
                    document: json("{\"caption\":\"é\"}"),
                    digests: vec![BlobDigest::new([7; 32]), BlobDigest::new([8; 32])],
                },
                ObjectDocument {
                    document: json("[1.50]"),
                    digests: Vec::new(),
                },
            ],
        }),
        OperationKind::LogLines(LogLines {
            first_line: 40,
            lines: vec![
                LogLine {
                    text: "epoch 1".to_owned(),
                    stream: LogStream::Stdout,
                    time: at,
                    cut_bytes: 0,
                },
                LogLine {
                    text: String::new(),
                    stream: LogStream::Stderr,
                    time: Timestamp::from_micros(-1),
                    cut_bytes: 12,
                },
            ],
        }),
        OperationKind::LogRecords(vec![
            LogRecord {
                level: LogLevel::WARNING,
                message: "slow".to_owned(),
                time: at,
                logger: "train".to_owned(),
                file: "train.py".to_owned(),
                source_line: 17,
                extra: Some(json("{\"batch\":3}")),
                cut_bytes: 1,
            },
            LogRecord {
                level: LogLevel(-3),
                message: String::new(),
                time: at,
                logger: String::new(),
                file: String::new(),
                source_line: 0,
                extra: None,
                cut_bytes: 0,
            },
        ]),
    ]);
    kinds
        .into_iter()
        .map(|kind| Operation {
            if_present: IfPresent::Apply,
            kind,
        })
        .collect()
}

/// A frame with one operation of each kind.
pub(crate) fn frame() -> Frame {
    frame_of(&one_of_each())
}

/// A frame with these operations.
pub(crate) fn frame_of(operations: &[Operation]) -> Frame {
    Frame {
        writer: WriterId::new([1; 16]),
        run: RunId::new("01J0000000000000000000000A").unwrap(),
        first_slot: 40,
        next_slot: 99,
        chain_first: 0x0123_4567_89ab_cdef,
        chain_next: u64::MAX,
        base: true,
        generation: 2,
        sent_at: Timestamp::from_micros(-1),
        operations: operations.iter().map(EncodedOperation::encode).collect(),
    }
}
