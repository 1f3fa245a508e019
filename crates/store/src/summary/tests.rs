//! A summary is the same however its points are cut into parts.

use proptest::collection::vec;
use proptest::prelude::*;
use runstone_model::{Step, Timestamp};

use super::{SummaryFold, merge_summaries};
use crate::SeriesSummary;

fn fold(points: &[(i32, f64)]) -> SeriesSummary {
    let mut fold = SummaryFold::default();
    for (step, value) in points {
        let step = i64::from(*step);
        fold.push(
            Step::from_integer(step),
            Timestamp::from_micros(step * 3),
            *value,
        );
    }
    fold.finish()
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-9..9_i32).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(-0.0),
    ]
}

proptest! {
    /// Small integers add up exactly, so that the sums can be compared too.
    #[test]
    fn merging_parts_gives_the_summary_of_the_whole(
        points in proptest::collection::btree_map(-50..50_i32, (values(), 0..4_usize), 0..40),
        order in vec(any::<u8>(), 4),
    ) {
        let all: Vec<(i32, f64)> =
            points.iter().map(|(step, (value, _))| (*step, *value)).collect();
        let mut parts: Vec<(u8, SeriesSummary)> = (0..4)
            .map(|part| {
                let own: Vec<(i32, f64)> = points
                    .iter()
                    .filter(|(_, (_, place))| *place == part)
                    .map(|(step, (value, _))| (*step, *value))
                    .collect();
                (order[part], fold(&own))
            })
            .collect();
        parts.sort_by_key(|(place, _)| *place);
        let merged = parts
            .iter()
            .fold(SeriesSummary::default(), |sum, (_, part)| merge_summaries(&sum, part));
        // Debug text tells NaN as equal; -0.0 in a sum does not matter.
        let text = |mut summary: SeriesSummary| {
            summary.sum += 0.0;
            format!("{summary:?}")
        };
        prop_assert_eq!(text(merged), text(fold(&all)));
    }
}

#[test]
fn nothing_has_an_empty_summary() {
    assert_eq!(fold(&[]), SeriesSummary::default());
    let one = fold(&[(3, f64::NAN)]);
    assert_eq!(
        (one.count, one.nan_count, one.min, one.max),
        (1, 1, None, None)
    );
    assert_eq!(one.sum, 0.0);
}
