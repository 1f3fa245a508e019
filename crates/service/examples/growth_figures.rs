//! How cost grows with what a store holds: points of a run, series, runs, each at 1, 10 and 100 times.
//!
//! `cargo run --release -p runstone-service --example growth_figures [AXIS [LARGEST [FOLDER]]]`. AXIS is
//! `points` (one run of 10 metrics, so many points a metric), `series` (runs of 1,500 metrics with 2
//! points), `runs` (runs of 10 metrics with 10 points and 30 params) or `all`; sizes past LARGEST are left
//! out, and those past the default are measured only if LARGEST names them. A store grows from size to
//! size: what adding and folding cost is measured over the last stretch, at that size. Nothing is made
//! before it is needed, so memory stays bounded.
//!
//! For each size one line of JSON follows the text; benches/growth.py draws them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runstone_model::{
    Context, MetricName, ParamValue, Principal, SeriesKey, Timestamp, ValueType, WriterId,
};
use runstone_service::api::{
    Column, LineX, LinesRequest, MetricValue, SERIES_PAGE_MAX, SeriesAddress, SeriesQuery, Sort,
    TableRequest,
};
use runstone_service::{Service, Store};
use runstone_store::AppendFrame;
use runstone_store::conformance::testing::{
    FrameBuilder, Sample, TEST_EPOCH_MICROS, open_run, setting,
};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};
use runstone_wire::{DefineSeries, OpenMode, OperationKind};

const PIXELS: usize = 1_000;
/// Rounds of a question that takes little; one that takes long is asked less often.
const ROUNDS: u32 = 11;
/// Questions are asked no longer than this, three times at least.
const PATIENCE: Duration = Duration::from_secs(3);
/// Writers that append at the same time.
const CONNECTIONS: u64 = 32;
/// Frames of so many points are made, then appended.
const BATCH_POINTS: u64 = 400_000;
/// Past so many unfolded points they are folded.
const UNFOLDED_POINTS_MAX: u64 = 2_000_000;
/// Points of one series in a frame at most.
const FRAME_STEPS: u64 = 1_000;
/// The metric that every run has.
const COMMON: &str = "loss";
/// Past so much memory or disk the measurement stops.
const RESIDENT_BYTES_MAX: u64 = 16 << 30;
const FILE_BYTES_MAX: u64 = 40 << 30;

/// What grows.
#[derive(Clone, Copy, PartialEq)]
enum Axis {
    Points,
    Series { names: u64 },
    Runs,
}

impl Axis {
    fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Series { .. } => "series",
            Self::Runs => "runs",
        }
    }

    /// Sizes in the order of growth; the last of them is measured only when asked for.
    fn sizes(self) -> [u64; 4] {
        match self {
            Self::Points => [10_000, 100_000, 1_000_000, 10_000_000],
            Self::Series { .. } => [15_000, 150_000, 1_500_000, 15_000_000],
            Self::Runs => [100, 1_000, 10_000, 100_000],
        }
    }

    fn shape(self, size: u64) -> Shape {
        match self {
            Self::Points => Shape::new(1, 10, size),
            Self::Series { .. } => Shape::new(size / 1_500, 1_500, 2),
            Self::Runs => Shape::new(size, 10, 10),
        }
    }

    fn params(self) -> u64 {
        if self == Self::Runs { 30 } else { 1 }
    }

    /// The name of a metric of a run: the first is common to all runs, the others are drawn from
    /// all names, one from each of as many parts.
    fn metric(self, run: u64, metric: u64) -> String {
        match self {
            _ if metric == 0 => COMMON.to_owned(),
            Self::Series { names } if names > 1_500 => {
                let part = names / 1_500;
                format!(
                    "layer.{:06}/norm",
                    metric * part + mix(run * 1_500 + metric) % part
                )
            }
            _ => format!("layer.{metric:06}/norm"),
        }
    }
}

/// How much a store holds.
#[derive(Clone, Copy)]
struct Shape {
    runs: u64,
    metrics: u64,
    steps: u64,
}

impl Shape {
    fn new(runs: u64, metrics: u64, steps: u64) -> Self {
        Self {
            runs,
            metrics,
            steps,
        }
    }

    fn series(self) -> u64 {
        self.runs * self.metrics
    }

    fn points(self) -> u64 {
        self.series() * self.steps
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().unwrap_or_else(|| "all".to_owned());
    let largest: Option<u64> = arguments.next().map(|text| text.parse().unwrap());
    let root = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let root = root.join(format!("runstone-growth-{}", std::process::id()));
    let axes = [
        Axis::Points,
        Axis::Runs,
        Axis::Series { names: 1_500 },
        Axis::Series { names: 100_000 },
    ];
    for axis in axes {
        if wanted == "all" || wanted == axis.name() {
            let sizes = axis.sizes();
            let largest = largest.unwrap_or(sizes[2]);
            let sizes: Vec<u64> = sizes.into_iter().filter(|size| *size <= largest).collect();
            Growth::new(axis, root.join("store")).measure(&sizes);
            let _ = std::fs::remove_dir_all(&root);
        }
    }
}

/// A store that grows.
struct Growth {
    axis: Axis,
    folder: PathBuf,
    /// The writer of the one run, where points grow.
    writer: Option<FrameBuilder>,
}

/// What adding took.
#[derive(Default)]
struct Added {
    append: Duration,
    append_cpu: f64,
    fold: Duration,
}

impl Growth {
    fn new(axis: Axis, folder: PathBuf) -> Self {
        let _ = std::fs::remove_dir_all(&folder);
        let writer = (axis == Axis::Points).then(|| opened(axis, 0, 10));
        Self {
            axis,
            folder,
            writer,
        }
    }

    fn measure(&mut self, sizes: &[u64]) {
        let mut before = Shape::new(0, 0, 0);
        for size in sizes {
            let shape = self.axis.shape(*size);
            let store = open(&self.folder);
            let added = self.add(&store, before, shape);
            let space = store.read_space().unwrap();
            let bytes = space.database_bytes - space.reusable_bytes;
            store.close().unwrap();
            drop(store);
            self.print(*size, shape, before, &added, bytes);
            before = shape;
            assert!(bytes < FILE_BYTES_MAX, "{bytes} bytes on disk");
        }
    }

    /// Appends and folds, a batch at a time.
    fn add(&mut self, store: &SqliteStore, before: Shape, shape: Shape) -> Added {
        let mut added = Added::default();
        let mut next = match self.axis {
            Axis::Points => before.steps,
            _ => before.runs,
        };
        let mut unfolded = 0;
        loop {
            let (batch, points) = self.batch(&mut next, shape);
            if points == 0 || unfolded > UNFOLDED_POINTS_MAX {
                let (took, _) = timed(|| store.fold(true).unwrap());
                added.fold += took;
                unfolded = 0;
                assert!(
                    resident_bytes() < RESIDENT_BYTES_MAX,
                    "memory is not bounded"
                );
            }
            if points == 0 {
                return added;
            }
            let cpu = cpu_seconds();
            added.append += timed(|| append_all(store, batch)).0;
            added.append_cpu += cpu_seconds() - cpu;
            unfolded += points;
        }
    }

    /// Frames for each connection, and how many points they hold.
    fn batch(&mut self, next: &mut u64, shape: Shape) -> (Vec<Vec<AppendFrame>>, u64) {
        let mut batch: Vec<Vec<AppendFrame>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
        let mut points = 0;
        if let Some(writer) = &mut self.writer {
            while *next < shape.steps && points < BATCH_POINTS {
                let steps = FRAME_STEPS.min(shape.steps - *next);
                log(writer, 0, shape.metrics, *next, steps);
                batch[0].push(writer.frame());
                *next += steps;
                points += steps * shape.metrics;
            }
            return (batch, points);
        }
        while *next < shape.runs && points < BATCH_POINTS {
            let mut writer = opened(self.axis, *next, shape.metrics);
            log(&mut writer, *next, shape.metrics, 0, shape.steps);
            let mut frame = writer.frame();
            let mut id = [9; 16];
            id[..8].copy_from_slice(&next.to_le_bytes());
            frame.frame.writer = WriterId::new(id);
            batch[(*next % CONNECTIONS) as usize].push(frame);
            *next += 1;
            points += shape.metrics * shape.steps;
        }
        (batch, points)
    }

    fn print(&self, size: u64, shape: Shape, before: Shape, added: &Added, bytes: u64) {
        let points = shape.points() - before.points();
        let series = match self.axis {
            Axis::Points => shape.series(),
            _ => shape.series() - before.series(),
        };
        let append = added.append.as_secs_f64();
        let names = match self.axis {
            Axis::Series { names } => names,
            _ => shape.metrics,
        };
        println!(
            "{} {size}: {} runs of {} metrics of {} points, {names} names",
            self.axis.name(),
            shape.runs,
            shape.metrics,
            shape.steps
        );
        println!(
            "  append {:.0} points/s, {:.0} series/s, {:.3} us CPU a point; fold {:.0} points/s, {:.0} series/s",
            points as f64 / append,
            series as f64 / append,
            added.append_cpu * 1e6 / points as f64,
            points as f64 / added.fold.as_secs_f64(),
            series as f64 / added.fold.as_secs_f64(),
        );
        println!(
            "  {:.1} MB, {:.2} bytes a point, {:.0} a series",
            bytes as f64 / 1e6,
            bytes as f64 / shape.points() as f64,
            bytes as f64 / shape.series() as f64
        );
        let (opening, answers) = self.ask_all(shape);
        let mut queries = serde_json::Map::new();
        println!("  open {:.1} ms", millis(opening));
        for answer in answers {
            println!(
                "  {}: first {:.1} ms, warm {:.2} ms",
                answer.what,
                millis(answer.first),
                millis(answer.warm)
            );
            queries.insert(
                answer.name.to_owned(),
                serde_json::json!({"first": millis(answer.first), "warm": millis(answer.warm)}),
            );
        }
        println!("  {} MB resident", resident_bytes() >> 20);
        println!(
            "{}",
            serde_json::json!({
                "axis": self.axis.name(),
                "names": names,
                "size": size,
                "runs": shape.runs,
                "series": shape.series(),
                "points": shape.points(),
                "append_points_per_second": points as f64 / append,
                "append_series_per_second": series as f64 / append,
                "append_cpu_micros_per_point": added.append_cpu * 1e6 / points as f64,
                "fold_points_per_second": points as f64 / added.fold.as_secs_f64(),
                "fold_series_per_second": series as f64 / added.fold.as_secs_f64(),
                "bytes": bytes,
                "bytes_per_point": bytes as f64 / shape.points() as f64,
                "bytes_per_series": bytes as f64 / shape.series() as f64,
                "open_millis": millis(opening),
                "queries": queries,
                "resident_bytes": resident_bytes(),
            })
        );
    }

    /// Every question, the first time of a store that was just opened, then again and again, each
    /// time of another run where there are more.
    fn ask_all(&self, shape: Shape) -> (Duration, Vec<Answer>) {
        let axis = self.axis;
        let one = |round: u64| mix(round) % shape.runs;
        let addresses = |run: u64, metrics: u64| -> Vec<SeriesAddress> {
            (0..metrics)
                .map(|metric| address(run, &axis.metric(run, metric)))
                .collect()
        };
        let mut answers = Vec::new();
        let mut openings = Vec::new();
        let mut ask = |name: &'static str, what: String, work: &dyn Fn(&Asked, u64)| {
            let (opening, answer) = self.ask(name, what, work);
            openings.push(opening);
            answers.push(answer);
        };
        ask(
            "table",
            "table page sorted by a metric".to_owned(),
            &|asked, _| {
                let page = asked.service.table(&asked.me, &table_request()).unwrap();
                assert_eq!(page.matching, shape.runs);
            },
        );
        ask(
            "table_changed",
            "the same after a change".to_owned(),
            &|asked, round| {
                if round > 0 {
                    asked.change(round);
                }
                let asking = Instant::now();
                asked.service.table(&asked.me, &table_request()).unwrap();
                asked.took.set(Some(asking.elapsed()));
            },
        );
        let many = shape.runs.min(1_000);
        if many > 1 {
            ask(
                "metric_of_runs",
                format!("one metric of {many} runs"),
                &|asked, round| {
                    let series = (0..many)
                        .map(|index| {
                            address((index * shape.runs / many + round) % shape.runs, COMMON)
                        })
                        .collect();
                    asked.draw(series);
                },
            );
        }
        let metrics = shape.metrics.min(300);
        ask(
            "metrics_of_run",
            format!("{metrics} metrics of one run"),
            &|asked, round| asked.draw(addresses(one(round), metrics)),
        );
        ask("line", "one line".to_owned(), &|asked, round| {
            asked.draw(addresses(one(round), 1));
        });
        ask("run", "one run's page".to_owned(), &|asked, round| {
            let id = run_id(one(round));
            asked.service.get_run(&asked.me, &id).unwrap();
            let query = SeriesQuery {
                limit: Some(SERIES_PAGE_MAX),
                ..SeriesQuery::default()
            };
            let page = asked.service.list_series(&asked.me, &id, &query).unwrap();
            assert_eq!(page.series.len() as u64, shape.metrics);
        });
        openings.sort();
        (openings[openings.len() / 2], answers)
    }

    fn ask(
        &self,
        name: &'static str,
        what: String,
        work: &dyn Fn(&Asked, u64),
    ) -> (Duration, Answer) {
        let (opening, store) = timed(|| Arc::new(open(&self.folder)));
        let asked = Asked {
            service: Service::from(Arc::<SqliteStore>::clone(&store) as Arc<dyn Store>),
            me: Principal::local(),
            took: std::cell::Cell::new(None),
        };
        let once = |round: u64| {
            let (whole, ()) = timed(|| work(&asked, round));
            asked.took.take().unwrap_or(whole)
        };
        let first = once(0);
        let asking = Instant::now();
        let mut warm = Vec::new();
        while warm.len() < 3 || (warm.len() < ROUNDS as usize && asking.elapsed() < PATIENCE) {
            warm.push(once(warm.len() as u64 + 1));
        }
        warm.sort();
        drop(asked);
        store.close().unwrap();
        let answer = Answer {
            name,
            what,
            first,
            warm: warm[warm.len() / 2],
        };
        (opening, answer)
    }
}

struct Answer {
    name: &'static str,
    what: String,
    first: Duration,
    warm: Duration,
}

/// A store that is asked.
struct Asked {
    service: Service,
    me: Principal,
    /// Set by a question that takes its time itself.
    took: std::cell::Cell<Option<Duration>>,
}

impl Asked {
    fn draw(&self, series: Vec<SeriesAddress>) {
        let request = LinesRequest {
            series,
            pixels: PIXELS,
            x: LineX::Step,
            log_x: false,
            from: None,
            to: None,
        };
        let drawn = self.service.draw_lines(&self.me, &request).unwrap();
        let is_drawn = |line: &runstone_service::DrawnLine| line.points.points > 0;
        assert!(drawn.lines.iter().all(is_drawn));
    }

    /// A tag of a run: what people change, and no point.
    fn change(&self, round: u64) {
        let mut writer = FrameBuilder::secondary(&run_id(0), 1);
        let mut id = [8; 16];
        id[..8].copy_from_slice(&round.to_le_bytes());
        id[8..].copy_from_slice(&unique().to_le_bytes());
        writer.change_tags(&[&format!("looked-{}", round % 2)], &[]);
        let mut frame = writer.frame();
        frame.frame.writer = WriterId::new(id);
        self.service.store().append(frame).unwrap();
    }
}

fn unique() -> u64 {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// With the clock of the frames, as a server has.
fn open(folder: &Path) -> SqliteStore {
    let options = SqliteOptions {
        background: false,
        unfolded_points_max: u64::MAX,
        clock: Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS)),
        ..SqliteOptions::default()
    };
    SqliteStore::open(folder, options).unwrap()
}

fn append_all(store: &SqliteStore, batch: Vec<Vec<AppendFrame>>) {
    std::thread::scope(|scope| {
        for frames in batch {
            scope.spawn(move || {
                for frame in frames {
                    store.append(frame).unwrap();
                }
            });
        }
    });
}

/// A writer that has opened its run and declared its metrics under 1, 2, 3.
fn opened(axis: Axis, run: u64, metrics: u64) -> FrameBuilder {
    let mut writer = FrameBuilder::new(&run_id(run), 0);
    let mut open = open_run(OpenMode::Create);
    open.created_at = Timestamp::from_micros(TEST_EPOCH_MICROS + run.cast_signed());
    open.config = (0..axis.params())
        .map(|param| {
            let value = ParamValue::F64((mix(run * 64 + param) % 100) as f64 / 100.0);
            let path = match param {
                0 => "lr".to_owned(),
                _ => format!("model.part{}.param{param}", param % 5),
            };
            setting(&path, value, false)
        })
        .collect();
    writer.open(true, open);
    for metric in 0..metrics {
        writer.push(OperationKind::DefineSeries(DefineSeries {
            number: u32::try_from(metric).unwrap() + 1,
            key: SeriesKey::metric(
                MetricName::new(axis.metric(run, metric)).unwrap(),
                Context::empty(),
            ),
            value_type: ValueType::F64,
            auto_step: false,
        }));
    }
    writer
}

/// All metrics at the next steps; values are float32 noise.
fn log(writer: &mut FrameBuilder, run: u64, metrics: u64, first: u64, steps: u64) {
    let series: Vec<(u32, Vec<Sample>)> = (0..metrics)
        .map(|metric| {
            let value = |step: u64| {
                let mixed = mix((run << 40) ^ (metric << 28) ^ step);
                f64::from((mixed % 1_000_003) as f32 / 977.0)
            };
            let samples = (first..first + steps).map(|step| Sample {
                time: TEST_EPOCH_MICROS + (step * 50_000 + mix(step) % 5_000).cast_signed(),
                ..Sample::float(step as f64, value(step))
            });
            (u32::try_from(metric).unwrap() + 1, samples.collect())
        })
        .collect();
    writer.log_samples(&series);
}

fn mix(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

fn run_id(run: u64) -> String {
    format!("run-{run:07}")
}

fn address(run: u64, name: &str) -> SeriesAddress {
    SeriesAddress {
        run: run_id(run),
        name: name.to_owned(),
        context: None,
    }
}

fn table_request() -> TableRequest {
    let metric = |value: MetricValue| Column::Metric {
        name: COMMON.to_owned(),
        context: None,
        value,
    };
    TableRequest {
        columns: vec![
            metric(MetricValue::Last),
            metric(MetricValue::Min),
            Column::Param {
                path: vec!["lr".to_owned()],
            },
        ],
        sort: Some(Sort {
            column: metric(MetricValue::Last),
            descending: false,
        }),
        ..TableRequest::default()
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// CPU of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .map(|text| text.parse::<f64>().unwrap_or(0.0))
        .sum::<f64>()
        / 100.0
}

/// Memory of this process.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1);
    pages
        .and_then(|pages| pages.parse::<u64>().ok())
        .unwrap_or(0)
        * 4096
}
