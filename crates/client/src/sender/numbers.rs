//! What a writer's declarations say about its series numbers: types, and where a frame must end.
//!
//! Filled by a session from the declarations it reads. The store counts the steps of a series on
//! from what earlier frames brought, once, at the first counted point. So if a writer gives steps
//! in the same series too, a frame ends before that point: what counts is then what was logged
//! before it, and not where a frame happened to end. The surprising rule: a session that begins
//! anew cannot tell whether a counted point is the first, and takes it for that; one frame more
//! does no harm.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use runstone_model::{SeriesKey, ValueType};
use runstone_wire::DefineSeries;

use super::points::PointSorter;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    known: Vec<Option<Known>>,
    /// Some number of each series, by a hash of its key. Two keys of one hash are taken for one,
    /// which may cost a frame more.
    of_key: HashMap<u64, u32>,
    /// Those that count steps.
    counted: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    value_type: ValueType,
    counts_steps: bool,
    /// The next point may be the first counted one.
    is_first: bool,
    /// The next number of the same series, in a ring.
    sibling: u32,
}

impl Numbers {
    /// Takes a definition in; the same once more changes nothing.
    pub(super) fn learn(&mut self, define: &DefineSeries) {
        let (number, index) = (define.number, define.number as usize);
        if index >= self.known.len() {
            self.known.resize(index + 1, None);
        }
        if self.known[index].is_some() {
            return;
        }
        let other = *self.of_key.entry(hash(&define.key)).or_insert(number);
        let sibling = match &mut self.known[other as usize] {
            Some(other) => std::mem::replace(&mut other.sibling, number),
            None => number,
        };
        self.known[index] = Some(Known {
            value_type: define.value_type,
            counts_steps: define.auto_step,
            is_first: define.auto_step,
            sibling,
        });
        if define.auto_step {
            self.counted.push(number);
        }
    }

    /// Type of a number's values; one without a declaration counts as f64.
    pub(super) fn value_type(&self, number: u32) -> ValueType {
        let known = self.known.get(number as usize).copied().flatten();
        known.map_or(ValueType::F64, |known| known.value_type)
    }

    /// Whether a frame ends before the next point of this number, given what is in the frame. If
    /// not, the point is taken to be in it.
    #[inline]
    pub(super) fn ends_frame(&mut self, number: u32, frame: &PointSorter) -> bool {
        match self.known.get(number as usize) {
            Some(Some(known)) if known.is_first => self.first_ends_frame(number, frame),
            _ => false,
        }
    }

    #[cold]
    fn first_ends_frame(&mut self, number: u32, frame: &PointSorter) -> bool {
        let mut other = number;
        while let Some(known) = self.known[other as usize] {
            if !known.counts_steps && frame.holds(other) {
                return true;
            }
            other = known.sibling;
            if other == number {
                break;
            }
        }
        if let Some(known) = &mut self.known[number as usize] {
            known.is_first = false;
        }
        false
    }

    /// Points are read again: any of them may be the first.
    pub(super) fn read_again(&mut self) {
        for number in &self.counted {
            if let Some(known) = &mut self.known[*number as usize] {
                known.is_first = true;
            }
        }
    }
}

fn hash(key: &SeriesKey) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(key)
}
