//! Blobs in this engine: the calls of [`BlobCatalogue`], and what snapshots say of references.
//!
//! Each call that writes goes to the writer's thread and is a transaction of its own there, beside
//! the groups of frames; what is decided in it stands in `runstone_store::apply`. Where the bytes
//! are and whether they are right is asked by nobody here.

use std::sync::mpsc::sync_channel;

use runstone_model::{ArtifactPath, BlobDigest, BlobLeaseId, MediaType, RunKey, Timestamp};
use runstone_store::apply::{self, BlobContext as _};
use runstone_store::{
    ArtifactPage, ArtifactRecord, ArtifactScan, BlobCatalogue, BlobCounts, BlobReference,
    ExpiredLease, LeaseAnswer, ReferenceKind, StoreError,
};
use rusqlite::{Connection, Row};

use crate::SqliteStore;
use crate::context::SqliteContext;
use crate::error::{Result, sql_error, value_error};
use crate::keys::run_column;
use crate::queue::Job;
use crate::rows::{collect, find};
use crate::sql;

/// Refusals are answers: they come back through the channel, and nothing was written then.
type Answered<T> = std::result::Result<T, StoreError>;

impl SqliteStore {
    fn with_blobs<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteContext<'_>) -> Answered<T> + Send + 'static,
    ) -> Result<T> {
        let shared = &self.inner.shared;
        let (found, outcome) = sync_channel(1);
        let (reply, answer) = sync_channel(1);
        let work = Box::new(move |context: &mut SqliteContext<'_>| {
            let found_here = work(context)?;
            // Whoever asked waits below.
            let _ = found.send(found_here);
            Ok(())
        });
        let gone = || StoreError::Unavailable {
            reason: "nothing was noted of a blob because writing stopped".to_owned(),
            retry_after_millis: 1_000,
        };
        let asked = shared.submit(Job::Blobs { work, reply }).and_then(|()| {
            answer.recv().unwrap_or_else(|_| {
                shared.check()?;
                Err(gone())
            })?;
            outcome.recv().map_err(|_| gone())
        });
        self.locate(asked)
    }
}

impl BlobCatalogue for SqliteStore {
    fn take_lease(
        &self,
        digest: Option<BlobDigest>,
        expires_at: Timestamp,
    ) -> Answered<LeaseAnswer> {
        self.with_blobs(move |context| apply::take_blob_lease(context, digest, expires_at))
    }

    fn bind_lease(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
        expires_at: Timestamp,
    ) -> Answered<LeaseAnswer> {
        self.with_blobs(move |context| apply::bind_blob_lease(context, lease, digest, expires_at))
    }

    fn note_remains(&self, lease: BlobLeaseId, remains: &str) -> Answered<Option<String>> {
        let remains = remains.to_owned();
        self.with_blobs(move |context| apply::note_blob_remains(context, lease, &remains))
    }

    fn renew_lease(&self, lease: BlobLeaseId, expires_at: Timestamp) -> Answered<()> {
        self.with_blobs(move |context| apply::renew_blob_lease(context, lease, expires_at))
    }

    fn expire_leases(&self, now: Timestamp, limit: usize) -> Answered<Vec<ExpiredLease>> {
        self.with_blobs(move |context| apply::expire_blob_leases(context, now, limit))
    }

    fn forget_leases(&self, leases: &[BlobLeaseId]) -> Answered<()> {
        let leases = leases.to_vec();
        self.with_blobs(move |context| {
            leases
                .iter()
                .try_for_each(|lease| context.remove_blob_lease(*lease))
        })
    }

    fn known_leases(&self, leases: &[BlobLeaseId]) -> Answered<Vec<BlobLeaseId>> {
        let leases = leases.to_vec();
        self.with_blobs(move |context| {
            let mut known = Vec::new();
            for lease in leases {
                known.extend(context.find_blob_lease(lease)?.map(|_| lease));
            }
            Ok(known)
        })
    }

    fn mark(
        &self,
        digests: &[BlobDigest],
        now: Timestamp,
        marked_before: Timestamp,
    ) -> Answered<Vec<BlobDigest>> {
        let digests = digests.to_vec();
        self.with_blobs(move |context| apply::mark_blobs(context, &digests, now, marked_before))
    }

    fn take_over_deletions(
        &self,
        now: Timestamp,
        since_before: Timestamp,
        limit: usize,
    ) -> Answered<Vec<BlobDigest>> {
        self.with_blobs(move |context| {
            apply::take_over_blob_deletions(context, now, since_before, limit)
        })
    }

    fn forget_deleted(&self, digests: &[BlobDigest], since: Timestamp) -> Answered<()> {
        let digests = digests.to_vec();
        self.with_blobs(move |context| apply::forget_deleted_blobs(context, &digests, since))
    }

    fn count_blob_records(&self) -> Answered<BlobCounts> {
        self.inner.shared.check_open()?;
        let count = || {
            let reader = self.inner.pool.begin()?;
            let count = |statement| -> Result<u64> {
                let found = find(reader.connection(), statement, [], |row| {
                    row.get::<_, i64>(0).map_err(sql_error)
                })?;
                Ok(found.unwrap_or(0).cast_unsigned())
            };
            Ok(BlobCounts {
                leases: count(sql::COUNT_BLOB_LEASES)?,
                marks: count(sql::COUNT_BLOB_MARKS)?,
                references: count(sql::COUNT_BLOB_REFERENCES)?,
            })
        };
        self.locate(count())
    }
}

/// One page of the artifacts of a run.
pub(crate) fn scan_artifacts(
    connection: &Connection,
    run: RunKey,
    scan: &ArtifactScan,
) -> Result<ArtifactPage> {
    let (path, version) = match &scan.after {
        Some((path, version)) => (path.as_str(), i64::from(*version)),
        None => (scan.prefix.as_str(), -1),
    };
    let mut statement = connection
        .prepare_cached(sql::SCAN_ARTIFACTS)
        .map_err(sql_error)?;
    let mut rows = statement
        .query((run_column(run), path, version))
        .map_err(sql_error)?;
    let found = std::iter::from_fn(|| match rows.next() {
        Ok(row) => row.map(artifact_from_row),
        Err(error) => Some(Err(sql_error(error))),
    });
    ArtifactPage::gather(scan, found)
}

/// A version of an artifact, or the newest whose bytes are there.
pub(crate) fn find_artifact(
    connection: &Connection,
    run: RunKey,
    path: &ArtifactPath,
    version: Option<u32>,
) -> Result<Option<ArtifactRecord>> {
    let params = (run_column(run), path.as_str(), version);
    find(connection, sql::FIND_ARTIFACT, params, artifact_from_row)
}

/// References by (digest, run, kind).
pub(crate) fn scan_references(
    connection: &Connection,
    after: Option<(BlobDigest, RunKey, ReferenceKind)>,
    limit: usize,
) -> Result<Vec<BlobReference>> {
    let digest = after.as_ref().map_or(&[][..], |after| after.0.as_bytes());
    let (run, kind) = after.map_or((0, 0), |after| (run_column(after.1), after.2.number()));
    let params = (digest, run, kind, limit_column(limit));
    let statement = sql::SCAN_BLOB_REFERENCES;
    collect(connection, statement, params, reference_from_row)
}

/// A digest as it stands in a column.
pub(crate) fn digest_column(row: &Row<'_>, index: usize) -> Result<BlobDigest> {
    let bytes: [u8; 32] = row
        .get(index)
        .map_err(|error| value_error("the digest of a blob", error))?;
    Ok(BlobDigest::new(bytes))
}

pub(crate) fn limit_column(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(crate) fn reference_from_row(row: &Row<'_>) -> Result<BlobReference> {
    let kind: u8 = row
        .get(2)
        .map_err(|error| value_error("a reference to a blob", error))?;
    let kind = ReferenceKind::from_number(kind)
        .ok_or_else(|| value_error("a reference to a blob", format!("kind {kind} is unknown")))?;
    let run: i64 = row.get(1).map_err(sql_error)?;
    let bytes: Option<i64> = row.get(3).map_err(sql_error)?;
    let pending_until: Option<i64> = row.get(4).map_err(sql_error)?;
    Ok(BlobReference {
        digest: digest_column(row, 0)?,
        run: RunKey(run.cast_unsigned()),
        kind,
        bytes: bytes.map(i64::cast_unsigned),
        pending_until: pending_until.map(Timestamp::from_micros),
    })
}

pub(crate) fn artifact_from_row(row: &Row<'_>) -> Result<ArtifactRecord> {
    let what = "an artifact";
    let text = |index: usize| row.get::<_, String>(index).map_err(sql_error);
    let number = |index: usize| row.get::<_, i64>(index).map_err(sql_error);
    let pending_until: Option<i64> = row.get(6).map_err(sql_error)?;
    Ok(ArtifactRecord {
        path: ArtifactPath::new(text(0)?).map_err(|error| value_error(what, error))?,
        version: u32::try_from(number(1)?).map_err(|error| value_error(what, error))?,
        digest: digest_column(row, 2)?,
        bytes: number(3)?.cast_unsigned(),
        media_type: MediaType::new(&text(4)?).map_err(|error| value_error(what, error))?,
        created_at: Timestamp::from_micros(number(5)?),
        pending_until: pending_until.map(Timestamp::from_micros),
    })
}
