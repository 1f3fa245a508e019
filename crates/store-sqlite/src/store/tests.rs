use super::*;
use crate::{FoldLayout, FoldLimits};
use runstone_model::WorkspaceId;
use runstone_store::conformance::testing::FrameBuilder;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use tracing::span;

/// Counts what is logged.
#[derive(Clone, Default)]
struct Logged(Arc<AtomicUsize>);

impl tracing::Subscriber for Logged {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

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

#[test]
fn a_fold_that_a_close_cuts_off_says_nothing_and_is_done_later() {
    let folder = tempfile::tempdir().unwrap();
    let shared: Arc<OnceLock<Arc<WriterShared>>> = Arc::default();
    let (closing, looks) = (Arc::clone(&shared), AtomicUsize::new(0));
    let options = SqliteOptions {
        // The first look finds the run due, the second stands between two passes over it.
        clock: Arc::new(move || {
            if let Some(shared) = closing.get()
                && looks.fetch_add(1, Ordering::Relaxed) == 1
            {
                shared.close();
            }
            Timestamp::from_micros(1_700_000_000_000_000)
        }),
        fold: FoldLimits {
            frames: 1,
            ..FoldLimits::default()
        },
        layout: FoldLayout {
            pass_points_max: 3,
            ..FoldLayout::default()
        },
        ..quiet()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let loss = builder.metric("loss");
    for frame in 0..6 {
        let points = (0..3).map(|point| (f64::from(frame * 3 + point), 1.0));
        store.append(builder.log(loss, points).frame()).unwrap();
    }
    shared.set(Arc::clone(&store.inner.shared)).unwrap();
    let logged = Logged::default();
    tracing::subscriber::with_default(logged.clone(), || store.inner.folding.run());
    assert!(store.snapshot().is_err(), "the store was never closed");
    assert_eq!(logged.0.load(Ordering::Relaxed), 0);
    drop(store);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let left = store.stats().unwrap().unfolded_points;
    assert!((1..18).contains(&left), "{left} points are not folded");
    store.fold(true).unwrap();
    assert_eq!(store.stats().unwrap().unfolded_points, 0);
}
