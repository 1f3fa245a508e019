//! What every place of blobs and every catalogue is held to.
//!
//! [`places`] and [`collection`] are scenarios for a folder and a bucket, with a catalogue in memory. [`catalogues`] are
//! scenarios for an engine's [`runstone_store::BlobCatalogue`]; its crate makes a [`StoreUnderTest`] and
//! calls [`catalogue_suite!`](crate::catalogue_suite). [`interleavings`] runs uploads, references,
//! deletions, garbage collection and crashes in seeded orders, for any place and any catalogue.
//!
//! This module is compiled with the feature `conformance` only.

#![allow(
    clippy::unwrap_used,
    reason = "these are tests, kept where all engines can call them"
)]

pub mod catalogues;
pub mod collection;
pub mod interleavings;
pub mod places;
mod schedule;
mod stores;
#[cfg(test)]
mod tests;

pub use self::stores::{CatalogueUnderTest, MemoryCatalogue, StoreUnderTest};

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::TryStreamExt as _;
use object_store::{ObjectMeta, ObjectStoreExt as _};
use runstone_model::{BlobDigest, BlobLeaseId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::gate::{Gate, Hook};
use crate::layout::{digest_from_object, lease_from_object};
use crate::{BlobTimes, Blobs, BlobsConfig, Place};

/// A clock that a test moves.
#[derive(Debug, Clone, Default)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// The time it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    /// Moves it on.
    pub fn advance(&self, length: Duration) {
        let micros = i64::try_from(length.as_micros()).expect("a test asks for no such length");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

/// Times of tests, all by [`TestClock`]; nothing waits.
pub const TEST_TIMES: BlobTimes = BlobTimes {
    lease: Duration::from_secs(60),
    grace: Duration::from_secs(125),
    deletion_settles: Duration::from_secs(120),
    deletion_wait: Duration::ZERO,
};
/// Pieces and parts of tests, so that few bytes make many.
pub const TEST_PIECE_BYTES: usize = 1000;

/// A place, a catalogue and a clock.
pub struct Bench<C> {
    /// The blobs.
    pub blobs: Blobs,
    /// Who is referred to.
    pub catalogue: Arc<C>,
    /// The clock of both.
    pub clock: TestClock,
}

impl<C: CatalogueUnderTest> Bench<C> {
    /// Opens a place with the times and pieces of tests.
    pub fn open(place: &Place, catalogue: Arc<C>) -> Self {
        let mut config = BlobsConfig::new(place.clone());
        config.times = TEST_TIMES;
        config.blob_bytes_max = 100 * TEST_PIECE_BYTES as u64;
        if let Place::S3(place) = &mut config.place {
            place.part_bytes = TEST_PIECE_BYTES;
            place.copy_bytes_max = 5 * TEST_PIECE_BYTES as u64;
        }
        let clock = TestClock::default();
        let shown = clock.clone();
        let mut blobs =
            Blobs::open_unchecked(&config, catalogue.clone(), Arc::new(move || shown.now()))
                .unwrap();
        let backend = Arc::get_mut(&mut blobs.backend).expect("nobody else has it yet");
        backend.read_window_bytes = 1700;
        backend.folder_piece_bytes = TEST_PIECE_BYTES;
        Self {
            blobs,
            catalogue,
            clock,
        }
    }

    /// Another bench in the same place, whose names all lie below `prefix`, with a clock and a catalogue
    /// of its own. It shares the connections of this one.
    pub fn below<D: CatalogueUnderTest>(&self, prefix: &str, catalogue: Arc<D>) -> Bench<D> {
        let clock = TestClock::default();
        let shown = clock.clone();
        let blobs = Blobs {
            backend: Arc::new(self.blobs.backend.below(prefix)),
            catalogue: catalogue.clone(),
            clock: Arc::new(move || shown.now()),
            collecting: Arc::default(),
            ..self.blobs.clone()
        };
        Bench {
            blobs,
            catalogue,
            clock,
        }
    }

    /// The same blobs through another server: a gate and passes of its own.
    pub(crate) fn through(&self, hook: Hook) -> Blobs {
        Blobs {
            gate: Gate::with_hook(hook),
            collecting: Arc::default(),
            ..self.blobs.clone()
        }
    }

    /// Puts other bytes where a blob lies.
    pub(crate) async fn damage(&self, digest: BlobDigest, bytes: Bytes) {
        let backend = &self.blobs.backend;
        let path = backend.layout.blob(digest);
        backend.objects.put(&path, bytes.into()).await.unwrap();
    }

    /// Puts something that is not ours where ours lies.
    pub(crate) async fn put_foreign(&self, name: &str) {
        let backend = &self.blobs.backend;
        let mut path = backend.layout.root().clone();
        path.extend(name.split('/'));
        let bytes = Bytes::from_static(b"not ours");
        backend.objects.put(&path, bytes.into()).await.unwrap();
    }

    /// Blobs and uploads that lie in the place, sorted.
    pub async fn everything(&self) -> (Vec<BlobDigest>, Vec<BlobLeaseId>) {
        let backend = &self.blobs.backend;
        let blobs: Vec<ObjectMeta> = backend.list_blobs_unsorted().try_collect().await.unwrap();
        let uploads: Vec<ObjectMeta> = backend.list_uploads_unsorted().try_collect().await.unwrap();
        let mut digests: Vec<_> = blobs.iter().filter_map(digest_from_object).collect();
        let mut leases: Vec<_> = uploads.iter().filter_map(lease_from_object).collect();
        digests.sort();
        leases.sort();
        (digests, leases)
    }
}

/// So many bytes that are the same for the same seed.
pub fn bytes_of(seed: u64, count: usize) -> Bytes {
    let mut random = schedule::Random::new(seed);
    (0..count).map(|_| random.below(256) as u8).collect()
}

/// The digest of bytes.
pub fn digest_of(bytes: &[u8]) -> BlobDigest {
    BlobDigest::new(Sha256::digest(bytes).into())
}
