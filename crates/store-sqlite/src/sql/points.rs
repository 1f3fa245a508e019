//! Series and points: directory, cuts and removals, frames, packs, chunks, summaries.

pub(crate) const INSERT_SERIES: &str = "INSERT INTO series (id, body) VALUES (?1, ?2)";
pub(crate) const SCAN_SERIES: &str =
    "SELECT id, body FROM series WHERE id >= ?1 AND id < ?2 ORDER BY id";
pub(crate) const DELETE_SERIES: &str = "DELETE FROM series WHERE id >= ?1 AND id < ?2";
pub(crate) const INSERT_CONTESTED: &str =
    "INSERT INTO series_contested (run, series) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
pub(crate) const SCAN_CONTESTED: &str = "SELECT series FROM series_contested WHERE run = ?1";

pub(crate) const INSERT_APPEND_WRITER: &str =
    "INSERT INTO append_writer (run, append, writer) VALUES (?1, ?2, ?3)";
pub(crate) const LAST_APPEND_WRITER: &str =
    "SELECT writer FROM append_writer WHERE run = ?1 ORDER BY append DESC LIMIT 1";
pub(crate) const SCAN_APPEND_WRITERS: &str =
    "SELECT append, writer FROM append_writer WHERE run = ?1 ORDER BY append";

pub(crate) const LAST_REMOVAL: &str =
    "SELECT coalesce(max(id), ?1 - 1) FROM removal WHERE id >= ?1 AND id < ?2";
pub(crate) const INSERT_REMOVAL: &str = "INSERT INTO removal (id, change, append, name, context, kind, step) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(crate) const SCAN_REMOVALS: &str = "SELECT change, append, name, context, kind, step FROM removal \
     WHERE id >= ?1 AND id < ?2 ORDER BY id";
pub(crate) const INSERT_CUT: &str = "INSERT INTO cut (id, change, step) VALUES (?1, ?2, ?3)";
pub(crate) const SCAN_CUTS: &str =
    "SELECT id, change, step FROM cut WHERE id >= ?1 AND id < ?2 ORDER BY id";

pub(crate) const LAST_L0: &str =
    "SELECT coalesce(max(id), ?1 - 1) FROM l0 WHERE id >= ?1 AND id < ?2";
pub(crate) const INSERT_L0: &str = "INSERT INTO l0 (id, writer, append, generation, points, received_at, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(crate) const SCAN_L0: &str = "SELECT id, writer, append, generation, points, body FROM l0 \
     WHERE id >= ?1 AND id < ?2 ORDER BY id";
pub(crate) const DELETE_L0: &str = "DELETE FROM l0 WHERE id >= ?1 AND id <= ?2";
/// What lies unfolded, by run; read once, at open.
pub(crate) const SUM_L0: &str = "SELECT id >> 24, count(*), sum(points), sum(length(body)), max(received_at) \
     FROM l0 GROUP BY id >> 24";

/// Runs whose summaries don't know their newest cut or removal; read once, at open.
pub(crate) const STALE_RUNS: &str = "SELECT h.run, max(h.change) FROM \
         (SELECT id >> 24 AS run, max(change) AS change FROM removal GROUP BY id >> 24 \
          UNION ALL SELECT id >> 24, max(change) FROM cut GROUP BY id >> 24) h \
     JOIN run_summary s ON s.run = h.run WHERE s.change < h.change GROUP BY h.run";

pub(crate) const READ_SUMMARY: &str = "SELECT folds, packs_first, packs_next, chunks_next, change, series, points, body \
     FROM run_summary WHERE run = ?1";
pub(crate) const READ_SUMMARY_HEAD: &str = "SELECT folds, packs_first, packs_next, chunks_next, change, series, points \
     FROM run_summary WHERE run = ?1";
pub(crate) const DELETE_SUMMARY: &str = "DELETE FROM run_summary WHERE run = ?1";
pub(crate) const INSERT_SUMMARY: &str = "INSERT INTO run_summary (run, folds, packs_first, packs_next, chunks_next, \
                              change, series, points, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

pub(crate) const INSERT_PACK: &str =
    "INSERT INTO pack (id, points, first_series, last_series, body) VALUES (?1, ?2, ?3, ?4, ?5)";
/// Packs that may hold a series; the body of others is not read.
pub(crate) const SCAN_PACKS_OF_SERIES: &str = "SELECT id, body FROM pack \
     WHERE id >= ?1 AND id < ?2 AND first_series <= ?3 AND last_series >= ?3 ORDER BY id";
pub(crate) const SCAN_PACKS_OF_WINDOW: &str = "SELECT id, body FROM pack \
     WHERE id >= ?1 AND id < ?2 AND first_series <= ?4 AND last_series >= ?3 ORDER BY id";
pub(crate) const DELETE_PACKS: &str = "DELETE FROM pack WHERE id >= ?1 AND id < ?2";

pub(crate) const SCAN_PACK_TIERS: &str =
    "SELECT id, tier FROM pack_tier WHERE id >= ?1 AND id < ?2 ORDER BY id";
pub(crate) const INSERT_PACK_TIER: &str = "INSERT INTO pack_tier (id, tier) VALUES (?1, ?2)";
pub(crate) const DELETE_PACK_TIERS: &str = "DELETE FROM pack_tier WHERE id >= ?1 AND id < ?2";

pub(crate) const INSERT_CHUNK: &str = "INSERT INTO chunk (run, series, number, points, first_step, last_step, head, data) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
/// Chunks of a series that reach into a range of steps, without their data.
pub(crate) const SCAN_CHUNK_HEADS: &str = "SELECT id, points, first_step, last_step FROM chunk \
     WHERE run = ?1 AND series = ?2 AND number < ?3 AND last_step >= ?4 AND first_step <= ?5 \
     ORDER BY first_step, number";
/// All chunks of a series; heads of those only that reach into a range of steps.
pub(crate) const SCAN_CHUNKS_WITH_HEADS: &str = "SELECT id, first_step, last_step, number, \
         CASE WHEN last_step >= ?4 AND first_step <= ?5 THEN head END FROM chunk \
     WHERE run = ?1 AND series = ?2 AND number < ?3 ORDER BY number";
pub(crate) const READ_CHUNK_HEAD: &str = "SELECT head FROM chunk WHERE id = ?1";
/// Smallest and greatest step of each series that has chunks.
pub(crate) const SUM_CHUNK_STEPS: &str = "SELECT series, min(first_step), max(last_step) FROM chunk \
     WHERE run = ?1 AND number < ?2 GROUP BY series";
pub(crate) const READ_CHUNK: &str = "SELECT head, data FROM chunk WHERE id = ?1";
/// Chunks of a series with few points.
pub(crate) const SCAN_SMALL_CHUNKS: &str = "SELECT id FROM chunk \
     WHERE run = ?1 AND series = ?2 AND number < ?3 AND points < ?4 ORDER BY number";
pub(crate) const DELETE_CHUNK: &str = "DELETE FROM chunk WHERE id = ?1";
pub(crate) const DELETE_CHUNKS_FROM: &str = "DELETE FROM chunk WHERE run = ?1 AND number >= ?2";
pub(crate) const ALL_PACKS: &str = "SELECT id, body FROM pack ORDER BY id";
pub(crate) const ALL_CHUNKS: &str = "SELECT id, head, data FROM chunk ORDER BY id";
pub(crate) const ALL_L0: &str = "SELECT id, body FROM l0 ORDER BY id";
pub(crate) const ALL_SUMMARIES: &str = "SELECT run, body FROM run_summary ORDER BY run";
