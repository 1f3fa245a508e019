//! What disks do wrong: power losses that tear writes, full disks, failed syncs, failed reads.
//!
//! Random steps of the model test are done through a VFS that fails by a seeded plan
//! ([`os_vfs`]), and every read is compared with the oracle before and after. A scenario is a
//! number of lives of one folder: each life ends with a fault or in order, then the folder is
//! checked deeply, opened again and compared. What was acknowledged must be there, once; the one
//! step that was under way, whole or not at all.
//!
//! `RUNSTONE_FAULTS` is how many scenarios each test runs, `RUNSTONE_FAULTS_SEED` where to begin.

pub(crate) mod disk;
mod os_vfs;
mod reads;
mod threads;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use runstone_model::{StoreIdentity, Timestamp, WorkspaceId};
use runstone_store::conformance::all_series;
use runstone_store::conformance::model::{Step, compare_with_oracle, random_steps};
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS};
use runstone_store::memory::MemoryStore;
use runstone_store::{ReclaimRequest, Store, StoreError};
use runstone_store_sqlite::{FoldLayout, SqliteOptions, SqliteStore, check_deep};
use tempfile::TempDir;

use self::disk::{Disk, Fault, Random};
use self::os_vfs::FaultyVfs;

/// Actions of a scenario at most.
const ACTIONS: usize = 30;
/// Every path is walked with few points.
const TINY: FoldLayout = FoldLayout {
    pass_bytes_max: 1 << 20,
    pass_points_max: 40,
    window_series: 2,
    pack_points: 16,
    chunk_points_min: 64,
    chunk_points: 256,
    merge_fan_in: 3,
    slice_bytes_max: 1,
    entry_block_bytes: 24,
    striped_runs_min: 1,
    striped_rows_max: 3,
    rest_seconds: 0,
};

/// What a scenario does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    PowerLoss,
    Full,
    FailedSync,
    FailedReads,
}

/// A folder under test, and what it must hold.
struct Scenario {
    seed: u64,
    kind: Kind,
    random: Random,
    folder: TempDir,
    oracle: MemoryStore,
    layout: FoldLayout,
    faults: u64,
}

/// How a step ended.
enum Ended {
    /// As the oracle says.
    Done,
    /// Not acknowledged.
    Failed(StoreError),
}

/// What may have been done when a life ended.
#[derive(Debug, Clone, Copy)]
enum UnderWay<'a> {
    Nothing,
    Step(&'a Step),
    Reclaim(&'a ReclaimRequest),
}

/// In memory where the system has such a folder: what is durable is for the plan to say.
pub(crate) fn new_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    };
    folder.unwrap()
}

pub(crate) fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Runs scenarios of one kind; most of them must have seen their fault.
#[allow(
    clippy::print_stderr,
    reason = "the seed of a failure, and what was met"
)]
fn run_scenarios(kind: Kind, scenarios: u64) {
    let scenarios = number_from_environment("RUNSTONE_FAULTS").unwrap_or(scenarios);
    let first = number_from_environment("RUNSTONE_FAULTS_SEED").unwrap_or(1);
    let mut faults = 0;
    for seed in first..first + scenarios {
        let guard = NameSeed(kind, seed);
        faults += Scenario::new(seed, kind).run();
        std::mem::forget(guard);
    }
    eprintln!("{kind:?}: {scenarios} scenarios, {faults} faults");
    assert!(faults * 2 > scenarios, "{faults} faults in {scenarios}");
}

/// Says which scenario it was when one panics.
struct NameSeed(Kind, u64);

impl Drop for NameSeed {
    #[allow(clippy::print_stderr, reason = "the seed of a failure")]
    fn drop(&mut self) {
        eprintln!(
            "{:?} failed: RUNSTONE_FAULTS=1 RUNSTONE_FAULTS_SEED={}",
            self.0, self.1
        );
    }
}

impl Scenario {
    fn new(seed: u64, kind: Kind) -> Self {
        let mut random = Random(seed);
        let identity = StoreIdentity {
            store: [1; 16],
            incarnation: [1; 16],
        };
        let layout = match random.below(2) {
            0 => FoldLayout::default(),
            _ => TINY,
        };
        Self {
            seed,
            kind,
            random,
            folder: new_folder(),
            oracle: MemoryStore::new(identity),
            layout,
            faults: 0,
        }
    }

    fn options(&self, vfs: Option<&FaultyVfs>) -> SqliteOptions {
        SqliteOptions {
            background: false,
            layout: self.layout,
            // Few pages stay in memory, so that transactions spill into the log and reads read.
            cache_bytes_max: 256 << 10,
            vfs: vfs.map(FaultyVfs::name),
            clock: Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS)),
            ..SqliteOptions::default()
        }
    }

    /// Does all steps, life by life; how many faults happened.
    fn run(mut self) -> u64 {
        let steps = random_steps(self.seed, ACTIONS);
        let mut next = 0;
        let mut lives = 0;
        while next < steps.len() {
            next = self.live(&steps, next, lives == 0);
            lives += 1;
            assert!(lives < 1_000, "nothing goes on");
        }
        self.faults
    }

    fn plan(&mut self) -> Fault {
        let near = self.random.below(3) > 0;
        let soon = self.random.below(if near { 12 } else { 80 });
        match self.kind {
            Kind::PowerLoss => Fault::PowerLoss { changes: soon },
            Kind::Full => Fault::Full {
                changes: soon,
                in_place: self.random.below(2) == 0,
            },
            Kind::FailedSync => Fault::FailedSync { syncs: soon / 8 },
            Kind::FailedReads => Fault::FailedReads {
                reads: soon * 2,
                failures: 1 + self.random.below(4),
            },
        }
    }

    /// One life of the folder: from an opening to a fault, or to the last step. The step to go on
    /// with.
    fn live(&mut self, steps: &[Step], first: usize, is_new: bool) -> usize {
        let vfs = FaultyVfs::new(Arc::new(Disk::new(self.random.next())));
        let armed_at = match self.random.below(6) {
            // While it is opened.
            0 => first,
            // At some step, or never.
            _ => first + 1 + self.random.below((steps.len() - first) as u64 + 3) as usize,
        };
        let fault = self.plan();
        if armed_at == first {
            vfs.disk().plan(fault);
        }
        let mut store = match SqliteStore::open(self.folder.path(), self.options(Some(&vfs))) {
            Ok(store) => store,
            Err(error) => {
                self.failed_as_planned(&vfs, &error);
                return self.end(vfs, None, UnderWay::Nothing, first, is_new);
            }
        };
        for (index, step) in steps.iter().enumerate().skip(first) {
            if armed_at == index + 1 {
                vfs.disk().plan(fault);
            }
            if matches!(step, Step::Reopen) {
                let _ = store.close();
                drop(store);
                if self.random.below(3) == 0 && vfs.disk().has_power() {
                    // Closed, and then the power goes.
                    return self.end(vfs, None, UnderWay::Nothing, index + 1, false);
                }
                store = match SqliteStore::open(self.folder.path(), self.options(Some(&vfs))) {
                    Ok(store) => store,
                    Err(error) => {
                        self.failed_as_planned(&vfs, &error);
                        return self.end(vfs, None, UnderWay::Nothing, index + 1, false);
                    }
                };
                continue;
            }
            if self.random.below(8) == 0 {
                let request = self.reclaim_request();
                if let Ended::Failed(error) = self.reclaim(&store, &request) {
                    let reclaim = UnderWay::Reclaim(&request);
                    self.failed_as_planned(&vfs, &error);
                    if !self.goes_on(&vfs, &store, reclaim) {
                        return self.end(vfs, Some(store), reclaim, index, false);
                    }
                }
            }
            if let Ended::Failed(error) = self.step(&store, step) {
                self.failed_as_planned(&vfs, &error);
                // Refused, and so not done at all.
                if !self.goes_on(&vfs, &store, UnderWay::Nothing) {
                    return self.end(vfs, Some(store), UnderWay::Step(step), index, false);
                }
                // There is room again: the same step is done now.
                if let Ended::Failed(error) = self.step(&store, step) {
                    panic!("after the fault: {error}");
                }
            }
        }
        if vfs.disk().has_power() {
            vfs.disk().make_room();
            if let Err(error) = compare_with_oracle(&store, &self.oracle) {
                panic!("at the end: {error}");
            }
        }
        self.end(vfs, Some(store), UnderWay::Nothing, steps.len(), false)
    }

    /// Does a step, and holds the answer to that of the oracle.
    fn step(&self, store: &SqliteStore, step: &Step) -> Ended {
        match step {
            Step::Append(frame) => match store.append(frame.clone()) {
                Ok(answer) => {
                    assert_eq!(answer, self.oracle.append(frame.clone()).unwrap());
                    Ended::Done
                }
                Err(error) => Ended::Failed(error),
            },
            Step::Edit(request) => match store.edit(request) {
                Ok(answer) => {
                    let wanted = self.oracle.edit(request).unwrap();
                    assert_eq!(format!("{answer:?}"), format!("{wanted:?}"));
                    Ended::Done
                }
                Err(error) => Ended::Failed(error),
            },
            Step::Fold { everything } => match store.fold(*everything) {
                Ok(_) => Ended::Done,
                Err(error) => Ended::Failed(error),
            },
            Step::Reopen => Ended::Done,
        }
    }

    fn reclaim_request(&mut self) -> ReclaimRequest {
        ReclaimRequest {
            // After all deletions.
            at: Timestamp::from_micros(TEST_EPOCH_MICROS + 3_600_000_000),
            trash_seconds: (self.random.below(3) == 0).then_some(0),
            longest: Duration::from_secs(60),
        }
    }

    /// Empties the trash if it is to, and gives free pages back, which nobody sees.
    fn reclaim(&self, store: &SqliteStore, request: &ReclaimRequest) -> Ended {
        match store.reclaim(request) {
            Ok(report) => {
                let wanted = self.oracle.reclaim(request).unwrap();
                assert_eq!(report.purged, wanted.purged);
                Ended::Done
            }
            Err(error) => Ended::Failed(error),
        }
    }

    /// Nothing fails without a fault, and what fails says so.
    fn failed_as_planned(&mut self, vfs: &FaultyVfs, error: &StoreError) {
        assert!(vfs.disk().happened() > 0, "without a fault: {error}");
        let text = error.to_string();
        assert!(text.len() > 10, "{text}");
        if self.kind == Kind::Full {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
            assert!(text.contains("full") && text.contains("hint: "), "{text}");
        }
        self.faults += 1;
    }

    /// After a failure: what the store must still do. Whether the life goes on.
    fn goes_on(&mut self, vfs: &FaultyVfs, store: &SqliteStore, under_way: UnderWay<'_>) -> bool {
        match self.kind {
            Kind::PowerLoss => false,
            Kind::Full => {
                // It is read as before, and written again once there is room.
                self.compare(store, under_way, "while the disk is full");
                vfs.disk().make_room();
                true
            }
            Kind::FailedSync => {
                self.is_poisoned(store, under_way);
                false
            }
            Kind::FailedReads => {
                vfs.disk().make_room();
                // A commit may have failed, and then nothing is written any more.
                if store.fold(false).is_err() {
                    self.is_poisoned(store, under_way);
                    return false;
                }
                self.compare(store, under_way, "after failed reads");
                true
            }
        }
    }

    /// Nothing is acknowledged any more; what was can be read.
    fn is_poisoned(&mut self, store: &SqliteStore, under_way: UnderWay<'_>) {
        for step in random_steps(self.seed ^ 0xff, 6) {
            if let Step::Append(frame) = step {
                let error = store
                    .append(frame)
                    .expect_err("nothing is written any more");
                assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
                assert!(error.to_string().contains("hint: "), "{error}");
            }
        }
        self.compare(store, under_way, "after a failed sync");
    }

    /// The end of a life: closed or not, with or without power. The step to go on with.
    fn end(
        &mut self,
        vfs: FaultyVfs,
        store: Option<SqliteStore>,
        under_way: UnderWay<'_>,
        next: usize,
        is_new: bool,
    ) -> usize {
        if let Some(store) = store {
            if vfs.disk().happened() == 0 && self.random.below(2) == 0 {
                store.close().unwrap();
            }
            drop(store);
        }
        if !vfs.disk().has_power() || self.random.below(2) == 0 {
            vfs.disk().lose_power(self.folder.path());
        }
        drop(vfs);
        if !is_new {
            self.verify(under_way);
        } else if let Err(error) = SqliteStore::open(self.folder.path(), self.options(None)) {
            panic!("a new folder can't be opened after the fault: {error}");
        }
        next
    }

    /// The folder is sound and holds what was acknowledged, and the step under way whole or not.
    fn verify(&mut self, under_way: UnderWay<'_>) {
        let report = check_deep(self.folder.path()).unwrap();
        assert_eq!(report.damages, []);
        assert_eq!(report.not_compared, None);
        let store = SqliteStore::open(self.folder.path(), self.options(None)).unwrap();
        self.compare(&store, under_way, "after the fault");
    }

    /// What was acknowledged is there, and what was under way wholly or not at all; the oracle
    /// then has it too.
    fn compare(&self, store: &SqliteStore, under_way: UnderWay<'_>, when: &str) {
        let Err(without) = compare_with_oracle(store, &self.oracle) else {
            return;
        };
        match under_way {
            UnderWay::Step(Step::Append(frame)) => drop(self.oracle.append(frame.clone()).unwrap()),
            UnderWay::Step(Step::Edit(request)) => drop(self.oracle.edit(request).unwrap()),
            UnderWay::Reclaim(request) => drop(self.oracle.reclaim(request).unwrap()),
            _ => panic!("{when}: {without}"),
        }
        if let Err(with) = compare_with_oracle(store, &self.oracle) {
            panic!("{when}, without {under_way:?}: {without}\nand with it: {with}");
        }
    }
}

#[test]
fn torn_writes_lose_nothing_acknowledged() {
    run_scenarios(Kind::PowerLoss, 100);
}

#[test]
fn a_full_disk_refuses_and_the_store_goes_on_when_there_is_room() {
    run_scenarios(Kind::Full, 60);
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged() {
    run_scenarios(Kind::FailedSync, 60);
}

#[test]
fn failed_reads_are_errors_and_do_no_harm() {
    run_scenarios(Kind::FailedReads, 60);
}

#[test]
fn an_index_of_the_log_without_room_is_a_full_disk_and_passes() {
    let folder = new_folder();
    let vfs = FaultyVfs::new(Arc::new(Disk::slow(Duration::ZERO)));
    let options = SqliteOptions {
        background: false,
        vfs: Some(vfs.name()),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    vfs.disk().plan(Fault::FullIndex);
    let mut builder = FrameBuilder::creator("run-a", 1);
    let mut acknowledged = 0;
    // The first part of the index is for some 4,000 pages of log.
    let error = loop {
        let before = builder.clone();
        let loss = builder.metric("loss");
        let first = f64::from(acknowledged);
        builder.log(
            loss,
            (0..5_000).map(|index| (first + f64::from(index), f64::from(index).sin())),
        );
        match store.append(builder.frame()) {
            Ok(_) => acknowledged += 5_000,
            Err(error) => {
                builder = before;
                break error;
            }
        }
        assert!(acknowledged < 4_000_000, "the index never grew");
    };
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("full"), "{error}");
    vfs.disk().make_room();
    let loss = builder.metric("loss");
    builder.log(loss, [(f64::from(acknowledged), 1.0)]);
    store.append(builder.frame()).unwrap();
    let count = |store: &SqliteStore| {
        let snapshot = store.snapshot().unwrap();
        let run = snapshot
            .find_run(WorkspaceId::default(), "run-a")
            .unwrap()
            .key;
        all_series(snapshot.as_ref(), run, 10)[0].summary.count
    };
    assert_eq!(count(&store), u64::try_from(acknowledged).unwrap() + 1);
    store.close().unwrap();
    drop(store);
    let store = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
    assert_eq!(count(&store), u64::try_from(acknowledged).unwrap() + 1);
}
