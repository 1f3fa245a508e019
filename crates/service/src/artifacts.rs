//! Artifacts of runs: their bytes in blobs, what refers to them in the store.
//!
//! An upload is begun with the digest of its bytes. Are they there, a reference is all it takes;
//! otherwise the artifact is pending, and the answer names an address: signed by this server, which
//! takes the bytes itself, or presigned by the bucket. When they are there and right, all that waits
//! for them becomes ready with the transaction that ends the upload's lease.
//!
//! The surprising rule: whoever holds a signed address needs no token. It names method, run, path,
//! time and size, and is signed with a key that lives as long as this process.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use runstone_blobs::{Begun, BlobError, StoredBlob, UploadGrant, UploadRequest};
use runstone_model::{ArtifactPath, BlobLeaseId, MediaType, Principal, RunId, RunKey, Timestamp};
use runstone_store::{ArtifactPut, ArtifactRecord, ArtifactScan, RunAction};

use crate::api::{
    ARTIFACTS_PAGE_DEFAULT, ARTIFACTS_PAGE_MAX, ArtifactBegun, ArtifactItem, ArtifactList,
    ArtifactRequest, ArtifactState, ArtifactsQuery, UploadAddress,
};
use crate::blob_store::BlobStore;
use crate::error::{ErrorKind, ServiceError};
use crate::{Service, cursor};

/// How long an address of an upload may be used.
const ADDRESS_SECONDS: u64 = 3_600;
/// How long an artifact waits for its bytes.
const PENDING_SECONDS: u64 = 24 * 3_600;

/// Bytes of an artifact on their way.
pub type ArtifactStream = BoxStream<'static, Result<Bytes, ServiceError>>;

impl Service {
    /// Begins an upload; blocks. Are the bytes there already, the artifact is ready.
    ///
    /// # Errors
    /// `Forbidden` for a reader; `Invalid` for a path or type that is none, or a size that is not
    /// that of the bytes that are there; `NotFound` and `Conflict` for the address of the run;
    /// `TooLarge`; `Unavailable` while the same bytes are being deleted.
    pub fn begin_artifact(
        &self,
        principal: &Principal,
        address: &str,
        request: &ArtifactRequest,
    ) -> Result<ArtifactBegun, ServiceError> {
        Self::may_write(principal)?;
        let store = self.blob_store()?;
        let put = ArtifactPut {
            path: parse_path(&request.path)?,
            digest: request.digest,
            bytes: request.bytes,
            media_type: match &request.media_type {
                Some(text) => MediaType::new(text)
                    .map_err(|error| ServiceError::invalid(error.to_string()))?,
                None => MediaType::bytes(),
            },
            lease: None,
            pending_until: later(self.now(), PENDING_SECONDS),
        };
        let run = self.run_of(address)?;
        let asked = UploadRequest {
            digest: Some(request.digest),
            bytes: Some(request.bytes),
            ..UploadRequest::default()
        };
        let upload = match store.runtime.block_on(store.blobs.begin(asked))? {
            Begun::AlreadyThere(stored) => {
                let artifact = self.refer(&run, &put, stored)?;
                let upload = None;
                return Ok(ArtifactBegun { artifact, upload });
            }
            Begun::Upload(upload) => upload,
        };
        let valid = Duration::from_secs(ADDRESS_SECONDS);
        let expires_at = later(self.now(), ADDRESS_SECONDS);
        let lease = upload.lease();
        let presigned = match request.direct {
            true => store
                .runtime
                .block_on(store.blobs.presigned_put(lease, valid))?,
            false => None,
        };
        let upload = match presigned {
            Some(url) => UploadAddress {
                url,
                expires_at_micros: expires_at,
                upload: Some(lease.0),
            },
            None => {
                // The request that brings the bytes takes a lease of its own.
                store.runtime.block_on(upload.abort())?;
                UploadAddress {
                    url: self.signed_address(store, &run.1, &put, expires_at),
                    expires_at_micros: expires_at,
                    upload: None,
                }
            }
        };
        let put_pending = self.do_one(run.1.clone(), RunAction::PutArtifact(put.clone()));
        if let (Err(_), Some(lease)) = (&put_pending, upload.upload) {
            // Nobody will send anything under it.
            let _ = self.store.forget_leases(&[BlobLeaseId(lease)]);
        }
        put_pending?;
        let artifact = self.item_with(&run, &put)?;
        Ok(ArtifactBegun {
            artifact,
            upload: Some(upload),
        })
    }

    /// Takes the bytes of an upload at an address that was signed for it. At most a few pieces are in
    /// memory. `query` is that of the address, `path` is decoded.
    ///
    /// # Errors
    /// `Forbidden` for an address that does not permit this; `NotFound` if no such upload was
    /// begun; `Invalid` for other bytes than were announced, of which nothing is kept; `TooLarge`;
    /// `Unavailable` when they break off.
    pub async fn receive_artifact<S>(
        &self,
        run: &str,
        path: &str,
        query: &str,
        stream: S,
    ) -> Result<ArtifactItem, ServiceError>
    where
        S: Stream<Item = Result<Bytes, ServiceError>> + Send,
    {
        let store = self.blob_store()?;
        let id = RunId::new(run).map_err(|error| ServiceError::invalid(error.to_string()))?;
        let grant = store.keys.check("PUT", &id, path, query, self.now())?;
        let path = parse_path(path)?;
        let (service, wanted) = (self.clone(), id.clone());
        let (run, record) = blocking(move || {
            let run = service.run_of(wanted.as_str())?;
            let record = service.newest_of(run.0, &path)?;
            Ok((run, record))
        })
        .await?;
        let record = record.ok_or_else(|| {
            ServiceError::not_found(format!("no upload of {} was begun", grant.path))
                .with_hint("begin it with POST, which answers a new address")
        })?;
        let request = UploadRequest {
            digest: Some(record.digest),
            bytes: Some(record.bytes),
            bytes_max: Some(grant.bytes_max),
            rewrite: false,
        };
        let mut stream = std::pin::pin!(stream);
        let service = self.clone();
        let put = put_of(&record);
        let stored = match store.blobs.begin(request).await? {
            Begun::AlreadyThere(stored) => {
                // Somebody else has brought them meanwhile. The reference comes first: no lease is
                // renewed while the sender gets rid of his.
                let item = blocking(move || service.refer(&run, &put, stored)).await?;
                let mut left = record.bytes;
                while left > 0
                    && let Some(Ok(bytes)) = stream.next().await
                {
                    left = left.saturating_sub(bytes.len() as u64);
                }
                return Ok(item);
            }
            Begun::Upload(mut upload) => {
                let filled = async {
                    while let Some(bytes) = stream.try_next().await? {
                        upload.write(bytes).await?;
                    }
                    Ok::<_, ServiceError>(upload.finish().await?)
                };
                match filled.await {
                    Ok(stored) => stored,
                    Err(error) => {
                        upload.abort().await.ok();
                        return Err(error);
                    }
                }
            }
        };
        blocking(move || service.refer(&run, &put, stored)).await
    }

    /// Finishes an upload that went past the server: verifies what was put, and makes the artifact
    /// ready; blocks.
    ///
    /// # Errors
    /// `Forbidden` for a reader; `NotFound` if no such upload was begun or nothing was put;
    /// `Invalid` for other bytes than were announced; `Conflict` if it was swept.
    pub fn finish_artifact(
        &self,
        principal: &Principal,
        address: &str,
        upload: u64,
        path: &str,
    ) -> Result<ArtifactItem, ServiceError> {
        Self::may_write(principal)?;
        let store = self.blob_store()?;
        let run = self.run_of(address)?;
        let path = parse_path(path)?;
        let record = self.newest_of(run.0, &path)?.ok_or_else(|| {
            ServiceError::not_found(format!("no upload of {path} was begun"))
                .with_hint("begin it with POST, which answers an address")
        })?;
        let request = UploadRequest {
            digest: Some(record.digest),
            bytes: Some(record.bytes),
            ..UploadRequest::default()
        };
        let adopted = store.blobs.adopt(BlobLeaseId(upload), request);
        let stored = store.runtime.block_on(adopted)?;
        self.refer(&run, &put_of(&record), stored)
    }

    /// One page of the artifacts of a run.
    ///
    /// # Errors
    /// `Invalid` for a limit or cursor that is none; `NotFound` and `Conflict` for the address.
    pub fn list_artifacts(
        &self,
        principal: &Principal,
        address: &str,
        query: &ArtifactsQuery,
    ) -> Result<ArtifactList, ServiceError> {
        Self::may_read(principal)?;
        let limit = query.limit.unwrap_or(ARTIFACTS_PAGE_DEFAULT);
        if !(1..=ARTIFACTS_PAGE_MAX).contains(&limit) {
            return Err(
                ServiceError::invalid(format!("{limit} is no limit of a page"))
                    .with_hint(format!("ask for 1 to {ARTIFACTS_PAGE_MAX}")),
            );
        }
        let after = query
            .cursor
            .as_deref()
            .map(|text| cursor::decode::<(String, u32)>("artifacts", text))
            .transpose()?;
        let after = match after {
            Some((path, version)) => Some((parse_path(&path)?, version)),
            None => None,
        };
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?;
        let page = snapshot.scan_artifacts(
            run.key,
            &ArtifactScan {
                prefix: query.prefix.clone().unwrap_or_default(),
                all_versions: query.versions.unwrap_or(false),
                after,
                limit,
            },
        )?;
        let now = self.now();
        let items = page.artifacts.into_iter();
        Ok(ArtifactList {
            artifacts: items.map(|one| item(&run.run.id, one, now)).collect(),
            next_cursor: page
                .next
                .map(|(path, version)| cursor::encode("artifacts", &(path.as_str(), version))),
        })
    }

    /// A version of an artifact; the newest whose bytes are there unless one is asked for.
    ///
    /// # Errors
    /// `NotFound` if there is none; those of the address.
    pub fn find_artifact(
        &self,
        principal: &Principal,
        address: &str,
        path: &str,
        version: Option<u32>,
    ) -> Result<ArtifactItem, ServiceError> {
        Self::may_read(principal)?;
        let path = parse_path(path)?;
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?;
        let found = snapshot.find_artifact(run.key, &path, version)?;
        let found = found.ok_or_else(|| {
            let which = version.map_or(String::new(), |version| format!(" of version {version}"));
            ServiceError::not_found(format!("run {} has no {path}{which}", run.run.id)).with_hint(
                format!(
                    "`runstone artifact list {}` lists what it has, with what is still awaited",
                    run.run.id
                ),
            )
        })?;
        Ok(item(&run.run.id, found, self.now()))
    }

    /// The bytes of an artifact, whole or a range of them that lies inside.
    ///
    /// # Errors
    /// `Conflict` while they are not there; `NotFound` if they are lost; `Unavailable`.
    pub async fn read_artifact(
        &self,
        artifact: &ArtifactItem,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<ArtifactStream, ServiceError> {
        let store = self.blob_store()?;
        if artifact.state != ArtifactState::Ready {
            return Err(ServiceError::new(
                ErrorKind::Conflict,
                format!("the bytes of {} are not there", artifact.path),
            )
            .with_hint("upload them again, or ask for another version"));
        }
        let read = store.blobs.read(artifact.digest, range).await;
        let read = read.map_err(|error| match error {
            BlobError::NotFound(text) => ServiceError::new(ErrorKind::Corrupt, text)
                .with_hint("`runstone doctor --deep` names all that is lost"),
            error => error.into(),
        })?;
        Ok(read.stream.map_err(ServiceError::from).boxed())
    }

    /// Removes a version of an artifact, or all of them.
    ///
    /// # Errors
    /// `Forbidden` for a reader; `NotFound` if there is none; those of the address.
    pub fn delete_artifact(
        &self,
        principal: &Principal,
        address: &str,
        path: &str,
        version: Option<u32>,
    ) -> Result<(), ServiceError> {
        Self::may_write(principal)?;
        let path = parse_path(path)?;
        let (_, id) = self.run_of(address)?;
        self.do_one(id, RunAction::RemoveArtifact { path, version })
    }

    /// The bytes of artifacts, if this service keeps any.
    pub(crate) fn blob_store(&self) -> Result<&BlobStore, ServiceError> {
        self.blobs.as_deref().ok_or_else(|| {
            ServiceError::new(ErrorKind::Unavailable, "no blobs are kept here")
                .with_hint("`runstone up` keeps them")
        })
    }

    /// Adds the reference to a blob that is there, and ends its lease.
    fn refer(
        &self,
        run: &(RunKey, RunId),
        put: &ArtifactPut,
        stored: StoredBlob,
    ) -> Result<ArtifactItem, ServiceError> {
        let put = ArtifactPut {
            lease: Some(stored.lease),
            bytes: stored.bytes,
            ..put.clone()
        };
        let referred = self.do_one(run.1.clone(), RunAction::PutArtifact(put.clone()));
        if let Err(error) = referred {
            // A run that is gone meanwhile: the lease would only wait for the sweep.
            let _ = self.store.forget_leases(&[stored.lease]);
            return Err(error);
        }
        self.item_with(run, &put)
    }

    /// The version that a put has made, or found.
    fn item_with(
        &self,
        run: &(RunKey, RunId),
        put: &ArtifactPut,
    ) -> Result<ArtifactItem, ServiceError> {
        let versions = self.versions_of(run.0, &put.path, true)?;
        let made = versions
            .into_iter()
            .rev()
            .find(|one| one.digest == put.digest && one.media_type == put.media_type);
        let made = made.ok_or_else(|| {
            ServiceError::new(ErrorKind::Conflict, format!("{} is gone already", put.path))
                .with_hint("somebody has removed it meanwhile; begin anew")
        })?;
        Ok(item(&run.1, made, self.now()))
    }

    /// The newest version, whatever its state.
    fn newest_of(
        &self,
        run: RunKey,
        path: &ArtifactPath,
    ) -> Result<Option<ArtifactRecord>, ServiceError> {
        Ok(self.versions_of(run, path, false)?.pop())
    }

    fn versions_of(
        &self,
        run: RunKey,
        path: &ArtifactPath,
        all_versions: bool,
    ) -> Result<Vec<ArtifactRecord>, ServiceError> {
        let snapshot = self.store.snapshot()?;
        let mut versions = Vec::new();
        let mut scan = ArtifactScan {
            prefix: path.as_str().to_owned(),
            all_versions,
            after: None,
            limit: ARTIFACTS_PAGE_MAX,
        };
        // Those of the path itself come first among all that begin with it.
        loop {
            let page = snapshot.scan_artifacts(run, &scan)?;
            let before = versions.len();
            let found = page.artifacts.len();
            versions.extend(page.artifacts.into_iter().filter(|one| one.path == *path));
            if page.next.is_none() || versions.len() - before < found {
                return Ok(versions);
            }
            scan.after = page.next;
        }
    }

    fn run_of(&self, address: &str) -> Result<(RunKey, RunId), ServiceError> {
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?;
        Ok((run.key, run.run.id))
    }

    fn signed_address(
        &self,
        store: &BlobStore,
        run: &RunId,
        put: &ArtifactPut,
        expires_at: Timestamp,
    ) -> String {
        let grant = UploadGrant {
            method: "PUT".to_owned(),
            run: run.clone(),
            path: put.path.to_string(),
            expires_at,
            bytes_max: put.bytes,
        };
        let query = store.keys.sign(&grant);
        let (run, path) = (encoded(run.as_str()), encoded(put.path.as_str()));
        format!("/runstone/v1/runs/{run}/artifacts/{path}?{query}")
    }
}

/// What was asked for when a version was begun.
fn put_of(record: &ArtifactRecord) -> ArtifactPut {
    ArtifactPut {
        path: record.path.clone(),
        digest: record.digest,
        bytes: record.bytes,
        media_type: record.media_type.clone(),
        lease: None,
        pending_until: record.pending_until.unwrap_or_default(),
    }
}

fn item(run: &RunId, record: ArtifactRecord, now: Timestamp) -> ArtifactItem {
    ArtifactItem {
        run: run.clone(),
        path: record.path.to_string(),
        version: record.version,
        state: match record.pending_until {
            None => ArtifactState::Ready,
            Some(until) if until > now => ArtifactState::Pending,
            Some(_) => ArtifactState::Expired,
        },
        digest: record.digest,
        bytes: record.bytes,
        media_type: record.media_type.to_string(),
        created_at_micros: record.created_at,
    }
}

fn parse_path(text: &str) -> Result<ArtifactPath, ServiceError> {
    ArtifactPath::new(text).map_err(|error| ServiceError::invalid(error.to_string()))
}

fn later(time: Timestamp, seconds: u64) -> Timestamp {
    time.saturating_add_micros(i64::try_from(seconds * 1_000_000).unwrap_or(i64::MAX))
}

/// A text as part of a path; a slash stays one.
fn encoded(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(ServiceError::new(
            ErrorKind::Internal,
            format!("work on an artifact ended in a panic: {error}"),
        )),
    }
}
