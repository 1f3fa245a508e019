//! Counters in memory shared with a child, so that they survive its `kill -9`.
//!
//! A counter is written with one aligned 8-byte store: anything else is torn by the kill, and the
//! test would accuse the wrong party.
#![allow(
    unsafe_code,
    reason = "a shared mapping of a file, eight aligned bytes a counter"
)]

use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, ensure};

/// Number of counters in a file.
pub const COUNTERS: usize = 64;
/// Set to 1 by the test: the child has tracked enough, closes its run and ends.
pub const ENOUGH: usize = 61;
/// Holds the process id of a forked child.
pub const FORKED_PID: usize = 62;
/// Becomes 1 when the child has begun to track.
pub const STARTED: usize = 63;

const BYTES: usize = COUNTERS * 8;

/// A mapped file of counters.
#[derive(Debug)]
pub struct Counters(*const AtomicU64);

// SAFETY: the memory is only reached through atomics and stays mapped for the process's life.
unsafe impl Send for Counters {}
// SAFETY: as above.
unsafe impl Sync for Counters {}

impl Counters {
    /// Maps the file, which is made if it is missing.
    ///
    /// # Errors
    /// When the file can't be made or mapped.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(|| format!("open counters {}", path.display()))?;
        file.set_len(BYTES as u64)?;
        // SAFETY: a fresh shared mapping of BYTES bytes of a file of that length.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        ensure!(
            address != libc::MAP_FAILED,
            "map counters {}",
            path.display()
        );
        Ok(Self(address.cast_const().cast()))
    }

    fn slot(&self, index: usize) -> &AtomicU64 {
        assert!(index < COUNTERS, "counter {index} of {COUNTERS}");
        // SAFETY: inside the mapping, aligned, and never unmapped.
        unsafe { &*self.0.add(index) }
    }

    /// Sets a counter with one aligned store.
    pub fn set(&self, index: usize, value: u64) {
        self.slot(index).store(value, Ordering::Release);
    }

    /// Reads a counter.
    pub fn get(&self, index: usize) -> u64 {
        self.slot(index).load(Ordering::Acquire)
    }
}

/// Sends a signal to a process; errors (it is gone already) are no matter.
pub fn signal(pid: u32, signal: i32) {
    // SAFETY: kill has no memory effects; the pid is one this test started.
    unsafe { libc::kill(pid.cast_signed(), signal) };
}

/// Whether a thread of a process lives (a zombie does not). The main thread may be gone while
/// others still hold the process's files and locks.
pub fn is_alive(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads.flatten().any(|thread| {
        std::fs::read_to_string(thread.path().join("stat"))
            .is_ok_and(|stat| !matches!(state_in(&stat), Some('Z' | 'X')))
    })
}

/// The state in a line of `/proc/PID/stat`: the letter behind the name in brackets.
fn state_in(stat: &str) -> Option<char> {
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// Forks; 0 in the child.
pub fn fork() -> i32 {
    // SAFETY: the child goes on in this thread only, with code that expects to be forked: that is
    // what the test is about.
    unsafe { libc::fork() }
}
