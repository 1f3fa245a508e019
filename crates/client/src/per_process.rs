//! A value that each process of a fork tree makes for itself.
//!
//! After a fork the child sees the parent's memory: locks that a vanished thread holds, threads
//! that do not exist, mappings that are gone. So nothing with a lock, a thread or a mapping is
//! ever used across a fork; it is looked up here, by the generation of the process, and made
//! anew. The values of former processes are leaked on purpose: dropping them would touch their
//! locks. The surprising rule: the list grows by one entry a fork level, never by forks.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::spool::process_generation;

/// See the module.
pub(crate) struct PerProcess<T> {
    entry: OnceLock<Box<Entry<T>>>,
    /// Generation of the process whose thread is making the entry; 0 is nobody. A maker that did
    /// not survive a fork is recognised by its generation and replaced.
    maker: AtomicU64,
}

struct Entry<T> {
    generation: u64,
    /// `None` only while it is dropped.
    value: Option<T>,
    later: PerProcess<T>,
}

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self {
            entry: OnceLock::new(),
            maker: AtomicU64::new(0),
        }
    }

    /// The value of this process, if it has made one. A few loads.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        let generation = process_generation();
        let mut list = self;
        loop {
            let entry = list.entry.get()?;
            if entry.generation == generation {
                return entry.value.as_ref();
            }
            list = &entry.later;
        }
    }

    /// The newest value of a former process, for the child to read what holds no lock.
    pub(crate) fn inherited(&self) -> Option<&T> {
        let generation = process_generation();
        let mut list = self;
        let mut found = None;
        while let Some(entry) = list.entry.get() {
            if entry.generation != generation {
                found = entry.value.as_ref();
            }
            list = &entry.later;
        }
        found
    }

    /// The value of this process, made by `make` if there is none yet; made once, also when
    /// several threads ask.
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        match self.get_or_try_init(|| Ok::<T, std::convert::Infallible>(make())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// As [`Self::get_or_init`]; after an error the next caller tries again.
    pub(crate) fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let generation = process_generation();
        let mut make = Some(make);
        let mut list = self;
        loop {
            if let Some(entry) = list.entry.get() {
                if entry.generation == generation {
                    return Ok(entry.value.as_ref().expect("taken only by drop"));
                }
                list = &entry.later;
                continue;
            }
            let maker = list.maker.load(Ordering::Acquire);
            if maker == generation {
                // Another thread of this process is making it.
                std::thread::yield_now();
                continue;
            }
            if list
                .maker
                .compare_exchange(maker, generation, Ordering::AcqRel, Ordering::Acquire)
                .is_err()
            {
                continue;
            }
            let made = make.take().expect("a process makes one value")();
            let value = match made {
                Ok(value) => value,
                Err(error) => {
                    list.maker.store(0, Ordering::Release);
                    return Err(error);
                }
            };
            let entry = Entry {
                generation,
                value: Some(value),
                later: PerProcess::new(),
            };
            if list.entry.set(Box::new(entry)).is_err() {
                unreachable!("only the maker of this process sets the entry");
            }
        }
    }
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        if self.generation != process_generation() {
            std::mem::forget(self.value.take());
        }
    }
}
