//! A server that goes away while a command follows it: what may pass, and what is said of it.

use runstone_service::{ErrorKind, ServiceError};
use std::io::{self, Write};
use std::time::Duration;

/// Between two looks at what is not there.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Whether an error is one of a server that is away, has the folder and does not listen yet, or
/// has too much to do.
pub(crate) fn may_pass(error: &ServiceError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Unavailable
            | ErrorKind::Conflict
            | ErrorKind::TooMany
            | ErrorKind::RequestTimeout
    )
}

/// Says once that the server is away, each time it goes.
#[derive(Debug, Default)]
pub(crate) struct Away {
    is_away: bool,
}

impl Away {
    /// It did not answer. Standard output holds what was asked for and nothing else.
    pub(crate) fn tell(&mut self, error: &ServiceError) {
        if self.is_away {
            return;
        }
        self.is_away = true;
        let _ = writeln!(
            io::stderr(),
            "the server is away: {}\nhint: this goes on when it is back; Ctrl-C ends it",
            error.message
        );
    }

    /// It has answered.
    pub(crate) fn is_back(&mut self) {
        self.is_away = false;
    }
}
