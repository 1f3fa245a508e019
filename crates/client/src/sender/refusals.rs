//! Turns the refusals of an answer into what `rejected/` keeps.

use bytes::Bytes;
use runstone_codec::{PackReader, SeriesColumns, encode_pack};
use runstone_wire::{EncodedOperation, FrameAnswer, IfPresent, Operation, OperationKind, Refusal};

use super::session::Packed;
use crate::spool::RejectedOperation;

/// The refused operations of a frame; of a pack only the refused series.
pub(super) fn rejected_operations(packed: &Packed, answer: &FrameAnswer) -> Vec<RejectedOperation> {
    answer
        .refusals
        .iter()
        .filter_map(|refusal| {
            let index = usize::try_from(refusal.operation).ok()?;
            let operation = packed.frame.operations.get(index)?;
            let bytes = match refusal.series {
                Some(number) => series_of_pack(operation, number),
                None => None,
            };
            Some(RejectedOperation {
                at_micros: packed.frame.sent_at.as_micros(),
                slot: packed.frame.first_slot,
                code: refusal.code.as_str().to_owned(),
                reason: reason_text(refusal),
                bytes: bytes.unwrap_or_else(|| operation.as_bytes().clone()),
            })
        })
        .collect()
}

fn reason_text(refusal: &Refusal) -> String {
    match refusal.series {
        Some(number) => format!(
            "series {number}, {} points: {}",
            refusal.points, refusal.reason
        ),
        None => refusal.reason.clone(),
    }
}

/// A `Points` operation with one series of the pack. `None` if it cannot be cut out; then the
/// whole pack is kept.
fn series_of_pack(operation: &EncodedOperation, number: u32) -> Option<Bytes> {
    let OperationKind::Points(pack) = operation.decode().ok()?.kind else {
        return None;
    };
    let reader = PackReader::parse(&pack).ok()?;
    let index = reader.find(number)?;
    let value_type = reader.series().nth(index)?.value_type;
    let mut columns = SeriesColumns::default();
    reader.decode(index, &mut columns).ok()?;
    let alone = encode_pack(&[columns.as_points(number, value_type)]).ok()?;
    let operation = Operation {
        if_present: IfPresent::Apply,
        kind: OperationKind::Points(Bytes::from(alone)),
    };
    Some(EncodedOperation::encode(&operation).as_bytes().clone())
}
