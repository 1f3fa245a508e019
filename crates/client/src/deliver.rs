//! Delivers what dead processes left behind.
//!
//! Called by `runstone up` (what is meant for itself or for `local`), by `runstone sync`, and by
//! the sender of a new run. Each folder is locked, sent with the same session as a live one, and
//! removed when all of it is acknowledged. Interrupted at any moment, or done twice, by two
//! deliverers, from two copies: the marks decide, each point arrives once. The surprising rule:
//! of another host's folder only sealed segments are removed, and its name is never changed,
//! since its process may live.

use std::path::PathBuf;

use runstone_model::{RunId, WriterId};

use crate::config::{self, Destination};
use crate::error::ClientError;
use crate::http::Connection;
use crate::identity::WireName;
use crate::sender::exchange::{Exchanged, Surroundings, completeness, exchange, spool_error};
use crate::sender::points::PointSorter;
use crate::sender::session::{Caps, Session, Verdict};
use crate::spool::{Leftover, SpoolCounters, SpoolReader, leftover_spools};

/// Frames in a row that bring a folder no further before it is given up for this time.
const FRUITLESS_MAX: u32 = 64;

/// What to deliver, and where to.
#[derive(Debug, Clone)]
pub struct DeliverOptions {
    /// Roots of spools.
    pub roots: Vec<PathBuf>,
    /// Only folders of this host; `None`: of every host below the roots.
    pub host_id: Option<String>,
    /// Only what is meant for one of these destinations (`local` is one); `None`: everything.
    pub destinations: Option<Vec<String>>,
    /// Send everything there instead of where it was meant to go.
    pub to: Option<String>,
    /// Token for the servers.
    pub token: Option<String>,
    /// Points in a frame at most, for lines that are slow or break often; `None`: as many as fit.
    pub frame_points_max: Option<usize>,
}

impl DeliverOptions {
    /// All spools of this user, each to its own destination.
    #[must_use]
    pub fn from_environment() -> Self {
        let environment = &config::process_environment;
        Self {
            roots: config::spool_roots(&crate::RunOptions::default(), environment),
            host_id: None,
            destinations: None,
            to: None,
            token: config::token(environment),
            frame_points_max: None,
        }
    }
}

/// Where a delivery stands; told after each frame.
#[derive(Debug, Clone)]
pub struct DeliverProgress {
    /// The folder under way.
    pub folder: PathBuf,
    /// Its run.
    pub run: String,
    /// Folders done, of `folders_total`.
    pub folders_done: usize,
    /// Folders found.
    pub folders_total: usize,
    /// Slots of this folder that are acknowledged.
    pub slots_acknowledged: u64,
    /// Points acknowledged in this delivery, all folders.
    pub points: u64,
}

/// How a folder fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderOutcome {
    /// All of it is acknowledged, and the folder is gone.
    Delivered,
    /// All that is there is acknowledged; the folder stays, since its process may live.
    DeliveredAndKept,
    /// Another process delivers it, or writes it.
    InUse,
    /// It was not delivered to its end, for this reason.
    Failed(ClientError),
}

/// One folder of a report.
#[derive(Debug, Clone)]
pub struct FolderReport {
    /// The folder.
    pub folder: PathBuf,
    /// Its run.
    pub run: String,
    /// Its writer.
    pub writer: WriterId,
    /// Where it was meant to go.
    pub destination: String,
    /// How it fared.
    pub outcome: FolderOutcome,
    /// Points acknowledged, those that the server had already not included.
    pub points: u64,
    /// Points refused; they are in `rejected/`.
    pub points_refused: u64,
    /// Slots recorded as lost by the server.
    pub slots_lost: u64,
    /// Slots that could not be read: damaged, missing, or emptied by a power loss.
    pub slots_unreadable: u64,
}

/// What a delivery did.
#[derive(Debug, Clone, Default)]
pub struct DeliverReport {
    /// Each folder that was found, oldest first.
    pub folders: Vec<FolderReport>,
}

impl DeliverReport {
    /// Points acknowledged.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.folders.iter().map(|folder| folder.points).sum()
    }

    /// Whether nothing is left to deliver.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.folders.iter().all(|folder| {
            matches!(
                folder.outcome,
                FolderOutcome::Delivered | FolderOutcome::DeliveredAndKept
            )
        })
    }
}

/// Delivers leftover spools, one after the other. `on_progress` is called after each frame.
///
/// Idempotent and resumable; two at once do no harm. A server that does not answer fails the
/// folders meant for it, and the others go on.
///
/// # Errors
/// `Invalid` for an address that cannot be, `Internal` if a root cannot be listed. What befalls
/// single folders is in the report.
pub fn deliver(
    options: &DeliverOptions,
    mut on_progress: impl FnMut(&DeliverProgress),
) -> Result<DeliverReport, ClientError> {
    let override_to = options
        .to
        .as_deref()
        .map(Destination::from_name)
        .transpose()?;
    let mut found = Vec::new();
    for root in &options.roots {
        found.extend(
            leftover_spools(root, options.host_id.as_deref()).map_err(|e| spool_error(&e))?,
        );
    }
    found.retain(|leftover| {
        options
            .destinations
            .as_ref()
            .is_none_or(|wanted| wanted.contains(&leftover.destination))
    });
    let mut report = DeliverReport::default();
    let mut connections: Vec<Connection> = Vec::new();
    let mut sorter = PointSorter::default();
    let folders_total = found.len();
    let own_host = config::host_id();
    for leftover in found {
        let destination = match &override_to {
            Some(to) => Ok(to.clone()),
            None => Destination::from_name(&leftover.destination),
        };
        let mut folder = FolderReport {
            folder: leftover.path.clone(),
            run: leftover.run.clone(),
            writer: leftover.writer,
            destination: leftover.destination.clone(),
            outcome: FolderOutcome::InUse,
            points: 0,
            points_refused: 0,
            slots_lost: 0,
            slots_unreadable: 0,
        };
        let result = destination.and_then(|destination| {
            let connection = connection_to(&mut connections, destination, options);
            let mut delivery = FolderDelivery::begin(&leftover, leftover.host_id == own_host)?;
            if let Some(points) = options.frame_points_max {
                delivery.session.set_caps(Caps::of_points(points));
            }
            let (folders_done, points_before) = (report.folders.len(), report.points());
            deliver_folder(
                delivery,
                connection,
                &mut sorter,
                &mut folder,
                |delivery, points| {
                    on_progress(&DeliverProgress {
                        folder: leftover.path.clone(),
                        run: leftover.run.clone(),
                        folders_done,
                        folders_total,
                        slots_acknowledged: delivery.session.acknowledged().slot,
                        points: points_before + points,
                    });
                },
            )
        });
        folder.outcome = match result {
            Ok(true) => FolderOutcome::Delivered,
            Ok(false) => FolderOutcome::DeliveredAndKept,
            Err(ClientError::Conflict(_)) => FolderOutcome::InUse,
            Err(error) => FolderOutcome::Failed(error),
        };
        report.folders.push(folder);
    }
    Ok(report)
}

fn connection_to<'a>(
    connections: &'a mut Vec<Connection>,
    destination: Destination,
    options: &DeliverOptions,
) -> &'a mut Connection {
    let known = connections
        .iter()
        .position(|connection| connection.destination == destination);
    let index = known.unwrap_or_else(|| {
        connections.push(Connection::new(destination, options.token.as_deref()));
        connections.len() - 1
    });
    &mut connections[index]
}

/// Sends one folder to its end; whether it is gone.
fn deliver_folder(
    mut delivery: FolderDelivery,
    connection: &mut Connection,
    sorter: &mut PointSorter,
    folder: &mut FolderReport,
    mut on_frame: impl FnMut(&FolderDelivery, u64),
) -> Result<bool, ClientError> {
    let mut fruitless = 0;
    loop {
        let mark_before = delivery.session.acknowledged().slot;
        match delivery.step(connection, sorter)? {
            Exchanged::Nothing => break,
            Exchanged::Trouble(trouble) => return Err(ClientError::Unavailable(trouble.text)),
            Exchanged::Settled(settled) => {
                folder.points += settled.points;
                folder.points_refused += settled.points_refused;
                folder.slots_lost += settled.slots_lost;
                on_frame(&delivery, folder.points);
                // Another deliverer of a copy may move the mark: that brings this folder on too.
                let moved = delivery.session.acknowledged().slot > mark_before;
                fruitless = if moved || settled.verdict == Verdict::Advanced {
                    0
                } else {
                    fruitless + 1
                };
                if let Verdict::Confused(reason) = settled.verdict {
                    return Err(ClientError::Unavailable(format!(
                        "the server's answer makes no sense: {reason}"
                    )));
                }
                if fruitless > FRUITLESS_MAX {
                    return Err(ClientError::Unavailable(
                        "the server takes nothing of this folder".to_owned(),
                    ));
                }
            }
        }
    }
    let statistics = delivery.session.slots().statistics();
    folder.slots_unreadable =
        statistics.power_loss_slots + statistics.corrupt_slots + statistics.missing_slots;
    delivery.end()
}

/// A locked folder of a dead process, on its way.
pub(crate) struct FolderDelivery {
    session: Session<SpoolReader>,
    surroundings: Surroundings,
    /// Told once, with the first frame.
    counters: Option<SpoolCounters>,
}

impl FolderDelivery {
    /// Locks the folder. `Conflict` if somebody has it.
    pub(crate) fn begin(leftover: &Leftover, own_host: bool) -> Result<Self, ClientError> {
        let run = RunId::new(leftover.run.clone())?;
        let lock = leftover.lock().map_err(|error| spool_error(&error))?;
        let name = WireName::read(Some(&leftover.path), leftover.writer);
        let slots = SpoolReader::dead(lock).map_err(|error| spool_error(&error))?;
        let session = Session::open(slots, run, name).map_err(|error| spool_error(&error))?;
        Ok(Self {
            session,
            surroundings: Surroundings::new(
                Some(&leftover.path),
                &leftover.path,
                &leftover.host_id,
                own_host,
            ),
            counters: Some(leftover.counters.clone()),
        })
    }

    /// Sends the next frame.
    pub(crate) fn step(
        &mut self,
        connection: &mut Connection,
        sorter: &mut PointSorter,
    ) -> Result<Exchanged, ClientError> {
        if !self.session.has_more() {
            return Ok(Exchanged::Nothing);
        }
        let counters = self.counters.as_ref().map(completeness);
        let exchanged = exchange(
            &mut self.session,
            connection,
            sorter,
            &self.surroundings,
            counters,
            false,
        )?;
        if matches!(&exchanged, Exchanged::Settled(settled) if settled.verdict == Verdict::Advanced)
        {
            self.counters = None;
        }
        Ok(exchanged)
    }

    /// Removes the folder if all of it is acknowledged; whether it is gone.
    pub(crate) fn end(self) -> Result<bool, ClientError> {
        self.session
            .into_slots()
            .remove_folder()
            .map_err(|error| spool_error(&error))
    }
}
