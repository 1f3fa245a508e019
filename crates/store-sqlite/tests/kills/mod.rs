//! `kill -9` of a process at random points of append, fold, delete, purge, gc and vacuum.
//!
//! A child works on a folder with several threads of clients ([`crate::script`]), one that folds
//! and gives space back, and the store's own; it notes each call before it is made and after it
//! was acknowledged in files of its own, unbuffered. The parent kills it at a random moment, looks
//! what was under way, checks the folder deeply, and holds it to the oracle: what was acknowledged
//! is there once, the call under way of each thread whole or not at all. The next child goes on
//! with the same folder. After the last kill of a folder everything that was purged must be gone.
//!
//! `RUNSTONE_CHAOS_KILLS` is how many, `RUNSTONE_CHAOS_SEED` where to begin.

pub(crate) mod child;
mod phases;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use runstone_store::{ReclaimRequest, Store};
use runstone_store_sqlite::{SqliteStore, check_deep};
use tempfile::TempDir;

use self::child::{FOLD, Log, RECLAIM, THREADS, options};
use self::phases::{Phases, count_half_folded};
use crate::faults::disk::Random;
use crate::script::{Script, Told};

/// Kills of one folder.
const KILLS_EACH: u64 = 6;
/// How long a child may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
#[allow(
    clippy::print_stderr,
    reason = "the seed of a failure, and what was met"
)]
fn kills_lose_nothing_double_nothing_and_leave_nothing_behind() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let wanted: u64 = number("RUNSTONE_CHAOS_KILLS").unwrap_or(100);
    let mut seed: u64 = number("RUNSTONE_CHAOS_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_secs() % 1_000_000 * 1_000
    });
    eprintln!("kills of a store: {wanted}, first seed: {seed}");
    let mut phases = Phases::default();
    let mut kills = 0;
    // A few more, should chance have left a phase out.
    while kills < wanted || (wanted >= 100 && kills < wanted * 3 && !phases.never_met().is_empty())
    {
        let guard = NameSeed(seed);
        kills += kill_a_folder(seed, &mut phases);
        std::mem::forget(guard);
        seed += 1;
    }
    eprintln!("{kills} kills, by what was under way:\n{phases}");
    // Fewer may meet less.
    if wanted >= 100 {
        assert_eq!(phases.never_met(), Vec::<&str>::new());
    }
}

/// Says which folder it was when a test panics.
struct NameSeed(u64);

impl Drop for NameSeed {
    #[allow(clippy::print_stderr, reason = "the seed of a failure")]
    fn drop(&mut self) {
        eprintln!(
            "failed: RUNSTONE_CHAOS_KILLS=1 RUNSTONE_CHAOS_SEED={}",
            self.0
        );
    }
}

/// All kills of one folder; how many.
fn kill_a_folder(seed: u64, phases: &mut Phases) -> u64 {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let mut random = Random(seed);
    let mut told: Vec<Told> = (0..THREADS).map(|thread| Told::new(seed, thread)).collect();
    for kill in 0..KILLS_EACH {
        let logs = folder.path().join(format!("logs-{kill}"));
        std::fs::create_dir(&logs).unwrap();
        let mut child = spawn(&data, &logs, seed ^ kill, &told, seed);
        let was_open = random.below(8) > 0 && await_start(&mut child, &logs);
        std::thread::sleep(Duration::from_micros(random.below(if was_open {
            80_000
        } else {
            12_000
        })));
        if was_open && random.below(2) == 0 {
            // In the middle of what is rare and short.
            let note = if random.below(4) == 0 { FOLD } else { RECLAIM };
            Log::await_maintenance(&logs, note, PATIENCE);
            std::thread::sleep(Duration::from_micros(random.below(2_500)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let log = Log::read(&logs);
        count_phases(&data, &log, seed, &told, phases);
        verify(
            &data,
            &log,
            &mut told,
            &format!("kill {kill} of seed {seed}"),
        );
    }
    nothing_is_left(&data, &format!("seed {seed}"));
    KILLS_EACH
}

fn spawn(data: &Path, logs: &Path, maintenance: u64, told: &[Told], seed: u64) -> Child {
    let done: Vec<String> = told.iter().map(|told| told.done.to_string()).collect();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::child::work_until_killed", "--ignored"])
        .env("RUNSTONE_TEST_FOLDER", data)
        .env("RUNSTONE_TEST_LOGS", logs)
        .env("RUNSTONE_TEST_SEED", seed.to_string())
        .env("RUNSTONE_TEST_MAINTENANCE", maintenance.to_string())
        .env("RUNSTONE_TEST_DONE", done.join(","))
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Waits until the child has opened its folder.
fn await_start(child: &mut Child, logs: &Path) -> bool {
    let until = Instant::now() + PATIENCE;
    while !Log::is_open(logs) {
        assert!(Instant::now() < until, "the child does not start");
        assert_eq!(child.try_wait().unwrap(), None, "the child ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

fn count_phases(data: &Path, log: &Log, seed: u64, told: &[Told], phases: &mut Phases) {
    for told in told {
        let (done, is_under_way) = log.calls(told.thread);
        if is_under_way {
            let mut script = Script::new(seed, told.thread).skip_to(told.done + done);
            phases.count(script.next().name());
        }
    }
    phases.count_maintenance(data, log);
}

fn verify(data: &Path, log: &Log, told: &mut [Told], context: &str) {
    if !data.join("runstone.db").exists() {
        return;
    }
    let report = check_deep(data).unwrap();
    assert_eq!(report.damages, [], "{context}");
    let store = SqliteStore::open(data, options(false)).unwrap();
    for told in told {
        let (done, is_under_way) = log.calls(told.thread);
        let done = told.done + done;
        if let Err(wrong) = told.compare(&store, done, is_under_way) {
            panic!("{context}, thread {}, {done} calls: {wrong}", told.thread);
        }
    }
    // As it stands, so that the next child finds what this one left.
    drop(store);
}

/// After the last kill, one fold clears what others left half written, and one reclaim finishes
/// every purge and gives all free pages back.
fn nothing_is_left(data: &Path, context: &str) {
    let store = SqliteStore::open(data, options(false)).unwrap();
    store.fold(true).unwrap();
    let request = ReclaimRequest {
        at: (options(false).clock)(),
        trash_seconds: None,
        longest: PATIENCE,
    };
    let report = store.reclaim(&request).unwrap();
    assert!(
        report.done && report.reusable_bytes == 0,
        "{context}: {report:?}"
    );
    let space = store.read_space().unwrap();
    assert_eq!(space.purging_bytes, 0, "{context}");
    store.close().unwrap();
    drop(store);
    assert_eq!(count_half_folded(data), 0, "{context}");
    let report = check_deep(data).unwrap();
    assert_eq!(report.damages, [], "{context}");
}
