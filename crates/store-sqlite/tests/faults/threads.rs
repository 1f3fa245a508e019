//! Faults under the store's own threads and several clients at once, and slow syncs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runstone_store::conformance::testing::FrameBuilder;
use runstone_store::{Store, StoreError};
use runstone_store_sqlite::{SqliteOptions, SqliteStore, check_deep};

use super::disk::{Disk, Fault, Random};
use super::os_vfs::FaultyVfs;
use super::{NameSeed, new_folder, number_from_environment};
use crate::kills::child::{THREADS, options};
use crate::script::{Script, Told};

/// Calls that a thread makes at most.
const CALLS: u64 = 60;

/// How far a thread came.
struct Came {
    done: u64,
    error: Option<StoreError>,
}

fn faulty(vfs: &FaultyVfs) -> SqliteOptions {
    SqliteOptions {
        vfs: Some(vfs.name()),
        ..options(true)
    }
}

/// All threads make their calls until one fails; meanwhile somebody folds.
fn work(store: &SqliteStore, seed: u64, calls: u64) -> Vec<Came> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let folder = scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) && store.fold(false).is_ok() {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    let mut script = Script::new(seed, thread);
                    for done in 0..calls {
                        if let Err(error) = script.next().make(store) {
                            return Came {
                                done,
                                error: Some(error),
                            };
                        }
                    }
                    Came {
                        done: calls,
                        error: None,
                    }
                })
            })
            .collect();
        let came = threads.into_iter().map(|thread| thread.join().unwrap());
        let came: Vec<Came> = came.collect();
        is_over.store(true, Ordering::Release);
        folder.join().unwrap();
        came
    })
}

/// The folder holds what was acknowledged to each thread.
fn verify(folder: &Path, seed: u64, came: &[Came]) {
    let report = check_deep(folder).unwrap();
    assert_eq!(report.damages, []);
    let store = SqliteStore::open(folder, options(false)).unwrap();
    for (thread, came) in (0..THREADS).zip(came) {
        let mut told = Told::new(seed, thread);
        let compared = told.compare(&store, came.done, came.error.is_some());
        if let Err(wrong) = compared {
            panic!("thread {thread}, {} calls: {wrong}", came.done);
        }
    }
}

fn run_scenarios(kind: super::Kind, scenarios: u64, plan: impl Fn(&mut Random) -> Fault) {
    let scenarios = number_from_environment("RUNSTONE_FAULTS").unwrap_or(scenarios);
    let first = number_from_environment("RUNSTONE_FAULTS_SEED").unwrap_or(1);
    let mut faults = 0;
    for seed in first..first + scenarios {
        let guard = NameSeed(kind, seed);
        let folder = new_folder();
        let mut random = Random(seed);
        let vfs = FaultyVfs::new(Arc::new(Disk::new(random.next())));
        let store = SqliteStore::open(folder.path(), faulty(&vfs)).unwrap();
        vfs.disk().plan(plan(&mut random));
        let came = work(&store, seed, CALLS);
        if vfs.disk().happened() > 0 {
            faults += 1;
            // Whoever comes now is refused, whoever it is.
            let mut other = Script::new(seed, THREADS);
            let error = other.next().make(&store).expect_err("nothing is written");
            let is_poisoned = matches!(error, StoreError::Unavailable { .. });
            assert!(is_poisoned || kind == super::Kind::PowerLoss, "{error}");
        }
        drop(store);
        vfs.disk().lose_power(folder.path());
        drop(vfs);
        verify(folder.path(), seed, &came);
        std::mem::forget(guard);
    }
    assert!(faults * 2 > scenarios, "{faults} faults in {scenarios}");
}

#[test]
fn torn_writes_under_several_clients_lose_nothing_acknowledged() {
    run_scenarios(super::Kind::PowerLoss, 20, |random| Fault::PowerLoss {
        changes: random.below(1_500),
    });
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_to_any_client() {
    run_scenarios(super::Kind::FailedSync, 20, |random| Fault::FailedSync {
        syncs: random.below(100),
    });
}

#[test]
fn slow_syncs_are_shared_and_what_was_acknowledged_is_there_after_a_power_loss() {
    let folder = new_folder();
    let vfs = FaultyVfs::new(Arc::new(Disk::new(7)));
    let store = SqliteStore::open(folder.path(), faulty(&vfs)).unwrap();
    vfs.disk().set_sync_pause(Duration::from_millis(5));
    let before = vfs.disk().syncs();
    let came = work(&store, 7, 40);
    let syncs = vfs.disk().syncs() - before;
    for came in &came {
        assert_eq!(came.done, 40, "{:?}", came.error);
    }
    // Alone, each call of each thread would be one; folding takes some as well.
    let applied = store.stats().unwrap().applied_frames;
    assert!(
        applied > 40 && syncs > 40,
        "{applied} frames, {syncs} syncs"
    );
    vfs.disk().plan(Fault::PowerLoss { changes: 0 });
    drop(store);
    vfs.disk().lose_power(folder.path());
    drop(vfs);
    verify(folder.path(), 7, &came);
}

/// Clients that wait for one sync are all served by the next.
#[test]
fn while_a_sync_is_under_way_frames_gather_for_the_next() {
    let folder = new_folder();
    let vfs = FaultyVfs::new(Arc::new(Disk::slow(Duration::from_millis(5))));
    let quiet = SqliteOptions {
        background: false,
        vfs: Some(vfs.name()),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), quiet).unwrap();
    let before = vfs.disk().syncs();
    std::thread::scope(|scope| {
        for number in 1..=16 {
            let store = &store;
            scope.spawn(move || {
                let run = format!("run-{number}");
                let mut builder = FrameBuilder::creator(&run, number);
                for step in 0..10 {
                    let loss = builder.metric("loss");
                    builder.log(loss, [(f64::from(step), 1.0)]);
                    store.append(builder.frame()).unwrap();
                }
            });
        }
    });
    let syncs = vfs.disk().syncs() - before;
    assert!(
        syncs < 160 / 2,
        "{syncs} syncs for 160 frames of 16 clients"
    );
}
