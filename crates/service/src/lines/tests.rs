//! Lines over the in-memory engine and over the embedded one: the same questions to both.

use std::sync::Arc;

use bytes::Bytes;
use runstone_model::{Goal, Principal, StoreIdentity, Timestamp, ValueType};
use runstone_store::conformance::testing::{
    FrameBuilder, Sample, TEST_EPOCH_MICROS, key, key_in, metric_name,
};
use runstone_store::memory::MemoryStore;
use runstone_store::{PointValue, Store};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};
use runstone_wire::{DefineMetric, OperationKind};
use serde_json::json;

use crate::api::{LINES_PIXELS_MAX, LINES_SERIES_MAX, Lines, LinesRequest};
use crate::{ErrorKind, Service, ServiceError};

/// The same frames in both engines; the embedded one is folded between frames.
struct Bench {
    services: Vec<Service>,
    me: Principal,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let options = SqliteOptions {
            background: false,
            ..SqliteOptions::default()
        };
        let identity = StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        };
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new(identity));
        let embedded: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path(), options).unwrap());
        let clock = Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS + 60_000_000));
        Self {
            services: [memory, embedded]
                .into_iter()
                .map(|store| Service::new(store, clock.clone()))
                .collect(),
            me: Principal::local(),
            _folder: folder,
        }
    }

    fn send(&self, builder: &mut FrameBuilder) {
        let frame = Bytes::from(builder.frame().frame.encode());
        for service in &self.services {
            let answer = service.ingest_frame(&self.me, &frame).unwrap();
            assert_eq!(answer.refusals, []);
        }
    }

    fn fold(&self) {
        for service in &self.services {
            service.store().fold(true).unwrap();
        }
    }

    /// The answer of each engine.
    fn read_each(&self, request: &serde_json::Value) -> Vec<Lines> {
        let request: LinesRequest = serde_json::from_value(request.clone()).unwrap();
        self.services
            .iter()
            .map(|service| service.read_lines(&self.me, &request).unwrap())
            .collect()
    }

    /// The answer of both engines, as JSON; they agree.
    fn read(&self, request: &serde_json::Value) -> serde_json::Value {
        let answers = self.read_each(request);
        let texts: Vec<serde_json::Value> = answers
            .iter()
            .map(|answer| serde_json::to_value(answer).unwrap())
            .collect();
        assert_eq!(texts[0], texts[1], "the engines differ");
        texts[0].clone()
    }

    fn refused(&self, request: &serde_json::Value) -> ServiceError {
        let request: LinesRequest = serde_json::from_value(request.clone()).unwrap();
        self.services[1].read_lines(&self.me, &request).unwrap_err()
    }
}

fn address(run: &str, name: &str) -> serde_json::Value {
    json!({"run": run, "name": name})
}

fn ask(series: &[serde_json::Value], x: serde_json::Value) -> serde_json::Value {
    json!({"series": series, "pixels": 100, "x": x})
}

fn sample(step: f64, later_micros: i64, value: f64, epoch: Option<f64>) -> Sample {
    Sample {
        step,
        time: TEST_EPOCH_MICROS + later_micros,
        value: PointValue::F64(value),
        epoch,
    }
}

#[test]
fn each_kind_of_x_draws_the_points_that_have_one() {
    let bench = Bench::new();
    let mut builder = FrameBuilder::creator("run-1", 1);
    let loss = builder.metric("loss");
    let lr = builder.metric("lr");
    builder.log_samples(&[
        (
            loss,
            vec![
                sample(0.0, 0, 9.0, Some(0.5)),
                sample(1.0, 2_500_000, f64::NAN, None),
                // The clock was set back.
                sample(2.0, 1_500_000, 7.0, Some(1.0)),
                sample(2.5, 9_000_000, f64::INFINITY, Some(1.5)),
            ],
        ),
        (
            lr,
            vec![
                sample(0.0, 0, 0.5, None),
                sample(2.0, 0, 0.25, None),
                sample(2.5, 0, f64::NAN, None),
            ],
        ),
    ]);
    bench.send(&mut builder);
    let loss = [address("run-1", "loss")];
    for folded in [false, true] {
        if folded {
            bench.fold();
        }
        let line = |x: serde_json::Value| bench.read(&ask(&loss, x))["lines"][0].clone();
        let by_step = line(json!({"kind": "step"}));
        assert_eq!(by_step["x"], json!([0, 1, 2, 2.5]));
        assert_eq!(by_step["y"], json!([9.0, "NaN", 7.0, "Infinity"]));
        assert_eq!(by_step.get("steps"), None);
        assert_eq!(by_step["points"], 4);
        assert_eq!(by_step["exact"], true);
        assert_eq!(by_step["value_type"], "f64");
        assert_eq!(by_step.get("error"), None);
        let by_time = line(json!({"kind": "time"}));
        let micros = |later: i64| TEST_EPOCH_MICROS + later;
        assert_eq!(
            by_time["x"],
            json!([
                micros(0),
                micros(1_500_000),
                micros(2_500_000),
                micros(9_000_000)
            ])
        );
        assert_eq!(by_time["steps"], json!([0, 2, 1, 2.5]));
        assert_eq!(by_time["y"], json!([9.0, 7.0, "NaN", "Infinity"]));
        let relative = line(json!({"kind": "relative_time"}));
        assert_eq!(relative["x"], json!([0.0, 1.5, 2.5, 9.0]));
        let by_epoch = line(json!({"kind": "epoch"}));
        assert_eq!(by_epoch["x"], json!([0.5, 1.0, 1.5]));
        assert_eq!(by_epoch["points"], 3);
        let by_rate = line(json!({"kind": "metric", "name": "lr"}));
        assert_eq!(by_rate["x"], json!([0.25, 0.5]));
        assert_eq!(by_rate["y"], json!([7.0, 9.0]));
        assert_eq!(by_rate["steps"], json!([2, 0]));
    }
}

#[test]
fn one_bad_series_says_why_and_its_neighbours_are_drawn() {
    let bench = Bench::new();
    let mut builder = FrameBuilder::creator("run-1", 1);
    let loss = builder.series(&key("loss"), ValueType::I64, false);
    let train = builder.series(&key_in("loss", "subset", "train"), ValueType::F64, false);
    builder.push(OperationKind::DefineMetric(DefineMetric {
        name: metric_name("loss"),
        goal: Some(Goal::Min),
        unit: None,
        default_x: None,
    }));
    builder.log_samples(&[(loss, vec![Sample::integer(1.0, i64::MAX)])]);
    builder.log(train, [(1.0, 0.5)]);
    bench.send(&mut builder);
    bench.send(&mut FrameBuilder::creator("run-12", 2));
    let series = [
        json!({"run": "run-1", "name": "loss", "context": {"subset": "train"}}),
        address("run-9", "loss"),
        address("run-1", "accuracy"),
        address("run-1", ""),
        json!({"run": "run-1", "name": "loss", "context": {"a": {"b": {"c": {"d": {"e": 1}}}}}}),
        address("no/run", "loss"),
        json!({"run": "run-1", "name": "loss", "context": "train"}),
        json!({"run": "run-1", "name": "loss", "context": [null, null]}),
        address("run-1", "loss"),
        address("run-1", "loss"),
    ];
    let answer = bench.read(&ask(&series, json!({"kind": "step"})));
    let lines = answer["lines"].as_array().unwrap();
    assert_eq!(lines.len(), series.len());
    assert_eq!(lines[0]["y"], json!([0.5]));
    assert_eq!(lines[0]["context"], json!({"subset": "train"}));
    let kinds: Vec<_> = (1..8)
        .map(|index| lines[index]["error"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "not_found",
            "not_found",
            "invalid",
            "invalid",
            "not_found",
            "invalid",
            "invalid"
        ]
    );
    for line in &lines[1..8] {
        assert_eq!(line["x"], json!([]));
        assert!(line["context"].is_object(), "{line}");
        assert_eq!(line["value_type"], json!(null));
        assert!(line["error"]["hint"].is_string(), "{line}");
    }
    assert_eq!(lines[1]["run"], "run-9");
    for line in &lines[8..] {
        assert_eq!(line["y"], json!([i64::MAX]), "integers keep all digits");
        assert_eq!(line["goal"], "min");
    }
    let no_x = json!({"kind": "metric", "name": "lr"});
    let answer = bench.read(&ask(&series[..1], no_x));
    assert_eq!(answer["lines"][0]["error"]["kind"], "not_found");
}

#[test]
fn what_concerns_the_whole_request_refuses_it() {
    let bench = Bench::new();
    bench.send(&mut FrameBuilder::creator("run-1", 1));
    let one = [address("run-1", "loss")];
    let step = json!({"kind": "step"});
    for (request, word) in [
        (ask(&[], step.clone()), "0 series"),
        (
            ask(&vec![one[0].clone(); LINES_SERIES_MAX + 1], step.clone()),
            "1001 series",
        ),
        (json!({"series": one, "pixels": 0}), "pixels 0"),
        (
            json!({"series": one, "pixels": LINES_PIXELS_MAX + 1}),
            "pixels 16385",
        ),
        (
            json!({"series": one, "pixels": 10, "from": 2.0, "to": 1.0}),
            "from 2 is past to 1",
        ),
        (
            ask(&one, json!({"kind": "metric", "name": ""})),
            "metric name",
        ),
    ] {
        let error = bench.refused(&request);
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains(word), "{}", error.message);
    }
}

/// Steps 0 to 29,999 of a wave, with a spike and a gap, in folded chunks.
fn long_run(bench: &Bench) -> FrameBuilder {
    let mut builder = FrameBuilder::creator("run-1", 1);
    let loss = builder.metric("loss");
    for first in (0..30_000).step_by(10_000) {
        builder.log(
            loss,
            (first..first + 10_000).map(|step| {
                let value = match step {
                    12_345 => 1e6,
                    23_456 => f64::NAN,
                    _ => f64::from(step).sin(),
                };
                (f64::from(step), value)
            }),
        );
        bench.send(&mut builder);
    }
    bench.fold();
    builder
}

#[test]
fn a_spike_and_a_gap_of_a_long_series_are_drawn_and_a_window_is_exact() {
    let bench = Bench::new();
    let mut builder = long_run(&bench);
    for hidden in [false, true] {
        if hidden {
            // Shows again what lies from 20,000 on, and removes one step.
            let loss = builder.rewind(20_000.0).metric("loss");
            bench.send(&mut builder);
            builder.log(
                loss,
                (20_000..30_000).map(|step| (f64::from(step), f64::NAN)),
            );
            bench.send(&mut builder);
            builder.remove(None, Some(5.0));
            bench.send(&mut builder);
        }
        for x in ["step", "time", "relative_time"] {
            let request =
                json!({"series": [address("run-1", "loss")], "pixels": 20, "x": {"kind": x}});
            for answer in bench.read_each(&request) {
                let line = &answer.lines[0];
                let count = if hidden { 29_999 } else { 30_000 };
                assert_eq!((line.head.points, line.head.exact), (count, false));
                assert!(line.x.len() <= 7 * 20);
                assert_eq!(line.x.len(), line.y.len());
                let spike = line.y.iter().position(|y| y.as_f64() == 1e6);
                let gap = line.y.iter().position(|y| y.as_f64().is_nan());
                let step = |at: Option<usize>| match &line.steps {
                    Some(steps) => steps[at.unwrap()].get(),
                    None => line.x[at.unwrap()].as_f64(),
                };
                assert_eq!(step(spike), 12_345.0);
                assert_eq!(step(gap), if hidden { 20_000.0 } else { 23_456.0 });
                assert_eq!(step(Some(0)), 0.0);
                assert_eq!(step(Some(line.x.len() - 1)), 29_999.0);
            }
        }
        let window = json!({"series": [address("run-1", "loss")], "pixels": 100, "from": 12_300, "to": 12_400});
        let answer = bench.read(&window);
        let line = &answer["lines"][0];
        assert_eq!(
            (line["points"].clone(), line["exact"].clone()),
            (json!(101), json!(true))
        );
        assert_eq!(line["x"][0], 12_299);
        assert_eq!(line["x"][102], 12_401);
        assert_eq!(line["y"][46], 1e6);
    }
}

#[test]
fn a_logarithmic_x_leaves_out_what_is_not_above_zero() {
    let bench = Bench::new();
    long_run(&bench);
    let request =
        json!({"series": [address("run-1", "loss")], "pixels": 50, "log_x": true, "from": 0.0});
    for answer in bench.read_each(&request) {
        let line = &answer.lines[0];
        assert_eq!(line.head.points, 29_999);
        assert_eq!(line.x[0].as_f64(), 1.0);
        assert!(line.y.iter().any(|y| y.as_f64() == 1e6));
        let below_ten = line.x.iter().filter(|x| x.as_f64() < 10.0).count();
        assert!(below_ten >= 8, "a decade has its pixels: {below_ten}");
    }
}
