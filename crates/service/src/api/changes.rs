//! Bodies of the change feed: `GET /runstone/v1/changes`, and the same pushed as server-sent
//! events from `GET /runstone/v1/changes/stream`.

use super::{EventItem, schema};
use runstone_model::{RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Changes a page, unless asked otherwise.
pub const CHANGES_PAGE_DEFAULT: usize = 500;
/// Changes a page at most.
pub const CHANGES_PAGE_MAX: usize = 5_000;

/// What to ask of the feed, page or stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ChangesQuery {
    /// Changes after this number. Absent: for a page from the oldest kept, for a stream from now
    /// on. A stream that is resumed sends `Last-Event-ID`, which counts before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Changes a page; 1 to [`CHANGES_PAGE_MAX`]. Streams do not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Only changes of this run: an id, the start of one, or a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Only changes of runs that were in this experiment then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Only changes of one of these kinds, joined by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// One page of changes, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangesPage {
    /// The changes; each number stands once.
    pub changes: Vec<ChangeItem>,
    /// Pass it as `since` to go on: the number up to which this page has looked.
    pub next: u64,
    /// The newest change of the store; the reader is up to date when `next` equals it.
    pub newest: u64,
    /// What was after `since` is no longer kept whole (or the store is another one): read again
    /// what you show, then go on from `next`.
    pub reset: bool,
}

/// One committed mutation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeItem {
    /// Its number: one count a store.
    pub change: u64,
    /// The server's clock.
    #[schema(value_type = i64)]
    pub at_micros: Timestamp,
    /// The run, as its id.
    #[schema(value_type = schema::RunId)]
    pub run: RunId,
    /// Its experiment after the change.
    pub experiment: String,
    /// What was changed, in the order of [`ChangeKind`].
    pub kinds: Vec<ChangeKind>,
    /// Transitions of its lifecycle, with the kind `state`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventItem>,
}

/// What a change touched.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The run was created.
    Created,
    /// Its state, or a reason or time of its life.
    State,
    /// Name, description, group, experiment, archived.
    Properties,
    /// Tags.
    Tags,
    /// Params.
    Params,
    /// Points, also removed or rewound ones, and definitions of metrics.
    Points,
    /// Scalars.
    Scalars,
    /// A writer opened or ended, or what is known of its completeness.
    Writers,
    /// Warnings.
    Warnings,
    /// The run was deleted.
    Deleted,
    /// The run was taken back from the trash.
    Undeleted,
    /// Terminal lines and log records.
    Logs,
    /// Objects.
    Objects,
    /// Artifacts came, became ready or went.
    Artifacts,
}
