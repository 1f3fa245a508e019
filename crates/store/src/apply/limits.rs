//! Sizes past which an operation is refused or a run is warned.
//!
//! Limits of single values (names, contexts, params) belong to the model; these are the limits of
//! what gathers in a run.

/// Clocks of client and server may differ so much without a warning.
pub const CLOCK_SKEW_MICROS_MAX: i64 = 60_000_000;
/// Past so many series a run gets a warning.
pub const SERIES_IN_RUN_WARNING: u32 = 100_000;
/// Past so many series a definition is refused.
pub const SERIES_IN_RUN_MAX: u32 = 1_000_000;
/// Past so many tags a tag is refused.
pub const TAGS_IN_RUN_MAX: usize = 1_000;
