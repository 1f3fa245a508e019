//! One writer's slots on their way to one server: what to send next, and what an answer means.
//!
//! The state machine of the mark and the chain (`docs/formats/frame.md`), without network, clock
//! or threads: [`Session::next_frame`] packs what follows the acknowledged mark, and
//! [`Session::settle`] takes what became of it. Driven by `sender::rounds` for the live writers
//! of this process and by `deliver` for the folders of dead ones. At most one frame is under way.
//! What goes into a frame stands in `frames`, what an answer means in `settle`.
//!
//! The surprising rule: a frame that got no answer is forgotten, not kept. It is packed anew from
//! the acknowledged mark, maybe with other boundaries; the server's mark decides what is new.

mod frames;
mod rewinds;
mod settle;

use bytes::Bytes;
use runstone_model::{RunId, RunState, Timestamp};
use runstone_wire::{
    Completeness, EncodedOperation, Frame, FrameAnswer, KindTag, Operation, OperationKind,
};

use super::numbers::Numbers;
use super::slots::{Place, Slots};
use crate::identity::WireName;
use crate::spool::{Record, RejectedOperation, SpoolError};
use rewinds::Rewinds;

/// Points in a frame at most. More would bring some percent of speed and twice the memory.
pub(crate) const FRAME_POINTS_MAX: usize = 32 * 1024;
/// Estimated bytes of a frame at most; one longer operation travels alone.
pub(crate) const FRAME_BYTES_TARGET: usize = 1024 * 1024;
/// What a point is taken for in that estimate; measured packs take 3 to 5.
const POINT_BYTES_ESTIMATE: usize = 10;
/// Frames refused for good, one record each, after which whole frames are set aside.
const REJECTIONS_IN_A_ROW_MAX: u32 = 8;

/// What goes along with the slots, given by whoever drives the session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Company {
    /// Counters of the writer, if they should be told now.
    pub(crate) completeness: Option<Completeness>,
    /// A sign of life is due.
    pub(crate) heartbeat: bool,
    /// The client's clock.
    pub(crate) now: Timestamp,
}

/// A frame ready to be sent, in the spool's own counting.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) frame: Frame,
    first: Place,
    next: Place,
    /// Points inside.
    pub(crate) points: u64,
    /// Records of the spool inside.
    records: u64,
    kind: PackedKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PackedKind {
    Slots,
    /// Takes the slots of what was refused for good.
    Skip,
    /// No slots: a sign of life, counters.
    Beat,
}

/// What became of a frame.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// The server answered, with 200 or 409.
    Answered(FrameAnswer),
    /// The server will never take these bytes.
    Refused {
        /// Why.
        reason: String,
    },
    /// No answer, or one that says later.
    Silence,
}

/// What the session does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Acknowledged; go on.
    Advanced,
    /// The server stands elsewhere; what follows its mark is packed anew.
    Repacked,
    /// The server fell behind what is kept here; a base frame is next.
    Base,
    /// Somebody else wrote under the name; the new one is in [`Session::name`].
    Renamed,
    /// Refused as a whole; smaller frames are tried.
    Shrunk,
    /// Refused as a whole and set aside; an empty frame for its slots is next.
    SetAside,
    /// No answer: try the same again later.
    Later,
    /// The answer makes no sense; try again later.
    Confused(String),
}

/// A verdict and what else the answer said.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) verdict: Verdict,
    /// Points acknowledged, refused ones and those set aside included.
    pub(crate) points: u64,
    /// For `rejected/`.
    pub(crate) rejected: Vec<RejectedOperation>,
    /// Points among them.
    pub(crate) points_refused: u64,
    /// Slots recorded as lost.
    pub(crate) slots_lost: u64,
    /// State of the run, if the server told.
    pub(crate) run_state: Option<RunState>,
    /// Somebody asked the run to stop.
    pub(crate) stop_requested: bool,
}

impl Settled {
    fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            points: 0,
            rejected: Vec::new(),
            points_refused: 0,
            slots_lost: 0,
            run_state: None,
            stop_requested: false,
        }
    }
}

/// How much goes into one frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    points: usize,
    bytes: usize,
}

impl Caps {
    pub(crate) const FULL: Self = Self {
        points: FRAME_POINTS_MAX,
        bytes: FRAME_BYTES_TARGET,
    };

    /// At most so many points, at least one.
    pub(crate) fn of_points(points: usize) -> Self {
        Self {
            points: points.clamp(1, FRAME_POINTS_MAX),
            bytes: FRAME_BYTES_TARGET,
        }
    }
}

/// See the module.
pub(crate) struct Session<S> {
    slots: S,
    run: RunId,
    name: WireName,
    /// What the server is known to have.
    acknowledged: Place,
    /// An operation read and left for the next frame, and the place behind it.
    held: Option<(Bytes, Place)>,
    /// Place of the next frame.
    cursor: Place,
    /// The next frame carries all declarations.
    declare: bool,
    /// Slots that must be skipped, since their content was refused for good.
    skip: Option<Skip>,
    caps: Caps,
    caps_now: Caps,
    rejections_in_a_row: u32,
    numbers: Numbers,
    rewinds: Rewinds,
}

/// Slots whose content was set aside.
#[derive(Debug, Clone, Copy)]
struct Skip {
    first: Place,
    next: Place,
    /// Points that were in them.
    points: u64,
}

impl<S: Slots> Session<S> {
    /// A session at the acknowledged mark, or at the first slot there is.
    pub(crate) fn open(mut slots: S, run: RunId, name: WireName) -> Result<Self, SpoolError> {
        let acknowledged = slots.acknowledged();
        let start = first_place(&mut slots, acknowledged, name)?;
        let mut session = Self {
            slots,
            run,
            name,
            acknowledged: start,
            held: None,
            cursor: start,
            declare: false,
            skip: None,
            caps: Caps::FULL,
            caps_now: Caps::FULL,
            rejections_in_a_row: 0,
            numbers: Numbers::default(),
            rewinds: Rewinds::default(),
        };
        session.learn_declarations(start)?;
        Ok(session)
    }

    pub(crate) fn set_caps(&mut self, caps: Caps) {
        self.caps = caps;
        self.caps_now = caps;
    }

    /// The name under which the slots travel.
    pub(crate) fn name(&self) -> WireName {
        self.name
    }

    /// The place up to which the server has everything.
    pub(crate) fn acknowledged(&self) -> Place {
        self.acknowledged
    }

    /// Whether slots were handed out past what is packed. A base frame that is due waits for them.
    pub(crate) fn has_more(&self) -> bool {
        self.held.is_some() || self.skip.is_some() || self.slots.has_more()
    }

    /// The slots, when nothing is left to send.
    pub(crate) fn into_slots(self) -> S {
        self.slots
    }

    /// The slots.
    pub(crate) fn slots(&self) -> &S {
        &self.slots
    }

    /// Learns the types of all numbers, and how many rewinds lie before `start`.
    fn learn_declarations(&mut self, start: Place) -> Result<(), SpoolError> {
        let mut rewinds_in_all: u32 = 0;
        for bytes in self.slots.declarations()? {
            if is_barrier(&bytes) {
                rewinds_in_all += 1;
            }
            self.learn(&bytes);
        }
        if rewinds_in_all == 0 || start.slot == 0 {
            return Ok(());
        }
        loop {
            let place = self.slots.place();
            match self.slots.next_record()? {
                Some(Record::Operation {
                    bytes,
                    declaration: true,
                }) if is_barrier(&Bytes::copy_from_slice(bytes)) => self.rewinds.note(place.slot),
                Some(_) => {}
                None => break,
            }
        }
        let seen = u32::try_from(self.rewinds.slots.len()).unwrap_or(u32::MAX);
        self.rewinds.before = rewinds_in_all.saturating_sub(seen);
        self.slots.seek(start)
    }

    fn learn(&mut self, declaration: &Bytes) {
        let operation = EncodedOperation::from_bytes(declaration.clone()).decode();
        if let Ok(Operation {
            kind: OperationKind::DefineSeries(define),
            ..
        }) = operation
        {
            self.numbers.learn(&define);
        }
    }
}

/// The acknowledged mark, moved up to the first slot there is and to the name's first one.
fn first_place<S: Slots>(
    slots: &mut S,
    acknowledged: Place,
    name: WireName,
) -> Result<Place, SpoolError> {
    let slot = acknowledged
        .slot
        .max(slots.first_slot_available())
        .max(name.first_slot());
    let place = if slot == acknowledged.slot {
        acknowledged
    } else {
        Place {
            slot,
            chain: slots.chain_at(slot)?,
        }
    };
    slots.seek(place)?;
    Ok(place)
}

fn is_barrier(bytes: &Bytes) -> bool {
    EncodedOperation::from_bytes(bytes.clone()).kind_tag() == KindTag::Barrier
}

#[cfg(test)]
mod tests;
