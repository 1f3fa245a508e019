//! Notices forks: a page that the kernel wipes in the child holds the generation of the process.
//!
//! One load a call, no hooks in the way: forks by C libraries and raw system calls are noticed as
//! well. Where the kernel has no such page (before Linux 4.14, macOS) `pthread_atfork` clears it,
//! which misses raw system calls only. The surprising rule: 0 means "a child that has not asked
//! yet"; the first question takes the next number, so a child never has a number of an ancestor.
#![allow(unsafe_code, reason = "mmap, madvise and pthread_atfork")]

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// The wiped page, or [`FALLBACK`].
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());
/// Ordinary memory, so that a child counts on from its parent's number.
static NEXT: AtomicU64 = AtomicU64::new(1);
/// Stands in for the page; cleared by the hook.
static FALLBACK: AtomicU64 = AtomicU64::new(0);

/// A number that differs between a process and each of its ancestors. Never 0.
#[inline]
#[must_use]
pub fn process_generation() -> u64 {
    let page = PAGE.load(Ordering::Acquire);
    if !page.is_null() {
        // SAFETY: PAGE holds a page that is never unmapped, or the address of a static.
        let generation = unsafe { &*page }.load(Ordering::Relaxed);
        if generation != 0 {
            return generation;
        }
    }
    first_question()
}

#[cold]
fn first_question() -> u64 {
    let mut page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        let made = make_page();
        page = match PAGE.compare_exchange(
            std::ptr::null_mut(),
            made,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => made,
            // Another thread was faster; a page more stays mapped.
            Err(other) => other,
        };
    }
    // SAFETY: as above.
    let cell = unsafe { &*page };
    let mine = NEXT.fetch_add(1, Ordering::Relaxed);
    match cell.compare_exchange(0, mine, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => mine,
        Err(other) => other,
    }
}

fn make_page() -> *mut AtomicU64 {
    wiped_page().unwrap_or_else(|| {
        install_hook();
        std::ptr::from_ref(&FALLBACK).cast_mut()
    })
}

#[cfg(target_os = "linux")]
fn wiped_page() -> Option<*mut AtomicU64> {
    let length = 4096;
    // SAFETY: a fresh private anonymous mapping; no memory of ours is touched.
    let address = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the mapping just made.
    if unsafe { libc::madvise(address, length, libc::MADV_WIPEONFORK) } != 0 {
        // SAFETY: the mapping just made, known to nobody else.
        unsafe { libc::munmap(address, length) };
        return None;
    }
    Some(address.cast())
}

#[cfg(not(target_os = "linux"))]
fn wiped_page() -> Option<*mut AtomicU64> {
    None
}

fn install_hook() {
    extern "C" fn in_child() {
        FALLBACK.store(0, Ordering::Relaxed);
    }
    // SAFETY: the handler stores one atomic word, which is allowed in the child of a fork.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

/// One leaked value a process: made at the first question, made anew in the child of a fork.
/// Lock-free, so that a fork in the middle cannot leave it locked.
pub(crate) struct OncePerProcess<T: 'static> {
    current: AtomicPtr<Generation<T>>,
}

struct Generation<T> {
    generation: u64,
    value: T,
}

impl<T: Send + Sync + 'static> OncePerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self {
            current: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// The value of this process. When two threads ask first at once, one of two made is dropped.
    pub(crate) fn get_or_leak(&self, make: impl Fn() -> T) -> &'static T {
        let generation = process_generation();
        let mut seen = self.current.load(Ordering::Acquire);
        loop {
            if !seen.is_null() {
                // SAFETY: what is stored here comes from `Box::into_raw` and is never freed.
                let current: &'static Generation<T> = unsafe { &*seen };
                if current.generation == generation {
                    return &current.value;
                }
            }
            let fresh = Box::into_raw(Box::new(Generation {
                generation,
                value: make(),
            }));
            match self
                .current
                .compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => seen = fresh,
                Err(other) => {
                    // SAFETY: `fresh` came from `Box::into_raw` just now and was never shared.
                    drop(unsafe { Box::from_raw(fresh) });
                    seen = other;
                }
            }
        }
    }
}
