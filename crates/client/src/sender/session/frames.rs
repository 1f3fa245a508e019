//! What goes into the next frame: slots from the acknowledged mark on, until something ends it.
//!
//! A cap ends it, a barrier, or the first counted point of a series that has explicit steps in the
//! frame (`numbers`).

use bytes::Bytes;
use runstone_model::Timestamp;
use runstone_wire::{EncodedOperation, Frame, IfPresent, Operation, OperationKind};

use super::super::exchange::spool_error;
use super::super::points::PointSorter;
use super::super::slots::{Place, Slots};
use super::{Company, POINT_BYTES_ESTIMATE, Packed, PackedKind, Session, is_barrier};
use crate::error::ClientError;
use crate::spool::Record;

#[derive(Default)]
struct Collected {
    operations: Vec<Bytes>,
    bytes: usize,
    records: u64,
    /// The place behind what was collected.
    next: Option<Place>,
}

impl<S: Slots> Session<S> {
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
}

/// `EndWriter` and `Lifecycle`: they stand behind the points of their frame.
fn is_end(bytes: &Bytes) -> bool {
    let operation = EncodedOperation::from_bytes(bytes.clone()).decode();
    matches!(
        operation.map(|operation| operation.kind),
        Ok(OperationKind::EndWriter(_) | OperationKind::Lifecycle(_))
    )
}

pub(super) fn encoded(kind: OperationKind) -> EncodedOperation {
    EncodedOperation::encode(&Operation {
        if_present: IfPresent::Apply,
        kind,
    })
}
