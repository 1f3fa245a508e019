//! Warnings that the user sees at the line of his own call.
//!
//! The client warns from any thread. Here such texts are queued, without the interpreter, and
//! shown by the next call of the user's, at exit at the latest. Two flags of the process say
//! that a call has something to do beside its work: they are one word, so the hot path reads it
//! once.

use std::ffi::CString;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::import_exception;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use runstone_client::{Warning, WarningKind};

import_exception!(runstone.errors, RunstoneWarning);

/// More texts than this are not waiting for a call; the client tells each thing once anyway.
const QUEUE_MAX: usize = 64;

static QUEUE: Mutex<Vec<Warning>> = Mutex::new(Vec::new());
static ATTENTION: AtomicBool = AtomicBool::new(false);
/// Whether the user wants to see warnings, as far as it was known when the interpreter went.
static PRINTS: AtomicBool = AtomicBool::new(true);

/// Whether a call should look at what is waiting.
#[inline]
pub(crate) fn wants_attention() -> bool {
    ATTENTION.load(Ordering::Relaxed)
}

/// Makes the next call look.
pub(crate) fn ask_for_attention() {
    ATTENTION.store(true, Ordering::Relaxed);
}

/// Takes the place of the client's printing to the standard error.
pub(crate) fn install() {
    runstone_client::set_warning_sink(|warning| {
        // The lock is held for some instructions only. A process that was forked in the middle
        // of them must not wait for ever, so that text is lost there rather than the process.
        for _ in 0..1000 {
            if let Ok(mut queue) = QUEUE.try_lock() {
                if queue.len() < QUEUE_MAX {
                    queue.push(warning.clone());
                }
                ask_for_attention();
                return;
            }
            std::thread::yield_now();
        }
    });
}

/// Shows what is waiting, at the user's line.
pub(crate) fn show_waiting(py: Python<'_>) {
    ATTENTION.store(false, Ordering::Relaxed);
    let waiting = QUEUE
        .try_lock()
        .map(|mut queue| std::mem::take(&mut *queue));
    for warning in waiting.unwrap_or_default() {
        show(py, &warning.text);
    }
}

/// Shows what is waiting after many runs were closed at once: of those that could not be
/// delivered one text tells, where there would be one for each.
pub(crate) fn show_waiting_of_many(py: Python<'_>, undelivered: &[PathBuf]) {
    join_undelivered(undelivered);
    show_waiting(py);
}

/// The same on the standard error, as Python prints warnings, when the interpreter is gone.
pub(crate) fn print_waiting_of_many(undelivered: &[PathBuf]) {
    join_undelivered(undelivered);
    let (Ok(waiting), true) = (QUEUE.try_lock(), PRINTS.load(Ordering::Relaxed)) else {
        return;
    };
    for warning in waiting.iter() {
        // Nobody is left to tell when the standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "sys:1: RunstoneWarning: {}",
            warning.text
        );
    }
}

/// Notes whether the user's filters let our warnings through, for the time after the interpreter.
pub(crate) fn settle_printing(py: Python<'_>) {
    let prints = || -> PyResult<bool> {
        let keywords = PyDict::new(py);
        keywords.set_item("record", true)?;
        let catching = py
            .import("warnings")?
            .call_method("catch_warnings", (), Some(&keywords))?;
        let caught = catching.call_method0("__enter__")?;
        let category = py.get_type::<RunstoneWarning>();
        // A filter may make it an error: that too is to be seen.
        let warned = PyErr::warn(py, &category, c"run is not delivered yet", 1);
        catching.call_method1("__exit__", (py.None(), py.None(), py.None()))?;
        Ok(warned.is_err() || caught.len()? > 0)
    };
    PRINTS.store(prints().unwrap_or(true), Ordering::Relaxed);
}

fn join_undelivered(undelivered: &[PathBuf]) {
    let ([first, _, ..], Ok(mut queue)) = (undelivered, QUEUE.try_lock()) else {
        return;
    };
    queue.retain(|warning| warning.kind != WarningKind::Undelivered);
    let place = first.parent().unwrap_or(first).display();
    queue.push(Warning {
        kind: WarningKind::Undelivered,
        text: format!(
            "{} runs are not delivered yet, the rest lies in {place}; hint: `runstone up` takes \
             it when it starts here, `runstone sync` sends it",
            undelivered.len()
        ),
    });
}

/// Shows one text at the user's line. Warnings that the user has turned into errors are printed
/// instead: tracking does not raise.
pub(crate) fn show(py: Python<'_>, text: &str) {
    let text = CString::new(text.replace('\0', "\u{fffd}")).expect("NUL was replaced");
    let category = py.get_type::<RunstoneWarning>();
    if let Err(error) = PyErr::warn(py, &category, &text, 1) {
        error.write_unraisable(py, None);
    }
}
