//! Names of what lies in a place: the same in a folder and in a bucket, so that either can be
//! copied into the other. docs/formats/blobs.md describes them.
//!
//! A name below `sha256/` stands for whole, verified bytes. What is not verified lies below
//! `uploads/`, or nowhere that can be seen.

use object_store::ObjectMeta;
use object_store::path::Path;
use runstone_model::{BlobDigest, BlobLeaseId};

/// The folder of blobs.
pub(crate) const BLOBS: &str = "sha256";
/// The folder of uploads under way.
pub(crate) const UPLOADS: &str = "uploads";

/// Names the store whose place a bucket is.
const OWNER: &str = "owner";

/// Names below a prefix.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    prefix: Path,
}

impl Layout {
    pub(crate) fn new(prefix: Path) -> Self {
        Self { prefix }
    }

    /// What all names lie below.
    #[cfg(any(test, feature = "conformance"))]
    pub(crate) fn root(&self) -> &Path {
        &self.prefix
    }

    /// Where a blob lies.
    pub(crate) fn blob(&self, digest: BlobDigest) -> Path {
        let hex = digest.to_hex();
        self.blobs().join(&hex[..2]).join(hex)
    }

    /// Where the bytes of an upload lie whose digest is not known or not verified.
    pub(crate) fn upload(&self, lease: BlobLeaseId) -> Path {
        self.uploads().join(lease.to_string())
    }

    /// What says whose place this is.
    pub(crate) fn owner(&self) -> Path {
        self.prefix.clone().join(OWNER)
    }

    /// The folder of blobs.
    pub(crate) fn blobs(&self) -> Path {
        self.prefix.clone().join(BLOBS)
    }

    /// The folder of uploads under way.
    pub(crate) fn uploads(&self) -> Path {
        self.prefix.clone().join(UPLOADS)
    }
}

/// The blob that an object is; `None` for what we have not put there.
pub(crate) fn digest_from_object(object: &ObjectMeta) -> Option<BlobDigest> {
    object.location.filename().and_then(BlobDigest::from_hex)
}

/// The upload that an object is; `None` for what we have not put there.
pub(crate) fn lease_from_object(object: &ObjectMeta) -> Option<BlobLeaseId> {
    let name = object.location.filename()?;
    name.parse().ok().map(BlobLeaseId)
}
