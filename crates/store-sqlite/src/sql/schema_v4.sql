-- Schema version 4: forks.

-- What a fork shares with its parent, which may be purged: the parent's points up to a step, as they
-- were at an append number and a generation. `chunks_next`: chunks of the parent with a lower number
-- hold no later points. `body`: the series that are shared, see fork/mod.rs.
CREATE TABLE fork (
    run INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL,
    step REAL NOT NULL,
    append INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    chunks_next INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX fork_by_parent ON fork (parent, run);

-- Whether the rows are gone that no fork needs. The others stay while there is one.
ALTER TABLE purge ADD COLUMN words_gone INTEGER NOT NULL DEFAULT 0;

ALTER TABLE run ADD COLUMN parent_generation INTEGER;
-- Forks from before go on to share nothing.
UPDATE run SET parent_generation = 0 WHERE parent_run IS NOT NULL;
INSERT INTO fork (run, parent, step, append, generation, chunks_next, body)
    SELECT id, parent_run, parent_step, parent_append, 0, 0, x'01' FROM run
    WHERE parent_run IS NOT NULL;
