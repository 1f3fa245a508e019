//! The rows about blobs, as [`BlobContext`] wants them.
//!
//! Part of [`SqliteContext`]. Nothing of it is cached: an upload makes a handful of rows.

use runstone_model::{ArtifactPath, BlobDigest, BlobLeaseId, RunKey, Timestamp};
use runstone_store::apply::{BlobContext, BlobLease, BlobMark};
use runstone_store::{ArtifactRecord, BlobReference, ExpiredLease, ReferenceKind};
use rusqlite::params;

use super::SqliteContext;
use crate::blobs::{artifact_from_row, digest_column, limit_column, reference_from_row};
use crate::error::{Result, sql_error, value_error};
use crate::keys::run_column;
use crate::rows::{collect, execute, find};
use crate::sql;

impl BlobContext for SqliteContext<'_> {
    fn next_blob_lease(&mut self) -> Result<BlobLeaseId> {
        self.sequences.blob_lease += 1;
        Ok(BlobLeaseId(self.sequences.blob_lease.cast_unsigned()))
    }

    fn find_blob_lease(&mut self, lease: BlobLeaseId) -> Result<Option<BlobLease>> {
        let params = [lease.0.cast_signed()];
        find(self.connection, sql::READ_BLOB_LEASE, params, |row| {
            let digest: Option<[u8; 32]> = row
                .get(0)
                .map_err(|error| value_error("a lease of a blob", error))?;
            Ok(BlobLease {
                digest: digest.map(BlobDigest::new),
                expires_at: Timestamp::from_micros(row.get(1).map_err(sql_error)?),
                ended: row.get::<_, i64>(2).map_err(sql_error)? != 0,
                remains: row.get(3).map_err(sql_error)?,
            })
        })
    }

    fn put_blob_lease(&mut self, lease: BlobLeaseId, row: &BlobLease) -> Result<()> {
        let params = params![
            lease.0.cast_signed(),
            row.digest.as_ref().map(|digest| &digest.as_bytes()[..]),
            row.expires_at.as_micros(),
            i64::from(row.ended),
            row.remains
        ];
        execute(self.connection, sql::PUT_BLOB_LEASE, params).map(drop)
    }

    fn remove_blob_lease(&mut self, lease: BlobLeaseId) -> Result<()> {
        let params = [lease.0.cast_signed()];
        execute(self.connection, sql::DELETE_BLOB_LEASE, params).map(drop)
    }

    fn end_blob_leases(&mut self, now: Timestamp) -> Result<()> {
        execute(self.connection, sql::END_BLOB_LEASES, [now.as_micros()]).map(drop)
    }

    fn scan_ended_leases(&mut self, limit: usize) -> Result<Vec<ExpiredLease>> {
        let params = [limit_column(limit)];
        collect(self.connection, sql::SCAN_ENDED_LEASES, params, |row| {
            let lease: i64 = row.get(0).map_err(sql_error)?;
            Ok(ExpiredLease {
                lease: BlobLeaseId(lease.cast_unsigned()),
                remains: row.get(1).map_err(sql_error)?,
            })
        })
    }

    fn find_blob_mark(&mut self, digest: BlobDigest) -> Result<Option<BlobMark>> {
        let params = [&digest.as_bytes()[..]];
        find(self.connection, sql::READ_BLOB_MARK, params, |row| {
            Ok(BlobMark {
                deleting: row.get::<_, i64>(0).map_err(sql_error)? != 0,
                since: Timestamp::from_micros(row.get(1).map_err(sql_error)?),
            })
        })
    }

    fn put_blob_mark(&mut self, digest: BlobDigest, mark: Option<BlobMark>) -> Result<()> {
        let connection = self.connection;
        let digest = &digest.as_bytes()[..];
        match mark {
            Some(mark) => {
                let params = (digest, i64::from(mark.deleting), mark.since.as_micros());
                execute(connection, sql::PUT_BLOB_MARK, params)
            }
            None => execute(connection, sql::DELETE_BLOB_MARK, [digest]),
        }
        .map(drop)
    }

    fn scan_old_deletions(
        &mut self,
        since_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobDigest>> {
        let params = (since_before.as_micros(), limit_column(limit));
        collect(self.connection, sql::SCAN_OLD_DELETIONS, params, |row| {
            digest_column(row, 0)
        })
    }

    fn is_blob_wanted(&mut self, digest: BlobDigest, now: Timestamp) -> Result<bool> {
        let params = (&digest.as_bytes()[..], now.as_micros());
        self.is_found(sql::IS_BLOB_WANTED, params)
    }

    fn find_ready_reference(&mut self, digest: BlobDigest) -> Result<Option<BlobReference>> {
        let params = [&digest.as_bytes()[..]];
        let statement = sql::FIND_READY_REFERENCE;
        find(self.connection, statement, params, reference_from_row)
    }

    fn find_blob_reference(
        &mut self,
        run: RunKey,
        kind: ReferenceKind,
        digest: BlobDigest,
    ) -> Result<Option<BlobReference>> {
        let params = (&digest.as_bytes()[..], run_column(run), kind.number());
        let statement = sql::READ_BLOB_REFERENCE;
        find(self.connection, statement, params, reference_from_row)
    }

    fn put_blob_reference(&mut self, reference: &BlobReference) -> Result<()> {
        let params = (
            &reference.digest.as_bytes()[..],
            run_column(reference.run),
            reference.kind.number(),
            reference.bytes.map(u64::cast_signed),
            reference.pending_until.map(Timestamp::as_micros),
        );
        execute(self.connection, sql::PUT_BLOB_REFERENCE, params).map(drop)
    }

    fn remove_blob_reference(
        &mut self,
        run: RunKey,
        kind: ReferenceKind,
        digest: BlobDigest,
    ) -> Result<()> {
        let params = (&digest.as_bytes()[..], run_column(run), kind.number());
        execute(self.connection, sql::DELETE_BLOB_REFERENCE, params).map(drop)
    }

    fn ready_blob_references(&mut self, digest: BlobDigest, bytes: u64) -> Result<Vec<RunKey>> {
        let connection = self.connection;
        let digest = &digest.as_bytes()[..];
        let runs = collect(connection, sql::SCAN_PENDING_RUNS, [digest], |row| {
            let run: i64 = row.get(0).map_err(sql_error)?;
            Ok(RunKey(run.cast_unsigned()))
        })?;
        if !runs.is_empty() {
            let params = (digest, bytes.cast_signed());
            execute(connection, sql::READY_BLOB_REFERENCES, params)?;
        }
        for run in &runs {
            let params = (run_column(*run), digest, bytes.cast_signed());
            execute(connection, sql::SET_ARTIFACT_BYTES, params)?;
        }
        Ok(runs)
    }

    fn read_artifact(&mut self, run: RunKey, path: &ArtifactPath) -> Result<Vec<ArtifactRecord>> {
        let params = (run_column(run), path.as_str());
        collect(
            self.connection,
            sql::READ_ARTIFACT,
            params,
            artifact_from_row,
        )
    }

    fn put_artifact(&mut self, run: RunKey, artifact: &ArtifactRecord) -> Result<()> {
        let params = (
            run_column(run),
            artifact.path.as_str(),
            artifact.version,
            &artifact.digest.as_bytes()[..],
            artifact.bytes.cast_signed(),
            artifact.media_type.as_str(),
            artifact.created_at.as_micros(),
        );
        execute(self.connection, sql::PUT_ARTIFACT, params).map(drop)
    }

    fn remove_artifact(&mut self, run: RunKey, path: &ArtifactPath, version: u32) -> Result<()> {
        let params = (run_column(run), path.as_str(), version);
        execute(self.connection, sql::DELETE_ARTIFACT, params).map(drop)
    }

    fn holds_artifact(&mut self, run: RunKey, digest: BlobDigest) -> Result<bool> {
        let params = (run_column(run), &digest.as_bytes()[..]);
        self.is_found(sql::HOLDS_ARTIFACT, params)
    }

    fn count_artifacts(&mut self, run: RunKey) -> Result<u64> {
        let params = [run_column(run)];
        let count = find(self.connection, sql::COUNT_ARTIFACTS, params, |row| {
            row.get::<_, i64>(0).map_err(sql_error)
        })?;
        Ok(count.unwrap_or(0).cast_unsigned())
    }
}

impl SqliteContext<'_> {
    fn is_found(&self, statement: &str, params: impl rusqlite::Params) -> Result<bool> {
        Ok(find(self.connection, statement, params, |_| Ok(()))?.is_some())
    }
}
