//! A schedule that is the same for the same seed: of all tasks that stand at their gates one goes on,
//! until it stands at its next one.
//!
//! Whatever takes how long, the order of the steps is that of the seed. A task that is killed at its gate
//! has done all steps before it and nothing of the one that it stood before.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::gate::Hook;

/// SplitMix64: numbers that are the same for the same seed everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Whether something happens that does so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// The tasks of one schedule.
#[derive(Default)]
pub(crate) struct Schedule {
    tasks: BTreeMap<usize, JoinHandle<()>>,
    next: usize,
    gates: Arc<Gates>,
    /// What was done, for the message of a failure.
    pub(crate) trace: Vec<String>,
}

#[derive(Default)]
struct Gates {
    waiting: Mutex<BTreeMap<usize, (&'static str, oneshot::Sender<()>)>>,
    ended: Mutex<Vec<usize>>,
    moved: Notify,
}

/// Tells of the end of a task, however it ends.
struct End {
    gates: Arc<Gates>,
    task: usize,
}

impl Drop for End {
    fn drop(&mut self) {
        self.gates.ended.lock().unwrap().push(self.task);
        self.gates.moved.notify_one();
    }
}

impl Schedule {
    /// The hook of the task that is spawned next.
    pub(crate) fn next_hook(&self) -> Hook {
        let (gates, task) = (self.gates.clone(), self.next);
        Arc::new(move |step| {
            let gates = gates.clone();
            Box::pin(async move {
                let (open, opened) = oneshot::channel();
                gates.waiting.lock().unwrap().insert(task, (step, open));
                gates.moved.notify_one();
                // A schedule that is gone lets everybody pass.
                opened.await.ok();
            })
        })
    }

    /// Spawns a task that passes gates by [`Schedule::next_hook`].
    pub(crate) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let end = End {
            gates: self.gates.clone(),
            task: self.next,
        };
        let task = tokio::spawn(async move {
            let _end = end;
            work.await;
        });
        self.tasks.insert(self.next, task);
        self.next += 1;
    }

    /// Tasks that have neither ended nor been killed, each at its gate.
    pub(crate) async fn settled(&mut self) -> Vec<usize> {
        loop {
            let ended = std::mem::take(&mut *self.gates.ended.lock().unwrap());
            for task in ended {
                // Those that were killed are removed already.
                if let Some(handle) = self.tasks.remove(&task) {
                    handle.await.expect("a task of a schedule does not panic");
                }
            }
            let waiting = self.gates.waiting.lock().unwrap().len();
            if waiting == self.tasks.len() {
                return self.tasks.keys().copied().collect();
            }
            self.gates.moved.notified().await;
        }
    }

    /// Lets a task do its step; returns which. [`Schedule::settled`] waits for the end of it.
    pub(crate) fn step(&mut self, task: usize) -> &'static str {
        let found = self.gates.waiting.lock().unwrap().remove(&task);
        let (step, open) = found.expect("the task stands at its gate");
        self.trace.push(format!("{task}: {step}"));
        open.send(()).ok();
        step
    }

    /// Kills a task at its gate.
    pub(crate) async fn kill(&mut self, task: usize) {
        let handle = self.tasks.remove(&task).expect("the task lives");
        handle.abort();
        handle.await.ok();
        let found = self.gates.waiting.lock().unwrap().remove(&task);
        let step = found.map(|(step, _)| step).unwrap_or_default();
        self.trace.push(format!("{task}: killed before {step}"));
    }

    /// Notes something that the test did.
    pub(crate) fn note(&mut self, what: impl Into<String>) {
        self.trace.push(what.into());
    }
}
