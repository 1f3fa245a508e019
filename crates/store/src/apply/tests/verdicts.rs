//! The rule of mark and chain, over all small cases.

use proptest::prelude::*;
use runstone_model::{RunId, Timestamp, WriterId};
use runstone_wire::Frame;

use super::super::{LostRange, Verdict, judge_frame};
use crate::WriterMark;

fn frame(first_slot: u64, next_slot: u64, chain_first: u64, base: bool) -> Frame {
    Frame {
        writer: WriterId::new([1; 16]),
        run: RunId::new("run-a").unwrap(),
        first_slot,
        next_slot,
        chain_first,
        chain_next: 0,
        base,
        generation: 0,
        sent_at: Timestamp::from_micros(0),
        operations: Vec::new(),
    }
}

proptest! {
    #[test]
    fn a_frame_is_applied_at_the_mark_or_after_a_recorded_loss_and_never_in_part(
        mark in proptest::option::of(0_u64..6),
        first in 0_u64..8,
        slots in 0_u64..4,
        chain_agrees in any::<bool>(),
        base in any::<bool>(),
    ) {
        let chain = 77;
        let known = mark.map(|mark| WriterMark { mark, chain });
        let next = first + slots;
        let frame = frame(first, next, if chain_agrees { chain } else { 5 }, base);
        let at = mark.unwrap_or(0);
        match judge_frame(known, &frame) {
            Verdict::Apply { lost: None } => {
                prop_assert!(slots > 0 && first == at);
                prop_assert!(chain_agrees || mark.is_none());
            }
            Verdict::Apply { lost: Some(lost) } => {
                prop_assert!(slots > 0 && base && first > at);
                prop_assert_eq!(lost, LostRange { first: at, next: first });
            }
            Verdict::Beat => prop_assert!(slots == 0 && mark == Some(first)),
            Verdict::Duplicate => {
                prop_assert!(next <= at && (slots > 0 || first < at));
                prop_assert!(mark.is_some());
            }
            Verdict::Mismatch => {
                prop_assert!(next > at || (slots == 0 && mark.is_none()));
                prop_assert!(!(base && first > at && slots > 0));
                prop_assert!(slots == 0 || first != at || !(chain_agrees || mark.is_none()));
            }
        }
    }
}
