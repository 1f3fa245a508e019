//! Times of the table of runs: 10,000 runs of 20 metrics, five columns, sorted by a metric; and the
//! columns alone, filtered by a param and a metric.
//!
//! `cargo run --release -p runstone-service --example table_figures [RUNS [STEPS [PARAMS]]]`. The first page
//! is asked of a folder that was just opened, the later ones as a live page asks them: again, after
//! a run has logged something. One run in a hundred is not folded.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runstone_model::{ParamPath, ParamValue, Principal, Timestamp};
use runstone_service::api::{Column, ColumnsQuery, MetricValue, Sort, TableRequest};
use runstone_service::{Service, Store};
use runstone_store::conformance::testing::{
    FrameBuilder, TEST_EPOCH_MICROS, experiment_name, open_run, setting, tag_name,
};
use runstone_store::{MetricColumn, RunStand, RunVisit, Snapshot};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};
use runstone_wire::OpenMode;

/// Metrics of each run.
const METRICS: [&str; 20] = [
    "accuracy", "error", "f1", "loss", "lr", "m05", "m06", "m07", "m08", "m09", "m10", "m11",
    "m12", "m13", "m14", "m15", "m16", "m17", "m18", "m19",
];
/// Rows of a page of the columns alone.
const PAGE: usize = 50;

/// How large the runs are.
#[derive(Clone, Copy)]
struct Shape {
    runs: u32,
    steps: u32,
    params: u32,
}

fn main() {
    let argument = |at: usize, default: u32| {
        std::env::args()
            .nth(at)
            .map_or(default, |text| text.parse().unwrap())
    };
    let shape = Shape {
        runs: argument(1, 10_000),
        steps: argument(2, 100),
        params: argument(3, 4),
    };
    let runs = shape.runs;
    let folder = tempfile::tempdir().unwrap();
    let folded = runs - runs / 100;
    let store = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
    add(&store, shape, 0..folded);
    store.fold(true).unwrap();
    store.close().unwrap();
    drop(store);
    columns_alone(folder.path());
    let store = open(folder.path());
    add(&store, shape, folded..runs);
    store.close().unwrap();
    drop(store);

    let store = Arc::new(open(folder.path()));
    let service = Service::from(Arc::<SqliteStore>::clone(&store) as Arc<dyn Store>);
    let me = Principal::local();
    let by_metric = request();
    let (first, page) = timed(|| service.table(&me, &by_metric).unwrap());
    assert_eq!(page.matching, u64::from(runs));
    println!("{runs} runs, 5 columns, sorted by a metric, 200 rows");
    println!("  first page after start: {:.1} ms", millis(first));
    let mut writer = FrameBuilder::secondary("run-0", 1);
    let loss = writer.metric("loss");
    let mut again = Vec::new();
    for step in 0..21 {
        writer.log(loss, [(f64::from(1_000 + step), 0.5)]);
        store.append(writer.frame()).unwrap();
        again.push(timed(|| service.table(&me, &by_metric).unwrap()).0);
    }
    println!("  page after a change: {:.1} ms", median(&mut again));
    let median_of = |asked: &TableRequest| {
        let mut times: Vec<Duration> = (0..11)
            .map(|_| timed(|| service.table(&me, asked).unwrap()).0)
            .collect();
        median(&mut times)
    };
    let mut by_param = by_metric.clone();
    by_param.sort = Some(Sort {
        column: param("lr"),
        descending: false,
    });
    println!("  page sorted by a param: {:.1} ms", median_of(&by_param));
    let newest = TableRequest {
        sort: None,
        ..by_metric.clone()
    };
    println!("  page of the newest: {:.1} ms", median_of(&newest));
    let text = TableRequest {
        text: "digits baseline".to_owned(),
        ..by_metric.clone()
    };
    println!("  page filtered by words: {:.1} ms", median_of(&text));
    let (columns, _) = timed(|| service.columns(&me, &ColumnsQuery::default()).unwrap());
    println!("  columns to choose from: {:.1} ms", millis(columns));
    drop(service);
    store.close().unwrap();
}

/// What a table does beside its runs, which are in memory: two columns, a filter on both, the first
/// page sorted by one.
fn columns_alone(folder: &Path) {
    let (mut cold, mut param_alone) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let store = open(folder);
        let snapshot = store.snapshot().unwrap();
        let stands = stands(&*snapshot);
        let other = ParamPath::parse_dotted("seed").unwrap();
        let param = || snapshot.visit_param_column(&other, &stands, &mut |_, _| {});
        param_alone.push(timed(|| param().unwrap()).0);
        let (time, page) = timed(|| first_page(&*snapshot, &stands));
        assert_eq!(page.len(), PAGE);
        cold.push(time);
        let mut cached: Vec<Duration> = (0..21)
            .map(|_| {
                let (time, again) = timed(|| first_page(&*snapshot, &stands));
                assert_eq!(again, page);
                time
            })
            .collect();
        if cold.len() == 5 {
            println!(
                "a param and a metric of {} runs, filtered, sorted, {PAGE} rows",
                stands.len()
            );
            println!("  columns read from disk: {:.1} ms", median(&mut cold));
            println!(
                "  a column of a param alone: {:.1} ms",
                median(&mut param_alone)
            );
            println!("  columns in memory: {:.1} ms", median(&mut cached));
        }
        drop(snapshot);
        store.close().unwrap();
    }
}

fn stands(snapshot: &dyn Snapshot) -> Vec<RunStand> {
    let mut stands = Vec::new();
    snapshot
        .visit_runs_unsorted(&RunVisit::default(), &mut |run| {
            stands.push(RunStand {
                key: run.key,
                changed: run.changed,
            });
            Ok(())
        })
        .unwrap();
    stands.sort_by_key(|stand| stand.key);
    stands
}

/// Runs with `lr < 0.5` and the last loss below 0.8, by that loss.
fn first_page(snapshot: &dyn Snapshot, stands: &[RunStand]) -> Vec<(u64, usize)> {
    let mut fits = vec![false; stands.len()];
    let path = ParamPath::parse_dotted("lr").unwrap();
    snapshot
        .visit_param_column(&path, stands, &mut |index, value| {
            fits[index] = matches!(value, ParamValue::F64(value) if *value < 0.5);
        })
        .unwrap();
    let column = MetricColumn {
        name: "loss".parse().unwrap(),
        context: None,
    };
    let mut found = Vec::new();
    snapshot
        .visit_metric_column(&column, stands, &mut |index, cell| {
            if fits[index] && cell.last < 0.8 {
                found.push((cell.last.to_bits(), index));
            }
        })
        .unwrap();
    if found.len() > PAGE {
        found.select_nth_unstable(PAGE);
        found.truncate(PAGE);
    }
    found.sort_unstable();
    found
}

fn open(folder: &Path) -> SqliteStore {
    let options = SqliteOptions {
        background: false,
        unfolded_points_max: u64::MAX,
        ..SqliteOptions::default()
    };
    SqliteStore::open(folder, options).unwrap()
}

/// Runs of 20 metrics that have ended.
fn add(store: &SqliteStore, shape: Shape, runs: Range<u32>) {
    std::thread::scope(|scope| {
        for part in 0..8 {
            let own = runs.clone().filter(move |run| run % 8 == part);
            scope.spawn(move || {
                own.for_each(|run| drop(store.append(frame_of(run, shape)).unwrap()));
            });
        }
    });
}

fn frame_of(run: u32, shape: Shape) -> runstone_store::AppendFrame {
    let mut writer = FrameBuilder::new(&format!("run-{run}"), 0);
    let mut open = open_run(OpenMode::Create);
    open.experiment = Some(experiment_name(&format!("digits-{}", run % 10)));
    open.name = Some(format!("sgd-{run}"));
    open.created_at = Timestamp::from_micros(TEST_EPOCH_MICROS + i64::from(run));
    open.tags = vec![tag_name("baseline")];
    open.config = vec![
        setting("lr", ParamValue::F64(f64::from(run % 97) / 100.0), false),
        setting("seed", ParamValue::I64(i64::from(run)), false),
        setting("model.depth", ParamValue::I64(i64::from(run % 7)), false),
        setting("optimizer", ParamValue::from("adam"), false),
    ];
    let more = (4..shape.params).map(|param| {
        let value = ParamValue::F64(f64::from((run * 7 + param) % 1_013));
        setting(&format!("p{param}"), value, false)
    });
    open.config.extend(more);
    writer.open(true, open);
    for (index, name) in (0_u32..).zip(METRICS) {
        let number = writer.metric(name);
        let value = |step: u32| f64::from((run * 31 + index * 7 + step) % 1_009) / 1_009.0;
        writer.log(
            number,
            (0..shape.steps).map(|step| (f64::from(step), value(step))),
        );
    }
    let mut frame = writer.close().frame();
    let mut id = [9; 16];
    id[..4].copy_from_slice(&run.to_le_bytes());
    frame.frame.writer = runstone_model::WriterId::new(id);
    frame
}

fn request() -> TableRequest {
    let metric = |name: &str, value: MetricValue| Column::Metric {
        name: name.to_owned(),
        context: None,
        value,
    };
    TableRequest {
        columns: vec![
            metric("loss", MetricValue::Last),
            metric("accuracy", MetricValue::Max),
            metric("f1", MetricValue::Last),
            param("lr"),
            param("optimizer"),
        ],
        sort: Some(Sort {
            column: metric("loss", MetricValue::Last),
            descending: false,
        }),
        ..TableRequest::default()
    }
}

fn param(path: &str) -> Column {
    Column::Param {
        path: path.split('.').map(str::to_owned).collect(),
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    millis(times[times.len() / 2])
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
