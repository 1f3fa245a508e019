//! Figures of this engine on this machine: appending, folding, both together, reading, sizes.
//!
//! `cargo run --release -p runstone-store-sqlite --example store_figures [FOLDER [SYNC_MILLIS]]`. Frames
//! are made before the clock starts, as a client would make them: packs of 100 series with 100 steps
//! each. With SYNC_MILLIS only what waits for syncs is measured, on a disk whose syncs take so long.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runstone_model::{Timestamp, WorkspaceId};
use runstone_store::{AppendFrame, PointScan, SeriesScan, Store, StoreError};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};

mod makers;
mod slow;

use slow::{FaultyVfs, slow_vfs};

use makers::{EPOCH_MICROS, Maker, cpu_seconds, makers, resident_bytes};

fn main() {
    let folder = std::env::args().nth(1).filter(|folder| !folder.is_empty());
    let root = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let sync_millis = std::env::args().nth(2).map(|text| text.parse().unwrap());
    // Before the stores, so that it is dropped after them.
    let slow = sync_millis.map(|millis| slow_vfs(Duration::from_millis(millis)));
    let vfs = slow.as_ref().map(FaultyVfs::name);
    let root = root.join(format!("runstone-figures-{}", std::process::id()));
    for (name, connections, series, steps, frames) in [
        (
            "1 connection, 10k-point frames of 100 metrics",
            1,
            100,
            100,
            400,
        ),
        (
            "8 connections, 10k-point frames of 100 metrics",
            8,
            100,
            100,
            100,
        ),
        (
            "8 connections, 1k-point frames of 100 metrics",
            8,
            100,
            10,
            400,
        ),
    ] {
        append_then_fold(&root, vfs.clone(), name, connections, series, steps, frames);
    }
    together(&root, vfs.clone());
    commit_alone(&root, vfs);
    if slow.is_none() {
        read_long_series(&root);
        short_series(&root);
    }
    let _ = std::fs::remove_dir_all(&root);
}

/// With the clock of the frames: by another they would seem old, and be folded one by one.
fn options(vfs: Option<String>) -> SqliteOptions {
    SqliteOptions {
        vfs,
        clock: Arc::new(|| Timestamp::from_micros(EPOCH_MICROS)),
        ..SqliteOptions::default()
    }
}

fn open(folder: &Path, background: bool, vfs: Option<String>) -> SqliteStore {
    let _ = std::fs::remove_dir_all(folder);
    let options = SqliteOptions {
        background,
        unfolded_points_max: u64::MAX,
        ..options(vfs)
    };
    SqliteStore::open(folder, options).unwrap()
}

/// Frames of several makers, appended by a thread each; answers latencies.
fn append_all(store: &SqliteStore, work: Vec<Vec<AppendFrame>>) -> (Duration, Vec<Duration>) {
    let start = Instant::now();
    let mut latencies: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = work
            .into_iter()
            .map(|frames| {
                scope.spawn(move || {
                    frames
                        .into_iter()
                        .map(|frame| {
                            let start = Instant::now();
                            append(store, frame);
                            start.elapsed()
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    latencies.sort();
    (start.elapsed(), latencies)
}

/// Waits for room as a client does.
fn append(store: &SqliteStore, frame: AppendFrame) {
    while let Err(error) = store.append(frame.clone()) {
        assert!(matches!(error, StoreError::Overloaded { .. }), "{error}");
    }
}

fn make(makers: &mut [Maker], steps: u64, frames: usize) -> Vec<Vec<AppendFrame>> {
    makers
        .iter_mut()
        .map(|maker| (0..frames).map(|_| maker.points(steps)).collect())
        .collect()
}

fn append_then_fold(
    root: &Path,
    vfs: Option<String>,
    name: &str,
    connections: u32,
    series: u32,
    steps: u64,
    frames: usize,
) {
    let folder = root.join("a");
    let store = open(&folder, false, vfs);
    let mut makers = makers(&store, connections, series);
    let work = make(&mut makers, steps, frames);
    let points = u64::from(connections) * u64::from(series) * steps * frames as u64;
    let cpu = cpu_seconds();
    let (elapsed, latencies) = append_all(&store, work);
    let append_cpu = cpu_seconds() - cpu;
    println!("{name}: {points} points");
    println!(
        "  append {:.1} M points/s, {:.3} us CPU a point, p50 {:?}, p99 {:?}, max {:?}",
        rate(points, elapsed),
        append_cpu * 1e6 / points as f64,
        latencies[latencies.len() / 2],
        latencies[latencies.len() * 99 / 100],
        latencies[latencies.len() - 1]
    );
    let cpu = cpu_seconds();
    let start = Instant::now();
    store.fold(true).unwrap();
    let elapsed = start.elapsed();
    let fold_cpu = cpu_seconds() - cpu;
    println!(
        "  fold {:.1} M points/s, {:.3} us CPU a point; both: {:.1} M points/s on one core",
        rate(points, elapsed),
        fold_cpu * 1e6 / points as f64,
        points as f64 / (append_cpu + fold_cpu) / 1e6
    );
    store.close().unwrap();
    drop(store);
    println!(
        "  {:.2} bytes a point in the file (free pages taken off)",
        file_bytes(&folder) / points as f64
    );
}

/// Appends while the folder and the checkpointer work, with the default bounds.
fn together(root: &Path, vfs: Option<String>) {
    let folder = root.join("b");
    let _ = std::fs::remove_dir_all(&folder);
    let store = SqliteStore::open(&folder, options(vfs)).unwrap();
    let mut makers = makers(&store, 4, 100);
    let work = make(&mut makers, 100, 400);
    let points = 4 * 100 * 100 * 400;
    let cpu = cpu_seconds();
    let (elapsed, latencies) = append_all(&store, work);
    let acknowledged = rate(points, elapsed);
    let stats = store.stats().unwrap();
    store.fold(true).unwrap();
    println!(
        "appended and folded together: {acknowledged:.1} M points/s acknowledged, p50 {:?}, p99 {:?}, max {:?}; \
         {:.3} us CPU a point; {} points unfolded and {} MB of log at the end; {} MB resident",
        latencies[latencies.len() / 2],
        latencies[latencies.len() * 99 / 100],
        latencies[latencies.len() - 1],
        (cpu_seconds() - cpu) * 1e6 / points as f64,
        stats.unfolded_points,
        stats.log_bytes >> 20,
        resident_bytes() >> 20
    );
    store.close().unwrap();
}

fn commit_alone(root: &Path, vfs: Option<String>) {
    let store = open(&root.join("c"), true, vfs);
    let mut makers = makers(&store, 1, 10);
    let work = make(&mut makers, 1, 500);
    let (_, latencies) = append_all(&store, work);
    println!(
        "one small frame at a time: p50 {:?}, p99 {:?}",
        latencies[latencies.len() / 2],
        latencies[latencies.len() * 99 / 100]
    );
    store.close().unwrap();
}

fn read_long_series(root: &Path) {
    let store = open(&root.join("d"), false, None);
    let mut makers = makers(&store, 1, 1);
    let work = make(&mut makers, 10_000, 100);
    append_all(&store, work);
    read_pages(&store, "a series of 1 M points, not folded");
    store.fold(true).unwrap();
    read_pages(&store, "a series of 1 M points, folded");
    store.close().unwrap();
}

fn read_pages(store: &SqliteStore, what: &str) {
    let snapshot = store.snapshot().unwrap();
    let run = snapshot
        .find_run(WorkspaceId::default(), "run-0")
        .unwrap()
        .key;
    let mut scan = PointScan {
        series: Maker::key(1),
        from_step: None,
        to_step: None,
        history: false,
        after: None,
        limit: 10_000,
    };
    let (mut pages, mut points) = (0u32, 0);
    let start = Instant::now();
    loop {
        let page = snapshot.scan_points(run, &scan).unwrap();
        pages += 1;
        points += page.points.len();
        match page.next {
            Some(next) => scan.after = Some(next),
            None => break,
        }
    }
    println!(
        "{what}: {points} points in {pages} pages, {:?} a page",
        start.elapsed() / pages
    );
}

/// Runs of 1,500 series with 20 points each.
fn short_series(root: &Path) {
    let folder = root.join("e");
    let store = open(&folder, false, None);
    let mut makers = makers(&store, 100, 1_500);
    let work = make(&mut makers, 20, 1);
    append_all(&store, work);
    let start = Instant::now();
    let report = store.fold(true).unwrap();
    let series = 100.0 * 1_500.0;
    println!(
        "100 runs of 1,500 series of 20 points: folded {:.0} series/s",
        series / start.elapsed().as_secs_f64()
    );
    let snapshot = store.snapshot().unwrap();
    let run = snapshot
        .find_run(WorkspaceId::default(), "run-7")
        .unwrap()
        .key;
    let start = Instant::now();
    let page = snapshot.scan_series(
        run,
        &SeriesScan {
            limit: 2_000,
            ..SeriesScan::default()
        },
    );
    println!(
        "  {} summaries of one run in {:?}",
        page.unwrap().series.len(),
        start.elapsed()
    );
    drop(snapshot);
    store.close().unwrap();
    drop(store);
    println!(
        "  {:.2} bytes a point in the file",
        file_bytes(&folder) / report.points as f64
    );
}

fn rate(points: u64, elapsed: Duration) -> f64 {
    points as f64 / elapsed.as_secs_f64() / 1e6
}

/// Pages of the database that hold something.
fn file_bytes(folder: &Path) -> f64 {
    let connection = rusqlite::Connection::open(folder.join("runstone.db")).unwrap();
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .unwrap() as f64
    };
    (pragma("page_count") - pragma("freelist_count")) * 4096.0
}
