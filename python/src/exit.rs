//! How runs end that nobody closed: at the end of the interpreter, of a worker, of a fork.
//!
//! Open runs are listed here, so one that goes out of scope stays open until it is closed or the
//! process ends; nobody can know sooner how it ended. At the end the interpreter may hold the
//! exception it died of: then the runs have failed of it. The surprising rule: worker processes
//! of `multiprocessing` end in other ways, so there the runs end with the work of the worker.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use runstone_client::RunEnd;
use runstone_model::ReasonCode;

use crate::convert::{text_of, type_name};
use crate::handle::Handle;
use crate::warn;

/// All runs together at the end of the interpreter.
const EXIT_WAIT: Duration = Duration::from_secs(5);
/// A longer text of an exception is cut.
const REASON_BYTES_MAX: usize = 8 * 1024;

static OPEN: Mutex<Vec<Arc<Handle>>> = Mutex::new(Vec::new());
static WATCHED: AtomicBool = AtomicBool::new(false);
static FORKED: AtomicBool = AtomicBool::new(false);

fn open_runs() -> std::sync::MutexGuard<'static, Vec<Arc<Handle>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps an open run until it is closed.
pub(crate) fn opened(py: Python<'_>, run: &Arc<Handle>) -> PyResult<()> {
    open_runs().push(Arc::clone(run));
    if WATCHED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let module = py.import("runstone._runstone")?;
    py.import("atexit")?
        .call_method1("register", (module.getattr("_at_exit")?,))?;
    let hooks = PyDict::new(py);
    hooks.set_item("after_in_child", module.getattr("_after_fork")?)?;
    let system = py.import("os")?;
    if system.hasattr("register_at_fork")? {
        system.call_method("register_at_fork", (), Some(&hooks))?;
    }
    watch_worker(py)
}

/// A closed run needs no end any more.
pub(crate) fn closed(run: &Arc<Handle>) {
    open_runs().retain(|open| !Arc::ptr_eq(open, run));
}

/// Called in the child of a fork, before anything else.
#[pyfunction]
pub(crate) fn _after_fork() {
    FORKED.store(true, Ordering::Relaxed);
    warn::ask_for_attention();
}

/// What the first call after a fork has to do.
pub(crate) fn attend(py: Python<'_>) -> PyResult<()> {
    if FORKED.swap(false, Ordering::Relaxed) {
        watch_worker(py)?;
    }
    Ok(())
}

/// Called by `multiprocessing` in a worker of its own, before the worker's work.
#[pyfunction]
pub(crate) fn _in_worker(py: Python<'_>, _module: &Bound<'_, PyAny>) -> PyResult<()> {
    let process = py.import("multiprocessing.process")?;
    let worker = process.call_method0("current_process")?;
    let at_exit = py.import("runstone._runstone")?.getattr("_at_exit")?;
    py.import("runstone._worker")?
        .call_method1("end_with", (worker, at_exit))?;
    Ok(())
}

/// In a worker of `multiprocessing`, ends the runs when its work is done. A run may come to a
/// worker before it is one, in the pickle of its work: then it asks to be called again.
fn watch_worker(py: Python<'_>) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(process) = modules.get_item("multiprocessing.process") else {
        return Ok(());
    };
    // Whoever starts a worker loads it too.
    let util = py.import("multiprocessing.util")?;
    let module = py.import("runstone._runstone")?;
    if process.call_method0("parent_process")?.is_none() {
        let in_worker = module.getattr("_in_worker")?;
        util.call_method1("register_after_fork", (module, in_worker))?;
        return Ok(());
    }
    let settings = PyDict::new(py);
    settings.set_item("exitpriority", 10)?;
    let at_exit = module.getattr("_at_exit")?;
    util.call_method("Finalize", (py.None(), at_exit), Some(&settings))?;
    Ok(())
}

/// Ends all open runs as the process ends; waits 5 seconds at most. Raises nothing.
#[pyfunction]
pub(crate) fn _at_exit(py: Python<'_>) {
    let runs = std::mem::take(&mut *open_runs());
    let end = end_of_process(py).unwrap_or(RunEnd::Succeeded);
    let deadline = Instant::now() + EXIT_WAIT;
    for run in &runs {
        // Their ends travel together, where closing one by one would wait for each.
        run.client.end(end.clone());
    }
    let mut undelivered = Vec::new();
    for run in runs {
        let left = deadline.saturating_duration_since(Instant::now());
        // After Ctrl-C the rest lies in the spool.
        if let Ok(report) = run.close_quietly(py, end.clone(), Some(left)) {
            undelivered.extend(report.folder.map(PathBuf::from));
        }
    }
    warn::show_waiting_of_many(py, &undelivered);
}

/// The exception that ends this process or worker, if there is one.
fn end_of_process(py: Python<'_>) -> Option<RunEnd> {
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

/// How a run ends that an exception leaves.
pub(crate) fn end_of(error: &Bound<'_, PyAny>) -> RunEnd {
    let py = error.py();
    let kind = type_name(error);
    let message = error.str().map(|text| text_of(&text)).unwrap_or_default();
    let mut text = if message.is_empty() {
        kind
    } else {
        format!("{kind}: {message}")
    };
    if text.len() > REASON_BYTES_MAX {
        let cut = (0..=REASON_BYTES_MAX)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(cut.unwrap_or(0));
    }
    if error.is_instance_of::<PySystemExit>() {
        let code = error
            .getattr("code")
            .unwrap_or_else(|_| py.None().into_bound(py));
        if code.is_none() || code.extract::<i64>().is_ok_and(|code| code == 0) {
            return RunEnd::Succeeded;
        }
        let text = match code.extract::<i64>() {
            Ok(code) => format!("exit code {code}"),
            // A text as code is printed, and the code is 1.
            Err(_) => format!("exit code 1: {message}"),
        };
        return RunEnd::Failed {
            code: ReasonCode::ExitCode,
            text,
        };
    }
    let code = if error.is_instance_of::<PyKeyboardInterrupt>() {
        ReasonCode::Interrupted
    } else if error.is_instance_of::<pyo3::exceptions::PyMemoryError>() {
        ReasonCode::Oom
    } else {
        ReasonCode::Exception
    };
    RunEnd::Failed { code, text }
}
