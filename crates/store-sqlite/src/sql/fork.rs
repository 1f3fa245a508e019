//! Forks: what they share with their parents.

pub(crate) const INSERT_FORK: &str = "INSERT INTO fork (run, parent, step, append, generation, chunks_next, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(crate) const READ_FORK: &str =
    "SELECT parent, step, append, generation, chunks_next FROM fork WHERE run = ?1";
pub(crate) const READ_FORK_BODY: &str = "SELECT body FROM fork WHERE run = ?1";
pub(crate) const READ_LAST_APPEND: &str = "SELECT last_append FROM run_mark WHERE run = ?1";
pub(crate) const ALL_FORKS: &str = "SELECT run << 24, body FROM fork ORDER BY run";
