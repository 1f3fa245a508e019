//! Bodies of `POST /runstone/v1/snapshot`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Name of the file in which whoever asks for a copy has written its ticket.
pub const TICKET_FILE: &str = "runstone.ticket";

/// What to ask of `POST /runstone/v1/snapshot`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotRequest {
    /// The folder for the copy, on the server's machine, as an absolute path. It holds one file,
    /// `runstone.ticket`, and nothing else.
    pub folder: String,
    /// What stands in that file, 32 characters or more: so only who can write to the folder can
    /// have the server write there.
    pub ticket: String,
}

/// The copy that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotAnswer {
    /// The folder.
    pub folder: String,
    /// Its bytes.
    pub bytes: u64,
    /// The newest change in it.
    pub change: u64,
    /// Blobs in it.
    #[serde(default)]
    pub blobs: u64,
    /// Their bytes. On one file system they share them with the blobs that they were copied from.
    #[serde(default)]
    pub blob_bytes: u64,
    /// Blobs that are referred to and were not there: they are lost.
    #[serde(default)]
    pub blobs_missing: u64,
}
