//! What a table of runs reads: lists of all runs in one scan, and columns.

pub(crate) const SCAN_ALL_TAGS: &str = "SELECT run, name FROM run_tag ORDER BY run, name";
pub(crate) const SCAN_ALL_ALIASES: &str =
    "SELECT run, dialect, foreign_id FROM run_alias ORDER BY run, position";
pub(crate) const SCAN_EXPERIMENT_NAMES: &str =
    "SELECT id, name FROM experiment WHERE workspace = ?1";

pub(crate) const SCAN_PARAM_COLUMN: &str = "SELECT run, kind, bits, text, body FROM param WHERE path = ?1 \
     AND run >= ?2 AND run < ?3 ORDER BY run";
pub(crate) const FIND_PARAM: &str = "SELECT run, kind, bits, text, body FROM param WHERE path = ?1 AND run = ?2 \
     AND run NOT IN (SELECT run FROM purge)";
pub(crate) const SCAN_PARAM_PATHS: &str = "SELECT path FROM param WHERE run = ?1 ORDER BY path";

pub(crate) const HAS_L0: &str = "SELECT 1 FROM l0 WHERE id >= ?1 AND id < ?2 LIMIT 1";
pub(crate) const READ_SUMMARY_BODY: &str = "SELECT change, body FROM run_summary WHERE run = ?1";
/// The newest cut or removal of a run; null without one.
pub(crate) const NEWEST_HIDING: &str = "SELECT max( \
         coalesce((SELECT max(change) FROM cut WHERE id >= ?1 AND id < ?2), 0), \
         coalesce((SELECT max(change) FROM removal WHERE id >= ?1 AND id < ?2), 0))";
