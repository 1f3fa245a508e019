//! What `flush`, `close` and the counters tell.

use std::path::PathBuf;

/// Points of one writer since it was opened, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounters {
    /// Points of all calls, dropped ones included.
    pub logged: u64,
    /// Acknowledged by the server: durable and readable there.
    pub acknowledged: u64,
    /// Dropped here: no room in the spool.
    pub dropped: u64,
    /// Refused here: a bad name, a bad step, no number.
    pub refused: u64,
    /// Refused by the server; kept in `rejected/`.
    pub refused_by_server: u64,
    /// Slots the server has recorded as lost, because it fell behind what is kept here.
    pub lost_slots: u64,
}

/// What [`crate::Run::flush`] found when it returned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Everything logged before the call is acknowledged.
    pub complete: bool,
    /// Points acknowledged so far.
    pub acknowledged: u64,
    /// Points refused so far, here or by the server.
    pub refused: u64,
    /// Points dropped so far.
    pub dropped: u64,
    /// Points logged and neither acknowledged, dropped nor refused yet; they are in the spool.
    pub pending: u64,
    /// A server has answered lately.
    pub reached: bool,
}

/// What [`crate::Run::close`] found when it returned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloseReport {
    /// Everything is acknowledged, the end of the run included.
    pub delivered: bool,
    /// Points and how they fared.
    pub flush: FlushReport,
    /// Where the rest lies, when it is on disk.
    pub folder: Option<PathBuf>,
    /// What to run to deliver the rest, when there is a rest.
    pub command: Option<String>,
}
