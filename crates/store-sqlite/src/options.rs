//! What the binary may choose, and the clock and randomness it brings.

use std::fmt;
use std::sync::Arc;

use runstone_model::Timestamp;

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

/// How a folder is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    /// Go on although the folder lies on a network file system.
    pub allow_network_file_system: bool,
    /// Fold and checkpoint by themselves; without it only [`runstone_store::Store::fold`] folds.
    pub background: bool,
    /// When a run is folded.
    pub fold: FoldLimits,
    /// Past so many unfolded points acknowledgements are delayed, then refused.
    pub unfolded_points_max: u64,
    /// Past so many bytes of log the writer itself checkpoints, and appends wait.
    pub log_bytes_max: u64,
    /// How long an append waits for room before it answers `Unavailable`.
    pub stall_millis_max: u64,
    /// Page cache of all connections together.
    pub cache_bytes_max: u64,
    /// Connections that readers use at one time; more readers wait.
    pub readers_max: usize,
    /// The server's clock.
    pub clock: Clock,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            allow_network_file_system: false,
            background: true,
            fold: FoldLimits::default(),
            unfolded_points_max: 4_000_000,
            log_bytes_max: 256 << 20,
            stall_millis_max: 2_000,
            cache_bytes_max: 16 << 20,
            readers_max: 8,
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
            .field("unfolded_points_max", &self.unfolded_points_max)
            .field("log_bytes_max", &self.log_bytes_max)
            .field("stall_millis_max", &self.stall_millis_max)
            .field("cache_bytes_max", &self.cache_bytes_max)
            .field("readers_max", &self.readers_max)
            .finish_non_exhaustive()
    }
}

fn system_clock() -> Timestamp {
    let since_1970 = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}
