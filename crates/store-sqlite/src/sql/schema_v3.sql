-- Schema version 3: packs merged by tiers, and purge.

-- Packs of a run in the order in which passes of the folder made them; one row for each pass whose
-- packs still stand alone or merged. id = run << 24 | number of its first pack; its packs reach up to
-- the next row's. Eight neighbours of one tier are merged into one of the next tier, so that a point is
-- written again once a tier, however long its run lives.
CREATE TABLE pack_tier (
    id INTEGER PRIMARY KEY,
    tier INTEGER NOT NULL
);
INSERT INTO pack_tier (id, tier)
    SELECT run << 24 | packs_first, 1 FROM run_summary WHERE packs_first < packs_next;

ALTER TABLE run_summary DROP COLUMN loose_folds;

-- What is left of the run that was deleted last and purged, one row an id: late writers of it are
-- refused by this, also while the id lives again. `changed` is the change of its deletion. The
-- writers of a purged run stay in writer and writer_mark.
CREATE TABLE purged_run (
    workspace INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    run INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (workspace, run_id)
) WITHOUT ROWID;

-- Purged runs of which rows are left. Nothing finds them any more, because their rows in run and
-- run_mark are gone; they go slice by slice, and this row goes with the last of them.
CREATE TABLE purge (
    run INTEGER PRIMARY KEY
);

-- The trash by age.
CREATE INDEX run_by_deletion ON run (deleted_at, id) WHERE deleted_at IS NOT NULL;
