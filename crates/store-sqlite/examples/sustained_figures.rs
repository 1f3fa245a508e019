//! A steady rate of points for a long time, with the default bounds: what is unfolded, the log, memory
//! and the times of acknowledgements stay within them.
//!
//! `cargo run --release -p runstone-store-sqlite --example sustained_figures [SECONDS [POINTS_A_SECOND]]`.
//! Eight runs of 100 series; the frames of 100 steps are made in the same process while it goes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use runstone_store::{Store, StoreError};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};

mod makers;

use makers::{cpu_seconds, makers, resident_bytes};

const CONNECTIONS: u32 = 8;
const SERIES: u32 = 100;
const STEPS: u64 = 100;
const FRAME_POINTS: u64 = SERIES as u64 * STEPS;

/// The most that was seen.
#[derive(Default)]
struct Peak {
    unfolded_points: u64,
    log_bytes: u64,
    resident_bytes: u64,
}

fn main() {
    let argument = |at: usize, default: u64| {
        std::env::args()
            .nth(at)
            .map_or(default, |text| text.parse().unwrap())
    };
    let (seconds, rate) = (argument(1, 60), argument(2, 1_000_000));
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
    let makers = makers(&store, CONNECTIONS, SERIES);
    let frames = seconds * rate / FRAME_POINTS / u64::from(CONNECTIONS);
    let between =
        Duration::from_secs_f64((FRAME_POINTS * u64::from(CONNECTIONS)) as f64 / rate as f64);
    let is_over = AtomicBool::new(false);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let (mut latencies, peak) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(&store, &is_over));
        let threads: Vec<_> = (0..)
            .zip(makers)
            .map(|(index, mut maker)| {
                let (store, first) = (&store, start + between * index / CONNECTIONS);
                scope.spawn(move || {
                    let frames = (0..frames).map(|frame| {
                        let made = maker.points(STEPS);
                        let due = first + between.mul_f64(frame as f64);
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        acknowledge(store, &made)
                    });
                    frames.collect::<Vec<Duration>>()
                })
            })
            .collect();
        let of_threads = threads.into_iter().map(|thread| thread.join().unwrap());
        let latencies: Vec<Duration> = of_threads.flatten().collect();
        is_over.store(true, Ordering::Relaxed);
        (latencies, watch.join().unwrap())
    });
    let elapsed = start.elapsed();
    latencies.sort();
    let points = latencies.len() as u64 * FRAME_POINTS;
    let share = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize];
    println!(
        "{points} points in {:.0} s, {:.2} M points/s; acknowledged p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}",
        elapsed.as_secs_f64(),
        points as f64 / elapsed.as_secs_f64() / 1e6,
        share(0.5),
        share(0.99),
        share(0.999),
        share(1.0)
    );
    println!(
        "at most {} points unfolded, {} MB of log, {} MB resident; {:.3} us CPU a point, making the frames included",
        peak.unfolded_points,
        peak.log_bytes >> 20,
        peak.resident_bytes >> 20,
        (cpu_seconds() - cpu) * 1e6 / points as f64
    );
    store.close().unwrap();
}

/// Sends a frame until it is taken, as a client does.
fn acknowledge(store: &SqliteStore, frame: &runstone_store::AppendFrame) -> Duration {
    let start = Instant::now();
    loop {
        match store.append(frame.clone()) {
            Ok(_) => return start.elapsed(),
            Err(StoreError::Overloaded { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn watch(store: &SqliteStore, is_over: &AtomicBool) -> Peak {
    let mut peak = Peak::default();
    while !is_over.load(Ordering::Relaxed) {
        let stats = store.stats().unwrap();
        peak.unfolded_points = peak.unfolded_points.max(stats.unfolded_points);
        peak.log_bytes = peak.log_bytes.max(stats.log_bytes);
        peak.resident_bytes = peak.resident_bytes.max(resident_bytes());
        std::thread::sleep(Duration::from_millis(20));
    }
    peak
}
