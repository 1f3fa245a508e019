//! The primitives that the line of segments and its reader stand on: those of std here, those of the
//! model checker in `model`, which compiles the same files once more.

pub(super) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
