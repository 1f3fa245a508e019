//! Bodies of the mutations that people make: one run (`PATCH`, `DELETE`,
//! `POST .../undelete` of `/runstone/v1/runs/{run}`) or many (`POST /runstone/v1/edits`).

use super::{ItemError, reading};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Runs of one request.
pub const EDIT_RUNS_MAX: usize = 1_000;

/// What to change of a run; absent fields stay. The body of `PATCH /runstone/v1/runs/{run}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunEdit {
    /// A new name; empty or null takes it away.
    #[serde(
        default,
        deserialize_with = "reading::text_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// A new description; empty or null takes it away.
    #[serde(
        default,
        deserialize_with = "reading::text_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// Move to the experiment of this name, which is created if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Archive, or take back from the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Exactly these tags; before `add_tags` and `remove_tags`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Tags to add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_tags: Vec<String>,
    /// Tags to remove; absent ones are no error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_tags: Vec<String>,
}

/// What to ask of `POST /runstone/v1/edits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditsRequest {
    /// The runs, 1 to [`EDIT_RUNS_MAX`], as ids. For `undelete` the last deleted run of an id is
    /// meant.
    pub runs: Vec<String>,
    /// What to do with each.
    pub action: EditAction,
}

/// What to do with runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum EditAction {
    /// Change properties and tags.
    Edit {
        /// What to change.
        #[serde(deserialize_with = "reading::struct_of_object")]
        edit: RunEdit,
    },
    /// Move to the trash: gone from every read at once, and later frames of its writers are
    /// refused.
    Delete,
    /// Take back from the trash.
    Undelete,
    /// Delete for good: a run that lives, and every one in the trash with this id. Only what
    /// refuses later frames of their writers is kept.
    Purge,
}

/// One result a run, in the order asked. Each run is done whole or not at all; all that were done
/// stand in one transaction, durable and readable when this is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EditsAnswer {
    /// The newest change; a read at or past it sees all of this.
    pub change: u64,
    /// The results.
    pub results: Vec<EditResult>,
}

/// What became of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EditResult {
    /// The run, as it was asked for.
    pub run: String,
    /// It was as asked already, so nothing was written.
    pub unchanged: bool,
    /// Why nothing was done with this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<ItemError>,
}
