//! A writer: one open run handle in one process.
//!
//! It writes to one run, under its own id, and its slots are numbered by it alone. The end of the
//! primary writer is the run's end; another's is recorded and shown.

use serde::{Deserialize, Serialize};

use crate::{EndReason, LifecycleEvent, Timestamp, WriterId};

/// Seconds without a sign of life after which a run is lost, unless server or run say otherwise.
pub const LEASE_SECONDS_DEFAULT: u32 = 15 * 60;
/// Seconds in which a lost run is waited for, unless server or run say otherwise.
pub const RECOVERY_SECONDS_DEFAULT: u32 = 48 * 60 * 60;

/// One open run handle in one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// Its id; a new one at open, resume and fork of the process.
    pub id: WriterId,
    /// Host name.
    pub host: String,
    /// Boot id of the host, empty where the system has none.
    pub boot_id: String,
    /// Process id.
    pub pid: u32,
    /// Rank among the processes of one job.
    pub rank: Option<u32>,
    /// User name.
    pub user: String,
    /// SDK and version, as `runstone-python/0.1.0`.
    pub sdk: String,
    /// The client's clock at open.
    pub opened_at: Timestamp,
    /// Whether its end is the run's end.
    pub primary: bool,
    /// The writer of the parent process, after a fork.
    pub parent: Option<WriterId>,
    /// Lease asked for; 0 is the server's window.
    pub lease_seconds: u32,
    /// How it ended; absent while it is open.
    pub end: Option<WriterEnd>,
}

/// How a writer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriterEnd {
    /// In which way.
    pub kind: WriterEndKind,
    /// Why, where it was not closed as it should.
    pub reason: Option<EndReason>,
    /// The clock of whoever reported it.
    pub at: Timestamp,
}

/// In which way a writer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriterEndKind {
    /// Closed as it should.
    Closed,
    /// Ended with a cause.
    Failed,
    /// Declared lost by somebody else.
    Lost,
}

impl WriterEndKind {
    /// What a primary writer's end means for its run: closed is a success, failed a failure.
    /// That one writer is lost means nothing yet: the run is lost when no writer has a lease.
    pub fn run_event(self) -> Option<LifecycleEvent> {
        match self {
            Self::Closed => Some(LifecycleEvent::Succeed),
            Self::Failed => Some(LifecycleEvent::Fail),
            Self::Lost => None,
        }
    }

    /// `closed`, `failed`, `lost`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }
}

impl std::fmt::Display for WriterEndKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for WriterEndKind {
    type Err = crate::ModelError;

    fn from_str(text: &str) -> Result<Self, crate::ModelError> {
        match text {
            "closed" => Ok(Self::Closed),
            "failed" => Ok(Self::Failed),
            "lost" => Ok(Self::Lost),
            _ => Err(crate::ModelError::invalid(
                "end of a writer",
                format!("{} is unknown", crate::ids::quoted(text)),
                "one of closed, failed, lost",
            )),
        }
    }
}
