//! What it costs to append and fold points: CPU a point of both, round by round.
//!
//! `cargo run --release -p runstone-store-sqlite --example fold_figures [FOLDER [ROUNDS]]`. Eight
//! connections send 10k-point frames of 100 metrics each. The least of the rounds is what the work
//! costs; the others were disturbed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::path::PathBuf;
use std::sync::Arc;

use runstone_model::Timestamp;
use runstone_store::{AppendFrame, Store};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};

mod makers;

use makers::{EPOCH_MICROS, cpu_seconds, makers};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let root = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let rounds: u32 = arguments.next().map_or(5, |text| text.parse().unwrap());
    let folder = root.join(format!("runstone-fold-figures-{}", std::process::id()));
    let mut least = (f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        let (append, fold) = round(&folder);
        println!(
            "append {append:.3} us, fold {fold:.3} us: {:.2} M points/s on one core",
            1.0 / (append + fold)
        );
        least = (least.0.min(append), least.1.min(fold));
    }
    println!(
        "least: append {:.3} us, fold {:.3} us: {:.2} M points/s on one core",
        least.0,
        least.1,
        1.0 / (least.0 + least.1)
    );
    let _ = std::fs::remove_dir_all(&folder);
}

/// Microseconds of CPU a point of appending and of folding.
fn round(folder: &std::path::Path) -> (f64, f64) {
    let _ = std::fs::remove_dir_all(folder);
    let options = SqliteOptions {
        background: false,
        unfolded_points_max: u64::MAX,
        clock: Arc::new(|| Timestamp::from_micros(EPOCH_MICROS)),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder, options).unwrap();
    let work: Vec<Vec<AppendFrame>> = makers(&store, 8, 100)
        .iter_mut()
        .map(|maker| (0..100).map(|_| maker.points(100)).collect())
        .collect();
    let points = 8.0 * 100.0 * 100.0 * 100.0;
    let start = cpu_seconds();
    std::thread::scope(|scope| {
        for frames in work {
            scope.spawn(|| {
                for frame in frames {
                    store.append(frame).unwrap();
                }
            });
        }
    });
    let appended = cpu_seconds();
    store.fold(true).unwrap();
    let folded = cpu_seconds();
    store.close().unwrap();
    let micros = |seconds: f64| seconds * 1e6 / points;
    (micros(appended - start), micros(folded - appended))
}
