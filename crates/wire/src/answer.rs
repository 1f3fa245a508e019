//! What the server says to a frame.

use bytes::Bytes;
use prost::Message;
use runstone_model::{ChangeNumber, RunState};

use crate::{WireError, proto};

/// How a frame was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameStatus {
    /// Applied: durable and readable.
    Applied,
    /// It lay below the mark: nothing changed.
    Duplicate,
    /// Chain or position disagree with the mark: nothing changed. Travels with status 409.
    Mismatch,
}

/// The answer to a frame. Mark and chain are always those after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameAnswer {
    /// The server has every slot below.
    pub mark: u64,
    /// The writer's chain at the mark.
    pub chain: u64,
    /// How the frame was received.
    pub status: FrameStatus,
    /// Operations that were refused; their neighbours are kept.
    pub refusals: Vec<Refusal>,
    /// State of the run after the frame; `None` if there is no such run.
    pub run_state: Option<RunState>,
    /// Somebody asked the run to stop.
    pub stop_requested: bool,
    /// Change number of the transaction.
    pub change: ChangeNumber,
    /// Slots that this frame made the server record as lost.
    pub lost_slots: u64,
}

/// One refused operation, or one refused series of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Index in the frame's operations.
    pub operation: u32,
    /// The writer's series number when only one series of a pack is refused.
    pub series: Option<u32>,
    /// For programs.
    pub code: RefusalCode,
    /// For people: what is wrong and what to do.
    pub reason: String,
    /// Points refused.
    pub points: u64,
}

/// Why an operation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// Its content is wrong.
    Invalid,
    /// Points of a series number that the writer never defined.
    UnknownSeries,
    /// A number against a string.
    TypeConflict,
    /// The target exists and `if_present` says refuse.
    Exists,
    /// There is no such run, series or param.
    NotFound,
    /// The run was deleted.
    Deleted,
    /// A kind of operation that this server does not know.
    Unsupported,
    /// Past a size limit.
    TooLarge,
    /// The state forbids it.
    Conflict,
}

impl RefusalCode {
    const ALL: [Self; 9] = [
        Self::Invalid,
        Self::UnknownSeries,
        Self::TypeConflict,
        Self::Exists,
        Self::NotFound,
        Self::Deleted,
        Self::Unsupported,
        Self::TooLarge,
        Self::Conflict,
    ];

    /// The word that travels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::UnknownSeries => "unknown_series",
            Self::TypeConflict => "type_conflict",
            Self::Exists => "exists",
            Self::NotFound => "not_found",
            Self::Deleted => "deleted",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too_large",
            Self::Conflict => "conflict",
        }
    }

    /// A word of a later version reads as `Invalid`: the operation was refused, whatever the cause.
    fn from_word(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|code| code.as_str() == word)
            .unwrap_or(Self::Invalid)
    }
}

impl std::fmt::Display for RefusalCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FrameAnswer {
    /// Encodes the answer.
    pub fn encode(&self) -> Vec<u8> {
        let status = match self.status {
            FrameStatus::Applied => proto::FrameStatus::Applied,
            FrameStatus::Duplicate => proto::FrameStatus::Duplicate,
            FrameStatus::Mismatch => proto::FrameStatus::Mismatch,
        };
        proto::FrameAnswer {
            mark: self.mark,
            chain: self.chain,
            status: status.into(),
            refusals: self.refusals.iter().map(refusal_to_proto).collect(),
            run_state: self
                .run_state
                .map(|state| state.to_string())
                .unwrap_or_default(),
            stop_requested: self.stop_requested,
            change: self.change.0,
            lost_slots: self.lost_slots,
        }
        .encode_to_vec()
    }

    /// Decodes an answer.
    ///
    /// # Errors
    /// `WireError::Malformed` for anything else than an answer; what came was not this server.
    pub fn decode(bytes: &Bytes) -> Result<Self, WireError> {
        let answer = proto::FrameAnswer::decode(bytes.clone())
            .map_err(|error| WireError::Malformed(error.to_string()))?;
        let status = match answer.status() {
            proto::FrameStatus::Applied => FrameStatus::Applied,
            proto::FrameStatus::Duplicate => FrameStatus::Duplicate,
            proto::FrameStatus::Mismatch => FrameStatus::Mismatch,
            proto::FrameStatus::Unspecified => {
                return Err(WireError::Field {
                    field: "status",
                    reason: "is missing".to_owned(),
                });
            }
        };
        Ok(Self {
            mark: answer.mark,
            chain: answer.chain,
            status,
            refusals: answer
                .refusals
                .into_iter()
                .map(refusal_from_proto)
                .collect(),
            run_state: answer.run_state.parse().ok(),
            stop_requested: answer.stop_requested,
            change: ChangeNumber(answer.change),
            lost_slots: answer.lost_slots,
        })
    }
}

fn refusal_to_proto(refusal: &Refusal) -> proto::Refusal {
    proto::Refusal {
        operation: refusal.operation,
        series: refusal.series.unwrap_or(0),
        code: refusal.code.as_str().to_owned(),
        reason: refusal.reason.clone(),
        points: refusal.points,
    }
}

fn refusal_from_proto(refusal: proto::Refusal) -> Refusal {
    Refusal {
        operation: refusal.operation,
        series: (refusal.series != 0).then_some(refusal.series),
        code: RefusalCode::from_word(&refusal.code),
        reason: refusal.reason,
        points: refusal.points,
    }
}
