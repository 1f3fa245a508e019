//! Runs: the row, its mark, tags, params, scalars, events, warnings.

/// Columns of a run with its mark, in the order that `rows::run_from_row` reads.
macro_rules! run_columns {
    () => {
        "r.id, r.workspace, r.run_id, r.experiment, r.name, r.description, r.archived, \
         r.run_group, r.job_type, r.seed, r.rerun_of, r.parent_run, r.parent_step, \
         r.parent_append, r.parent_generation, r.variation, r.number, r.primary_writer, r.state, r.reason_code, \
         r.reason_text, r.created_at, r.started_at, r.ended_at, m.changed, m.last_received_at, \
         m.generation, m.last_append, m.logged, m.durable, m.refused, m.dropped, m.lost, \
         r.deleted_at FROM run r JOIN run_mark m ON m.run = r.id"
    };
}

pub(crate) const FIND_RUN: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.run_id = ?2 AND r.deleted_at IS NULL"
);
pub(crate) const READ_RUN: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.id = ?1 AND r.deleted_at IS NULL"
);
/// Living runs whose id lies in `?2 <= id < ?3`, the range of a prefix.
pub(crate) const FIND_RUNS_BY_PREFIX: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.run_id >= ?2 AND r.run_id < ?3 AND r.deleted_at IS NULL \
     ORDER BY r.run_id LIMIT ?4"
);
pub(crate) const FIND_RUNS_BY_NAME: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.name = ?2 AND r.deleted_at IS NULL \
     ORDER BY r.created_at DESC, r.id DESC LIMIT ?3"
);
pub(crate) const SCAN_RUNS_NEWEST: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.deleted_at IS NULL AND (r.created_at, r.id) < (?2, ?3) \
     ORDER BY r.created_at DESC, r.id DESC"
);
pub(crate) const SCAN_RUNS_OLDEST: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.deleted_at IS NULL AND (r.created_at, r.id) > (?2, ?3) \
     ORDER BY r.created_at, r.id"
);
pub(crate) const SCAN_RUNS_NEWEST_OF_EXPERIMENT: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.deleted_at IS NULL AND (r.created_at, r.id) < (?2, ?3) \
     AND r.experiment = ?4 ORDER BY r.created_at DESC, r.id DESC"
);
pub(crate) const SCAN_RUNS_OLDEST_OF_EXPERIMENT: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.deleted_at IS NULL AND (r.created_at, r.id) > (?2, ?3) \
     AND r.experiment = ?4 ORDER BY r.created_at, r.id"
);
pub(crate) const READ_RUN_OR_DELETED: &str = concat!("SELECT ", run_columns!(), " WHERE r.id = ?1");
pub(crate) const VISIT_LIVING: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.deleted_at IS NULL ORDER BY r.id"
);
pub(crate) const VISIT_LIVING_OF_EXPERIMENT: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.experiment = ?1 AND r.deleted_at IS NULL"
);
pub(crate) const VISIT_DELETED: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.deleted_at IS NOT NULL ORDER BY r.id"
);
pub(crate) const VISIT_DELETED_OF_EXPERIMENT: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.experiment = ?1 AND r.deleted_at IS NOT NULL"
);
pub(crate) const COUNT_RUNS: &str = "SELECT count(*) FROM run WHERE deleted_at IS NULL";

pub(crate) const PUT_RUN: &str = "INSERT INTO run (id, workspace, run_id, experiment, name, description, archived, run_group, \
                      job_type, seed, rerun_of, parent_run, parent_step, parent_append, parent_generation, variation, \
                      number, primary_writer, state, reason_code, reason_text, created_at, \
                      started_at, ended_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
             ?19, ?20, ?21, ?22, ?23, ?24) \
     ON CONFLICT (id) DO UPDATE SET \
         experiment = excluded.experiment, name = excluded.name, \
         description = excluded.description, archived = excluded.archived, \
         run_group = excluded.run_group, job_type = excluded.job_type, seed = excluded.seed, \
         rerun_of = excluded.rerun_of, \
         variation = excluded.variation, number = excluded.number, \
         primary_writer = excluded.primary_writer, state = excluded.state, \
         reason_code = excluded.reason_code, reason_text = excluded.reason_text, \
         created_at = excluded.created_at, started_at = excluded.started_at, \
         ended_at = excluded.ended_at";
pub(crate) const PUT_RUN_MARK: &str = "INSERT INTO run_mark (run, changed, last_received_at, generation, last_append, logged, \
                           durable, refused, dropped, lost) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
     ON CONFLICT (run) DO UPDATE SET \
         changed = excluded.changed, last_received_at = excluded.last_received_at, \
         generation = excluded.generation, last_append = excluded.last_append, \
         logged = excluded.logged, durable = excluded.durable, refused = excluded.refused, \
         dropped = excluded.dropped, lost = excluded.lost";

pub(crate) const FIND_DELETED_RUN: &str = concat!(
    "SELECT ",
    run_columns!(),
    " WHERE r.workspace = ?1 AND r.run_id = ?2 AND r.deleted_at IS NOT NULL \
     ORDER BY m.changed DESC LIMIT 1"
);
pub(crate) const SET_DELETED: &str = "UPDATE run SET deleted_at = ?2 WHERE id = ?1";
pub(crate) const SCAN_OVERRIDES: &str =
    "SELECT field, value FROM run_override WHERE run = ?1 ORDER BY field, value";
pub(crate) const DELETE_OVERRIDES: &str = "DELETE FROM run_override WHERE run = ?1";
pub(crate) const INSERT_OVERRIDE: &str =
    "INSERT INTO run_override (run, field, value) VALUES (?1, ?2, ?3)";
pub(crate) const SCAN_TAGS: &str = "SELECT name FROM run_tag WHERE run = ?1 ORDER BY name";
pub(crate) const INSERT_TAG: &str =
    "INSERT INTO run_tag (run, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
pub(crate) const DELETE_TAG: &str = "DELETE FROM run_tag WHERE run = ?1 AND name = ?2";
pub(crate) const SCAN_ALIASES: &str =
    "SELECT dialect, foreign_id FROM run_alias WHERE run = ?1 ORDER BY position";
pub(crate) const DELETE_ALIASES: &str = "DELETE FROM run_alias WHERE run = ?1";
pub(crate) const INSERT_ALIAS: &str =
    "INSERT INTO run_alias (run, position, dialect, foreign_id) VALUES (?1, ?2, ?3, ?4)";

pub(crate) const SCAN_PARAMS: &str =
    "SELECT p.path, p.kind, p.bits, p.text, p.body FROM param p WHERE p.run = ?1 ORDER BY p.path";
pub(crate) const PUT_PARAM: &str = "INSERT INTO param (path, run, kind, number, sign, bits, text, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
     ON CONFLICT (path, run) DO UPDATE SET \
         kind = excluded.kind, number = excluded.number, sign = excluded.sign, \
         bits = excluded.bits, text = excluded.text, body = excluded.body";
pub(crate) const DELETE_PARAM: &str = "DELETE FROM param WHERE path = ?1 AND run = ?2";

pub(crate) const FIND_SCALAR: &str =
    "SELECT name, kind, bits, text, time FROM scalar WHERE run = ?1 AND name = ?2";
pub(crate) const SCAN_SCALARS: &str =
    "SELECT name, kind, bits, text, time FROM scalar WHERE run = ?1 ORDER BY name";
pub(crate) const PUT_SCALAR: &str = "INSERT INTO scalar (run, name, kind, number, sign, bits, text, time) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
     ON CONFLICT (run, name) DO UPDATE SET \
         kind = excluded.kind, number = excluded.number, sign = excluded.sign, \
         bits = excluded.bits, text = excluded.text, time = excluded.time";

pub(crate) const LAST_EVENT: &str =
    "SELECT coalesce(max(id), ?1 - 1) FROM event WHERE id >= ?1 AND id < ?2";
pub(crate) const INSERT_EVENT: &str = "INSERT INTO event (id, change, state_before, state_after, event, actor, at, reason_code, \
                        reason_text, writer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
pub(crate) const SCAN_EVENTS: &str = "SELECT change, state_before, state_after, event, actor, at, reason_code, reason_text, writer \
     FROM event WHERE id >= ?1 AND id < ?2 ORDER BY id";

pub(crate) const ADD_WARNING: &str = "INSERT INTO warning (run, kind, count, detail, at) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (run, kind) DO UPDATE \
     SET count = count + excluded.count, detail = excluded.detail, at = excluded.at";
pub(crate) const SCAN_WARNINGS: &str =
    "SELECT kind, count, detail, at FROM warning WHERE run = ?1 ORDER BY kind";
