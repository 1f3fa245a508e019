//! Slots that a push has taken and not published yet.
//!
//! Made by `line` alone, whose invariants keep the memory there until the head is stored.
#![allow(
    unsafe_code,
    reason = "slots are written through pointers, see the invariants of `line`"
)]

use super::segments::SegmentMemory;
use super::slot;
use super::sync::{AtomicU64, Ordering};

/// Slots that belong to the caller until it publishes them.
pub(crate) struct Reservation<M> {
    pub(super) first_word: *const AtomicU64,
    pub(super) memory: *const M,
    /// Of the first slot, in its segment.
    pub(super) index: u64,
    pub(crate) slot: u64,
    pub(crate) salt: u64,
}

impl<M: SegmentMemory> Reservation<M> {
    #[inline]
    pub(super) fn store_body(&self, body: [u64; 3]) {
        self.store(1, body[0]);
        self.store(2, body[1]);
        self.store(3, body[2]);
    }

    #[inline]
    pub(super) fn store(&self, word: usize, value: u64) {
        // SAFETY: the slots of a reservation stay mapped until its head is published, which takes
        // the last borrow of it; `word` lies in these slots.
        unsafe { &*self.first_word.add(word) }.store(value, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn store_head(&self, head: u64) {
        // SAFETY: as in `store`.
        unsafe { &*self.first_word }.store(head, Ordering::Release);
    }

    #[cold]
    pub(super) fn mirror(&self, words: &[u64]) {
        // SAFETY: the segment keeps its memory until the reservation is published.
        unsafe { &*self.memory }.mirror(slot::word_of(self.index), words);
    }
}
