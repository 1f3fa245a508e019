//! One writer's slots on their way to one server: what to send next, and what an answer means.
//!
//! The state machine of the mark and the chain (`docs/formats/frame.md`), without network, clock
//! or threads: [`Session::next_frame`] packs what follows the acknowledged mark, and
//! [`Session::settle`] takes what became of it. Driven by `sender::runtime` for the live writers
//! of this process and by `deliver` for the folders of dead ones. At most one frame is under way.
//!
//! The surprising rule: a frame that got no answer is forgotten, not kept. It is packed anew from
//! the acknowledged mark, maybe with other boundaries; the server's mark decides what is new.

use bytes::Bytes;
use runstone_model::{RunId, RunState, Timestamp, WriterId};
use runstone_wire::{
    Completeness, EncodedOperation, Frame, FrameAnswer, FrameStatus, IfPresent, KindTag, Operation,
    OperationKind,
};

use super::exchange::spool_error;
use super::numbers::Numbers;
use super::points::PointSorter;
use super::refusals;
use super::slots::{Place, Slots};
use crate::error::ClientError;
use crate::identity::WireName;
use crate::spool::{Record, RejectedOperation, SpoolError};

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

/// Slots of this writer's rewinds, to tell the generation at any slot.
#[derive(Debug, Default)]
struct Rewinds {
    /// Before the first slot that was read.
    before: u32,
    slots: Vec<u64>,
}

impl Rewinds {
    fn note(&mut self, slot: u64) {
        if let Err(at) = self.slots.binary_search(&slot) {
            self.slots.insert(at, slot);
        }
    }

    fn at(&self, slot: u64) -> u32 {
        self.before + u32::try_from(self.slots.partition_point(|&seen| seen < slot)).unwrap_or(0)
    }
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

    /// The next frame; `None` if there is nothing to send, neither slots nor company.
    pub(crate) fn next_frame(
        &mut self,
        sorter: &mut PointSorter,
        company: &Company,
    ) -> Result<Option<Packed>, ClientError> {
        if let Some(skip) = self.skip {
            return Ok(Some(Packed {
                frame: self.envelope(skip.first, skip.next, company.now),
                first: skip.first,
                next: skip.next,
                points: skip.points,
                records: 0,
                kind: PackedKind::Skip,
            }));
        }
        let first = self.cursor;
        sorter.clear();
        let mut collected = Collected::default();
        if let Err(error) = self.collect(sorter, &mut collected) {
            // What was to be read may be gone by now: the next try begins where something is.
            self.go_back()?;
            return Err(error);
        }
        let next = collected.next.unwrap_or(first);
        self.cursor = next;
        let kind = if next.slot == first.slot {
            PackedKind::Beat
        } else {
            PackedKind::Slots
        };
        if kind == PackedKind::Beat && company.completeness.is_none() && !company.heartbeat {
            return Ok(None);
        }
        let points = sorter.len() as u64;
        let mut operations = Vec::with_capacity(collected.operations.len() + 3);
        let mut rest = collected.operations.into_iter().peekable();
        if rest.peek().is_some_and(is_barrier) {
            operations.extend(rest.next().map(EncodedOperation::from_bytes));
        }
        if self.declare && kind == PackedKind::Slots {
            operations.extend(self.base_declarations()?);
        }
        // Ends go behind the points; a definition never does.
        let (ends, others): (Vec<Bytes>, Vec<Bytes>) = rest.partition(is_end);
        operations.extend(others.into_iter().map(EncodedOperation::from_bytes));
        if !sorter.is_empty() {
            let pack = sorter.pack(|number| self.numbers.value_type(number));
            let pack = pack.map_err(|error| {
                ClientError::Internal(format!("packing points failed: {error}"))
            })?;
            operations.push(encoded(OperationKind::Points(pack)));
        }
        if company.heartbeat {
            operations.push(encoded(OperationKind::Heartbeat { at: company.now }));
        }
        if let Some(completeness) = &company.completeness {
            operations.push(encoded(OperationKind::Completeness(completeness.clone())));
        }
        operations.extend(ends.into_iter().map(EncodedOperation::from_bytes));
        let mut frame = self.envelope(first, next, company.now);
        frame.base = self.declare && kind == PackedKind::Slots;
        frame.operations = operations;
        Ok(Some(Packed {
            frame,
            first,
            next,
            points,
            records: collected.records,
            kind,
        }))
    }

    fn envelope(&self, first: Place, next: Place, now: Timestamp) -> Frame {
        let (wire_first, wire_next) = (self.name.wire_place(first), self.name.wire_place(next));
        Frame {
            writer: self.name.writer,
            run: self.run.clone(),
            first_slot: wire_first.slot,
            next_slot: wire_next.slot,
            chain_first: wire_first.chain,
            chain_next: wire_next.chain,
            base: false,
            generation: self.rewinds.at(first.slot),
            sent_at: now,
            operations: Vec::new(),
        }
    }

    /// Reads records into the sorter and the list of operations until a cap, a barrier, or the
    /// first counted point of a series that has steps in this frame.
    fn collect(
        &mut self,
        sorter: &mut PointSorter,
        collected: &mut Collected,
    ) -> Result<(), ClientError> {
        if let Some((bytes, behind)) = self.held.take() {
            collected.bytes += bytes.len();
            collected.records += 1;
            collected.operations.push(bytes);
            collected.next = Some(behind);
        }
        loop {
            let full = sorter.len() >= self.caps_now.points
                || collected.bytes + sorter.len() * POINT_BYTES_ESTIMATE >= self.caps_now.bytes
                || (collected.records > 0 && self.caps_now.points <= 1);
            if full {
                return Ok(());
            }
            let before = self.slots.place();
            let (bytes, declaration) = match self
                .slots
                .next_record()
                .map_err(|error| spool_error(&error))?
            {
                None => {
                    collected.next = Some(self.slots.place());
                    return Ok(());
                }
                Some(Record::Point(point)) => {
                    if self.numbers.ends_frame(point.series, sorter) {
                        self.slots
                            .seek(before)
                            .map_err(|error| spool_error(&error))?;
                        collected.next = Some(before);
                        return Ok(());
                    }
                    sorter.push(&point);
                    collected.records += 1;
                    collected.next = Some(self.slots.place());
                    continue;
                }
                Some(Record::Lost { .. }) => {
                    collected.next = Some(self.slots.place());
                    continue;
                }
                Some(Record::Operation { bytes, declaration }) => {
                    (Bytes::copy_from_slice(bytes), declaration)
                }
            };
            if declaration {
                self.learn(&bytes);
            }
            let barrier = is_barrier(&bytes);
            if barrier && declaration {
                self.rewinds.note(before.slot);
            }
            let behind = self.slots.place();
            let estimate = collected.bytes + sorter.len() * POINT_BYTES_ESTIMATE + bytes.len();
            if collected.records > 0 && (barrier || estimate > self.caps_now.bytes) {
                collected.next = Some(before);
                self.held = Some((bytes, behind));
                return Ok(());
            }
            collected.bytes += bytes.len();
            collected.records += 1;
            collected.operations.push(bytes);
            collected.next = Some(behind);
        }
    }

    /// Open and definitions; rewinds are told by the frame's generation.
    fn base_declarations(&self) -> Result<Vec<EncodedOperation>, ClientError> {
        let all = self
            .slots
            .declarations()
            .map_err(|error| spool_error(&error))?;
        Ok(all
            .into_iter()
            .filter(|bytes| !is_barrier(bytes))
            .map(EncodedOperation::from_bytes)
            .collect())
    }

    /// Takes what became of a frame. `new_name` makes a writer id and notes it, if one is needed;
    /// `None` from it means that this spool must not take one.
    pub(crate) fn settle(
        &mut self,
        packed: &Packed,
        outcome: Outcome,
        new_name: impl FnOnce(Place) -> Result<Option<WriterId>, ClientError>,
    ) -> Result<Settled, ClientError> {
        let answer = match outcome {
            Outcome::Answered(answer) => answer,
            Outcome::Silence => {
                self.go_back()?;
                return Ok(Settled::new(Verdict::Later));
            }
            Outcome::Refused { reason } => return self.settle_refusal(packed, reason),
        };
        let told = self.name.place_of_wire(Place {
            slot: answer.mark,
            chain: answer.chain,
        });
        let mut settled = Settled::new(Verdict::Advanced);
        settled.run_state = answer.run_state;
        settled.stop_requested = answer.stop_requested;
        let applied = answer.status == FrameStatus::Applied;
        if applied {
            settled.slots_lost = answer.lost_slots;
        }
        let refused = refusals::rejected_operations(packed, &answer);
        settled.points_refused = answer.refusals.iter().map(|refusal| refusal.points).sum();
        settled.rejected = refused;
        if told == packed.next && answer.status != FrameStatus::Mismatch {
            if packed.kind != PackedKind::Beat {
                settled.points = packed.points;
                self.advance(packed);
            }
            return Ok(settled);
        }
        if applied && packed.kind != PackedKind::Beat {
            self.go_back()?;
            settled.verdict = Verdict::Confused(format!(
                "the server applied slots up to {} and answered mark {}",
                packed.next.slot, told.slot
            ));
            return Ok(settled);
        }
        settled.verdict = self.reconcile(packed, told, new_name)?;
        Ok(settled)
    }

    fn advance(&mut self, packed: &Packed) {
        self.acknowledged = packed.next;
        self.declare = false;
        self.rejections_in_a_row = 0;
        if packed.kind == PackedKind::Skip {
            self.skip = None;
        }
        self.caps_now.points = (self.caps_now.points * 2).min(self.caps.points);
        self.caps_now.bytes = (self.caps_now.bytes * 2).min(self.caps.bytes);
        // Failing to note the mark costs a second delivery, which changes nothing.
        let _ = self.slots.release(packed.next);
    }

    /// The server stands elsewhere than the frame thought.
    fn reconcile(
        &mut self,
        packed: &Packed,
        told: Place,
        new_name: impl FnOnce(Place) -> Result<Option<WriterId>, ClientError>,
    ) -> Result<Verdict, ClientError> {
        self.skip = None;
        let first_kept = self.slots.first_slot_available();
        if told.slot < first_kept.max(self.name.first_slot()) {
            // Base already, and refused nevertheless: do not spin.
            if packed.frame.base {
                self.go_back()?;
                return Ok(Verdict::Confused("a base frame was not taken".to_owned()));
            }
            let chain = self
                .slots
                .chain_at(first_kept)
                .map_err(|error| spool_error(&error))?;
            let place = Place {
                slot: first_kept,
                chain,
            };
            self.acknowledged = place;
            self.declare = true;
            self.go_back()?;
            return Ok(Verdict::Base);
        }
        let known = match self.slots.chain_at(told.slot) {
            Ok(chain) => chain == told.chain,
            Err(SpoolError::Beyond { .. } | SpoolError::Released { .. }) => false,
            Err(error) => return Err(spool_error(&error)),
        };
        if !known {
            return self.rename(new_name);
        }
        let same_place = told == packed.first;
        self.acknowledged = told;
        // Also backwards: what the server has not, a later deliverer must not take for sent.
        let _ = self.slots.release(told);
        self.go_back()?;
        if same_place && packed.kind != PackedKind::Beat {
            return Ok(Verdict::Confused(
                "the server refused a frame that begins at its mark".to_owned(),
            ));
        }
        Ok(Verdict::Repacked)
    }

    fn rename(
        &mut self,
        new_name: impl FnOnce(Place) -> Result<Option<WriterId>, ClientError>,
    ) -> Result<Verdict, ClientError> {
        let origin = self.acknowledged;
        let Some(writer) = new_name(origin)? else {
            self.go_back()?;
            return Ok(Verdict::Confused(
                "another writer is ahead of what is seen here".to_owned(),
            ));
        };
        self.name = WireName::new(writer, origin);
        self.declare = true;
        self.go_back()?;
        Ok(Verdict::Renamed)
    }

    fn settle_refusal(&mut self, packed: &Packed, reason: String) -> Result<Settled, ClientError> {
        if packed.kind != PackedKind::Slots {
            self.go_back()?;
            return Ok(Settled::new(Verdict::Confused(reason)));
        }
        let whole = self.rejections_in_a_row >= REJECTIONS_IN_A_ROW_MAX;
        if packed.records > 1 && !whole {
            let points = usize::try_from(packed.records / 2).unwrap_or(1);
            self.caps_now.points = points.clamp(1, self.caps_now.points);
            self.caps_now.bytes = (self.caps_now.bytes / 2).max(1);
            self.go_back()?;
            return Ok(Settled::new(Verdict::Shrunk));
        }
        self.rejections_in_a_row += 1;
        if whole {
            self.caps_now = self.caps;
        }
        self.skip = Some(Skip {
            first: packed.first,
            next: packed.next,
            points: packed.points,
        });
        let mut settled = Settled::new(Verdict::SetAside);
        settled.points_refused = packed.points;
        settled.rejected = vec![RejectedOperation {
            at_micros: packed.frame.sent_at.as_micros(),
            slot: packed.first.slot,
            code: "frame".to_owned(),
            reason,
            bytes: Bytes::from(packed.frame.encode()),
        }];
        Ok(settled)
    }

    /// What was set aside could not be kept: it is tried again.
    pub(crate) fn forget_skip(&mut self) {
        self.skip = None;
        // The session seeks again when the next frame is packed, and tells if that fails.
        let _ = self.go_back();
    }

    /// Back to the acknowledged mark, what was read since is read again. If that is gone here, on
    /// with a base frame from the first slot there is.
    fn go_back(&mut self) -> Result<(), ClientError> {
        self.held = None;
        self.numbers.read_again();
        match self.slots.seek(self.acknowledged) {
            Ok(()) => {}
            Err(SpoolError::Released { .. }) => {
                let slot = self.slots.first_slot_available();
                let chain = self
                    .slots
                    .chain_at(slot)
                    .map_err(|error| spool_error(&error))?;
                self.acknowledged = Place { slot, chain };
                self.declare = true;
                self.slots
                    .seek(self.acknowledged)
                    .map_err(|error| spool_error(&error))?;
            }
            Err(error) => return Err(spool_error(&error)),
        }
        self.cursor = self.acknowledged;
        Ok(())
    }
}

#[derive(Default)]
struct Collected {
    operations: Vec<Bytes>,
    bytes: usize,
    records: u64,
    /// The place behind what was collected.
    next: Option<Place>,
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

/// `EndWriter` and `Lifecycle`: they stand behind the points of their frame.
fn is_end(bytes: &Bytes) -> bool {
    let operation = EncodedOperation::from_bytes(bytes.clone()).decode();
    matches!(
        operation.map(|operation| operation.kind),
        Ok(OperationKind::EndWriter(_) | OperationKind::Lifecycle(_))
    )
}

fn encoded(kind: OperationKind) -> EncodedOperation {
    EncodedOperation::encode(&Operation {
        if_present: IfPresent::Apply,
        kind,
    })
}

#[cfg(test)]
mod tests;
