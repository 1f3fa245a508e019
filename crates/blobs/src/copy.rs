//! Copies of blobs to another folder, for a copy of the store that refers to them.
//!
//! A [`BlobCopy`] holds off garbage collection of this process from its begin to its end. So whoever
//! begins one, then copies the catalogue, then the blobs that the copied catalogue refers to, finds all
//! of them: none that was referred to then is deleted before the copy has it. Uploads go on.
//!
//! From a folder a blob is cloned where the file system can share its bytes (reflink), else linked
//! (blobs are never written to in place), else copied. From a bucket it is read and verified.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::stream::TryStreamExt as _;
use runstone_model::{BlobDigest, BlobLeaseId};
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;

use crate::error::off_the_runtime;
use crate::folder::Folder;
use crate::gate::Gate;
use crate::os_unix_clone::clone_file;
use crate::upload::Hasher;
use crate::{BlobError, Blobs};

/// What a copy has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Blobs that are in the copy.
    pub blobs: u64,
    /// Their bytes; what is linked or cloned takes no room of its own.
    pub bytes: u64,
    /// Blobs that are referred to and not there.
    pub missing: u64,
}

/// A copy under way. Dropping it lets garbage be collected again.
pub struct BlobCopy {
    blobs: Blobs,
    target: std::path::PathBuf,
    folder: Option<Folder>,
    report: CopyReport,
    _pass: OwnedMutexGuard<()>,
}

impl Blobs {
    /// Begins a copy to a folder of blobs, which is made with the first blob. Waits for a pass of
    /// garbage collection that is under way.
    pub async fn begin_copy(&self, target: &Path) -> BlobCopy {
        let pass = Arc::clone(&self.collecting).lock_owned().await;
        BlobCopy {
            blobs: self.clone(),
            target: target.to_owned(),
            folder: None,
            report: CopyReport::default(),
            _pass: pass,
        }
    }
}

impl BlobCopy {
    /// Copies blobs; one that is not there is counted. Durable on return.
    ///
    /// # Errors
    /// `Unavailable` when the place does not answer or the disk is full, `Corrupt` for a blob of a
    /// bucket that is damaged.
    pub async fn copy(&mut self, digests: &[BlobDigest]) -> Result<(), BlobError> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => {
                let target = self.target.clone();
                let opened = off_the_runtime(move || Folder::open(&target)).await?;
                self.folder.insert(opened).clone()
            }
        };
        for digest in digests {
            let copied = match self.blobs.backend.folder() {
                Some(source) => link(source, &folder, *digest).await?,
                None => self.fetch(&folder, *digest).await?,
            };
            match copied {
                Some(bytes) => {
                    self.report.blobs += 1;
                    self.report.bytes += bytes;
                }
                None => self.report.missing += 1,
            }
        }
        Ok(())
    }

    /// What was copied.
    pub fn report(&self) -> &CopyReport {
        &self.report
    }

    /// Reads a blob from a bucket, verifies it and writes it.
    async fn fetch(&self, folder: &Folder, digest: BlobDigest) -> Result<Option<u64>, BlobError> {
        let Some(bytes) = self.blobs.head(digest).await? else {
            return Ok(None);
        };
        let mut stream = self.blobs.backend.read(digest, 0..bytes);
        // Nobody uploads there; the number is that of this blob in the copy.
        let write = folder.begin(BlobLeaseId(self.report.blobs)).await?;
        let mut hasher = Hasher::new(Sha256::new());
        while let Some(piece) = stream.try_next().await? {
            hasher.update(vec![piece.clone()]).await?;
            folder.write(&write, vec![piece]).await?;
        }
        let found = hasher.finish();
        if found != digest {
            return Err(BlobError::Corrupt(format!(
                "blob {digest} has bytes of {found}, hint: upload it again with rewrite"
            )));
        }
        folder.publish(&write, digest, &Gate::default()).await?;
        Ok(Some(bytes))
    }
}

/// Puts the blob of one folder into another; `None` if it is not there.
async fn link(
    source: &Folder,
    target: &Folder,
    digest: BlobDigest,
) -> Result<Option<u64>, BlobError> {
    let (from, to) = (source.blob_path(digest), target.blob_path(digest));
    let made = target.clone();
    let copied = off_the_runtime(move || {
        made.make_shard(digest)?;
        let copied = link_file(&from, &to);
        copied.map_err(|error| {
            BlobError::from_io(
                &format!("copying {} to {}", from.display(), to.display()),
                &error,
            )
        })
    });
    let copied = match copied.await {
        Ok(bytes) => bytes,
        Err(BlobError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    target.make_durable(digest).await?;
    Ok(Some(copied))
}

fn link_file(from: &Path, to: &Path) -> io::Result<u64> {
    let source = fs::File::open(from)?;
    let bytes = source.metadata()?.len();
    if clone_file(&source, to)? || fs::hard_link(from, to).is_ok() {
        return Ok(bytes);
    }
    // Another file system, or one without links.
    let mut copy = fs::File::create_new(to)?;
    io::copy(&mut &source, &mut copy)?;
    copy.sync_all()?;
    Ok(bytes)
}
