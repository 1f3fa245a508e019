//! Writing into a folder so that what can be seen is whole and stays, also after a power loss.
//!
//! Bytes go to a file below `uploads/`, which is synced, renamed to the blob's name, and the folder
//! that holds the name is synced. Reading and listing are `object_store`'s part.
//!
//! The surprising rule: once a sync of a folder has failed nothing more is published until the process
//! starts anew, since the operating system may report a later sync as done that never was.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use runstone_model::{BlobDigest, BlobLeaseId};

use crate::BlobError;
use crate::error::off_the_runtime;
use crate::gate::Gate;
use crate::layout::{BLOBS, UPLOADS};

/// A folder of blobs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Folder {
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    /// Shards whose name is durable in the folder of blobs, as far as this process knows.
    durable_shards: [AtomicBool; 256],
    sync_failed: AtomicBool,
}

/// An upload whose bytes go to a file.
pub(crate) struct FolderWrite {
    file: Arc<File>,
    path: PathBuf,
}

impl Folder {
    /// Makes what is missing of the folder. Blocks.
    pub(crate) fn open(root: &Path) -> Result<Self, BlobError> {
        let make = || -> io::Result<PathBuf> {
            fs::create_dir_all(root.join(BLOBS))?;
            fs::create_dir_all(root.join(UPLOADS))?;
            sync_folder(root)?;
            root.canonicalize()
        };
        let root = make().map_err(|error| {
            BlobError::from_io(&format!("opening the blobs in {}", root.display()), &error)
        })?;
        let shared = Shared {
            root,
            durable_shards: std::array::from_fn(|_| AtomicBool::new(false)),
            sync_failed: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The folder, as the operating system names it.
    pub(crate) fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Begins the file of an upload. Leases are never reused, so a file of that name is what a
    /// catalogue that has gone back in time has left.
    pub(crate) async fn begin(&self, lease: BlobLeaseId) -> Result<FolderWrite, BlobError> {
        let path = self.shared.root.join(UPLOADS).join(lease.to_string());
        off_the_runtime(move || {
            let make = || -> io::Result<File> {
                let stale = fs::remove_file(&path);
                if let Err(error) = stale
                    && error.kind() != io::ErrorKind::NotFound
                {
                    return Err(error);
                }
                File::create_new(&path)
            };
            let file = make().map_err(|error| failed_write(&path, &error))?;
            Ok(FolderWrite {
                file: Arc::new(file),
                path,
            })
        })
        .await
    }

    /// Appends to the file of an upload.
    pub(crate) async fn write(
        &self,
        write: &FolderWrite,
        pieces: Vec<Bytes>,
    ) -> Result<(), BlobError> {
        let (file, path) = (write.file.clone(), write.path.clone());
        off_the_runtime(move || {
            for piece in &pieces {
                (&*file)
                    .write_all(piece)
                    .map_err(|error| failed_write(&path, &error))?;
            }
            Ok(())
        })
        .await
    }

    /// Makes the bytes of an upload the blob of `digest`. Durable on return.
    pub(crate) async fn publish(
        &self,
        write: &FolderWrite,
        digest: BlobDigest,
        gate: &Gate,
    ) -> Result<(), BlobError> {
        gate.pass("sync the file").await;
        let (file, path) = (write.file.clone(), write.path.clone());
        off_the_runtime(move || file.sync_all().map_err(|error| failed_write(&path, &error)))
            .await?;
        gate.pass("rename the file").await;
        let (folder, path) = (self.clone(), write.path.clone());
        let target = self.blob_path(digest);
        off_the_runtime(move || {
            folder.make_shard(digest)?;
            fs::rename(&path, &target).map_err(|error| {
                BlobError::from_io(
                    &format!("renaming {} to {}", path.display(), target.display()),
                    &error,
                )
            })
        })
        .await?;
        gate.pass("sync the folder").await;
        self.make_durable(digest).await
    }

    /// Makes sure that the name of a blob which is there stays after a power loss: whoever put it there may have
    /// died before that.
    pub(crate) async fn make_durable(&self, digest: BlobDigest) -> Result<(), BlobError> {
        let folder = self.clone();
        off_the_runtime(move || {
            folder.make_shard(digest)?;
            let shard = folder.shard_path(digest);
            folder.sync(&shard)
        })
        .await
    }

    /// Makes the folder that holds the name of a blob, durably. Blocks.
    pub(crate) fn make_shard(&self, digest: BlobDigest) -> Result<(), BlobError> {
        if self.shared.sync_failed.load(Ordering::Acquire) {
            return Err(BlobError::unavailable(format!(
                "a sync of the blobs in {} failed before, hint: check that disk, then start the server anew",
                self.shared.root.display()
            )));
        }
        let durable = &self.shared.durable_shards[usize::from(digest.as_bytes()[0])];
        if durable.load(Ordering::Acquire) {
            return Ok(());
        }
        let shard = self.shard_path(digest);
        let made = fs::create_dir(&shard);
        if let Err(error) = made
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(failed_write(&shard, &error));
        }
        self.sync(&self.shared.root.join(BLOBS))?;
        durable.store(true, Ordering::Release);
        Ok(())
    }

    fn sync(&self, folder: &Path) -> Result<(), BlobError> {
        sync_folder(folder).map_err(|error| {
            self.shared.sync_failed.store(true, Ordering::Release);
            BlobError::unavailable(format!(
                "syncing {}: {error}, hint: check that disk, then start the server anew",
                folder.display()
            ))
        })
    }

    fn shard_path(&self, digest: BlobDigest) -> PathBuf {
        let hex = digest.to_hex();
        self.shared.root.join(BLOBS).join(&hex[..2])
    }

    pub(crate) fn blob_path(&self, digest: BlobDigest) -> PathBuf {
        self.shard_path(digest).join(digest.to_hex())
    }

    /// Behaves from now on as after a sync that failed.
    #[cfg(test)]
    pub(crate) fn fail_syncs(&self) {
        self.shared.sync_failed.store(true, Ordering::Release);
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn failed_write(path: &Path, error: &io::Error) -> BlobError {
    BlobError::from_io(&format!("writing {}", path.display()), error)
}
