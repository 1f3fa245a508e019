//! Scenarios for sweeping and garbage collection in a place; those of [`super::places`] go on here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use runstone_model::BlobDigest;

use super::places::{PlaceBench, announced, begin, keep, put};
use super::{CatalogueUnderTest as _, TEST_TIMES, bytes_of};
use crate::gate::Hook;
use crate::{BlobError, UploadRequest};

/// See its name.
pub async fn an_unwanted_blob_is_deleted_by_the_second_pass(bench: PlaceBench) {
    let kept = keep(&bench, "kept", &bytes_of(1, 100)).await;
    let dropped = keep(&bench, "dropped", &bytes_of(2, 2000)).await;
    bench.catalogue.remove_reference("dropped");
    let first = bench.blobs.collect().await.unwrap();
    assert_eq!((first.seen, first.deleted), (2, 0));
    bench
        .clock
        .advance(TEST_TIMES.grace - Duration::from_secs(1));
    assert_eq!(bench.blobs.collect().await.unwrap().deleted, 0);
    assert_eq!(bench.blobs.head(dropped).await.unwrap(), Some(2000));
    bench.clock.advance(Duration::from_secs(1));
    let last = bench.blobs.collect().await.unwrap();
    assert_eq!((last.seen, last.deleted, last.deleted_bytes), (2, 1, 2000));
    assert_eq!(last.failure, None);
    assert_eq!(bench.everything().await, (vec![kept], Vec::new()));
    assert_eq!(bench.catalogue.counts(), (0, 0));
}

/// See its name.
pub async fn an_upload_that_finds_its_blob_marked_keeps_it(bench: PlaceBench) {
    let bytes = bytes_of(1, 100);
    let stored = put(&bench.blobs, &bytes).await;
    bench.blobs.give_up(stored.lease).await.unwrap();
    bench.blobs.collect().await.unwrap();
    bench.clock.advance(TEST_TIMES.grace);
    let digest = keep(&bench, "owner", &bytes).await;
    assert_eq!(bench.blobs.collect().await.unwrap().deleted, 0);
    assert_eq!(bench.everything().await.0, [digest]);
}

/// Everything up to the moment at which a pass has decided to delete `bytes` and has not done so.
async fn decide_to_delete(bench: &PlaceBench, bytes: &Bytes) -> BlobDigest {
    let stored = put(&bench.blobs, bytes).await;
    bench.blobs.give_up(stored.lease).await.unwrap();
    bench.blobs.collect().await.unwrap();
    bench.clock.advance(TEST_TIMES.grace);
    let (halted, halt) = tokio::sync::oneshot::channel();
    let halted = Mutex::new(Some(halted));
    let hook: Hook = Arc::new(move |step| {
        if step != "delete the blobs" {
            return Box::pin(async {});
        }
        halted.lock().unwrap().take().map(|halted| halted.send(()));
        Box::pin(std::future::pending())
    });
    let blobs = bench.through(hook);
    tokio::select! {
        ended = blobs.collect() => panic!("{ended:?}"),
        halted = halt => halted.unwrap(),
    }
    stored.digest
}

/// See its name.
pub async fn an_upload_that_meets_the_deletion_of_its_blob_waits(bench: PlaceBench) {
    let bytes = bytes_of(1, 2500);
    let mut early = begin(&bench.blobs, UploadRequest::default()).await;
    early.write(bytes.clone()).await.unwrap();
    let digest = decide_to_delete(&bench, &bytes).await;
    let refused = bench.blobs.begin(announced(&bytes)).await.err();
    assert!(
        matches!(refused, Some(BlobError::Unavailable { .. })),
        "{refused:?}"
    );
    bench.clock.advance(TEST_TIMES.deletion_settles);
    let waits = early.finish().await;
    assert!(
        matches!(waits, Err(BlobError::Unavailable { .. })),
        "{waits:?}"
    );
    assert_eq!(bench.blobs.collect().await.unwrap().taken_over, 1);
    assert_eq!(bench.blobs.head(digest).await.unwrap(), None);
    // The bytes have come once and need not come again.
    let stored = early.finish().await.unwrap();
    assert!(!stored.already_there);
    bench
        .catalogue
        .add_reference("owner", digest, stored.lease)
        .unwrap();
    assert_eq!(bench.blobs.verify(digest).await.unwrap(), 2500);
}

/// See its name.
pub async fn a_pass_that_died_is_taken_over(bench: PlaceBench) {
    decide_to_delete(&bench, &bytes_of(1, 100)).await;
    bench
        .clock
        .advance(TEST_TIMES.deletion_settles - Duration::from_secs(1));
    let early = bench.blobs.collect().await.unwrap();
    assert_eq!((early.taken_over, early.deleted), (0, 0));
    bench.clock.advance(Duration::from_secs(1));
    let report = bench.blobs.collect().await.unwrap();
    assert_eq!((report.taken_over, report.deleted), (1, 1));
    assert_eq!(bench.everything().await, (Vec::new(), Vec::new()));
    assert_eq!(bench.catalogue.counts(), (0, 0));
}

/// See its name.
pub async fn a_decision_that_has_aged_is_not_carried_out(bench: PlaceBench) {
    let bytes = bytes_of(1, 100);
    let stored = put(&bench.blobs, &bytes).await;
    bench.blobs.give_up(stored.lease).await.unwrap();
    bench.blobs.collect().await.unwrap();
    bench.clock.advance(TEST_TIMES.grace);
    let clock = bench.clock.clone();
    let hook: Hook = Arc::new(move |step| {
        if step == "delete the blobs" {
            clock.advance(TEST_TIMES.deletion_settles / 2);
        }
        Box::pin(async {})
    });
    let report = bench.through(hook).collect().await.unwrap();
    assert_eq!(report.deleted, 0);
    assert!(report.failure.unwrap().contains("has aged"));
    assert_eq!(bench.blobs.head(stored.digest).await.unwrap(), Some(100));
}

/// See its name.
pub async fn one_pass_at_a_time(bench: PlaceBench) {
    let held = bench.blobs.collecting.clone();
    let _pass = held.lock().await;
    let second = bench.blobs.collect().await;
    assert!(matches!(second, Err(BlobError::Conflict(_))), "{second:?}");
}

/// See its name.
pub async fn foreign_objects_are_left_alone(bench: PlaceBench) {
    bench.put_foreign("sha256/ab/notes.txt").await;
    bench.put_foreign("uploads/README").await;
    for _ in 0..3 {
        let report = bench.blobs.collect().await.unwrap();
        assert_eq!((report.seen, report.foreign, report.deleted), (0, 1, 0));
        let swept = bench.blobs.sweep_uploads().await.unwrap();
        assert_eq!(swept, crate::SweepReport::default());
        bench.clock.advance(TEST_TIMES.grace);
    }
}
