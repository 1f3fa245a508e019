//! What the methods of [`Run`] and the hot calls of `fastcall` stand on: who may write, how a
//! refusal is told, where a value is read.
//!
//! It is apart from the class since PyO3 takes the methods of a class as one block.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use runstone_client::{ClientError, Context, Mode, ParamPath, SeriesHandle, ValueType};
use serde_json::Value;

use super::Run;
use crate::errors::{UnavailableError, exception_of};
use crate::exit;
use crate::fastcall::LockedCell;
use crate::handle::Handle;
use crate::identity::IdentityCache;
use crate::mirror::Mirror;
use crate::params::python_of_param;
use crate::wait::wait_for;
use crate::warn;

/// What a fork waits for the delivery of its parent's points.
const FORK_WAIT: Duration = Duration::from_secs(60);

/// What `fastcall` needs.
impl Run {
    #[inline]
    pub(crate) fn is_disabled(&self) -> bool {
        self.handle.is_disabled()
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.handle.options.strict
    }

    #[inline]
    pub(crate) fn wants_attention(&self) -> bool {
        warn::wants_attention()
    }

    /// Shows waiting warnings, and does what a new process needs.
    pub(crate) fn attend(&self, py: Python<'_>) -> PyResult<()> {
        warn::show_waiting(py);
        exit::attend(py)
    }

    /// Writes a point; false if it was not written.
    #[inline]
    pub(crate) fn push(
        &self,
        series: SeriesHandle,
        step: Option<f64>,
        epoch: Option<f64>,
        value_bits: u64,
        time_micros: i64,
    ) -> bool {
        self.handle
            .client
            .push_at_time(series, step, epoch, value_bits, time_micros)
    }

    /// Why a point was not written.
    pub(crate) fn not_written(&self) -> ClientError {
        if self.handle.is_closed() {
            return self.closed_error();
        }
        ClientError::Unavailable(
            "the point was not written: no room in the spool; \
             hint: free some disk space, or set RUNSTONE_SPOOL to a folder with room"
                .to_owned(),
        )
    }

    pub(super) fn closed_error(&self) -> ClientError {
        ClientError::Conflict(format!(
            "run {} is closed; hint: open it again with Run({:?})",
            self.hash(),
            self.hash()
        ))
    }

    /// Delivers what was logged, for a fork that is to share it.
    pub(super) fn deliver(&self, py: Python<'_>) -> PyResult<()> {
        let options = &self.handle.options;
        if options.read_only || options.mode == Some(Mode::Disabled) {
            return Ok(());
        }
        let handle = Arc::clone(&self.handle);
        let report = wait_for(py, move || handle.client.flush(Some(FORK_WAIT)))?;
        if report.complete {
            return Ok(());
        }
        Err(UnavailableError::new_err(format!(
            "{} points of run {} are not delivered yet, a fork would not share them; hint: flush the \
             parent first, or look at `runstone doctor`",
            report.pending,
            self.hash()
        )))
    }

    /// Whether the run takes changes.
    pub(super) fn writable(&self) -> Result<&runstone_client::Run, ClientError> {
        if self.handle.is_closed() {
            return Err(self.closed_error());
        }
        if self.handle.options.read_only {
            return Err(ClientError::Conflict(format!(
                "run {} was opened read-only; hint: open it without read_only",
                self.hash()
            )));
        }
        Ok(&self.handle.client)
    }

    pub(crate) fn series(
        &self,
        name: &str,
        context: &Context,
        value_type: ValueType,
        auto_step: bool,
    ) -> Result<SeriesHandle, ClientError> {
        self.handle
            .client
            .series(name, context, value_type, auto_step)
    }

    pub(crate) fn count_refused(&self) {
        self.handle.client.count_refused(1);
    }

    pub(crate) fn tells_first_time(&self, subject: String) -> bool {
        self.handle.tells_first_time(subject)
    }

    /// Shows a text, once.
    pub(super) fn tell(&self, py: Python<'_>, text: String) {
        if !self.is_disabled() && self.handle.tells_first_time(text.clone()) {
            warn::show(py, &text);
        }
    }

    /// What a call that changes the run found: a failure is counted and told, or raised
    /// when strict.
    pub(super) fn outcome(&self, py: Python<'_>, outcome: Result<(), ClientError>) -> PyResult<()> {
        if let Err(error) = outcome {
            if self.is_disabled() {
                return Ok(());
            }
            self.count_refused();
            if self.is_strict() {
                return Err(exception_of(&error));
            }
            self.tell(py, error.to_string());
        }
        if self.wants_attention() {
            self.attend(py)
        } else {
            Ok(())
        }
    }
}

impl Run {
    pub(super) fn of(py: Python<'_>, handle: Arc<Handle>) -> PyResult<Self> {
        let run = Self {
            handle,
            cache: LockedCell::new(IdentityCache::default()),
        };
        if run.wants_attention() {
            run.attend(py)?;
        }
        Ok(run)
    }

    pub(super) fn read<'py>(
        &self,
        py: Python<'py>,
        path: &ParamPath,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        // The lock must not be held while Python objects are made.
        let known = {
            let mirror = self.handle.mirror();
            mirror.knows(path).then(|| mirror.get(path).cloned())
        };
        let found = match known {
            Some(known) => known,
            None => {
                let server = self.handle.read_server(py)?;
                let params = server.as_ref().map_or(&Value::Null, |run| &run["params"]);
                self.handle.mirror().over(params).get(path).cloned()
            }
        };
        found.map(|value| python_of_param(py, &value)).transpose()
    }

    pub(super) fn text_property(
        &self,
        py: Python<'_>,
        key: &str,
        here: impl Fn(&Mirror) -> Option<String>,
    ) -> PyResult<Option<String>> {
        let known = here(&self.handle.mirror());
        if known.is_some() {
            return Ok(known.filter(|text| !text.is_empty()));
        }
        let server = self.handle.read_server(py)?;
        Ok(server.and_then(|run| run[key].as_str().map(str::to_owned)))
    }
}
