//! What this process has set of a run, for reading back.
//!
//! A run that was made here is known here: reading it asks nobody. Of a resumed run the server
//! knows more; its answer is laid under what was set here. The surprising rule: paths that were
//! deleted or replaced here are remembered, so that the server's older value does not shine
//! through while the change is still on its way.

use std::collections::BTreeSet;

use runstone_client::{ClientError, ParamPath, ParamValue};
use runstone_model::Params;
use serde_json::Value;

/// See the module. Plain data; the caller locks it.
#[derive(Default)]
pub(crate) struct Mirror {
    params: Params,
    /// Whatever the server has at or below these paths is out of date.
    hidden: BTreeSet<Vec<String>>,
    added_tags: BTreeSet<String>,
    removed_tags: BTreeSet<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) experiment: Option<String>,
    pub(crate) archived: Option<bool>,
}

impl Mirror {
    /// Notes a setting.
    ///
    /// # Errors
    /// `Invalid` if the model refuses it: too deep, too large, a bad key.
    pub(crate) fn set(
        &mut self,
        path: &ParamPath,
        value: &ParamValue,
        replace: bool,
    ) -> Result<(), ClientError> {
        self.params.set(path, value, replace)?;
        if replace {
            self.hidden.insert(path.keys().to_vec());
        } else {
            hide_leaves(value, &mut path.keys().to_vec(), &mut self.hidden);
        }
        Ok(())
    }

    /// Notes a deletion.
    pub(crate) fn remove(&mut self, path: &ParamPath) {
        self.params.remove(path);
        self.hidden.insert(path.keys().to_vec());
    }

    /// What is at a path, as far as it was set here.
    pub(crate) fn get(&self, path: &ParamPath) -> Option<&ParamValue> {
        self.params.get(path)
    }

    /// Whether what is at a path was wholly set here, so that the server has nothing to add.
    pub(crate) fn knows(&self, path: &ParamPath) -> bool {
        let keys = path.keys();
        let hidden = (1..=keys.len()).any(|length| self.hidden.contains(&keys[..length]));
        hidden || matches!(self.get(path), Some(value) if !matches!(value, ParamValue::Dict(_)))
    }

    /// The server's params with what was set here on top.
    pub(crate) fn over(&self, server: &Value) -> Params {
        let mut params = Params::from_json(server).unwrap_or_default();
        for keys in &self.hidden {
            if let Ok(path) = ParamPath::from_keys(keys.iter().cloned()) {
                params.remove(&path);
            }
        }
        // Both are within the limits; together they may not be, and then what was set here stays.
        match params.set(&ParamPath::root(), self.params.as_value(), false) {
            Ok(_) => params,
            Err(_) => self.params.clone(),
        }
    }

    /// Notes added tags.
    pub(crate) fn add_tags<'a>(&mut self, tags: impl Iterator<Item = &'a str>) {
        for tag in tags {
            self.removed_tags.remove(tag);
            self.added_tags.insert(tag.to_owned());
        }
    }

    /// Notes a removed tag.
    pub(crate) fn remove_tag(&mut self, tag: &str) {
        self.added_tags.remove(tag);
        self.removed_tags.insert(tag.to_owned());
    }

    /// The server's tags with what was changed here.
    pub(crate) fn tags_over(&self, server: &[String]) -> Vec<String> {
        let mut tags: BTreeSet<String> = server.iter().cloned().collect();
        tags.retain(|tag| !self.removed_tags.contains(tag));
        tags.extend(self.added_tags.iter().cloned());
        tags.into_iter().collect()
    }
}

/// Leaves replace what is there, also a dict; dicts merge and hide nothing themselves.
fn hide_leaves(value: &ParamValue, path: &mut Vec<String>, hidden: &mut BTreeSet<Vec<String>>) {
    match value {
        ParamValue::Dict(entries) => {
            for (key, item) in entries {
                path.push(key.clone());
                hide_leaves(item, path, hidden);
                path.pop();
            }
        }
        _ => {
            hidden.insert(path.clone());
        }
    }
}
