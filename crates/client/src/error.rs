//! The error of the client: six kinds, each an instruction to the caller.
//!
//! Tracking calls return these only when the run is `strict`; otherwise they count and warn.

/// What went wrong, by what the caller can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The call can never succeed as it stands; change it.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The state forbids it: the run is closed or read-only, or somebody else holds the folder.
    #[error("{0}")]
    Conflict(String),
    /// Try again later: no server, no room on the disk, a time limit was reached.
    #[error("{0}")]
    Unavailable(String),
    /// What is on the disk or on the wire is not what was written.
    #[error("{0}")]
    Corrupt(String),
    /// An operating-system error or a defect.
    #[error("{0}")]
    Internal(String),
}

impl ClientError {
    /// Name of the kind in snake_case, stable, for tables that map it to exceptions and exit codes.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Unavailable(_) => "unavailable",
            Self::Corrupt(_) => "corrupt",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<runstone_model::ModelError> for ClientError {
    fn from(error: runstone_model::ModelError) -> Self {
        Self::Invalid(error.to_string())
    }
}
