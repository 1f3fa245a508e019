//! Objects: the set of one step is judged and kept whole.

use runstone_model::Timestamp;
use runstone_wire::{IfPresent, ObjectPoints, RefusalCode};

use super::blobs::add_blob_reference;
use super::context::{ApplyContext, ObjectBatch};
use super::frame::{Applying, Outcome, refuse};
use super::limits::{
    OBJECT_BYTES_IN_SET_MAX, OBJECT_DIGESTS_IN_SET_MAX, OBJECT_DOCUMENT_BYTES_MAX,
    OBJECTS_IN_SET_MAX,
};
use super::points::{COUNTED_END, auto_base};
use crate::{ChangeKind, ReferenceKind};

const KIND: ReferenceKind = ReferenceKind::Object;
/// What a reference waits for its bytes before it counts as expired: a spool may be delivered long
/// before the files that it names.
const BYTES_AWAITED_MICROS: i64 = 30 * 24 * 3_600 * 1_000_000;

impl<C: ApplyContext> Applying<'_, C> {
    /// Keeps the objects of one step; they replace what showed there.
    pub(super) fn object_points(&mut self, set: &ObjectPoints, if_present: IfPresent) -> Outcome {
        let run = self.run()?.key;
        let writer = self.writer.writer.id;
        let number = set.number;
        let Some(mut binding) = self.context.find_binding(writer, number)? else {
            return refuse(
                RefusalCode::UnknownSeries,
                format!("the writer has not defined series number {number}"),
            );
        };
        if !binding.is_object {
            return refuse(
                RefusalCode::TypeConflict,
                format!("series number {number} holds numbers, not objects"),
            );
        }
        check_set(set)?;
        let state = self.context.read_series_state(run, binding.series)?;
        let mut step = set.step.get();
        if binding.auto_step {
            let known = match binding.auto_base {
                Some(base) => Some(base),
                None => self.context.find_auto_base(writer, binding.series)?,
            };
            let base = known.unwrap_or_else(|| auto_base(&state));
            let is_ordinal = (0.0..COUNTED_END).contains(&step) && step.fract() == 0.0;
            step += base;
            if !is_ordinal || step.abs() >= COUNTED_END {
                return refuse(
                    RefusalCode::Invalid,
                    format!(
                        "the counted step {step:e} of series number {number} is not below 2^53"
                    ),
                );
            }
            if binding.auto_base.is_none() {
                binding.auto_base = Some(base);
                self.context.put_binding(writer, number, &binding)?;
            }
        }
        let is_taken = if_present == IfPresent::Refuse
            && state
                .step_range
                .is_some_and(|range| range.0 <= step && step <= range.1)
            && self
                .context
                .holds_step(run, binding.series, &[step], None)?;
        if is_taken {
            return refuse(
                RefusalCode::Exists,
                format!("series number {number} has objects at step {step}"),
            );
        }
        self.warn_if_another_wrote(&state, binding.series, vec![step])?;
        let position = self.positions.entry(binding.series).or_default();
        let batch = ObjectBatch {
            run,
            writer,
            series: binding.series,
            append: self.append,
            generation: self.writer.generation,
            position: *position,
            step,
            set,
        };
        *position = position.saturating_add(1);
        self.kinds.insert(ChangeKind::Objects);
        self.context.push_objects(&batch)?;
        let until = self.received_at().as_micros() + BYTES_AWAITED_MICROS;
        let until = Timestamp::from_micros(until);
        for digest in set.objects.iter().flat_map(|object| &object.digests) {
            add_blob_reference(self.context, run, KIND, *digest, None, until)?;
        }
        Ok(())
    }
}

fn check_set(set: &ObjectPoints) -> Outcome {
    let documents = || {
        set.objects
            .iter()
            .map(|object| object.document.as_str().len())
    };
    let longest = documents().max().unwrap_or(0);
    let digests: usize = set.objects.iter().map(|object| object.digests.len()).sum();
    let bytes: usize = documents().sum();
    let too_large = |what: &str, given: usize, limit: usize| {
        refuse(
            RefusalCode::TooLarge,
            format!("{what} {given}, the limit is {limit}, hint: put the bytes into blobs"),
        )
    };
    if set.objects.is_empty() {
        return refuse(RefusalCode::Invalid, "a set of objects is empty");
    }
    if longest > OBJECT_DOCUMENT_BYTES_MAX {
        return too_large("bytes of a document:", longest, OBJECT_DOCUMENT_BYTES_MAX);
    }
    if set.objects.len() > OBJECTS_IN_SET_MAX {
        return too_large("objects at a step:", set.objects.len(), OBJECTS_IN_SET_MAX);
    }
    if bytes > OBJECT_BYTES_IN_SET_MAX {
        return too_large(
            "bytes of objects at a step:",
            bytes,
            OBJECT_BYTES_IN_SET_MAX,
        );
    }
    if digests > OBJECT_DIGESTS_IN_SET_MAX {
        return too_large("digests at a step:", digests, OBJECT_DIGESTS_IN_SET_MAX);
    }
    Ok(())
}
