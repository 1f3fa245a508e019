-- Schema version 5: what metrics amount to, by name for many runs. A projection of run_summary that
-- can be made again from it; what it lacks or knows of an older state is read there.

-- A band of 1,024 runs whose keys begin alike; id = key >> 10. Its stripes have the numbers from
-- `stripes_first` to `stripes_next`; others are left of a pass that did not end. `roll` says which
-- runs they know, and as of which change.
CREATE TABLE band (
    id INTEGER PRIMARY KEY,
    stripes_first INTEGER NOT NULL,
    stripes_next INTEGER NOT NULL,
    roll BLOB NOT NULL
);

-- Whole columns of a band, sorted by name and context; id = band << 24 | number. `name` and
-- `context` are those of the first.
CREATE TABLE stripe (
    id INTEGER PRIMARY KEY,
    band INTEGER NOT NULL,
    name TEXT NOT NULL,
    context TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX stripe_by_column ON stripe (band, name, context);
