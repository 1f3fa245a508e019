//! What a process has once: its generation, the bell, the keeper thread and the lock files.
//!
//! Asked by every part that has a thread, a lock or a mapping. After a fork the child gets all of
//! it anew at the first question, and the parent's is leaked on purpose: its locks may be held by
//! threads that do not exist here. The surprising rule: nothing in here is ever freed.

use crate::os_unix_fork::OncePerProcess;
pub use crate::os_unix_fork::process_generation;
use crate::spool::{Bell, Keeper, LockFiles};

/// See the module.
#[derive(Default)]
pub(crate) struct Runtime {
    pub(crate) bell: Bell,
    pub(crate) keeper: Keeper,
    pub(crate) lock_files: LockFiles,
}

static RUNTIME: OncePerProcess<Runtime> = OncePerProcess::new();

/// The runtime of this process, made at the first call. Lock-free: a fork cannot leave it locked.
pub(crate) fn runtime() -> &'static Runtime {
    RUNTIME.get_or_leak(Runtime::default)
}
