//! The series of one writer: their numbers, and the ordinals of those that count by themselves.
//!
//! Numbers are dense from 1. Reading an entry takes no lock, so that the child of a fork can copy
//! its parent's table, and the numbers its callers keep stay right. Interning takes one lock.
//!
//! The surprising rule: a second type in one series opens a float64 number, its *wide* one, and
//! from then on every value goes there. So the order of numbers is the order of the calls, which
//! a pack, sorted by number, keeps. Handles from before are led there by [`SeriesTable::widen`].
//! After a rewind, series that count their steps go on under new numbers, to which handles from
//! before are led too: the store counts those from what is left.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use runstone_model::{Context, MetricName, SeriesKey, SeriesKind, ValueType};
use runstone_wire::DefineSeries;

use crate::error::ClientError;

/// Greatest number of a series, as a slot's head has room for.
pub(crate) const SERIES_NUMBER_MAX: u32 = (1 << 24) - 1;
/// Entries of the first chunk; each later chunk doubles.
const FIRST_CHUNK: u32 = 16;
/// Enough for [`SERIES_NUMBER_MAX`] entries.
const CHUNKS: usize = 21;
const AUTO: u32 = 1 << 31;
/// The values given with the handle are no float64: they may have to become such.
const NARROW: u32 = 1 << 30;

/// A series of a run, as [`crate::Run::series`] hands it out. Valid for all calls of that run, in
/// this process and in its forks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesHandle(u32);

impl SeriesHandle {
    /// The handle of a disabled run: every point is ignored.
    pub const NOWHERE: Self = Self(0);

    fn new(number: u32, auto_step: bool, is_narrow: bool) -> Self {
        let auto = if auto_step { AUTO } else { 0 };
        Self(number | auto | if is_narrow { NARROW } else { 0 })
    }

    /// Number of the series in its writer, when the handle was made.
    #[inline]
    #[must_use]
    pub fn number(self) -> u32 {
        self.0 & !(AUTO | NARROW)
    }

    /// Whether values have another type than float64.
    #[inline]
    pub(crate) fn is_narrow(self) -> bool {
        self.0 & NARROW != 0
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
    /// Number that takes the values instead, once there is one; 0: none.
    wide: AtomicU32,
    /// Number that goes on counting since a rewind; 0: this one.
    successor: AtomicU32,
}

/// See the module.
pub(crate) struct SeriesTable {
    chunks: [OnceLock<Box<[OnceLock<Entry>]>>; CHUNKS],
    count: AtomicU32,
    /// Some narrow handle stands, or may stand, for a wide number.
    has_mixed: AtomicBool,
    index: Mutex<Index>,
    /// Numbers of object series: explicit steps, counted steps; 0: none. Locked after `index`.
    objects: Mutex<HashMap<SeriesKey, [u32; 2]>>,
}

/// By name, then by context, then by type and kind of step.
type Index = HashMap<Box<str>, HashMap<Box<str>, [u32; VARIANTS]>>;
const VARIANTS: usize = 10;

/// Types of numbers that give way to float64.
const NARROW_TYPES: [ValueType; 2] = [ValueType::I64, ValueType::F32];

fn variant(value_type: ValueType, auto_step: bool) -> usize {
    usize::from(value_type.as_u8()) * 2 + usize::from(auto_step)
}

/// The type under which a value is declared, in a series that has these numbers already.
fn declared_type(numbers: &[u32; VARIANTS], given: ValueType, auto_step: bool) -> ValueType {
    let has = |value_type| numbers[variant(value_type, auto_step)] != 0;
    let meets_another = has(ValueType::F64) || NARROW_TYPES.iter().any(|&t| t != given && has(t));
    if NARROW_TYPES.contains(&given) && meets_another {
        ValueType::F64
    } else {
        given
    }
}

impl SeriesTable {
    pub(crate) fn new() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
            count: AtomicU32::new(0),
            has_mixed: AtomicBool::new(false),
            index: Mutex::new(HashMap::new()),
            objects: Mutex::new(HashMap::new()),
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
        let has_mixed = parent.has_mixed.load(Ordering::Acquire);
        self.has_mixed.store(has_mixed, Ordering::Release);
        for define in parent.definitions() {
            self.insert(&mut index, define.clone());
        }
        // Handles from before a rewind of the parent go on where they do there.
        for number in 1..=self.count.load(Ordering::Acquire) {
            if let (Some(own), Some(other)) = (self.entry(number), parent.entry(number)) {
                let successor = other.successor.load(Ordering::Acquire);
                own.successor.store(successor, Ordering::Release);
            }
        }
    }

    /// The handle of a series for values of a type; `declare` is called once for a new number,
    /// before it is known to anybody.
    pub(crate) fn intern(
        &self,
        name: &str,
        context: &Context,
        value_type: ValueType,
        auto_step: bool,
        declare: impl FnOnce(&DefineSeries) -> Result<(), ClientError>,
    ) -> Result<SeriesHandle, ClientError> {
        let mut index = lock(&self.index);
        let numbers = index
            .get(name)
            .and_then(|contexts| contexts.get(context.as_str()))
            .unwrap_or(&[0; VARIANTS]);
        let declared = declared_type(numbers, value_type, auto_step);
        // A float32 comes as the float64 of the same value: it fits the wide number as it is.
        let is_narrow = value_type == ValueType::I64 || declared == ValueType::F32;
        if declared != value_type {
            self.has_mixed.store(true, Ordering::Release);
        }
        let known = numbers[variant(declared, auto_step)];
        if known != 0 {
            return Ok(SeriesHandle::new(known, auto_step, is_narrow));
        }
        let number = self.next_number()?;
        let define = DefineSeries {
            number,
            key: SeriesKey::metric(MetricName::new(name)?, context.clone()),
            value_type: declared,
            auto_step,
        };
        declare(&define)?;
        self.insert(&mut index, define);
        Ok(SeriesHandle::new(number, auto_step, is_narrow))
    }

    /// The number of a series of objects; `declare` as in [`Self::intern`].
    pub(crate) fn intern_objects(
        &self,
        name: &str,
        context: &Context,
        kind: SeriesKind,
        auto_step: bool,
        declare: impl FnOnce(&DefineSeries) -> Result<(), ClientError>,
    ) -> Result<u32, ClientError> {
        if !kind.is_object() {
            return Err(ClientError::Invalid(format!(
                "{kind} is no kind of objects; hint: track numbers with track"
            )));
        }
        let key = SeriesKey {
            name: MetricName::new(name)?,
            context: context.clone(),
            kind,
        };
        // Numbers are given out under this lock.
        let mut index = lock(&self.index);
        let known = lock(&self.objects).get(&key).copied().unwrap_or_default();
        let known = known[usize::from(auto_step)];
        if known != 0 {
            return Ok(known);
        }
        let number = self.next_number()?;
        let define = DefineSeries {
            number,
            key,
            value_type: ValueType::F64,
            auto_step,
        };
        declare(&define)?;
        self.insert(&mut index, define);
        Ok(number)
    }

    /// Gives every series that counts its steps a new number, whose ordinals begin at 0;
    /// `declare` is called once for each. What could not be declared counts on as before until it
    /// is interned again.
    pub(crate) fn count_anew(
        &self,
        mut declare: impl FnMut(&DefineSeries) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let mut index = lock(&self.index);
        let mut former = Vec::new();
        for numbers in index.values_mut().flat_map(HashMap::values_mut) {
            for (place, number) in numbers.iter_mut().enumerate() {
                if place % 2 == 1 && *number != 0 {
                    former.push(std::mem::take(number));
                }
            }
        }
        for numbers in lock(&self.objects).values_mut() {
            if numbers[1] != 0 {
                former.push(std::mem::take(&mut numbers[1]));
            }
        }
        former.sort_unstable();
        for old in former {
            let Some(entry) = self.entry(old) else {
                continue;
            };
            let number = self.next_number()?;
            let define = DefineSeries {
                number,
                ..entry.define.clone()
            };
            declare(&define)?;
            self.insert(&mut index, define);
            entry.successor.store(number, Ordering::Release);
        }
        Ok(())
    }

    fn next_number(&self) -> Result<u32, ClientError> {
        let number = self.count.load(Ordering::Acquire) + 1;
        if number > SERIES_NUMBER_MAX {
            return Err(ClientError::Invalid(format!(
                "this writer has {SERIES_NUMBER_MAX} series already; hint: put what varies into \
                 the step or into params, not into name or context"
            )));
        }
        Ok(number)
    }

    fn insert(&self, index: &mut MutexGuard<'_, Index>, define: DefineSeries) {
        let number = define.number;
        let (value_type, auto_step) = (define.value_type, define.auto_step);
        if define.key.kind.is_object() {
            let mut objects = lock(&self.objects);
            objects.entry(define.key.clone()).or_default()[usize::from(auto_step)] = number;
            self.set_entry(Entry {
                define,
                next_ordinal: Arc::default(),
                wide: AtomicU32::new(0),
                successor: AtomicU32::new(0),
            });
            return;
        }
        let name: Box<str> = define.key.name.as_str().into();
        let context: Box<str> = define.key.context.as_str().into();
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
            wide: AtomicU32::new(0),
            successor: AtomicU32::new(0),
        };
        self.set_entry(entry);
        numbers[variant(value_type, auto_step)] = number;
        if value_type == ValueType::F64 {
            for narrow in NARROW_TYPES.map(|narrow| numbers[variant(narrow, auto_step)]) {
                if let Some(entry) = self.entry(narrow) {
                    entry.wide.store(number, Ordering::Release);
                    self.has_mixed.store(true, Ordering::Release);
                }
            }
        }
    }

    /// Makes an entry known under its number.
    fn set_entry(&self, entry: Entry) {
        let number = entry.define.number;
        let (chunk, offset) = position(number);
        let entries = self.chunks[chunk]
            .get_or_init(|| (0..FIRST_CHUNK << chunk).map(|_| OnceLock::new()).collect());
        if entries[offset].set(entry).is_ok() {
            self.count.store(number, Ordering::Release);
        }
    }

    #[inline]
    fn entry(&self, number: u32) -> Option<&Entry> {
        if number == 0 || number > SERIES_NUMBER_MAX {
            return None;
        }
        let (chunk, offset) = position(number);
        self.chunks[chunk].get()?[offset].get()
    }

    /// Number and bits under which a value of a narrow handle is written now. One load while no
    /// series of the writer is mixed.
    #[inline]
    pub(crate) fn widen(&self, handle: SeriesHandle, bits: u64) -> (u32, u64) {
        let number = handle.number();
        if self.has_mixed.load(Ordering::Acquire) {
            self.widen_mixed(number, bits)
        } else {
            (number, bits)
        }
    }

    #[cold]
    fn widen_mixed(&self, number: u32, bits: u64) -> (u32, u64) {
        let number = self.current(number);
        let Some(entry) = self.entry(number) else {
            return (number, bits);
        };
        let as_float = || (bits.cast_signed() as f64).to_bits();
        match (entry.define.value_type, entry.wide.load(Ordering::Acquire)) {
            // The handle was made when there was a wide number.
            (ValueType::F64, _) => (number, as_float()),
            (_, 0) => (number, bits),
            (ValueType::I64, wide) => (wide, as_float()),
            // A float32 came as the float64 of the same value.
            (_, wide) => (wide, bits),
        }
    }

    /// The number that goes on for this one since a rewind.
    fn current(&self, mut number: u32) -> u32 {
        while let Some(entry) = self.entry(number) {
            match entry.successor.load(Ordering::Acquire) {
                0 => break,
                next => number = next,
            }
        }
        number
    }

    /// The number and the next ordinal of a series that counts by itself.
    #[inline]
    pub(crate) fn next_ordinal(&self, number: u32) -> Option<(u32, u64)> {
        let mut number = number;
        let mut entry = self.entry(number)?;
        loop {
            match entry.successor.load(Ordering::Acquire) {
                0 => break,
                next => number = next,
            }
            entry = self.entry(number)?;
        }
        Some((number, entry.next_ordinal.fetch_add(1, Ordering::Relaxed)))
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
mod tests;
