//! The one thread that sends for all runs of this process.
//!
//! Started by the first point, never stopped: the process ends under it. What it does stands in
//! `rounds`; here runs are handed to it, hurried, and waited for.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::rounds::Sender;
use crate::os_unix_fork::OncePerProcess;
use crate::os_unix_thread::spawn_deaf;
use crate::report::CloseReport;
use crate::run::RunWriter;
use crate::spool::Bell;
use crate::warning::{WarningKind, warn_once};

/// Panics of the sender after which it is not started again.
const PANICS_MAX: u32 = 5;

#[derive(Default)]
pub(super) struct Shared {
    pub(super) inbox: Mutex<Inbox>,
    /// Somebody waits: some writer is hurried.
    pub(super) hurry: AtomicBool,
}

#[derive(Default)]
pub(super) struct Inbox {
    pub(super) writers: Vec<Arc<RunWriter>>,
    /// Taken by the sender and not finished; handed to the next one if it dies.
    pub(super) running: Vec<Arc<RunWriter>>,
    started: bool,
    /// It panicked too often.
    gave_up: bool,
}

impl Shared {
    pub(super) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that the thread runs; `false`: none can be had now, or it gave up.
    fn start(&self, spawn: impl FnOnce() -> io::Result<()>) -> bool {
        let mut inbox = self.inbox();
        if inbox.started {
            return !inbox.gave_up;
        }
        match spawn() {
            Ok(()) => inbox.started = true,
            Err(error) => warn_once(WarningKind::Spool, "thread", || {
                format!(
                    "the sender could not be started: {error}; everything is kept; hint: deliver \
                     it with `runstone sync`"
                )
            }),
        }
        inbox.started
    }
}

static SHARED: OncePerProcess<Shared> = OncePerProcess::new();

fn shared() -> &'static Shared {
    SHARED.get_or_leak(Shared::default)
}

/// Hands a writer to the sender; starts the thread if this is the first one.
pub(crate) fn start_sending(writer: &Arc<RunWriter>) {
    shared().inbox().writers.push(Arc::clone(writer));
    start();
    Bell::of_this_process().ring_sender();
}

fn start() -> bool {
    let shared = shared();
    shared.start(|| spawn_deaf("runstone-sender", move || send_for_ever(shared)).map(|_| ()))
}

/// The sender's thread. A panic is a defect of ours: it is told, and sending begins anew from the
/// spool, a few times.
fn send_for_ever(shared: &'static Shared) {
    for _ in 0..PANICS_MAX {
        let work = std::panic::AssertUnwindSafe(|| Sender::new(shared).work());
        if std::panic::catch_unwind(work).is_ok() {
            return;
        }
        warn_once(WarningKind::Spool, "panic", || {
            "the sender met a defect and begins anew; everything is kept; hint: please report it"
                .to_owned()
        });
        let mut inbox = shared.inbox();
        let running = std::mem::take(&mut inbox.running);
        inbox.writers.extend(running);
    }
    let mut inbox = shared.inbox();
    inbox.gave_up = true;
    let writers = std::mem::take(&mut inbox.writers);
    drop(inbox);
    for writer in writers {
        writer.report(|progress| {
            progress.failing = true;
            progress.finished = true;
        });
    }
}

/// Somebody waits for an acknowledgement of this writer: its server is asked at once, if it rests.
/// Others rest on, or a silent one would hold up who waits here. `false`: there is no sender, and
/// waiting is in vain.
pub(crate) fn hurry(writer: &RunWriter) -> bool {
    writer.is_hurried.store(true, Ordering::Release);
    shared().hurry.store(true, Ordering::Release);
    Bell::of_this_process().ring_sender();
    start()
}

/// Waits for the last acknowledgement of a closed writer, while a server answers, and tells what
/// remains.
pub(crate) fn finish(writer: &RunWriter, timeout: Duration) -> CloseReport {
    let slot = writer.spool.next_slot();
    let mut progress = writer.progress();
    if writer.is_online() && !progress.finished {
        writer.report(|progress| progress.failing = false);
        let has_sender = hurry(writer);
        let until = Instant::now().checked_add(timeout);
        progress = writer.wait(until, |progress| {
            let is_away = progress.failing && !progress.reached_lately();
            progress.finished || is_away || !has_sender
        });
    }
    let delivered = progress.mark >= slot;
    let mut report = CloseReport {
        delivered,
        flush: writer.flush_report(&progress, slot),
        folder: None,
        command: None,
    };
    if delivered {
        report.flush.pending = 0;
        return report;
    }
    report.folder = writer.spool.folder().map(PathBuf::from);
    let command = match &writer.settings.options.spool {
        Some(root) => format!("RUNSTONE_SPOOL={} runstone sync", root.display()),
        None => "runstone sync".to_owned(),
    };
    let place = report.folder.as_ref().map_or_else(
        || "in the memory of this process only".to_owned(),
        |folder| format!("in {}", folder.display()),
    );
    warn_once(
        WarningKind::Undelivered,
        writer.settings.run.as_str(),
        || {
            format!(
                "run {} is not delivered yet: {} points wait {place}; hint: `{command}` sends them when \
                 the server is there",
                writer.settings.run, report.flush.pending
            )
        },
    );
    report.command = Some(command);
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_cannot_be_had_is_tried_again() {
        let shared = Shared::default();
        assert!(!shared.start(|| Err(io::ErrorKind::WouldBlock.into())));
        assert!(shared.start(|| Ok(())));
        assert!(shared.start(|| panic!("it runs already")));
        shared.inbox().gave_up = true;
        assert!(!shared.start(|| panic!("it gave up")));
    }
}
