//! How a command ends when it does not end well.
//!
//! The kinds and their exit codes are the service's, so that a mistake has the same code whether
//! a server or this process found it. A reader that went away (`runstone runs | head -1`) is no
//! failure.

use runstone_client::ClientError;
use runstone_service::{ErrorKind, ServiceError};
use std::io::Write;
use std::process::ExitCode;

/// What a command returns: the exit code, 0 unless it says otherwise.
pub(crate) type Outcome = Result<u8, Failure>;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell.
    Error(ServiceError),
    /// Nobody reads our output any more.
    OutputClosed,
}

impl Failure {
    /// Says what went wrong and what to do, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Error(error) => {
                // Standard error may be closed too; the exit code still tells.
                let _ = writeln!(std::io::stderr(), "error: {error}");
                ExitCode::from(error.kind.exit_code())
            }
        }
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::Error(error)
    }
}

/// Errors of writing to our own output; everything else is converted with a context.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Error(
                ServiceError::new(ErrorKind::Internal, format!("output failed: {error}"))
                    .with_hint("look at the disk or terminal that takes the output"),
            )
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Error(client_error(&error))
    }
}

/// The client's error in the words of the service.
pub(crate) fn client_error(error: &ClientError) -> ServiceError {
    let kind = ErrorKind::from_name(error.kind()).unwrap_or(ErrorKind::Internal);
    ServiceError::new(kind, error.to_string())
}
