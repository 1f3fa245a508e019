//! The journal of changes.

pub(crate) const INSERT_CHANGE: &str = "INSERT INTO change (id, at, run, experiment, former_experiment, kinds) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(crate) const SCAN_CHANGES: &str = "SELECT id, at, run, experiment, former_experiment, kinds FROM change WHERE id > ?1 ORDER BY id";
pub(crate) const CHANGED_RUNS: &str = "SELECT DISTINCT run FROM change WHERE id > ?1";
pub(crate) const FORGET_CHANGES: &str = "DELETE FROM change WHERE id <= ?1";
/// Living and deleted runs with this id; each half has an index of its own.
pub(crate) const FIND_RUNS_WITH_ID: &str = "SELECT id FROM run WHERE workspace = ?1 AND run_id = ?2 AND deleted_at IS NULL \
     UNION ALL \
     SELECT id FROM run WHERE workspace = ?1 AND run_id = ?2 AND deleted_at IS NOT NULL";
pub(crate) const READ_RUN_ID: &str = "SELECT run_id FROM run WHERE id = ?1 AND workspace = ?2";
pub(crate) const SCAN_EVENTS_OF_CHANGES: &str = "SELECT change, state_before, state_after, event, actor, at, reason_code, reason_text, writer \
     FROM event WHERE id >= ?1 AND id < ?2 AND change > ?3 AND change <= ?4 ORDER BY id";
