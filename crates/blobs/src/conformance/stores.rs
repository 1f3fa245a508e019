//! A store as the scenarios use it: its catalogue, and references of owners, each an artifact of one run.

use std::any::Any;

use runstone_model::{
    ArtifactPath, BlobDigest, BlobLeaseId, MediaType, RunId, StoreIdentity, Timestamp, WorkspaceId,
};
use runstone_store::conformance::testing::FrameBuilder;
use runstone_store::memory::MemoryStore;
use runstone_store::{
    ArtifactPut, BlobCatalogue, EditOutcome, EditRequest, LeaseAnswer, RunAction, Store, StoreError,
};

/// The run whose artifacts are the references.
const RUN: &str = "owners";

/// What a test asks of a catalogue besides: the engine's own writing of references.
pub trait CatalogueUnderTest: BlobCatalogue {
    /// Adds a ready reference under a lease, and ends the lease, in one transaction.
    fn add_reference(
        &self,
        owner: &str,
        digest: BlobDigest,
        lease: BlobLeaseId,
    ) -> Result<(), StoreError>;

    /// Adds a pending reference, which needs no lease.
    fn add_pending_reference(&self, owner: &str, digest: BlobDigest, until: Timestamp);

    /// Removes the reference of an owner, if it has one.
    fn remove_reference(&self, owner: &str);
}

/// A store with one run, whose artifacts are what refers to blobs.
pub struct StoreUnderTest<S> {
    /// The store.
    pub store: S,
    /// Dropped after the store, as the folder that it lies in.
    alive: Option<Box<dyn Any + Send + Sync>>,
}

/// The engine in memory.
pub type MemoryCatalogue = StoreUnderTest<MemoryStore>;

impl MemoryCatalogue {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::of(MemoryStore::new(StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        }))
    }

    /// Leases, ended or not, and digests with a mark.
    pub fn counts(&self) -> (u64, u64) {
        let counts = self.count_blob_records().unwrap();
        (counts.leases, counts.marks)
    }
}

impl Default for MemoryCatalogue {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Store> StoreUnderTest<S> {
    /// Over a new, empty store.
    pub fn of(store: S) -> Self {
        store.append(FrameBuilder::creator(RUN, 1).frame()).unwrap();
        Self { store, alive: None }
    }

    /// Keeps something as long as the store.
    #[must_use]
    pub fn keeping(mut self, alive: impl Any + Send + Sync) -> Self {
        self.alive = Some(Box::new(alive));
        self
    }

    fn edit(&self, action: RunAction) -> Result<(), StoreError> {
        let answer = self.store.edit(&EditRequest {
            workspace: WorkspaceId::default(),
            runs: vec![RunId::new(RUN).unwrap()],
            action,
            at: Timestamp::from_micros(0),
        })?;
        match answer.outcomes.into_iter().next() {
            Some(EditOutcome::Refused(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn put(
        &self,
        owner: &str,
        digest: BlobDigest,
        lease: Option<BlobLeaseId>,
        pending_until: Timestamp,
    ) -> Result<(), StoreError> {
        self.edit(RunAction::PutArtifact(ArtifactPut {
            path: ArtifactPath::new(owner).unwrap(),
            digest,
            bytes: 1,
            media_type: MediaType::bytes(),
            lease,
            pending_until,
        }))
    }
}

impl<S: Store> CatalogueUnderTest for StoreUnderTest<S> {
    fn add_reference(
        &self,
        owner: &str,
        digest: BlobDigest,
        lease: BlobLeaseId,
    ) -> Result<(), StoreError> {
        self.put(owner, digest, Some(lease), Timestamp::from_micros(0))
    }

    fn add_pending_reference(&self, owner: &str, digest: BlobDigest, until: Timestamp) {
        self.put(owner, digest, None, until).unwrap();
    }

    fn remove_reference(&self, owner: &str) {
        let path = ArtifactPath::new(owner).unwrap();
        let version = None;
        match self.edit(RunAction::RemoveArtifact { path, version }) {
            Ok(()) | Err(StoreError::NotFound(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

impl<S: Store> BlobCatalogue for StoreUnderTest<S> {
    fn take_lease(
        &self,
        digest: Option<BlobDigest>,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        self.store.take_lease(digest, expires_at)
    }

    fn bind_lease(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        self.store.bind_lease(lease, digest, expires_at)
    }

    runstone_store::forward_blob_catalogue!(store);
}
