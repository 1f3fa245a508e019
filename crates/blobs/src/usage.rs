//! What lies in a place: how much, whether it is right, and whose it is.

use futures_util::stream::TryStreamExt as _;
use object_store::{ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use runstone_model::{BlobDigest, Timestamp};

use crate::layout::digest_from_object;
use crate::{BlobError, Blobs};

/// What lies in a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlobUsage {
    /// Blobs, wanted or not.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of uploads under way, or left by such. Parts in a bucket are not seen.
    pub upload_bytes: u64,
}

impl Blobs {
    /// Counts what lies in the place: one look at every object, memory is bounded.
    ///
    /// # Errors
    /// `Unavailable` when the place can't be listed.
    pub async fn read_usage(&self) -> Result<BlobUsage, BlobError> {
        let mut usage = BlobUsage::default();
        let mut blobs = self.backend.list_blobs_unsorted();
        while let Some(object) = blobs.try_next().await? {
            if digest_from_object(&object).is_some() {
                usage.blobs += 1;
                usage.bytes += object.size;
            }
        }
        let mut uploads = self.backend.list_uploads_unsorted();
        while let Some(object) = uploads.try_next().await? {
            usage.upload_bytes += object.size;
        }
        Ok(usage)
    }

    /// Reads every blob and holds it against its digest. Calls `each` with what it found: the size, or
    /// `Corrupt`. One that is deleted meanwhile is passed over.
    ///
    /// # Errors
    /// `Unavailable` when the place can't be listed or read.
    pub async fn verify_all(
        &self,
        mut each: impl FnMut(BlobDigest, Result<u64, BlobError>) + Send,
    ) -> Result<(), BlobError> {
        let mut blobs = self.backend.list_blobs_unsorted();
        while let Some(object) = blobs.try_next().await? {
            let Some(digest) = digest_from_object(&object) else {
                continue;
            };
            match self.verify(digest).await {
                Err(BlobError::NotFound(_)) => {}
                Err(error @ BlobError::Unavailable { .. }) => return Err(error),
                verified => each(digest, verified),
            }
        }
        Ok(())
    }

    /// Ends the uploads of a former process, where a place belongs to one process at a time: nobody
    /// can go on with what went to a folder. Sweeping removes what they left.
    pub async fn end_former_uploads(&self) -> Result<(), BlobError> {
        if self.backend.bucket().is_some() {
            // A client may still be putting bytes there by itself.
            return Ok(());
        }
        self.ask("end former uploads", |catalogue| {
            catalogue.expire_leases(Timestamp::from_micros(i64::MAX), 0)
        })
        .await
        .map(drop)
    }

    /// Makes a bucket that of `owner`, or makes sure that it is. A folder belongs to whoever has its lock.
    ///
    /// Two stores that collect garbage in one place would delete each other's blobs. With `is_first`
    /// a bucket that is nobody's becomes that of `owner`; else it must be already.
    ///
    /// # Errors
    /// `Conflict` if it is that of another one; `Unavailable` when it does not answer.
    pub async fn claim(&self, owner: &str, is_first: bool) -> Result<(), BlobError> {
        let Some((_, layout)) = self.backend.bucket() else {
            return Ok(());
        };
        let path = layout.owner();
        let failed = |error| BlobError::from_object(&format!("claiming {path}"), error);
        let found = match self.backend.objects.get(&path).await {
            Ok(found) => found.bytes().await.map_err(failed)?,
            Err(object_store::Error::NotFound { .. }) if !is_first => {
                return Err(BlobError::Conflict(
                    "the bucket is not the one that holds the blobs of this data folder, hint: set \
                     AWS_ENDPOINT_URL_S3 and AWS_REGION as they were at the first start, or name \
                     endpoint and region in the address"
                        .to_owned(),
                ));
            }
            Err(object_store::Error::NotFound { .. }) => {
                let payload = PutPayload::from(owner.to_owned().into_bytes());
                let create = PutOptions::from(PutMode::Create);
                let put = self.backend.objects.put_opts(&path, payload, create).await;
                match put {
                    Ok(_) => return Ok(()),
                    // Somebody was faster; who, is read below.
                    Err(object_store::Error::AlreadyExists { .. }) => {
                        let found = self.backend.objects.get(&path).await.map_err(failed)?;
                        found.bytes().await.map_err(failed)?
                    }
                    Err(error) => return Err(failed(error)),
                }
            }
            Err(error) => return Err(failed(error)),
        };
        if found == owner.as_bytes() {
            return Ok(());
        }
        Err(BlobError::Conflict(format!(
            "the blobs at {path} belong to another data folder ({}), hint: give each data folder a \
             prefix of its own; if the other one is gone, delete that object",
            String::from_utf8_lossy(&found)
        )))
    }
}
