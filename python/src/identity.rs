//! Finds the series of a call by the addresses of its name and context objects.
//!
//! A training loop passes the same literals again and again, so the same objects: comparing
//! addresses costs a few nanoseconds where hashing text costs a hundred. The surprising rule: an
//! entry owns references to the objects it was made from, and only exact `str`, `int`, `float`,
//! `bool` and `None` are admitted. So an address in the table cannot be reused by another object,
//! and the same address is the same content. A dict is never a key: it can change.
//!
//! Used by `fastcall` alone, under the interpreter lock. What is not found here is looked up by
//! content.

use pyo3::{Py, PyAny};
use runstone_client::SeriesHandle;

/// Pairs of a context that are looked up by address; larger contexts go by content.
pub(crate) const PAIRS_MAX: usize = 4;
/// Entries of a set.
const WAYS: usize = 4;
const ENTRIES_MIN: usize = 32;
const ENTRIES_MAX: usize = 1024;

/// Addresses of a call's name and context, and what the value and the step are.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    name: usize,
    /// Value type and auto-step; calls that differ in it write to different series numbers.
    variant: u8,
    pairs: u8,
    objects: [usize; 2 * PAIRS_MAX],
    /// Mix of `objects`.
    context: usize,
}

impl Identity {
    /// The identity of a call without context.
    #[inline]
    pub(crate) fn new(name: usize, variant: u8) -> Self {
        Self {
            name,
            variant,
            pairs: 0,
            objects: [0; 2 * PAIRS_MAX],
            context: 0,
        }
    }

    /// The same context with another name.
    #[inline]
    pub(crate) fn with_name(mut self, name: usize, variant: u8) -> Self {
        self.name = name;
        self.variant = variant;
        self
    }

    /// Adds a pair of the context; false when there are too many.
    #[inline]
    pub(crate) fn push_pair(&mut self, key: usize, value: usize) -> bool {
        let at = usize::from(self.pairs) * 2;
        if at >= self.objects.len() {
            return false;
        }
        self.objects[at] = key;
        self.objects[at + 1] = value;
        self.pairs += 1;
        self.context = self.context.rotate_left(7) ^ (key >> 4) ^ (value >> 3);
        true
    }

    /// Addresses of the context's keys and values.
    pub(crate) fn context_objects(&self) -> &[usize] {
        &self.objects[..usize::from(self.pairs) * 2]
    }

    #[inline]
    fn equals(&self, other: &Self) -> bool {
        let used = usize::from(self.pairs) * 2;
        self.name == other.name
            && self.variant == other.variant
            && self.pairs == other.pairs
            // Two words mostly: a loop is quicker than a call that compares memory.
            && self.objects.iter().zip(&other.objects).take(used).all(|(one, two)| one == two)
    }

    #[inline]
    fn set(&self, sets: usize) -> usize {
        // Objects are aligned to 16 bytes. The high bits of the product are the mixed ones, and
        // `sets` is a power of two.
        let mixed = (self.name >> 4) ^ self.context ^ (usize::from(self.variant) << 20);
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) & (sets - 1)
    }
}

struct Entry {
    identity: Identity,
    handle: SeriesHandle,
    /// Keeps the addresses of `identity` from being reused.
    _owners: Vec<Py<PyAny>>,
}

/// Table of sets of four entries, grown from nothing to 1,024 entries as full sets ask for it.
/// Names without end, as of f-strings, push each other out and never grow it further.
#[derive(Default)]
pub(crate) struct IdentityCache {
    entries: Vec<Option<Entry>>,
    /// Which entry of a full set goes next.
    victim: usize,
}

impl IdentityCache {
    #[inline]
    pub(crate) fn get(&self, identity: &Identity) -> Option<SeriesHandle> {
        if self.entries.is_empty() {
            return None;
        }
        let first = identity.set(self.entries.len() / WAYS) * WAYS;
        self.entries[first..first + WAYS]
            .iter()
            .flatten()
            .find(|entry| entry.identity.equals(identity))
            .map(|entry| entry.handle)
    }

    /// Puts an entry in, maybe in place of another. `owners` are the objects at the addresses of
    /// `identity`, all of exact immutable types: dropping them runs no Python code.
    pub(crate) fn insert(
        &mut self,
        identity: Identity,
        handle: SeriesHandle,
        owners: Vec<Py<PyAny>>,
    ) {
        if self.entries.is_empty() {
            self.entries.resize_with(ENTRIES_MIN, || None);
        }
        let place = loop {
            if let Some(place) = self.place(&identity) {
                break place;
            }
            if self.entries.len() == ENTRIES_MAX {
                self.victim = (self.victim + 1) % WAYS;
                break identity.set(ENTRIES_MAX / WAYS) * WAYS + self.victim;
            }
            self.grow();
        };
        self.entries[place] = Some(Entry {
            identity,
            handle,
            _owners: owners,
        });
    }

    /// A free place, or that of the same identity; `None` if its set is full.
    fn place(&self, identity: &Identity) -> Option<usize> {
        let first = identity.set(self.entries.len() / WAYS) * WAYS;
        (first..first + WAYS).find(|place| {
            self.entries[*place]
                .as_ref()
                .is_none_or(|entry| entry.identity.equals(identity))
        })
    }

    fn grow(&mut self) {
        let size = self.entries.len() * 2;
        let old = std::mem::take(&mut self.entries);
        self.entries.resize_with(size, || None);
        for entry in old.into_iter().flatten() {
            // Each set of the old table is split into two of the new one, so there is room.
            if let Some(place) = self.place(&entry.identity) {
                self.entries[place] = Some(entry);
            }
        }
    }
}
