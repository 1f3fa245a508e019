//! Reading a live line, in slot order, up to the first slot that is not published.
//!
//! Called by the reader of `reader.rs`, on the sender's thread, while pushes go on. Compiled once
//! more by `model`. The surprising rule: a hole is waited for; the call that reserved it is still
//! running.

use super::checksum::chain_after;
use super::line::Line;
use super::segments::SegmentMemory;
use super::slot::{self, Content, Found, Place};
use super::sync::Arc;

/// Where a reader is in a live line.
pub(crate) struct LiveCursor<M: SegmentMemory> {
    pub(crate) slot: u64,
    pub(crate) chain: u64,
    view: Option<View<M>>,
}

struct View<M> {
    place: Place,
    words: ViewWords<M>,
}

enum ViewWords<M> {
    Memory(Arc<M>),
    Copy(Vec<u64>),
}

impl<M: SegmentMemory> LiveCursor<M> {
    pub(crate) fn new(slot: u64, chain: u64) -> Self {
        Self {
            slot,
            chain,
            view: None,
        }
    }

    /// The next record that is not padding; `None`: nothing published there yet. `fetch` reads a
    /// segment whose memory is gone, after writing the chain at its first slot into its header if
    /// one is given.
    pub(crate) fn next<E>(
        &mut self,
        line: &Line<M>,
        payload: &mut Vec<u8>,
        mut fetch: impl FnMut(&M::Origin, Option<u64>) -> Result<Vec<u64>, E>,
    ) -> Result<Option<Found>, E> {
        loop {
            let outside = self
                .view
                .as_ref()
                .is_none_or(|view| self.slot >= view.place.first_slot + view.place.slots);
            if outside && !self.enter(line, &mut fetch)? {
                return Ok(None);
            }
            let Some(view) = &self.view else {
                return Ok(None);
            };
            let index = self.slot - view.place.first_slot;
            let found = match &view.words {
                ViewWords::Memory(memory) => slot::read(memory.words(), view.place, index, payload),
                ViewWords::Copy(words) => slot::read(words.as_slice(), view.place, index, payload),
            };
            if found.content == Content::Empty && !view.is_copy() {
                return Ok(None);
            }
            self.slot += found.slots;
            self.chain = chain_after(self.chain, found.head);
            if found.content != Content::Padding {
                return Ok(Some(found));
            }
        }
    }

    /// Enters the segment at the position; `false`: there is none yet.
    fn enter<E>(
        &mut self,
        line: &Line<M>,
        fetch: &mut impl FnMut(&M::Origin, Option<u64>) -> Result<Vec<u64>, E>,
    ) -> Result<bool, E> {
        let mut state = line.lock();
        if let Some(view) = self.view.take()
            && let Some(index) = state.index_of(view.place.first_slot)
        {
            // All of it was read, so all of it is published.
            line.note_published(&mut state, index, view.place.slots);
        }
        let Some(index) = state.index_of(self.slot) else {
            return Ok(false);
        };
        let segment = &mut state.segments[index];
        let place = segment.place;
        let mut chain_news = None;
        if place.first_slot == self.slot && segment.chain_first != Some(self.chain) {
            segment.chain_first = Some(self.chain);
            match &segment.memory {
                Some(memory) => memory.note_chain(self.chain),
                None => chain_news = Some(self.chain),
            }
        }
        let memory = segment.memory.clone();
        let origin = segment.origin.clone();
        drop(state);
        let words = match (memory, origin) {
            (Some(memory), _) => ViewWords::Memory(memory),
            (None, Some(origin)) => ViewWords::Copy(fetch(&origin, chain_news)?),
            (None, None) => return Ok(false),
        };
        self.view = Some(View { place, words });
        Ok(true)
    }

    /// Goes elsewhere.
    pub(crate) fn seek(&mut self, slot: u64, chain: u64) {
        self.slot = slot;
        self.chain = chain;
        if self.view.as_ref().is_some_and(|view| {
            !(view.place.first_slot..view.place.first_slot + view.place.slots).contains(&slot)
        }) {
            self.view = None;
        }
    }
}

impl<M> View<M> {
    fn is_copy(&self) -> bool {
        matches!(self.words, ViewWords::Copy(_))
    }
}
