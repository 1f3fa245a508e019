//! What a store holds on disk, and giving it back.

use std::ops::{Add, AddAssign};
use std::time::Duration;

use runstone_model::{ChangeNumber, RunId, RunKey, Timestamp};

/// How long a deleted run stays in the trash unless an engine is told otherwise: 30 days.
pub const TRASH_SECONDS: u64 = 30 * 24 * 3_600;

/// One turn of giving space back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReclaimRequest {
    /// The server's clock.
    pub at: Timestamp,
    /// How long deleted runs stay in the trash; `None` for what the engine was opened with.
    pub trash_seconds: Option<u64>,
    /// How long the turn may take, about; a single slice of work is finished all the same.
    pub longest: Duration,
}

impl ReclaimRequest {
    /// Runs deleted at or before this are purged.
    pub fn deleted_until(&self, engine_seconds: u64) -> Timestamp {
        let seconds = self.trash_seconds.unwrap_or(engine_seconds);
        let micros = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.at.as_micros().saturating_sub(micros))
    }
}

/// What a turn did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReclaimReport {
    /// Runs that left the trash for good, in the order of their deletion.
    pub purged: Vec<RunId>,
    /// Bytes by which the database became shorter.
    pub returned_bytes: u64,
    /// Bytes of the database that are free for new data.
    pub reusable_bytes: u64,
    /// Bytes of the database, free ones included.
    pub database_bytes: u64,
    /// Nothing is left to purge or to give back. Otherwise ask for another turn.
    pub done: bool,
}

/// A copy of a data folder that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupReport {
    /// The newest change in the copy.
    pub change: ChangeNumber,
    /// Its bytes.
    pub bytes: u64,
}

/// Bytes by what they hold, on disk: with their share of what pages need for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpaceByKind {
    /// Points as they were received, not yet folded.
    pub frames: u64,
    /// Folded points of short series.
    pub packs: u64,
    /// Folded points of long series.
    pub chunks: u64,
    /// Summaries of series.
    pub summaries: u64,
    /// Params.
    pub params: u64,
    /// Terminal lines and log records.
    pub logs: u64,
    /// Objects: documents, without the blobs they refer to.
    pub objects: u64,
    /// Everything else of a run: properties, tags, scalars, events, writers.
    pub rest: u64,
}

impl SpaceByKind {
    /// All kinds together.
    pub fn total(&self) -> u64 {
        let Self {
            frames,
            packs,
            chunks,
            summaries,
            params,
            logs,
            objects,
            rest,
        } = *self;
        frames + packs + chunks + summaries + params + logs + objects + rest
    }
}

impl AddAssign for SpaceByKind {
    fn add_assign(&mut self, other: Self) {
        self.frames += other.frames;
        self.packs += other.packs;
        self.chunks += other.chunks;
        self.summaries += other.summaries;
        self.params += other.params;
        self.logs += other.logs;
        self.objects += other.objects;
        self.rest += other.rest;
    }
}

impl Add for SpaceByKind {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

/// What one run holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSpace {
    /// Its key.
    pub run: RunKey,
    /// Its id.
    pub id: RunId,
    /// Name of its experiment.
    pub experiment_name: String,
    /// When it was deleted; such a run is in the trash.
    pub deleted_at: Option<Timestamp>,
    /// Its bytes.
    pub bytes: SpaceByKind,
    /// Bytes of the blobs that it refers to, each once. They lie beside the database, and other
    /// runs may refer to the same.
    pub blob_bytes: u64,
}

/// Where the bytes of a store are. `runs`, `journal_bytes`, `purging_bytes`, `rest_bytes` and
/// `reusable_bytes` add up to `database_bytes`, but for rounding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpaceReport {
    /// Bytes of the database on disk, log excluded.
    pub database_bytes: u64,
    /// Bytes of the write-ahead log on disk.
    pub log_bytes: u64,
    /// Bytes of the database that are free for new data, and that a reclaim returns.
    pub reusable_bytes: u64,
    /// The journal of changes.
    pub journal_bytes: u64,
    /// What is left of purged runs and goes by and by.
    pub purging_bytes: u64,
    /// What belongs to no run: experiments, metrics, writers of purged runs, the schema.
    pub rest_bytes: u64,
    /// Every run, living and deleted, by key.
    pub runs: Vec<RunSpace>,
    /// Blobs that something refers to and that are there.
    pub blobs: u64,
    /// Their bytes, each blob once.
    pub blob_bytes: u64,
}
