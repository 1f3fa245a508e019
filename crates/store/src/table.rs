//! What a table of runs asks a snapshot: rows of one workspace, and values by column.
//!
//! A table looks at all runs, sorts by one column and shows a page. So rows are handed on one by
//! one and never gathered here, and a column is read for many runs at once.

use runstone_model::{ChangeNumber, Context, MetricName, RunKey, ValueType, WorkspaceId};

use crate::SeriesSummary;

/// Which runs to hand on.
#[derive(Debug, Clone, Default)]
pub struct RunVisit {
    /// Workspace.
    pub workspace: WorkspaceId,
    /// Only of this experiment.
    pub experiment: Option<String>,
    /// Deleted runs instead of the living.
    pub deleted: bool,
}

/// A metric as a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricColumn {
    /// Name.
    pub name: MetricName,
    /// Context; `None`: the first context of each run, by bytes, that has a readable point.
    pub context: Option<Context>,
}

/// A run as a reader has seen it: as long as `changed` stays, its values stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunStand {
    /// The run.
    pub key: RunKey,
    /// [`crate::RunRecord::changed`] in the same snapshot.
    pub changed: ChangeNumber,
}

/// What a metric amounts to in one run, as far as tables ask: of its readable points, of which
/// there is one at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricCell {
    /// Type it reads as.
    pub value_type: ValueType,
    /// Number of points.
    pub count: u64,
    /// Of them NaN.
    pub nan_count: u64,
    /// Of them positive infinity.
    pub positive_infinity_count: u64,
    /// Of them negative infinity.
    pub negative_infinity_count: u64,
    /// Value of the smallest step.
    pub first: f64,
    /// Value of the greatest step.
    pub last: f64,
    /// The greatest step.
    pub last_step: f64,
    /// Smallest value; `None` if all are NaN.
    pub min: Option<f64>,
    /// Greatest value; `None` if all are NaN.
    pub max: Option<f64>,
    /// Sum of the finite values.
    pub sum: f64,
}

impl MetricCell {
    /// What a table shows of a summary; `None` without a readable point.
    pub fn new(value_type: ValueType, summary: &SeriesSummary) -> Option<Self> {
        let (first, last) = (summary.first?, summary.last?);
        Some(Self {
            value_type,
            count: summary.count,
            nan_count: summary.nan_count,
            positive_infinity_count: summary.positive_infinity_count,
            negative_infinity_count: summary.negative_infinity_count,
            first: first.value,
            last: last.value,
            last_step: last.step.get(),
            min: summary.min.map(|point| point.value),
            max: summary.max.map(|point| point.value),
            sum: summary.sum,
        })
    }

    /// Mean of the finite values; `None` if there is none, or their sum is not finite.
    pub fn mean(&self) -> Option<f64> {
        let infinite = self.positive_infinity_count + self.negative_infinity_count;
        let finite = self.count.saturating_sub(self.nan_count + infinite);
        let mean = (finite > 0).then(|| self.sum / finite as f64)?;
        mean.is_finite().then(|| match (self.min, self.max) {
            // Sums round; the mean of equal values is that value.
            (Some(min), Some(max)) if min <= max => mean.clamp(min, max),
            _ => mean,
        })
    }
}
