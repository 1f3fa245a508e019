//! The line of segments of one live writer: reserve, publish, rotate, release.
//!
//! Pushes reserve slots with one `fetch_add` on the cursor of the current segment, write, and
//! store the head last. The overflowing push takes the lock and puts the next segment into place.
//! The slots taken are a `reservation`, the segments kept are in `segments`. Reading goes through
//! `live`; making, unmapping and unlinking segments is `writer`'s and the keeper's business.
//! Compiled once more by `model` under the model checker.
//!
//! Invariants:
//! - A cursor counts up to [`LIMIT`] and starts at `LIMIT - slots`. At or past it, nothing of the
//!   handle may be read but the cursor itself.
//! - Whoever got slots below the limit publishes all of them. Until then no reader passes the
//!   segment, so its memory stays and its handle is not used again.
//! - A handle that is not current has a cursor past the limit. It is filled anew before the cursor
//!   is stored, so a push that slept since the handle's former life finds either no room or the
//!   new segment; both are right.
#![allow(
    unsafe_code,
    reason = "slots are written through pointers, see the invariants"
)]

use std::collections::VecDeque;

use super::reservation::Reservation;
use super::segments::{Segment, SegmentMemory, State, slots_of};
use super::slot::{self, SLOT_WORDS};
use super::sync::{
    Arc, AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering,
    PoisonError,
};

/// Where every cursor ends.
const LIMIT: u64 = 1 << 62;

/// Segments that may be full and not known to be published at one time.
const HANDLES: usize = 32;

/// Slots of the smallest segment; a longer operation that finds no room says nothing about points.
const SLOTS_SMALL: u64 = 1920;

/// See the module.
pub(crate) struct Line<M: SegmentMemory> {
    current: AtomicUsize,
    /// Slots are written to a file as well.
    mirrored: bool,
    /// Slots that hold padding.
    padded: AtomicU64,
    /// There was no room; only the keeper looks for more.
    full: AtomicBool,
    handles: [Handle<M>; HANDLES],
    state: Mutex<State<M>>,
    room: Condvar,
}

#[repr(align(64))]
struct Handle<M> {
    cursor: AtomicU64,
    /// One past the last word.
    end: AtomicPtr<AtomicU64>,
    /// Slot number minus cursor.
    slot_offset: AtomicU64,
    salt: AtomicU64,
    memory: AtomicPtr<M>,
    slots: AtomicU64,
}

/// What kind of thing asks for slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Dropped when there is no room.
    Point,
    /// May use the reserve.
    Operation,
}

impl<M: SegmentMemory> Line<M> {
    /// A line that begins at slot 0 with this segment.
    pub(crate) fn new(first: Arc<M>, mirrored: bool) -> Self {
        let line = Self {
            current: AtomicUsize::new(0),
            mirrored,
            padded: AtomicU64::new(0),
            full: AtomicBool::new(false),
            handles: std::array::from_fn(|_| Handle {
                cursor: AtomicU64::new(LIMIT),
                end: AtomicPtr::new(std::ptr::null_mut()),
                slot_offset: AtomicU64::new(0),
                salt: AtomicU64::new(0),
                memory: AtomicPtr::new(std::ptr::null_mut()),
                slots: AtomicU64::new(0),
            }),
            state: Mutex::new(State {
                segments: VecDeque::new(),
                spare: None,
                reserve: None,
                reserve_used: None,
                next_first: 0,
                next_number: 0,
                free_handles: (0..HANDLES).rev().collect(),
                closed: None,
            }),
            room: Condvar::new(),
        };
        let mut state = line.lock();
        let handle = state.free_handles.pop().expect("all handles are free");
        line.install(&mut state, first, handle, 0);
        drop(state);
        line
    }

    /// Writes a record of one slot; `false`: the segment is full, take the slow way.
    #[inline]
    pub(crate) fn push_one(&self, tag: u32, body: [u64; 3]) -> bool {
        let Some(reservation) = self.reserve(1) else {
            return false;
        };
        self.publish_one(&reservation, tag, body);
        true
    }

    /// Takes slots of the current segment; `None`: it has not so many left, and none now.
    #[inline]
    pub(crate) fn reserve(&self, slots: u64) -> Option<Reservation<M>> {
        let handle = &self.handles[self.current.load(Ordering::Acquire) % HANDLES];
        let at = handle.cursor.fetch_add(slots, Ordering::SeqCst);
        if at + slots > LIMIT {
            if at < LIMIT {
                // The rest is ours and too small: nobody else will fill it.
                let rest = Self::reservation(handle, at);
                self.padded.fetch_add(LIMIT - at, Ordering::Relaxed);
                self.publish_one(&rest, slot::tag(slot::KIND_PADDING, 0), [0; 3]);
            }
            return None;
        }
        Some(Self::reservation(handle, at))
    }

    #[inline]
    fn reservation(handle: &Handle<M>, at: u64) -> Reservation<M> {
        let left = LIMIT - at;
        let end = handle.end.load(Ordering::Relaxed);
        Reservation {
            // SAFETY: the caller got `at` below the limit, so the handle belongs to a segment of
            // at least `left` slots that stays mapped until the caller publishes (invariants).
            first_word: unsafe { end.sub(left as usize * SLOT_WORDS) },
            memory: handle.memory.load(Ordering::Relaxed),
            index: handle.slots.load(Ordering::Relaxed) - left,
            slot: at.wrapping_add(handle.slot_offset.load(Ordering::Relaxed)),
            salt: handle.salt.load(Ordering::Relaxed),
        }
    }

    /// Publishes a record of one slot.
    #[inline]
    pub(crate) fn publish_one(&self, at: &Reservation<M>, tag: u32, body: [u64; 3]) {
        let head = slot::head_of(tag, at.salt, at.slot, body);
        if self.mirrored {
            at.mirror(&[head, body[0], body[1], body[2]]);
        }
        at.store_body(body);
        at.store_head(head);
    }

    /// Publishes a point with an epoch, which takes two slots.
    pub(crate) fn publish_with_epoch(
        &self,
        at: &Reservation<M>,
        tag: u32,
        body: [u64; 3],
        epoch: u64,
    ) {
        let head = slot::head_with_epoch(tag, at.salt, at.slot, body, epoch);
        if self.mirrored {
            at.mirror(&[head, body[0], body[1], body[2], epoch, 0, 0, 0]);
        }
        at.store_body(body);
        at.store(SLOT_WORDS, epoch);
        at.store_head(head);
    }

    /// Publishes a blob of `slot::blob_slots(payload.len())` slots.
    pub(crate) fn publish_blob(&self, at: &Reservation<M>, payload: &[u8], flags: u64) {
        let tag = slot::tag(slot::KIND_BLOB, payload.len() as u32);
        let body = [u64::from(crc32c::crc32c(payload)) | (flags << 32), 0, 0];
        let head = slot::head_of(tag, at.salt, at.slot, body);
        let word = |chunk: &[u8]| {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(bytes)
        };
        if self.mirrored {
            let mut words = vec![head, body[0], body[1], body[2]];
            words.extend(payload.chunks(8).map(word));
            at.mirror(&words);
        }
        at.store_body(body);
        for (index, chunk) in payload.chunks(8).enumerate() {
            at.store(SLOT_WORDS + index, word(chunk));
        }
        at.store_head(head);
    }

    /// Takes slots when [`Self::reserve`] could not: of a segment that somebody else put into
    /// place meanwhile, of the spare, of one that `make` makes now, or for an operation of the
    /// reserve. `None`: no room; from then on only [`Self::offer`] makes room.
    pub(crate) fn reserve_slowly(
        &self,
        slots: u64,
        asks: Asks,
        mut make: impl FnMut(&State<M>) -> Option<Arc<M>>,
    ) -> Option<Reservation<M>> {
        loop {
            let full = self.full.load(Ordering::Relaxed);
            if full && asks == Asks::Point {
                return None;
            }
            let mut state = self.lock();
            if state.closed.is_some() {
                return None;
            }
            if self.full.load(Ordering::Relaxed) {
                return match asks {
                    Asks::Point => None,
                    Asks::Operation => Self::reserve_in_reserve(&mut state, slots),
                };
            }
            let handle = &self.handles[self.current.load(Ordering::Relaxed)];
            if state.reserve_used.is_none() && handle.cursor.load(Ordering::SeqCst) < LIMIT {
                drop(state);
                match self.reserve(slots) {
                    None => continue,
                    reserved => return reserved,
                }
            }
            let fits = |memory: &Arc<M>| slots_of(&**memory) >= slots;
            let memory = match state.spare.take_if(|spare| fits(spare)) {
                Some(memory) => Some(memory),
                None => make(&state).filter(fits),
            };
            let handle = self.free_handle(&mut state);
            let (Some(memory), Some(handle)) = (memory, handle) else {
                if let Some(handle) = handle {
                    state.free_handles.push(handle);
                }
                if asks == Asks::Operation && slots > SLOTS_SMALL {
                    // Too long for what is left; points may still fit.
                    return None;
                }
                self.full.store(true, Ordering::Relaxed);
                return match asks {
                    Asks::Point => None,
                    Asks::Operation => Self::reserve_in_reserve(&mut state, slots),
                };
            };
            let at = LIMIT - slots_of(&*memory);
            self.install(&mut state, memory, handle, slots);
            return Some(Self::reservation(&self.handles[handle], at));
        }
    }

    /// Puts a segment into place, its first `taken` slots belonging to the caller.
    fn install(&self, state: &mut State<M>, memory: Arc<M>, handle: usize, taken: u64) {
        let place = state.append(&memory, Some(handle));
        let h = &self.handles[handle];
        let words = memory.words();
        h.end
            .store(words.as_ptr_range().end.cast_mut(), Ordering::Relaxed);
        let cursor = LIMIT - place.slots;
        h.slot_offset
            .store(place.first_slot.wrapping_sub(cursor), Ordering::Relaxed);
        h.salt.store(place.salt, Ordering::Relaxed);
        h.slots.store(place.slots, Ordering::Relaxed);
        h.memory
            .store(Arc::as_ptr(&memory).cast_mut(), Ordering::Relaxed);
        h.cursor.store(cursor + taken, Ordering::SeqCst);
        self.current.store(handle, Ordering::SeqCst);
        self.free_published(state);
    }

    /// Frees the handles of segments that are published to the end and no longer current.
    fn free_published(&self, state: &mut State<M>) {
        let current = self.current.load(Ordering::Relaxed);
        let mut held = HANDLES - state.free_handles.len();
        for segment in state.segments.iter_mut().rev() {
            if held == 0 {
                return;
            }
            let Some(handle) = segment.handle else {
                continue;
            };
            held -= 1;
            if handle != current && segment.is_complete() {
                segment.handle = None;
                state.free_handles.push(handle);
            }
        }
    }

    fn free_handle(&self, state: &mut State<M>) -> Option<usize> {
        if state.free_handles.is_empty() {
            // The keeper is far behind: look here whether something is published.
            for index in 0..state.segments.len() {
                if let Some((memory, from)) = state.unpublished(index) {
                    let until = slot::published_until(memory.words(), slots_of(&*memory), from);
                    self.note_published(state, index, until);
                }
            }
        }
        state.free_handles.pop()
    }

    /// The last segment becomes, or is, the reserve: take slots there.
    fn reserve_in_reserve(state: &mut State<M>, slots: u64) -> Option<Reservation<M>> {
        if state.reserve_used.is_none() {
            let memory = state.reserve.take_if(|m| slots_of(&**m) >= slots)?;
            state.append(&memory, None);
            state.reserve_used = Some(0);
        }
        let used = state.reserve_used?;
        let segment = state.segments.back()?;
        let memory = segment.memory.as_ref()?;
        if used + slots > segment.place.slots {
            return None;
        }
        state.reserve_used = Some(used + slots);
        Some(Reservation {
            first_word: &raw const memory.words()[slot::word_of(used)],
            memory: Arc::as_ptr(memory),
            index: used,
            slot: segment.place.first_slot + used,
            salt: segment.place.salt,
        })
    }

    /// Brings a segment to be the spare (or, if one is missing, the reserve), and there is room
    /// again. `false`: it is not needed.
    pub(crate) fn offer(&self, memory: Arc<M>, as_reserve: bool) -> bool {
        let mut state = self.lock();
        if state.closed.is_some() {
            return false;
        }
        let wanted = if as_reserve {
            &mut state.reserve
        } else {
            &mut state.spare
        };
        if wanted.is_some() {
            return false;
        }
        *wanted = Some(memory);
        if !as_reserve {
            self.make_room(&mut state);
        }
        true
    }

    /// There may be room again without a spare: the bound was raised or data were released.
    pub(crate) fn retry(&self) {
        let mut state = self.lock();
        self.make_room(&mut state);
    }

    fn make_room(&self, state: &mut State<M>) {
        if let Some(used) = state.reserve_used.take()
            && let Some(segment) = state.segments.back()
            && let Some(memory) = &segment.memory
            && used < segment.place.slots
        {
            let rest = Reservation {
                first_word: &raw const memory.words()[slot::word_of(used)],
                memory: Arc::as_ptr(memory),
                index: used,
                slot: segment.place.first_slot + used,
                salt: segment.place.salt,
            };
            self.padded
                .fetch_add(segment.place.slots - used, Ordering::Relaxed);
            self.publish_one(&rest, slot::tag(slot::KIND_PADDING, 0), [0; 3]);
        }
        self.full.store(false, Ordering::Relaxed);
        self.room.notify_all();
    }

    /// True from the first push without room to the next offer.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Slots that hold padding.
    pub(crate) fn padded_slots(&self) -> u64 {
        self.padded.load(Ordering::Relaxed)
    }

    /// True once [`Self::close_at`] succeeded.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed.is_some()
    }

    /// Closes the line if nothing was handed out past `mark`; nothing gets in afterwards.
    pub(crate) fn close_at(&self, mark: u64) -> bool {
        let mut state = self.lock();
        if state.closed.is_some() {
            return true;
        }
        let handle = &self.handles[self.current.load(Ordering::Relaxed)];
        let cursor = handle.cursor.load(Ordering::SeqCst);
        if self.next_slot_of(&state) != mark
            || handle
                .cursor
                .compare_exchange(cursor, LIMIT, Ordering::SeqCst, Ordering::SeqCst)
                .is_err()
        {
            return false;
        }
        state.closed = Some(mark);
        self.full.store(true, Ordering::Relaxed);
        self.room.notify_all();
        true
    }

    /// The state and the condition variable that [`Self::offer`] notifies.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notified whenever there may be room.
    pub(crate) fn room(&self) -> &Condvar {
        &self.room
    }

    /// The slot after all that were handed out.
    pub(crate) fn next_slot(&self) -> u64 {
        let state = self.lock();
        self.next_slot_of(&state)
    }

    pub(crate) fn next_slot_of(&self, state: &State<M>) -> u64 {
        if let Some(mark) = state.closed {
            return mark;
        }
        let Some(last) = state.segments.back() else {
            return state.next_first;
        };
        last.place.first_slot + self.used_of(state, last)
    }

    /// Slots handed out of a segment.
    pub(crate) fn used_of(&self, state: &State<M>, segment: &Segment<M>) -> u64 {
        let is_last = segment.end() == state.next_first;
        if is_last && let Some(used) = state.reserve_used {
            return used;
        }
        match segment.handle {
            Some(handle) if is_last => {
                let cursor = self.handles[handle].cursor.load(Ordering::SeqCst);
                let left = LIMIT.saturating_sub(cursor);
                segment.place.slots.saturating_sub(left)
            }
            _ => segment.place.slots,
        }
    }

    /// Notes that the first `until` slots of a segment are published. When that is all of it and
    /// pushes have moved on, its handle is free for another.
    pub(crate) fn note_published(&self, state: &mut State<M>, index: usize, until: u64) {
        let Some(segment) = state.segments.get_mut(index) else {
            return;
        };
        segment.published = segment.published.max(until);
        if segment.is_complete() {
            self.free_published(state);
        }
    }

    /// Removes the oldest segment if all of it lies below `mark` and no push can reach it.
    pub(crate) fn take_released(&self, state: &mut State<M>, mark: u64) -> Option<Segment<M>> {
        let front = state.segments.front()?;
        let is_last = state.segments.len() == 1;
        if is_last || front.end() > mark || front.handle.is_some() || !front.is_complete() {
            return None;
        }
        state.segments.pop_front()
    }
}
