//! Forks: what they share with their parents.

pub(crate) const INSERT_FORK: &str = "INSERT INTO fork (run, parent, step, append, generation, chunks_next, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(crate) const READ_FORK: &str =
    "SELECT parent, step, append, generation, chunks_next FROM fork WHERE run = ?1";
pub(crate) const READ_FORK_BODY: &str = "SELECT body FROM fork WHERE run = ?1";
/// Parents above a run, up to one more than a limit.
pub(crate) const COUNT_PARENTS: &str = "WITH RECURSIVE above (run, depth) AS (\
         SELECT ?1, 0 UNION ALL SELECT f.parent, a.depth + 1 FROM fork f JOIN above a ON f.run = a.run \
             WHERE a.depth <= ?2) \
     SELECT max(depth) FROM above";
pub(crate) const READ_LAST_APPEND: &str = "SELECT last_append FROM run_mark WHERE run = ?1";
pub(crate) const ALL_FORKS: &str = "SELECT run << 24, body FROM fork ORDER BY run";
