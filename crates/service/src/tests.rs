//! The service over the in-memory engine: what is answered, and what is refused.

use super::*;
use crate::api::*;
use bytes::Bytes;
use runstone_model::{Goal, ReasonCode, RunState, Scope, StoreIdentity, ValueType};
use runstone_store::conformance::testing::{
    FrameBuilder, Sample, TEST_EPOCH_MICROS, experiment_name, key_in, metric_name, open_run,
};
use runstone_store::memory::MemoryStore;
use runstone_wire::{DefineMetric, FrameStatus, OpenMode, OperationKind};

pub(crate) struct Bench {
    pub(crate) service: Service,
    pub(crate) me: Principal,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let identity = StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        };
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(identity));
        let clock = Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS + 60_000_000));
        Self {
            service: Service::new(store, clock),
            me: Principal::local(),
        }
    }

    pub(crate) fn send(&self, builder: &mut FrameBuilder) -> runstone_wire::FrameAnswer {
        let frame = Bytes::from(builder.frame().frame.encode());
        self.service.ingest_frame(&self.me, &frame).unwrap()
    }

    fn run_in(&self, experiment: &str, id: &str, number: u8, values: &[f64]) -> FrameBuilder {
        let mut builder = FrameBuilder::new(id, number);
        let mut open = open_run(OpenMode::Create);
        open.experiment = Some(experiment_name(experiment));
        open.name = Some(format!("name of {id}"));
        open.created_at = Timestamp::from_micros(TEST_EPOCH_MICROS + i64::from(number));
        builder.open(true, open);
        let loss = builder.metric("loss");
        let points = values.iter().enumerate();
        builder.log(loss, points.map(|(step, value)| (step as f64, *value)));
        let answer = self.send(&mut builder);
        assert_eq!(answer.status, FrameStatus::Applied);
        assert_eq!(answer.refusals, []);
        builder
    }
}

fn define_goal(builder: &mut FrameBuilder, name: &str, goal: Goal) {
    builder.push(OperationKind::DefineMetric(DefineMetric {
        name: metric_name(name),
        goal: Some(goal),
        unit: None,
        default_x: None,
    }));
}

#[test]
fn a_frame_is_readable_once_it_is_answered_and_a_second_delivery_changes_nothing() {
    let bench = Bench::new();
    let mut builder = FrameBuilder::creator("run-1", 1);
    let loss = builder.metric("loss");
    builder.log(
        loss,
        [(0.0, 1.5), (1.0, f64::NAN), (2.0, f64::NEG_INFINITY)],
    );
    let frame = Bytes::from(builder.frame().frame.encode());
    let first = bench.service.ingest_frame(&bench.me, &frame).unwrap();
    assert_eq!(first.status, FrameStatus::Applied);
    let again = bench.service.ingest_frame(&bench.me, &frame).unwrap();
    assert_eq!(again.status, FrameStatus::Duplicate);
    let query = PointsQuery {
        name: Some("loss".to_owned()),
        ..PointsQuery::default()
    };
    let page = bench
        .service
        .get_points(&bench.me, "run-1", &query)
        .unwrap();
    assert_eq!(
        serde_json::to_value(&page).unwrap()["values"],
        serde_json::json!([1.5, "NaN", "-Infinity"])
    );
    assert_eq!(
        serde_json::to_string(&page.steps).unwrap(),
        "[0,1,2]",
        "whole steps are integers"
    );
}

#[test]
fn bytes_that_are_no_frame_and_principals_that_may_not_write_are_refused() {
    let bench = Bench::new();
    let error = bench
        .service
        .ingest_frame(&bench.me, &Bytes::from_static(b"no frame"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.hint.is_some());
    let reader = Principal {
        name: "reader".to_owned(),
        scope: Scope::Read,
    };
    let frame = Bytes::from(FrameBuilder::creator("run-1", 1).frame().frame.encode());
    let error = bench.service.ingest_frame(&reader, &frame).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(bench.service.get_run(&bench.me, "run-1").is_err());
}

#[test]
fn frames_with_a_clock_far_from_ours_are_counted_and_taken() {
    let bench = Bench::new();
    let mut builder = FrameBuilder::creator("run-1", 1);
    bench.send(&mut builder);
    assert_eq!(bench.service.skewed_frames(), 0);
    builder.set_clock(TEST_EPOCH_MICROS + 3_600_000_000);
    builder.set_param("lr", 0.5);
    let frame = Bytes::from(builder.frame().frame.encode());
    bench.service.ingest_frame(&bench.me, &frame).unwrap();
    assert_eq!(bench.service.skewed_frames(), 1);
}

#[test]
fn runs_come_in_pages_newest_first_and_each_once() {
    let bench = Bench::new();
    for number in 1..=5 {
        bench.run_in("e", &format!("run-{number}"), number, &[1.0]);
    }
    bench.run_in("other", "run-6", 6, &[1.0]);
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let query = RunsQuery {
            limit: Some(2),
            cursor,
            experiment: Some("e".to_owned()),
            ..RunsQuery::default()
        };
        let page = bench.service.list_runs(&bench.me, &query).unwrap();
        seen.extend(page.runs.iter().map(|run| run.id.to_string()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["run-5", "run-4", "run-3", "run-2", "run-1"]);
}

#[test]
fn what_is_asked_wrongly_is_named() {
    let bench = Bench::new();
    for (query, word) in [
        (
            RunsQuery {
                limit: Some(0),
                ..RunsQuery::default()
            },
            "limit 0",
        ),
        (
            RunsQuery {
                limit: Some(501),
                ..RunsQuery::default()
            },
            "limit 501",
        ),
        (
            RunsQuery {
                cursor: Some("x".to_owned()),
                ..RunsQuery::default()
            },
            "cursor",
        ),
        (
            RunsQuery {
                state: Some("done".to_owned()),
                ..RunsQuery::default()
            },
            "`done`",
        ),
        (
            RunsQuery {
                order: Some("up".to_owned()),
                ..RunsQuery::default()
            },
            "`up`",
        ),
        (
            RunsQuery {
                metrics: Some("[1]".to_owned()),
                ..RunsQuery::default()
            },
            "metrics",
        ),
    ] {
        let error = bench.service.list_runs(&bench.me, &query).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains(word), "{error}");
        assert!(error.hint.is_some(), "{error}");
    }
    bench.run_in("e", "run-1", 1, &[1.0]);
    let missing = bench
        .service
        .get_points(&bench.me, "run-1", &PointsQuery::default());
    assert!(missing.unwrap_err().message.contains("name of the series"));
    let backwards = PointsQuery {
        name: Some("loss".to_owned()),
        from_step: Some(2.0),
        to_step: Some(1.0),
        ..PointsQuery::default()
    };
    let error = bench
        .service
        .get_points(&bench.me, "run-1", &backwards)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    let unknown = PointsQuery {
        name: Some("nothing".to_owned()),
        ..PointsQuery::default()
    };
    let error = bench
        .service
        .get_points(&bench.me, "run-1", &unknown)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let error = bench.service.get_run(&bench.me, "run-9").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.hint.is_some());
}

#[test]
fn states_and_chosen_metrics_are_shown() {
    let bench = Bench::new();
    let mut builder = bench.run_in("e", "run-1", 1, &[3.0, 1.0, 2.0]);
    define_goal(&mut builder, "loss", Goal::Min);
    let train = builder.series(&key_in("acc", "subset", "train"), ValueType::I64, false);
    builder.log_samples(&[(train, vec![Sample::integer(0.0, 7)])]);
    builder.fail(ReasonCode::Exception, "ValueError: no");
    bench.send(&mut builder);
    bench.run_in("e", "run-2", 2, &[1.0]);
    let query = RunsQuery {
        state: Some("failed".to_owned()),
        metrics: Some("loss,acc".to_owned()),
        ..RunsQuery::default()
    };
    let page = bench.service.list_runs(&bench.me, &query).unwrap();
    assert_eq!(page.runs.len(), 1);
    let run = &page.runs[0];
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.reason.as_ref().unwrap().text, "ValueError: no");
    let [loss, acc] = run.metrics.as_slice() else {
        panic!("{:?}", run.metrics)
    };
    assert_eq!(loss.last.as_ref().unwrap().value, Number::F64(2.0));
    assert_eq!(loss.best.as_ref().unwrap().value, Number::F64(1.0));
    assert_eq!(acc.last.as_ref().unwrap().value, Number::I64(7));
    assert_eq!(acc.best, None);
    assert_eq!(acc.context, serde_json::json!({"subset": "train"}));
    let few = bench
        .service
        .list_runs(&bench.me, &RunsQuery::default())
        .unwrap();
    assert_eq!(
        few.runs[1].metrics[0].name, "loss",
        "metrics with a goal come first"
    );
    let none = RunsQuery {
        metrics: Some(String::new()),
        ..RunsQuery::default()
    };
    assert!(
        bench.service.list_runs(&bench.me, &none).unwrap().runs[0]
            .metrics
            .is_empty()
    );
}

#[test]
fn one_run_is_shown_whole_and_its_json_reads_back() {
    let bench = Bench::new();
    let mut builder = bench.run_in("e", "run-1", 1, &[1.0]);
    builder.set_param("model.lr", 0.05).set_param("seed", 3_i64);
    builder.change_tags(&["b", "a"], &[]);
    builder.close();
    bench.send(&mut builder);
    let detail = bench.service.get_run(&bench.me, "name of run-1").unwrap();
    assert_eq!(
        detail.params,
        serde_json::json!({"model": {"lr": 0.05}, "seed": 3})
    );
    assert_eq!(detail.run.tags, ["a", "b"]);
    assert_eq!(detail.run.state, RunState::Succeeded);
    assert_eq!(detail.run.completeness.durable, 1);
    assert_eq!(detail.run.completeness.logged, 1);
    assert_eq!(detail.writers.len(), 1);
    assert_eq!(detail.writers[0].end.as_ref().unwrap().kind, "closed");
    assert!(
        detail
            .events
            .iter()
            .any(|event| event.to == RunState::Succeeded)
    );
    let text = serde_json::to_string(&detail).unwrap();
    assert_eq!(serde_json::from_str::<RunDetail>(&text).unwrap(), detail);
}

#[test]
fn series_have_summaries_pages_and_sparklines() {
    let bench = Bench::new();
    let mut builder = bench.run_in("e", "run-1", 1, &[4.0, 2.0, f64::NAN, 6.0]);
    let other = builder.metric("accuracy");
    builder.log(other, [(0.0, 1.0)]);
    bench.send(&mut builder);
    let query = SeriesQuery {
        limit: Some(1),
        sparkline: Some(4),
        ..SeriesQuery::default()
    };
    let first = bench
        .service
        .list_series(&bench.me, "run-1", &query)
        .unwrap();
    assert_eq!(first.series[0].name, "accuracy");
    let query = SeriesQuery {
        cursor: first.next_cursor,
        ..query
    };
    let second = bench
        .service
        .list_series(&bench.me, "run-1", &query)
        .unwrap();
    assert_eq!(second.next_cursor, None);
    let loss = &second.series[0];
    assert_eq!(loss.summary.count, 4);
    assert_eq!(loss.summary.nan_count, 1);
    assert_eq!(loss.summary.mean, Some(4.0));
    assert_eq!(loss.summary.min.as_ref().unwrap().value, Number::F64(2.0));
    let cells = loss.sparkline.as_ref().unwrap();
    assert_eq!(
        cells,
        &[
            Some(Number::F64(4.0)),
            Some(Number::F64(2.0)),
            None,
            Some(Number::F64(6.0))
        ]
    );
    let text = serde_json::to_string(&second).unwrap();
    assert_eq!(serde_json::from_str::<SeriesList>(&text).unwrap(), second);
    let too_many = SeriesQuery {
        sparkline: Some(65),
        ..SeriesQuery::default()
    };
    assert!(
        bench
            .service
            .list_series(&bench.me, "run-1", &too_many)
            .is_err()
    );
}

#[test]
fn a_sparkline_of_a_long_series_follows_it() {
    let bench = Bench::new();
    let values: Vec<f64> = (0..10_000).map(f64::from).collect();
    bench.run_in("e", "run-1", 1, &values);
    let query = SeriesQuery {
        sparkline: Some(8),
        ..SeriesQuery::default()
    };
    let list = bench
        .service
        .list_series(&bench.me, "run-1", &query)
        .unwrap();
    let cells = list.series[0].sparkline.as_ref().unwrap();
    let values: Vec<f64> = cells.iter().map(|cell| cell.unwrap().as_f64()).collect();
    assert_eq!(values.len(), 8);
    assert!(values.is_sorted_by(|one, two| one < two), "{values:?}");
}

/// Sums round; a mean outside its values would draw a constant series as noise.
#[test]
fn means_stay_among_their_values() {
    for (value, count) in [(0.05, 1000), (0.1, 1000), (1e308, 10), (-1e308, 10)] {
        let bench = Bench::new();
        bench.run_in("e", "run-1", 1, &vec![value; count]);
        let query = SeriesQuery {
            sparkline: Some(3),
            ..SeriesQuery::default()
        };
        let list = bench
            .service
            .list_series(&bench.me, "run-1", &query)
            .unwrap();
        let series = &list.series[0];
        let cells = series.sparkline.as_ref().unwrap();
        assert_eq!(cells, &[Some(Number::F64(value)); 3]);
        let overflown = value.abs() > 1.0;
        assert_eq!(series.summary.mean, (!overflown).then_some(value));
    }
}

#[test]
fn points_come_in_pages_and_history_shows_what_is_hidden() {
    let bench = Bench::new();
    let mut builder = bench.run_in("e", "run-1", 1, &[1.0, 2.0, 3.0]);
    let loss = builder.metric("loss");
    builder.log(loss, [(1.0, 20.0)]);
    bench.send(&mut builder);
    let query = PointsQuery {
        name: Some("loss".to_owned()),
        limit: Some(2),
        ..PointsQuery::default()
    };
    let first = bench
        .service
        .get_points(&bench.me, "run-1", &query)
        .unwrap();
    assert_eq!(first.values, [Number::F64(1.0), Number::F64(20.0)]);
    assert_eq!(first.visible, None);
    let query = PointsQuery {
        cursor: first.next_cursor,
        ..query
    };
    let second = bench
        .service
        .get_points(&bench.me, "run-1", &query)
        .unwrap();
    assert_eq!(second.values, [Number::F64(3.0)]);
    assert_eq!(second.next_cursor, None);
    let history = PointsQuery {
        name: Some("loss".to_owned()),
        from_step: Some(1.0),
        to_step: Some(1.0),
        history: Some(true),
        ..PointsQuery::default()
    };
    let page = bench
        .service
        .get_points(&bench.me, "run-1", &history)
        .unwrap();
    assert_eq!(page.values, [Number::F64(2.0), Number::F64(20.0)]);
    assert_eq!(page.visible, Some(vec![false, true]));
    assert_eq!(page.generations, Some(vec![0, 0]));
}

#[test]
fn the_best_run_follows_the_goal_and_the_older_wins_among_equals() {
    let bench = Bench::new();
    let mut first = bench.run_in("e", "run-1", 1, &[3.0, 1.0]);
    bench.run_in("e", "run-2", 2, &[1.0, 9.0]);
    bench.run_in("e", "run-3", 3, &[f64::NAN]);
    bench.run_in("other", "run-4", 4, &[0.0]);
    let mut query = BestQuery {
        experiment: Some("e".to_owned()),
        metric: Some("loss".to_owned()),
        ..BestQuery::default()
    };
    let error = bench.service.best_run(&bench.me, &query).unwrap_err();
    assert!(error.message.contains("no goal"), "{error}");
    define_goal(&mut first, "loss", Goal::Min);
    bench.send(&mut first);
    let best = bench.service.best_run(&bench.me, &query).unwrap();
    assert_eq!(best.run.id.as_str(), "run-1");
    assert_eq!(best.value, Number::F64(1.0));
    assert_eq!(best.step.get(), 1.0);
    assert_eq!(best.runs_compared, 2);
    query.goal = Some(Goal::Max);
    let best = bench.service.best_run(&bench.me, &query).unwrap();
    assert_eq!(
        (best.run.id.as_str(), best.value),
        ("run-2", Number::F64(9.0))
    );
    query.metric = Some("nothing".to_owned());
    let error = bench.service.best_run(&bench.me, &query).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    query.experiment = Some("E".to_owned());
    let error = bench.service.best_run(&bench.me, &query).unwrap_err();
    assert!(error.message.contains("no experiment `E`"), "{error}");
}

#[test]
fn contexts_are_never_mixed_into_one_best_value() {
    let bench = Bench::new();
    let mut builder = bench.run_in("e", "run-1", 1, &[5.0]);
    for (subset, value) in [("train", 0.1), ("val", 0.4)] {
        let number = builder.series(&key_in("err", "subset", subset), ValueType::F64, false);
        builder.log(number, [(0.0, value)]);
    }
    define_goal(&mut builder, "err", Goal::Min);
    bench.send(&mut builder);
    let mut query = BestQuery {
        experiment: Some("e".to_owned()),
        metric: Some("err".to_owned()),
        ..BestQuery::default()
    };
    let error = bench.service.best_run(&bench.me, &query).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("several contexts"), "{error}");
    query.context = Some(r#"{ "subset": "val" }"#.to_owned());
    let best = bench.service.best_run(&bench.me, &query).unwrap();
    assert_eq!(best.value, Number::F64(0.4));
}

#[test]
fn the_handshake_names_the_store_and_its_limits() {
    let bench = Bench::new();
    let description = bench.service.describe(&bench.me).unwrap();
    assert_eq!(description.store_id, "01".repeat(16));
    assert_eq!(description.incarnation, "02".repeat(16));
    assert_eq!(description.frame_versions, [1]);
    assert!(description.time_micros.as_micros() > TEST_EPOCH_MICROS);
}

#[test]
fn experiments_are_listed_with_their_runs() {
    let bench = Bench::new();
    bench.run_in("b", "run-1", 1, &[1.0]);
    bench.run_in("a", "run-2", 2, &[1.0]);
    bench.run_in("a", "run-3", 3, &[1.0]);
    let list = bench.service.list_experiments(&bench.me).unwrap();
    let names: Vec<_> = list
        .experiments
        .iter()
        .map(|item| (item.name.as_str(), item.runs))
        .filter(|(name, _)| *name != "default")
        .collect();
    assert_eq!(names, [("a", 2), ("b", 1)]);
}

#[test]
fn scalars_come_out_with_their_types() {
    use runstone_model::ScalarValue;
    let bench = Bench::new();
    let mut builder = FrameBuilder::creator("run-1", 1);
    let values = [
        ("a", ScalarValue::Bool(true), "true"),
        ("b", ScalarValue::I64(i64::MAX), "9223372036854775807"),
        ("c", ScalarValue::F64(1.0), "1.0"),
        ("d", ScalarValue::F64(f64::NAN), "\"NaN\""),
        ("e", ScalarValue::F64(f64::NEG_INFINITY), "\"-Infinity\""),
        ("f", ScalarValue::String("1".to_owned()), "\"1\""),
    ];
    for (name, value, _) in &values {
        builder.push(OperationKind::SetScalar(runstone_wire::SetScalar {
            name: metric_name(name),
            value: value.clone(),
            time: Timestamp::from_micros(TEST_EPOCH_MICROS),
        }));
    }
    assert_eq!(bench.send(&mut builder).refusals, []);
    let run = bench.service.get_run(&bench.me, "run-1").unwrap();
    let found: Vec<(String, String)> = run
        .scalars
        .iter()
        .map(|scalar| (scalar.name.clone(), scalar.value.to_string()))
        .collect();
    let wanted = values.map(|(name, _, json)| (name.to_owned(), json.to_owned()));
    assert_eq!(found, wanted);
}
