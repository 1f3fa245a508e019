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

#[test]
fn packs_that_fill_their_pages_hold_each_series_once() {
    let folder = TempDir::new().unwrap();
    let options = SqliteOptions {
        background: false,
        layout: FoldLayout {
            merge_fan_in: FAN_IN,
            ..FoldLayout::default()
        },
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    let mut builder = FrameBuilder::creator("run", 1);
    let names: Vec<String> = (0..150)
        .map(|series| format!("metric/{series:03}"))
        .collect();
    let value = |series: usize, step: u32| {
        let mixed = (series as u32 * 7_919 + step + 1).wrapping_mul(0x9e37_79b9);
        f64::from(mixed >> 8) / 16_777_216.0
    };
    for pass in 0..6 {
        for (series, name) in names.iter().enumerate() {
            let number = builder.metric(name);
            // Of unlike lengths, so that packs end at other series each time.
            let steps = pass * 40..pass * 40 + 13 + (series as u32 * 5 + pass) % 17;
            builder.log(
                number,
                steps.map(|step| (f64::from(step), value(series, step))),
            );
        }
        store.append(builder.frame()).unwrap();
        store.fold(true).unwrap();
        let connection = Connection::open(folder.path().join("runstone.db")).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT (SELECT max(t.id) FROM pack_tier t WHERE t.id <= p.id), p.first_series, p.last_series, \
                 octet_length(p.body) FROM pack p ORDER BY p.id",
            )
            .unwrap();
        let rows = statement.query_map([], |row| {
            let get = |column: usize| row.get::<_, i64>(column);
            Ok((get(0)?, get(1)?, get(2)?, get(3)?))
        });
        let packs: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
        for generation in packs.chunk_by(|one, next| one.0 == next.0) {
            let ends = generation.iter().map(|pack| (pack.1, pack.2));
            assert!(ends.clone().all(|(first, last)| first <= last));
            let ends: Vec<_> = ends.collect();
            assert!(
                ends.windows(2).all(|pair| pair[0].1 < pair[1].0),
                "{packs:?}"
            );
            assert_eq!((ends[0].0, ends[ends.len() - 1].1), (0, 149));
        }
    }
    let snapshot = store.snapshot().unwrap();
    let run = snapshot.find_run(WorkspaceId::default(), "run").unwrap();
    for (series, name) in names.iter().enumerate() {
        let points = all_points(&*snapshot, run.key, &key(name), true, 1_000);
        let mut wanted = Vec::new();
        for pass in 0..6 {
            let steps = pass * 40..pass * 40 + 13 + (series as u32 * 5 + pass) % 17;
            wanted.extend(steps.map(|step| (f64::from(step), value(series, step))));
        }
        let found: Vec<(f64, f64)> = points
            .iter()
            .map(|point| (point.position.step.get(), point.value.as_f64()))
            .collect();
        assert_eq!(found, wanted, "{name}");
    }
    drop(snapshot);
    store.close().unwrap();
    drop(store);
    let report = check_deep(folder.path()).unwrap();
    assert!(report.damages.is_empty(), "{:?}", report.damages);
}
