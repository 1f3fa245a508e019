//! How a push wakes a sleeping thread: one word that every push reads, nothing while it is zero.
//!
//! Two threads of a process sleep on it: the sender (when all is sent) and the keeper (when all is
//! clean). The first push after that pays for the wake-up and clears the word.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Bit of the sender in the word.
pub(crate) const SENDER: u32 = 1;
/// Bit of the keeper in the word.
pub(crate) const KEEPER: u32 = 2;

/// The bell of this process; see [`Bell::of_this_process`].
#[derive(Debug, Default)]
pub struct Bell {
    word: AtomicU32,
    sender: Sleeper,
    keeper: Sleeper,
}

/// One thread that sleeps.
#[derive(Debug, Default)]
struct Sleeper {
    thread: Mutex<Option<Thread>>,
    is_called: AtomicBool,
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
        self.arm_bit(SENDER);
    }

    /// The next push does not wake.
    pub fn disarm(&self) {
        self.disarm_bit(SENDER);
    }

    /// Sleeps until a push or [`ring_sender`](Self::ring_sender); `false` when the time is over.
    /// Disarms. A ring that came since the last wait counts.
    pub fn wait(&self, timeout: Duration) -> bool {
        let called = self.sender.sleep(Some(timeout));
        self.disarm();
        called
    }

    /// Wakes the sender, asleep or about to: for flush, close and new runs.
    pub fn ring_sender(&self) {
        self.sender.call();
    }

    pub(crate) fn arm_bit(&self, bit: u32) {
        *self.sleeper(bit).lock() = Some(std::thread::current());
        self.word.fetch_or(bit, Ordering::SeqCst);
    }

    pub(crate) fn disarm_bit(&self, bit: u32) {
        self.word.fetch_and(!bit, Ordering::SeqCst);
    }

    /// Wakes the keeper, asleep or about to.
    pub(crate) fn ring_keeper(&self) {
        self.keeper.call();
    }

    /// Sleep of the keeper; `None`: until it is called.
    pub(crate) fn wait_keeper(&self, timeout: Option<Duration>) {
        self.keeper.sleep(timeout);
        self.disarm_bit(KEEPER);
    }

    /// What every push does last.
    #[inline]
    pub(crate) fn pushed(&self) {
        // Sequentially consistent, as the cursor: a sleeper that armed and saw the old cursor is
        // seen here.
        if self.word.load(Ordering::SeqCst) != 0 {
            self.wake_armed();
        }
    }

    #[cold]
    fn wake_armed(&self) {
        let armed = self.word.swap(0, Ordering::SeqCst);
        for bit in [SENDER, KEEPER] {
            if armed & bit != 0 {
                self.sleeper(bit).call();
            }
        }
    }

    fn sleeper(&self, bit: u32) -> &Sleeper {
        if bit == SENDER {
            &self.sender
        } else {
            &self.keeper
        }
    }
}

impl Sleeper {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Thread>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self) {
        self.is_called.store(true, Ordering::SeqCst);
        if let Some(thread) = &*self.lock() {
            thread.unpark();
        }
    }

    fn sleep(&self, timeout: Option<Duration>) -> bool {
        *self.lock() = Some(std::thread::current());
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        while !self.is_called.swap(false, Ordering::SeqCst) {
            match until {
                None => std::thread::park(),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    std::thread::park_timeout(left);
                }
            }
        }
        true
    }
}
