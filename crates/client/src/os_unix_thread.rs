//! Threads that a user's program does not notice: small, and deaf to signals.
#![allow(unsafe_code, reason = "pthread_sigmask")]

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread with 256 KiB of stack that handles no signal: those stay with the program's own
/// threads.
pub(crate) fn spawn_deaf(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    spawn_deaf_with_stack(name, 256 * 1024, work)
}

/// As [`spawn_deaf`], with another stack.
pub(crate) fn spawn_deaf_with_stack(
    name: &str,
    stack_bytes: usize,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    let mut former = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: both sets are ours and zeroed; a new thread inherits the mask of this one, which is
    // set back below in any case.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), former.as_mut_ptr());
    }
    let thread = Builder::new()
        .name(name.to_owned())
        .stack_size(stack_bytes)
        .spawn(work);
    // SAFETY: `former` was filled by the call above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, former.as_ptr(), std::ptr::null_mut());
    }
    thread
}
