//! The primitives of the model checker, in place of those of std.

pub(super) use shuttle::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
pub(super) use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard};
pub(super) use std::sync::PoisonError;
