//! Figures of deletion and space on this machine: how long a deletion takes, how long frames wait
//! while runs are purged and the file is shortened, and what comes back.
//!
//! `cargo run --release -p runstone-store-sqlite --example space_figures [FOLDER]`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it prints, and stops at the first failure"
)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use runstone_model::{RunId, Timestamp, WorkspaceId};
use runstone_store::conformance::testing::FrameBuilder;
use runstone_store::{EditRequest, ReclaimRequest, RunAction, Store};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};

fn main() {
    let folder = std::env::args().nth(1).map_or_else(
        || std::env::temp_dir().join("runstone-space-figures"),
        PathBuf::from,
    );
    let _ = std::fs::remove_dir_all(&folder);
    let store = SqliteStore::open(&folder, SqliteOptions::default()).unwrap();
    let runs = 12;
    for number in 0..runs {
        fill(&store, number, 1_500, 100);
    }
    store.fold(true).unwrap();
    reclaim(&store, false);
    println!("{runs} runs of 1,500 series of 100 points");
    println!("folder: {} bytes", folder_bytes(&folder));
    let mut took = Vec::new();
    for number in (0..runs).step_by(2) {
        let start = Instant::now();
        edit(&store, number, RunAction::Delete);
        took.push(start.elapsed());
    }
    took.sort();
    println!("deletion, commit included: {took:?}");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, is_over) = (&store, &is_over);
        let appends = scope.spawn(move || {
            let mut builder = FrameBuilder::creator("busy", 200);
            let mut took = Vec::new();
            while !is_over.load(Ordering::Acquire) {
                let loss = builder.metric("loss");
                let first = builder.next_slot();
                builder.log(loss, (0..50).map(|index| ((first + index) as f64, 0.5)));
                let frame = builder.frame();
                let start = Instant::now();
                store.append(frame).unwrap();
                took.push(start.elapsed());
            }
            took
        });
        std::thread::sleep(Duration::from_secs(1));
        let start = Instant::now();
        reclaim(store, true);
        println!("purge and vacuum took {:?}", start.elapsed());
        is_over.store(true, Ordering::Release);
        let mut took = appends.join().unwrap();
        took.sort();
        let at = |share: usize| took[(took.len() - 1) * share / 1_000];
        println!(
            "{} appends meanwhile: median {:?}, 99 % {:?}, 99.9 % {:?}, longest {:?}",
            took.len(),
            at(500),
            at(990),
            at(999),
            at(1_000)
        );
    });
    println!("folder: {} bytes", folder_bytes(&folder));
    let start = Instant::now();
    let space = store.read_space().unwrap();
    println!("du of {} runs: {:?}", space.runs.len(), start.elapsed());
    store.close().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}

fn fill(store: &SqliteStore, number: u8, series: u32, points: u32) {
    let mut builder = FrameBuilder::creator(&format!("run-{number}"), number + 1);
    for first in (0..points).step_by(10) {
        for metric in 0..series {
            let id = builder.metric(&format!("metric-{metric}"));
            let noise = |step: u32| f64::from(step * 31 + metric).sin();
            builder.log(
                id,
                (first..first + 10).map(|step| (f64::from(step), noise(step))),
            );
        }
        store.append(builder.frame()).unwrap();
    }
}

fn edit(store: &SqliteStore, number: u8, action: RunAction) {
    let request = EditRequest {
        workspace: WorkspaceId::default(),
        runs: vec![RunId::new(format!("run-{number}")).unwrap()],
        action,
        at: Timestamp::from_micros(1),
    };
    store.edit(&request).unwrap();
}

fn reclaim(store: &SqliteStore, tells: bool) {
    loop {
        let request = ReclaimRequest {
            at: Timestamp::from_micros(2),
            trash_seconds: Some(0),
            longest: Duration::from_secs(5),
        };
        let report = store.reclaim(&request).unwrap();
        if tells {
            println!("{report:?}");
        }
        if report.done {
            return;
        }
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}
