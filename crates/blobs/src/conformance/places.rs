//! Scenarios for a place of blobs: what is promised of a folder and of a bucket alike.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream::{self, TryStreamExt as _};
use runstone_model::BlobDigest;

use super::{
    Bench, CatalogueUnderTest as _, MemoryCatalogue, TEST_PIECE_BYTES, TEST_TIMES, bytes_of,
    digest_of,
};
use crate::gate::Hook;
use crate::{Begun, BlobError, Blobs, Place, StoredBlob, Upload, UploadRequest};

/// A place with a catalogue in memory.
pub type PlaceBench = Bench<MemoryCatalogue>;

/// Makes a test of each scenario for a place. `$make` is a function that returns a new, empty
/// [`Place`] and what keeps it alive.
#[macro_export]
macro_rules! place_suite {
    ($make:path) => {
        $crate::place_suite!(@each $make, places:
            blobs_of_all_sizes_come_back_whole_and_in_ranges,
            other_bytes_than_announced_leave_nothing,
            more_bytes_than_permitted_are_refused,
            a_blob_that_is_there_is_not_written_again,
            an_upload_is_not_seen_before_it_ends,
            an_upload_that_was_left_is_swept,
            an_upload_that_broke_off_leaves_nothing,
            an_upload_slower_than_its_lease_is_refused,
            a_lease_is_renewed_while_bytes_come,
            two_uploads_of_one_blob_agree,
            a_large_blob_is_held_in_memory_by_pieces,
            damage_is_found_and_mended,
            what_is_not_there_is_not_found,
        );
        $crate::place_suite!(@each $make, collection:
            an_unwanted_blob_is_deleted_by_the_second_pass,
            an_upload_that_finds_its_blob_marked_keeps_it,
            an_upload_that_meets_the_deletion_of_its_blob_waits,
            a_pass_that_died_is_taken_over,
            a_decision_that_has_aged_is_not_carried_out,
            one_pass_at_a_time,
            foreign_objects_are_left_alone,
        );
    };
    (@each $make:path, $module:ident: $($scenario:ident,)+) => {
        $(
            #[tokio::test]
            async fn $scenario() {
                let (place, _alive) = $make();
                let bench = $crate::conformance::places::open(&place);
                $crate::conformance::$module::$scenario(bench).await;
            }
        )+
    };
}

/// A bench in a new, empty place.
pub fn open(place: &Place) -> PlaceBench {
    Bench::open(place, Arc::new(MemoryCatalogue::new()))
}

pub(super) fn announced(bytes: &[u8]) -> UploadRequest {
    UploadRequest {
        digest: Some(digest_of(bytes)),
        bytes: Some(bytes.len() as u64),
        ..UploadRequest::default()
    }
}

/// In pieces that fit no part.
pub(super) fn pieces(
    bytes: &Bytes,
) -> impl futures_util::Stream<Item = Result<Bytes, BlobError>> + use<> {
    let pieces: Vec<_> = bytes.chunks(333).map(Bytes::copy_from_slice).collect();
    stream::iter(pieces.into_iter().map(Ok))
}

pub(super) async fn put(blobs: &Blobs, bytes: &Bytes) -> StoredBlob {
    blobs
        .put(UploadRequest::default(), pieces(bytes))
        .await
        .unwrap()
}

/// Puts bytes and refers to them.
pub(super) async fn keep(bench: &PlaceBench, owner: &str, bytes: &Bytes) -> BlobDigest {
    let stored = put(&bench.blobs, bytes).await;
    let added = bench
        .catalogue
        .add_reference(owner, stored.digest, stored.lease);
    added.unwrap();
    stored.digest
}

pub(super) async fn begin(blobs: &Blobs, request: UploadRequest) -> Upload {
    match blobs.begin(request).await.unwrap() {
        Begun::Upload(upload) => *upload,
        Begun::AlreadyThere(stored) => panic!("{stored:?} is there"),
    }
}

async fn read(blobs: &Blobs, digest: BlobDigest, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let read = blobs.read(digest, range).await.unwrap();
    let pieces: Vec<Bytes> = read.stream.try_collect().await.unwrap();
    pieces.concat()
}

/// Notes the steps that pass.
fn recorder() -> (Hook, Arc<Mutex<Vec<&'static str>>>) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let noted = steps.clone();
    let hook: Hook = Arc::new(move |step| {
        noted.lock().unwrap().push(step);
        Box::pin(async {})
    });
    (hook, steps)
}

/// See its name.
pub async fn blobs_of_all_sizes_come_back_whole_and_in_ranges(bench: PlaceBench) {
    let piece = TEST_PIECE_BYTES;
    let sizes = [0, 1, piece - 1, piece, piece + 1, 3 * piece, 7 * piece + 5];
    for (seed, size) in sizes.into_iter().enumerate() {
        let bytes = bytes_of(seed as u64, size);
        let digest = digest_of(&bytes);
        // Those at even places are announced, and go straight to where they will be.
        let request = match seed % 2 {
            0 => announced(&bytes),
            _ => UploadRequest::default(),
        };
        let stored = bench.blobs.put(request, pieces(&bytes)).await.unwrap();
        assert_eq!((stored.digest, stored.bytes), (digest, size as u64));
        assert!(!stored.already_there);
        assert_eq!(bench.blobs.head(digest).await.unwrap(), Some(size as u64));
        assert_eq!(bench.blobs.verify(digest).await.unwrap(), size as u64);
        assert_eq!(read(&bench.blobs, digest, None).await, bytes);
        for (from, to) in [
            (0, 0),
            (0, size),
            (size / 3, size),
            (size / 2, size / 2 + 1),
        ] {
            if to <= size {
                let range = from as u64..to as u64;
                assert_eq!(
                    read(&bench.blobs, digest, Some(range)).await,
                    bytes[from..to]
                );
            }
        }
        let outside = bench.blobs.read(digest, Some(0..size as u64 + 1)).await;
        assert!(matches!(outside, Err(BlobError::Invalid(_))));
    }
    let (blobs, uploads) = bench.everything().await;
    assert_eq!((blobs.len(), uploads), (sizes.len(), Vec::new()));
}

/// See its name.
pub async fn other_bytes_than_announced_leave_nothing(bench: PlaceBench) {
    for size in [50, 5 * TEST_PIECE_BYTES + 1] {
        let bytes = bytes_of(1, size);
        let other = bytes_of(2, size);
        let wrong = UploadRequest {
            digest: Some(digest_of(&other)),
            ..UploadRequest::default()
        };
        let error = bench.blobs.put(wrong, pieces(&bytes)).await.unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, BlobError::Invalid(_)), "{message}");
        assert!(
            message.contains(&digest_of(&bytes).to_string()),
            "{message}"
        );
        assert!(
            message.contains(&digest_of(&other).to_string()),
            "{message}"
        );
        let short = UploadRequest {
            bytes: Some(size as u64 + 1),
            ..UploadRequest::default()
        };
        let error = bench.blobs.put(short, pieces(&bytes)).await.unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, BlobError::Invalid(_)), "{message}");
        assert!(message.contains(&format!("has {size} bytes")), "{message}");
        assert!(
            message.contains(&format!("{} bytes", size + 1)),
            "{message}"
        );
        assert_eq!(bench.everything().await, (Vec::new(), Vec::new()));
        assert_eq!(bench.catalogue.counts(), (0, 0));
    }
}

/// See its name.
pub async fn more_bytes_than_permitted_are_refused(bench: PlaceBench) {
    let bytes = bytes_of(1, 3 * TEST_PIECE_BYTES);
    let limits = [
        UploadRequest {
            bytes_max: Some(bytes.len() as u64 - 1),
            ..UploadRequest::default()
        },
        UploadRequest {
            bytes: Some(bytes.len() as u64 - 1),
            ..UploadRequest::default()
        },
    ];
    for request in limits {
        let refused = bench.blobs.put(request, pieces(&bytes)).await;
        assert!(
            matches!(refused, Err(BlobError::TooLarge(_))),
            "{refused:?}"
        );
    }
    let huge = UploadRequest {
        bytes: Some(101 * TEST_PIECE_BYTES as u64),
        ..UploadRequest::default()
    };
    assert!(matches!(
        bench.blobs.begin(huge).await,
        Err(BlobError::TooLarge(_))
    ));
    assert_eq!(bench.everything().await, (Vec::new(), Vec::new()));
    assert_eq!(bench.catalogue.counts(), (0, 0));
}

/// See its name.
pub async fn a_blob_that_is_there_is_not_written_again(bench: PlaceBench) {
    for size in [10, 7 * TEST_PIECE_BYTES] {
        let bytes = bytes_of(size as u64, size);
        let first = put(&bench.blobs, &bytes).await;
        let (hook, steps) = recorder();
        let blobs = bench.through(hook);
        let second = put(&blobs, &bytes).await;
        assert!(second.already_there && !first.already_there);
        assert_ne!(first.lease, second.lease);
        let third = blobs.put(announced(&bytes), pieces(&bytes)).await.unwrap();
        assert!(third.already_there);
        let publishes = ["put the object", "rename the file", "complete the upload"];
        let steps = steps.lock().unwrap().clone();
        assert!(
            !steps.iter().any(|step| publishes.contains(step)),
            "{steps:?}"
        );
        let other_size = UploadRequest {
            bytes: Some(size as u64 + 1),
            ..announced(&bytes)
        };
        let refused = bench.blobs.begin(other_size).await;
        assert!(matches!(refused, Err(BlobError::Invalid(_))));
    }
    let (blobs, uploads) = bench.everything().await;
    assert_eq!((blobs.len(), uploads), (2, Vec::new()));
}

/// See its name.
pub async fn an_upload_is_not_seen_before_it_ends(bench: PlaceBench) {
    let bytes = bytes_of(1, 5 * TEST_PIECE_BYTES);
    for request in [UploadRequest::default(), announced(&bytes)] {
        let mut upload = begin(&bench.blobs, request).await;
        for piece in bytes.chunks(TEST_PIECE_BYTES) {
            upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
            assert_eq!(bench.blobs.head(digest_of(&bytes)).await.unwrap(), None);
        }
        upload.abort().await.unwrap();
        assert_eq!(bench.everything().await, (Vec::new(), Vec::new()));
    }
}

/// See its name.
pub async fn an_upload_that_was_left_is_swept(bench: PlaceBench) {
    let bytes = bytes_of(1, 5 * TEST_PIECE_BYTES);
    let living = begin(&bench.blobs, UploadRequest::default()).await;
    for request in [UploadRequest::default(), announced(&bytes)] {
        let mut upload = begin(&bench.blobs, request).await;
        upload.write(bytes.slice(..2500)).await.unwrap();
        drop(upload);
    }
    assert_eq!(bench.blobs.sweep_uploads().await.unwrap().leases, 0);
    bench.clock.advance(TEST_TIMES.lease / 2);
    let lease = living.lease();
    let renewed = bench.blobs.bind_lease(lease, digest_of(b"x")).await;
    renewed.unwrap();
    bench.clock.advance(TEST_TIMES.lease / 2);
    let report = bench.blobs.sweep_uploads().await.unwrap();
    assert_eq!((report.leases, report.failure), (2, None));
    assert_eq!(bench.everything().await, (Vec::new(), Vec::new()));
    assert_eq!(bench.catalogue.counts(), (1, 0));
}

/// See its name.
pub async fn an_upload_that_broke_off_leaves_nothing(bench: PlaceBench) {
    let bytes = bytes_of(1, 3 * TEST_PIECE_BYTES);
    let cut = stream::iter([Ok(bytes.clone()), Err("connection reset")]);
    let refused = bench.blobs.put(UploadRequest::default(), cut).await;
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("connection reset"), "{message}");
    assert_eq!(bench.everything().await, (Vec::new(), Vec::new()));
    assert_eq!(bench.catalogue.counts(), (0, 0));
}

/// See its name.
pub async fn an_upload_slower_than_its_lease_is_refused(bench: PlaceBench) {
    for size in [10, 3 * TEST_PIECE_BYTES] {
        let bytes = bytes_of(1, size);
        let mut upload = begin(&bench.blobs, announced(&bytes)).await;
        upload.write(bytes.slice(..size - 1)).await.unwrap();
        bench.clock.advance(TEST_TIMES.lease);
        bench.blobs.sweep_uploads().await.unwrap();
        let written = upload.write(bytes.slice(size - 1..)).await;
        assert!(
            matches!(written, Err(BlobError::Conflict(_))),
            "{written:?}"
        );
        let finished = upload.finish().await;
        assert!(
            matches!(finished, Err(BlobError::Conflict(_))),
            "{finished:?}"
        );
        // Nobody looked at the clock: the lease is as good as it was.
        let mut lucky = begin(&bench.blobs, announced(&bytes)).await;
        lucky.write(bytes.clone()).await.unwrap();
        bench.clock.advance(TEST_TIMES.lease);
        lucky.finish().await.unwrap();
        bench.blobs.sweep_uploads().await.unwrap();
        for _ in 0..2 {
            bench.clock.advance(TEST_TIMES.grace);
            bench.blobs.sweep_uploads().await.unwrap();
            bench.blobs.collect().await.unwrap();
        }
        assert_eq!(bench.everything().await, (Vec::new(), Vec::new()));
    }
}

/// See its name.
pub async fn a_lease_is_renewed_while_bytes_come(bench: PlaceBench) {
    let bytes = bytes_of(1, 50);
    let mut upload = begin(&bench.blobs, announced(&bytes)).await;
    for piece in bytes.chunks(1) {
        upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
        bench.clock.advance(TEST_TIMES.lease / 2);
        bench.blobs.sweep_uploads().await.unwrap();
    }
    upload.finish().await.unwrap();
}

/// See its name.
pub async fn two_uploads_of_one_blob_agree(bench: PlaceBench) {
    let bytes = bytes_of(1, 4 * TEST_PIECE_BYTES);
    let mut first = begin(&bench.blobs, announced(&bytes)).await;
    let mut second = begin(&bench.blobs, announced(&bytes)).await;
    let mut third = begin(&bench.blobs, UploadRequest::default()).await;
    for piece in bytes.chunks(700).map(Bytes::copy_from_slice) {
        first.write(piece.clone()).await.unwrap();
        second.write(piece.clone()).await.unwrap();
        third.write(piece).await.unwrap();
    }
    let first = first.finish().await.unwrap();
    let second = second.finish().await.unwrap();
    let third = third.finish().await.unwrap();
    assert_eq!((first.digest, first.digest), (second.digest, third.digest));
    assert!(third.already_there);
    assert_eq!(bench.blobs.verify(first.digest).await.unwrap(), 4000);
    assert_eq!(bench.everything().await, (vec![first.digest], Vec::new()));
}

/// Bytes that are counted as long as somebody holds them.
struct Counted {
    bytes: Vec<u8>,
    held: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes.len(), Ordering::SeqCst);
    }
}

/// See its name: what is gathered, and two parts on their way.
pub async fn a_large_blob_is_held_in_memory_by_pieces(bench: PlaceBench) {
    let held = Arc::new(AtomicUsize::new(0));
    let mut upload = begin(&bench.blobs, UploadRequest::default()).await;
    let mut most = 0;
    for _ in 0..500 {
        held.fetch_add(200, Ordering::SeqCst);
        let counted = Counted {
            bytes: vec![7; 200],
            held: held.clone(),
        };
        upload.write(Bytes::from_owner(counted)).await.unwrap();
        most = most.max(held.load(Ordering::SeqCst));
    }
    assert!(most <= 3 * TEST_PIECE_BYTES, "{most} bytes were held");
    assert_eq!(upload.finish().await.unwrap().bytes, 100_000);
}

/// See its name.
pub async fn damage_is_found_and_mended(bench: PlaceBench) {
    let bytes = bytes_of(1, 2500);
    let digest = keep(&bench, "owner", &bytes).await;
    bench.damage(digest, bytes_of(2, 2500)).await;
    let damaged = bench.blobs.verify(digest).await;
    assert!(matches!(damaged, Err(BlobError::Corrupt(_))), "{damaged:?}");
    let request = UploadRequest {
        rewrite: true,
        ..announced(&bytes)
    };
    let stored = bench.blobs.put(request, pieces(&bytes)).await.unwrap();
    assert!(!stored.already_there);
    assert_eq!(bench.blobs.verify(digest).await.unwrap(), 2500);
}

/// See its name.
pub async fn what_is_not_there_is_not_found(bench: PlaceBench) {
    let digest = digest_of(b"nothing");
    assert_eq!(bench.blobs.head(digest).await.unwrap(), None);
    let read = bench.blobs.read(digest, None).await.err();
    assert!(matches!(read, Some(BlobError::NotFound(_))), "{read:?}");
    let verified = bench.blobs.verify(digest).await;
    assert!(
        matches!(verified, Err(BlobError::NotFound(_))),
        "{verified:?}"
    );
    let report = bench.blobs.collect().await.unwrap();
    assert_eq!(report, crate::CollectReport::default());
}
