//! The deep check: a byte of everything is damaged, and each damage is named.

use std::path::Path;

use runstone_store::Store;
use runstone_store::conformance::testing::{FrameBuilder, key};
use runstone_store_sqlite::{DeepReport, SqliteOptions, SqliteStore, check_deep};
use rusqlite::Connection;
use tempfile::TempDir;

/// A folder with something in every table: chunks, packs, frames that are not folded, a rewind, a
/// removal, a run in the trash and one that was purged.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let options = SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    for (number, run) in (1..).zip(["run-a", "run-b"]) {
        let mut builder = FrameBuilder::creator(run, number);
        builder.set_param("lr", 0.5).change_tags(&["kept"], &[]);
        let loss = builder.metric("loss");
        builder.log(
            loss,
            (0..3_000).map(|step| (f64::from(step), f64::from(step).sin())),
        );
        for index in 0..20 {
            let metric = builder.metric(&format!("short-{index}"));
            builder.log(
                metric,
                (0..9).map(|step| (f64::from(step), f64::from(step * index))),
            );
        }
        log_texts(&mut builder, 0);
        store.append(builder.frame()).unwrap();
        store
            .append(builder.remove(Some(key("short-3")), Some(2.0)).frame())
            .unwrap();
        store.append(builder.rewind(2_500.0).frame()).unwrap();
        store.fold(true).unwrap();
        let late = builder.metric("late");
        builder.log(late, [(1.0, 1.0), (2.0, f64::NAN)]);
        builder.log(loss, [(2_600.0, 7.0)]);
        log_texts(&mut builder, 20);
        store.append(builder.frame()).unwrap();
    }
    store.close().unwrap();
    folder
}

/// Lines, records and texts from a number on.
fn log_texts(builder: &mut FrameBuilder, first: u64) {
    let notes = runstone_model::SeriesKey {
        kind: runstone_model::SeriesKind::Text,
        ..key("notes")
    };
    let number = builder.series(&notes, runstone_model::ValueType::F64, false);
    for line in first..first + 20 {
        let text = format!("line {line} of many that are much alike");
        builder.log_lines(line, &[&text]).log_record(20, &text);
        builder.log_objects(number, line as f64, &[&format!("\"{text}\"")]);
    }
}

fn connect(folder: &Path) -> Connection {
    Connection::open(folder.join("runstone.db")).unwrap()
}

#[track_caller]
fn sound(folder: &Path) -> DeepReport {
    let report = check_deep(folder).unwrap();
    assert_eq!(report.damages, []);
    assert_eq!(report.not_compared, None);
    report
}

#[track_caller]
fn named(folder: &Path, words: &[&str]) {
    let report = check_deep(folder).unwrap();
    let found = report.damages.iter().any(|damage| {
        assert!(!damage.hint.is_empty());
        words.iter().all(|word| damage.text.contains(word))
    });
    assert!(found, "{words:?} is not in {:?}", report.damages);
}

/// Turns one byte of a blob, at each of a few places in turn.
fn damage_blob(table: &str, column: &str, words: &[&str]) {
    for place in 1..=4 {
        let folder = folder();
        let connection = connect(folder.path());
        let read = format!("SELECT rowid, {column} FROM {table} ORDER BY rowid LIMIT 1");
        let (row, mut body): (i64, Vec<u8>) = connection
            .query_row(&read, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let at = (body.len() - 1) * place / 4;
        body[at] ^= 0x10;
        let write = format!("UPDATE {table} SET {column} = ?1 WHERE rowid = ?2");
        assert_eq!(connection.execute(&write, (body, row)).unwrap(), 1);
        drop(connection);
        named(folder.path(), words);
    }
}

#[test]
fn a_sound_folder_is_read_whole_and_found_sound() {
    let folder = folder();
    let report = sound(folder.path());
    assert_eq!(report.runs, 2);
    assert_eq!(report.series, 2 * 22);
    assert_eq!(report.points, 2 * (2_501 + 20 * 9 - 1 + 2));
    assert!(report.counted.chunks > 0 && report.counted.packs > 0 && report.counted.frames > 0);
    // It has changed nothing.
    assert_eq!(sound(folder.path()), report);
}

#[test]
fn a_byte_of_a_chunk_is_named() {
    damage_blob("chunk", "data", &["chunk"]);
    damage_blob("chunk", "head", &["chunk"]);
}

#[test]
fn a_byte_of_a_pack_is_named() {
    damage_blob("pack", "body", &["pack"]);
}

#[test]
fn a_byte_of_a_frame_is_named() {
    damage_blob("l0", "body", &["frame"]);
}

#[test]
fn a_byte_of_a_line_record_or_object_is_named() {
    for part in ["head", "data"] {
        damage_blob("entry_block", part, &["block of entries, "]);
        damage_blob("entry_row", part, &["entries as received, "]);
    }
}

#[test]
fn a_byte_of_a_summary_is_named() {
    damage_blob("run_summary", "body", &["summary"]);
}

#[test]
fn a_summary_that_is_whole_and_wrong_is_named() {
    let folder = folder();
    let connection = connect(folder.path());
    // The summary of one run as that of the other, whose points differ.
    connection
        .execute_batch(
            "UPDATE removal SET step = 3.0 WHERE id >> 24 = 2; \
             UPDATE run_summary SET change = 1000 WHERE run = 2;",
        )
        .unwrap();
    drop(connection);
    named(folder.path(), &["summary of short-3", "run-b", "wrong"]);
}

#[test]
fn rows_that_do_not_fit_together_are_named() {
    for (statement, words) in [
        (
            "DELETE FROM run WHERE id = 1",
            &["chunks without their run", "1/0"][..],
        ),
        (
            "DELETE FROM run WHERE id = 2",
            &["frames without their run"],
        ),
        (
            "DELETE FROM run WHERE id = 1",
            &["params without their run"],
        ),
        (
            "DELETE FROM run_mark WHERE run = 1",
            &["runs without their counters", "1/0"],
        ),
        (
            "DELETE FROM writer WHERE id = 2",
            &["bindings without their writer", "2/0"],
        ),
        (
            "DELETE FROM writer_mark WHERE writer = 2",
            &["writers without their mark"],
        ),
        (
            "DELETE FROM pack WHERE id >> 24 = 1",
            &["packs or chunks are missing", "1/"],
        ),
        (
            "DELETE FROM chunk WHERE run = 1",
            &["packs or chunks are missing", "1/"],
        ),
        (
            "INSERT INTO pack_tier VALUES (9 << 24 | 5, 0)",
            &["tiers of packs without their run", "9/5"],
        ),
        (
            "UPDATE pack_tier SET id = id + 1000 WHERE id >> 24 = 1",
            &["tiers of packs without a pack", "1/10"],
        ),
        (
            "DELETE FROM run WHERE id = 2",
            &["lines, records or objects without their run", "2/"],
        ),
        (
            "DELETE FROM log_mark WHERE run = 1 AND kind = 0",
            &["lines or records without the mark", "1/1"],
        ),
        (
            "DELETE FROM object_mark WHERE run = 1",
            &["objects without the mark", "1/"],
        ),
        (
            "UPDATE entry_block SET entries = entries + 1 WHERE run = 2",
            &["block of entries, 2/", "columns say"],
        ),
        (
            "INSERT INTO entry_block SELECT NULL, run, kind, owner, first_key, CAST(last_key || x'00' AS BLOB), \
             entries, bytes, head, data FROM entry_block WHERE run = 1",
            &["that overlap", "1/"],
        ),
        (
            "UPDATE run SET experiment = 77",
            &["runs without their experiment", "1/77"],
        ),
        (
            "UPDATE change SET id = 5000 WHERE id = 3",
            &["journal", "past the newest", "5000"],
        ),
        (
            "UPDATE change SET experiment = 77 WHERE id = 2",
            &["journal", "experiment"],
        ),
        (
            "UPDATE change SET run = 77 WHERE id = 2",
            &["journal", "never was", "77/2"],
        ),
        (
            "UPDATE binding SET body = x'01ff' WHERE id >> 24 = 1",
            &["bindings 1/0"],
        ),
        (
            "INSERT INTO series VALUES (16777216 * 2 + 90, x'01ff')",
            &["series 2/90"],
        ),
        (
            "UPDATE pack SET last_series = last_series + 1 WHERE id >> 24 = 1",
            &["pack 16777216", "not what its row says"],
        ),
        (
            "UPDATE chunk SET first_step = -1.0 WHERE run = 2",
            &["chunk", "not what its row says"],
        ),
        (
            "UPDATE l0 SET points = points + 1 WHERE id >> 24 = 2",
            &["frame", "not what its row says"],
        ),
        (
            "UPDATE run_summary SET points = points + 1 WHERE run = 1",
            &["the summary of run 1", "not what its row says"],
        ),
        (
            "DELETE FROM l0 WHERE id >> 24 = 2",
            &["points are not all there", "2/"],
        ),
        (
            "DELETE FROM run_summary WHERE run = 1",
            &["points are not all there", "1/"],
        ),
        (
            "UPDATE writer_mark SET durable = durable - 1 WHERE writer = 1",
            &["not those of their writers", "1/"],
        ),
        (
            "DELETE FROM cut WHERE id >> 24 = 1",
            &["rewinds are not all there", "1/1"],
        ),
        (
            "DELETE FROM append_writer WHERE run = 1",
            &["no writer has appended", "1/"],
        ),
        (
            "DELETE FROM binding WHERE id >> 24 = 2",
            &["no writer of run 2 has a number for series 0"],
        ),
        (
            "DELETE FROM pack_tier WHERE id >> 24 = 2",
            &["packs that belong to no tier", "2/0"],
        ),
        (
            "DELETE FROM event WHERE id >> 24 = 1",
            &["state is not that of their last event", "1/0"],
        ),
        (
            "UPDATE sequence SET last = 1 WHERE name = 'run'",
            &["would be given again", "1/2"],
        ),
        (
            "DELETE FROM meta WHERE name = 'created_at'",
            &["names of the folder", "0/2"],
        ),
    ] {
        let folder = folder();
        let connection = connect(folder.path());
        assert!(
            connection.execute(statement, []).unwrap() > 0,
            "{statement}"
        );
        drop(connection);
        named(folder.path(), words);
    }
}

#[test]
fn an_index_that_lost_a_row_is_named() {
    let folder = folder();
    let connection = connect(folder.path());
    // As a page of the index that was never written would leave it.
    connection
        .execute_batch(
            "PRAGMA writable_schema = ON; \
             UPDATE sqlite_schema SET sql = \
                 'CREATE INDEX run_by_experiment ON run (experiment, created_at, id) WHERE id > 1' \
             WHERE name = 'run_by_experiment'; PRAGMA writable_schema = RESET; \
             REINDEX run_by_experiment; PRAGMA writable_schema = ON; \
             UPDATE sqlite_schema SET sql = \
                 'CREATE INDEX run_by_experiment ON run (experiment, created_at, id)' \
             WHERE name = 'run_by_experiment';",
        )
        .unwrap();
    drop(connection);
    named(folder.path(), &["run_by_experiment"]);
}
