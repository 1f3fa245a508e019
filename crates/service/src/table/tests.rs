//! The table against a naive oracle: filter, order, pages and cells.

use super::*;
use crate::api::*;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use runstone_model::{Goal, ParamValue, RunState, StoreIdentity};
use runstone_store::conformance::testing::{
    FrameBuilder, TEST_EPOCH_MICROS, experiment_name, key_in, metric_name, open_run, setting,
    tag_name,
};
use runstone_store::memory::MemoryStore;
use runstone_wire::{DefineMetric, OpenMode, OperationKind, SetProperties};
use std::cmp::Ordering;
use std::sync::Arc;

mod remembered;

/// What a run of a test is made of.
#[derive(Debug, Clone)]
struct Trial {
    experiment: &'static str,
    name: Option<&'static str>,
    archived: bool,
    tags: Vec<&'static str>,
    param: Option<ParamValue>,
    values: Vec<f64>,
    in_context: bool,
    created: i64,
    ended: bool,
}

fn trials() -> impl Strategy<Value = Trial> {
    let params = prop_oneof![
        Just(None),
        (-3_i64..3).prop_map(|value| Some(ParamValue::I64(value))),
        select(vec![0.5, -0.0, f64::NAN, f64::INFINITY, 2.0])
            .prop_map(|value| Some(ParamValue::F64(value))),
        select(vec!["adam", "sgd", ""]).prop_map(|text| Some(ParamValue::from(text))),
        Just(Some(ParamValue::List(vec![ParamValue::I64(1)]))),
        Just(Some(ParamValue::Null)),
        Just(Some(ParamValue::Bool(true))),
    ];
    let values = vec(
        select(vec![0.25, 1.0, 2.0, f64::NAN, f64::NEG_INFINITY]),
        0..4,
    );
    (
        select(vec!["digits", "default"]),
        proptest::option::of(select(vec!["one", "Two", "été"])),
        proptest::bool::weighted(0.2),
        proptest::sample::subsequence(vec!["a", "b"], 0..=2),
        params,
        values,
        any::<bool>(),
        0_i64..4,
        any::<bool>(),
    )
        .prop_map(
            |(experiment, name, archived, tags, param, values, in_context, created, ended)| Trial {
                experiment,
                name,
                archived,
                tags,
                param,
                values,
                in_context,
                created,
                ended,
            },
        )
}

struct Bench {
    service: Service,
    me: Principal,
}

impl Bench {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new(StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        }));
        let clock = Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS + 60_000_000));
        Self {
            service: Service::new(store, clock),
            me: Principal::local(),
        }
    }

    fn add(&self, number: u8, trial: &Trial) -> FrameBuilder {
        let mut builder = FrameBuilder::new(&format!("run-{number}"), number);
        let mut open = open_run(OpenMode::Create);
        open.experiment = Some(experiment_name(trial.experiment));
        open.name = trial.name.map(str::to_owned);
        open.created_at = Timestamp::from_micros(TEST_EPOCH_MICROS + trial.created);
        open.tags = trial.tags.iter().map(|tag| tag_name(tag)).collect();
        let param = trial.param.clone();
        open.config = param
            .map(|value| setting("model.lr", value, false))
            .into_iter()
            .collect();
        builder.open(true, open);
        builder.push(OperationKind::DefineMetric(DefineMetric {
            name: metric_name("loss"),
            goal: (trial.experiment == "digits").then_some(Goal::Min),
            unit: None,
            default_x: None,
        }));
        if trial.archived {
            builder.push(OperationKind::SetProperties(SetProperties {
                archived: Some(true),
                ..SetProperties::default()
            }));
        }
        Self::log(&mut builder, trial);
        if trial.ended {
            builder.close();
        }
        self.send(&mut builder);
        builder
    }

    fn log(builder: &mut FrameBuilder, trial: &Trial) {
        if trial.values.is_empty() {
            return;
        }
        let loss = if trial.in_context {
            builder.series(
                &key_in("loss", "subset", "train"),
                runstone_model::ValueType::F64,
                false,
            )
        } else {
            builder.metric("loss")
        };
        let points = trial.values.iter().enumerate();
        builder.log(loss, points.map(|(step, value)| (step as f64, *value)));
    }

    fn send(&self, builder: &mut FrameBuilder) {
        let frame = Bytes::from(builder.frame().frame.encode());
        let answer = self.service.ingest_frame(&self.me, &frame).unwrap();
        assert_eq!(answer.refusals, []);
    }

    fn page(&self, request: &TableRequest) -> TablePage {
        self.service.table(&self.me, request).unwrap()
    }

    /// All rows, page by page.
    fn all(&self, request: &TableRequest) -> Vec<TableRow> {
        let mut request = request.clone();
        let mut rows = Vec::new();
        loop {
            let page = self.page(&request);
            assert!(page.rows.len() <= request.limit.unwrap());
            rows.extend(page.rows);
            match page.next_cursor {
                Some(next) => request.cursor = Some(next),
                None => {
                    assert_eq!(page.matching, rows.len() as u64);
                    return rows;
                }
            }
        }
    }
}

fn loss(value: MetricValue) -> Column {
    Column::Metric {
        name: "loss".to_owned(),
        context: None,
        value,
    }
}

fn lr() -> Column {
    Column::Param {
        path: vec!["model".to_owned(), "lr".to_owned()],
    }
}

fn property(property: RunProperty) -> Column {
    Column::Property { property }
}

fn sort_columns() -> Vec<Column> {
    let values = [
        MetricValue::Last,
        MetricValue::Best,
        MetricValue::Min,
        MetricValue::Max,
        MetricValue::Mean,
        MetricValue::LastStep,
    ];
    let properties = [
        RunProperty::Id,
        RunProperty::Name,
        RunProperty::Experiment,
        RunProperty::State,
        RunProperty::Created,
        RunProperty::Points,
    ];
    let mut columns = vec![lr()];
    columns.extend(values.map(loss));
    columns.extend(properties.map(property));
    columns
}

/// The cell of a trial, without any of the code under test.
fn naive_cell(index: usize, trial: &Trial, column: &Column) -> Value {
    let number = |value: Option<f64>| match value {
        None => Value::Null,
        Some(value) if value.is_nan() => "NaN".into(),
        Some(value) if value.is_infinite() => {
            (if value > 0.0 { "Infinity" } else { "-Infinity" }).into()
        }
        Some(value) => value.into(),
    };
    let values = &trial.values;
    let numbers = || values.iter().copied().filter(|value| !value.is_nan());
    let finite: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    let min = numbers().reduce(f64::min);
    match column {
        Column::Metric { value, .. } => match value {
            MetricValue::Last => number(values.last().copied()),
            MetricValue::Min => number(min),
            MetricValue::Max => number(numbers().reduce(f64::max)),
            MetricValue::Best => number(min.filter(|_| trial.experiment == "digits")),
            MetricValue::Mean if finite.is_empty() => Value::Null,
            MetricValue::Mean => number(Some(finite.iter().sum::<f64>() / finite.len() as f64)),
            MetricValue::LastStep if values.is_empty() => Value::Null,
            MetricValue::LastStep => (values.len() - 1).into(),
        },
        Column::Param { .. } => trial
            .param
            .as_ref()
            .map_or(Value::Null, ParamValue::to_json),
        Column::Property { property } => match property {
            RunProperty::Id => format!("run-{index}").into(),
            RunProperty::Name => trial.name.map_or(Value::Null, Value::from),
            RunProperty::Experiment => trial.experiment.into(),
            RunProperty::State => i64::from(trial.ended).into(),
            RunProperty::Created => trial.created.into(),
            _ => values.len().into(),
        },
    }
}

/// The rank of a kind, and how two cells of one kind compare.
fn naive_order(one: &Value, two: &Value, of_texts: bool) -> (u8, u8, Ordering) {
    let as_number = |value: &Value| match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if !of_texts => match text.as_str() {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    };
    let rank = |value: &Value| match value {
        Value::Null => 4,
        Value::Array(_) => 3,
        _ if as_number(value).is_some() => 0,
        Value::String(text) if !of_texts && text == "NaN" => 1,
        _ => 2,
    };
    let (one_rank, two_rank) = (rank(one), rank(two));
    let values = match (as_number(one), as_number(two)) {
        (Some(one), Some(two)) => one.partial_cmp(&two).unwrap(),
        _ if one_rank == 2 && two_rank == 2 => one.as_str().cmp(&two.as_str()),
        _ => Ordering::Equal,
    };
    (one_rank, two_rank, values)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_what_a_naive_filter_and_sort_give(
        trials in vec(trials(), 0..14),
        column in select(sort_columns()),
        descending: bool,
        limit in 1_usize..6,
        experiment in proptest::option::of(select(vec!["digits", "default", "nowhere"])),
        tag in proptest::option::of(select(vec!["a", "b"])),
        text in select(vec!["", "one", "TWO digits", "ÉT", "run- a"]),
        archived: bool,
        states in select(vec![vec![], vec![RunState::Running], vec![RunState::Succeeded]]),
    ) {
        let bench = Bench::new();
        for (number, trial) in (1_u8..).zip(&trials) {
            bench.add(number, trial);
        }
        let request = TableRequest {
            experiment: experiment.map(str::to_owned),
            states: states.clone(),
            tags: tag.iter().map(ToString::to_string).collect(),
            text: text.to_owned(),
            archived,
            columns: sort_columns(),
            sort: Some(Sort { column: column.clone(), descending }),
            limit: Some(limit),
            ..TableRequest::default()
        };
        let rows = bench.all(&request);
        let state = |trial: &Trial| if trial.ended { RunState::Succeeded } else { RunState::Running };
        let mut wanted: Vec<(usize, &Trial)> = (1..).zip(&trials)
            .filter(|(_, trial)| experiment.is_none_or(|name| name == trial.experiment))
            .filter(|(_, trial)| tag.is_none_or(|tag| trial.tags.contains(&tag)))
            .filter(|(_, trial)| archived || !trial.archived)
            .filter(|(_, trial)| states.is_empty() || states.contains(&state(trial)))
            .filter(|(index, trial)| text.split(' ').filter(|word| !word.is_empty()).all(|word| {
                let tags = trial.tags.join("\n");
                let name = trial.name.unwrap_or_default();
                let all = format!("run-{index}\n{name}\n{}\n{tags}\n{}", trial.experiment, state(trial));
                all.to_lowercase().contains(&word.to_lowercase())
            }))
            .collect();
        wanted.sort_by(|(one_index, one), (two_index, two)| {
            let cells = (naive_cell(*one_index, one, &column), naive_cell(*two_index, two, &column));
            let of_texts = matches!(column, Column::Property { .. });
            let (one_rank, two_rank, values) = naive_order(&cells.0, &cells.1, of_texts);
            one_rank.cmp(&two_rank)
                .then(if descending { values.reverse() } else { values })
                .then((two.created, *two_index).cmp(&(one.created, *one_index)))
        });
        let ids: Vec<String> = rows.iter().map(|row| row.run.id.to_string()).collect();
        let wanted_ids: Vec<String> = wanted.iter().map(|(index, _)| format!("run-{index}")).collect();
        prop_assert_eq!(ids, wanted_ids);
        for (row, (index, trial)) in rows.iter().zip(&wanted) {
            for (cell, column) in row.cells.iter().zip(sort_columns()) {
                let wanted = match column {
                    Column::Property { .. } => Value::Null,
                    _ => naive_cell(*index, trial, &column),
                };
                prop_assert_eq!(cell, &wanted);
            }
        }
    }
}

fn plain(value: f64, created: i64) -> Trial {
    Trial {
        experiment: "digits",
        name: None,
        archived: false,
        tags: vec![],
        param: None,
        values: vec![value],
        in_context: false,
        created,
        ended: false,
    }
}

#[test]
fn pages_go_on_by_key_while_rows_come_and_change() {
    let bench = Bench::new();
    let mut writers: Vec<FrameBuilder> = (1..=6)
        .map(|number| bench.add(number, &plain(f64::from(number), i64::from(number))))
        .collect();
    let mut request = TableRequest {
        sort: Some(Sort {
            column: loss(MetricValue::Last),
            descending: false,
        }),
        limit: Some(2),
        ..TableRequest::default()
    };
    let ids = |page: &TablePage| -> Vec<String> {
        page.rows.iter().map(|row| row.run.id.to_string()).collect()
    };
    let first = bench.page(&request);
    assert_eq!(ids(&first), ["run-1", "run-2"]);
    // One row appears before the cursor, and one moves from behind it to the front.
    bench.add(7, &plain(0.5, 7));
    let loss_of_six = writers[5].metric("loss");
    writers[5].log(loss_of_six, [(9.0, 0.1)]);
    bench.send(&mut writers[5]);
    request.cursor = first.next_cursor;
    let second = bench.page(&request);
    assert_eq!(ids(&second), ["run-3", "run-4"]);
    assert_eq!(second.matching, 7);
    assert!(second.change > first.change);
    request.cursor = second.next_cursor;
    let third = bench.page(&request);
    assert_eq!(ids(&third), ["run-5"]);
    assert_eq!(third.next_cursor, None);
}

#[test]
fn durations_of_runs_that_go_on_are_taken_at_the_first_page() {
    let now = Arc::new(std::sync::atomic::AtomicI64::new(
        TEST_EPOCH_MICROS + 1_000_000,
    ));
    let mut bench = Bench::new();
    let clock = Arc::clone(&now);
    bench.service = Service::new(
        Arc::clone(bench.service.store()),
        Arc::new(move || Timestamp::from_micros(clock.load(std::sync::atomic::Ordering::Relaxed))),
    );
    for number in 1..=3 {
        bench.add(number, &plain(1.0, i64::from(number)));
    }
    let mut request = TableRequest {
        sort: Some(Sort {
            column: property(RunProperty::Duration),
            descending: true,
        }),
        limit: Some(1),
        ..TableRequest::default()
    };
    let mut ids = Vec::new();
    loop {
        let page = bench.page(&request);
        ids.extend(page.rows.iter().map(|row| row.run.id.to_string()));
        now.fetch_add(5_000_000, std::sync::atomic::Ordering::Relaxed);
        request.cursor = page.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(ids, ["run-1", "run-2", "run-3"]);
}

#[test]
fn contexts_are_chosen_or_the_first_is_taken() {
    let bench = Bench::new();
    let mut builder = bench.add(1, &plain(1.0, 0));
    let train = key_in("loss", "subset", "train");
    let number = builder.series(&train, runstone_model::ValueType::F64, false);
    builder.log(number, [(0.0, 7.0)]);
    bench.send(&mut builder);
    let column = |context: Option<Value>| Column::Metric {
        name: "loss".to_owned(),
        context,
        value: MetricValue::Last,
    };
    let page = bench.page(&TableRequest {
        columns: vec![
            column(None),
            column(Some(serde_json::json!({}))),
            column(Some(serde_json::json!({"subset": "train"}))),
            column(Some(serde_json::json!({"subset": "test"}))),
        ],
        ..TableRequest::default()
    });
    // By bytes `{"subset":"train"}` stands before `{}`.
    assert_eq!(
        page.rows[0].cells,
        [7.0.into(), 1.0.into(), 7.0.into(), Value::Null]
    );
}

#[test]
fn what_can_not_be_asked_is_refused_with_a_hint() {
    let bench = Bench::new();
    bench.add(1, &plain(1.0, 0));
    bench.add(2, &plain(2.0, 0));
    let refused = |request: TableRequest| {
        let error = bench.service.table(&bench.me, &request).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        error.to_string()
    };
    let with = |columns: Vec<Column>| TableRequest {
        columns,
        ..TableRequest::default()
    };
    refused(with(vec![lr(); TABLE_COLUMNS_MAX + 1]));
    refused(with(vec![Column::Param { path: vec![] }]));
    refused(with(vec![Column::Metric {
        name: "loss".to_owned(),
        context: Some(serde_json::json!([1])),
        value: MetricValue::Last,
    }]));
    for limit in [0, TABLE_PAGE_MAX + 1] {
        refused(TableRequest {
            limit: Some(limit),
            ..TableRequest::default()
        });
    }
    refused(TableRequest {
        runs: vec!["x".to_owned(); TABLE_PAGE_MAX + 1],
        ..TableRequest::default()
    });
    let first = bench.page(&TableRequest {
        limit: Some(1),
        ..TableRequest::default()
    });
    let text = refused(TableRequest {
        cursor: first.next_cursor,
        archived: true,
        limit: Some(1),
        ..TableRequest::default()
    });
    assert!(text.contains("another filter or order"), "{text}");
    refused(TableRequest {
        cursor: Some("AAAA".to_owned()),
        ..TableRequest::default()
    });
}
