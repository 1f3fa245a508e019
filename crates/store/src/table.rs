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

/// What a metric amounts to in one run: the summary of its readable points, of which there is one
/// at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricCell {
    /// Type it reads as.
    pub value_type: ValueType,
    /// Summary.
    pub summary: SeriesSummary,
}
