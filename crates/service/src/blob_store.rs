//! Where the bytes of artifacts lie: opening the place, and its errors in the words of the service.

use std::path::Path;
use std::sync::Arc;

use runstone_blobs::{BlobError, Blobs, BlobsConfig, Place, SigningKey, UploadKeys};
use runstone_store::Store;
use tokio::runtime::Handle;

use crate::Clock;
use crate::error::{ErrorKind, ServiceError};

/// The id of the one key, in addresses.
const KEY_ID: &str = "process";

/// Where the bytes of artifacts lie, and how uploads are permitted.
pub struct BlobStore {
    pub(crate) blobs: Blobs,
    pub(crate) keys: UploadKeys,
    /// Runs what is asynchronous for the functions that block; not the one on whose threads these
    /// wait, if they are many.
    pub(crate) runtime: Handle,
}

impl BlobStore {
    /// Opens the folder `blobs` in a data folder.
    ///
    /// # Errors
    /// `Internal` when it can't be made or read.
    pub fn open_folder(
        folder: &Path,
        store: &Arc<dyn Store>,
        clock: &Clock,
        secret: [u8; 32],
        runtime: Handle,
    ) -> Result<Self, ServiceError> {
        Self::open(
            Place::Folder(folder.to_owned()),
            store,
            clock,
            secret,
            runtime,
        )
    }

    /// Opens a bucket by its address, `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`, and makes sure
    /// that it is this store's; with `is_first` one that is nobody's becomes so. Blocks; not to be
    /// called on the runtime.
    ///
    /// # Errors
    /// `Invalid` for what is no address; `Conflict` if the bucket is another store's;
    /// `Unavailable` when it does not answer.
    pub fn open_bucket(
        (address, is_first): (&str, bool),
        environment: &dyn Fn(&str) -> Option<String>,
        store: &Arc<dyn Store>,
        clock: &Clock,
        secret: [u8; 32],
        runtime: Handle,
    ) -> Result<Self, ServiceError> {
        let place = Place::from_address(address, environment)?;
        let opened = Self::open(place, store, clock, secret, runtime)?;
        let identity = store.identity();
        let hex = |id: [u8; 16]| id.map(|byte| format!("{byte:02x}")).concat();
        let owner = format!("{} {}", hex(identity.store), hex(identity.incarnation));
        opened
            .runtime
            .block_on(opened.blobs.claim(&owner, is_first))?;
        Ok(opened)
    }

    fn open(
        place: Place,
        store: &Arc<dyn Store>,
        clock: &Clock,
        secret: [u8; 32],
        runtime: Handle,
    ) -> Result<Self, ServiceError> {
        let catalogue: Arc<dyn runstone_store::BlobCatalogue> = Arc::<dyn Store>::clone(store);
        let config = BlobsConfig::new(place);
        let blobs = Blobs::open(&config, catalogue, Arc::clone(clock))?;
        // What went to a folder in a former process nobody goes on with.
        runtime.block_on(blobs.end_former_uploads())?;
        let keys = UploadKeys::new(SigningKey::new(KEY_ID, secret)?, Vec::new())?;
        Ok(Self {
            blobs,
            keys,
            runtime,
        })
    }
}

impl From<BlobError> for ServiceError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Invalid(text) => Self::invalid(text),
            BlobError::TooLarge(text) => Self::new(ErrorKind::TooLarge, text),
            BlobError::NotFound(text) => Self::not_found(text),
            BlobError::Refused(text) => Self::new(ErrorKind::Forbidden, text),
            BlobError::Conflict(text) => Self::new(ErrorKind::Conflict, text),
            BlobError::Unavailable {
                reason,
                retry_after_millis,
            } => Self::new(ErrorKind::Unavailable, reason)
                .or_hint("try again in a moment")
                .with_retry_after_millis(retry_after_millis),
            BlobError::Corrupt(text) => {
                Self::new(ErrorKind::Corrupt, text).or_hint("run `runstone doctor --deep`")
            }
            BlobError::Internal(text) => Self::new(ErrorKind::Internal, text)
                .or_hint("look into the server's log; if it is a defect, please report it"),
        }
    }
}
