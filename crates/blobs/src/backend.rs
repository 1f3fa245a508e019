//! One place of blobs: a folder or a bucket. What both do alike stands here; how each writes stands in
//! [`crate::folder`] and [`crate::s3`].
//!
//! Nothing here asks who may read or delete: `upload` and `sweep` do.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _, try_unfold};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use runstone_model::{BlobDigest, BlobLeaseId};

use crate::config::Place;
use crate::folder::{Folder, FolderWrite};
use crate::gate::Gate;
use crate::layout::Layout;
use crate::s3::{self, Bucket, BucketWrite};
use crate::{BlobError, ByteStream};

/// One request reads at most so much, so that a slow reader holds no request for hours.
const READ_WINDOW_BYTES: u64 = 32 * 1024 * 1024;
/// Requests in a row that may fail before a reader hears of it.
const READ_FAILURES_MAX: u32 = 3;
/// A folder is written to in pieces of so much.
const FOLDER_PIECE_BYTES: usize = 1024 * 1024;

/// A folder or a bucket.
pub(crate) struct Backend {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// The same place; each request to delete is sent at most once.
    deleting: Arc<dyn ObjectStore>,
    pub(crate) layout: Layout,
    writer: Writer,
    pub(crate) read_window_bytes: u64,
    pub(crate) folder_piece_bytes: usize,
}

enum Writer {
    Folder(Folder),
    Bucket(Bucket),
}

/// Bytes of an upload that can't be seen yet.
pub(crate) enum Staged {
    Folder(FolderWrite),
    Bucket(BucketWrite),
}

impl Backend {
    /// Opens a place. Blocks for a folder; no request is sent for a bucket.
    pub(crate) fn open(place: &Place) -> Result<Self, BlobError> {
        match place {
            Place::Folder(root) => {
                let folder = Folder::open(root)?;
                let objects = LocalFileSystem::new_with_prefix(folder.root());
                let what = format!("opening the blobs in {}", root.display());
                let objects = objects.map_err(|error| BlobError::from_object(&what, error))?;
                let objects: Arc<dyn ObjectStore> = Arc::new(objects);
                Ok(Self {
                    deleting: objects.clone(),
                    objects,
                    layout: Layout::new(Path::default()),
                    writer: Writer::Folder(folder),
                    read_window_bytes: READ_WINDOW_BYTES,
                    folder_piece_bytes: FOLDER_PIECE_BYTES,
                })
            }
            Place::S3(place) => {
                let layout = Layout::new(s3::prefix_path(&place.prefix)?);
                let (usual, deleting) = s3::clients(place)?;
                Ok(Self {
                    objects: usual.clone(),
                    deleting,
                    layout,
                    writer: Writer::Bucket(Bucket::new(usual, place)),
                    read_window_bytes: READ_WINDOW_BYTES,
                    folder_piece_bytes: FOLDER_PIECE_BYTES,
                })
            }
        }
    }

    /// The same bucket with names below another prefix, over the same connections.
    #[cfg(any(test, feature = "conformance"))]
    pub(crate) fn below(&self, prefix: &str) -> Self {
        let Writer::Bucket(bucket) = &self.writer else {
            panic!("only a bucket has a prefix");
        };
        Self {
            objects: self.objects.clone(),
            deleting: self.deleting.clone(),
            layout: Layout::new(Path::from(prefix)),
            writer: Writer::Bucket(bucket.clone()),
            ..*self
        }
    }

    /// Bytes that are gathered before they are written.
    pub(crate) fn piece_bytes(&self) -> usize {
        match &self.writer {
            Writer::Folder(_) => self.folder_piece_bytes,
            Writer::Bucket(bucket) => bucket.part_bytes,
        }
    }

    /// The size of a blob; `None` if it is not there.
    pub(crate) async fn head(&self, digest: BlobDigest) -> Result<Option<u64>, BlobError> {
        let path = self.layout.blob(digest);
        let found = self.head_object(&path).await?;
        Ok(found.map(|object| object.size))
    }

    /// The size of what lies staged under a lease, as put there through a presigned address.
    pub(crate) async fn head_upload(&self, lease: BlobLeaseId) -> Result<Option<u64>, BlobError> {
        let path = self.layout.upload(lease);
        let found = self.head_object(&path).await?;
        Ok(found.map(|object| object.size))
    }

    async fn head_object(&self, path: &Path) -> Result<Option<ObjectMeta>, BlobError> {
        match self.objects.head(path).await {
            Ok(object) => Ok(Some(object)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::from_object(&format!("looking at {path}"), error)),
        }
    }

    /// Bytes of a blob; the range must lie inside of it.
    pub(crate) fn read(&self, digest: BlobDigest, range: Range<u64>) -> ByteStream {
        self.read_object(self.layout.blob(digest), range)
    }

    /// Bytes that lie staged under a lease.
    pub(crate) fn read_upload(&self, lease: BlobLeaseId, bytes: u64) -> ByteStream {
        self.read_object(self.layout.upload(lease), 0..bytes)
    }

    fn read_object(&self, path: Path, range: Range<u64>) -> ByteStream {
        let reading = Reading {
            objects: self.objects.clone(),
            path,
            position: range.start,
            end: range.end,
            window_end: range.start,
            window_bytes: self.read_window_bytes,
            window: None,
            failures: 0,
        };
        try_unfold(reading, Reading::next).boxed()
    }

    /// Begins to write bytes under a lease. With `target` they may go straight to where the blob will
    /// be, unseen until they are published.
    pub(crate) async fn begin(
        &self,
        lease: BlobLeaseId,
        target: Option<BlobDigest>,
    ) -> Result<Staged, BlobError> {
        match &self.writer {
            Writer::Folder(folder) => Ok(Staged::Folder(folder.begin(lease).await?)),
            Writer::Bucket(bucket) => {
                let path = match target {
                    Some(digest) => self.layout.blob(digest),
                    None => self.layout.upload(lease),
                };
                Ok(Staged::Bucket(bucket.begin(path).await?))
            }
        }
    }

    /// Writes a piece. All but the last have [`Backend::piece_bytes`] or more.
    pub(crate) async fn write(
        &self,
        staged: &mut Staged,
        pieces: Vec<Bytes>,
    ) -> Result<(), BlobError> {
        match (&self.writer, staged) {
            (Writer::Folder(folder), Staged::Folder(write)) => folder.write(write, pieces).await,
            (Writer::Bucket(bucket), Staged::Bucket(write)) => bucket.write(write, pieces).await,
            _ => Err(other_place()),
        }
    }

    /// Makes verified bytes the blob of `digest`. Durable and visible on return.
    pub(crate) async fn publish(
        &self,
        staged: &mut Staged,
        digest: BlobDigest,
        bytes: u64,
        gate: &Gate,
    ) -> Result<(), BlobError> {
        match (&self.writer, staged) {
            (Writer::Folder(folder), Staged::Folder(write)) => {
                folder.publish(write, digest, gate).await
            }
            (Writer::Bucket(bucket), Staged::Bucket(write)) => {
                gate.pass("complete the upload").await;
                bucket.complete(write).await?;
                let target = self.layout.blob(digest);
                if write.path == target {
                    return Ok(());
                }
                gate.pass("copy the object").await;
                if bytes <= bucket.copy_bytes_max {
                    bucket.copy(&write.path, &target).await?;
                } else {
                    self.rewrite(bucket, &write.path, target, bytes).await?;
                }
                gate.pass("delete the copied object").await;
                self.delete_object(&write.path).await
            }
            _ => Err(other_place()),
        }
    }

    /// Makes verified bytes that fit one piece the blob of `digest`. Durable and visible on return.
    pub(crate) async fn publish_piece(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
        pieces: Vec<Bytes>,
        gate: &Gate,
    ) -> Result<(), BlobError> {
        match &self.writer {
            Writer::Folder(folder) => {
                gate.pass("begin the file").await;
                let write = folder.begin(lease).await?;
                gate.pass("write the file").await;
                folder.write(&write, pieces).await?;
                folder.publish(&write, digest, gate).await
            }
            Writer::Bucket(bucket) => {
                gate.pass("put the object").await;
                bucket.put(&self.layout.blob(digest), pieces).await
            }
        }
    }

    /// Reads one object and writes it to another, for those that are too large to be copied.
    async fn rewrite(
        &self,
        bucket: &Bucket,
        from: &Path,
        to: Path,
        bytes: u64,
    ) -> Result<(), BlobError> {
        let mut stream = self.read_object(from.clone(), 0..bytes);
        let mut write = bucket.begin(to).await?;
        let (mut pieces, mut gathered) = (Vec::new(), 0);
        while let Some(piece) = stream.try_next().await? {
            gathered += piece.len();
            pieces.push(piece);
            if gathered >= bucket.part_bytes {
                bucket
                    .write(&mut write, std::mem::take(&mut pieces))
                    .await?;
                gathered = 0;
            }
        }
        if gathered > 0 {
            bucket.write(&mut write, pieces).await?;
        }
        bucket.complete(&mut write).await
    }

    /// Makes sure that a blob found here stays after a power loss.
    pub(crate) async fn make_durable(&self, digest: BlobDigest) -> Result<(), BlobError> {
        match &self.writer {
            Writer::Folder(folder) => folder.make_durable(digest).await,
            Writer::Bucket(_) => Ok(()),
        }
    }

    /// Removes what an upload left. What is not there is fine.
    pub(crate) async fn discard(
        &self,
        lease: BlobLeaseId,
        remains: Option<&str>,
    ) -> Result<(), BlobError> {
        if let Some(remains) = remains {
            self.discard_parts(remains).await?;
        }
        self.delete_object(&self.layout.upload(lease)).await
    }

    /// Deletes the parts that a note tells of.
    pub(crate) async fn discard_parts(&self, remains: &str) -> Result<(), BlobError> {
        match &self.writer {
            Writer::Bucket(bucket) => bucket.abort(remains).await,
            Writer::Folder(_) => Ok(()),
        }
    }

    async fn delete_object(&self, path: &Path) -> Result<(), BlobError> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BlobError::from_object(&format!("deleting {path}"), error)),
        }
    }

    /// Deletes blobs, each request sent at most once; returns those that are gone now, and an
    /// error if some are not.
    pub(crate) async fn delete(
        &self,
        digests: &[BlobDigest],
    ) -> (Vec<BlobDigest>, Option<BlobError>) {
        let paths: Vec<_> = digests.iter().map(|d| Ok(self.layout.blob(*d))).collect();
        let results = self
            .deleting
            .delete_stream(futures_util::stream::iter(paths).boxed());
        let results: Vec<_> = results.collect().await;
        let (mut gone, mut failure) = (Vec::new(), None);
        // One result a blob, in order, but for a request that failed as a whole: one for all.
        let whole = results.len() == digests.len();
        for (result, digest) in results.into_iter().zip(digests) {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) if whole => gone.push(*digest),
                Ok(_) => {}
                Err(error) => failure = Some(BlobError::from_object("deleting blobs", error)),
            }
        }
        if failure.is_none() && gone.len() < digests.len() {
            failure = Some(BlobError::unavailable("some blobs were not deleted"));
        }
        (gone, failure)
    }

    /// What lies below the folder of blobs, ours or not, unsorted.
    pub(crate) fn list_blobs_unsorted(&self) -> BoxStream<'static, Result<ObjectMeta, BlobError>> {
        self.list_unsorted(self.layout.blobs())
    }

    /// What lies below the folder of uploads, unsorted.
    pub(crate) fn list_uploads_unsorted(
        &self,
    ) -> BoxStream<'static, Result<ObjectMeta, BlobError>> {
        self.list_unsorted(self.layout.uploads())
    }

    fn list_unsorted(&self, folder: Path) -> BoxStream<'static, Result<ObjectMeta, BlobError>> {
        let listed = self.objects.list(Some(&folder));
        listed
            .map_err(move |error| BlobError::from_object(&format!("listing {folder}"), error))
            .boxed()
    }

    /// What to note so that a later sweep can remove what this upload leaves.
    pub(crate) fn remains(&self, staged: &Staged) -> Option<String> {
        match staged {
            Staged::Folder(_) => None,
            Staged::Bucket(write) => Some(write.remains()),
        }
    }

    /// The bucket, if it is one, and where a blob and an upload lie in it.
    pub(crate) fn bucket(&self) -> Option<(&Bucket, &Layout)> {
        match &self.writer {
            Writer::Folder(_) => None,
            Writer::Bucket(bucket) => Some((bucket, &self.layout)),
        }
    }

    /// The folder, if it is one.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        match &self.writer {
            Writer::Folder(folder) => Some(folder),
            Writer::Bucket(_) => None,
        }
    }
}

fn other_place() -> BlobError {
    BlobError::Internal("an upload was handed to a place that it was not begun at".to_owned())
}

/// A reader's position in an object.
struct Reading {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    position: u64,
    end: u64,
    window_end: u64,
    window_bytes: u64,
    window: Option<BoxStream<'static, object_store::Result<Bytes>>>,
    failures: u32,
}

impl Reading {
    /// The next bytes; `None` at the end. A request that fails is asked again from where it was.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BlobError> {
        while self.position < self.end {
            let failure = match self.step().await {
                Ok(Some(bytes)) => {
                    self.failures = 0;
                    self.position += bytes.len() as u64;
                    return Ok(Some((bytes, self)));
                }
                Ok(None) => continue,
                Err(error) => error,
            };
            self.window = None;
            self.failures += 1;
            let gone = matches!(failure, object_store::Error::NotFound { .. });
            if gone || self.failures >= READ_FAILURES_MAX {
                let what = format!("reading {} at byte {}", self.path, self.position);
                return Err(BlobError::from_object(&what, failure));
            }
        }
        Ok(None)
    }

    /// The next bytes of the window; `None` when one was opened or has ended.
    async fn step(&mut self) -> object_store::Result<Option<Bytes>> {
        if let Some(window) = &mut self.window {
            match window.next().await {
                Some(bytes) => return bytes.map(|bytes| Some(bytes).filter(|b| !b.is_empty())),
                None => self.window = None,
            }
            if self.position < self.window_end {
                return Err(object_store::Error::Generic {
                    store: "blobs",
                    source: "the answer has ended before the bytes asked for".into(),
                });
            }
            return Ok(None);
        }
        self.window_end = self.end.min(self.position + self.window_bytes);
        let options = GetOptions {
            range: Some((self.position..self.window_end).into()),
            ..GetOptions::default()
        };
        let answer = self.objects.get_opts(&self.path, options).await?;
        self.window = Some(answer.into_stream());
        Ok(None)
    }
}
