//! What an answer means: how far the server is, and from where to go on.

use bytes::Bytes;
use runstone_model::WriterId;
use runstone_wire::FrameStatus;

use super::super::exchange::spool_error;
use super::super::refusals;
use super::super::slots::{Place, Slots};
use super::{
    Outcome, Packed, PackedKind, REJECTIONS_IN_A_ROW_MAX, Session, Settled, Skip, Verdict,
};
use crate::error::ClientError;
use crate::identity::WireName;
use crate::spool::{RejectedOperation, SpoolError};

impl<S: Slots> Session<S> {
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
    pub(super) fn go_back(&mut self) -> Result<(), ClientError> {
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
