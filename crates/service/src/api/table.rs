//! Bodies of the table of runs: `POST /runstone/v1/table` with columns, sort and filter, and
//! `GET /runstone/v1/columns`, what there is to choose from.

use super::{RunItem, reading, schema};
use runstone_model::RunState;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Rows a page, unless asked otherwise.
pub const TABLE_PAGE_DEFAULT: usize = 200;
/// Rows a page at most.
pub const TABLE_PAGE_MAX: usize = 1_000;
/// Columns of a table at most.
pub const TABLE_COLUMNS_MAX: usize = 64;

/// What to ask of `POST /runstone/v1/table`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableRequest {
    /// Only runs of this experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Only runs in one of these states; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::RunState>)]
    pub states: Vec<RunState>,
    /// Only runs that have all of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Words, each of which must stand in the id, name, description, experiment, group, job type,
    /// state or a tag, whatever the case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Only these runs, as ids; empty: all. At most [`TABLE_PAGE_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// Archived runs too.
    #[serde(default)]
    pub archived: bool,
    /// The trash instead of the living runs, archived or not.
    #[serde(default)]
    pub deleted: bool,
    /// Cells to add to each row, at most [`TABLE_COLUMNS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// By what to sort; absent: newest created first. Numbers (a bool is 0 or 1) come before NaN,
    /// NaN before text (by its first 256 bytes), text before lists, and rows without a value last,
    /// in both directions; equal ones newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// Rows a page; 1 to [`TABLE_PAGE_MAX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `next_cursor` of the former page; good while the rest of the request is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// By what to sort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// The column; it need not be shown.
    pub column: Column,
    /// The greatest first.
    #[serde(default)]
    pub descending: bool,
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Column {
    /// A property of the run. Its cell is null: the row has it.
    Property {
        /// Which.
        property: RunProperty,
    },
    /// The param at a path.
    Param {
        /// Keys from the root.
        path: Vec<String>,
    },
    /// A value of a metric's summary.
    Metric {
        /// Name.
        name: String,
        /// Context, an object; absent: the first context of the run that has the metric.
        #[serde(
            default,
            deserialize_with = "reading::object_or_null",
            skip_serializing_if = "Option::is_none"
        )]
        #[schema(value_type = Option<schema::Context>)]
        context: Option<Value>,
        /// Which value.
        value: MetricValue,
    },
}

/// A property to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunProperty {
    /// Id.
    Id,
    /// Name.
    Name,
    /// Experiment.
    Experiment,
    /// State, in the order pending, running, succeeded, failed, lost.
    State,
    /// Creation.
    Created,
    /// Start.
    Started,
    /// End.
    Ended,
    /// The server's clock at the last frame.
    LastReceived,
    /// Seconds from start to end, or until now.
    Duration,
    /// Points that are here.
    Points,
}

/// Which value of a metric's summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricValue {
    /// At the greatest step.
    Last,
    /// By the metric's goal; null without one.
    Best,
    /// Smallest.
    Min,
    /// Greatest.
    Max,
    /// Mean of the finite values.
    Mean,
    /// The greatest step.
    LastStep,
}

/// One page of the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TablePage {
    /// The change number that the page stands at.
    pub change: u64,
    /// The rows, in the order asked.
    pub rows: Vec<TableRow>,
    /// Runs that match, on all pages.
    pub matching: u64,
    /// Where the next page starts; null at the end.
    pub next_cursor: Option<String>,
}

/// A run and its cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TableRow {
    /// The run.
    pub run: RunItem,
    /// One cell for each column asked for: a number, text, bool, list, or null where the run has
    /// none; NaN and infinities are text as everywhere.
    #[schema(value_type = Vec<schema::JsonValue>)]
    pub cells: Vec<Value>,
}

/// What to ask of `GET /runstone/v1/columns`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ColumnsQuery {
    /// Only of runs of this experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
}

/// What there is to choose from: of the newest runs, at most so many of each as the answer says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnsAnswer {
    /// Paths of params, sorted.
    pub params: Vec<Vec<String>>,
    /// Metrics, sorted by name and context.
    pub metrics: Vec<MetricColumn>,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Newest runs that were looked at.
    pub runs_examined: u64,
    /// There are runs that were not looked at.
    pub truncated: bool,
}

/// A metric to choose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricColumn {
    /// Name.
    pub name: String,
    /// Context, an object.
    #[schema(value_type = schema::Context)]
    pub context: Value,
}
