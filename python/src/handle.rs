//! What a run is below its Python object: the client's run and what was set here.
//!
//! Shared with the list of open runs, so it outlives the Python object of a run that nobody
//! closed. All locks are held for plain memory only, never while Python code may run.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use runstone_client::config::{process_environment, read_destination};
use runstone_client::{ApiClient, ClientError, Mode, RunEnd, RunOptions, path_segment};
use serde_json::Value;

use crate::errors::exception_of;
use crate::mirror::Mirror;
use crate::refuse::WARNINGS_MAX;
use crate::report::CloseReport;
use crate::wait::wait_for;
use crate::{exit, warn};

const DISABLED: u8 = 1;
const CLOSED: u8 = 2;

/// See the module.
pub(crate) struct Handle {
    pub(crate) client: runstone_client::Run,
    /// As the user gave them, for a pickle; tokens never are part of it.
    pub(crate) options: RunOptions,
    /// Where reads go; `None` is what the environment says.
    pub(crate) repo: Option<String>,
    /// Made here: nobody else knows more of it.
    fresh: bool,
    state: AtomicU8,
    mirror: Mutex<Mirror>,
    told: Mutex<HashSet<String>>,
    report: OnceLock<CloseReport>,
}

impl Handle {
    /// Opens the run. Touches the spool, not the network.
    pub(crate) fn open(
        py: Python<'_>,
        options: RunOptions,
        repo: Option<String>,
        mirror: Mirror,
    ) -> PyResult<Arc<Self>> {
        let asked = options.clone();
        let opened = py.detach(move || runstone_client::Run::open(asked));
        let client = opened.map_err(|error| exception_of(&error))?;
        let mode = client.mode();
        let handle = Arc::new(Self {
            client,
            fresh: options.run_id.is_none() || mode != Mode::Online,
            state: AtomicU8::new(if mode == Mode::Disabled { DISABLED } else { 0 }),
            options,
            repo,
            mirror: Mutex::new(mirror),
            told: Mutex::new(HashSet::new()),
            report: OnceLock::new(),
        });
        if !handle.options.read_only && mode != Mode::Disabled {
            exit::opened(py, &handle)?;
        }
        Ok(handle)
    }

    /// Nothing is logged: every tracking call returns at once.
    #[inline]
    pub(crate) fn is_disabled(&self) -> bool {
        self.state.load(Ordering::Relaxed) & DISABLED != 0
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.load(Ordering::Relaxed) & CLOSED != 0
    }

    pub(crate) fn mirror(&self) -> MutexGuard<'_, Mirror> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once for each subject, and for the first hundred subjects only.
    pub(crate) fn tells_first_time(&self, subject: String) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < WARNINGS_MAX && told.insert(subject)
    }

    /// Ends the writer. The first call decides how; later ones give its report again.
    pub(crate) fn close(
        self: &Arc<Self>,
        py: Python<'_>,
        end: RunEnd,
        timeout: Option<Duration>,
    ) -> PyResult<CloseReport> {
        let report = self.close_quietly(py, end, timeout);
        warn::show_waiting(py);
        report
    }

    /// As `close`, and leaves it to the caller to show what waits to be told.
    pub(crate) fn close_quietly(
        self: &Arc<Self>,
        py: Python<'_>,
        end: RunEnd,
        timeout: Option<Duration>,
    ) -> PyResult<CloseReport> {
        if self.state.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED != 0 {
            return Ok(self.report.get().cloned().unwrap_or_default());
        }
        let run = Arc::clone(self);
        let report = wait_for(py, move || run.client.close(end, timeout));
        exit::closed(self);
        let report = CloseReport::from(&report?);
        // Only this call gets past the flag.
        let _ = self.report.set(report.clone());
        Ok(report)
    }

    /// What the server knows of the run beside what was set here; `None` if it has nothing to
    /// add. Waits for the network without the interpreter lock.
    ///
    /// # Errors
    /// `UnavailableError` without a server; `NotFoundError` for a read-only run it does not have.
    pub(crate) fn read_server(&self, py: Python<'_>) -> PyResult<Option<Value>> {
        if self.fresh {
            return Ok(None);
        }
        let (repo, token) = (self.repo.clone(), self.options.token.clone());
        let path = format!("/runstone/v1/runs/{}", path_segment(self.client.id()));
        let answer = wait_for(py, move || {
            let reader = match token {
                None => ApiClient::from_environment(repo.as_deref())?,
                Some(token) => {
                    let destination = read_destination(repo.as_deref(), &process_environment)?;
                    ApiClient::new(destination, Some(&token))
                }
            };
            reader.get_json::<Value>(&path, &[])
        })?;
        match answer {
            // Names and prefixes find runs too; only this very run counts.
            Ok(run) if run["id"] == self.client.id() => Ok(Some(run)),
            Ok(_) => self.absent(),
            Err(ClientError::NotFound(_)) => self.absent(),
            Err(error) => Err(exception_of(&error)),
        }
    }

    fn absent(&self) -> PyResult<Option<Value>> {
        if !self.options.read_only {
            // It may be on its way from the spool.
            return Ok(None);
        }
        Err(exception_of(&ClientError::NotFound(format!(
            "there is no run {:?}; hint: `runstone runs` lists those that are",
            self.client.id()
        ))))
    }
}
