//! What the client has to say to its user.
//!
//! Warnings are made by any thread, the sender included, so the sink must neither block nor call
//! into an interpreter: the Python package queues them and shows them at the user's next call.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::OnceLock;

use crate::per_process::PerProcess;

/// What a warning is about; each kind and subject is shown once a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// No server answers; data are kept in the spool.
    Unreachable,
    /// The server refuses who we are or what we send as a whole.
    Denied,
    /// The server refused single operations; they are in `rejected/`.
    Refused,
    /// A call was refused here: bad name, bad step, bad value, read-only or closed run.
    BadCall,
    /// Points are dropped: full disk or bound of the spool.
    Dropped,
    /// The spool is not where it should be: in memory, or in another folder.
    Spool,
    /// Slots are lost: the server fell behind what is kept here.
    Lost,
    /// Another process wrote under this writer's name; a new name was taken.
    Twin,
    /// What remains after close, and the command that delivers it.
    Undelivered,
}

/// One thing to tell the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// One line with a hint.
    pub text: String,
}

type Sink = Box<dyn Fn(&Warning) + Send + Sync>;

static SINK: OnceLock<Sink> = OnceLock::new();
static SHOWN: PerProcess<std::sync::Mutex<HashSet<(WarningKind, String)>>> = PerProcess::new();

/// Sends all warnings of this process to `sink` instead of the standard error. The first call
/// wins; later ones return false. The sink must not block.
pub fn set_warning_sink(sink: impl Fn(&Warning) + Send + Sync + 'static) -> bool {
    SINK.set(Box::new(sink)).is_ok()
}

/// Shows a warning, once a process for each kind and subject.
pub(crate) fn warn_once(kind: WarningKind, subject: &str, text: impl FnOnce() -> String) {
    let shown = SHOWN.get_or_init(|| std::sync::Mutex::new(HashSet::new()));
    {
        let mut shown = shown
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Bounded: a program that varies the subject without end gets no more warnings.
        if shown.len() >= 256 || !shown.insert((kind, subject.to_owned())) {
            return;
        }
    }
    let warning = Warning { kind, text: text() };
    match SINK.get() {
        Some(sink) => sink(&warning),
        None => {
            // Nobody is left to tell when the standard error is closed.
            let _ = writeln!(std::io::stderr(), "runstone: {}", warning.text);
        }
    }
}
