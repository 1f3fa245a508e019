//! Lines, log records and objects: rows as received, blocks, marks.

pub(crate) const INSERT_ENTRY_ROW: &str = "INSERT INTO entry_row \
     (run, kind, owner, first_key, last_key, entries, received_at, head, data) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
/// Rows of an owner whose keys meet a range, oldest first.
pub(crate) const SCAN_ENTRY_ROWS: &str = "SELECT id, head, data FROM entry_row \
     WHERE run = ?1 AND kind = ?2 AND owner = ?3 AND last_key >= ?4 AND first_key < ?5 ORDER BY id";
/// The same without their data.
pub(crate) const SCAN_ENTRY_ROW_HEADS: &str = "SELECT id, head FROM entry_row \
     WHERE run = ?1 AND kind = ?2 AND owner = ?3 AND last_key >= ?4 AND first_key < ?5 ORDER BY id";
pub(crate) const READ_ENTRY_ROW: &str = "SELECT head, data FROM entry_row WHERE id = ?1";
pub(crate) const DELETE_ENTRY_ROWS: &str = "DELETE FROM entry_row \
     WHERE run = ?1 AND kind = ?2 AND owner = ?3 AND id <= ?4";
pub(crate) const OWNERS_OF_ENTRY_ROWS: &str = "SELECT DISTINCT kind, owner FROM entry_row \
     WHERE run = ?1 AND id <= ?2 ORDER BY kind, owner";
pub(crate) const LAST_ENTRY_ROW: &str = "SELECT max(id) FROM entry_row WHERE run = ?1";
pub(crate) const SUM_ENTRY_ROWS: &str = "SELECT run, count(*), \
         sum(octet_length(head) + octet_length(data)), max(received_at) \
     FROM entry_row GROUP BY run";

pub(crate) const INSERT_ENTRY_BLOCK: &str = "INSERT INTO entry_block \
     (run, kind, owner, first_key, last_key, entries, bytes, head, data) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
pub(crate) const DELETE_ENTRY_BLOCK: &str = "DELETE FROM entry_block WHERE id = ?1";
/// Blocks of an owner whose keys meet a range, by key.
pub(crate) const SCAN_ENTRY_BLOCKS: &str = "SELECT id, head, data FROM entry_block \
     WHERE run = ?1 AND kind = ?2 AND owner = ?3 AND last_key >= ?4 AND first_key < ?5 \
     ORDER BY last_key";
/// The same from the end backwards.
pub(crate) const SCAN_ENTRY_BLOCKS_BACKWARDS: &str = "SELECT id, head, data FROM entry_block \
     WHERE run = ?1 AND kind = ?2 AND owner = ?3 AND last_key >= ?4 AND first_key < ?5 \
     ORDER BY last_key DESC";
/// Their heads alone.
pub(crate) const SCAN_ENTRY_BLOCK_HEADS: &str = "SELECT id, head FROM entry_block \
     WHERE run = ?1 AND kind = ?2 AND owner = ?3 AND last_key >= ?4 AND first_key < ?5 \
     ORDER BY last_key";
/// Their keys alone.
pub(crate) const SCAN_ENTRY_BLOCK_KEYS: &str = "SELECT id, first_key, last_key FROM entry_block \
     WHERE run = ?1 AND kind = ?2 AND owner = ?3 AND last_key >= ?4 AND first_key <= ?5 \
     ORDER BY last_key";
/// The last block before a key.
pub(crate) const ENTRY_BLOCK_BEFORE: &str = "SELECT id, bytes, first_key, last_key FROM entry_block \
     WHERE run = ?1 AND kind = ?2 AND owner = ?3 AND last_key < ?4 ORDER BY last_key DESC LIMIT 1";
pub(crate) const READ_ENTRY_BLOCK: &str = "SELECT head, data FROM entry_block WHERE id = ?1";

pub(crate) const READ_LOG_MARK: &str =
    "SELECT next, bytes FROM log_mark WHERE run = ?1 AND writer = ?2 AND kind = ?3";
pub(crate) const PUT_LOG_MARK: &str = "INSERT INTO log_mark (run, writer, kind, next, bytes) \
     VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (run, writer, kind) DO UPDATE SET next = excluded.next, bytes = excluded.bytes";
pub(crate) const SUM_LOG_BYTES: &str = "SELECT sum(bytes) FROM log_mark WHERE run = ?1";
/// Logs of a run in the order of their writers' keys, which is that of their first frames.
pub(crate) const SCAN_LOG_MARKS: &str = "SELECT w.writer, m.next, m.bytes FROM log_mark m \
     JOIN writer w ON w.id = m.writer WHERE m.run = ?1 AND m.kind = ?2 ORDER BY m.writer";
pub(crate) const READ_WRITER_KEY: &str = "SELECT id FROM writer WHERE writer = ?1";

pub(crate) const PUT_OBJECT_MARK: &str = "INSERT INTO object_mark \
     (run, series, first_step, last_step, writer) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (run, series) DO UPDATE SET \
         first_step = min(first_step, excluded.first_step), \
         last_step = max(last_step, excluded.last_step), \
         writer = CASE WHEN writer = excluded.writer THEN writer ELSE 0 END";
pub(crate) const HAS_OBJECT_MARK: &str = "SELECT 1 FROM object_mark WHERE run = ?1 AND series = ?2";
pub(crate) const SCAN_OBJECT_MARKS: &str =
    "SELECT series, first_step, last_step, writer FROM object_mark WHERE run = ?1 ORDER BY series";

/// Owner, rows and bytes a row, see `SPACE_OF_FRAMES`; with their entries in the index.
pub(crate) const SPACE_OF_LOGS: &str = "SELECT run, 1, octet_length(head) + octet_length(data) + 115 FROM entry_row WHERE kind < 2 \
     UNION ALL SELECT run, 1, octet_length(head) + octet_length(data) + 100 FROM entry_block WHERE kind < 2 \
     UNION ALL SELECT run, 1, 20 FROM log_mark";
pub(crate) const SPACE_OF_OBJECTS: &str = "SELECT run, 1, octet_length(head) + octet_length(data) + 115 FROM entry_row WHERE kind = 2 \
     UNION ALL SELECT run, 1, octet_length(head) + octet_length(data) + 100 FROM entry_block WHERE kind = 2 \
     UNION ALL SELECT run, 1, 32 FROM object_mark";

/// For the deep check: what columns say beside the block they are about.
pub(crate) const ALL_ENTRY_ROWS: &str = "SELECT id, run, kind, first_key, last_key, entries, \
     head, data FROM entry_row ORDER BY id";
pub(crate) const ALL_ENTRY_BLOCKS: &str = "SELECT id, run, kind, first_key, last_key, entries, \
     head, data FROM entry_block ORDER BY id";
