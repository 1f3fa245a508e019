//! What an address of a run means, the same for all engines.

use runstone_model::RunId;

use crate::{RunRecord, StoreError};

/// A prefix of an id must have so many characters.
pub const PREFIX_CHARACTERS_MIN: usize = 4;
/// An ambiguous address names so many candidates at most.
pub const CANDIDATES_MAX: usize = 5;

/// What an engine found for an address, of living runs of one workspace.
#[derive(Debug, Clone, Default)]
pub struct AddressMatches {
    /// The run whose id is the address.
    pub by_id: Option<RunRecord>,
    /// Runs whose name is the address, newest first; one more than [`CANDIDATES_MAX`] will do.
    pub by_name: Vec<RunRecord>,
    /// Runs whose id begins with the address, by id; one more than [`CANDIDATES_MAX`] will do.
    /// Needs not be filled if the address is shorter than [`PREFIX_CHARACTERS_MIN`] characters.
    pub by_prefix: Vec<RunRecord>,
}

impl AddressMatches {
    /// The one run that is meant: an id wins over a name, and a name over a prefix.
    ///
    /// # Errors
    /// `NotFound`, and `Conflict` with candidates when more than one run is meant.
    pub fn pick(self, address: &str) -> Result<RunRecord, StoreError> {
        if let Some(run) = self.by_id {
            return Ok(run);
        }
        if !self.by_name.is_empty() {
            return pick_one(address, "name", self.by_name);
        }
        if address.chars().count() >= PREFIX_CHARACTERS_MIN && !self.by_prefix.is_empty() {
            return pick_one(address, "prefix", self.by_prefix);
        }
        Err(StoreError::NotFound(format!(
            "there is no run \"{address}\", hint: give an id, at least {PREFIX_CHARACTERS_MIN} \
             characters of its beginning, or a name"
        )))
    }
}

fn pick_one(address: &str, what: &str, mut runs: Vec<RunRecord>) -> Result<RunRecord, StoreError> {
    if runs.len() == 1 {
        return Ok(runs.remove(0));
    }
    let ids: Vec<&str> = runs
        .iter()
        .take(CANDIDATES_MAX)
        .map(|run| RunId::as_str(&run.run.id))
        .collect();
    let more = if runs.len() > CANDIDATES_MAX {
        " and others"
    } else {
        ""
    };
    Err(StoreError::Conflict(format!(
        "\"{address}\" is the {what} of {}{more}, hint: give one of these ids",
        ids.join(", ")
    )))
}
