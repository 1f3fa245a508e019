//! The one error of this crate, and how errors of the places become it.
//!
//! A message says what failed, where, and what to do next.

use std::io;

use object_store::Error as ObjectError;
use runstone_store::StoreError;

/// Eight kinds, each an instruction to the caller.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// The request or the configuration can never succeed as it stands; change it.
    #[error("{0}")]
    Invalid(String),
    /// The bytes are past a limit.
    #[error("{0}")]
    TooLarge(String),
    /// There is no such blob or upload.
    #[error("{0}")]
    NotFound(String),
    /// A signed address that does not permit this: forged, expired, or for something else.
    #[error("{0}")]
    Refused(String),
    /// The state forbids it, as an upload whose lease has ended; begin anew.
    #[error("{0}")]
    Conflict(String),
    /// Nothing became visible; try again after the given time.
    #[error("{reason}")]
    Unavailable {
        /// Why.
        reason: String,
        /// When to try again.
        retry_after_millis: u64,
    },
    /// What is stored is not what was written.
    #[error("{0}")]
    Corrupt(String),
    /// A defect or an operating-system error.
    #[error("{0}")]
    Internal(String),
}

impl BlobError {
    /// An error that passes by itself.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            retry_after_millis: 1000,
        }
    }

    /// What a place answered to `what`.
    pub(crate) fn from_object(what: &str, error: ObjectError) -> Self {
        match error {
            ObjectError::NotFound { path, .. } => {
                Self::NotFound(format!("{what}: there is nothing at {path}"))
            }
            ObjectError::PermissionDenied { .. } | ObjectError::Unauthenticated { .. } => {
                Self::Internal(format!(
                    "{what}: {error}, hint: check the credentials of the blob store and what they permit"
                ))
            }
            ObjectError::JoinError { .. }
            | ObjectError::InvalidPath { .. }
            | ObjectError::NotSupported { .. }
            | ObjectError::NotImplemented { .. } => Self::Internal(format!("{what}: {error}")),
            _ => Self::unavailable(format!("{what}: {error}, hint: try again")),
        }
    }

    /// What the operating system answered to `what`.
    pub(crate) fn from_io(what: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::unavailable(format!("{what}: {error}, hint: make room on that disk"))
            }
            io::ErrorKind::NotFound => Self::NotFound(format!("{what}: {error}")),
            io::ErrorKind::PermissionDenied => Self::Internal(format!(
                "{what}: {error}, hint: give this user the right to write there"
            )),
            _ => Self::Internal(format!("{what}: {error}")),
        }
    }
}

/// What the catalogue answers keeps its kind; an overload passes by itself.
impl From<StoreError> for BlobError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(reason) => Self::Invalid(reason),
            StoreError::NotFound(reason) => Self::NotFound(reason),
            StoreError::Conflict(reason) => Self::Conflict(reason),
            StoreError::Unavailable {
                reason,
                retry_after_millis,
            }
            | StoreError::Overloaded {
                reason,
                retry_after_millis,
            } => Self::Unavailable {
                reason,
                retry_after_millis,
            },
            StoreError::Corrupt(reason) => Self::Corrupt(reason),
            StoreError::Internal(reason) => Self::Internal(reason),
        }
    }
}

/// Runs what may block for long on a thread for that.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(error) => Err(BlobError::Internal(format!(
            "work on a blob ended in a panic: {error}"
        ))),
    }
}
