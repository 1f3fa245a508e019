//! What `Run.log_info` and its kin do: a message, the caller's file and line, extra arguments.
//!
//! Apart from the class, as `calls` is.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use runstone_client::{LogLevel, Record};

use super::Run;
use crate::asked::text_given;
use crate::params::{Taken, param_of};

/// Name of the logger that these calls stand for.
const LOGGER: &str = "run";

impl Run {
    /// Logs a record. What can't be kept of the extra arguments is left out and told.
    pub(super) fn log_message(
        &self,
        py: Python<'_>,
        level: LogLevel,
        message: &Bound<'_, PyAny>,
        extra: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let mut json = None;
        if let Some(extra) = extra.filter(|extra| !extra.is_empty()) {
            let Taken {
                value,
                notices,
                refused,
            } = param_of(extra.as_any(), "")?;
            for notice in notices {
                self.tell(py, notice);
            }
            for error in refused {
                self.outcome(py, Err(error))?;
            }
            json = value.map(|value| value.to_json().to_string());
        }
        let source = caller(py);
        let outcome = text_given("message of a log record", message).and_then(|message| {
            let mut record = Record::new(level, &message).logger(LOGGER);
            if let Some((file, line)) = &source {
                record = record.source(file, *line);
            }
            if let Some(json) = &json {
                record = record.extra(json);
            }
            self.writable()?.log_record(&record)
        });
        self.outcome(py, outcome)
    }
}

/// File and line of the Python code that calls; compiled functions have no frame of their own.
fn caller(py: Python<'_>) -> Option<(String, u32)> {
    let read = || -> PyResult<(String, u32)> {
        let frame = py.import("sys")?.call_method1("_getframe", (0,))?;
        let file = frame.getattr("f_code")?.getattr("co_filename")?;
        Ok((file.extract()?, frame.getattr("f_lineno")?.extract()?))
    };
    read().ok()
}
