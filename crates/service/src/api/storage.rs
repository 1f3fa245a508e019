//! Bodies about space: `GET /runstone/v1/storage` and `POST /runstone/v1/gc`.

use runstone_model::{RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::schema;

/// Runs and experiments of an answer, unless fewer are asked for.
pub const STORAGE_LIST_DEFAULT: usize = 20;
/// Runs and experiments of an answer at most.
pub const STORAGE_LIST_MAX: usize = 1_000;
/// Days of a trash at most: a hundred years.
pub const TRASH_DAYS_MAX: u32 = 36_500;

/// What to ask of `GET /runstone/v1/storage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StorageQuery {
    /// Only this run among the runs: its id, also in the trash, the start of one, or a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// At most so many runs and experiments, those with most bytes first; 20 unless given, 1,000
    /// at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Where the bytes of the data folder are. `runs_bytes`, `trash_bytes`, `purging_bytes`,
/// `journal_bytes`, `rest_bytes` and `reusable_bytes` add up to `database_bytes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageAnswer {
    /// The database, free pages included.
    pub database_bytes: u64,
    /// The write-ahead log beside it.
    pub log_bytes: u64,
    /// Free pages of the database: new data go there, or `gc` returns them.
    pub reusable_bytes: u64,
    /// Runs that live.
    pub runs_bytes: u64,
    /// Deleted runs that can be taken back.
    pub trash_bytes: u64,
    /// What is left of purged runs and goes by and by.
    pub purging_bytes: u64,
    /// The journal of changes.
    pub journal_bytes: u64,
    /// What belongs to no run.
    pub rest_bytes: u64,
    /// Blobs of artifacts, which lie beside the database; null where none are kept.
    pub blobs: Option<BlobStorage>,
    /// Living and deleted runs together, by what the bytes hold.
    pub kinds: StorageByKind,
    /// How many runs there are, living and deleted.
    pub runs_total: u64,
    /// How many experiments have runs.
    pub experiments_total: u64,
    /// Runs, those with most bytes first.
    pub runs: Vec<RunStorage>,
    /// Experiments, those with most bytes first.
    pub experiments: Vec<ExperimentStorage>,
}

/// Blobs of artifacts: what lies in their place, and what of it is referred to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlobStorage {
    /// Blobs that lie there.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of uploads under way, or left by such; `gc` removes the latter.
    pub upload_bytes: u64,
    /// Blobs that runs refer to, deleted ones in the trash too.
    pub referred_blobs: u64,
    /// Their bytes, each blob once. What lies there beyond that `gc` deletes in two passes.
    pub referred_bytes: u64,
}

/// Bytes by what they hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageByKind {
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
    #[serde(default)]
    pub logs: u64,
    /// Documents of objects.
    #[serde(default)]
    pub objects: u64,
    /// Properties, tags, scalars, events, writers.
    pub rest: u64,
}

/// What one run holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunStorage {
    /// Its id.
    #[schema(value_type = schema::RunId)]
    pub id: RunId,
    /// Its experiment.
    pub experiment: String,
    /// When it was deleted; null while it lives.
    #[schema(value_type = Option<i64>)]
    pub deleted_at_micros: Option<Timestamp>,
    /// All its bytes.
    pub bytes: u64,
    /// The same by what they hold.
    pub kinds: StorageByKind,
    /// Bytes of the blobs that it refers to, each once; other runs may refer to the same. Not part
    /// of `bytes`.
    pub blob_bytes: u64,
}

/// What the runs of one experiment hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentStorage {
    /// Its name.
    pub experiment: String,
    /// Runs, living and deleted.
    pub runs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of deleted runs among them.
    pub trash_bytes: u64,
    /// Bytes of the blobs that each run refers to, added up; not part of `bytes`.
    pub blob_bytes: u64,
}

/// What to ask of `POST /runstone/v1/gc`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GcRequest {
    /// Purge runs that were deleted so many days ago, instead of those past the server's own
    /// period; 0 empties the trash. Blobs that nobody refers to wait for one day before they are
    /// deleted; with 0 days they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash_days: Option<u32>,
}

/// What one turn did. A turn takes a few seconds; ask again until it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcAnswer {
    /// Ids of the runs that were purged.
    pub purged: Vec<String>,
    /// Bytes by which the database became shorter.
    pub returned_bytes: u64,
    /// Free pages of the database that are left.
    pub reusable_bytes: u64,
    /// The database, free pages included.
    pub database_bytes: u64,
    /// Uploads that ended without their blob, and whose remains are gone.
    #[serde(default)]
    pub uploads_swept: u64,
    /// Blobs that were deleted.
    #[serde(default)]
    pub blobs_deleted: u64,
    /// Their bytes.
    #[serde(default)]
    pub blobs_deleted_bytes: u64,
    /// Why some blobs were not looked at or not deleted; a later pass tries again.
    #[serde(default)]
    pub blobs_failure: Option<String>,
    /// Nothing is left to purge or to give back.
    pub done: bool,
}
