//! Packs and chunks of a run that is folded again and again stay few, and nothing is lost by it.

use runstone_model::WorkspaceId;
use runstone_store::Store;
use runstone_store::conformance::all_points;
use runstone_store::conformance::testing::{FrameBuilder, key};
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
