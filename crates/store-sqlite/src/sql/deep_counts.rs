//! What a deep check counts: rows that are missing although nothing points at them, and rows that
//! are there twice. Each statement names rows as those of [`super::ORPHANS`] do.

pub(crate) const MISCOUNTS: [(&str, &str); 16] = [
    (
        "runs whose points are not all there, or are there twice",
        "SELECT m.run, m.durable FROM run_mark m LEFT JOIN run_summary s ON s.run = m.run \
             WHERE m.durable <> coalesce(s.points, 0) + (SELECT coalesce(sum(f.points), 0) FROM l0 f \
                 WHERE f.id >= m.run << 24 AND f.id < (m.run + 1) << 24) \
             AND m.run NOT IN (SELECT run FROM purge)",
    ),
    // A deleted run stands still while its writers go on counting.
    (
        "runs whose points or losses are not those of their writers",
        "SELECT m.run, m.durable FROM run_mark m JOIN run r ON r.id = m.run \
             WHERE r.deleted_at IS NULL AND (m.durable, m.lost) <> \
             (SELECT coalesce(sum(k.durable), 0), coalesce(sum(k.lost), 0) \
                 FROM writer w JOIN writer_mark k ON k.writer = w.id WHERE w.run = m.run)",
    ),
    (
        "writers whose lost slots are not those of their ranges",
        "SELECT k.writer, k.lost FROM writer_mark k JOIN writer w ON w.id = k.writer \
             WHERE w.run IN (SELECT id FROM run) AND k.lost <> \
             (SELECT coalesce(sum(next_slot - first_slot), 0) FROM writer_lost l WHERE l.writer = k.writer)",
    ),
    (
        "events that do not follow from the one before",
        "SELECT e.id >> 24, e.id & 16777215 FROM event e LEFT JOIN event p \
             ON p.id = e.id - 1 AND p.id >> 24 = e.id >> 24 \
             WHERE e.state_before IS NOT p.state_after AND e.id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "runs whose state is not that of their last event",
        "SELECT r.id, 0 FROM run r WHERE r.state IS NOT \
             (SELECT e.state_after FROM event e WHERE e.id >= r.id << 24 AND e.id < (r.id + 1) << 24 \
                 ORDER BY e.id DESC LIMIT 1)",
    ),
    (
        "runs whose rewinds are not all there, or are there twice",
        "SELECT m.run, m.generation FROM run_mark m WHERE m.generation <> \
             (SELECT count(*) FROM cut c WHERE c.id >= m.run << 24 AND c.id < (m.run + 1) << 24) \
             AND m.run NOT IN (SELECT run FROM purge)",
    ),
    (
        "removals after one that is missing",
        "SELECT r.id >> 24, r.id & 16777215 FROM removal r LEFT JOIN removal p ON p.id = r.id - 1 \
             WHERE r.id & 16777215 > 0 AND p.id IS NULL AND r.id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "frames after one that is missing",
        "SELECT f.id >> 24, f.id & 16777215 FROM l0 f LEFT JOIN l0 p ON p.id = f.id - 1 \
             WHERE p.id IS NULL AND f.id >> 24 NOT IN (SELECT run FROM purge) AND f.id > \
             (SELECT min(o.id) FROM l0 o WHERE o.id >= (f.id >> 24) << 24)",
    ),
    (
        "bindings after one that is missing",
        "SELECT b.id >> 24, b.id & 16777215 FROM binding b LEFT JOIN binding p ON p.id = b.id - 1 \
             WHERE b.id & 16777215 > 0 AND p.id IS NULL \
             AND b.id >> 24 IN (SELECT w.id FROM writer w WHERE w.run IN (SELECT id FROM run))",
    ),
    (
        "frames of another writer than their append",
        "SELECT f.id >> 24, f.id & 16777215 FROM l0 f WHERE f.id >> 24 NOT IN (SELECT run FROM purge) \
             AND f.writer IS NOT (SELECT a.writer FROM append_writer a \
                 WHERE a.run = f.id >> 24 AND a.append <= f.append ORDER BY a.append DESC LIMIT 1)",
    ),
    (
        "runs whose points no writer has appended",
        "SELECT m.run, m.durable FROM run_mark m WHERE m.durable > 0 \
             AND m.run NOT IN (SELECT run FROM append_writer) \
             AND m.run NOT IN (SELECT run FROM purge)",
    ),
    (
        "packs that belong to no tier",
        "SELECT p.id >> 24, p.id & 16777215 FROM run_summary s JOIN pack p \
             ON p.id >= (s.run << 24) + s.packs_first AND p.id < (s.run << 24) + s.packs_next \
             WHERE NOT EXISTS (SELECT 1 FROM pack_tier t WHERE t.id >= s.run << 24 AND t.id <= p.id)",
    ),
    (
        "runs whose newest change the journal lacks",
        "SELECT m.run, m.changed FROM run_mark m WHERE \
             m.changed > coalesce((SELECT last FROM sequence WHERE name = 'changes_forgotten'), 0) \
             AND NOT EXISTS (SELECT 1 FROM change c WHERE c.id = m.changed AND c.run = m.run) \
             AND m.run NOT IN (SELECT run FROM purge)",
    ),
    (
        "metrics without their experiment",
        "SELECT experiment, 0 FROM metric WHERE experiment NOT IN (SELECT id FROM experiment)",
    ),
    (
        "numbers that would be given again",
        "SELECT 1, newest FROM (SELECT max(id) AS newest FROM run) \
             WHERE newest > coalesce((SELECT last FROM sequence WHERE name = 'run'), 0) \
         UNION ALL SELECT 2, newest FROM (SELECT max(id) AS newest FROM experiment) \
             WHERE newest > coalesce((SELECT last FROM sequence WHERE name = 'experiment'), 0) \
         UNION ALL SELECT 3, newest FROM (SELECT max(id) AS newest FROM writer) \
             WHERE newest > coalesce((SELECT last FROM sequence WHERE name = 'writer'), 0) \
         UNION ALL SELECT 4, newest FROM (SELECT max(changed) AS newest FROM run_mark) \
             WHERE newest > coalesce((SELECT last FROM sequence WHERE name = 'change'), 0)",
    ),
    (
        "names of the folder that are missing",
        "SELECT 0, count(*) FROM meta WHERE name IN ('store', 'incarnation', 'created_at') \
             HAVING count(*) <> 3",
    ),
];

pub(crate) const PACKS_WITH_BODIES: &str =
    "SELECT id, points, first_series, last_series, body FROM pack ORDER BY id";
pub(crate) const CHUNKS_WITH_HEADS: &str =
    "SELECT id, points, first_step, last_step, head FROM chunk ORDER BY id";
pub(crate) const FRAMES_WITH_BODIES: &str = "SELECT id, points, body FROM l0 ORDER BY id";
pub(crate) const SUMMARIES_WITH_BODIES: &str =
    "SELECT run, series, points, body FROM run_summary ORDER BY run";
pub(crate) const ALL_RUN_KEYS: &str = "SELECT id, parent_run IS NULL FROM run ORDER BY id";
pub(crate) const WRITERS_OF_RUN: &str = "SELECT id FROM writer WHERE run = ?1 ORDER BY id";
