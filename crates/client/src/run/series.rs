//! The series of one writer: their numbers, and the ordinals of those that count by themselves.
//!
//! Numbers are dense from 1. Reading an entry takes no lock, so that the child of a fork can copy
//! its parent's table, and the numbers its callers keep stay right. Interning takes one lock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use runstone_model::{Context, MetricName, SeriesKey, ValueType};
use runstone_wire::DefineSeries;

use crate::error::ClientError;

/// Greatest number of a series, as a slot's head has room for.
pub(crate) const SERIES_NUMBER_MAX: u32 = (1 << 24) - 1;
/// Entries of the first chunk; each later chunk doubles.
const FIRST_CHUNK: u32 = 16;
/// Enough for [`SERIES_NUMBER_MAX`] entries.
const CHUNKS: usize = 21;
const AUTO: u32 = 1 << 31;

/// A series of a run, as [`crate::Run::series`] hands it out. Valid for all calls of that run, in
/// this process and in its forks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesHandle(u32);

impl SeriesHandle {
    /// The handle of a disabled run: every point is ignored.
    pub const NOWHERE: Self = Self(0);

    pub(crate) fn new(number: u32, auto_step: bool) -> Self {
        Self(if auto_step { number | AUTO } else { number })
    }

    /// Number of the series in its writer.
    #[inline]
    #[must_use]
    pub fn number(self) -> u32 {
        self.0 & !AUTO
    }

    /// Whether steps count by themselves.
    #[inline]
    #[must_use]
    pub fn counts_steps(self) -> bool {
        self.0 & AUTO != 0
    }

    /// The handle as one word, for caches; 0 is no series.
    #[inline]
    #[must_use]
    pub fn to_bits(self) -> u32 {
        self.0
    }

    /// The handle of a word that [`Self::to_bits`] gave.
    #[inline]
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

struct Entry {
    define: DefineSeries,
    /// Shared by the automatic numbers of all types of one series: its steps are one count.
    next_ordinal: Arc<AtomicU64>,
}

/// See the module.
pub(crate) struct SeriesTable {
    chunks: [OnceLock<Box<[OnceLock<Entry>]>>; CHUNKS],
    count: AtomicU32,
    index: Mutex<Index>,
}

/// By name, then by context, then by type and kind of step.
type Index = HashMap<Box<str>, HashMap<Box<str>, [u32; VARIANTS]>>;
const VARIANTS: usize = 10;

fn variant(value_type: ValueType, auto_step: bool) -> usize {
    usize::from(value_type.as_u8()) * 2 + usize::from(auto_step)
}

impl SeriesTable {
    pub(crate) fn new() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
            count: AtomicU32::new(0),
            index: Mutex::new(HashMap::new()),
        }
    }

    /// All definitions in the order of their numbers. Takes no lock.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = &DefineSeries> {
        (1..=self.count.load(Ordering::Acquire))
            .map_while(|number| Some(&self.entry(number)?.define))
    }

    /// Copies the parent's table into this empty one, after a fork. Ordinals begin anew.
    pub(crate) fn adopt(&self, parent: &Self) {
        let mut index = lock(&self.index);
        for define in parent.definitions() {
            self.insert(&mut index, define.clone());
        }
    }

    /// The number of a series; `declare` is called once for a new one, before it is known to
    /// anybody.
    pub(crate) fn intern(
        &self,
        name: &str,
        context: &Context,
        value_type: ValueType,
        auto_step: bool,
        declare: impl FnOnce(&DefineSeries) -> Result<(), ClientError>,
    ) -> Result<SeriesHandle, ClientError> {
        let mut index = lock(&self.index);
        let known = index
            .get(name)
            .and_then(|contexts| contexts.get(context.as_str()))
            .map_or(0, |numbers| numbers[variant(value_type, auto_step)]);
        if known != 0 {
            return Ok(SeriesHandle::new(known, auto_step));
        }
        let number = self.count.load(Ordering::Acquire) + 1;
        if number > SERIES_NUMBER_MAX {
            return Err(ClientError::Invalid(format!(
                "this writer has {SERIES_NUMBER_MAX} series already; hint: put what varies into \
                 the step or into params, not into name or context"
            )));
        }
        let define = DefineSeries {
            number,
            key: SeriesKey::metric(MetricName::new(name)?, context.clone()),
            value_type,
            auto_step,
        };
        declare(&define)?;
        self.insert(&mut index, define);
        Ok(SeriesHandle::new(number, auto_step))
    }

    fn insert(&self, index: &mut MutexGuard<'_, Index>, define: DefineSeries) {
        let number = define.number;
        let name: Box<str> = define.key.name.as_str().into();
        let context: Box<str> = define.key.context.as_str().into();
        let variant = variant(define.value_type, define.auto_step);
        let (chunk, offset) = position(number);
        let entries = self.chunks[chunk]
            .get_or_init(|| (0..FIRST_CHUNK << chunk).map(|_| OnceLock::new()).collect());
        let numbers = index
            .entry(name)
            .or_default()
            .entry(context)
            .or_insert([0; VARIANTS]);
        let next_ordinal = numbers
            .iter()
            .filter_map(|known| self.entry(*known))
            .find(|known| known.define.auto_step)
            .map(|known| Arc::clone(&known.next_ordinal))
            .unwrap_or_default();
        let entry = Entry {
            define,
            next_ordinal,
        };
        if entries[offset].set(entry).is_ok() {
            self.count.store(number, Ordering::Release);
        }
        numbers[variant] = number;
    }

    #[inline]
    fn entry(&self, number: u32) -> Option<&Entry> {
        if number == 0 || number > SERIES_NUMBER_MAX {
            return None;
        }
        let (chunk, offset) = position(number);
        self.chunks[chunk].get()?[offset].get()
    }

    /// The next ordinal of a series that counts by itself.
    #[inline]
    pub(crate) fn next_ordinal(&self, number: u32) -> Option<u64> {
        let entry = self.entry(number)?;
        Some(entry.next_ordinal.fetch_add(1, Ordering::Relaxed))
    }
}

/// Chunk and offset of a number.
#[inline]
fn position(number: u32) -> (usize, usize) {
    let index = number - 1;
    let chunk = (index / FIRST_CHUNK + 1).ilog2();
    let offset = index - FIRST_CHUNK * ((1 << chunk) - 1);
    (chunk as usize, offset as usize)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_dense_and_in_bounds() {
        let mut expected = (0, 0);
        for number in 1..200_000 {
            assert_eq!(position(number), expected);
            expected.1 += 1;
            if expected.1 == (FIRST_CHUNK as usize) << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(position(SERIES_NUMBER_MAX).0 < CHUNKS);
    }

    #[test]
    fn a_series_is_declared_once_and_types_have_numbers_of_their_own() {
        let table = SeriesTable::new();
        let context = Context::empty();
        let mut declared = Vec::new();
        for (value_type, auto_step) in [
            (ValueType::F64, false),
            (ValueType::F64, true),
            (ValueType::I64, false),
            (ValueType::F64, false),
        ] {
            table
                .intern("loss", &context, value_type, auto_step, |define| {
                    declared.push(define.number);
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(declared, [1, 2, 3]);
        assert_eq!(table.next_ordinal(2), Some(0));
        assert_eq!(table.next_ordinal(2), Some(1));
        assert_eq!(table.next_ordinal(9), None);
    }

    #[test]
    fn automatic_numbers_of_all_types_share_one_count() {
        let table = SeriesTable::new();
        let context = Context::empty();
        let number = |name: &str, value_type| {
            let handle = table.intern(name, &context, value_type, true, |_| Ok(()));
            handle.unwrap().number()
        };
        let integers = number("n", ValueType::I64);
        let floats = number("n", ValueType::F64);
        let other = number("m", ValueType::F64);
        assert_eq!(table.next_ordinal(integers), Some(0));
        assert_eq!(table.next_ordinal(floats), Some(1));
        assert_eq!(table.next_ordinal(integers), Some(2));
        assert_eq!(table.next_ordinal(other), Some(0));
    }

    #[test]
    fn a_series_that_could_not_be_declared_is_tried_again() {
        let table = SeriesTable::new();
        let context = Context::empty();
        let full = |_: &DefineSeries| Err(ClientError::Unavailable("full".to_owned()));
        assert!(
            table
                .intern("a", &context, ValueType::F64, false, full)
                .is_err()
        );
        let handle = table
            .intern("b", &context, ValueType::F64, false, |_| Ok(()))
            .unwrap();
        assert_eq!(handle.number(), 1);
    }

    #[test]
    fn a_fork_keeps_the_numbers_and_begins_the_ordinals_anew() {
        let parent = SeriesTable::new();
        let context = Context::empty();
        for name in ["a", "b", "c"] {
            parent
                .intern(name, &context, ValueType::F64, true, |_| Ok(()))
                .unwrap();
        }
        parent.next_ordinal(2);
        let child = SeriesTable::new();
        child.adopt(&parent);
        assert_eq!(child.definitions().count(), 3);
        assert_eq!(child.next_ordinal(2), Some(0));
        let known = child
            .intern("b", &context, ValueType::F64, true, |_| unreachable!())
            .unwrap();
        assert_eq!(known.number(), 2);
    }
}
