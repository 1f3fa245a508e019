//! How runs end that nobody closed: at the end of the interpreter, of a worker, of a fork.
//!
//! Open runs are listed here, so one that goes out of scope stays open until it is closed or the
//! process ends; nobody can know sooner how it ended. An exception that the interpreter died of
//! ends them when its exit handlers run. Without one the runs wait for the exit code, and end when
//! the interpreter is gone. The surprising rule: worker processes of `multiprocessing` end in
//! other ways, so there the runs end with the work of the worker.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use runstone_client::RunEnd;

use crate::end::{end_of_exit_code, end_of_noted_exit, end_of_process, watch_exit};
use crate::handle::Handle;
use crate::os_unix_exit::when_process_exits;
use crate::warn;

/// All runs together at the end of the interpreter.
const EXIT_WAIT: Duration = Duration::from_secs(5);

static OPEN: Mutex<Vec<Arc<Handle>>> = Mutex::new(Vec::new());
static WATCHED: AtomicBool = AtomicBool::new(false);
static FORKED: AtomicBool = AtomicBool::new(false);
/// The exit code of this process will be told.
static CODE_COMES: AtomicBool = AtomicBool::new(false);
/// The process whose interpreter is gone and whose runs wait for its exit code; 0 is none.
static LEAVING: AtomicU32 = AtomicU32::new(0);

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
    CODE_COMES.store(when_process_exits(process_exits), Ordering::Relaxed);
    watch_exit(py)?;
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
    let end_runs = py.import("runstone._runstone")?.getattr("_end_runs")?;
    py.import("runstone._worker")?
        .call_method1("end_with", (worker, end_runs))?;
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
    let end_runs = module.getattr("_end_runs")?;
    util.call_method("Finalize", (py.None(), end_runs), Some(&settings))?;
    Ok(())
}

/// Called as the interpreter goes: ends all open runs, or leaves that to the exit code.
#[pyfunction]
pub(crate) fn _at_exit(py: Python<'_>) {
    match end_of_process(py) {
        Some(end) => end_all(py, &end),
        None if CODE_COMES.load(Ordering::Relaxed) => {
            warn::show_waiting(py);
            warn::settle_printing(py);
            LEAVING.store(std::process::id(), Ordering::Release);
        }
        None => end_all(py, &end_of_noted_exit()),
    }
}

/// Called when the work of a worker is done: ends all open runs.
#[pyfunction]
pub(crate) fn _end_runs(py: Python<'_>) {
    end_all(py, &end_of_process(py).unwrap_or(RunEnd::Succeeded));
}

/// Ends all open runs; waits 5 seconds at most. Raises nothing.
fn end_all(py: Python<'_>, end: &RunEnd) {
    let runs = std::mem::take(&mut *open_runs());
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

/// The same when the interpreter is gone and the exit code is known.
fn process_exits(code: i32) {
    // A fork that exits without its interpreter ends nothing.
    if LEAVING.swap(0, Ordering::AcqRel) != std::process::id() {
        return;
    }
    // A thread that never comes back may hold it.
    let Ok(runs) = OPEN.try_lock().map(|mut open| std::mem::take(&mut *open)) else {
        return;
    };
    let end = end_of_exit_code(code);
    let deadline = Instant::now() + EXIT_WAIT;
    for run in &runs {
        run.client.end(end.clone());
    }
    let mut undelivered = Vec::new();
    for run in runs {
        let left = deadline.saturating_duration_since(Instant::now());
        undelivered.extend(run.client.close(end.clone(), Some(left)).folder);
    }
    warn::print_waiting_of_many(&undelivered);
}
