//! Points: each series of a pack is judged alone, auto steps are resolved, and the rest is kept.

use runstone_model::ValueType;
use runstone_wire::{IfPresent, OperationError, RefusalCode};

use super::context::{
    AppliedSeries, ApplyContext, PointBatch, SeriesBinding, SeriesId, SeriesState, SeriesWriters,
    WarningKind,
};
use super::frame::{Applying, Outcome, Stop, refuse};
use super::prepare::{PreparedPack, PreparedSeries};
use crate::{ChangeKind, StoreError};

/// Whole numbers stay apart below 2^53 in size: ordinals, and the steps counted from them.
pub(super) const COUNTED_END: f64 = 9_007_199_254_740_992.0;

/// A series of the pack that is accepted.
struct Accepted<'a> {
    points: &'a PreparedSeries,
    binding: SeriesBinding,
    /// Of all points before this operation.
    state: SeriesState,
}

impl<C: ApplyContext> Applying<'_, C> {
    pub(super) fn points(
        &mut self,
        index: usize,
        pack: &PreparedPack,
        if_present: IfPresent,
    ) -> Outcome {
        let run = self.run()?.key;
        let mut accepted = Vec::with_capacity(pack.series.len());
        for points in &pack.series {
            match self.judge_series(points, if_present) {
                Ok(series) => accepted.push(series),
                Err(Stop::Refused(error)) => {
                    let count = points.columns.steps.len() as u64;
                    self.note_refusal(index, Some(points.number), error, count);
                }
                Err(Stop::Store(error)) => return Err(Stop::Store(error)),
            }
        }
        let accepted = self.resolve_auto_bases(index, accepted)?;
        let mut applied = Vec::with_capacity(accepted.len());
        for series in &accepted {
            let count = series.points.columns.steps.len();
            let position = self.positions.entry(series.binding.series).or_default();
            applied.push(AppliedSeries {
                number: series.points.number,
                series: series.binding.series,
                value_type: series.points.value_type,
                base: series.binding.auto_base.unwrap_or(0.0),
                first_position: *position,
                columns: &series.points.columns,
            });
            *position = position.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            self.writer.counters.durable += count as u64;
        }
        for (series, applied) in accepted.iter().zip(&applied) {
            self.warn_of_two_writers(&series.state, applied)?;
        }
        if applied.is_empty() {
            return Ok(());
        }
        self.kinds.insert(ChangeKind::Points);
        self.context.push_points(&PointBatch {
            run,
            writer: self.writer.writer.id,
            append: self.append,
            generation: self.writer.generation,
            operation: u32::try_from(index).unwrap_or(u32::MAX),
            pack: &pack.pack,
            whole: applied.len() == pack.series.len(),
            series: &applied,
        })?;
        Ok(())
    }

    fn judge_series<'p>(
        &mut self,
        points: &'p PreparedSeries,
        if_present: IfPresent,
    ) -> Outcome<Accepted<'p>> {
        let run = self.run()?.key;
        let number = points.number;
        let Some(binding) = self.context.find_binding(self.writer.writer.id, number)? else {
            return refuse(
                RefusalCode::UnknownSeries,
                format!("the writer has not defined series number {number}"),
            );
        };
        let is_integer = |value_type| value_type == ValueType::I64;
        let is_float = |value_type| matches!(value_type, ValueType::F64 | ValueType::F32);
        let (declared, given) = (binding.value_type, points.value_type);
        let agree =
            is_integer(declared) && is_integer(given) || is_float(declared) && is_float(given);
        if binding.is_object {
            return refuse(
                RefusalCode::TypeConflict,
                format!("series number {number} holds objects, not numbers"),
            );
        }
        if !agree {
            return refuse(
                RefusalCode::TypeConflict,
                format!("series number {number} is declared as {declared} and holds {given}"),
            );
        }
        check_steps(points, binding.auto_step)?;
        let state = self.context.read_series_state(run, binding.series)?;
        if if_present == IfPresent::Refuse && self.step_is_taken(points, &binding, &state)? {
            return refuse(
                RefusalCode::Exists,
                format!("series number {number} has a point at one of these steps"),
            );
        }
        Ok(Accepted {
            points,
            binding,
            state,
        })
    }

    fn step_is_taken(
        &mut self,
        points: &PreparedSeries,
        binding: &SeriesBinding,
        state: &SeriesState,
    ) -> Outcome<bool> {
        // The first auto points stand behind all others.
        let base = match (binding.auto_step, binding.auto_base) {
            (true, None) => return Ok(false),
            (_, base) => base.unwrap_or(0.0),
        };
        let range = (points.step_range.0 + base, points.step_range.1 + base);
        if !overlaps(range, state.step_range) {
            return Ok(false);
        }
        let run = self.run()?.key;
        let steps: Vec<f64> = points
            .columns
            .steps
            .iter()
            .map(|step| step + base)
            .collect();
        Ok(self.context.holds_step(run, binding.series, &steps, None)?)
    }

    /// Gives a base to auto numbers that have none: that of the writer's other auto number for
    /// the series, else one past the highest step that came before this pack. Points whose steps
    /// would no longer be apart are refused, and don't resolve a base.
    fn resolve_auto_bases<'p>(
        &mut self,
        operation: usize,
        accepted: Vec<Accepted<'p>>,
    ) -> Result<Vec<Accepted<'p>>, Stop> {
        let writer = self.writer.writer.id;
        let mut kept = Vec::with_capacity(accepted.len());
        for mut series in accepted {
            let (points, binding) = (series.points, series.binding);
            if binding.auto_step {
                let known = match binding.auto_base {
                    Some(base) => Some(base),
                    None => self.context.find_auto_base(writer, binding.series)?,
                };
                let base = known.unwrap_or_else(|| auto_base(&series.state));
                if let Err(error) = check_counted(points, base) {
                    let count = points.columns.steps.len() as u64;
                    self.note_refusal(operation, Some(points.number), error, count);
                    continue;
                }
                if binding.auto_base.is_none() {
                    series.binding.auto_base = Some(base);
                    self.context
                        .put_binding(writer, points.number, &series.binding)?;
                }
            }
            kept.push(series);
        }
        Ok(kept)
    }

    fn warn_of_two_writers(
        &mut self,
        state: &SeriesState,
        applied: &AppliedSeries<'_>,
    ) -> Result<(), StoreError> {
        if self.wrote_alone(state) {
            return Ok(());
        }
        self.warn_if_another_wrote(state, applied.series, applied.steps().collect())
    }

    fn wrote_alone(&self, state: &SeriesState) -> bool {
        match state.writers {
            SeriesWriters::Nobody => true,
            SeriesWriters::One(other) => other == self.writer.writer.id,
            SeriesWriters::Several => false,
        }
    }

    /// Once a series has been written by two writers at one step, it is not looked at again.
    pub(super) fn warn_if_another_wrote(
        &mut self,
        state: &SeriesState,
        series: SeriesId,
        mut steps: Vec<f64>,
    ) -> Result<(), StoreError> {
        if self.wrote_alone(state) || state.two_writers {
            return Ok(());
        }
        let writer = self.writer.writer.id;
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for step in &steps {
            range = (range.0.min(*step), range.1.max(*step));
        }
        if !overlaps(range, state.step_range) {
            return Ok(());
        }
        let run = self.run.as_ref().expect("points are applied to a run").key;
        let hiding = self.context.read_hiding(run, series)?;
        let (generation, append) = (self.writer.generation.0, self.append.0);
        steps.retain(|step| hiding.is_alive(*step, generation, append));
        if !steps.is_empty() && self.context.holds_step(run, series, &steps, Some(writer))? {
            self.context.mark_two_writers(run, series)?;
            let detail = format!(
                "writer {writer} wrote a step of a series that another writer has written, the \
                 later point shows, hint: give each writer its own context"
            );
            self.warn(WarningKind::TwoWritersOneStep, 1, detail);
        }
        Ok(())
    }
}

fn check_steps(points: &PreparedSeries, auto_step: bool) -> Outcome {
    if points.columns.order.is_some() {
        return refuse(
            RefusalCode::Invalid,
            "a frame can't say in which order its points stand",
        );
    }
    if !points.steps_finite {
        return refuse(RefusalCode::Invalid, "a step is not finite");
    }
    let are_ordinals = || {
        points.step_range.0 >= 0.0
            && points.step_range.1 < COUNTED_END
            && points.columns.steps.iter().all(|step| step.fract() == 0.0)
    };
    if auto_step && !are_ordinals() {
        return refuse(
            RefusalCode::Invalid,
            "an automatic step is no ordinal 0, 1, ...",
        );
    }
    Ok(())
}

/// Past 2^53 one more is the same number: counted points would cover each other unseen.
fn check_counted(points: &PreparedSeries, base: f64) -> Result<(), OperationError> {
    let (first, last) = (points.step_range.0 + base, points.step_range.1 + base);
    if first > -COUNTED_END && last < COUNTED_END {
        return Ok(());
    }
    Err(OperationError {
        code: RefusalCode::Invalid,
        reason: format!(
            "counted steps of series number {} would go on at {first:e}, where one more is not \
             another number (past 2^53), hint: give steps to these points, or log to another name",
            points.number
        ),
    })
}

/// One past the highest step of the series that no rewind cuts. Explicit points beside the counted ones in the pack
/// don't count: a client ends a frame before its first counted point, so they came later.
pub(super) fn auto_base(before: &SeriesState) -> f64 {
    before.highest.map_or(0.0, |highest| highest + 1.0)
}

fn overlaps(range: (f64, f64), other: Option<(f64, f64)>) -> bool {
    other.is_some_and(|other| range.0 <= other.1 && other.0 <= range.1)
}
