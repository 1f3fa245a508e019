//! The segments that a line keeps, in slot order, and what is known of each.
//!
//! Plain state behind the lock of `line`; reading and releasing look things up here.

use std::collections::VecDeque;

use super::slot::{Place, SLOT_WORDS};
use super::sync::{Arc, AtomicU64};

/// The memory of one segment and what the keeper needs to know about it.
pub(crate) trait SegmentMemory: Send + Sync + 'static {
    /// What is left when the memory is gone: enough to read the segment from its file.
    type Origin: Clone + Send;

    /// The slots, four words each, zero where unused.
    fn words(&self) -> &[AtomicU64];
    /// The segment's random number.
    fn salt(&self) -> u64;
    /// Writes the segment's place into its header, before the first slot.
    fn assign(&self, number: u64, first_slot: u64);
    /// Writes words to the file before they are published in memory; for files that are not
    /// mapped. Called only if the line was made with `mirrored`.
    fn mirror(&self, word: usize, words: &[u64]);
    /// Writes the chain at the first slot into the header.
    fn note_chain(&self, chain: u64);
    /// What is left without the memory; `None`: the memory is all there is.
    fn origin(&self) -> Option<Self::Origin>;
}

/// What a line's lock guards.
pub(crate) struct State<M: SegmentMemory> {
    /// In slot order, without gaps; the last one may still have room.
    pub(crate) segments: VecDeque<Segment<M>>,
    pub(crate) spare: Option<Arc<M>>,
    /// Kept for operations when there is no room.
    pub(crate) reserve: Option<Arc<M>>,
    /// Slots used of the last segment, if that is the reserve and open.
    pub(super) reserve_used: Option<u64>,
    pub(super) next_first: u64,
    pub(super) next_number: u64,
    pub(super) free_handles: Vec<usize>,
    /// The mark at which the line was closed.
    pub(super) closed: Option<u64>,
}

/// One segment that is still kept.
pub(crate) struct Segment<M: SegmentMemory> {
    pub(crate) number: u64,
    pub(crate) place: Place,
    pub(crate) memory: Option<Arc<M>>,
    pub(crate) origin: Option<M::Origin>,
    /// Chain at the first slot, once a reader came by.
    pub(crate) chain_first: Option<u64>,
    /// Index in `handles` until all is published.
    pub(super) handle: Option<usize>,
    /// Slots known to be published.
    pub(super) published: u64,
    /// Slots handed over to the disk by the last sync, and by the one before.
    pub(crate) synced: [u64; 2],
    /// When the keeper first saw that all of it is acknowledged.
    pub(crate) released_at: Option<std::time::Instant>,
}

impl<M: SegmentMemory> Segment<M> {
    pub(crate) fn end(&self) -> u64 {
        self.place.first_slot + self.place.slots
    }

    /// Everything is published and nothing will be added.
    pub(crate) fn is_complete(&self) -> bool {
        self.published == self.place.slots
    }
}

impl<M: SegmentMemory> State<M> {
    pub(super) fn append(&mut self, memory: &Arc<M>, handle: Option<usize>) -> Place {
        let place = Place {
            first_slot: self.next_first,
            slots: slots_of(&**memory),
            salt: memory.salt(),
        };
        memory.assign(self.next_number, place.first_slot);
        self.segments.push_back(Segment {
            number: self.next_number,
            place,
            memory: Some(Arc::clone(memory)),
            origin: memory.origin(),
            chain_first: (place.first_slot == 0).then_some(0),
            handle,
            published: 0,
            synced: [0; 2],
            released_at: None,
        });
        self.next_first += place.slots;
        self.next_number += 1;
        place
    }

    /// Position in `segments` of the segment that holds a slot.
    pub(crate) fn index_of(&self, slot: u64) -> Option<usize> {
        let after = self
            .segments
            .partition_point(|segment| segment.place.first_slot <= slot);
        let index = after.checked_sub(1)?;
        (slot < self.segments[index].end()).then_some(index)
    }

    /// The memory of a segment and where its unknown part begins; `None` if all is published.
    pub(crate) fn unpublished(&self, index: usize) -> Option<(Arc<M>, u64)> {
        let segment = self.segments.get(index)?;
        if segment.is_complete() {
            return None;
        }
        Some((Arc::clone(segment.memory.as_ref()?), segment.published))
    }

    /// The first slot still kept.
    pub(crate) fn first_slot(&self) -> u64 {
        self.segments
            .front()
            .map_or(self.next_first, |segment| segment.place.first_slot)
    }
}

/// Slots in a segment's memory.
pub(super) fn slots_of<M: SegmentMemory>(memory: &M) -> u64 {
    (memory.words().len() / SLOT_WORDS) as u64
}
