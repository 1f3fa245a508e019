//! Sizes past which an operation is refused or a run is warned.
//!
//! Limits of single values (names, contexts, params) belong to the model; these are the limits of
//! what gathers in a run.

/// Parents above a fork at most: each is looked at by every read.
pub const FORK_DEPTH_MAX: u32 = 100;
/// Clocks of client and server may differ so much without a warning.
pub const CLOCK_SKEW_MICROS_MAX: i64 = 60_000_000;
/// Past so many series a run gets a warning.
pub const SERIES_IN_RUN_WARNING: u32 = 100_000;
/// Past so many series a definition is refused.
pub const SERIES_IN_RUN_MAX: u32 = 1_000_000;
/// Lines or records of one operation at most.
pub const LOG_ENTRIES_IN_OPERATION_MAX: usize = 16_384;
/// Bytes of text of one operation of lines or records at most.
pub const TEXT_IN_OPERATION_MAX: usize = 4 << 20;
/// A run whose logs hold so many bytes takes no further lines and counts them.
pub const LOG_BYTES_IN_RUN_MAX: u64 = 1 << 30;
/// Longest document of an object in bytes.
pub const OBJECT_DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Objects at one step of a series at most.
pub const OBJECTS_IN_SET_MAX: usize = 1_024;
/// Bytes of all documents at one step of a series at most.
pub const OBJECT_BYTES_IN_SET_MAX: usize = 8 << 20;
/// Digests at one step of a series at most.
pub const OBJECT_DIGESTS_IN_SET_MAX: usize = 4_096;
/// Past so many tags a tag is refused.
pub const TAGS_IN_RUN_MAX: usize = 1_000;
