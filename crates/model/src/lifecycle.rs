//! The words of a run's life: states, reasons, events, and who causes them.
//!
//! Which event leads from which state to which is the table in `transition.rs`; the words of
//! other systems are in `dialect.rs`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::ids::quoted;

/// Gives a field-less enum its words: `ALL`, `as_str`, `Display`, `FromStr`.
macro_rules! words {
    ($name:ident, $what:literal, { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// All of them, in their natural order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it, in snake case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ModelError;

            fn from_str(text: &str) -> Result<Self, ModelError> {
                Self::ALL.iter().copied().find(|item| item.as_str() == text).ok_or_else(|| {
                    ModelError::invalid(
                        $what,
                        format!("{} is unknown", quoted(text)),
                        concat!("one of ", $($word, " "),+).trim_end(),
                    )
                })
            }
        }
    };
}

/// State of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It exists and nobody works on it yet.
    Pending,
    /// Somebody works on it.
    Running,
    /// It ended as it should.
    Succeeded,
    /// It ended otherwise; the reason says how.
    Failed,
    /// Nobody has given a sign of life for the length of a lease. Not an end: it may come back.
    Lost,
}

words!(RunState, "run state", {
    Pending => "pending",
    Running => "running",
    Succeeded => "succeeded",
    Failed => "failed",
    Lost => "lost",
});

impl RunState {
    /// Whether the run is over: succeeded or failed. A lost run isn't, it may come back.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// Why a run or a writer did not end as it should, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The program raised an exception or panicked.
    Exception,
    /// A signal ended the process.
    Signal,
    /// The process returned an exit code other than 0.
    ExitCode,
    /// The system ran out of memory.
    Oom,
    /// A person gave the run up.
    Abandoned,
    /// A person interrupted it, as with Ctrl-C.
    Interrupted,
    /// Nobody gave a sign of life any more; the watchdog's inference.
    Lost,
    /// Not known.
    Unknown,
}

words!(ReasonCode, "reason code", {
    Exception => "exception",
    Signal => "signal",
    ExitCode => "exit_code",
    Oom => "oom",
    Abandoned => "abandoned",
    Interrupted => "interrupted",
    Lost => "lost",
    Unknown => "unknown",
});

/// Why something ended: a word for programs and a text for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EndReason {
    /// The word.
    pub code: ReasonCode,
    /// Verbatim, as the client told it; may be empty.
    #[serde(default)]
    pub text: String,
}

impl EndReason {
    /// A reason.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code.as_str())?;
        if !self.text.is_empty() {
            write!(formatter, ": {}", self.text)?;
        }
        Ok(())
    }
}

/// Something that happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LifecycleEvent {
    /// The run comes into being.
    Create,
    /// Work begins.
    Start,
    /// A writer says that it lives. Data alone are no sign of life: they may come late, brought
    /// by another process for a writer that is dead.
    Heartbeat,
    /// It ends as it should.
    Succeed,
    /// It ends otherwise.
    Fail,
    /// No writer has a live lease.
    LeaseExpired,
    /// It was lost for longer than the recovery window.
    RecoveryExpired,
    /// An ended run is set running again.
    Resume,
    /// A writer reports its end after the watchdog gave it up. Recorded in place of `Succeed` or
    /// `Fail`; nobody asks for it.
    LateEnd,
}

words!(LifecycleEvent, "lifecycle event", {
    Create => "create",
    Start => "start",
    Heartbeat => "heartbeat",
    Succeed => "succeed",
    Fail => "fail",
    LeaseExpired => "lease_expired",
    RecoveryExpired => "recovery_expired",
    Resume => "resume",
    LateEnd => "late_end",
});

/// Who causes an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A writer of the run, through any client.
    Client,
    /// The server, from silence.
    Watchdog,
    /// Somebody in a user interface or at the command line.
    Person,
}

words!(Actor, "actor", {
    Client => "client",
    Watchdog => "watchdog",
    Person => "person",
});

/// Where a run stands in the transition table: its state, with the watchdog's `failed` kept apart
/// from the others, because a later report of the writer may replace it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Pending.
    Pending,
    /// Running.
    Running,
    /// Succeeded.
    Succeeded,
    /// Failed, for another reason than `lost`.
    Failed,
    /// Failed with the reason `lost`.
    FailedLost,
    /// Lost.
    Lost,
}

words!(Standing, "standing", {
    Pending => "pending",
    Running => "running",
    Succeeded => "succeeded",
    Failed => "failed",
    FailedLost => "failed_lost",
    Lost => "lost",
});

impl Standing {
    /// From a state and the reason of the end, if there was one.
    pub fn of(state: RunState, reason: Option<&EndReason>) -> Self {
        match state {
            RunState::Pending => Self::Pending,
            RunState::Running => Self::Running,
            RunState::Succeeded => Self::Succeeded,
            RunState::Lost => Self::Lost,
            RunState::Failed => match reason {
                Some(EndReason {
                    code: ReasonCode::Lost,
                    ..
                }) => Self::FailedLost,
                _ => Self::Failed,
            },
        }
    }

    /// The state.
    pub fn state(self) -> RunState {
        match self {
            Self::Pending => RunState::Pending,
            Self::Running => RunState::Running,
            Self::Succeeded => RunState::Succeeded,
            Self::Failed | Self::FailedLost => RunState::Failed,
            Self::Lost => RunState::Lost,
        }
    }
}
