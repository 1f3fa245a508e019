//! The process that is killed, and what it notes.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runstone_model::Timestamp;
use runstone_store::conformance::testing::TEST_EPOCH_MICROS;
use runstone_store::{ReclaimRequest, Store};
use runstone_store_sqlite::{FoldLayout, FoldLimits, SqliteOptions, SqliteStore};

use crate::faults::disk::Random;
use crate::script::Script;

/// Threads of clients.
pub(crate) const THREADS: u8 = 3;
/// Notes of a call.
const STARTED: u8 = b'<';
const DONE: u8 = b'>';
/// Notes of the thread that folds and reclaims.
pub(super) const FOLD: u8 = b'f';
pub(super) const RECLAIM: u8 = b'g';

/// Everything happens often and on few points.
pub(crate) fn options(background: bool) -> SqliteOptions {
    SqliteOptions {
        background,
        fold: FoldLimits {
            frames: 12,
            ..FoldLimits::default()
        },
        layout: FoldLayout {
            pass_points_max: 400,
            window_series: 3,
            pack_points: 64,
            chunk_points_min: 128,
            chunk_points: 256,
            merge_fan_in: 3,
            slice_bytes_max: 1_500,
            striped_runs_min: 1,
            striped_rows_max: 16,
            rest_seconds: 0,
            ..FoldLayout::default()
        },
        log_bytes_max: 512 << 10,
        cache_bytes_max: 1 << 20,
        clock: Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS)),
        ..SqliteOptions::default()
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).expect("started by another test")
}

#[test]
#[ignore = "started by kills_lose_nothing_double_nothing_and_leave_nothing_behind"]
fn work_until_killed() {
    let folder = PathBuf::from(variable("RUNSTONE_TEST_FOLDER"));
    let logs = PathBuf::from(variable("RUNSTONE_TEST_LOGS"));
    let seed: u64 = variable("RUNSTONE_TEST_SEED").parse().unwrap();
    let maintenance: u64 = variable("RUNSTONE_TEST_MAINTENANCE").parse().unwrap();
    let done: Vec<u64> = variable("RUNSTONE_TEST_DONE")
        .split(',')
        .map(|calls| calls.parse().unwrap())
        .collect();
    let store = SqliteStore::open(&folder, options(true)).unwrap();
    File::create(logs.join("open")).unwrap();
    std::thread::scope(|scope| {
        for (thread, done) in (0..THREADS).zip(done) {
            let (store, mut log) = (&store, note_file(&logs, &thread.to_string()));
            scope.spawn(move || {
                let mut script = Script::new(seed, thread).skip_to(done);
                let mut random = Random(maintenance + u64::from(thread));
                loop {
                    let call = script.next();
                    log.write_all(&[STARTED]).unwrap();
                    call.make(store).unwrap();
                    log.write_all(&[DONE]).unwrap();
                    std::thread::sleep(Duration::from_micros(random.below(600)));
                }
            });
        }
        let (store, log) = (&store, note_file(&logs, "maintenance"));
        scope.spawn(move || maintain(store, log, Random(maintenance)));
    });
}

/// Folds and gives space back, in slices.
fn maintain(store: &SqliteStore, mut log: File, mut random: Random) {
    loop {
        if random.below(3) == 0 {
            log.write_all(&[FOLD]).unwrap();
            store.fold(random.below(2) == 0).unwrap();
        } else {
            log.write_all(&[RECLAIM]).unwrap();
            let request = ReclaimRequest {
                at: Timestamp::from_micros(TEST_EPOCH_MICROS),
                trash_seconds: None,
                longest: Duration::from_secs(1),
            };
            store.reclaim(&request).unwrap();
        }
        log.write_all(&[DONE]).unwrap();
        std::thread::sleep(Duration::from_micros(random.below(3_000)));
    }
}

/// Unbuffered: what was written is in the file, whatever happens to the process.
fn note_file(logs: &Path, name: &str) -> File {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(logs.join(name))
        .unwrap()
}

/// What a child that was killed had noted.
pub(super) struct Log {
    threads: Vec<Vec<u8>>,
    maintenance: Vec<u8>,
    is_open: bool,
}

impl Log {
    pub(super) fn is_open(logs: &Path) -> bool {
        logs.join("open").exists()
    }

    /// Waits until the thread that folds and reclaims begins with this.
    pub(super) fn await_maintenance(logs: &Path, note: u8, longest: Duration) {
        let until = Instant::now() + longest;
        let last = || {
            std::fs::read(logs.join("maintenance"))
                .ok()?
                .last()
                .copied()
        };
        while last() != Some(note) {
            assert!(Instant::now() < until, "nobody folds or reclaims");
            std::thread::sleep(Duration::from_micros(20));
        }
    }

    pub(super) fn read(logs: &Path) -> Self {
        let read = |name: &str| std::fs::read(logs.join(name)).unwrap_or_default();
        Self {
            threads: (0..THREADS)
                .map(|thread| read(&thread.to_string()))
                .collect(),
            maintenance: read("maintenance"),
            is_open: Self::is_open(logs),
        }
    }

    /// Whether the folder was opened.
    pub(super) fn was_open(&self) -> bool {
        self.is_open
    }

    /// Calls of a thread that were acknowledged, and whether one was under way.
    pub(super) fn calls(&self, thread: u8) -> (u64, bool) {
        let notes = &self.threads[usize::from(thread)];
        let done = notes.iter().filter(|note| **note == DONE).count() as u64;
        (done, notes.last() == Some(&STARTED))
    }

    /// What the thread that folds and reclaims was at.
    pub(super) fn maintenance(&self) -> Option<u8> {
        self.maintenance
            .last()
            .copied()
            .filter(|note| *note != DONE)
    }
}
