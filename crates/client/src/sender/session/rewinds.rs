//! Where a writer's rewinds stand among its slots: the generation that each frame tells.

/// Slots of this writer's rewinds, to tell the generation at any slot.
#[derive(Debug, Default)]
pub(super) struct Rewinds {
    /// Before the first slot that was read.
    pub(super) before: u32,
    pub(super) slots: Vec<u64>,
}

impl Rewinds {
    pub(super) fn note(&mut self, slot: u64) {
        if let Err(at) = self.slots.binary_search(&slot) {
            self.slots.insert(at, slot);
        }
    }

    pub(super) fn at(&self, slot: u64) -> u32 {
        self.before + u32::try_from(self.slots.partition_point(|&seen| seen < slot)).unwrap_or(0)
    }
}
