-- Schema version 1 of a Runstone data folder.
--
-- Portable types only: INTEGER (64 bits, u64 as its two's complement), REAL (finite only), TEXT
-- (compared by bytes), BLOB. Times are microseconds UTC. What belongs to one run and comes in
-- many rows has the id `run << 24 | number`, so that a run lies together and goes with one range.
-- Points are never updated in place: frames, packs and chunks are inserted and deleted.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- The last number given of each kind: change, run, experiment, writer.
CREATE TABLE sequence (
    name TEXT NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE experiment (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT,
    title TEXT,
    description TEXT,
    created_at INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    sealed_digest TEXT,
    deleted_at INTEGER
);
CREATE UNIQUE INDEX experiment_living ON experiment (workspace, name) WHERE deleted_at IS NULL;

-- What people change; counters and numbers that every frame moves stand in run_mark.
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    experiment INTEGER NOT NULL,
    name TEXT,
    description TEXT,
    archived INTEGER NOT NULL,
    run_group TEXT,
    job_type TEXT,
    seed INTEGER,
    rerun_of TEXT,
    parent_run INTEGER,
    parent_step REAL,
    parent_append INTEGER,
    variation INTEGER,
    number INTEGER,
    primary_writer BLOB,
    state TEXT NOT NULL,
    reason_code TEXT,
    reason_text TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    deleted_at INTEGER
);
CREATE UNIQUE INDEX run_living ON run (workspace, run_id) WHERE deleted_at IS NULL;
CREATE INDEX run_by_creation ON run (workspace, created_at, id);
CREATE INDEX run_by_name ON run (workspace, name) WHERE name IS NOT NULL;
CREATE INDEX run_by_experiment ON run (experiment, created_at, id);

CREATE TABLE run_mark (
    run INTEGER PRIMARY KEY,
    changed INTEGER NOT NULL,
    last_received_at INTEGER,
    generation INTEGER NOT NULL,
    last_append INTEGER NOT NULL,
    logged INTEGER NOT NULL,
    durable INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    lost INTEGER NOT NULL
);

CREATE TABLE run_alias (
    run INTEGER NOT NULL,
    position INTEGER NOT NULL,
    dialect TEXT NOT NULL,
    foreign_id TEXT NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE INDEX run_alias_by_id ON run_alias (dialect, foreign_id);

CREATE TABLE run_tag (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE INDEX run_tag_by_name ON run_tag (name, run);

-- A leaf of a run's params. `path` is the keys joined by U+001F (U+001B escapes). By path first,
-- so that a column of a table of runs is one ordered scan. `number` is the value as a finite
-- float for comparisons (infinities as the greatest floats), `sign` 1 and -1 for infinities and
-- 2 for NaN, `bits` the exact value, `text` a string, `body` a list in the wire's encoding.
CREATE TABLE param (
    path TEXT NOT NULL,
    run INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    number REAL,
    sign INTEGER NOT NULL,
    bits INTEGER,
    text TEXT,
    body BLOB,
    PRIMARY KEY (path, run)
) WITHOUT ROWID;
CREATE INDEX param_by_run ON param (run);

-- Typed as param.
CREATE TABLE scalar (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    number REAL,
    sign INTEGER NOT NULL,
    bits INTEGER,
    text TEXT,
    time INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;

CREATE TABLE metric (
    experiment INTEGER NOT NULL,
    name TEXT NOT NULL,
    goal TEXT,
    unit TEXT,
    default_x TEXT,
    PRIMARY KEY (experiment, name)
) WITHOUT ROWID;

CREATE TABLE writer (
    id INTEGER PRIMARY KEY,
    writer BLOB NOT NULL UNIQUE,
    workspace INTEGER NOT NULL,
    run INTEGER,
    opened INTEGER NOT NULL,
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    rank INTEGER,
    user TEXT NOT NULL,
    sdk TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    is_primary INTEGER NOT NULL,
    parent BLOB,
    lease_seconds INTEGER NOT NULL,
    end_kind TEXT,
    end_code TEXT,
    end_text TEXT,
    ended_at INTEGER,
    first_change INTEGER NOT NULL
);
CREATE INDEX writer_by_run ON writer (run);

CREATE TABLE writer_mark (
    writer INTEGER PRIMARY KEY,
    mark INTEGER NOT NULL,
    chain INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    told_logged INTEGER NOT NULL,
    told_dropped INTEGER NOT NULL,
    told_refused INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    durable INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    last_received_at INTEGER NOT NULL
);

CREATE TABLE writer_lost (
    writer INTEGER NOT NULL,
    first_slot INTEGER NOT NULL,
    next_slot INTEGER NOT NULL,
    PRIMARY KEY (writer, first_slot)
) WITHOUT ROWID;

CREATE TABLE writer_dropped (
    writer INTEGER NOT NULL,
    number INTEGER NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (writer, number)
) WITHOUT ROWID;

-- Series numbers of a writer, one row a frame; id = writer << 24 | number of the row.
-- A later row wins. See bindings.rs for the body.
CREATE TABLE binding (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

-- Series of a run, one row a frame until the run's summary takes them in; id = run << 24 | id of
-- the row's first series. See directory.rs for the body.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

-- Which writer made the appends of a run from this number on, until the next row.
CREATE TABLE append_writer (
    run INTEGER NOT NULL,
    append INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    PRIMARY KEY (run, append)
) WITHOUT ROWID;

-- Series in which two writers wrote one step.
CREATE TABLE series_contested (
    run INTEGER NOT NULL,
    series INTEGER NOT NULL,
    PRIMARY KEY (run, series)
) WITHOUT ROWID;

-- id = run << 24 | number.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    change INTEGER NOT NULL,
    state_before TEXT,
    state_after TEXT NOT NULL,
    event TEXT NOT NULL,
    actor TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason_code TEXT,
    reason_text TEXT,
    writer BLOB
);

CREATE TABLE warning (
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (run, kind)
) WITHOUT ROWID;

-- id = run << 24 | number. `name` NULL: every series; `step` NULL: every step.
CREATE TABLE removal (
    id INTEGER PRIMARY KEY,
    change INTEGER NOT NULL,
    append INTEGER NOT NULL,
    name TEXT,
    context TEXT,
    kind INTEGER,
    step REAL
);

-- id = run << 24 | generation.
CREATE TABLE cut (
    id INTEGER PRIMARY KEY,
    change INTEGER NOT NULL,
    step REAL NOT NULL
);

-- Points as received and not yet folded: one pack of one frame; id = run << 24 | number.
CREATE TABLE l0 (
    id INTEGER PRIMARY KEY,
    writer INTEGER NOT NULL,
    append INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    points INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL
);

-- Folded points of about 64 short series; id = run << 24 | number. The numbers in the pack are
-- ids of series of the run.
CREATE TABLE pack (
    id INTEGER PRIMARY KEY,
    points INTEGER NOT NULL,
    first_series INTEGER NOT NULL,
    last_series INTEGER NOT NULL,
    body BLOB NOT NULL
);

-- Folded points of one series, sorted. `head` stands before `data`, so that summaries are read
-- without the pages of the data.
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    series INTEGER NOT NULL,
    number INTEGER NOT NULL,
    points INTEGER NOT NULL,
    first_step REAL NOT NULL,
    last_step REAL NOT NULL,
    head BLOB NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX chunk_by_series ON chunk (run, series, number);

-- The truth about the folded points of a run: which packs and chunks count (what lies beyond is
-- left of a fold that did not end), and the summary of each series. `change` is that of the
-- newest cut or removal the summaries know.
CREATE TABLE run_summary (
    run INTEGER PRIMARY KEY,
    folds INTEGER NOT NULL,
    packs_first INTEGER NOT NULL,
    packs_next INTEGER NOT NULL,
    chunks_next INTEGER NOT NULL,
    loose_folds INTEGER NOT NULL,
    change INTEGER NOT NULL,
    series INTEGER NOT NULL,
    points INTEGER NOT NULL,
    body BLOB NOT NULL
);
