//! The envelope: one batch of a writer's slots, and its operations as bytes.

use bytes::Bytes;
use prost::Message;
use runstone_model::{RunId, Timestamp, WriterId};

use crate::{FRAME_VERSION, Operation, RefusalCode, decode, encode, proto};

/// One batch of one writer's slots `[first_slot, next_slot)`. See `docs/formats/frame.md`.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Who wrote.
    pub writer: WriterId,
    /// The run it writes to.
    pub run: RunId,
    /// First slot of the batch.
    pub first_slot: u64,
    /// One past the last slot; equal to `first_slot` for a frame of heartbeats and counters.
    pub next_slot: u64,
    /// The writer's chain at `first_slot`.
    pub chain_first: u64,
    /// The writer's chain at `next_slot`.
    pub chain_next: u64,
    /// What lies between the server's mark and `first_slot` is gone at the client.
    pub base: bool,
    /// Rewinds this writer has made before `first_slot`.
    pub generation: u32,
    /// The client's clock when the frame was made.
    pub sent_at: Timestamp,
    /// In the order of their slots.
    pub operations: Vec<EncodedOperation>,
}

/// Why bytes are no frame. The sender must not send them again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No protobuf message of this shape.
    #[error("the body is no frame: {0}")]
    Malformed(String),
    /// A version that this reader does not know.
    #[error("frame version {0} is not supported, this server reads version {FRAME_VERSION}")]
    Version(u32),
    /// A field has no possible meaning.
    #[error("frame field {field}: {reason}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why one operation can't be applied; its neighbours can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct OperationError {
    /// For programs.
    pub code: RefusalCode,
    /// For people: what is wrong, with which value, and what to do.
    pub reason: String,
}

/// An operation as bytes: what the spool holds, what travels, what `rejected/` keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedOperation(Bytes);

/// What an operation is, read from its first bytes without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindTag {
    /// `Remove` or `Rewind`: must stand first in its frame.
    Barrier,
    /// `Points`.
    Points,
    /// Every other, those of later versions included.
    Other,
}

impl EncodedOperation {
    /// Takes bytes as they are; whether they mean anything shows at [`Self::decode`].
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Encodes an operation. The same operation gives the same bytes.
    pub fn encode(operation: &Operation) -> Self {
        Self(Bytes::from(
            encode::operation_to_proto(operation).encode_to_vec(),
        ))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Decodes and checks names, paths, steps and sizes.
    ///
    /// # Errors
    /// `Unsupported` for a kind of a later version, `Invalid` or `TooLarge` for content that the
    /// model refuses. The error belongs to this operation only.
    pub fn decode(&self) -> Result<Operation, OperationError> {
        decode::operation_from_bytes(&self.0)
    }

    /// What kind of operation this is, at the price of a few bytes.
    pub fn kind_tag(&self) -> KindTag {
        const BARRIERS: [u64; 2] = [21, 22];
        const POINTS: u64 = 19;
        let mut rest: &[u8] = &self.0;
        while let Ok((field, wire_type)) = prost::encoding::decode_key(&mut rest) {
            if BARRIERS.contains(&u64::from(field)) {
                return KindTag::Barrier;
            }
            if u64::from(field) == POINTS {
                return KindTag::Points;
            }
            let context = prost::encoding::DecodeContext::default();
            if prost::encoding::skip_field(wire_type, field, &mut rest, context).is_err() {
                break;
            }
        }
        KindTag::Other
    }
}

impl Frame {
    /// Encodes the frame. The operations' bytes are copied as they are.
    pub fn encode(&self) -> Vec<u8> {
        proto::Frame {
            version: FRAME_VERSION,
            writer: Bytes::copy_from_slice(self.writer.as_bytes()),
            run: self.run.as_str().to_owned(),
            first_slot: self.first_slot,
            next_slot: self.next_slot,
            chain_first: self.chain_first,
            chain_next: self.chain_next,
            base: self.base,
            generation: self.generation,
            sent_at_micros: self.sent_at.as_micros(),
            operations: self
                .operations
                .iter()
                .map(|operation| operation.0.clone())
                .collect(),
        }
        .encode_to_vec()
    }

    /// Decodes the envelope; operations stay slices of `bytes`.
    ///
    /// # Errors
    /// See [`WireError`]; none of them goes away by sending the same bytes again.
    pub fn decode(bytes: &Bytes) -> Result<Self, WireError> {
        let frame = proto::Frame::decode(bytes.clone())
            .map_err(|error| WireError::Malformed(error.to_string()))?;
        if frame.version != FRAME_VERSION {
            return Err(WireError::Version(frame.version));
        }
        let writer: [u8; 16] = frame
            .writer
            .as_ref()
            .try_into()
            .map_err(|_| WireError::Field {
                field: "writer",
                reason: format!("needs 16 bytes, has {}", frame.writer.len()),
            })?;
        let run = RunId::new(frame.run).map_err(|error| WireError::Field {
            field: "run",
            reason: error.to_string(),
        })?;
        if frame.next_slot < frame.first_slot {
            return Err(WireError::Field {
                field: "next_slot",
                reason: format!(
                    "{} lies before first_slot {}",
                    frame.next_slot, frame.first_slot
                ),
            });
        }
        Ok(Self {
            writer: WriterId::new(writer),
            run,
            first_slot: frame.first_slot,
            next_slot: frame.next_slot,
            chain_first: frame.chain_first,
            chain_next: frame.chain_next,
            base: frame.base,
            generation: frame.generation,
            sent_at: Timestamp::from_micros(frame.sent_at_micros),
            operations: frame.operations.into_iter().map(EncodedOperation).collect(),
        })
    }

    /// Whether the frame holds no slot: only heartbeats and counters may travel in it.
    pub fn is_empty_range(&self) -> bool {
        self.first_slot == self.next_slot
    }
}
