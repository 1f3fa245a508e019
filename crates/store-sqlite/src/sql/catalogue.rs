//! Meta, sequences, experiments, metrics, writers.

pub(crate) const INSERT_META: &str = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
pub(crate) const UPDATE_META: &str = "UPDATE meta SET value = ?2 WHERE name = ?1";
pub(crate) const READ_META: &str = "SELECT value FROM meta WHERE name = ?1";

pub(crate) const READ_SEQUENCE: &str = "SELECT last FROM sequence WHERE name = ?1";
pub(crate) const WRITE_SEQUENCE: &str = "INSERT INTO sequence (name, last) VALUES (?1, ?2) \
     ON CONFLICT (name) DO UPDATE SET last = excluded.last";

pub(crate) const FIND_EXPERIMENT: &str =
    "SELECT id FROM experiment WHERE workspace = ?1 AND name = ?2 AND deleted_at IS NULL";
pub(crate) const INSERT_EXPERIMENT: &str = "INSERT INTO experiment (id, workspace, uuid, name, created_at, archived) \
     VALUES (?1, ?2, ?3, ?4, ?5, 0)";
pub(crate) const SCAN_EXPERIMENTS: &str = "SELECT e.id, e.uuid, e.name, e.slug, e.title, e.description, e.created_at, e.archived, \
            e.sealed_digest, \
            (SELECT count(*) FROM run r WHERE r.experiment = e.id AND r.deleted_at IS NULL) \
     FROM experiment e WHERE e.workspace = ?1 AND e.deleted_at IS NULL ORDER BY e.name";
pub(crate) const READ_EXPERIMENT_NAME: &str = "SELECT name FROM experiment WHERE id = ?1";

pub(crate) const FIND_METRIC: &str =
    "SELECT name, goal, unit, default_x FROM metric WHERE experiment = ?1 AND name = ?2";
pub(crate) const SCAN_METRICS: &str =
    "SELECT name, goal, unit, default_x FROM metric WHERE experiment = ?1 ORDER BY name";
pub(crate) const PUT_METRIC: &str = "INSERT INTO metric (experiment, name, goal, unit, default_x) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (experiment, name) DO UPDATE \
     SET goal = excluded.goal, unit = excluded.unit, default_x = excluded.default_x";

/// Columns of a writer with its mark, in the order that `rows::writer_from_row` reads.
macro_rules! writer_columns {
    () => {
        "w.id, w.writer, w.workspace, w.run, w.opened, w.host, w.boot_id, w.pid, w.rank, w.user, \
         w.sdk, w.opened_at, w.is_primary, w.parent, w.lease_seconds, w.end_kind, w.end_code, \
         w.end_text, w.ended_at, w.first_change, m.mark, m.chain, m.generation, m.told_logged, \
         m.told_dropped, m.told_refused, m.refused, m.durable, m.lost, m.last_received_at \
         FROM writer w JOIN writer_mark m ON m.writer = w.id"
    };
}

pub(crate) const FIND_WRITER: &str = concat!("SELECT ", writer_columns!(), " WHERE w.writer = ?1");
pub(crate) const SCAN_WRITERS: &str = concat!(
    "SELECT ",
    writer_columns!(),
    " WHERE w.run = ?1 ORDER BY w.first_change, w.id"
);
pub(crate) const READ_WRITER_MARK: &str = "SELECT m.mark, m.chain FROM writer w JOIN writer_mark m ON m.writer = w.id \
     WHERE w.writer = ?1";
pub(crate) const READ_WRITER_ID: &str = "SELECT writer FROM writer WHERE id = ?1";
pub(crate) const PUT_WRITER: &str = "INSERT INTO writer (id, writer, workspace, run, opened, host, boot_id, pid, rank, user, sdk, \
                         opened_at, is_primary, parent, lease_seconds, end_kind, end_code, \
                         end_text, ended_at, first_change) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
             ?19, ?20) \
     ON CONFLICT (id) DO UPDATE SET \
         run = excluded.run, opened = excluded.opened, host = excluded.host, \
         boot_id = excluded.boot_id, pid = excluded.pid, rank = excluded.rank, \
         user = excluded.user, sdk = excluded.sdk, opened_at = excluded.opened_at, \
         is_primary = excluded.is_primary, parent = excluded.parent, \
         lease_seconds = excluded.lease_seconds, end_kind = excluded.end_kind, \
         end_code = excluded.end_code, end_text = excluded.end_text, \
         ended_at = excluded.ended_at, first_change = excluded.first_change";
pub(crate) const PUT_WRITER_MARK: &str = "INSERT INTO writer_mark (writer, mark, chain, generation, told_logged, told_dropped, \
                              told_refused, refused, durable, lost, last_received_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
     ON CONFLICT (writer) DO UPDATE SET \
         mark = excluded.mark, chain = excluded.chain, generation = excluded.generation, \
         told_logged = excluded.told_logged, told_dropped = excluded.told_dropped, \
         told_refused = excluded.told_refused, refused = excluded.refused, \
         durable = excluded.durable, lost = excluded.lost, \
         last_received_at = excluded.last_received_at";
pub(crate) const INSERT_LOST: &str = "INSERT INTO writer_lost (writer, first_slot, next_slot) VALUES (?1, ?2, ?3) \
     ON CONFLICT (writer, first_slot) DO UPDATE SET next_slot = excluded.next_slot";
pub(crate) const SCAN_LOST: &str =
    "SELECT first_slot, next_slot FROM writer_lost WHERE writer = ?1 ORDER BY first_slot";
pub(crate) const RAISE_DROPPED: &str = "INSERT INTO writer_dropped (writer, number, points) VALUES (?1, ?2, ?3) \
     ON CONFLICT (writer, number) DO UPDATE SET points = max(points, excluded.points)";
pub(crate) const SCAN_DROPPED: &str =
    "SELECT number, points FROM writer_dropped WHERE writer = ?1 ORDER BY number";

pub(crate) const INSERT_BINDING: &str = "INSERT INTO binding (id, body) VALUES (?1, ?2)";
pub(crate) const SCAN_BINDINGS: &str =
    "SELECT id, body FROM binding WHERE id >= ?1 AND id < ?2 ORDER BY id";
