//! Counters of a writer and what they say about completeness.

use runstone_wire::Completeness;

use crate::RunCompleteness;

/// What a writer has told and what the store has counted. Everything only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterCounters {
    /// Points of all calls, as the client told last.
    pub told_logged: u64,
    /// Points dropped at the client, as it told.
    pub told_dropped: u64,
    /// Points refused at the client, as it told.
    pub told_refused: u64,
    /// Points refused here.
    pub refused: u64,
    /// Points applied here.
    pub durable: u64,
    /// Slots recorded as lost.
    pub lost_slots: u64,
}

impl WriterCounters {
    /// Takes cumulative counters of the client; a smaller value is an older message.
    pub fn raise(&mut self, told: &Completeness) {
        self.told_logged = self.told_logged.max(told.logged_points);
        self.told_dropped = self.told_dropped.max(told.dropped_points);
        self.told_refused = self.told_refused.max(told.refused_points);
    }

    /// What a reader is shown. `logged` is never below what is accounted for.
    pub fn completeness(&self) -> RunCompleteness {
        let refused_points = self.told_refused.saturating_add(self.refused);
        let accounted = self
            .durable
            .saturating_add(self.told_dropped)
            .saturating_add(refused_points);
        RunCompleteness {
            logged_points: self.told_logged.max(accounted),
            durable_points: self.durable,
            refused_points,
            dropped_points: self.told_dropped,
            lost_slots: self.lost_slots,
        }
    }
}

impl RunCompleteness {
    /// Adds the counters of a writer.
    pub fn add(&mut self, writer: &Self) {
        self.replace_share(&Self::default(), writer);
    }

    /// Replaces a writer's former share in the sum of its run by its present one.
    pub(crate) fn replace_share(&mut self, former: &Self, present: &Self) {
        let replace = |sum: &mut u64, former: u64, present: u64| {
            *sum = sum.saturating_sub(former).saturating_add(present);
        };
        replace(
            &mut self.logged_points,
            former.logged_points,
            present.logged_points,
        );
        replace(
            &mut self.durable_points,
            former.durable_points,
            present.durable_points,
        );
        replace(
            &mut self.refused_points,
            former.refused_points,
            present.refused_points,
        );
        replace(
            &mut self.dropped_points,
            former.dropped_points,
            present.dropped_points,
        );
        replace(&mut self.lost_slots, former.lost_slots, present.lost_slots);
    }
}
