//! Figures of drawing on this machine: long series and many series at a thousand pixels, each beside
//! reading all points page by page.
//!
//! `cargo run --release -p runstone-service --example line_figures [FOLDER]`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runstone_model::Principal;
use runstone_service::Service;
use runstone_service::api::{LineX, LinesRequest, POINTS_PAGE_MAX, PointsQuery, SeriesAddress};
use runstone_store::Store;
use runstone_store::conformance::testing::FrameBuilder;
use runstone_store_sqlite::{SqliteOptions, SqliteStore};

const PIXELS: usize = 1_000;
const ROUNDS: usize = 41;
const FRAME_POINTS: u64 = 10_000;

struct Bench {
    service: Service,
    me: Principal,
}

fn main() {
    let root = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let root = root.join(format!("runstone-lines-{}", std::process::id()));
    for (name, points) in [("1 M points", 1_000_000), ("10 M points", 10_000_000)] {
        let bench = Bench::open(&root.join(points.to_string()));
        bench.log_long(points, FRAME_POINTS, false);
        bench.long(name, points);
    }
    let bench = Bench::open(&root.join("live"));
    bench.log_long(1_000_000, 256, true);
    bench.long("1 M points, folded as they came", 1_000_000);
    many(&Bench::open(&root.join("many")));
    let _ = std::fs::remove_dir_all(&root);
}

/// A float32 that looks like a loss.
fn value(step: u64) -> f64 {
    let mixed = (step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let noise = (mixed >> 40) as f32 / 16_777_216.0;
    f64::from(1.0 / (1.0 + step as f32 * 1e-4) + noise * 0.1)
}

impl Bench {
    fn open(folder: &std::path::Path) -> Self {
        let options = SqliteOptions {
            background: false,
            unfolded_points_max: u64::MAX,
            ..SqliteOptions::default()
        };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder, options).unwrap());
        Self {
            service: Service::from(store),
            me: Principal::local(),
        }
    }

    fn store(&self) -> &dyn Store {
        &**self.service.store()
    }

    /// One series in one run; folded at the end, or whenever it is due.
    fn log_long(&self, points: u64, frame_points: u64, as_they_come: bool) {
        let mut builder = FrameBuilder::creator("run", 1);
        let loss = builder.metric("loss");
        for first in (0..points).step_by(frame_points as usize) {
            let steps = first..(first + frame_points).min(points);
            builder.log(loss, steps.map(|step| (step as f64, value(step))));
            self.store().append(builder.frame()).unwrap();
            if as_they_come {
                self.store().fold(false).unwrap();
            }
        }
        self.store().fold(true).unwrap();
    }

    fn request(&self, names: &[String]) -> LinesRequest {
        LinesRequest {
            series: names
                .iter()
                .map(|name| SeriesAddress {
                    run: "run".to_owned(),
                    name: name.clone(),
                    context: None,
                })
                .collect(),
            pixels: PIXELS,
            x: LineX::Step,
            log_x: false,
            from: None,
            to: None,
        }
    }

    fn long(&self, name: &str, points: u64) {
        let whole = self.request(&["loss".to_owned()]);
        let drawn = self.service.draw_lines(&self.me, &whole).unwrap();
        let kept = drawn.lines[0].points.x.len();
        assert_eq!(drawn.lines[0].points.points, points);
        let all = measure(1.max(3_000_000 / points as usize), || self.read_all("loss"));
        let took = self.measure(&whole);
        println!(
            "{name} at {PIXELS} pixels: {took} to draw {kept} points; reading all of them {all}, \
             {:.0} times as long",
            all.times(&took)
        );
        for (what, x) in [
            ("by relative time", LineX::RelativeTime),
            ("by time", LineX::Time),
        ] {
            let took = self.measure(&LinesRequest { x, ..whole.clone() });
            println!("  {what}: {took}");
        }
        let middle = points as f64 / 2.0;
        for part in [0.01, 0.1, 0.255] {
            let took = self.measure(&LinesRequest {
                from: Some(middle),
                to: Some(middle + points as f64 * part),
                ..whole.clone()
            });
            println!("  a window of {:.1} %: {took}", part * 100.0);
        }
    }

    fn measure(&self, request: &LinesRequest) -> Took {
        measure(ROUNDS, || {
            std::hint::black_box(self.service.draw_lines(&self.me, request).unwrap());
        })
    }

    /// All points of a series, page by page.
    fn read_all(&self, name: &str) {
        let mut query = PointsQuery {
            name: Some(name.to_owned()),
            limit: Some(POINTS_PAGE_MAX),
            ..PointsQuery::default()
        };
        loop {
            let page = self.service.get_points(&self.me, "run", &query).unwrap();
            query.cursor.clone_from(&page.next_cursor);
            std::hint::black_box(page);
            if query.cursor.is_none() {
                return;
            }
        }
    }
}

/// 100 series of 1,000 points in one run, as a page of charts asks for them.
fn many(bench: &Bench) {
    let names: Vec<String> = (0..100).map(|number| format!("metric-{number}")).collect();
    let mut builder = FrameBuilder::creator("run", 1);
    let numbers: Vec<u32> = names.iter().map(|name| builder.metric(name)).collect();
    for first in (0..1_000u64).step_by(100) {
        for number in &numbers {
            let steps = first..first + 100;
            builder.log(*number, steps.map(|step| (step as f64, value(step))));
        }
        bench.store().append(builder.frame()).unwrap();
    }
    let request = bench.request(&names);
    for state in ["not folded", "folded"] {
        let all = measure(5, || names.iter().for_each(|name| bench.read_all(name)));
        let took = bench.measure(&request);
        println!(
            "100 lines x 1,000 points, {state}: {took} to draw; reading each by itself {all}, \
             {:.1} times as long",
            all.times(&took)
        );
        bench.store().fold(true).unwrap();
    }
}

/// How long something took.
struct Took {
    /// Median of the rounds.
    wall: Duration,
    /// Of this thread, a round.
    cpu_seconds: f64,
}

impl Took {
    /// How often the other fits in, by CPU: other work on the machine counts less there.
    fn times(&self, other: &Self) -> f64 {
        self.cpu_seconds / other.cpu_seconds
    }
}

impl std::fmt::Display for Took {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (wall, cpu) = (self.wall.as_secs_f64() * 1e3, self.cpu_seconds * 1e3);
        write!(formatter, "{wall:.2} ms (CPU {cpu:.2} ms)")
    }
}

fn measure(rounds: usize, mut work: impl FnMut()) -> Took {
    work();
    let cpu = cpu_seconds();
    let mut walls: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    let cpu_seconds = (cpu_seconds() - cpu) / rounds as f64;
    walls.sort();
    Took {
        wall: walls[rounds / 2],
        cpu_seconds,
    }
}

/// CPU of the main thread so far, to the nanosecond.
fn cpu_seconds() -> f64 {
    let schedule = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = schedule.split_whitespace().next();
    nanos
        .and_then(|nanos| nanos.parse::<f64>().ok())
        .unwrap_or(f64::NAN)
        / 1e9
}
