//! Bodies about logs: `GET /runstone/v1/runs/{run}/logs` and `.../records`.

use runstone_model::{LogLevel, LogStream, Timestamp, WriterId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{RawJson, schema};

/// Lines or records of a page, unless asked otherwise.
pub const LOGS_PAGE_DEFAULT: usize = 1_000;
/// Lines or records of a page at most.
pub const LOGS_PAGE_MAX: usize = 10_000;

/// What to ask of `GET /runstone/v1/runs/{run}/logs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LogsQuery {
    /// Only lines of this writer: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
    /// From this line on, of one writer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Before this line, of one writer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// Only the last so many lines, of all writers by their time; 10,000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<usize>,
    /// `stdout` or `stderr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// At most so many lines; 1,000 unless given, 10,000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after a page: its `next_cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What to ask of `GET /runstone/v1/runs/{run}/records`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RecordsQuery {
    /// Only records of this writer: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
    /// From this record on, of one writer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Before this record, of one writer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// Only the last so many records, of all writers by their time; 10,000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<usize>,
    /// Only records of this level or a graver one: debug, info, warning, error, critical, or a
    /// number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// At most so many records; 1,000 unless given, 10,000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after a page: its `next_cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Terminal lines, by writer and number; with `tail` by time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsPage {
    /// The lines.
    pub lines: Vec<LogLineItem>,
    /// All logs that the run has, in the order of their writers.
    pub writers: Vec<LogWriterItem>,
    /// Where the next page starts; null at the end. A page may be empty and have one.
    pub next_cursor: Option<String>,
}

/// Log records, by writer and number; with `tail` by time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordsPage {
    /// The records.
    pub records: Vec<LogRecordItem>,
    /// All logs that the run has, in the order of their writers.
    pub writers: Vec<LogWriterItem>,
    /// Where the next page starts; null at the end. A page may be empty and have one.
    pub next_cursor: Option<String>,
}

/// A writer's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogWriterItem {
    /// Whose it is.
    #[schema(value_type = schema::WriterId)]
    pub writer: WriterId,
    /// One past its last number: ask `from` it for what comes later.
    pub next: u64,
    /// Bytes that were ever logged.
    pub bytes: u64,
}

/// A terminal line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLineItem {
    /// Who wrote it.
    #[schema(value_type = schema::WriterId)]
    pub writer: WriterId,
    /// Its number among the writer's lines; numbers may have gaps.
    pub number: u64,
    /// `stdout` or `stderr`.
    #[schema(value_type = schema::LogStream)]
    pub stream: LogStream,
    /// The client's clock.
    #[schema(value_type = i64)]
    pub time_micros: Timestamp,
    /// Without its line break.
    pub text: String,
    /// Bytes that were cut off, if any were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut_bytes: u64,
}

/// A log record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogRecordItem {
    /// Who wrote it.
    #[schema(value_type = schema::WriterId)]
    pub writer: WriterId,
    /// Its number among the writer's records.
    pub number: u64,
    /// How grave it is, as Python counts: 10 debug, 20 info, 30 warning, 40 error, 50 critical.
    #[schema(value_type = i32)]
    pub level: LogLevel,
    /// The client's clock.
    #[schema(value_type = i64)]
    pub time_micros: Timestamp,
    /// What it says.
    pub message: String,
    /// Name of the logger.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub logger: String,
    /// Source file, where it is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Line in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_line: Option<u32>,
    /// Extra arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::JsonValue>, nullable = false)]
    pub extra: Option<RawJson>,
    /// Bytes that were cut off, if any were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut_bytes: u64,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
