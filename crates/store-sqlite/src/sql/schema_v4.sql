-- Schema version 4: blobs and artifacts.

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
-- artifact. bytes is null while nobody has told. pending_until is null once the blob is there.
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
