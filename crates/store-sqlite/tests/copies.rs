//! Copies of a folder that is in use.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use runstone_model::WorkspaceId;
use runstone_store::conformance::all_points;
use runstone_store::conformance::testing::{FrameBuilder, key};
use runstone_store::{Point, Store, StoreError};
use runstone_store_sqlite::{SqliteOptions, SqliteStore, check};
use runstone_wire::FrameStatus;
use tempfile::TempDir;

fn append(store: &SqliteStore, builder: &mut FrameBuilder) -> FrameStatus {
    let loss = builder.metric("loss");
    let first = builder.next_slot();
    let points = (0..200).map(|index| ((first + index) as f64, (first * index) as f64));
    let frame = builder.log(loss, points).frame();
    store.append(frame).unwrap().status
}

fn points(store: &SqliteStore) -> Vec<Point> {
    let snapshot = store.snapshot().unwrap();
    let run = snapshot.find_run(WorkspaceId::default(), "run-a").unwrap();
    all_points(snapshot.as_ref(), run.key, &key("loss"), true, 5_000)
}

#[test]
fn a_copy_made_while_frames_come_in_has_everything_acknowledged_before() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
    let is_over = AtomicBool::new(false);
    let acknowledged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let (store, is_over, acknowledged) = (&store, &is_over, &acknowledged);
        let writer = scope.spawn(move || {
            let mut builder = FrameBuilder::creator("run-a", 1);
            while !is_over.load(Ordering::Acquire) {
                assert_eq!(append(store, &mut builder), FrameStatus::Applied);
                acknowledged.fetch_add(200, Ordering::AcqRel);
            }
            builder
        });
        while acknowledged.load(Ordering::Acquire) < 20_000 {
            std::thread::yield_now();
        }
        for number in 0..3 {
            let before = acknowledged.load(Ordering::Acquire);
            let target = folder.path().join(format!("copy-{number}"));
            let report = store.back_up(&target, &mut |_| Ok(())).unwrap();
            // Opened and read while the original goes on.
            let copy = SqliteStore::open(&target, SqliteOptions::default()).unwrap();
            assert_eq!(copy.change_number().unwrap(), report.change);
            let copied = points(&copy);
            assert!(
                copied.len() as u64 >= before,
                "{} of {before}",
                copied.len()
            );
            let original = points(store);
            assert!(copied.len() <= original.len());
            assert_eq!(
                format!("{copied:?}"),
                format!("{:?}", &original[..copied.len()])
            );
            // Clients tell the two apart.
            assert_eq!(copy.identity().store, store.identity().store);
            assert_ne!(copy.identity().incarnation, store.identity().incarnation);
            copy.close().unwrap();
            assert_eq!(check(&target).unwrap().damages, Vec::<String>::new());
        }
        is_over.store(true, Ordering::Release);
        let mut builder = writer.join().unwrap();
        // A writer that meets a copy is told how far that one got.
        let copy = SqliteStore::open(&folder.path().join("copy-2"), SqliteOptions::default());
        let copy = copy.unwrap();
        let mark = copy.read_writer_mark(builder.writer()).unwrap().unwrap();
        assert_eq!(append(&copy, &mut builder), FrameStatus::Mismatch);
        assert_eq!(copy.read_writer_mark(builder.writer()).unwrap(), Some(mark));
    });
}

#[test]
fn a_copy_is_for_its_user_alone_and_never_written_over_something() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
    append(&store, &mut FrameBuilder::creator("run-a", 1));
    let target = folder.path().join("copy");
    let report = store.back_up(&target, &mut |_| Ok(())).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&target), 0o700);
    let database = target.join("runstone.db");
    assert_eq!(mode(&database), 0o600);
    assert_eq!(fs::metadata(&database).unwrap().len(), report.bytes);
    assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
    let error = store.back_up(&target, &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error}");
    let error = store.back_up(&folder.path().join("no/such/place"), &mut |_| Ok(()));
    let error = error.unwrap_err();
    assert!(
        matches!(error, StoreError::Invalid(_)) && error.to_string().contains("hint: "),
        "{error}"
    );
    store.close().unwrap();
    let error = store
        .back_up(&folder.path().join("late"), &mut |_| Ok(()))
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}
