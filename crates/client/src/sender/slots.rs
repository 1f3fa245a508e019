//! What a session reads: the spool, or the model of it in tests.

use bytes::Bytes;

use crate::spool::{Record, SpoolError, SpoolReader};

/// A place in a writer's slots: the slot and the chain there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) slot: u64,
    pub(crate) chain: u64,
}

impl Place {
    pub(crate) fn new((slot, chain): (u64, u64)) -> Self {
        Self { slot, chain }
    }
}

/// Slots in order, from a place on. The promises are those of [`SpoolReader`].
pub(crate) trait Slots {
    fn next_record(&mut self) -> Result<Option<Record<'_>>, SpoolError>;
    fn place(&self) -> Place;
    fn seek(&mut self, place: Place) -> Result<(), SpoolError>;
    fn chain_at(&mut self, slot: u64) -> Result<u64, SpoolError>;
    fn first_slot_available(&self) -> u64;
    fn has_more(&self) -> bool;
    fn acknowledged(&self) -> Place;
    fn release(&mut self, place: Place) -> Result<(), SpoolError>;
    fn declarations(&self) -> Result<Vec<Bytes>, SpoolError>;
}

impl Slots for SpoolReader {
    fn next_record(&mut self) -> Result<Option<Record<'_>>, SpoolError> {
        Self::next_record(self)
    }

    fn place(&self) -> Place {
        Place::new(self.position())
    }

    fn seek(&mut self, place: Place) -> Result<(), SpoolError> {
        Self::seek(self, place.slot, place.chain)
    }

    fn chain_at(&mut self, slot: u64) -> Result<u64, SpoolError> {
        Self::chain_at(self, slot)
    }

    fn first_slot_available(&self) -> u64 {
        Self::first_slot_available(self)
    }

    fn has_more(&self) -> bool {
        Self::has_more(self)
    }

    fn acknowledged(&self) -> Place {
        Place::new(Self::acknowledged(self))
    }

    fn release(&mut self, place: Place) -> Result<(), SpoolError> {
        Self::release(self, place.slot, place.chain)
    }

    fn declarations(&self) -> Result<Vec<Bytes>, SpoolError> {
        Self::declarations(self)
    }
}
