//! Waits for the client without the interpreter lock, and lets Ctrl-C through.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use pyo3::prelude::*;

use crate::errors::InternalError;

/// How often a waiting call looks for signals.
const LOOK: Duration = Duration::from_millis(100);

type Work<T> = Box<dyn FnOnce() -> T + Send>;

/// Runs `work` on a thread of its own and waits for it with the interpreter lock released. After
/// Ctrl-C the thread goes on alone and its result is lost.
///
/// # Errors
/// What a signal handler raises; `InternalError` if the work panicked.
pub(crate) fn wait_for<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (hand_over, take) = channel::<Work<T>>();
    let (answer, mut answers) = channel();
    let thread = std::thread::Builder::new()
        .name("runstone-wait".to_owned())
        .spawn(move || {
            if let Ok(work) = take.recv() {
                // Nobody listens any more after Ctrl-C.
                let _ = answer.send(work());
            }
        });
    let work: Work<T> = Box::new(work);
    // Where no more threads can be had, wait in place.
    if thread.is_err() {
        return Ok(py.detach(work));
    }
    if hand_over.send(work).is_err() {
        return Err(InternalError::new_err(
            "a thread of runstone ended before its work",
        ));
    }
    loop {
        let answers = &mut answers;
        match py.detach(move || answers.recv_timeout(LOOK)) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(InternalError::new_err(
                    "a call into the runstone client failed",
                ));
            }
        }
    }
}
