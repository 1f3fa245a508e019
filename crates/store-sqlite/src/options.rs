//! What the binary may choose, and the clock and randomness it brings.

use std::fmt;
use std::sync::Arc;

use runstone_model::Timestamp;
use runstone_store::{CHANGES_KEPT, TRASH_SECONDS};

/// A clock; the server's own, or a hand-driven one in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// When a run's frames are folded: whatever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldLimits {
    /// Unfolded points a series, on the average of the run's series.
    pub points_per_series: u64,
    /// Unfolded bytes of a run.
    pub bytes: u64,
    /// Unfolded frames of a run.
    pub frames: u64,
    /// Silence after a run's last frame.
    pub idle_seconds: u64,
}

impl Default for FoldLimits {
    fn default() -> Self {
        Self {
            points_per_series: 256,
            bytes: 1 << 20,
            frames: 64,
            idle_seconds: 60,
        }
    }
}

/// The shape of folded data. The defaults were measured; tests choose tiny ones, so that every
/// path is walked with few points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldLayout {
    /// Bytes of frames that a pass takes at most, but one whole frame at least.
    pub pass_bytes_max: u64,
    /// Points of frames that a pass takes at most, but one whole frame at least.
    pub pass_points_max: u64,
    /// Series decoded at a time, and series of a pack at most.
    pub window_series: usize,
    /// Points of a pack, about.
    pub pack_points: usize,
    /// A series with so many points to store at once gets chunks.
    pub chunk_points_min: usize,
    /// Points of a chunk at most: what a page of points decodes at once.
    pub chunk_points: usize,
    /// Bytes of a block of lines, records or objects before compression, about.
    pub entry_block_bytes: usize,
    /// So many neighbours of one size are merged into one: packs of passes, and chunks of a series.
    pub merge_fan_in: usize,
    /// Bytes of packs, chunks and stripes that one transaction inserts, about; frames wait for it.
    pub slice_bytes_max: usize,
    /// So many runs of a band at rest in another state than its stripes know have them made anew.
    pub striped_runs_min: usize,
    /// Summaries in memory at most while stripes are made.
    pub striped_rows_max: usize,
    /// A run that was silent for so long rests, as one that has ended does.
    pub rest_seconds: u64,
}

impl Default for FoldLayout {
    fn default() -> Self {
        Self {
            pass_bytes_max: 4 << 20,
            pass_points_max: 1 << 19,
            window_series: 64,
            pack_points: 8_192,
            chunk_points_min: 1_024,
            chunk_points: 16_384,
            entry_block_bytes: 128 << 10,
            merge_fan_in: 8,
            slice_bytes_max: 2 << 20,
            striped_runs_min: 64,
            striped_rows_max: 1 << 18,
            rest_seconds: 600,
        }
    }
}

/// How a folder is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    /// Go on although the folder lies on a network file system.
    pub allow_network_file_system: bool,
    /// Fold, checkpoint and purge by themselves; without it only [`runstone_store::Store::fold`]
    /// folds, and only [`runstone_store::Store::reclaim`] purges.
    pub background: bool,
    /// When a run is folded.
    pub fold: FoldLimits,
    /// The shape of folded data.
    pub layout: FoldLayout,
    /// Past so many unfolded points acknowledgements are delayed, then refused.
    pub unfolded_points_max: u64,
    /// Past so many unfolded bytes of lines, records and objects, the same.
    pub unfolded_entry_bytes_max: u64,
    /// Past so many bytes of log the writer itself checkpoints, and appends wait.
    pub log_bytes_max: u64,
    /// How long an append waits for room before it answers `Overloaded`.
    pub stall_millis_max: u64,
    /// Page cache of all connections together.
    pub cache_bytes_max: u64,
    /// Connections that readers use at one time; more readers wait.
    pub readers_max: usize,
    /// Changes that the journal keeps; older ones are forgotten by and by.
    pub changes_kept: u64,
    /// How long deleted runs stay in the trash before they are purged.
    pub trash_seconds: u64,
    /// Past this share of free pages, in percent, the database is shortened unasked.
    pub free_percent_max: u64,
    /// Name of a registered VFS of SQLite through which the files are reached; `None`: that of
    /// the system. Tests hand in one that fails as disks do.
    pub vfs: Option<String>,
    /// The server's clock.
    pub clock: Clock,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            allow_network_file_system: false,
            background: true,
            fold: FoldLimits::default(),
            layout: FoldLayout::default(),
            unfolded_points_max: 4_000_000,
            unfolded_entry_bytes_max: 64 << 20,
            log_bytes_max: 256 << 20,
            stall_millis_max: 2_000,
            cache_bytes_max: 16 << 20,
            readers_max: 8,
            changes_kept: CHANGES_KEPT,
            trash_seconds: TRASH_SECONDS,
            free_percent_max: 25,
            vfs: None,
            clock: Arc::new(system_clock),
        }
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SqliteOptions")
            .field("allow_network_file_system", &self.allow_network_file_system)
            .field("background", &self.background)
            .field("fold", &self.fold)
            .field("layout", &self.layout)
            .field("unfolded_points_max", &self.unfolded_points_max)
            .field("unfolded_entry_bytes_max", &self.unfolded_entry_bytes_max)
            .field("log_bytes_max", &self.log_bytes_max)
            .field("stall_millis_max", &self.stall_millis_max)
            .field("cache_bytes_max", &self.cache_bytes_max)
            .field("readers_max", &self.readers_max)
            .field("changes_kept", &self.changes_kept)
            .field("trash_seconds", &self.trash_seconds)
            .field("free_percent_max", &self.free_percent_max)
            .field("vfs", &self.vfs)
            .finish_non_exhaustive()
    }
}

fn system_clock() -> Timestamp {
    let since_1970 = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}
