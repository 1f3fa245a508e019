//! Purge, vacuum, and where the bytes are.

pub(crate) const FIND_PURGED_RUN: &str =
    "SELECT run, deleted_at, changed FROM purged_run WHERE workspace = ?1 AND run_id = ?2";
pub(crate) const KEEP_PURGED_RUN: &str = "INSERT INTO purged_run (workspace, run_id, run, deleted_at, changed) \
     VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (workspace, run_id) DO UPDATE \
     SET run = excluded.run, deleted_at = excluded.deleted_at, changed = excluded.changed \
     WHERE excluded.changed > changed";
pub(crate) const FIND_EXPIRED_RUNS: &str = "SELECT id FROM run WHERE deleted_at IS NOT NULL AND deleted_at <= ?1 \
     ORDER BY deleted_at, id LIMIT ?2";
pub(crate) const INSERT_PURGE: &str = "INSERT INTO purge (run) VALUES (?1) ON CONFLICT DO NOTHING";
pub(crate) const NEXT_PURGE: &str = "SELECT run FROM purge \
     WHERE words_gone = 0 OR run NOT IN (SELECT parent FROM fork) ORDER BY run LIMIT 1";
pub(crate) const HAS_FORKS: &str = "SELECT 1 FROM fork WHERE parent = ?1";
pub(crate) const DELETE_RUN: &str = "DELETE FROM run WHERE id = ?1";
pub(crate) const HAS_RUN: &str = "SELECT 1 FROM run WHERE id = ?1";

/// What only readers of a purged run itself would ask for, a few rows at a time: each statement is
/// repeated until it deletes nothing.
pub(crate) const PURGE_WORDS: [&str; 15] = [
    "DELETE FROM artifact WHERE run = ?1 AND (path, version) IN \
         (SELECT path, version FROM artifact WHERE run = ?1 LIMIT 100)",
    "DELETE FROM blob_reference WHERE run = ?1 AND (digest, kind) IN \
         (SELECT digest, kind FROM blob_reference WHERE run = ?1 LIMIT 100)",
    "DELETE FROM entry_row WHERE id IN (SELECT id FROM entry_row WHERE run = ?1 LIMIT 2)",
    "DELETE FROM entry_block WHERE id IN (SELECT id FROM entry_block WHERE run = ?1 LIMIT 2)",
    "DELETE FROM log_mark WHERE (writer, kind) IN \
         (SELECT writer, kind FROM log_mark WHERE run = ?1 LIMIT 200) AND run = ?1",
    "DELETE FROM object_mark WHERE run = ?1 AND series IN \
         (SELECT series FROM object_mark WHERE run = ?1 LIMIT 200)",
    "DELETE FROM event WHERE id IN (SELECT id FROM event \
         WHERE id >= ?1 << 24 AND id < (?1 + 1) << 24 LIMIT 200)",
    "DELETE FROM param WHERE (path, run) IN \
         (SELECT path, run FROM param WHERE run = ?1 LIMIT 50)",
    "DELETE FROM scalar WHERE run = ?1 AND name IN \
         (SELECT name FROM scalar WHERE run = ?1 LIMIT 200)",
    "DELETE FROM run_tag WHERE run = ?1 AND name IN \
         (SELECT name FROM run_tag WHERE run = ?1 LIMIT 200)",
    "DELETE FROM run_alias WHERE run = ?1",
    "DELETE FROM run_override WHERE run = ?1",
    "DELETE FROM warning WHERE run = ?1",
    "DELETE FROM writer_lost WHERE (writer, first_slot) IN (SELECT l.writer, l.first_slot \
         FROM writer w JOIN writer_lost l ON l.writer = w.id WHERE w.run = ?1 LIMIT 200)",
    "DELETE FROM writer_dropped WHERE (writer, number) IN (SELECT d.writer, d.number \
         FROM writer w JOIN writer_dropped d ON d.writer = w.id WHERE w.run = ?1 LIMIT 200)",
];
pub(crate) const NOTE_WORDS_PURGED: &str = "UPDATE purge SET words_gone = 1 WHERE run = ?1";

/// Its points and what they need, in the same way, once no fork shares them. Big blobs go two at a
/// time, so that one step is short.
pub(crate) const PURGE_POINTS: [&str; 14] = [
    "DELETE FROM l0 WHERE id IN (SELECT id FROM l0 \
         WHERE id >= ?1 << 24 AND id < (?1 + 1) << 24 LIMIT 2)",
    "DELETE FROM pack WHERE id IN (SELECT id FROM pack \
         WHERE id >= ?1 << 24 AND id < (?1 + 1) << 24 LIMIT 2)",
    "DELETE FROM pack_tier WHERE id >= ?1 << 24 AND id < (?1 + 1) << 24",
    "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk WHERE run = ?1 LIMIT 2)",
    "DELETE FROM run_summary WHERE run = ?1",
    "DELETE FROM series WHERE id IN (SELECT id FROM series \
         WHERE id >= ?1 << 24 AND id < (?1 + 1) << 24 LIMIT 4)",
    "DELETE FROM series_contested WHERE run = ?1 AND series IN \
         (SELECT series FROM series_contested WHERE run = ?1 LIMIT 200)",
    "DELETE FROM append_writer WHERE run = ?1 AND append IN \
         (SELECT append FROM append_writer WHERE run = ?1 LIMIT 200)",
    "DELETE FROM removal WHERE id IN (SELECT id FROM removal \
         WHERE id >= ?1 << 24 AND id < (?1 + 1) << 24 LIMIT 200)",
    "DELETE FROM cut WHERE id IN (SELECT id FROM cut \
         WHERE id >= ?1 << 24 AND id < (?1 + 1) << 24 LIMIT 200)",
    "DELETE FROM binding WHERE id IN (SELECT b.id FROM writer w \
         JOIN binding b ON b.id >= w.id << 24 AND b.id < (w.id + 1) << 24 \
         WHERE w.run = ?1 LIMIT 50)",
    "DELETE FROM run_mark WHERE run = ?1",
    "DELETE FROM fork WHERE run = ?1",
    "DELETE FROM purge WHERE run = ?1",
];

pub(crate) const VACUUM_STEP: &str = "PRAGMA incremental_vacuum(64)";
pub(crate) const COUNT_PAGES: &str = "SELECT * FROM pragma_page_count";
pub(crate) const COUNT_FREE_PAGES: &str = "SELECT * FROM pragma_freelist_count";
pub(crate) const COUNT_TREES: &str = "SELECT count(*) FROM sqlite_schema WHERE rootpage > 0";

pub(crate) const SPACE_OF_RUNS: &str = "SELECT r.id, r.run_id, e.name, r.deleted_at, \
         120 + 2 * octet_length(r.run_id) + 2 * coalesce(octet_length(r.name), 0) \
         + coalesce(octet_length(r.description), 0) + coalesce(octet_length(r.reason_text), 0) + 150 \
     FROM run r JOIN experiment e ON e.id = r.experiment ORDER BY r.id";
pub(crate) const RUNS_PURGING: &str = "SELECT run FROM purge";

/// Owner (a run, null for none), rows and bytes a row, by what they hold. Lengths of blobs come
/// from the heads of rows, so the blobs themselves are not read.
pub(crate) const SPACE_OF_FRAMES: &str = "SELECT id >> 24, 1, octet_length(body) + 30 FROM l0";
pub(crate) const SPACE_OF_PACKS: &str = "SELECT id >> 24, 1, octet_length(body) + 18 FROM pack";
pub(crate) const SPACE_OF_CHUNKS: &str = "SELECT run, 1, octet_length(head) + octet_length(data) + 40 FROM chunk \
     UNION ALL SELECT run, count(*), 18 FROM chunk GROUP BY run";
pub(crate) const SPACE_OF_SUMMARIES: &str = "SELECT run, 1, octet_length(body) + 30 FROM run_summary \
     UNION ALL SELECT id >> 24, 1, octet_length(body) + 12 FROM series";
pub(crate) const SPACE_OF_PARAMS: &str = "SELECT run, 1, 2 * octet_length(path) + 32 + coalesce(octet_length(text), 0) \
         + coalesce(octet_length(body), 0) FROM param";
pub(crate) const SPACE_OF_THE_REST: &str = "SELECT w.run, 1, 190 + octet_length(w.host) + octet_length(w.boot_id) + octet_length(w.user) \
         + octet_length(w.sdk) + coalesce(octet_length(w.end_text), 0) FROM writer w \
     UNION ALL SELECT w.run, 1, octet_length(b.body) + 12 FROM binding b \
         JOIN writer w ON w.id = b.id >> 24 \
     UNION ALL SELECT w.run, 1, 16 FROM writer_lost l JOIN writer w ON w.id = l.writer \
     UNION ALL SELECT w.run, 1, 12 FROM writer_dropped d JOIN writer w ON w.id = d.writer \
     UNION ALL SELECT run, 1, 24 + 2 * octet_length(name) FROM run_tag \
     UNION ALL SELECT run, 1, 24 + octet_length(dialect) + 2 * octet_length(foreign_id) FROM run_alias \
     UNION ALL SELECT run, 1, 16 + octet_length(value) FROM run_override \
     UNION ALL SELECT run, 1, 36 + octet_length(name) + coalesce(octet_length(text), 0) FROM scalar \
     UNION ALL SELECT run, count(*), 10 FROM append_writer GROUP BY run \
     UNION ALL SELECT run, count(*), 8 FROM series_contested GROUP BY run \
     UNION ALL SELECT id >> 24, 1, 110 + coalesce(octet_length(reason_text), 0) FROM event \
     UNION ALL SELECT run, 1, 30 + octet_length(detail) FROM warning \
     UNION ALL SELECT id >> 24, 1, 50 FROM removal \
     UNION ALL SELECT id >> 24, 1, 24 FROM cut \
     UNION ALL SELECT id >> 24, 1, 10 FROM pack_tier \
     UNION ALL SELECT run, 1, 100 + octet_length(path) + octet_length(media_type) FROM artifact \
     UNION ALL SELECT run, count(*), 70 FROM blob_reference GROUP BY run \
     UNION ALL SELECT NULL, 1, 60 + coalesce(octet_length(remains), 0) FROM blob_lease \
     UNION ALL SELECT NULL, count(*), 42 FROM blob_mark \
     UNION ALL SELECT NULL, 1, 40 + octet_length(run_id) FROM purged_run \
     UNION ALL SELECT NULL, 1, 12 + octet_length(roll) FROM band \
     UNION ALL SELECT NULL, 1, 30 + 2 * octet_length(name) + 2 * octet_length(context) \
         + octet_length(body) FROM stripe";
pub(crate) const SPACE_OF_JOURNAL: &str = "SELECT NULL, count(*), 26 FROM change";
