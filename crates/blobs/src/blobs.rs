//! The handle on all blobs: begins uploads, reads, verifies, signs addresses of a bucket.
//!
//! The surprising rule: a blob that is there is not read again when it is uploaded again. Whoever
//! doubts the bytes at rest calls [`Blobs::verify`], and mends them with [`UploadRequest::rewrite`].

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, TryStreamExt as _};
use runstone_model::{BlobDigest, BlobLeaseId, Timestamp};
use runstone_store::{BlobCatalogue, LeaseAnswer, StoreError};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::backend::Backend;
use crate::config::BlobTimes;
use crate::error::off_the_runtime;
use crate::gate::Gate;
use crate::upload::{Hasher, Upload};
use crate::{BlobError, BlobsConfig};

/// Reads the clock. The binary brings the real one, tests bring their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Bytes of a blob in order, in pieces of whatever size.
pub type ByteStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// All blobs of one place. Cheap to clone; safe from many tasks.
#[derive(Clone)]
pub struct Blobs {
    pub(crate) backend: Arc<Backend>,
    pub(crate) catalogue: Arc<dyn BlobCatalogue>,
    pub(crate) clock: Clock,
    pub(crate) times: BlobTimes,
    pub(crate) blob_bytes_max: u64,
    /// Held by the one pass of garbage collection of this process.
    pub(crate) collecting: Arc<Mutex<()>>,
    pub(crate) gate: Gate,
}

/// What is known of an upload before its bytes come.
#[derive(Debug, Clone, Copy, Default)]
pub struct UploadRequest {
    /// The digest that the bytes must have.
    pub digest: Option<BlobDigest>,
    /// How many bytes there must be.
    pub bytes: Option<u64>,
    /// How many there may be; `None` or more than the limit of the place: that limit.
    pub bytes_max: Option<u64>,
    /// Writes the bytes even if the blob is there: mends one that is damaged at rest.
    pub rewrite: bool,
}

/// How an upload begins.
pub enum Begun {
    /// The blob of the announced digest is there: no bytes are needed. Its lease is held.
    AlreadyThere(StoredBlob),
    /// The bytes are awaited.
    Upload(Box<Upload>),
}

/// A blob that is visible and durable, under a lease until its reference is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its digest.
    pub digest: BlobDigest,
    /// Its size.
    pub bytes: u64,
    /// To be ended in the transaction that adds the reference, or by [`Blobs::give_up`].
    pub lease: BlobLeaseId,
    /// Whether it was there before, so that nothing was written.
    pub already_there: bool,
}

/// A blob being read.
pub struct BlobRead {
    /// The size of the whole blob.
    pub bytes: u64,
    /// What was asked for.
    pub stream: ByteStream,
}

impl Blobs {
    /// Opens a place, and makes a folder that is missing. Blocks for a folder; a bucket is not asked.
    ///
    /// # Errors
    /// `Invalid` when the configuration can't be right, `Internal` when the folder can't be used.
    pub fn open(
        config: &BlobsConfig,
        catalogue: Arc<dyn BlobCatalogue>,
        clock: Clock,
    ) -> Result<Self, BlobError> {
        config.check()?;
        Self::open_unchecked(config, catalogue, clock)
    }

    /// As [`Blobs::open`], with parts and times as small as a test likes.
    pub(crate) fn open_unchecked(
        config: &BlobsConfig,
        catalogue: Arc<dyn BlobCatalogue>,
        clock: Clock,
    ) -> Result<Self, BlobError> {
        Ok(Self {
            backend: Arc::new(Backend::open(&config.place)?),
            catalogue,
            clock,
            times: config.times,
            blob_bytes_max: config.blob_bytes_max,
            collecting: Arc::default(),
            gate: Gate::default(),
        })
    }

    /// Begins an upload and takes its lease. With a digest whose blob is there, and no wish to
    /// rewrite it, the upload has ended already.
    ///
    /// # Errors
    /// `TooLarge` if more is announced than may come; `Invalid` if the blob is there with another
    /// size than announced; `Unavailable` while the blob is being deleted.
    pub async fn begin(&self, request: UploadRequest) -> Result<Begun, BlobError> {
        let bytes_max = self.check_announced(&request)?;
        let (lease, since) = self.take_lease(request.digest).await?;
        let upload = Upload::new(self.clone(), request, bytes_max, lease, since);
        let Some(digest) = request.digest else {
            return Ok(Begun::Upload(Box::new(upload)));
        };
        let there = match self.find_durable(digest, request.rewrite).await {
            Ok(there) => there,
            Err(error) => {
                // The lease of a begin that failed would only wait for the sweep.
                upload.abort().await.ok();
                return Err(error);
            }
        };
        let Some(found) = there else {
            return Ok(Begun::Upload(Box::new(upload)));
        };
        if let Some(announced) = request.bytes.filter(|announced| *announced != found) {
            upload.abort().await?;
            return Err(BlobError::Invalid(format!(
                "blob {digest} is there with {found} bytes, {announced} were announced, \
                 hint: check the file, or verify the blob and rewrite it"
            )));
        }
        Ok(Begun::AlreadyThere(StoredBlob {
            digest,
            bytes: found,
            lease,
            already_there: true,
        }))
    }

    /// Uploads a stream: begins, writes and finishes. When the blob is there already the stream is not read.
    ///
    /// # Errors
    /// Those of [`Blobs::begin`], [`Upload::write`] and [`Upload::finish`], and those of the stream;
    /// nothing became visible, and nothing is left but for the sweep.
    pub async fn put<S, E>(
        &self,
        request: UploadRequest,
        stream: S,
    ) -> Result<StoredBlob, BlobError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: std::fmt::Display,
    {
        let mut upload = match self.begin(request).await? {
            Begun::AlreadyThere(stored) => return Ok(stored),
            Begun::Upload(upload) => upload,
        };
        let stored = fill(&mut upload, stream).await;
        if stored.is_err() {
            upload.abort().await.ok();
        }
        stored
    }

    /// Gives up the lease of a blob to which no reference will be added.
    pub async fn give_up(&self, lease: BlobLeaseId) -> Result<(), BlobError> {
        self.ask("forget the lease", move |catalogue| {
            catalogue.forget_leases(&[lease])
        })
        .await
    }

    /// The size of a blob; `None` if it is not there.
    pub async fn head(&self, digest: BlobDigest) -> Result<Option<u64>, BlobError> {
        self.backend.head(digest).await
    }

    /// A blob, whole or a range of it. Requests that break off are asked again from where they were.
    /// The bytes are not verified against the digest; see [`Blobs::verify`].
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if the range does not lie inside the blob.
    pub async fn read(
        &self,
        digest: BlobDigest,
        range: Option<Range<u64>>,
    ) -> Result<BlobRead, BlobError> {
        let bytes = self.size(digest).await?;
        let range = range.unwrap_or(0..bytes);
        if range.start > range.end || range.end > bytes {
            return Err(BlobError::Invalid(format!(
                "bytes {} to {} of blob {digest} were asked for, it has {bytes}",
                range.start, range.end
            )));
        }
        Ok(BlobRead {
            bytes,
            stream: self.backend.read(digest, range),
        })
    }

    /// Reads a blob and holds it against its digest; returns its size.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt`, naming both digests.
    pub async fn verify(&self, digest: BlobDigest) -> Result<u64, BlobError> {
        let bytes = self.size(digest).await?;
        let mut stream = self.backend.read(digest, 0..bytes);
        let mut hasher = Hasher::new(Sha256::new());
        while let Some(piece) = stream.try_next().await? {
            hasher.update(vec![piece]).await?;
        }
        let found = hasher.finish();
        if found != digest {
            return Err(BlobError::Corrupt(format!(
                "blob {digest} has bytes of {found}, hint: upload it again with rewrite"
            )));
        }
        Ok(bytes)
    }

    /// An address at which a client reads a blob from the bucket itself, for so long (at most 7 days).
    /// `None` for a folder. Whether the blob is there is not asked.
    pub async fn presigned_get(
        &self,
        digest: BlobDigest,
        valid: Duration,
    ) -> Result<Option<String>, BlobError> {
        let Some((bucket, layout)) = self.backend.bucket() else {
            return Ok(None);
        };
        let path = layout.blob(digest);
        let url = bucket.presign(http::Method::GET, &path, valid).await?;
        Ok(Some(url))
    }

    /// An address at which a client puts the bytes of an upload into the bucket itself, for so long.
    /// `None` for a folder. They can't be seen before [`Blobs::adopt`] has verified them. The lease lasts
    /// as long as the address, and one lease longer.
    ///
    /// The size is not limited by the address: what is too large is refused and swept afterwards.
    pub async fn presigned_put(
        &self,
        lease: BlobLeaseId,
        valid: Duration,
    ) -> Result<Option<String>, BlobError> {
        let Some((bucket, layout)) = self.backend.bucket() else {
            return Ok(None);
        };
        // Nobody renews it while the client sends.
        let expires_at = add(add(self.now(), valid), self.times.lease);
        self.ask("renew the lease", move |catalogue| {
            catalogue.renew_lease(lease, expires_at)
        })
        .await?;
        let path = layout.upload(lease);
        let url = bucket.presign(http::Method::PUT, &path, valid).await?;
        Ok(Some(url))
    }

    /// Makes a blob of what a client has put through [`Blobs::presigned_put`]. `lease` is that of an
    /// upload which was begun with the digest that `request` names.
    ///
    /// The bytes are read and written once more, hashed on the way: so what is verified is what
    /// becomes visible, also if the client overwrites its object meanwhile.
    ///
    /// # Errors
    /// `NotFound` if nothing was put there; else those of [`Upload::finish`].
    pub async fn adopt(
        &self,
        lease: BlobLeaseId,
        request: UploadRequest,
    ) -> Result<StoredBlob, BlobError> {
        let Some(digest) = request.digest else {
            return Err(BlobError::Invalid(
                "an upload past the server names no digest, hint: announce the SHA-256 of the bytes"
                    .to_owned(),
            ));
        };
        let bytes_max = self.check_announced(&request)?;
        let since = self.bind_lease(lease, digest).await?;
        let mut upload = Upload::new(self.clone(), request, bytes_max, lease, since);
        let staged = self.backend.head_upload(lease).await?.ok_or_else(|| {
            BlobError::NotFound(format!(
                "nothing was put at the address of upload {lease}, hint: put the bytes there first"
            ))
        })?;
        if staged > bytes_max {
            return Err(upload.too_large(staged));
        }
        let filled = fill(&mut upload, self.backend.read_upload(lease, staged)).await;
        if filled.is_err() {
            // What was put stays, so that this can be tried again; parts of it would be forgotten then.
            upload.discard_parts().await.ok();
        }
        let stored = filled?;
        self.gate.pass("delete what was put").await;
        self.backend.discard(lease, None).await?;
        Ok(stored)
    }

    async fn size(&self, digest: BlobDigest) -> Result<u64, BlobError> {
        self.head(digest)
            .await?
            .ok_or_else(|| BlobError::NotFound(format!("there is no blob {digest}")))
    }

    /// The size of a blob that is there and will be after a power loss.
    pub(crate) async fn find_durable(
        &self,
        digest: BlobDigest,
        rewrite: bool,
    ) -> Result<Option<u64>, BlobError> {
        if rewrite {
            return Ok(None);
        }
        self.gate.pass("look for the blob").await;
        let found = self.backend.head(digest).await?;
        if found.is_some() {
            self.backend.make_durable(digest).await?;
        }
        Ok(found)
    }

    /// The most bytes that may come.
    fn check_announced(&self, request: &UploadRequest) -> Result<u64, BlobError> {
        let wanted = request.bytes_max.unwrap_or(self.blob_bytes_max);
        let bytes_max = wanted.min(self.blob_bytes_max);
        match request.bytes {
            Some(bytes) if bytes > bytes_max => Err(BlobError::TooLarge(format!(
                "an upload of {bytes} bytes was announced, the limit is {bytes_max}"
            ))),
            _ => Ok(bytes_max),
        }
    }

    async fn take_lease(
        &self,
        digest: Option<BlobDigest>,
    ) -> Result<(BlobLeaseId, Timestamp), BlobError> {
        self.wait_for_deletion(digest, "take a lease", move |catalogue, expires_at| {
            catalogue.take_lease(digest, expires_at)
        })
        .await
    }

    /// Binds and renews a lease; returns when it was renewed.
    pub(crate) async fn bind_lease(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
    ) -> Result<Timestamp, BlobError> {
        self.wait_for_deletion(
            Some(digest),
            "bind the lease",
            move |catalogue, expires_at| catalogue.bind_lease(lease, digest, expires_at),
        )
        .await
        .map(|(_, since)| since)
    }

    /// Asks until the blob is not being deleted any more, at most `deletion_wait` long.
    async fn wait_for_deletion(
        &self,
        digest: Option<BlobDigest>,
        step: &'static str,
        question: impl Fn(&dyn BlobCatalogue, Timestamp) -> Result<LeaseAnswer, StoreError>
        + Clone
        + Send
        + 'static,
    ) -> Result<(BlobLeaseId, Timestamp), BlobError> {
        let mut pause = Duration::from_millis(20);
        let mut waited = Duration::ZERO;
        loop {
            let now = self.now();
            let expires_at = add(now, self.times.lease);
            let question = question.clone();
            let answer = self
                .ask(step, move |catalogue| question(catalogue, expires_at))
                .await?;
            if let LeaseAnswer::Held(lease) = answer {
                return Ok((lease, now));
            }
            if waited >= self.times.deletion_wait {
                let blob = digest.map(|digest| digest.to_string()).unwrap_or_default();
                return Err(BlobError::unavailable(format!(
                    "blob {blob} is being deleted, hint: try again"
                )));
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Asks the catalogue, on a thread that may wait.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        step: &'static str,
        question: impl FnOnce(&dyn BlobCatalogue) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, BlobError> {
        self.gate.pass(step).await;
        let catalogue = self.catalogue.clone();
        off_the_runtime(move || question(&*catalogue).map_err(BlobError::from)).await
    }
}

/// Writes a stream into an upload and finishes it.
async fn fill<S, E>(upload: &mut Upload, stream: S) -> Result<StoredBlob, BlobError>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: std::fmt::Display,
{
    let mut stream = std::pin::pin!(stream);
    loop {
        match stream.try_next().await {
            Ok(Some(bytes)) => upload.write(bytes).await?,
            Ok(None) => return upload.finish().await,
            Err(error) => {
                return Err(BlobError::unavailable(format!(
                    "the bytes of an upload broke off: {error}, hint: send them again"
                )));
            }
        }
    }
}

/// So much later, or as late as can be said.
pub(crate) fn add(time: Timestamp, length: Duration) -> Timestamp {
    time.saturating_add_micros(i64::try_from(length.as_micros()).unwrap_or(i64::MAX))
}

/// So much earlier, or as early as can be said.
pub(crate) fn subtract(time: Timestamp, length: Duration) -> Timestamp {
    time.saturating_add_micros(-i64::try_from(length.as_micros()).unwrap_or(i64::MAX))
}
