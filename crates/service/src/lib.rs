//! Every operation and query of the system, as a function over a store.
//!
//! The HTTP server, the command line and the dialects call [`Service`]; nobody else asks a
//! [`Store`]. Here stand what all of them need: who may do what, limits of pages, validation of
//! what was asked, the bodies of the API ([`api`]) and the one table of errors ([`error`]).
//! Transport (headers, status lines, tokens) and storage are left to others.
//!
//! All functions block: callers on an async runtime run them on threads that may wait. The exceptions
//! are those that stream bytes of artifacts, which are async and say so.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
mod artifacts;
mod best;
mod blob_care;
mod blob_store;
mod changes;
mod cursor;
mod describe;
mod edits;
pub mod error;
mod ingest;
mod lines;
mod logs;
mod number;
mod objects;
mod points;
mod runs;
mod series;
mod snapshot;
mod storage;
mod table;

#[cfg(test)]
mod tests;

pub use artifacts::ArtifactStream;
pub use blob_care::BlobDamage;
pub use blob_store::BlobStore;
pub use changes::ChangeFilter;
pub use describe::frame_versions;
pub use error::{ErrorKind, ServiceError};
pub use lines::{DrawnLine, DrawnLines};
pub use number::Number;
pub use runs::parse_state;
pub use runstone_store::{Store, StoreStats};
pub use snapshot::BLOB_FOLDER;

use runstone_model::{Principal, Scope, Timestamp, WorkspaceId};
use std::sync::Arc;

/// Reads the clock. The binary brings the real one, tests bring their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The operations and queries over one store.
///
/// Cheap to clone; every clone speaks to the same store.
#[derive(Clone)]
pub struct Service {
    store: Arc<dyn Store>,
    clock: Clock,
    workspace: WorkspaceId,
    skew: Arc<ingest::SkewWarnings>,
    names: Arc<table::NamesCache>,
    runs: Arc<table::RunsCache>,
    blobs: Option<Arc<BlobStore>>,
}

impl Service {
    /// A service over `store`, with the server's clock.
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            workspace: WorkspaceId::default(),
            skew: Arc::default(),
            names: Arc::default(),
            runs: Arc::default(),
            blobs: None,
        }
    }

    /// With a place for the bytes of artifacts.
    #[must_use]
    pub fn with_blobs(mut self, blobs: BlobStore) -> Self {
        self.blobs = Some(Arc::new(blobs));
        self
    }

    /// Whether the bytes of artifacts are kept.
    pub fn has_blobs(&self) -> bool {
        self.blobs.is_some()
    }

    /// The store below, for the one that must close it.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The server's clock.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn may_write(principal: &Principal) -> Result<(), ServiceError> {
        match principal.scope {
            Scope::Admin | Scope::Write => Ok(()),
            Scope::Read => Err(ServiceError::new(
                ErrorKind::Forbidden,
                format!("`{}` may read, but not write", principal.name),
            )
            .with_hint("use a token with the scope write or admin")),
        }
    }

    fn may_read(principal: &Principal) -> Result<(), ServiceError> {
        match principal.scope {
            Scope::Admin | Scope::Write | Scope::Read => Ok(()),
        }
    }
}

/// A service with the system's clock.
impl From<Arc<dyn Store>> for Service {
    fn from(store: Arc<dyn Store>) -> Self {
        Self::new(store, Arc::new(system_clock))
    }
}

/// The system's clock, in microseconds UTC; 0 for a clock before 1970.
pub fn system_clock() -> Timestamp {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}
