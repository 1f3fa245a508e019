//! The rule of mark and chain: what becomes of a frame before anything in it is looked at.

use runstone_wire::Frame;

use super::LostRange;
use crate::WriterMark;

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is next: apply it and move the mark.
    Apply {
        /// Slots between mark and frame that will never come.
        lost: Option<LostRange>,
    },
    /// It holds no slot and stands at the mark: heartbeat and counters are applied, nothing moves.
    Beat,
    /// All of it lies below the mark: acknowledge it and change nothing.
    Duplicate,
    /// Position or chain disagree: answer the mark and change nothing.
    Mismatch,
}

/// Judges a frame by the writer's mark; `None` for a writer never seen, whose mark is slot 0.
///
/// The chain of an unknown writer at slot 0 is taken as it comes. A frame that reaches below and
/// past the mark is never applied in part, `base` or not.
pub fn judge_frame(mark: Option<WriterMark>, frame: &Frame) -> Verdict {
    let stands_at = mark.map_or(0, |mark| mark.mark);
    let chain_agrees = mark.is_none_or(|mark| mark.chain == frame.chain_first);
    if frame.is_empty_range() {
        return match mark {
            Some(_) if frame.first_slot == stands_at => Verdict::Beat,
            Some(_) if frame.first_slot < stands_at => Verdict::Duplicate,
            _ => Verdict::Mismatch,
        };
    }
    if frame.next_slot <= stands_at {
        return Verdict::Duplicate;
    }
    if frame.first_slot == stands_at && chain_agrees {
        return Verdict::Apply { lost: None };
    }
    if frame.base && frame.first_slot > stands_at {
        return Verdict::Apply {
            lost: Some(LostRange {
                first: stands_at,
                next: frame.first_slot,
            }),
        };
    }
    Verdict::Mismatch
}
