//! Logs and objects on a disk: what folding makes of them, and a fold that was cut off.

use std::path::Path;

use runstone_model::{SeriesKind, ValueType, WorkspaceId};
use runstone_store::conformance::testing::{FrameBuilder, key};
use runstone_store::{LogScan, ObjectScan, Store, StoreError};
use runstone_store_sqlite::{SqliteOptions, SqliteStore, check_deep};
use rusqlite::Connection;
use tempfile::TempDir;

fn quiet() -> SqliteOptions {
    SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    }
}

fn connect(folder: &Path) -> Connection {
    Connection::open(folder.join("runstone.db")).unwrap()
}

fn count(folder: &Path, table: &str) -> i64 {
    let statement = format!("SELECT count(*) FROM {table}");
    connect(folder)
        .query_row(&statement, [], |row| row.get(0))
        .unwrap()
}

fn text(number: u64) -> String {
    format!(
        "step {number:>7}  loss {:.4}  lr 0.001  {:.1} it/s",
        1.0 / (number + 1) as f64,
        41.7
    )
}

/// All lines of the writer, and the greatest number of entries of a page.
fn read_lines(store: &SqliteStore, builder: &FrameBuilder) -> Vec<String> {
    let snapshot = store.snapshot().unwrap();
    let run = snapshot
        .find_run(WorkspaceId::default(), builder.run().as_str())
        .unwrap();
    let mut lines = Vec::new();
    let mut next = Some(LogScan::whole(builder.writer(), 1_000));
    while let Some(scan) = next {
        let page = snapshot.scan_log_lines(run.key, &scan).unwrap();
        assert!(page.entries.len() <= 1_000);
        for line in &page.entries {
            assert_eq!(line.number, lines.len() as u64);
            lines.push(line.entry.text.clone());
        }
        next = scan.after(page.next);
    }
    lines
}

#[test]
fn a_long_log_is_folded_into_few_small_blocks() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let texts: Vec<String> = (0..40_000).map(text).collect();
    for (index, part) in texts.chunks(100).enumerate() {
        let part: Vec<&str> = part.iter().map(String::as_str).collect();
        builder.log_lines(index as u64 * 100, &part);
        store.append(builder.frame()).unwrap();
        if index % 40 == 39 {
            store.fold(true).unwrap();
        }
    }
    assert_eq!(read_lines(&store, &builder), texts);
    let raw: u64 = texts.iter().map(|text| text.len() as u64).sum();
    let space = store.read_space().unwrap();
    let logs = space.runs[0].bytes.logs;
    assert!(logs * 3 < raw, "{logs} of {raw}");
    store.close().unwrap();
    assert_eq!(count(folder.path(), "entry_row"), 0);
    let blocks = count(folder.path(), "entry_block");
    let wanted = (raw / (128 << 10)).cast_signed();
    assert!(
        (wanted..wanted * 2).contains(&blocks),
        "{blocks} for {wanted}"
    );
    let deep = check_deep(folder.path()).unwrap();
    assert_eq!(deep.damages, []);
}

#[test]
fn few_lines_at_a_time_extend_the_last_block() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    for number in 0..200 {
        store
            .append(builder.log_lines(number, &[&text(number)]).frame())
            .unwrap();
        store.fold(true).unwrap();
    }
    assert_eq!(read_lines(&store, &builder).len(), 200);
    store.close().unwrap();
    assert_eq!(count(folder.path(), "entry_block"), 1);
}

#[test]
fn a_fold_that_was_cut_off_changes_no_answer() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let images = runstone_model::SeriesKey {
        kind: SeriesKind::Image,
        ..key("sample")
    };
    let number = builder.series(&images, ValueType::F64, false);
    for first in (0..300).step_by(10) {
        let texts: Vec<String> = (first..first + 10).map(text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        builder.log_lines(first, &texts);
        builder.log_objects(number, first as f64, &["1", "2"]);
        store.append(builder.frame()).unwrap();
    }
    store.close().unwrap();
    // All rows come back after the fold, as if its last slice had never been written.
    let connection = connect(folder.path());
    connection
        .execute_batch("CREATE TABLE kept AS SELECT * FROM entry_row")
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let sets = |store: &SqliteStore, history: bool| {
        let snapshot = store.snapshot().unwrap();
        let run = snapshot.find_run(WorkspaceId::default(), "run-a").unwrap();
        let listed = snapshot.read_object_series(run.key).unwrap();
        let scan = ObjectScan {
            series: images.clone(),
            from_step: None,
            to_step: None,
            history,
            after: None,
            limit: 1_000,
        };
        (listed, snapshot.scan_objects(run.key, &scan).unwrap())
    };
    let lines = read_lines(&store, &builder);
    let (visible, all) = (sets(&store, false), sets(&store, true));
    assert_eq!(
        (lines.len(), visible.1.sets.len(), all.1.sets.len()),
        (300, 30, 30)
    );
    store.fold(true).unwrap();
    store.close().unwrap();
    assert_eq!(count(folder.path(), "entry_row"), 0);
    let connection = connect(folder.path());
    connection
        .execute_batch("INSERT INTO entry_row SELECT * FROM kept; DROP TABLE kept;")
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    for _ in 0..2 {
        assert_eq!(read_lines(&store, &builder), lines);
        assert_eq!(
            (sets(&store, false), sets(&store, true)),
            (visible.clone(), all.clone())
        );
        store.fold(true).unwrap();
    }
    store.close().unwrap();
    assert_eq!(count(folder.path(), "entry_row"), 0);
    assert_eq!(check_deep(folder.path()).unwrap().damages, []);
}

#[test]
fn too_much_unfolded_text_slows_writers_down() {
    let folder = TempDir::new().unwrap();
    let options = SqliteOptions {
        unfolded_entry_bytes_max: 10_000,
        stall_millis_max: 1,
        ..quiet()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let long = "x".repeat(12_000);
    store
        .append(builder.log_lines(0, &[&long]).frame())
        .unwrap();
    let next = builder.log_lines(1, &["more"]).frame();
    let refused = store.append(next.clone());
    assert!(
        matches!(refused, Err(StoreError::Overloaded { .. })),
        "{refused:?}"
    );
    store.fold(true).unwrap();
    store.append(next.clone()).unwrap();
    // What is unfolded is counted again when the folder is opened.
    let next = builder.log_lines(2, &[&long]).frame();
    store.append(next).unwrap();
    store.close().unwrap();
    let options = SqliteOptions {
        unfolded_entry_bytes_max: 10_000,
        stall_millis_max: 1,
        ..quiet()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    let refused = store.append(builder.log_lines(3, &["more"]).frame());
    assert!(
        matches!(refused, Err(StoreError::Overloaded { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_run_with_full_logs_takes_no_more_after_it_was_opened_again() {
    let folder = TempDir::new().unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    store
        .append(builder.log_lines(0, &["kept"]).frame())
        .unwrap();
    store.close().unwrap();
    drop(store);
    let full = "UPDATE log_mark SET bytes = 1 << 30";
    assert_eq!(connect(folder.path()).execute(full, []).unwrap(), 1);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    store
        .append(builder.log_lines(1, &["a", "b"]).frame())
        .unwrap();
    assert_eq!(read_lines(&store, &builder), ["kept"]);
    let snapshot = store.snapshot().unwrap();
    let run = snapshot.find_run(WorkspaceId::default(), "run-a").unwrap();
    let warnings = snapshot.read_warnings(run.key).unwrap();
    let told: Vec<_> = warnings
        .iter()
        .map(|one| (one.kind.as_str(), one.count))
        .collect();
    assert_eq!(told, [("logs_full", 2)]);
}

#[test]
fn the_last_lines_of_a_run_are_folded_with_its_end() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let loss = builder.metric("loss");
    builder.log(loss, [(0.0, 1.0)]).log_lines(0, &["the last"]);
    store.append(builder.close().frame()).unwrap();
    store.fold(false).unwrap();
    assert_eq!(store.stats().unwrap().unfolded_points, 0);
    store.close().unwrap();
    drop(store);
    assert_eq!(
        (
            count(folder.path(), "entry_row"),
            count(folder.path(), "entry_block")
        ),
        (0, 1)
    );
}

#[test]
fn a_log_that_can_not_be_folded_keeps_nothing_else_from_it() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let mut other = FrameBuilder::secondary("run-a", 2);
    let loss = builder.metric("loss");
    store
        .append(builder.log_lines(0, &["a"]).log(loss, [(0.0, 1.0)]).frame())
        .unwrap();
    store.append(other.log_lines(0, &["b"]).frame()).unwrap();
    let connection = connect(folder.path());
    let damage =
        "UPDATE entry_row SET head = zeroblob(9) WHERE id = (SELECT max(id) FROM entry_row)";
    assert_eq!(connection.execute(damage, []).unwrap(), 1);
    for _ in 0..2 {
        assert!(matches!(store.fold(true), Err(StoreError::Corrupt(_))));
    }
    // The points and the other log are folded, and what is left is one row, not more.
    assert_eq!(store.stats().unwrap().unfolded_points, 0);
    assert_eq!(
        (
            count(folder.path(), "entry_row"),
            count(folder.path(), "entry_block")
        ),
        (1, 1)
    );
}
