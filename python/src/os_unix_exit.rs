//! Hears the exit code of this process when it goes.
//!
//! The interpreter tells nobody the code of `sys.exit`: its own exit handlers run before the
//! process has one. The C library does, to the handlers of `on_exit`; they run when the
//! interpreter is gone already, so the action must not touch it. Only glibc has them.
#![allow(unsafe_code, reason = "on_exit of the C library")]

use std::sync::OnceLock;

static ACTION: OnceLock<fn(i32)> = OnceLock::new();

/// Calls `action` with the exit code when this process, or a fork of it, exits by `exit`: not
/// when a signal or `_exit` ends it. The first call counts. False where there is no such thing.
pub(crate) fn when_process_exits(action: fn(i32)) -> bool {
    ACTION.set(action).is_ok() && register()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn register() -> bool {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }

    extern "C" fn exits(status: c_int, _argument: *mut c_void) {
        if let Some(action) = ACTION.get() {
            // A panic must not unwind into the C library.
            let _ = std::panic::catch_unwind(|| action(status));
        }
    }

    // SAFETY: the function lives as long as the module, which Python never unloads, and takes no
    // argument.
    unsafe { on_exit(exits, std::ptr::null_mut()) == 0 }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn register() -> bool {
    false
}
