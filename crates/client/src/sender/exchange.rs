//! One frame there and one answer back, for a live writer or for a dead one's folder.

use std::path::{Path, PathBuf};

use runstone_model::Timestamp;
use runstone_wire::Completeness;

use super::points::PointSorter;
use super::session::{Company, Outcome, Session, Settled, Verdict};
use super::slots::Slots;
use crate::error::ClientError;
use crate::http::{Connection, Sent, Trouble};
use crate::identity::{WireName, new_writer_id};
use crate::run::now_micros;
use crate::spool::{Rejected, SpoolCounters, SpoolError};
use crate::warning::{WarningKind, warn_once};

/// Where a spool's side files are, and whether it may take another name.
pub(crate) struct Surroundings {
    /// The spool's folder; `None` in memory.
    pub(crate) folder: Option<PathBuf>,
    /// Where refused operations go.
    pub(crate) rejected: Rejected,
    /// False for the folder of another host, whose writer may live.
    pub(crate) may_rename: bool,
}

impl Surroundings {
    /// Of a folder `<root>/<host id>/<writer>`, or of a spool in memory below `root`.
    pub(crate) fn new(folder: Option<&Path>, root: &Path, host_id: &str, may_rename: bool) -> Self {
        let root = folder
            .and_then(|folder| folder.parent()?.parent())
            .unwrap_or(root);
        Self {
            folder: folder.map(Path::to_path_buf),
            rejected: Rejected::new(root, host_id),
            may_rename,
        }
    }
}

/// What came of it.
pub(crate) enum Exchanged {
    /// There was nothing to send.
    Nothing,
    /// The server answered.
    Settled(Settled),
    /// It did not, or has no time.
    Trouble(Trouble),
}

/// Sends the next frame of a session, if there is one, and settles its answer.
pub(crate) fn exchange<S: Slots>(
    session: &mut Session<S>,
    connection: &mut Connection,
    sorter: &mut PointSorter,
    surroundings: &Surroundings,
    completeness: Option<Completeness>,
    heartbeat: bool,
) -> Result<Exchanged, ClientError> {
    let company = Company {
        completeness,
        heartbeat,
        now: Timestamp::from_micros(now_micros()),
    };
    let Some(packed) = session.next_frame(sorter, &company)? else {
        return Ok(Exchanged::Nothing);
    };
    let (outcome, trouble) = match connection.send(&packed.frame.encode()) {
        Sent::Answered(answer) => (Outcome::Answered(answer), None),
        Sent::Refused(reason) => (Outcome::Refused { reason }, None),
        Sent::Later(trouble) => (Outcome::Silence, Some(trouble)),
    };
    let url = &connection.destination.url;
    let settled = session.settle(&packed, outcome, |origin| {
        if !surroundings.may_rename {
            return Ok(None);
        }
        let writer = new_writer_id()?;
        if let Some(folder) = &surroundings.folder {
            WireName::new(writer, origin)
                .note(folder)
                .map_err(|error| {
                    ClientError::Internal(format!(
                        "noting a new writer id failed: {error}, {}",
                        folder.display()
                    ))
                })?;
        }
        warn_once(WarningKind::Twin, &packed.frame.writer.to_string(), || {
            format!(
                "a copy of this process or of its spool has written as writer {}; what is not \
                 acknowledged is sent as writer {writer}, run {}, {url}",
                packed.frame.writer, packed.frame.run
            )
        });
        Ok(Some(writer))
    })?;
    if let Some(trouble) = trouble {
        return Ok(Exchanged::Trouble(trouble));
    }
    keep_rejected(session, surroundings, &settled, packed.frame.run.as_str());
    if settled.slots_lost > 0 {
        warn_once(WarningKind::Lost, packed.frame.run.as_str(), || {
            format!(
                "the server fell behind what is kept here: {} slots are lost, run {}, {url}; hint: \
                 it was restored from an older copy, or lost its disk",
                settled.slots_lost, packed.frame.run
            )
        });
    }
    Ok(Exchanged::Settled(settled))
}

fn keep_rejected<S: Slots>(
    session: &mut Session<S>,
    surroundings: &Surroundings,
    settled: &Settled,
    run: &str,
) {
    let Some(first) = settled.rejected.first() else {
        return;
    };
    let writer = session.name().writer;
    let kept = surroundings.rejected.append(writer, &settled.rejected);
    if kept.is_err() && settled.verdict == Verdict::SetAside {
        // Not kept anywhere yet: better to try again than to skip it.
        session.forget_skip();
    }
    let place = match &kept {
        Ok(()) => format!("kept in {}", surroundings.rejected.folder().display()),
        Err(error) => format!("and could not be kept: {error}"),
    };
    warn_once(WarningKind::Refused, &first.code, || {
        format!(
            "the server refused {} operations of run {run} ({}): {}; {place}",
            settled.rejected.len(),
            first.code,
            first.reason
        )
    });
}

/// The counters as they travel.
pub(crate) fn completeness(counters: &SpoolCounters) -> Completeness {
    Completeness {
        logged_points: counters.logged,
        dropped_points: counters.dropped,
        refused_points: counters.refused,
        dropped: counters.dropped_by_series.clone(),
    }
}

/// An error of the spool in the words of the client.
pub(crate) fn spool_error(error: &SpoolError) -> ClientError {
    let text = error.to_string();
    match error {
        SpoolError::TooLarge { .. } => ClientError::Invalid(text),
        SpoolError::Locked { .. } => ClientError::Conflict(text),
        SpoolError::Unusable { .. } | SpoolError::Full { .. } => ClientError::Unavailable(text),
        SpoolError::Corrupt { .. } => ClientError::Corrupt(text),
        _ => ClientError::Internal(text),
    }
}
