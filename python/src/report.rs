//! What `flush` and `close` tell, as Python objects.

use pyo3::prelude::*;

/// What happened to the points of a run up to now.
///
/// Attributes
/// ----------
/// complete : bool
///     Everything logged before the call is acknowledged: durable and readable at the server.
/// acknowledged, refused, dropped, pending : int
///     Points so far: acknowledged by the server; refused here or there; dropped for want of
///     room; in the spool of this machine and still to be sent.
/// reached : bool
///     The server has answered lately.
#[pyclass(frozen, get_all, module = "runstone", name = "FlushReport")]
pub(crate) struct FlushReport {
    complete: bool,
    acknowledged: u64,
    refused: u64,
    dropped: u64,
    pending: u64,
    reached: bool,
}

#[pymethods]
impl FlushReport {
    fn __repr__(&self) -> String {
        format!(
            "FlushReport(complete={}, acknowledged={}, refused={}, dropped={}, pending={}, reached={})",
            python_bool(self.complete),
            self.acknowledged,
            self.refused,
            self.dropped,
            self.pending,
            python_bool(self.reached)
        )
    }
}

impl From<&runstone_client::FlushReport> for FlushReport {
    fn from(report: &runstone_client::FlushReport) -> Self {
        Self {
            complete: report.complete,
            acknowledged: report.acknowledged,
            refused: report.refused,
            dropped: report.dropped,
            pending: report.pending,
            reached: report.reached,
        }
    }
}

/// What `close` found when it returned.
///
/// Attributes
/// ----------
/// delivered : bool
///     Everything is acknowledged, the end of the run included.
/// acknowledged, refused, dropped, pending : int
///     Points, as in `FlushReport`.
/// folder : str or None
///     Where the rest lies, when there is a rest and it is on disk.
/// command : str or None
///     What to run to deliver the rest.
#[pyclass(frozen, get_all, module = "runstone", name = "CloseReport")]
#[derive(Clone, Default)]
pub(crate) struct CloseReport {
    delivered: bool,
    acknowledged: u64,
    refused: u64,
    dropped: u64,
    pending: u64,
    pub(crate) folder: Option<String>,
    command: Option<String>,
}

#[pymethods]
impl CloseReport {
    fn __repr__(&self) -> String {
        format!(
            "CloseReport(delivered={}, acknowledged={}, refused={}, dropped={}, pending={})",
            python_bool(self.delivered),
            self.acknowledged,
            self.refused,
            self.dropped,
            self.pending
        )
    }
}

impl From<&runstone_client::CloseReport> for CloseReport {
    fn from(report: &runstone_client::CloseReport) -> Self {
        Self {
            delivered: report.delivered,
            acknowledged: report.flush.acknowledged,
            refused: report.flush.refused,
            dropped: report.flush.dropped,
            pending: report.flush.pending,
            folder: report
                .folder
                .as_ref()
                .map(|folder| folder.display().to_string()),
            command: report.command.clone(),
        }
    }
}

fn python_bool(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}
