//! What people change of runs: a request, checked once, and what became of each run.

use std::collections::BTreeSet;

use runstone_model::{
    ArtifactPath, ChangeNumber, DESCRIPTION_BYTES_MAX, ExperimentName, RunId, SHORT_TEXT_BYTES_MAX,
    TagName, Timestamp, WorkspaceId, check_text, clean_text,
};

use crate::apply::TAGS_IN_RUN_MAX;
use crate::{ArtifactPut, StoreError};

/// One action on some runs.
#[derive(Debug, Clone)]
pub struct EditRequest {
    /// Workspace.
    pub workspace: WorkspaceId,
    /// The runs. For `Undelete` the run of an id that was deleted last is meant.
    pub runs: Vec<RunId>,
    /// What to do with each.
    pub action: RunAction,
    /// The server's clock.
    pub at: Timestamp,
}

/// What to do with a run.
#[derive(Debug, Clone)]
pub enum RunAction {
    /// Change properties and tags.
    Change(RunChanges),
    /// Take it out of every read; later frames of its writers are refused.
    Delete,
    /// Take it back.
    Undelete,
    /// Delete it for good: every deleted run of the id, never one that lives. Nothing but what
    /// refuses later frames of its writers stays.
    Purge,
    /// Add a version of an artifact, or make one ready whose bytes have come. With a lease, which a
    /// single run can take only, all other pending references to these bytes become ready too.
    /// `Unchanged` if the newest version is this one already.
    PutArtifact(ArtifactPut),
    /// Remove a version of an artifact, or all of them; their bytes go once nobody refers to them.
    RemoveArtifact {
        /// Where in the run.
        path: ArtifactPath,
        /// Which version; `None` for all.
        version: Option<u32>,
    },
}

/// New properties and tags; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunChanges {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) experiment: Option<ExperimentName>,
    pub(crate) archived: Option<bool>,
    pub(crate) tags: Option<BTreeSet<TagName>>,
    pub(crate) add_tags: BTreeSet<TagName>,
    pub(crate) remove_tags: BTreeSet<TagName>,
}

impl RunChanges {
    /// A new name; the empty one takes it away. NUL is replaced, as when it is logged.
    ///
    /// # Errors
    /// `Invalid` past its limit.
    pub fn set_name(&mut self, name: &str) -> Result<(), StoreError> {
        self.name = Some(checked("run name", name, SHORT_TEXT_BYTES_MAX)?);
        Ok(())
    }

    /// A new description; the empty one takes it away. NUL is replaced, as when it is logged.
    ///
    /// # Errors
    /// `Invalid` past its limit.
    pub fn set_description(&mut self, description: &str) -> Result<(), StoreError> {
        self.description = Some(checked("description", description, DESCRIPTION_BYTES_MAX)?);
        Ok(())
    }

    /// Moves to the experiment of this name, which is created if there is none.
    ///
    /// # Errors
    /// `Invalid` for a text that is no name.
    pub fn set_experiment(&mut self, name: &str) -> Result<(), StoreError> {
        let name = ExperimentName::new(name);
        self.experiment = Some(name.map_err(|error| StoreError::Invalid(error.to_string()))?);
        Ok(())
    }

    /// Archives, or takes back from the archive.
    pub fn set_archived(&mut self, archived: bool) {
        self.archived = Some(archived);
    }

    /// Exactly these tags, before those to add and to remove.
    ///
    /// # Errors
    /// `Invalid` for a text that is no tag.
    pub fn set_tags<'a>(
        &mut self,
        tags: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        self.tags = Some(checked_tags(tags)?);
        Ok(())
    }

    /// Tags to add.
    ///
    /// # Errors
    /// `Invalid` for a text that is no tag.
    pub fn add_tags<'a>(
        &mut self,
        tags: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        self.add_tags.extend(checked_tags(tags)?);
        Ok(())
    }

    /// Tags to remove, after those to add; absent ones are no error.
    ///
    /// # Errors
    /// `Invalid` for a text that is no tag.
    pub fn remove_tags<'a>(
        &mut self,
        tags: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        self.remove_tags.extend(checked_tags(tags)?);
        Ok(())
    }
}

fn checked(what: &'static str, text: &str, bytes_max: usize) -> Result<String, StoreError> {
    let (text, _) = clean_text(text);
    check_text(what, &text, bytes_max).map_err(|error| StoreError::Invalid(error.to_string()))?;
    Ok(text.into_owned())
}

fn checked_tags<'a>(
    tags: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<TagName>, StoreError> {
    let mut checked = BTreeSet::new();
    for tag in tags {
        let tag = TagName::new(tag).map_err(|error| StoreError::Invalid(error.to_string()))?;
        checked.insert(tag);
        if checked.len() > TAGS_IN_RUN_MAX {
            return Err(too_many_tags());
        }
    }
    Ok(checked)
}

pub(crate) fn too_many_tags() -> StoreError {
    StoreError::Invalid(format!(
        "a run can't have more than {TAGS_IN_RUN_MAX} tags, hint: use params for values"
    ))
}

/// What became of a request. Everything that was changed stands in one transaction.
#[derive(Debug)]
pub struct EditAnswer {
    /// The newest change of the store; a snapshot at or past it sees all of this.
    pub change: ChangeNumber,
    /// One for each run, in the order asked.
    pub outcomes: Vec<EditOutcome>,
}

/// What became of one run. It was changed whole or not at all.
#[derive(Debug)]
pub enum EditOutcome {
    /// Changed, by this change.
    Changed(ChangeNumber),
    /// It was as asked already; nothing was written.
    Unchanged,
    /// Nothing was done: `NotFound`, `Conflict` or `Invalid`.
    Refused(StoreError),
}
