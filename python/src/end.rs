//! Which end an exception or an exit code is.
//!
//! Two witnesses tell how a process ends that closed no run: the exception that the interpreter
//! prints stays in `sys.last_value`, and `SystemExit` leaves nothing but the exit code. The text
//! of `sys.exit("text")` is printed and gone, so `sys.exit` is wrapped to note it. The surprising
//! rule: what is noted is believed only if the exit code bears it out, because a `SystemExit` may
//! be caught.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PySystemExit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use runstone_client::RunEnd;
use runstone_model::ReasonCode;

use crate::convert::{text_of, type_name};

/// A longer text of an exception is cut.
const REASON_BYTES_MAX: usize = 8 * 1024;

/// What the last `sys.exit` of the main thread was given.
enum Noted {
    Code(i64),
    Text(String),
}

static NOTED: Mutex<Option<Noted>> = Mutex::new(None);
static EXIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// How a run ends that an exception leaves.
pub(crate) fn end_of(error: &Bound<'_, PyAny>) -> RunEnd {
    let kind = type_name(error);
    let message = error.str().map(|text| text_of(&text)).unwrap_or_default();
    if error.is_instance_of::<PySystemExit>() {
        let code = error.getattr("code").ok();
        return exited(&noted(code.as_ref(), message));
    }
    let text = if message.is_empty() {
        kind
    } else {
        format!("{kind}: {message}")
    };
    let code = if error.is_instance_of::<PyKeyboardInterrupt>() {
        ReasonCode::Interrupted
    } else if error.is_instance_of::<PyMemoryError>() {
        ReasonCode::Oom
    } else {
        ReasonCode::Exception
    };
    RunEnd::Failed {
        code,
        text: cut(text),
    }
}

/// The exception that ends this process or worker, if the interpreter tells one.
pub(crate) fn end_of_process(py: Python<'_>) -> Option<RunEnd> {
    let system = py.import("sys").ok()?;
    let in_flight = system.call_method0("exc_info").ok()?.get_item(1).ok()?;
    if !in_flight.is_none() {
        return Some(end_of(&in_flight));
    }
    // Set when the interpreter prints the exception that ends a script; in a session it may be
    // any earlier one.
    if system.hasattr("ps1").ok()? {
        return None;
    }
    let last = system.getattr("last_value").ok()?;
    (!last.is_none()).then(|| end_of(&last))
}

/// How a run ends whose process exits with a code. Needs no interpreter.
pub(crate) fn end_of_exit_code(status: i32) -> RunEnd {
    // A text is printed, and the code is 1.
    if status == 1
        && let Some(Noted::Text(text)) = noted_last().take()
    {
        return exited(&Noted::Text(text));
    }
    exited(&Noted::Code(i64::from(status)))
}

/// The same where nobody tells the exit code: by the last `sys.exit`, caught or not.
pub(crate) fn end_of_noted_exit() -> RunEnd {
    noted_last()
        .take()
        .map_or(RunEnd::Succeeded, |last| exited(&last))
}

fn exited(with: &Noted) -> RunEnd {
    let text = match with {
        Noted::Code(0) => return RunEnd::Succeeded,
        Noted::Code(code) => format!("exit code {code}"),
        Noted::Text(text) => format!("exit code 1: {text}"),
    };
    RunEnd::Failed {
        code: ReasonCode::ExitCode,
        text: cut(text),
    }
}

fn noted(code: Option<&Bound<'_, PyAny>>, text: String) -> Noted {
    match code {
        None => Noted::Code(0),
        Some(code) if code.is_none() => Noted::Code(0),
        Some(code) => code.extract().map_or(Noted::Text(text), Noted::Code),
    }
}

fn noted_last() -> std::sync::MutexGuard<'static, Option<Noted>> {
    NOTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cut(mut text: String) -> String {
    if text.len() > REASON_BYTES_MAX {
        let cut = (0..=REASON_BYTES_MAX)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(cut.unwrap_or(0));
    }
    text
}

/// Puts `exit` below in the place of `sys.exit`.
pub(crate) fn watch_exit(py: Python<'_>) -> PyResult<()> {
    let system = py.import("sys")?;
    let former = system.getattr("exit")?;
    if EXIT.set(py, former.unbind()).is_err() {
        return Ok(());
    }
    let ours = wrap_pyfunction!(exit, &py.import("runstone._runstone")?)?;
    ours.setattr("__module__", "sys")?;
    system.setattr("exit", ours)
}

/// Exit the interpreter by raising SystemExit(status).
///
/// None and 0 tell success, other integers are the exit code; anything else is printed, and the
/// exit code is 1.
#[pyfunction]
#[pyo3(signature = (*arguments), text_signature = "(status=None, /)")]
fn exit(py: Python<'_>, arguments: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    // Nothing that goes wrong here may keep the script from its end.
    let _ = note(py, arguments);
    let former = EXIT
        .get(py)
        .expect("it was kept before this function was installed");
    former.call1(py, arguments.clone())
}

fn note(py: Python<'_>, arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
    if !is_main_thread(py)? {
        return Ok(());
    }
    let given = arguments.get_item(0).ok();
    let text = match &given {
        Some(given) => text_of(&given.str()?),
        None => String::new(),
    };
    *noted_last() = Some(noted(given.as_ref(), cut(text)));
    Ok(())
}

/// An exit of another thread ends that thread only.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(threading) = modules.get_item("threading") else {
        return Ok(true);
    };
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}
