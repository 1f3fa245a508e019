//! The keeper: one thread a process that prepares segments ahead, syncs each second, looks for
//! room again after a full disk, and lets acknowledged segments go. It never touches the network.
//!
//! Started with the first writer of a process. It sleeps without a clock while all writers are
//! clean; the first push wakes it through the [`Bell`](super::Bell). What is to be done for one
//! writer is `store::Store::tend`.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::bell::{Bell, KEEPER};
use super::store::SpoolStore;
use crate::os_unix_thread::spawn_deaf;

/// Time between two syncs, and between two tries to find room.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// The keeper's list of writers.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    stores: Vec<Weak<SpoolStore>>,
    is_running: bool,
}

impl Keeper {
    /// Takes care of one more writer from now on. Without a thread (none can be started) segments
    /// are made in the calls, and the kernel decides when to write.
    pub(crate) fn add(&'static self, store: &Arc<SpoolStore>, bell: &'static Bell) {
        let mut inner = self.lock();
        inner.stores.retain(|store| store.strong_count() > 0);
        inner.stores.push(Arc::downgrade(store));
        if !inner.is_running {
            inner.is_running = spawn_deaf("runstone-keeper", move || self.keep(bell)).is_ok();
        }
        drop(inner);
        bell.ring_keeper();
    }

    /// Writers of this process.
    pub(crate) fn count(&self) -> usize {
        self.lock().stores.len()
    }

    fn stores(&self) -> Vec<Arc<SpoolStore>> {
        let mut inner = self.lock();
        inner.stores.retain(|store| store.strong_count() > 0);
        inner.stores.iter().filter_map(Weak::upgrade).collect()
    }

    fn keep(&self, bell: &'static Bell) {
        let mut tick_at = Instant::now() + TICK;
        loop {
            let prepare = |stores: &[Arc<SpoolStore>]| {
                for store in stores {
                    store.prepare();
                }
            };
            let stores = self.stores();
            prepare(&stores);
            let now = Instant::now();
            if now >= tick_at {
                for store in &stores {
                    // Between two waits for the disk whoever ran out of segments gets one.
                    store.tick(now, || prepare(&stores));
                }
                tick_at = Instant::now() + TICK;
            }
            let dirty = stores.iter().any(|store| store.is_dirty());
            if dirty {
                drop(stores);
                bell.wait_keeper(Some(tick_at.saturating_duration_since(Instant::now())));
                continue;
            }
            bell.arm_bit(KEEPER);
            if stores.iter().any(|store| store.is_dirty()) {
                bell.disarm_bit(KEEPER);
                continue;
            }
            let wake_at = stores.iter().filter_map(|store| store.next_release()).min();
            drop(stores);
            bell.wait_keeper(wake_at.map(|at| at.saturating_duration_since(Instant::now())));
            let now = Instant::now();
            let is_release = wake_at.is_some_and(|at| at <= now);
            tick_at = if is_release { now } else { now + TICK };
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
