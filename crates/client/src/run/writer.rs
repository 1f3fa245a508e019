//! One open run in one process: the spool, the series table, and what the sender reports back.
//!
//! Made by [`super::Run`], once in each process that writes; shared with the sender thread.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runstone_model::{RunState, Timestamp, WriterId};
use runstone_wire::{EncodedOperation, IfPresent, OpenRun, OpenWriter, Operation, OperationKind};

use super::series::SeriesTable;
use super::settings::{RunSettings, now_micros};
use crate::config;
use crate::error::ClientError;
use crate::identity::new_writer_id;
use crate::options::{Mode, OnFull};
use crate::report::{FlushReport, RunCounters};
use crate::sender::exchange::spool_error;
use crate::spool::{self, SpoolOptions, SpoolWriter};
use crate::warning::{WarningKind, warn_once};

/// Nobody has tracked yet; the sender is not started.
pub(crate) const PHASE_FRESH: u32 = 0;
/// Calls write and are sent.
pub(crate) const PHASE_RUNNING: u32 = 1;
/// Calls are refused; the end is about to be written.
pub(crate) const PHASE_CLOSING: u32 = 2;
/// The end is written: when all is acknowledged the folder may go.
pub(crate) const PHASE_CLOSED: u32 = 3;

/// How lately a server must have answered to count as reached.
const REACHED_LATELY: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct RunWriter {
    pub(crate) settings: Arc<RunSettings>,
    pub(crate) spool: Arc<SpoolWriter>,
    pub(crate) series: SeriesTable,
    /// Number of the next terminal line.
    pub(crate) next_line: AtomicU64,
    pub(crate) phase: AtomicU32,
    /// Somebody waits for an acknowledgement: the sender asks this writer's server at once.
    pub(crate) is_hurried: AtomicBool,
    progress: Mutex<Progress>,
    changed: Condvar,
}

/// What the sender has achieved. Written by the sender, read by flush, close and counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// The server has every slot below.
    pub(crate) mark: u64,
    pub(crate) acknowledged: u64,
    pub(crate) refused_by_server: u64,
    pub(crate) slots_lost: u64,
    /// When a server answered last.
    pub(crate) answered_at: Option<Instant>,
    /// The last attempt had no answer.
    pub(crate) failing: bool,
    pub(crate) run_state: Option<RunState>,
    pub(crate) stop_requested: bool,
    /// All is acknowledged, the end included, and the folder is gone; or the sender is.
    pub(crate) finished: bool,
}

impl RunWriter {
    /// Opens a writer and announces it in the spool. `parent`: the writer of the parent process
    /// and its series, after a fork.
    pub(crate) fn open(
        settings: Arc<RunSettings>,
        parent: Option<(WriterId, &SeriesTable)>,
    ) -> Result<Self, ClientError> {
        let writer = new_writer_id()?;
        let spool = SpoolWriter::open(&spool_options(&settings), writer)
            .map_err(|error| spool_error(&error))?;
        if let Some(trouble) = spool.trouble() {
            warn_once(WarningKind::Spool, "", || trouble.to_string());
        }
        let this = Self {
            settings,
            spool: Arc::new(spool),
            series: SeriesTable::new(),
            next_line: AtomicU64::new(0),
            phase: AtomicU32::new(PHASE_FRESH),
            is_hurried: AtomicBool::new(false),
            progress: Mutex::new(Progress::default()),
            changed: Condvar::new(),
        };
        this.announce(parent.map(|(writer, _)| writer))?;
        if let Some((_, table)) = parent {
            this.series.adopt(table);
            for define in this.series.definitions() {
                this.push(OperationKind::DefineSeries(define.clone()), true)?;
            }
        }
        Ok(this)
    }

    fn announce(&self, parent: Option<WriterId>) -> Result<(), ClientError> {
        let settings = &self.settings;
        self.push(
            OperationKind::OpenWriter(OpenWriter {
                host: settings.host.clone(),
                boot_id: settings.boot_id.clone(),
                pid: std::process::id(),
                rank: settings.options.rank,
                user: settings.user.clone(),
                sdk: settings.sdk.clone(),
                opened_at: Timestamp::from_micros(now_micros()),
                primary: settings.primary && parent.is_none(),
                parent_writer: parent,
                lease_seconds: 0,
            }),
            true,
        )?;
        let open: OpenRun = match parent {
            None => settings.open.clone(),
            Some(_) => settings.attach(),
        };
        self.push(OperationKind::OpenRun(open), true)?;
        Ok(())
    }

    /// Writes an operation into the spool and returns its slot.
    pub(crate) fn push(&self, kind: OperationKind, declaration: bool) -> Result<u64, ClientError> {
        let operation = EncodedOperation::encode(&Operation {
            if_present: IfPresent::Apply,
            kind,
        });
        self.spool
            .push_operation(operation.as_bytes(), declaration)
            .map_err(|error| spool_error(&error))
    }

    /// As [`Self::push`], for what may be dropped when there is no room, as points are.
    pub(crate) fn push_text(&self, kind: OperationKind) -> Result<(), ClientError> {
        let operation = EncodedOperation::encode(&Operation {
            if_present: IfPresent::Apply,
            kind,
        });
        self.spool
            .push_text(operation.as_bytes())
            .map(|_| ())
            .map_err(|error| spool_error(&error))
    }

    pub(crate) fn is_online(&self) -> bool {
        self.settings.mode == Mode::Online
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.phase.load(Ordering::Acquire) >= PHASE_CLOSING
    }

    /// A copy of the sender's report.
    pub(crate) fn progress(&self) -> Progress {
        self.lock().clone()
    }

    /// Changes the sender's report and wakes who waits for it.
    pub(crate) fn report(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `done`, or until the time is over; the last report.
    pub(crate) fn wait(
        &self,
        until: Option<Instant>,
        done: impl Fn(&Progress) -> bool,
    ) -> Progress {
        let mut progress = self.lock();
        while !done(&progress) {
            let left = match until {
                None => Duration::from_secs(3600),
                Some(until) => until.saturating_duration_since(Instant::now()),
            };
            if left.is_zero() {
                break;
            }
            progress = self
                .changed
                .wait_timeout(progress, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        progress.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn counters(&self, progress: &Progress) -> RunCounters {
        let spool = self.spool.counters();
        RunCounters {
            logged: spool.logged,
            acknowledged: progress.acknowledged,
            dropped: spool.dropped,
            refused: spool.refused,
            refused_by_server: progress.refused_by_server,
            lost_slots: progress.slots_lost,
        }
    }

    /// What flush tells; `slot` is the end of what it was asked about.
    pub(crate) fn flush_report(&self, progress: &Progress, slot: u64) -> FlushReport {
        let counters = self.counters(progress);
        let complete = progress.mark >= slot;
        let settled = counters.acknowledged + counters.dropped + counters.refused;
        FlushReport {
            complete,
            acknowledged: counters
                .acknowledged
                .saturating_sub(counters.refused_by_server),
            refused: counters.refused + counters.refused_by_server,
            dropped: counters.dropped,
            pending: if progress.mark >= self.spool.next_slot() {
                0
            } else {
                counters.logged.saturating_sub(settled)
            },
            reached: progress.reached_lately(),
        }
    }
}

impl Progress {
    pub(crate) fn reached_lately(&self) -> bool {
        self.answered_at
            .is_some_and(|at| at.elapsed() < REACHED_LATELY)
    }
}

fn spool_options(settings: &RunSettings) -> SpoolOptions {
    let mut options = SpoolOptions::new(
        &settings.spool_root,
        settings.host_id.as_str(),
        settings.run.as_str(),
        settings.destination.name.as_str(),
    );
    let fallback = config::fallback_spool_root();
    options.fallback_root = (fallback != settings.spool_root).then_some(fallback);
    options.host.clone_from(&settings.host);
    options.bound_bytes = settings.options.spool_bytes_max;
    options.on_full = match settings.options.on_full {
        OnFull::Drop => spool::OnFull::Drop,
        OnFull::Wait => spool::OnFull::Wait,
    };
    options.strict = settings.options.strict;
    options.mode = settings.spool_mode;
    options
}
