-- Schema version 4: terminal lines, log records and objects; forks; blobs and artifacts.

-- Entries (lines, records, sets of objects) as they were received, one row a frame, kind and owner; the
-- rows of one owner are newer the greater their id. `kind` is 0 lines, 1 records, 2 objects; `owner`
-- the writer of a log, or the series of objects. Keys are bytes in the order of numbers or of (step,
-- generation, append, position). `head` and `data` are a block, see docs/formats/entries.md.
CREATE TABLE entry_row (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    first_key BLOB NOT NULL,
    last_key BLOB NOT NULL,
    entries INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    head BLOB NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX entry_row_by_owner ON entry_row (run, kind, owner, id);

-- Folded entries, compressed. The blocks of one owner don't overlap in their keys; a row of the same
-- key is newer. `bytes` are those of the bodies before compression.
CREATE TABLE entry_block (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    first_key BLOB NOT NULL,
    last_key BLOB NOT NULL,
    entries INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    head BLOB NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX entry_block_by_key ON entry_block (run, kind, owner, last_key);

-- How far the log of a writer has come; `kind` as above.
CREATE TABLE log_mark (
    run INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    next INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (run, writer, kind)
) WITHOUT ROWID;

-- What all sets ever applied to an object series amount to. `writer` is 0 for more than one.
CREATE TABLE object_mark (
    run INTEGER NOT NULL,
    series INTEGER NOT NULL,
    first_step REAL NOT NULL,
    last_step REAL NOT NULL,
    writer INTEGER NOT NULL,
    PRIMARY KEY (run, series)
) WITHOUT ROWID;

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

-- Null for forks from before version 4, which go on to share nothing: they have no row in fork.
ALTER TABLE run ADD COLUMN parent_generation INTEGER;

-- Leases of uploads under way. An ended one protects nothing, and stays until what its upload has left
-- (`remains`) is swept. Ids come from the sequence blob_lease and are never given again.
CREATE TABLE blob_lease (
    id INTEGER PRIMARY KEY,
    digest BLOB,
    expires_at INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    remains TEXT
);
CREATE INDEX blob_lease_by_digest ON blob_lease (digest) WHERE digest IS NOT NULL AND ended = 0;

-- What garbage collection thinks: nobody wanted the blob (0), or it is being deleted (1), since when.
CREATE TABLE blob_mark (
    digest BLOB NOT NULL PRIMARY KEY,
    deleting INTEGER NOT NULL,
    since INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX blob_deletion ON blob_mark (since) WHERE deleting = 1;

-- That something in a run refers to a blob: one row a (digest, run, kind), however many do. kind: 1 an
-- artifact, 2 an object. bytes is null while nobody has told. pending_until is null once the blob is there.
CREATE TABLE blob_reference (
    digest BLOB NOT NULL,
    run INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    bytes INTEGER,
    pending_until INTEGER,
    PRIMARY KEY (digest, run, kind)
) WITHOUT ROWID;
CREATE INDEX blob_reference_by_run ON blob_reference (run);

-- Artifacts of a run, each version a row. Whether its bytes are there is said by its reference.
CREATE TABLE artifact (
    run INTEGER NOT NULL,
    path TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run, path, version)
) WITHOUT ROWID;
CREATE INDEX artifact_by_digest ON artifact (run, digest);
