//! How a push wakes a sleeping thread: one word that every push reads, nothing while it is zero.
//!
//! Two threads of a process sleep on it: the sender (when all is sent) and the keeper (when all is
//! clean). The first push after that pays for the wake-up and clears the word.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;
use std::time::Duration;

/// Bit of the sender in the word.
pub(crate) const SENDER: u32 = 1;
/// Bit of the keeper in the word.
pub(crate) const KEEPER: u32 = 2;

/// The bell of this process; see [`Bell::of_this_process`].
#[derive(Debug, Default)]
pub struct Bell {
    pub(crate) word: AtomicU32,
    sender: Mutex<Option<Thread>>,
    pub(crate) keeper: Mutex<Option<Thread>>,
}

impl Bell {
    /// The bell that pushes of this process ring.
    #[must_use]
    pub fn of_this_process() -> &'static Self {
        &crate::process::runtime().bell
    }

    /// From now on the next push of any writer wakes the calling thread, which is the sender.
    /// Afterwards look whether there is something to do already, and only then
    /// [`wait`](Self::wait).
    pub fn arm(&self) {
        *lock(&self.sender) = Some(std::thread::current());
        self.word.fetch_or(SENDER, Ordering::SeqCst);
    }

    /// The next push does not wake.
    pub fn disarm(&self) {
        self.word.fetch_and(!SENDER, Ordering::SeqCst);
    }

    /// Sleeps until a push or [`ring_sender`](Self::ring_sender); `false` when the time is over.
    /// Disarms.
    pub fn wait(&self, timeout: Duration) -> bool {
        let until = std::time::Instant::now().checked_add(timeout);
        while self.word.load(Ordering::SeqCst) & SENDER != 0 {
            let Some(until) = until else {
                std::thread::park();
                continue;
            };
            let left = until.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                self.disarm();
                return false;
            }
            std::thread::park_timeout(left);
        }
        true
    }

    /// Wakes the sender if it waits: for flush, close and new runs.
    pub fn ring_sender(&self) {
        self.ring(SENDER);
    }

    /// Clears `bits` and wakes those whose bit was set.
    #[cold]
    pub(crate) fn ring(&self, bits: u32) {
        let was = self.word.fetch_and(!bits, Ordering::SeqCst) & bits;
        if was & SENDER != 0
            && let Some(thread) = &*lock(&self.sender)
        {
            thread.unpark();
        }
        if was & KEEPER != 0
            && let Some(thread) = &*lock(&self.keeper)
        {
            thread.unpark();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
