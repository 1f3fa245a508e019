//! One upload: bytes in, hashed as they pass, a blob out or nothing.
//!
//! At most one piece is gathered, whatever the size of the blob (and two parts are on their way to a
//! bucket). An upload that fits one piece is never staged: its digest is known before it is written.
//!
//! An upload that is dropped leaves its lease and what it staged to [`crate::Blobs::sweep_uploads`].

use std::time::Duration;

use bytes::Bytes;
use runstone_model::{BlobDigest, BlobLeaseId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::BlobError;
use crate::backend::Staged;
use crate::blobs::{Blobs, StoredBlob, UploadRequest, add};
use crate::error::off_the_runtime;

/// So much is hashed where it stands; more goes to a thread for that.
const HASH_HERE_BYTES: usize = 64 * 1024;

/// An upload under way, made by [`Blobs::begin`].
pub struct Upload {
    blobs: Blobs,
    request: UploadRequest,
    bytes_max: u64,
    lease: BlobLeaseId,
    renewed_at: Timestamp,
    hasher: Hasher,
    bytes: u64,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    staged: Option<Staged>,
    remains: Option<String>,
    /// Set once all bytes are in and right.
    digest: Option<BlobDigest>,
    ended: bool,
}

impl Upload {
    pub(crate) fn new(
        blobs: Blobs,
        request: UploadRequest,
        bytes_max: u64,
        lease: BlobLeaseId,
        renewed_at: Timestamp,
    ) -> Self {
        Self {
            blobs,
            request,
            bytes_max,
            lease,
            renewed_at,
            hasher: Hasher::new(Sha256::new()),
            bytes: 0,
            gathered: Vec::new(),
            gathered_bytes: 0,
            staged: None,
            remains: None,
            digest: None,
            ended: false,
        }
    }

    /// The lease under which it runs.
    pub fn lease(&self) -> BlobLeaseId {
        self.lease
    }

    /// Takes bytes, and renews the lease when a third of it has passed. Nothing can be seen yet.
    ///
    /// # Errors
    /// `TooLarge` past the limit or what was announced; `Conflict` if the lease has ended;
    /// `Unavailable` when the place can't take them. After any of them the upload has failed: abort it.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.check_open()?;
        let written = self.take(bytes).await;
        self.ended = written.is_err();
        written
    }

    async fn take(&mut self, mut bytes: Bytes) -> Result<(), BlobError> {
        let total = self.bytes.saturating_add(bytes.len() as u64);
        if total > self.request.bytes.unwrap_or(u64::MAX).min(self.bytes_max) {
            return Err(self.too_large(total));
        }
        // First, so that nothing is sent for an upload that has been swept.
        self.renew_when_due().await?;
        self.bytes = total;
        let piece_bytes = self.blobs.backend.piece_bytes();
        while !bytes.is_empty() {
            // A large buffer is taken piece by piece, so that no part is larger than the others.
            let room = (piece_bytes - self.gathered_bytes).min(bytes.len());
            self.gathered.push(bytes.split_to(room));
            self.gathered_bytes += room;
            if self.gathered_bytes >= piece_bytes {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Checks the bytes against what was announced, and makes them the blob of their digest.
    ///
    /// On return the blob is visible and durable, or was before, and the lease protects it: the
    /// reference is now to be added. If digest or size differ from what was announced nothing became
    /// visible, the error says both, and the upload has been removed.
    ///
    /// # Errors
    /// `Invalid` when digest or size differ; `Conflict` if the lease has ended; `Unavailable` while
    /// the blob is being deleted: then this may be called again. After any other the upload has failed.
    pub async fn finish(&mut self) -> Result<StoredBlob, BlobError> {
        self.check_open()?;
        let digest = match self.digest {
            Some(digest) => digest,
            None => match self.check_announced().await {
                Ok(digest) => *self.digest.insert(digest),
                Err(error) => {
                    self.ended = true;
                    self.remove().await.ok();
                    return Err(error);
                }
            },
        };
        // Also where the lease is on the digest already: publishing may take long.
        match self.blobs.bind_lease(self.lease, digest).await {
            Ok(now) => self.renewed_at = now,
            Err(error) => {
                self.ended = !matches!(error, BlobError::Unavailable { .. });
                return Err(error);
            }
        }
        self.ended = true;
        // One that was announced was looked for at the beginning; the other upload that has brought
        // it meanwhile wrote the same bytes.
        let known = self.request.digest.is_some();
        let found = self
            .blobs
            .find_durable(digest, self.request.rewrite || known);
        let already_there = match found.await? {
            Some(found) if found == self.bytes => {
                self.discard().await?;
                true
            }
            _ => {
                self.publish(digest).await?;
                false
            }
        };
        Ok(StoredBlob {
            digest,
            bytes: self.bytes,
            lease: self.lease,
            already_there,
        })
    }

    /// Ends the upload: removes what it has staged and its lease.
    pub async fn abort(mut self) -> Result<(), BlobError> {
        self.remove().await
    }

    /// The digest, if it and the size are as announced.
    async fn check_announced(&mut self) -> Result<BlobDigest, BlobError> {
        if self.staged.is_some() && self.gathered_bytes > 0 {
            self.flush().await?;
        }
        self.hasher.update(self.gathered.clone()).await?;
        let digest = self.hasher.finish();
        let (bytes, request) = (self.bytes, &self.request);
        let announced_bytes = request.bytes.unwrap_or(bytes);
        let announced = request.digest.unwrap_or(digest);
        if announced != digest || announced_bytes != bytes {
            return Err(BlobError::Invalid(format!(
                "the upload has {bytes} bytes of digest {digest}, \
                 announced were {announced_bytes} bytes of digest {announced}, \
                 hint: the file has changed or the bytes were cut, upload it again"
            )));
        }
        Ok(digest)
    }

    /// Hashes and writes what is gathered.
    async fn flush(&mut self) -> Result<(), BlobError> {
        let pieces = std::mem::take(&mut self.gathered);
        self.gathered_bytes = 0;
        self.hasher.update(pieces.clone()).await?;
        let blobs = self.blobs.clone();
        if self.staged.is_none() {
            blobs.gate.pass("begin to write").await;
            let staged = blobs.backend.begin(self.lease, self.request.digest).await?;
            self.remains = blobs.backend.remains(&staged);
            self.staged = Some(staged);
            if let Some(remains) = self.remains.clone() {
                let lease = self.lease;
                let former = blobs
                    .ask("note what remains", move |catalogue| {
                        catalogue.note_remains(lease, &remains)
                    })
                    .await?;
                if let Some(former) = former {
                    // Of a try that broke off; nobody else knows of its parts any more.
                    blobs.backend.discard_parts(&former).await?;
                }
            }
        }
        blobs.gate.pass("write a piece").await;
        match &mut self.staged {
            Some(staged) => {
                let written = blobs.backend.write(staged, pieces).await;
                written.map_err(|error| swept(error, self.lease))
            }
            None => Ok(()),
        }
    }

    /// Publishes, and renews the lease as long as that takes.
    async fn publish(&mut self, digest: BlobDigest) -> Result<(), BlobError> {
        let (blobs, lease) = (self.blobs.clone(), self.lease);
        let (bytes, pieces) = (self.bytes, std::mem::take(&mut self.gathered));
        let (backend, gate) = (&blobs.backend, &blobs.gate);
        let staged = self.staged.as_mut();
        let publishing = async {
            match staged {
                Some(staged) => backend.publish(staged, digest, bytes, gate).await,
                None => backend.publish_piece(lease, digest, pieces, gate).await,
            }
        };
        let mut publishing = std::pin::pin!(publishing);
        loop {
            let third = tokio::time::sleep(blobs.times.lease / 3);
            tokio::select! {
                published = &mut publishing => return published.map_err(|error| swept(error, lease)),
                () = third => renew(&blobs, lease).await?,
            }
        }
    }

    async fn renew_when_due(&mut self) -> Result<(), BlobError> {
        let now = self.blobs.now();
        let due: Duration = self.blobs.times.lease / 3;
        if now >= add(self.renewed_at, due) {
            renew(&self.blobs, self.lease).await?;
            self.renewed_at = now;
        }
        Ok(())
    }

    /// Removes parts that were written; what a client has put and the lease stay.
    pub(crate) async fn discard_parts(&mut self) -> Result<(), BlobError> {
        if self.staged.take().is_none() {
            return Ok(());
        }
        match self.remains.as_deref() {
            Some(remains) => self.blobs.backend.discard_parts(remains).await,
            None => Ok(()),
        }
    }

    /// Removes what is staged; the lease stays.
    async fn discard(&mut self) -> Result<(), BlobError> {
        if self.staged.take().is_none() {
            return Ok(());
        }
        self.blobs.gate.pass("discard what is staged").await;
        let remains = self.remains.as_deref();
        self.blobs.backend.discard(self.lease, remains).await
    }

    /// Removes what is staged, then the lease.
    async fn remove(&mut self) -> Result<(), BlobError> {
        self.discard().await?;
        self.blobs.give_up(self.lease).await
    }

    pub(crate) fn too_large(&self, total: u64) -> BlobError {
        match self.request.bytes {
            Some(announced) => BlobError::TooLarge(format!(
                "{total} bytes of an upload have come, {announced} were announced, \
                 hint: the file has grown meanwhile, upload it again"
            )),
            None => BlobError::TooLarge(format!(
                "{total} bytes of an upload have come, the limit is {}",
                self.bytes_max
            )),
        }
    }

    fn check_open(&self) -> Result<(), BlobError> {
        if self.ended {
            return Err(BlobError::Conflict(format!(
                "upload {} has ended, hint: begin a new one",
                self.lease
            )));
        }
        Ok(())
    }
}

/// What is staged is gone only when the upload was swept.
fn swept(error: BlobError, lease: BlobLeaseId) -> BlobError {
    match error {
        BlobError::NotFound(reason) => BlobError::Conflict(format!(
            "upload {lease} was slower than its lease and has been swept ({reason}), \
             hint: upload the bytes again"
        )),
        other => other,
    }
}

async fn renew(blobs: &Blobs, lease: BlobLeaseId) -> Result<(), BlobError> {
    let expires_at = add(blobs.now(), blobs.times.lease);
    blobs
        .ask("renew the lease", move |catalogue| {
            catalogue.renew_lease(lease, expires_at)
        })
        .await
}

/// A SHA-256 under way, computed off the runtime where that takes long.
pub(crate) struct Hasher {
    state: Sha256,
}

impl Hasher {
    pub(crate) fn new(state: Sha256) -> Self {
        Self { state }
    }

    pub(crate) async fn update(&mut self, pieces: Vec<Bytes>) -> Result<(), BlobError> {
        if pieces.iter().map(Bytes::len).sum::<usize>() <= HASH_HERE_BYTES {
            for piece in &pieces {
                self.state.update(piece);
            }
            return Ok(());
        }
        let mut state = std::mem::take(&mut self.state);
        let updated = off_the_runtime(move || {
            for piece in &pieces {
                state.update(piece);
            }
            Ok(state)
        });
        self.state = updated.await?;
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> BlobDigest {
        BlobDigest::new(self.state.finalize_reset().into())
    }
}
