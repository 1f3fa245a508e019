//! What a caller can say when a run is opened and closed.
//!
//! Everything is plain text here and is checked by [`crate::Run::open`], so that front ends pass
//! on what their user wrote.

use std::path::PathBuf;

use runstone_model::{ParamValue, ReasonCode};
use serde::{Deserialize, Serialize};

use crate::error::ClientError;

/// Where tracked points go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Into the spool, and from there to the server.
    #[default]
    Online,
    /// Into the spool only; `runstone sync` or `runstone up` delivers later.
    Offline,
    /// Nowhere: every call returns at once.
    Disabled,
}

impl std::str::FromStr for Mode {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, ClientError> {
        match text {
            "online" => Ok(Self::Online),
            "offline" => Ok(Self::Offline),
            "disabled" => Ok(Self::Disabled),
            _ => Err(ClientError::Invalid(format!(
                "unknown mode {text:?}; hint: use online, offline or disabled"
            ))),
        }
    }
}

/// What a tracking call does when the disk is full or the spool's bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// Drop the point and count it by series; the run shows the gap.
    #[default]
    Drop,
    /// Wait until there is room.
    Wait,
}

/// How to open a run; see [`crate::Run::open`]. All fields have a default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// `None`: a new run with a new id. Else the run of this id is resumed, or created.
    pub run_id: Option<String>,
    /// Name of the experiment; `None` is `default` at creation and no change at a resume.
    pub experiment: Option<String>,
    /// Name of the run.
    pub name: Option<String>,
    /// Description, free text.
    pub description: Option<String>,
    /// A dict, merged at the root of the run's params.
    pub config: Option<ParamValue>,
    /// Tags to add.
    pub tags: Vec<String>,
    /// Group of runs that belong together.
    pub group: Option<String>,
    /// What kind of job this is.
    pub job_type: Option<String>,
    /// Seed of the run's randomness.
    pub seed: Option<i64>,
    /// Id of the run that this one repeats.
    pub rerun_of: Option<String>,
    /// Id of a run of the same server and a step: a new run begins with what that run shows up to
    /// the step, that included, when the server hears of it. Nothing is copied.
    pub fork: Option<(String, f64)>,
    /// Rank of this process in its job.
    pub rank: Option<u32>,
    /// Whether the end of this writer is the end of the run; `None`: yes, unless the rank is
    /// greater than 0.
    pub primary: Option<bool>,
    /// Address of the server; `None`: RUNSTONE_URL, MATYAN_FRONTIER_URL, then the local server.
    /// An address with a user or a password is refused.
    pub url: Option<String>,
    /// Token; `None`: RUNSTONE_TOKEN, then the token file of the home.
    #[serde(skip)]
    pub token: Option<String>,
    /// `None`: RUNSTONE_MODE, then online.
    pub mode: Option<Mode>,
    /// Tracking calls return errors instead of counting them and warning once.
    pub strict: bool,
    /// Every writing call is refused; nothing is spooled.
    pub read_only: bool,
    /// Resume also a run that some other writer seems to hold.
    pub force_resume: bool,
    /// Root of the spool; `None`: RUNSTONE_SPOOL, then `spool` in the home.
    pub spool: Option<PathBuf>,
    /// What to do when there is no room.
    pub on_full: OnFull,
    /// Bound of this writer's spool in bytes; `None`: the smaller of 20 GiB and a tenth of the
    /// free disk.
    pub spool_bytes_max: Option<u64>,
    /// SDK and version, as `runstone-python/0.1.0`; `None`: this crate's.
    pub sdk: Option<String>,
}

/// How a writer ends, and with it the run if the writer is primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// As it should.
    Succeeded,
    /// With a cause.
    Failed {
        /// Kind of the cause.
        code: ReasonCode,
        /// The cause, verbatim.
        text: String,
    },
}
