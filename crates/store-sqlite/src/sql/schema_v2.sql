-- Schema version 2: the journal of changes.

-- What each change number stands for, one row a number that changed what readers see. `at` is the
-- server's clock, `experiment` the run's experiment after the change, `former_experiment` the one
-- before where it was another. `kinds` has one bit a kind, see runstone_store::ChangeKind. The
-- oldest rows go: those up to the sequence `changes_forgotten` are no longer here.
CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run INTEGER NOT NULL,
    experiment INTEGER NOT NULL,
    former_experiment INTEGER,
    kinds INTEGER NOT NULL
);

-- What changed before there was a journal is forgotten.
INSERT INTO sequence (name, last)
    SELECT 'changes_forgotten', last FROM sequence WHERE name = 'change';

-- Deleted runs by id, for a reader who follows one to its end.
CREATE INDEX run_deleted ON run (workspace, run_id) WHERE deleted_at IS NOT NULL;
