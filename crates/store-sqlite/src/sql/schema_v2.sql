-- Schema version 2: what people edit.

-- Deleted runs by id.
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
