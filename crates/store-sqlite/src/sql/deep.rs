//! What a deep check asks: rows whose other half is gone.

/// A question, what it finds, and a statement that names the rows (a run or another owner, and a
/// number) for which that is so.
pub(crate) const ORPHANS: [(&str, &str); 45] = [
    (
        "frames without their run",
        "SELECT id >> 24, id & 16777215 FROM l0 WHERE id >> 24 NOT IN (SELECT id FROM run) \
             AND id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "packs without their run",
        "SELECT id >> 24, id & 16777215 FROM pack WHERE id >> 24 NOT IN (SELECT id FROM run) \
             AND id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "tiers of packs without their run",
        "SELECT id >> 24, id & 16777215 FROM pack_tier WHERE id >> 24 NOT IN (SELECT id FROM run) \
             AND id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "tiers of packs without a pack",
        "SELECT t.id >> 24, t.id & 16777215 FROM pack_tier t LEFT JOIN pack p ON p.id = t.id \
             WHERE p.id IS NULL AND t.id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "chunks without their run",
        "SELECT run, number FROM chunk WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "summaries without their run",
        "SELECT run, 0 FROM run_summary WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "series without their run",
        "SELECT id >> 24, id & 16777215 FROM series WHERE id >> 24 NOT IN (SELECT id FROM run) \
             AND id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "events without their run",
        "SELECT id >> 24, id & 16777215 FROM event WHERE id >> 24 NOT IN (SELECT id FROM run) \
             AND id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "removals without their run",
        "SELECT id >> 24, id & 16777215 FROM removal WHERE id >> 24 NOT IN (SELECT id FROM run) \
             AND id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "cuts without their run",
        "SELECT id >> 24, id & 16777215 FROM cut WHERE id >> 24 NOT IN (SELECT id FROM run) \
             AND id >> 24 NOT IN (SELECT run FROM purge)",
    ),
    (
        "params without their run",
        "SELECT DISTINCT run, 0 FROM param WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "lines, records or objects without their run",
        "SELECT run, id FROM entry_row WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge) \
         UNION ALL SELECT run, id FROM entry_block WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "marks of logs without their run",
        "SELECT run, writer FROM log_mark WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "marks of objects without their run",
        "SELECT run, series FROM object_mark WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "logs without their writer",
        "SELECT run, writer FROM log_mark WHERE writer NOT IN (SELECT id FROM writer)",
    ),
    (
        "lines or records without the mark of their log",
        "SELECT e.run, e.owner FROM (SELECT run, kind, owner FROM entry_row WHERE kind < 2 \
             UNION SELECT run, kind, owner FROM entry_block WHERE kind < 2) e \
         LEFT JOIN log_mark m ON m.run = e.run AND m.writer = e.owner AND m.kind = e.kind \
         WHERE m.run IS NULL AND e.run NOT IN (SELECT run FROM purge)",
    ),
    (
        "objects without the mark of their series",
        "SELECT e.run, e.owner FROM (SELECT run, owner FROM entry_row WHERE kind = 2 \
             UNION SELECT run, owner FROM entry_block WHERE kind = 2) e \
         LEFT JOIN object_mark m ON m.run = e.run AND m.series = e.owner \
         WHERE m.run IS NULL AND e.run NOT IN (SELECT run FROM purge)",
    ),
    (
        "blocks of lines, records or objects that overlap",
        "SELECT run, owner FROM (SELECT run, owner, first_key, lag(last_key) OVER \
             (PARTITION BY run, kind, owner ORDER BY last_key) AS before FROM entry_block) \
         WHERE before >= first_key",
    ),
    (
        "scalars without their run",
        "SELECT DISTINCT run, 0 FROM scalar WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "tags without their run",
        "SELECT DISTINCT run, 0 FROM run_tag WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "aliases without their run",
        "SELECT DISTINCT run, 0 FROM run_alias WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "overrides without their run",
        "SELECT DISTINCT run, 0 FROM run_override WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "warnings without their run",
        "SELECT DISTINCT run, 0 FROM warning WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "writers of appends without their run",
        "SELECT run, append FROM append_writer WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "contested series without their run",
        "SELECT run, series FROM series_contested WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "artifacts without their run",
        "SELECT DISTINCT run, version FROM artifact WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "artifacts without a reference to their bytes",
        "SELECT a.run, a.version FROM artifact a LEFT JOIN blob_reference r \
             ON r.digest = a.digest AND r.run = a.run AND r.kind = 1 \
             WHERE r.digest IS NULL AND a.run NOT IN (SELECT run FROM purge)",
    ),
    (
        "artifacts of another size than their bytes",
        "SELECT a.run, a.version FROM artifact a JOIN blob_reference r \
             ON r.digest = a.digest AND r.run = a.run AND r.kind = 1 \
             WHERE r.pending_until IS NULL AND r.bytes IS NOT a.bytes",
    ),
    (
        "references to blobs without their run",
        "SELECT DISTINCT run, kind FROM blob_reference WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "references to blobs without an artifact",
        "SELECT r.run, r.kind FROM blob_reference r LEFT JOIN artifact a \
             ON a.run = r.run AND a.digest = r.digest \
             WHERE r.kind = 1 AND a.run IS NULL AND r.run NOT IN (SELECT run FROM purge)",
    ),
    (
        "runs without their counters",
        "SELECT id, 0 FROM run WHERE id NOT IN (SELECT run FROM run_mark)",
    ),
    (
        "counters without their run",
        "SELECT run, 0 FROM run_mark WHERE run NOT IN (SELECT id FROM run) \
             AND run NOT IN (SELECT run FROM purge)",
    ),
    (
        "forks without their parent",
        "SELECT run, parent FROM fork WHERE parent NOT IN (SELECT id FROM run) \
             AND parent NOT IN (SELECT run FROM purge)",
    ),
    (
        "forks that share nothing with their parent, are gone, or of another parent",
        "SELECT id, parent_run FROM run WHERE parent_generation IS NOT NULL \
             AND id NOT IN (SELECT run FROM fork) \
         UNION ALL SELECT f.run, f.parent FROM fork f LEFT JOIN run r ON r.id = f.run \
             WHERE f.run NOT IN (SELECT run FROM purge) AND r.parent_run IS NOT f.parent",
    ),
    (
        "runs without their experiment",
        "SELECT id, experiment FROM run WHERE experiment NOT IN (SELECT id FROM experiment)",
    ),
    (
        "purged runs that are there",
        "SELECT run, 0 FROM purge WHERE run IN (SELECT id FROM run)",
    ),
    (
        "writers without their mark",
        "SELECT id, 0 FROM writer WHERE id NOT IN (SELECT writer FROM writer_mark)",
    ),
    (
        "marks without their writer",
        "SELECT writer, 0 FROM writer_mark WHERE writer NOT IN (SELECT id FROM writer)",
    ),
    (
        "bindings without their writer",
        "SELECT id >> 24, id & 16777215 FROM binding WHERE id >> 24 NOT IN (SELECT id FROM writer)",
    ),
    (
        "frames without their writer",
        "SELECT id >> 24, id & 16777215 FROM l0 WHERE writer NOT IN (SELECT id FROM writer)",
    ),
    (
        "appends without their writer",
        "SELECT run, append FROM append_writer WHERE writer NOT IN (SELECT id FROM writer)",
    ),
    // Numbers of packs and chunks have gaps, where these were merged.
    (
        "runs of which packs or chunks are missing",
        "SELECT s.run, s.points FROM run_summary s WHERE s.points <> \
             (SELECT coalesce(sum(p.points), 0) FROM pack p \
                 WHERE p.id >= (s.run << 24) + s.packs_first AND p.id < (s.run << 24) + s.packs_next) \
             + (SELECT coalesce(sum(c.points), 0) FROM chunk c \
                 WHERE c.run = s.run AND c.number < s.chunks_next) \
             AND s.run NOT IN (SELECT run FROM purge)",
    ),
    (
        "changes of the journal past the newest, or that were forgotten",
        "SELECT run, id FROM change WHERE id > (SELECT last FROM sequence WHERE name = 'change') \
             OR id <= coalesce((SELECT last FROM sequence WHERE name = 'changes_forgotten'), 0)",
    ),
    (
        "changes of the journal without their experiment or of a run that never was",
        "SELECT run, id FROM change WHERE experiment NOT IN (SELECT id FROM experiment) \
             OR run < 1 OR run > (SELECT last FROM sequence WHERE name = 'run')",
    ),
    (
        "runs with a change past the newest",
        "SELECT run, changed FROM run_mark \
             WHERE changed > (SELECT last FROM sequence WHERE name = 'change')",
    ),
];

pub(crate) const INTEGRITY: &str = "PRAGMA integrity_check(100)";
pub(crate) const ALL_SERIES: &str = "SELECT id, body FROM series ORDER BY id";
pub(crate) const ALL_BINDINGS: &str = "SELECT id, body FROM binding ORDER BY id";
