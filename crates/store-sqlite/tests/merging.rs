//! Packs and chunks of a run that is folded again and again stay few, and nothing is lost by it.

use runstone_model::WorkspaceId;
use runstone_store::conformance::all_points;
use runstone_store::conformance::testing::{FrameBuilder, key};
use runstone_store::{Store, StoreError};
use runstone_store_sqlite::{FoldLayout, SqliteOptions, SqliteStore, check_deep};
use rusqlite::Connection;
use tempfile::TempDir;

const PASSES: u32 = 150;
const FAN_IN: usize = 4;
/// Full chunks have 64 points; those below half of that are small.
const CHUNK_POINTS: usize = 64;

#[test]
fn a_run_folded_often_has_few_packs_and_few_small_chunks() {
    let folder = TempDir::new().unwrap();
    let options = SqliteOptions {
        background: false,
        layout: FoldLayout {
            chunk_points_min: 8,
            chunk_points: CHUNK_POINTS,
            merge_fan_in: FAN_IN,
            ..FoldLayout::default()
        },
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    let mut builder = FrameBuilder::creator("run", 1);
    let (rare, often) = (builder.metric("rare"), builder.metric("often"));
    for pass in 0..PASSES {
        // Chunks of ten points at once, and packs of one; each fifth pass brings no rare one.
        let steps = pass * 10..(pass + 1) * 10;
        builder.log(often, steps.map(|step| (f64::from(step), f64::from(step))));
        if pass % 5 != 0 {
            builder.log(rare, [(f64::from(pass), f64::from(pass))]);
        }
        store.append(builder.frame()).unwrap();
        store.fold(true).unwrap();
    }
    let snapshot = store.snapshot().unwrap();
    let run = snapshot.find_run(WorkspaceId::default(), "run").unwrap();
    let count = |name: &str| all_points(&*snapshot, run.key, &key(name), true, 1_000).len();
    assert_eq!(count("often"), 10 * PASSES as usize);
    assert_eq!(count("rare"), (PASSES - PASSES.div_ceil(5)) as usize);
    drop(snapshot);
    store.close().unwrap();

    let connection = Connection::open(folder.path().join("runstone.db")).unwrap();
    let numbers = |sql: &str| -> Vec<i64> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let tiers = numbers("SELECT tier FROM pack_tier ORDER BY id");
    assert!(tiers.iter().any(|tier| *tier >= 1), "{tiers:?}");
    for tier in 0..8 {
        let same = tiers.iter().filter(|of| **of == tier).count();
        assert!(same < FAN_IN, "{tiers:?}");
    }
    // One pack a generation: there are two series.
    assert_eq!(numbers("SELECT count(*) FROM pack"), [tiers.len() as i64]);
    let of_often = "SELECT points FROM chunk WHERE series = (SELECT min(series) FROM chunk \
                    GROUP BY series ORDER BY sum(points) DESC LIMIT 1)";
    let chunks = numbers(of_often);
    assert_eq!(chunks.iter().sum::<i64>(), i64::from(10 * PASSES));
    let small = chunks
        .iter()
        .filter(|points| **points < CHUNK_POINTS as i64 / 2);
    assert!(small.count() < FAN_IN, "{chunks:?}");
    assert!(chunks.len() < PASSES as usize / 3, "{chunks:?}");
    drop(connection);
    let report = check_deep(folder.path()).unwrap();
    assert_eq!(report.damages, []);
}

#[test]
fn a_run_that_has_used_up_its_numbers_of_frames_takes_those_of_folded_ones() {
    let folder = TempDir::new().unwrap();
    let quiet = || SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    };
    let mut builder = FrameBuilder::creator("run", 1);
    let loss = builder.metric("loss");
    let mut step = 0.0;
    let mut next = || {
        step += 1.0;
        builder.log(loss, [(step, step)]).frame()
    };
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    store.append(next()).unwrap();
    store.close().unwrap();
    drop(store);
    // As after some weeks of a frame every tenth of a second.
    let connection = Connection::open(folder.path().join("runstone.db")).unwrap();
    let moved = "UPDATE l0 SET id = ((id >> 24) << 24) + 16777214";
    assert_eq!(connection.execute(moved, []).unwrap(), 1);
    drop(connection);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    store.append(next()).unwrap();
    let refused = next();
    let answer = store.append(refused.clone());
    assert!(
        matches!(answer, Err(StoreError::Overloaded { .. })),
        "{answer:?}"
    );
    store.fold(true).unwrap();
    store.append(refused).unwrap();
    store.append(next()).unwrap();
    let snapshot = store.snapshot().unwrap();
    let run = snapshot.find_run(WorkspaceId::default(), "run").unwrap();
    assert_eq!(
        all_points(&*snapshot, run.key, &key("loss"), true, 10).len(),
        4
    );
    drop(snapshot);
    store.close().unwrap();
    drop(store);
    assert_eq!(check_deep(folder.path()).unwrap().damages, []);
}
