//! Blobs: leases, marks, references, and the artifacts that refer.

pub(crate) const READ_BLOB_LEASE: &str =
    "SELECT digest, expires_at, ended, remains FROM blob_lease WHERE id = ?1";
pub(crate) const PUT_BLOB_LEASE: &str = "INSERT INTO blob_lease (id, digest, expires_at, ended, remains) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE \
     SET digest = excluded.digest, expires_at = excluded.expires_at, ended = excluded.ended, \
         remains = excluded.remains";
pub(crate) const DELETE_BLOB_LEASE: &str = "DELETE FROM blob_lease WHERE id = ?1";
pub(crate) const END_BLOB_LEASES: &str =
    "UPDATE blob_lease SET ended = 1 WHERE ended = 0 AND expires_at <= ?1";
pub(crate) const SCAN_ENDED_LEASES: &str =
    "SELECT id, remains FROM blob_lease WHERE ended = 1 ORDER BY id LIMIT ?1";

pub(crate) const READ_BLOB_MARK: &str = "SELECT deleting, since FROM blob_mark WHERE digest = ?1";
pub(crate) const PUT_BLOB_MARK: &str = "INSERT INTO blob_mark (digest, deleting, since) VALUES (?1, ?2, ?3) \
     ON CONFLICT (digest) DO UPDATE SET deleting = excluded.deleting, since = excluded.since";
pub(crate) const DELETE_BLOB_MARK: &str = "DELETE FROM blob_mark WHERE digest = ?1";
pub(crate) const SCAN_OLD_DELETIONS: &str = "SELECT digest FROM blob_mark WHERE deleting = 1 AND since <= ?1 \
     ORDER BY since, digest LIMIT ?2";

pub(crate) const IS_BLOB_WANTED: &str = "SELECT 1 WHERE EXISTS \
         (SELECT 1 FROM blob_lease WHERE digest = ?1 AND ended = 0) \
     OR EXISTS (SELECT 1 FROM blob_reference WHERE digest = ?1 \
         AND (pending_until IS NULL OR pending_until > ?2))";
pub(crate) const FIND_READY_REFERENCE: &str = "SELECT digest, run, kind, bytes, pending_until \
     FROM blob_reference WHERE digest = ?1 AND pending_until IS NULL ORDER BY bytes IS NULL LIMIT 1";
pub(crate) const READ_BLOB_REFERENCE: &str = "SELECT digest, run, kind, bytes, pending_until \
     FROM blob_reference WHERE digest = ?1 AND run = ?2 AND kind = ?3";
pub(crate) const PUT_BLOB_REFERENCE: &str = "INSERT INTO blob_reference (digest, run, kind, bytes, pending_until) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (digest, run, kind) DO UPDATE \
     SET bytes = excluded.bytes, pending_until = excluded.pending_until";
pub(crate) const DELETE_BLOB_REFERENCE: &str =
    "DELETE FROM blob_reference WHERE digest = ?1 AND run = ?2 AND kind = ?3";
pub(crate) const SCAN_PENDING_RUNS: &str = "SELECT DISTINCT run FROM blob_reference \
     WHERE digest = ?1 AND pending_until IS NOT NULL ORDER BY run";
pub(crate) const READY_BLOB_REFERENCES: &str = "UPDATE blob_reference SET bytes = ?2, pending_until = NULL \
     WHERE digest = ?1 AND pending_until IS NOT NULL";
pub(crate) const SCAN_BLOB_REFERENCES: &str = "SELECT digest, run, kind, bytes, pending_until FROM blob_reference \
     WHERE (digest, run, kind) > (?1, ?2, ?3) ORDER BY digest, run, kind LIMIT ?4";
pub(crate) const SCAN_READY_BLOBS: &str = "SELECT DISTINCT digest FROM blob_reference \
     WHERE digest > ?1 AND pending_until IS NULL ORDER BY digest LIMIT ?2";

pub(crate) const SCAN_ARTIFACTS: &str = "SELECT a.path, a.version, a.digest, a.bytes, a.media_type, a.created_at, \
         r.pending_until \
     FROM artifact a JOIN blob_reference r ON r.digest = a.digest AND r.run = a.run AND r.kind = 1 \
     WHERE a.run = ?1 AND (a.path, a.version) > (?2, ?3) ORDER BY a.path, a.version";
pub(crate) const READ_ARTIFACT: &str = "SELECT a.path, a.version, a.digest, a.bytes, a.media_type, a.created_at, \
         r.pending_until \
     FROM artifact a JOIN blob_reference r ON r.digest = a.digest AND r.run = a.run AND r.kind = 1 \
     WHERE a.run = ?1 AND a.path = ?2 ORDER BY a.version";
pub(crate) const FIND_ARTIFACT: &str = "SELECT a.path, a.version, a.digest, a.bytes, a.media_type, a.created_at, \
         r.pending_until \
     FROM artifact a JOIN blob_reference r ON r.digest = a.digest AND r.run = a.run AND r.kind = 1 \
     WHERE a.run = ?1 AND a.path = ?2 AND (a.version = ?3 OR ?3 IS NULL AND r.pending_until IS NULL) \
     ORDER BY a.version DESC LIMIT 1";
pub(crate) const PUT_ARTIFACT: &str = "INSERT INTO artifact (run, path, version, digest, bytes, media_type, created_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (run, path, version) DO UPDATE \
     SET digest = excluded.digest, bytes = excluded.bytes, media_type = excluded.media_type, \
         created_at = excluded.created_at";
pub(crate) const SET_ARTIFACT_BYTES: &str =
    "UPDATE artifact SET bytes = ?3 WHERE run = ?1 AND digest = ?2 AND bytes <> ?3";
pub(crate) const DELETE_ARTIFACT: &str =
    "DELETE FROM artifact WHERE run = ?1 AND path = ?2 AND version = ?3";
pub(crate) const HOLDS_ARTIFACT: &str =
    "SELECT 1 FROM artifact WHERE run = ?1 AND digest = ?2 LIMIT 1";
pub(crate) const COUNT_ARTIFACTS: &str = "SELECT count(*) FROM artifact WHERE run = ?1";

pub(crate) const COUNT_BLOB_LEASES: &str = "SELECT count(*) FROM blob_lease";
pub(crate) const COUNT_BLOB_MARKS: &str = "SELECT count(*) FROM blob_mark";
pub(crate) const COUNT_BLOB_REFERENCES: &str = "SELECT count(*) FROM blob_reference";

/// Bytes of blobs that each run refers to, every blob once a run.
pub(crate) const BLOB_BYTES_OF_RUNS: &str = "SELECT run, sum(bytes) FROM \
         (SELECT run, digest, max(bytes) AS bytes FROM blob_reference \
             WHERE pending_until IS NULL GROUP BY run, digest) \
     GROUP BY run";
/// Blobs that are referred to, and their bytes, every blob once.
pub(crate) const BLOBS_REFERRED_TO: &str = "SELECT count(*), coalesce(sum(bytes), 0) FROM \
     (SELECT digest, max(bytes) AS bytes FROM blob_reference \
         WHERE pending_until IS NULL GROUP BY digest)";
