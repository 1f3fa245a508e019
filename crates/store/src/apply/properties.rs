//! Properties and tags of a run, and definitions of metrics in its experiment.

use runstone_model::{DESCRIPTION_BYTES_MAX, SHORT_TEXT_BYTES_MAX};
use runstone_wire::{ChangeTags, DefineMetric, IfPresent, RefusalCode, SetProperties};

use super::context::ApplyContext;
use super::frame::{Applying, Outcome, refuse};
use super::limits::TAGS_IN_RUN_MAX;
use super::open::{check, replace_text, too_many_tags};
use crate::{ChangeKind, MetricDefinition};

impl<C: ApplyContext> Applying<'_, C> {
    pub(super) fn set_properties(&mut self, set: &SetProperties) -> Outcome {
        self.run()?;
        check("run name", set.name.as_ref(), SHORT_TEXT_BYTES_MAX)?;
        check(
            "description",
            set.description.as_ref(),
            DESCRIPTION_BYTES_MAX,
        )?;
        let experiment = match &set.experiment {
            Some(name) => Some(self.experiment_named(name, self.received_at())?),
            None => None,
        };
        let row = self.run()?;
        // A call of its own is newer than what a person has set before.
        let overridden = &mut row.overridden;
        if set.name.is_some() {
            overridden.name = None;
        }
        if set.description.is_some() {
            overridden.description = None;
        }
        if experiment.is_some() {
            overridden.experiment = None;
        }
        let run = &mut row.run;
        let before = run.clone();
        replace_text(&mut run.name, set.name.as_ref());
        replace_text(&mut run.description, set.description.as_ref());
        run.experiment = experiment.unwrap_or(run.experiment);
        run.archived = set.archived.unwrap_or(run.archived);
        self.run_changed = true;
        self.note_differences(&before);
        Ok(())
    }

    /// Removes first, then adds. Adding what is there and removing what is not change nothing.
    pub(super) fn change_tags(&mut self, change: &ChangeTags) -> Outcome {
        let row = self.run()?;
        let run = &mut row.run;
        let mut tags = run.tags.clone();
        for tag in &change.remove {
            tags.remove(tag);
        }
        tags.extend(change.add.iter().cloned());
        if tags.len() > TAGS_IN_RUN_MAX && tags.len() > run.tags.len() {
            return too_many_tags();
        }
        let differ = run.tags != tags;
        run.tags = tags;
        row.overridden.tags.retain(|tag| !change.add.contains(tag));
        self.run_changed = true;
        if differ {
            self.kinds.insert(ChangeKind::Tags);
        }
        Ok(())
    }

    pub(super) fn define_metric(
        &mut self,
        define: &DefineMetric,
        if_present: IfPresent,
    ) -> Outcome {
        check("unit", define.unit.as_ref(), SHORT_TEXT_BYTES_MAX)?;
        check("default x", define.default_x.as_ref(), SHORT_TEXT_BYTES_MAX)?;
        let experiment = self.run()?.run.experiment;
        let found = self
            .context
            .find_metric_definition(experiment, &define.name)?;
        if found.is_some() && if_present == IfPresent::Refuse {
            return refuse(
                RefusalCode::Exists,
                format!("metric {} is defined", define.name),
            );
        }
        let mut definition = found.unwrap_or(MetricDefinition {
            name: define.name.clone(),
            goal: None,
            unit: None,
            default_x: None,
        });
        definition.goal = define.goal.or(definition.goal);
        replace_text(&mut definition.unit, define.unit.as_ref());
        replace_text(&mut definition.default_x, define.default_x.as_ref());
        self.context
            .put_metric_definition(experiment, &definition)?;
        self.kinds.insert(ChangeKind::Points);
        Ok(())
    }
}
