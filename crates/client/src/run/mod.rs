//! A run as a script holds it: open, track, describe, flush, close.
//!
//! Points take the hot path [`Run::push`] (`track`). Everything else is an operation, encoded once
//! into the spool (`calls`), until the end (`close`). Sending is the sender's. The surprising rule:
//! after a fork the same `Run` writes under a writer of its own, which the first call in the child
//! opens.

mod calls;
mod close;
mod logs;
mod point;
mod series;
mod settings;
mod track;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use runstone_model::ReasonCode;

pub use logs::{Object, Record};
pub use point::{At, MetricValue};
pub use series::SeriesHandle;
pub use settings::now_micros;
pub(crate) use writer::{PHASE_CLOSED, RunWriter};

use crate::config;
use crate::error::ClientError;
use crate::options::{Mode, RunEnd, RunOptions};
use crate::per_process::PerProcess;
use crate::warning::{WarningKind, warn_once};
use settings::RunSettings;

/// Longest wait of [`Run`]'s drop.
const DROP_WAIT: Duration = Duration::from_secs(5);

/// One run, open for writing in this process and in its forks.
///
/// All calls are safe from many threads and return at once: what they wrote survives `kill -9` of
/// the process, and the sender brings it to the server when there is one. Unless the run is
/// `strict`, calls that cannot do their work count it and warn once instead of failing.
///
/// Dropping it closes it: as succeeded, or as failed while the thread panics.
///
/// ```no_run
/// use runstone_client::{Run, RunEnd, RunOptions};
/// let run = Run::open(RunOptions {
///     experiment: Some("digits".to_owned()),
///     ..RunOptions::default()
/// })?;
/// for step in 0..1000_u32 {
///     run.track("loss", 1.0 / f64::from(step + 1), step)?;
/// }
/// run.close(RunEnd::Succeeded, None);
/// # Ok::<(), runstone_client::ClientError>(())
/// ```
pub struct Run {
    settings: Arc<RunSettings>,
    writers: PerProcess<Arc<RunWriter>>,
    /// Nothing is ever written: disabled or read-only.
    silent: bool,
}

impl Run {
    /// Starts a new run, or resumes the one of `options.run_id`.
    ///
    /// No network is touched. On return the run is in the spool: even if the process is killed
    /// now, the server will learn of it.
    ///
    /// # Errors
    /// `Invalid` for options that cannot be: names, tags, config, address, mode. `Unavailable` when
    /// `strict` and the spool's folder cannot be used; otherwise memory is used and a warning shown.
    pub fn open(options: RunOptions) -> Result<Self, ClientError> {
        let settings = Arc::new(RunSettings::new(options, &config::process_environment)?);
        let silent = settings.mode == Mode::Disabled || settings.options.read_only;
        let run = Self {
            settings,
            writers: PerProcess::new(),
            silent,
        };
        if !silent {
            let writer = RunWriter::open(Arc::clone(&run.settings), None)?;
            run.writers.get_or_init(|| Arc::new(writer));
        }
        Ok(run)
    }

    /// Id of the run.
    #[must_use]
    pub fn id(&self) -> &str {
        self.settings.run.as_str()
    }

    /// Where tracked points go.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// Whether calls return their errors.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.settings.options.strict
    }

    /// Whether every writing call is refused.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.settings.options.read_only
    }

    /// Whether [`Self::close`] was called in this process.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.writers.get().is_some_and(|writer| writer.is_closed())
    }

    /// The server's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.settings.destination.url
    }

    /// Where this process spools; `None` in memory, or when nothing is written.
    #[must_use]
    pub fn spool_folder(&self) -> Option<&std::path::Path> {
        self.writers.get()?.spool.folder()
    }

    /// Options with which another process joins this run, for pickling: same id and settings, a
    /// writer of its own that is not primary. The token is left out.
    #[must_use]
    pub fn options_for_another_process(&self) -> RunOptions {
        let mine = &self.settings.options;
        RunOptions {
            run_id: Some(self.id().to_owned()),
            primary: Some(false),
            rank: mine.rank,
            url: mine.url.clone(),
            mode: mine.mode,
            strict: mine.strict,
            read_only: mine.read_only,
            spool: mine.spool.clone(),
            on_full: mine.on_full,
            spool_bytes_max: mine.spool_bytes_max,
            sdk: mine.sdk.clone(),
            ..RunOptions::default()
        }
    }

    /// The error of a strict run; otherwise nothing, after one warning.
    pub(crate) fn tolerate(&self, result: Result<(), ClientError>) -> Result<(), ClientError> {
        match result {
            Err(error) if !self.is_strict() => {
                warn_once(WarningKind::BadCall, &error.to_string(), || {
                    error.to_string()
                });
                Ok(())
            }
            result => result,
        }
    }

    /// The writer of this process, opened if this is the child of a fork. `None`: disabled.
    fn open_writer(&self) -> Result<Option<&Arc<RunWriter>>, ClientError> {
        if self.silent {
            if self.settings.options.read_only && self.settings.mode != Mode::Disabled {
                return Err(ClientError::Conflict(format!(
                    "run {} was opened read-only; hint: open it without read_only",
                    self.id()
                )));
            }
            return Ok(None);
        }
        let writer = self.writers.get_or_try_init(|| {
            let parent = self.writers.inherited();
            if parent.is_some_and(|parent| parent.is_closed()) {
                return Err(self.closed_error());
            }
            let parent = parent.map(|parent| (parent.spool.writer(), &parent.series));
            RunWriter::open(Arc::clone(&self.settings), parent).map(Arc::new)
        })?;
        if writer.is_closed() {
            return Err(self.closed_error());
        }
        Ok(Some(writer))
    }

    fn closed_error(&self) -> ClientError {
        ClientError::Conflict(format!(
            "run {} is closed; hint: open it again with its id",
            self.id()
        ))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.writers.get().is_none_or(|writer| writer.is_closed()) {
            return;
        }
        let end = if std::thread::panicking() {
            RunEnd::Failed {
                code: ReasonCode::Exception,
                text: "the program panicked".to_owned(),
            }
        } else {
            RunEnd::Succeeded
        };
        self.close(end, Some(DROP_WAIT));
    }
}
