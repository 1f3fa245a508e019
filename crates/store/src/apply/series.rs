//! Series numbers of a writer, removals and rewinds.

use runstone_model::{Generation, Step, ValueType};
use runstone_wire::{DefineSeries, RefusalCode, Remove};

use super::context::{ApplyContext, SeriesBinding, SeriesId, WarningKind};
use super::frame::{Applying, Outcome, refuse};
use super::limits::{SERIES_IN_RUN_MAX, SERIES_IN_RUN_WARNING};
use crate::{ChangeKind, Cut, Removal};

impl<C: ApplyContext> Applying<'_, C> {
    /// Gives a series a number of this writer; the same once more changes nothing.
    pub(super) fn define_series(&mut self, define: &DefineSeries) -> Outcome {
        let run = self.run()?.key;
        let writer = self.writer.writer.id;
        let found = self.context.find_series(run, &define.key)?;
        if let Some(binding) = self.context.find_binding(writer, define.number)? {
            let same = found == Some(binding.series)
                && binding.value_type == define.value_type
                && binding.auto_step == define.auto_step;
            if same {
                return Ok(());
            }
            return refuse(
                RefusalCode::Conflict,
                format!("series number {} stands for another series", define.number),
            );
        }
        if !define.key.kind.is_object() {
            self.check_value_type(found, define)?;
        }
        let series = match found {
            Some(series) => series,
            None => self.create_series(define)?,
        };
        let binding = SeriesBinding {
            series,
            value_type: define.value_type,
            auto_step: define.auto_step,
            is_object: define.key.kind.is_object(),
            auto_base: None,
            is_former: false,
        };
        self.context.put_binding(writer, define.number, &binding)?;
        Ok(())
    }

    /// Numbers only: bool and string are reserved in this version of frames.
    fn check_value_type(&mut self, found: Option<SeriesId>, define: &DefineSeries) -> Outcome {
        if matches!(
            define.value_type,
            ValueType::F64 | ValueType::F32 | ValueType::I64
        ) {
            return Ok(());
        }
        if let Some(series) = found {
            let run = self.run()?.key;
            let state = self.context.read_series_state(run, series)?;
            if let Some(Err(conflict)) = state
                .value_type
                .map(|present| present.unify(define.value_type))
            {
                return refuse(RefusalCode::TypeConflict, conflict.to_string());
            }
        }
        refuse(
            RefusalCode::Unsupported,
            format!(
                "series of {} values are not kept yet, hint: log numbers, or set a param",
                define.value_type
            ),
        )
    }

    fn create_series(&mut self, define: &DefineSeries) -> Outcome<SeriesId> {
        let run = self.run()?.key;
        let count = self.context.count_series(run)?;
        if count >= SERIES_IN_RUN_MAX {
            return refuse(
                RefusalCode::TooLarge,
                format!(
                    "the run has {count} series, hint: put what varies into steps, not into the \
                     name or the context"
                ),
            );
        }
        if count >= SERIES_IN_RUN_WARNING {
            let detail = format!(
                "the run has {} series, the last is {}",
                count + 1,
                define.key
            );
            self.warn(WarningKind::ManySeries, 1, detail);
        }
        let id = SeriesId(count);
        self.context.create_series(run, id, &define.key)?;
        Ok(id)
    }

    /// Hides what has a lower append number than this frame.
    pub(super) fn remove(&mut self, remove: &Remove) -> Outcome {
        let run = self.run()?.key;
        self.need_barrier()?;
        if let Some(key) = &remove.series
            && self.context.find_series(run, key)?.is_none()
            && !self.context.shares_series(run, key)?
        {
            return refuse(
                RefusalCode::NotFound,
                format!("the run has no series {key}"),
            );
        }
        let removal = Removal {
            append: self.append,
            series: remove.series.clone(),
            step: remove.step,
        };
        self.context.push_removal(run, &removal)?;
        self.kinds.insert(ChangeKind::Points);
        Ok(())
    }

    /// Opens the next generation of the run; this writer goes on in it, others keep theirs.
    pub(super) fn rewind(&mut self, to_step: Step) -> Outcome {
        self.run()?;
        self.need_barrier()?;
        let run = self.run()?;
        let Some(next) = run.generation.0.checked_add(1) else {
            return refuse(RefusalCode::Conflict, "the run can't be rewound any more");
        };
        let generation = Generation(next);
        run.generation = generation;
        let run = run.key;
        self.writer.generation = generation;
        self.kinds.insert(ChangeKind::Points);
        let cut = Cut {
            generation,
            to_step,
        };
        self.context.push_cut(run, cut)?;
        // What it counts under new numbers goes on after what is left.
        let writer = self.writer.writer.id;
        for (number, mut binding) in self.context.list_auto_numbers(writer)? {
            binding.is_former = true;
            self.context.put_binding(writer, number, &binding)?;
        }
        Ok(())
    }
}
