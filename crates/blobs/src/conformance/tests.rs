//! The suites for a folder, for a bucket of moto, and for the catalogue in memory.

mod flaws;
mod moto;

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;

use super::interleavings::{check_tally, run_interleaving, run_seeds, runtime, seeds};
use super::{Bench, MemoryCatalogue, bytes_of, digest_of};
use crate::{Begun, BlobError, Place, UploadRequest};

fn folder() -> (Place, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    (Place::Folder(root.path().join("blobs")), root)
}

mod catalogue_in_memory {
    crate::catalogue_suite!(crate::conformance::MemoryCatalogue::new);
}

mod place_folder {
    crate::place_suite!(super::folder);
}

mod place_bucket {
    crate::place_suite!(super::moto::bucket);
}

#[test]
fn no_interleaving_loses_or_leaves_a_blob_in_a_folder() {
    let root = tempfile::tempdir().unwrap();
    check_tally(run_seeds(seeds(), |seed| {
        let place = Place::Folder(root.path().join(seed.to_string()));
        Bench::open(&place, Arc::new(MemoryCatalogue::new()))
    }));
}

#[test]
fn no_interleaving_loses_or_leaves_a_blob_in_a_bucket() {
    // A bucket is listed as a whole, so many share one, not all. A thread has its own, on a server of
    // its own, as its connections belong to its runtime.
    let buckets = std::sync::Mutex::new(std::collections::BTreeMap::new());
    check_tally(run_seeds(seeds(), |seed| {
        let mut buckets = buckets.lock().unwrap();
        let bucket = buckets
            .entry((seed / 50, seed % 2))
            .or_insert_with(|| super::places::open(&moto::bucket_on(seed as usize % 2)));
        bucket.below(&format!("seed-{seed}"), Arc::new(MemoryCatalogue::new()))
    }));
}

#[test]
fn a_seed_gives_the_same_schedule_again() {
    let run = || {
        let (place, _alive) = folder();
        let bench = Bench::open(&place, Arc::new(MemoryCatalogue::new()));
        run_interleaving(&runtime(), 7, bench).unwrap()
    };
    assert_eq!(run(), run());
}

#[tokio::test]
async fn after_a_failed_sync_a_folder_publishes_nothing() {
    let (place, _alive) = folder();
    let bench = super::places::open(&place);
    bench.blobs.backend.folder().unwrap().fail_syncs();
    let bytes = bytes_of(1, 10);
    let stream = stream::iter([Ok::<_, BlobError>(bytes.clone())]);
    let refused = bench.blobs.put(UploadRequest::default(), stream).await;
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("start the server anew"), "{message}");
    assert_eq!(bench.blobs.head(digest_of(&bytes)).await.unwrap(), None);
}

#[tokio::test]
async fn a_folder_has_no_presigned_addresses() {
    let (place, _alive) = folder();
    let bench = super::places::open(&place);
    let valid = Duration::from_secs(60);
    let digest = digest_of(b"x");
    assert_eq!(
        bench.blobs.presigned_get(digest, valid).await.unwrap(),
        None
    );
    let lease = runstone_model::BlobLeaseId(1);
    assert_eq!(bench.blobs.presigned_put(lease, valid).await.unwrap(), None);
}

#[tokio::test]
async fn a_file_of_a_former_life_is_not_appended_to() {
    let (place, alive) = folder();
    let bench = super::places::open(&place);
    let stale = alive.path().join("blobs/uploads/1");
    std::fs::write(&stale, b"from before the catalogue was restored").unwrap();
    let bytes = bytes_of(1, 5000);
    let stream = stream::iter([Ok::<_, BlobError>(bytes.clone())]);
    let stored = bench.blobs.put(UploadRequest::default(), stream).await;
    assert_eq!(
        bench.blobs.verify(stored.unwrap().digest).await.unwrap(),
        5000
    );
}

#[tokio::test]
async fn the_layout_of_a_folder_is_the_one_described() {
    let (place, alive) = folder();
    let bench = super::places::open(&place);
    let stream = stream::iter([Ok::<_, BlobError>(bytes::Bytes::from_static(b"abc"))]);
    bench
        .blobs
        .put(UploadRequest::default(), stream)
        .await
        .unwrap();
    let file = alive
        .path()
        .join("blobs/sha256/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(std::fs::read(file).unwrap(), b"abc");
}

/// What a client puts into the bucket itself becomes a blob only when it is what was announced.
#[tokio::test]
async fn a_presigned_upload_is_verified_before_it_is_seen() {
    let (place, _alive) = moto::bucket();
    let bench: Bench<MemoryCatalogue> = super::places::open(&place);
    let blobs = &bench.blobs;
    let valid = Duration::from_secs(600);
    for size in [100, 4321] {
        let bytes = bytes_of(size, size as usize);
        let digest = digest_of(&bytes);
        let request = UploadRequest {
            digest: Some(digest),
            ..UploadRequest::default()
        };
        let Ok(Begun::Upload(upload)) = blobs.begin(request).await else {
            panic!("nothing is there yet");
        };
        let lease = upload.lease();
        let early = blobs.adopt(lease, request).await;
        assert!(matches!(early, Err(BlobError::NotFound(_))), "{early:?}");
        let url = blobs.presigned_put(lease, valid).await.unwrap().unwrap();
        let other = bytes_of(99, size as usize);
        assert_eq!(moto::request("PUT", &url, &other).await.0, 200);
        assert_eq!(blobs.head(digest).await.unwrap(), None);
        let refused = blobs.adopt(lease, request).await;
        assert!(matches!(refused, Err(BlobError::Invalid(_))), "{refused:?}");
        assert_eq!(blobs.head(digest).await.unwrap(), None);
        // That ended the lease: the next try is a new upload.
        blobs.sweep_uploads().await.unwrap();
        let Ok(Begun::Upload(upload)) = blobs.begin(request).await else {
            panic!("nothing is there yet");
        };
        let url = blobs.presigned_put(upload.lease(), valid).await.unwrap();
        assert_eq!(moto::request("PUT", &url.unwrap(), &bytes).await.0, 200);
        let stored = blobs.adopt(upload.lease(), request).await.unwrap();
        assert_eq!((stored.digest, stored.bytes), (digest, size));
        let url = blobs.presigned_get(digest, valid).await.unwrap().unwrap();
        assert_eq!(moto::request("GET", &url, b"").await, (200, bytes.to_vec()));
    }
    assert_eq!(bench.everything().await.1, []);
}

/// Parts of an upload that nobody finished are gone from the bucket, not only out of sight.
#[tokio::test]
async fn the_parts_of_an_upload_that_was_left_are_aborted() {
    let (place, _alive) = moto::bucket();
    let Place::S3(s3) = &place else {
        panic!("moto is a bucket");
    };
    let uploads = format!("{}/{}?uploads", s3.endpoint.as_ref().unwrap(), s3.bucket);
    let bench = super::places::open(&place);
    let Ok(Begun::Upload(mut upload)) = bench.blobs.begin(UploadRequest::default()).await else {
        panic!("nothing is there yet");
    };
    upload.write(bytes_of(1, 3500)).await.unwrap();
    drop(upload);
    let (_, listed) = moto::request("GET", &uploads, b"").await;
    assert!(String::from_utf8(listed).unwrap().contains("<UploadId>"));
    bench.clock.advance(super::TEST_TIMES.lease);
    assert_eq!(bench.blobs.sweep_uploads().await.unwrap().leases, 1);
    let (_, listed) = moto::request("GET", &uploads, b"").await;
    assert!(!String::from_utf8(listed).unwrap().contains("<UploadId>"));
}
