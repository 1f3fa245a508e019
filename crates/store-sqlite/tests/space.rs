//! Space on a disk: purges that were cut off, purges beside folds, what the files hold, and what
//! comes back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use runstone_model::{RunId, Timestamp, WorkspaceId};
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS, key};
use runstone_store::conformance::{all_points, point_scan};
use runstone_store::{
    EditOutcome, EditRequest, ReclaimReport, ReclaimRequest, RunAction, Store, StoreError,
};
use runstone_store_sqlite::{FoldLimits, SqliteOptions, SqliteStore, check};
use rusqlite::Connection;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

fn quiet() -> SqliteOptions {
    SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    }
}

fn busy() -> SqliteOptions {
    SqliteOptions {
        clock: Arc::new(now),
        ..SqliteOptions::default()
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(TEST_EPOCH_MICROS + 3_600_000_000)
}

fn edit(store: &SqliteStore, run: &str, action: RunAction) {
    let request = EditRequest {
        workspace: WorkspaceId::default(),
        runs: vec![RunId::new(run).unwrap()],
        action,
        at: now(),
    };
    let answer = store.edit(&request).unwrap();
    assert!(
        matches!(answer.outcomes[..], [EditOutcome::Changed(_)]),
        "{answer:?}"
    );
}

fn reclaim(store: &SqliteStore) -> ReclaimReport {
    let request = ReclaimRequest {
        at: now(),
        trash_seconds: Some(0),
        longest: LONG,
    };
    let report = store.reclaim(&request).unwrap();
    assert!(report.done);
    report
}

/// Frames of 1,000 points that don't compress, in a long series and two short ones.
fn fill(store: &SqliteStore, builder: &mut FrameBuilder, frames: u64) {
    for _ in 0..frames {
        let loss = builder.metric("loss");
        let first = builder.next_slot();
        let noise = |index: u64| ((first + index) as f64 * 0.618_034).fract().sin() * 1e3;
        let points = (0..1_000).map(|index| ((first + index) as f64, noise(index)));
        builder.log(loss, points);
        for name in ["short-a", "short-b"] {
            let number = builder.metric(name);
            builder.log(number, [(first as f64, noise(7))]);
        }
        let notes = runstone_model::SeriesKey {
            kind: runstone_model::SeriesKind::Text,
            ..key("notes")
        };
        let number = builder.series(&notes, runstone_model::ValueType::F64, false);
        for line in first..first + 30 {
            let text = format!("\"line {line} of the log\"");
            builder.log_lines(line, &[&text]).log_record(20, &text);
            builder.log_objects(number, line as f64, &[&text]);
        }
        store.append(builder.frame()).unwrap();
    }
}

/// A run with something in every table.
fn rich(store: &SqliteStore, run: &str, number: u8) -> FrameBuilder {
    let mut builder = FrameBuilder::creator(run, number);
    for index in 0..150 {
        builder.set_param(&format!("group.p{index}"), f64::from(index));
    }
    builder.change_tags(&["a", "b"], &[]);
    fill(store, &mut builder, 5);
    store
        .append(builder.remove(Some(key("short-a")), Some(1.0)).frame())
        .unwrap();
    store.append(builder.rewind(1e9).frame()).unwrap();
    store.fold(true).unwrap();
    fill(store, &mut builder, 2);
    store.append(builder.lose(2).base_frame()).unwrap();
    builder
}

fn connect(folder: &Path) -> Connection {
    Connection::open(folder.join("runstone.db")).unwrap()
}

/// Rows by table, but for those that stay for ever.
fn rows(folder: &Path) -> BTreeMap<String, i64> {
    let connection = connect(folder);
    let mut tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        .unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let kept = ["writer", "writer_mark", "purged_run", "change", "sequence"];
    names
        .map(Result::unwrap)
        .filter(|name| !kept.contains(&name.as_str()))
        .map(|name| {
            let count = format!("SELECT count(*) FROM {name}");
            let count = connection.query_row(&count, [], |row| row.get(0)).unwrap();
            (name, count)
        })
        .collect()
}

#[test]
fn a_purge_leaves_no_row_but_those_that_refuse_late_writers() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    rich(&store, "run-a", 1);
    store.fold(true).unwrap();
    store.close().unwrap();
    let before = rows(folder.path());
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let mut other = rich(&store, "run-b", 2);
    edit(&store, "run-b", RunAction::Delete);
    edit(&store, "run-b", RunAction::Purge);
    let late = store.append({
        let loss = other.metric("loss");
        other.log(loss, [(1.0, 1.0)]).frame()
    });
    assert!(!late.unwrap().refusals.is_empty());
    assert_eq!(store.stats().unwrap().unfolded_points, 0);
    store.close().unwrap();
    assert_eq!(rows(folder.path()), before);
    assert_eq!(check(folder.path()).unwrap().damages, Vec::<String>::new());
}

#[test]
fn a_purge_that_was_cut_off_is_finished_after_the_next_opening() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    rich(&store, "run-a", 1);
    store.fold(true).unwrap();
    store.close().unwrap();
    let before = rows(folder.path());
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    rich(&store, "run-b", 2);
    edit(&store, "run-b", RunAction::Delete);
    store.close().unwrap();
    // As the first commit of a purge leaves it, and then as a slice in the middle does.
    let connection = connect(folder.path());
    connection
        .execute_batch(
            "INSERT INTO purge (run) SELECT id FROM run WHERE run_id = 'run-b'; \
             INSERT INTO purged_run SELECT workspace, run_id, id, deleted_at, 1 FROM run \
                 WHERE run_id = 'run-b'; \
             DELETE FROM run_mark WHERE run = (SELECT run FROM purge); \
             DELETE FROM run WHERE run_id = 'run-b'; \
             DELETE FROM chunk WHERE run = (SELECT run FROM purge); \
             DELETE FROM run_summary WHERE run = (SELECT run FROM purge);",
        )
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let space = store.read_space().unwrap();
    assert_eq!(space.runs.len(), 1);
    assert!(space.purging_bytes > 0);
    store.fold(true).unwrap();
    assert!(reclaim(&store).purged.is_empty());
    assert_eq!(store.read_space().unwrap().purging_bytes, 0);
    store.close().unwrap();
    assert_eq!(rows(folder.path()), before);
}

#[test]
fn in_the_background_the_trash_is_emptied_by_age() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    rich(&store, "run-a", 1);
    rich(&store, "run-b", 2);
    edit(&store, "run-a", RunAction::Delete);
    store.close().unwrap();
    let days = |days: i64| {
        let at = Timestamp::from_micros(now().as_micros() + days * 24 * 3_600_000_000);
        SqliteOptions {
            clock: Arc::new(move || at),
            ..SqliteOptions::default()
        }
    };
    let store = SqliteStore::open(folder.path(), days(29)).unwrap();
    // Its first turn is over before it takes the turn of this one.
    let request = ReclaimRequest {
        at: now(),
        trash_seconds: None,
        longest: LONG,
    };
    assert!(store.reclaim(&request).unwrap().purged.is_empty());
    assert_eq!(store.read_space().unwrap().runs.len(), 2);
    store.close().unwrap();
    let store = SqliteStore::open(folder.path(), days(31)).unwrap();
    let until = Instant::now() + LONG;
    while store.read_space().unwrap().runs.len() == 2
        || store.read_space().unwrap().purging_bytes > 0
    {
        assert!(Instant::now() < until, "nobody has purged");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn runs_are_purged_while_they_are_written_and_folded() {
    let folder = TempDir::new().unwrap();
    let options = SqliteOptions {
        fold: FoldLimits {
            frames: 2,
            ..FoldLimits::default()
        },
        ..busy()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    std::thread::scope(|scope| {
        for number in 1..=4 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..6 {
                    let run = format!("run-{number}-{round}");
                    let mut builder = FrameBuilder::creator(&run, number * 16 + round);
                    fill(store, &mut builder, 7);
                    edit(store, &run, RunAction::Delete);
                    edit(store, &run, RunAction::Purge);
                    fill(store, &mut builder, 1);
                }
            });
        }
    });
    reclaim(&store);
    assert_eq!(store.stats().unwrap().unfolded_points, 0);
    let space = store.read_space().unwrap();
    assert!(space.runs.is_empty());
    assert_eq!(space.purging_bytes, 0);
    store.close().unwrap();
    for (table, rows) in rows(folder.path()) {
        let of_runs = !["meta", "experiment", "metric"].contains(&table.as_str());
        assert!(!of_runs || rows == 0, "{rows} rows are left in {table}");
    }
}

#[test]
fn the_parts_add_up_to_what_is_on_disk() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    for number in 1..=12 {
        let mut builder = rich(&store, &format!("run-{number}"), number);
        fill(&store, &mut builder, 12 * u64::from(number % 3));
        if number % 2 == 0 {
            store.fold(true).unwrap();
        }
    }
    edit(&store, "run-3", RunAction::Delete);
    edit(&store, "run-4", RunAction::Delete);
    edit(&store, "run-4", RunAction::Purge);
    let space = store.read_space().unwrap();
    store.close().unwrap();
    assert_eq!(space.runs.len(), 11);
    assert!(space.reusable_bytes > 0);
    let held = space.runs.iter().map(|run| run.bytes.total()).sum::<u64>()
        + space.journal_bytes
        + space.rest_bytes
        + space.reusable_bytes;
    let on_disk = std::fs::metadata(folder.path().join("runstone.db")).unwrap();
    assert!(
        held.abs_diff(on_disk.len()) * 50 < on_disk.len(),
        "{held} of {}",
        on_disk.len()
    );
    // Each kind is what the pages of its tables say.
    let connection = connect(folder.path());
    let pages = |tables: &str| -> u64 {
        let sum = format!("SELECT sum(pgsize) FROM dbstat WHERE name IN ({tables})");
        connection
            .query_row(&sum, [], |row| row.get::<_, i64>(0))
            .unwrap()
            .cast_unsigned()
    };
    let of_kind = |kind: fn(&runstone_store::SpaceByKind) -> u64| -> u64 {
        space.runs.iter().map(|run| kind(&run.bytes)).sum()
    };
    for (name, found, wanted) in [
        ("frames", of_kind(|kinds| kinds.frames), pages("'l0'")),
        ("packs", of_kind(|kinds| kinds.packs), pages("'pack'")),
        (
            "chunks",
            of_kind(|kinds| kinds.chunks),
            pages("'chunk', 'chunk_by_series'"),
        ),
        (
            "logs and objects",
            of_kind(|kinds| kinds.logs + kinds.objects),
            pages(
                "'entry_row', 'entry_row_by_owner', 'entry_block', 'entry_block_by_key', \
                 'log_mark', 'object_mark'",
            ),
        ),
        (
            "params",
            of_kind(|kinds| kinds.params),
            pages("'param', 'param_by_run'"),
        ),
    ] {
        let slack = wanted / 8 + 3 * 4_096;
        assert!(
            found.abs_diff(wanted) <= slack,
            "{name}: {found} of {wanted}"
        );
    }
}

/// Bytes of all files of the folder.
fn folder_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

#[test]
fn half_of_the_runs_deleted_give_their_space_back_while_a_reader_pages() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), busy()).unwrap();
    for number in 1..=16 {
        let mut builder = FrameBuilder::creator(&format!("run-{number:02}"), number);
        fill(&store, &mut builder, 60);
    }
    store.fold(true).unwrap();
    // The log is cut to nothing, so that the folder holds what the runs need.
    reclaim(&store);
    let before = folder_bytes(folder.path());
    assert!(before > 4 << 20, "{before} bytes say nothing");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, is_over) = (&store, &is_over);
        let reader = scope.spawn(move || {
            let mut pages = 0u64;
            while !is_over.load(Ordering::Acquire) {
                for run in ["run-02", "run-16"] {
                    let mut scan = point_scan(&key("loss"), 500);
                    loop {
                        let snapshot = store.snapshot().unwrap();
                        let run = snapshot.find_run(WorkspaceId::default(), run).unwrap();
                        let page = snapshot.scan_points(run.key, &scan).unwrap();
                        pages += 1;
                        let Some(next) = page.next else { break };
                        scan.after = Some(next);
                    }
                }
            }
            pages
        });
        let mut purged = Vec::new();
        for number in (1..=16).step_by(2) {
            let run = format!("run-{number:02}");
            edit(store, &run, RunAction::Delete);
            purged.push(run);
        }
        let report = reclaim(store);
        assert_eq!(report.purged.len(), purged.len());
        assert_eq!(report.reusable_bytes, 0);
        assert!(report.returned_bytes > 0);
        let after = folder_bytes(folder.path());
        is_over.store(true, Ordering::Release);
        assert!(reader.join().unwrap() > 10);
        assert!(
            after * 100 <= before * 60,
            "{after} of {before} bytes are left"
        );
    });
    let snapshot = store.snapshot().unwrap();
    for number in (2..=16).step_by(2) {
        let run = snapshot.find_run(WorkspaceId::default(), &format!("run-{number:02}"));
        let points = all_points(
            snapshot.as_ref(),
            run.unwrap().key,
            &key("loss"),
            true,
            9_999,
        );
        assert_eq!(points.len(), 60_000);
    }
    let gone = snapshot.find_run(WorkspaceId::default(), "run-01");
    assert!(matches!(gone, Err(StoreError::NotFound(_))));
}
