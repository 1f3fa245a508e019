//! Decoding of a whole frame, before it goes to the one writer of an engine.

use bytes::Bytes;
use runstone_codec::{PackReader, SeriesColumns};
use runstone_model::{ReceivedAt, ValueType, WorkspaceId};
use runstone_wire::{
    EncodedOperation, Frame, IfPresent, OperationError, OperationKind, RefusalCode,
};

use super::text::clean_operation;
use crate::AppendFrame;

/// A frame with its operations decoded, packs included.
#[derive(Debug, Clone)]
pub struct PreparedFrame {
    /// See [`AppendFrame`].
    pub workspace: WorkspaceId,
    /// See [`AppendFrame`].
    pub received_at: ReceivedAt,
    /// See [`AppendFrame`].
    pub principal: String,
    /// The frame as received.
    pub frame: Frame,
    /// Its operations in order; an error is the refusal of this operation alone.
    pub operations: Vec<Result<PreparedOperation, OperationError>>,
}

/// One operation, decoded and with clean text.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedOperation {
    /// What to do when the target exists.
    pub if_present: IfPresent,
    /// What is asked.
    pub kind: PreparedKind,
    /// Characters that were no text and were replaced.
    pub replaced_characters: u64,
}

/// What an operation asks.
#[derive(Debug, Clone, PartialEq)]
pub enum PreparedKind {
    /// Points, decoded.
    Points(PreparedPack),
    /// Everything else; never [`OperationKind::Points`].
    Other(OperationKind),
}

/// A pack and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPack {
    /// The bytes as received.
    pub pack: Bytes,
    /// Its series, in the order of the pack; none is without points.
    pub series: Vec<PreparedSeries>,
}

/// Decoded points of one series number.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedSeries {
    /// Number of the writer.
    pub number: u32,
    /// How `columns.values` are to be read.
    pub value_type: ValueType,
    /// The points in the order they were logged.
    pub columns: SeriesColumns,
    /// Smallest and greatest step, ordinals for auto steps.
    pub step_range: (f64, f64),
    /// Whether all steps are finite.
    pub steps_finite: bool,
}

impl PreparedFrame {
    /// Decodes the operations of a frame. Whatever can't be decoded becomes a refusal.
    pub fn prepare(append: AppendFrame) -> Self {
        let AppendFrame {
            workspace,
            frame,
            received_at,
            principal,
        } = append;
        let operations = frame.operations.iter().map(prepare_operation).collect();
        Self {
            workspace,
            received_at,
            principal,
            frame,
            operations,
        }
    }

    /// Points in all packs that could be decoded.
    pub fn point_count(&self) -> u64 {
        self.operations
            .iter()
            .flatten()
            .map(|operation| match &operation.kind {
                PreparedKind::Points(pack) => pack.point_count(),
                PreparedKind::Other(_) => 0,
            })
            .sum()
    }
}

impl PreparedPack {
    /// Points of all series.
    pub fn point_count(&self) -> u64 {
        self.series
            .iter()
            .map(|series| series.columns.steps.len() as u64)
            .sum()
    }
}

fn prepare_operation(encoded: &EncodedOperation) -> Result<PreparedOperation, OperationError> {
    let operation = encoded.decode()?;
    let if_present = operation.if_present;
    if let OperationKind::Points(pack) = operation.kind {
        let kind = PreparedKind::Points(prepare_pack(pack)?);
        return Ok(PreparedOperation {
            if_present,
            kind,
            replaced_characters: 0,
        });
    }
    let mut kind = operation.kind;
    let replaced_characters = clean_operation(&mut kind);
    Ok(PreparedOperation {
        if_present,
        kind: PreparedKind::Other(kind),
        replaced_characters,
    })
}

/// Decodes all series of a pack; a pack that is wrong anywhere is refused whole.
fn prepare_pack(pack: Bytes) -> Result<PreparedPack, OperationError> {
    let reader = PackReader::parse(&pack).map_err(pack_error)?;
    reader.verify_checksum().map_err(pack_error)?;
    let mut series = Vec::new();
    for (index, entry) in reader.series().enumerate() {
        let mut columns = SeriesColumns::default();
        reader.decode(index, &mut columns).map_err(pack_error)?;
        if columns.steps.is_empty() {
            continue;
        }
        let mut step_range = (f64::INFINITY, f64::NEG_INFINITY);
        let mut steps_finite = true;
        for step in &mut columns.steps {
            steps_finite &= step.is_finite();
            // -0.0 is step 0.
            *step += 0.0;
            step_range = (step_range.0.min(*step), step_range.1.max(*step));
        }
        series.push(PreparedSeries {
            number: entry.number,
            value_type: entry.value_type,
            columns,
            step_range,
            steps_finite,
        });
    }
    Ok(PreparedPack { pack, series })
}

fn pack_error(error: impl std::fmt::Display) -> OperationError {
    OperationError {
        code: RefusalCode::Invalid,
        reason: format!("the pack is damaged: {error}"),
    }
}
