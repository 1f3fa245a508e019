//! Stripes: the summaries of metrics by name for a band of runs.

pub(crate) const READ_BAND: &str =
    "SELECT stripes_first, stripes_next, roll FROM band WHERE id = ?1";
pub(crate) const ALL_BANDS: &str = "SELECT id FROM band ORDER BY id";
pub(crate) const SCAN_STRIPED_BANDS: &str = "SELECT DISTINCT band FROM stripe ORDER BY band";
pub(crate) const DELETE_BAND: &str = "DELETE FROM band WHERE id = ?1";
pub(crate) const INSERT_BAND: &str =
    "INSERT INTO band (id, stripes_first, stripes_next, roll) VALUES (?1, ?2, ?3, ?4)";

pub(crate) const INSERT_STRIPE: &str =
    "INSERT INTO stripe (id, band, name, context, body) VALUES (?1, ?2, ?3, ?4, ?5)";
/// Some stripes of a range.
pub(crate) const DELETE_STRIPES: &str = "DELETE FROM stripe WHERE id IN \
     (SELECT id FROM stripe WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 64)";
pub(crate) const HAS_STRIPES: &str = "SELECT 1 FROM stripe WHERE id >= ?1 AND id < ?2 LIMIT 1";
/// The stripe that holds a column, if any does. `+id`: the ids are no way to it.
pub(crate) const FIND_STRIPE: &str = "SELECT id, body FROM stripe INDEXED BY stripe_by_column \
     WHERE band = ?1 AND (name, context) <= (?4, ?5) AND +id >= ?2 AND +id < ?3 \
     ORDER BY name DESC, context DESC LIMIT 1";
/// Stripes whose first column has a name.
pub(crate) const STRIPES_OF_NAME: &str = "SELECT id, body FROM stripe INDEXED BY stripe_by_column \
     WHERE band = ?1 AND name = ?4 AND context > ?5 AND +id >= ?2 AND +id < ?3 ORDER BY context";
pub(crate) const STRIPES_OF_BAND: &str =
    "SELECT id, name, context, body FROM stripe WHERE id >= ?1 AND id < ?2 ORDER BY id";

/// Runs of a band, living and not being purged, with the newest change of each.
pub(crate) const RUNS_OF_BAND: &str = "SELECT r.id, m.changed, r.ended_at IS NOT NULL, \
     coalesce(m.last_received_at, r.created_at), coalesce(s.series, 0) \
     FROM run r JOIN run_mark m ON m.run = r.id LEFT JOIN run_summary s ON s.run = r.id \
     WHERE r.id >= ?1 AND r.id < ?2 AND r.deleted_at IS NULL ORDER BY r.id";
pub(crate) const LIVING_CHANGED: &str = "SELECT m.changed FROM run r JOIN run_mark m ON m.run = r.id \
     WHERE r.id = ?1 AND r.deleted_at IS NULL";
/// Each run and its newest change.
pub(crate) const SCAN_CHANGED: &str = "SELECT run, changed FROM run_mark ORDER BY run";
