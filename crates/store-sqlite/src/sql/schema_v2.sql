-- Schema version 2: the journal of changes, and what people edit.

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

-- What the script of a run gave and a person has changed since, so that the same script does not
-- undo it when it opens the run again. `field` is name, description, experiment (its key as text)
-- or tag (one row for each that was taken away).
CREATE TABLE run_override (
    run INTEGER NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, field, value)
) WITHOUT ROWID;
