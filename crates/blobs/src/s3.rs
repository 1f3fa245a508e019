//! Writing into a bucket: one request for what fits a part, else parts that become visible together.
//!
//! A part that was sent stays until its upload is completed or aborted, and can't be seen. So the
//! number of the upload is noted in the catalogue before the first part is sent; whoever sweeps
//! the lease aborts it. Buckets of AWS may have a rule for incomplete uploads besides.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{ClientOptions, MultipartId, ObjectStoreExt as _, PutPayload, RetryConfig};
use tokio::task::JoinSet;

use crate::BlobError;
use crate::config::S3Place;

/// The longest a request to delete takes, which is sent once.
pub(crate) const DELETE_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest any other request takes: a part over a slow line.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// Parts of one upload that are sent at once; the next one is gathered meanwhile.
const PARTS_UNDER_WAY_MAX: usize = 2;

/// A bucket to write to. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bucket {
    client: Arc<AmazonS3>,
    pub(crate) part_bytes: usize,
    pub(crate) copy_bytes_max: u64,
}

/// An upload in parts.
pub(crate) struct BucketWrite {
    /// Where the object will be.
    pub(crate) path: Path,
    id: MultipartId,
    sent: Vec<Option<PartId>>,
    under_way: JoinSet<Result<(usize, PartId), object_store::Error>>,
}

/// Two clients of one bucket: the usual one, and one that sends each request at most once.
pub(crate) fn clients(place: &S3Place) -> Result<(Arc<AmazonS3>, Arc<AmazonS3>), BlobError> {
    let usual = builder(place, REQUEST_TIMEOUT).build();
    let once = RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    };
    let deleting = builder(place, DELETE_TIMEOUT).with_retry(once).build();
    match (usual, deleting) {
        (Ok(usual), Ok(deleting)) => Ok((Arc::new(usual), Arc::new(deleting))),
        (Err(error), _) | (_, Err(error)) => Err(BlobError::Invalid(format!(
            "bucket {} can't be used: {error}, hint: check endpoint, region and credentials",
            place.bucket
        ))),
    }
}

fn builder(place: &S3Place, timeout: Duration) -> AmazonS3Builder {
    let options = ClientOptions::new()
        .with_timeout(timeout)
        .with_connect_timeout(Duration::from_secs(10));
    let mut builder = AmazonS3Builder::new()
        .with_client_options(options)
        .with_allow_http(true)
        .with_bucket_name(&place.bucket)
        .with_region(&place.region);
    if let Some(endpoint) = &place.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(credentials) = &place.credentials {
        builder = builder
            .with_access_key_id(&credentials.access_key_id)
            .with_secret_access_key(&credentials.secret_access_key);
        if let Some(token) = &credentials.session_token {
            builder = builder.with_token(token);
        }
    }
    builder
}

impl Bucket {
    pub(crate) fn new(client: Arc<AmazonS3>, place: &S3Place) -> Self {
        Self {
            client,
            part_bytes: place.part_bytes,
            copy_bytes_max: place.copy_bytes_max,
        }
    }

    /// Begins an upload in parts.
    pub(crate) async fn begin(&self, path: Path) -> Result<BucketWrite, BlobError> {
        let id = self.client.create_multipart(&path).await;
        let id = id.map_err(|error| failed(&path, error))?;
        Ok(BucketWrite {
            path,
            id,
            sent: Vec::new(),
            under_way: JoinSet::new(),
        })
    }

    /// Sends a part; returns while it is under way. An error of a former part is told here.
    pub(crate) async fn write(
        &self,
        write: &mut BucketWrite,
        pieces: Vec<Bytes>,
    ) -> Result<(), BlobError> {
        while write.under_way.len() >= PARTS_UNDER_WAY_MAX {
            write.take_sent().await?;
        }
        let index = write.sent.len();
        write.sent.push(None);
        let client = self.client.clone();
        let (path, id) = (write.path.clone(), write.id.clone());
        write.under_way.spawn(async move {
            let payload: PutPayload = pieces.into_iter().collect();
            let part = client.put_part(&path, &id, index, payload).await?;
            Ok((index, part))
        });
        Ok(())
    }

    /// Waits for all parts and makes the object visible.
    pub(crate) async fn complete(&self, write: &mut BucketWrite) -> Result<(), BlobError> {
        while !write.under_way.is_empty() {
            write.take_sent().await?;
        }
        let parts: Option<Vec<PartId>> = write.sent.drain(..).collect();
        let parts = parts
            .ok_or_else(|| BlobError::Internal(format!("a part of {} was not sent", write.path)))?;
        let completed = self
            .client
            .complete_multipart(&write.path, &write.id, parts);
        completed
            .await
            .map_err(|error| failed(&write.path, error))
            .map(drop)
    }

    /// Writes an object in one request.
    pub(crate) async fn put(&self, path: &Path, pieces: Vec<Bytes>) -> Result<(), BlobError> {
        let payload: PutPayload = pieces.into_iter().collect();
        let put = self.client.put(path, payload).await;
        put.map_err(|error| failed(path, error)).map(drop)
    }

    /// Copies an object inside the bucket; at most `copy_bytes_max`.
    pub(crate) async fn copy(&self, from: &Path, to: &Path) -> Result<(), BlobError> {
        let copied = self.client.copy(from, to).await;
        copied.map_err(|error| failed(to, error))
    }

    /// Aborts an upload in parts, from what [`BucketWrite::remains`] told. One that is gone is fine.
    pub(crate) async fn abort(&self, remains: &str) -> Result<(), BlobError> {
        let (id, path) = remains.split_once(' ').ok_or_else(|| {
            BlobError::Corrupt(format!(
                "the note of an upload is not one of ours: {remains:?}"
            ))
        })?;
        let path = Path::from(path);
        let aborted = self.client.abort_multipart(&path, &id.to_owned()).await;
        match aborted {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(&path, error)),
        }
    }

    /// An address at which `method` may be asked of `path` for so long.
    pub(crate) async fn presign(
        &self,
        method: http::Method,
        path: &Path,
        valid: Duration,
    ) -> Result<String, BlobError> {
        let url = self.client.signed_url(method, path, valid).await;
        url.map(String::from)
            .map_err(|error| BlobError::from_object(&format!("signing {path}"), error))
    }
}

impl BucketWrite {
    /// What it takes to abort this upload later.
    pub(crate) fn remains(&self) -> String {
        format!("{} {}", self.id, self.path)
    }

    async fn take_sent(&mut self) -> Result<(), BlobError> {
        let (index, part) = match self.under_way.join_next().await {
            None => return Ok(()),
            Some(Err(error)) => {
                return Err(BlobError::Internal(format!(
                    "sending a part of {} ended in a panic: {error}",
                    self.path
                )));
            }
            Some(Ok(sent)) => sent.map_err(|error| failed(&self.path, error))?,
        };
        self.sent[index] = Some(part);
        Ok(())
    }
}

fn failed(path: &Path, error: object_store::Error) -> BlobError {
    BlobError::from_object(&format!("writing {path}"), error)
}

/// Names of a bucket below `prefix`.
pub(crate) fn prefix_path(prefix: &str) -> Result<Path, BlobError> {
    Path::parse(prefix).map_err(|error| {
        BlobError::Invalid(format!(
            "prefix {prefix:?} of the bucket is not a path: {error}, hint: as `runstone/blobs`"
        ))
    })
}
