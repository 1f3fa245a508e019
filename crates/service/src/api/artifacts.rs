//! Bodies about artifacts: `/runstone/v1/runs/{run}/artifacts` and what lies below.

use runstone_model::{BlobDigest, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::schema;

/// Artifacts a page, unless asked otherwise.
pub const ARTIFACTS_PAGE_DEFAULT: usize = 200;
/// Artifacts a page at most.
pub const ARTIFACTS_PAGE_MAX: usize = 1_000;

/// What to ask of `POST /runstone/v1/runs/{run}/artifacts`: the start of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactRequest {
    /// Where in the run: relative, 1 to 1,024 bytes, segments joined by `/`; no `..`, backslash,
    /// drive or control character.
    pub path: String,
    /// SHA-256 of the bytes, as `sha256:` and 64 lower-case hexadecimal digits.
    #[schema(value_type = String)]
    pub digest: BlobDigest,
    /// How many bytes.
    pub bytes: u64,
    /// Their type, as `image/png`; `application/octet-stream` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Put the bytes into the bucket itself, past the server, where the server keeps blobs in one.
    /// Such an upload is to be finished by its own request.
    #[serde(default)]
    pub direct: bool,
}

/// How an upload begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactBegun {
    /// The artifact: ready if the bytes are there already, else pending.
    pub artifact: ArtifactItem,
    /// Where to put the bytes; null if they are there already.
    pub upload: Option<UploadAddress>,
}

/// Where to put bytes. Who knows it needs no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadAddress {
    /// Send the bytes there with PUT. Absolute, or beginning with `/`: then below the address of
    /// the server.
    pub url: String,
    /// From then on it is refused.
    #[schema(value_type = i64)]
    pub expires_at_micros: Timestamp,
    /// The number of an upload that goes past the server: once the bytes are there, finish it with
    /// `POST /runstone/v1/runs/{run}/uploads/{upload}`. Null for one that the server takes, which
    /// ends with its PUT.
    pub upload: Option<u64>,
}

/// What to ask of `POST /runstone/v1/runs/{run}/uploads/{upload}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishRequest {
    /// The path for which the upload was begun.
    pub path: String,
}

/// Whether the bytes of an artifact are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactState {
    /// They are awaited.
    Pending,
    /// They are there.
    Ready,
    /// They were awaited and have not come; a new upload still makes it ready.
    Expired,
}

/// A version of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactItem {
    /// Id of its run.
    #[schema(value_type = schema::RunId)]
    pub run: RunId,
    /// Where in the run.
    pub path: String,
    /// 1, 2, ... among those of one path; other bytes or another type make a new version.
    pub version: u32,
    /// Whether its bytes are there.
    pub state: ArtifactState,
    /// SHA-256 of the bytes.
    #[schema(value_type = String)]
    pub digest: BlobDigest,
    /// How many bytes.
    pub bytes: u64,
    /// Their type.
    pub media_type: String,
    /// The server's clock when its upload was begun.
    #[schema(value_type = i64)]
    pub created_at_micros: Timestamp,
}

/// What to ask of `GET /runstone/v1/runs/{run}/artifacts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ArtifactsQuery {
    /// Only paths that begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// All versions; otherwise the newest of each path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<bool>,
    /// Artifacts a page; 1 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page of artifacts, by path and version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactList {
    /// The artifacts.
    pub artifacts: Vec<ArtifactItem>,
    /// Where the next page starts; null at the end.
    pub next_cursor: Option<String>,
}

/// Which version of an artifact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ArtifactQuery {
    /// This version; for reading the newest whose bytes are there unless given, for deleting all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}
