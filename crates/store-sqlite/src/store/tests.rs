use super::*;
use runstone_model::WorkspaceId;
use runstone_store::conformance::testing::FrameBuilder;

fn quiet() -> SqliteOptions {
    SqliteOptions {
        background: false,
        stall_millis_max: 0,
        ..SqliteOptions::default()
    }
}

#[test]
fn after_a_commit_that_failed_nothing_is_acknowledged_any_more_and_reads_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let loss = builder.metric("loss");
    store
        .append(builder.log(loss, [(0.0, 1.0)]).frame())
        .unwrap();
    let mark = store.read_writer_mark(builder.writer()).unwrap();
    let (reply, done) = sync_channel(1);
    let slice: crate::queue::Slice =
        Box::new(|connection| connection.commit_hook(Some(|| true)).map_err(sql_error));
    store
        .inner
        .shared
        .submit(Job::Slice { slice, reply })
        .unwrap();
    done.recv().unwrap().unwrap_err();
    for _ in 0..2 {
        let error = store
            .append(builder.log(loss, [(1.0, 1.0)]).frame())
            .unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("hint: "), "{error}");
    }
    assert!(store.fold(true).is_err());
    assert_eq!(store.read_writer_mark(builder.writer()).unwrap(), mark);
    let snapshot = store.snapshot().unwrap();
    snapshot.find_run(WorkspaceId::default(), "run-a").unwrap();
    drop(snapshot);
    drop(store);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    assert_eq!(store.read_writer_mark(builder.writer()).unwrap(), mark);
}

#[test]
fn a_closed_store_gives_the_folder_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    store.close().unwrap();
    store.close().unwrap();
    assert!(matches!(
        store.snapshot(),
        Err(StoreError::Unavailable { .. })
    ));
    assert!(matches!(
        store.set_address("x"),
        Err(StoreError::Unavailable { .. })
    ));
    SqliteStore::open(folder.path(), quiet()).unwrap();
}
