-- Schema version 3: packs merged by tiers.

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
