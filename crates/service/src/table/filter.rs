//! Which runs of a table are wanted.

use super::runs::Glance;
use crate::api::{TABLE_PAGE_MAX, TableRequest};
use crate::error::ServiceError;
use runstone_model::RunState;
use runstone_store::RunRecord;
use std::collections::HashSet;

/// Words of a text filter.
const WORDS_MAX: usize = 32;

/// The filter of a request, made ready for many runs.
pub(super) struct Filter<'a> {
    request: &'a TableRequest,
    words: Vec<String>,
    runs: HashSet<&'a str>,
}

impl<'a> Filter<'a> {
    /// # Errors
    /// `Invalid` for more runs or words than are looked for at once.
    pub(super) fn new(request: &'a TableRequest) -> Result<Self, ServiceError> {
        if request.runs.len() > TABLE_PAGE_MAX {
            return Err(ServiceError::invalid(format!(
                "{} runs are asked for at once",
                request.runs.len()
            ))
            .with_hint(format!("name {TABLE_PAGE_MAX} runs at most")));
        }
        let text = request.text.to_lowercase();
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if words.len() > WORDS_MAX {
            return Err(
                ServiceError::invalid(format!("the text has {} words", words.len()))
                    .with_hint(format!("look for {WORDS_MAX} words at most")),
            );
        }
        Ok(Self {
            request,
            words,
            runs: request.runs.iter().map(String::as_str).collect(),
        })
    }

    /// Whether a run, living or deleted, is wanted. The record is looked at only if it has to be.
    pub(super) fn wants(&self, glance: &Glance, record: &RunRecord) -> bool {
        let request = self.request;
        (request.archived || request.deleted || !glance.archived)
            && (request.states.is_empty() || request.states.contains(&glance.state))
            && request
                .experiment
                .as_ref()
                .is_none_or(|name| record.experiment_name == *name)
            && (self.runs.is_empty() || self.runs.contains(record.run.id.as_str()))
            && request
                .tags
                .iter()
                .all(|tag| record.run.tags.iter().any(|own| own.as_str() == tag))
            && (self.words.is_empty() || self.has_words(record))
    }

    fn has_words(&self, record: &RunRecord) -> bool {
        let run = &record.run;
        let mut text = String::new();
        let optional = [&run.name, &run.description, &run.group, &run.job_type];
        let texts = [run.id.as_str(), &record.experiment_name, run.state.as_str()]
            .into_iter()
            .chain(optional.into_iter().flatten().map(String::as_str))
            .chain(run.tags.iter().map(|tag| tag.as_str()));
        for part in texts {
            text.push_str(part);
            // No word of a filter holds a line's end, so none reaches over two texts.
            text.push('\n');
        }
        let text = text.to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

/// Place of a state in the order of a table.
pub(super) fn state_rank(state: RunState) -> i128 {
    match state {
        RunState::Pending => 0,
        RunState::Running => 1,
        RunState::Succeeded => 2,
        RunState::Failed => 3,
        RunState::Lost => 4,
    }
}
