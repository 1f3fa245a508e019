//! Forks on disk: what a purged parent keeps, and when it goes.

use std::path::Path;
use std::time::Duration;

use runstone_model::{RunId, Step, Timestamp, WorkspaceId};
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS, key, open_run};
use runstone_store::conformance::{all_points, point_scan};
use runstone_store::{EditRequest, ReclaimRequest, RunAction, Store};
use runstone_store_sqlite::{SqliteOptions, SqliteStore, check_deep};
use runstone_wire::OpenMode;

fn edit(store: &SqliteStore, id: &str, action: RunAction) {
    let request = EditRequest {
        workspace: WorkspaceId::default(),
        runs: vec![RunId::new(id).unwrap()],
        action,
        at: Timestamp::from_micros(TEST_EPOCH_MICROS),
    };
    store.edit(&request).unwrap();
}

fn reclaim(store: &SqliteStore) {
    let request = ReclaimRequest {
        at: Timestamp::from_micros(TEST_EPOCH_MICROS),
        trash_seconds: None,
        longest: Duration::from_secs(60),
    };
    assert!(store.reclaim(&request).unwrap().done);
}

/// Rows that hold points, and rows of words.
fn rows(folder: &Path) -> (i64, i64) {
    let database = rusqlite::Connection::open(folder.join("runstone.db")).unwrap();
    let count = |tables: &[&str]| -> i64 {
        let counts = tables.iter().map(|table| {
            database
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get::<_, i64>(0)
                })
                .unwrap_or_else(|error| panic!("{table}: {error}"))
        });
        counts.sum()
    };
    (
        count(&[
            "l0",
            "pack",
            "chunk",
            "run_summary",
            "run_mark",
            "fork",
            "purge",
        ]),
        count(&["run", "param", "event", "run_tag"]),
    )
}

#[test]
fn a_purged_parent_keeps_its_points_for_its_forks_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    let points: Vec<(f64, f64)> = (0..5_000).map(|step| (f64::from(step), 0.5)).collect();
    let mut parent = FrameBuilder::creator("parent", 1);
    let loss = parent.metric("loss");
    store
        .append(
            parent
                .set_param("lr", 0.5)
                .log(loss, points.clone())
                .frame(),
        )
        .unwrap();
    let mut child = FrameBuilder::new("child", 2);
    let mut open = open_run(OpenMode::Create);
    open.parent = Some((RunId::new("parent").unwrap(), Step::new(2_999.0).unwrap()));
    store.append(child.open(true, open).frame()).unwrap();
    store.fold(true).unwrap();
    // The parent goes on, and is folded again, so that its chunks hold later points too.
    store.append(parent.log(loss, points).frame()).unwrap();
    store.fold(true).unwrap();
    edit(&store, "parent", RunAction::Delete);
    edit(&store, "parent", RunAction::Purge);
    reclaim(&store);
    let check = |store: &SqliteStore| {
        let snapshot = store.snapshot().unwrap();
        let run = snapshot.find_run(WorkspaceId::default(), "child").unwrap();
        let points = all_points(snapshot.as_ref(), run.key, &key("loss"), false, 1_000);
        assert_eq!(points.len(), 3_000);
        // One page reads no more than it needs.
        let page = snapshot
            .scan_points(run.key, &point_scan(&key("loss"), 10))
            .unwrap();
        assert_eq!(page.points.len(), 10);
        assert!(page.next.is_some());
    };
    check(&store);
    store.close().unwrap();
    drop(store);
    let (with_points, with_words) = rows(folder.path());
    assert!(with_points >= 5, "{with_points}");
    // The child alone: its run, and the events of its creation.
    assert!(with_words <= 4, "{with_words}");
    let report = check_deep(folder.path()).unwrap();
    assert_eq!(report.damages, [], "{report:?}");
    let options = SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    check(&store);
    edit(&store, "child", RunAction::Delete);
    edit(&store, "child", RunAction::Purge);
    reclaim(&store);
    // The parent's turn comes when its last fork is gone.
    reclaim(&store);
    store.close().unwrap();
    drop(store);
    assert_eq!(rows(folder.path()), (0, 0));
    assert_eq!(check_deep(folder.path()).unwrap().damages, []);
}
