//! Summaries: a fold over readable points, and an exact merge of parts that share no step.

use runstone_model::{Step, Timestamp};

use crate::{SeriesSummary, SummaryPoint};

/// Folds readable points of one series, in any order, one a step, into a summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct SummaryFold {
    summary: SeriesSummary,
}

impl SummaryFold {
    /// Takes one readable point.
    pub fn push(&mut self, step: Step, time: Timestamp, value: f64) {
        let point = SummaryPoint { step, time, value };
        let mut one = SeriesSummary {
            count: 1,
            first: Some(point),
            last: Some(point),
            ..Default::default()
        };
        if value.is_nan() {
            one.nan_count = 1;
        } else {
            one.min = Some(point);
            one.max = Some(point);
            if value == f64::INFINITY {
                one.positive_infinity_count = 1;
            } else if value == f64::NEG_INFINITY {
                one.negative_infinity_count = 1;
            } else {
                one.sum = value;
            }
        }
        self.summary = merge_summaries(&self.summary, &one);
    }

    /// The summary of what was pushed.
    pub fn finish(self) -> SeriesSummary {
        self.summary
    }
}

/// Merges the summaries of two parts of a series that share no readable step.
///
/// The result is that of a fold over all points of both, whatever order the parts come in; only
/// `sum` may differ in its last digits.
pub fn merge_summaries(one: &SeriesSummary, other: &SeriesSummary) -> SeriesSummary {
    SeriesSummary {
        count: one.count + other.count,
        nan_count: one.nan_count + other.nan_count,
        positive_infinity_count: one.positive_infinity_count + other.positive_infinity_count,
        negative_infinity_count: one.negative_infinity_count + other.negative_infinity_count,
        first: pick(one.first, other.first, |a, b| a.step < b.step),
        last: pick(one.last, other.last, |a, b| a.step > b.step),
        min: pick(one.min, other.min, |a, b| {
            a.value < b.value || (a.value == b.value && a.step < b.step)
        }),
        max: pick(one.max, other.max, |a, b| {
            a.value > b.value || (a.value == b.value && a.step < b.step)
        }),
        sum: one.sum + other.sum,
    }
}

/// The preferred one of two points that may be missing.
fn pick(
    one: Option<SummaryPoint>,
    other: Option<SummaryPoint>,
    prefers: impl Fn(&SummaryPoint, &SummaryPoint) -> bool,
) -> Option<SummaryPoint> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if prefers(&other, &one) { other } else { one }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
