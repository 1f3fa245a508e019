//! Logs and objects of a run, as the API answers them.
//!
//! Bodies of `GET /runstone/v1/runs/{run}/logs`, `.../records` and `.../objects`; fields of later
//! versions are left out.

use runstone_model::{BlobDigest, LogLevel, LogStream, SeriesKind};
use serde::Deserialize;
use serde_json::Value;

use crate::api::{ApiClient, path_segment};
use crate::error::ClientError;

/// A page of terminal lines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LoggedLine>,
    /// All logs of the run.
    pub writers: Vec<WriterLog>,
    /// Cursor of the next page.
    pub next_cursor: Option<String>,
}

/// A page of log records.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<LoggedRecord>,
    /// All logs of the run.
    pub writers: Vec<WriterLog>,
    /// Cursor of the next page.
    pub next_cursor: Option<String>,
}

/// How far a writer's log has come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WriterLog {
    /// Id of the writer.
    pub writer: String,
    /// One past its last number.
    pub next: u64,
    /// Bytes that were ever logged.
    pub bytes: u64,
}

/// A terminal line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LoggedLine {
    /// Id of the writer.
    pub writer: String,
    /// Number among the writer's lines.
    pub number: u64,
    /// Where it was written to.
    pub stream: LogStream,
    /// The client's clock.
    pub time_micros: i64,
    /// Without its line break.
    pub text: String,
}

/// A log record.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LoggedRecord {
    /// Id of the writer.
    pub writer: String,
    /// Number among the writer's records.
    pub number: u64,
    /// How grave it is.
    pub level: LogLevel,
    /// The client's clock.
    pub time_micros: i64,
    /// What it says.
    pub message: String,
    /// Name of the logger; empty if it has none.
    #[serde(default)]
    pub logger: String,
    /// Source file; empty if it is not known.
    #[serde(default)]
    pub file: String,
    /// Line in it.
    #[serde(default)]
    pub source_line: Option<u32>,
    /// Extra arguments.
    #[serde(default)]
    pub extra: Option<Value>,
}

/// A page of objects.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ObjectPage {
    /// One a step.
    pub sets: Vec<LoggedObjects>,
    /// Cursor of the next page.
    pub next_cursor: Option<String>,
}

/// The objects of one step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LoggedObjects {
    /// The step.
    pub step: f64,
    /// The client's clock.
    pub time_micros: i64,
    /// Epoch.
    #[serde(default)]
    pub epoch: Option<f64>,
    /// In the order in which they were given.
    pub objects: Vec<LoggedObject>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LoggedObject {
    /// What it is.
    pub document: Value,
    /// Blobs that it refers to.
    pub digests: Vec<BlobDigest>,
}

impl ApiClient {
    /// A page of terminal lines. Fields of the query: `writer`, `from`, `to`, `tail`, `stream`,
    /// `limit`, `cursor`.
    ///
    /// # Errors
    /// As [`ApiClient::get_json`].
    pub fn log_lines(&self, run: &str, query: &[(&str, &str)]) -> Result<LogPage, ClientError> {
        self.get_json(&path(run, "logs"), query)
    }

    /// A page of log records. Fields of the query: as [`ApiClient::log_lines`], with `level` in
    /// place of `stream`.
    ///
    /// # Errors
    /// As [`ApiClient::get_json`].
    pub fn log_records(
        &self,
        run: &str,
        query: &[(&str, &str)],
    ) -> Result<RecordPage, ClientError> {
        self.get_json(&path(run, "records"), query)
    }

    /// A page of the objects of one series. Further fields of the query: `context`, `from_step`,
    /// `to_step`, `limit`, `cursor`.
    ///
    /// # Errors
    /// As [`ApiClient::get_json`].
    pub fn objects(
        &self,
        run: &str,
        name: &str,
        kind: SeriesKind,
        query: &[(&str, &str)],
    ) -> Result<ObjectPage, ClientError> {
        let mut query = query.to_vec();
        query.extend([("name", name), ("kind", kind.as_str())]);
        self.get_json(&path(run, "objects"), &query)
    }
}

fn path(run: &str, what: &str) -> String {
    format!("/runstone/v1/runs/{}/{what}", path_segment(run))
}
