//! Params and scalars: settings merge into the tree of the run, or the operation is refused whole.

use runstone_model::{
    DESCRIPTION_BYTES_MAX, ModelError, ParamPath, ParamValue, Params, ScalarValue, check_text,
};
use runstone_wire::{IfPresent, ParamSetting, RefusalCode, SetScalar};

use super::context::ApplyContext;
use super::frame::{Applying, Outcome, refuse};
use crate::{ChangeKind, ScalarRecord};

/// Merges settings in their order and returns the paths that gave way.
///
/// # Errors
/// That of the first setting which the tree can't take; `params` is then half merged.
pub(super) fn merge_settings(
    params: &mut Params,
    settings: &[ParamSetting],
) -> Result<Vec<ParamPath>, ModelError> {
    let mut conflicts = Vec::new();
    for setting in settings {
        conflicts.extend(
            params
                .set(&setting.path, &setting.value, setting.replace)?
                .conflicts,
        );
    }
    Ok(conflicts)
}

impl<C: ApplyContext> Applying<'_, C> {
    pub(super) fn set_params(
        &mut self,
        settings: &[ParamSetting],
        if_present: IfPresent,
    ) -> Outcome {
        let run = self.run()?.key;
        let mut params = self.context.read_params(run)?;
        if if_present == IfPresent::Refuse
            && let Some(path) = settings
                .iter()
                .find(|setting| {
                    params
                        .get(&setting.path)
                        .is_some_and(|present| holds_leaf_of(present, &setting.value))
                })
                .map(|setting| &setting.path)
        {
            return refuse(
                RefusalCode::Exists,
                format!("param \"{path}\" exists already"),
            );
        }
        let conflicts = merge_settings(&mut params, settings)?;
        self.context.put_params(run, &params)?;
        self.kinds.insert(ChangeKind::Params);
        self.warn_param_conflicts(&conflicts);
        Ok(())
    }

    /// Removing what is not there is no error.
    pub(super) fn remove_params(&mut self, paths: &[ParamPath]) -> Outcome {
        let run = self.run()?.key;
        let mut params = self.context.read_params(run)?;
        let mut removed = false;
        for path in paths {
            removed |= params.remove(path);
        }
        if removed {
            self.kinds.insert(ChangeKind::Params);
            self.context.put_params(run, &params)?;
        }
        Ok(())
    }

    pub(super) fn set_scalar(&mut self, set: &SetScalar, if_present: IfPresent) -> Outcome {
        let run = self.run()?.key;
        if let ScalarValue::String(text) = &set.value {
            check_text("scalar", text, DESCRIPTION_BYTES_MAX)?;
        }
        if if_present == IfPresent::Refuse && self.context.find_scalar(run, &set.name)?.is_some() {
            return refuse(
                RefusalCode::Exists,
                format!("scalar {} exists already", set.name),
            );
        }
        let scalar = ScalarRecord {
            name: set.name.clone(),
            value: set.value.clone(),
            time: set.time,
        };
        self.context.put_scalar(run, &scalar)?;
        self.kinds.insert(ChangeKind::Scalars);
        Ok(())
    }
}

/// Whether setting `value` where `present` stands would touch something that is there: dicts only
/// meet in their keys.
fn holds_leaf_of(present: &ParamValue, value: &ParamValue) -> bool {
    match (present, value) {
        (ParamValue::Dict(present), ParamValue::Dict(entries)) => {
            entries.iter().any(|(key, value)| {
                present
                    .get(key)
                    .is_some_and(|present| holds_leaf_of(present, value))
            })
        }
        _ => true,
    }
}
