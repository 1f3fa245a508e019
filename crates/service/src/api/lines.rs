//! Bodies of `POST /runstone/v1/lines`: many series at the resolution of a screen.

use super::{reading, schema};
use crate::number::Number;
use runstone_model::{Goal, Step, ValueType};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Series a request.
pub const LINES_SERIES_MAX: usize = 1_000;
/// Pixels of a window at most.
pub const LINES_PIXELS_MAX: usize = 16_384;
/// Points of all lines of one answer at most; past it the request is refused, not cut.
pub const LINES_POINTS_MAX: usize = 4_000_000;

/// What to ask of `POST /runstone/v1/lines`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinesRequest {
    /// The series, 1 to [`LINES_SERIES_MAX`]; the answer has one line each, in this order.
    pub series: Vec<SeriesAddress>,
    /// Pixels over the window, 1 to [`LINES_PIXELS_MAX`].
    pub pixels: usize,
    /// What stands on x.
    #[serde(default)]
    pub x: LineX,
    /// The axis of x is logarithmic: pixels are equal in log x, what is not above 0 is left out.
    #[serde(default)]
    pub log_x: bool,
    /// The window begins at this x, inclusive, in the unit of x. One point before it is added, so
    /// that the line enters the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// The window ends at this x, inclusive. One point after it is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
}

/// A series of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesAddress {
    /// Id of the run.
    pub run: String,
    /// Name of the metric.
    pub name: String,
    /// Context, an object; absent is `{}`. With anything else this line alone is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::JsonValue, required = false)]
    pub context: Option<Value>,
}

/// What stands on x.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LineX {
    /// The step.
    #[default]
    Step,
    /// Seconds since the run started, or was created if it never did.
    RelativeTime,
    /// Microseconds since 1970 UTC, by the client's clock.
    Time,
    /// The epoch; points without a finite one are left out.
    Epoch,
    /// The value of another metric of the same run at the same step; points without one are left
    /// out, and so are those where it is NaN or infinite.
    Metric {
        /// Name of that metric.
        name: String,
        /// Its context, an object; absent is `{}`.
        #[serde(
            default,
            deserialize_with = "reading::object_or_null",
            skip_serializing_if = "Option::is_none"
        )]
        #[schema(value_type = Option<schema::Context>)]
        context: Option<Value>,
    },
}

/// The answer as JSON. As Arrow the same stands in one stream; see docs/reference/api.md.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lines {
    /// The change number that the answer stands at.
    pub change: u64,
    /// One line for each series asked for, in the order asked.
    pub lines: Vec<Line>,
}

/// A series at the resolution asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Everything but the points.
    #[serde(flatten)]
    pub head: LineHead,
    /// x of the points, rising or equal.
    pub x: Vec<Number>,
    /// Values.
    pub y: Vec<Number>,
    /// Steps of the points; absent where x is the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Vec<f64>>)]
    pub steps: Option<Vec<Step>>,
}

/// What is known of a line besides its points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineHead {
    /// Id of the run; what was asked for, where there is no such run.
    pub run: String,
    /// Name of the metric.
    pub name: String,
    /// Context, an object.
    #[schema(value_type = schema::Context)]
    pub context: Value,
    /// Type it reads as; absent with an error.
    #[schema(value_type = Option<schema::ValueType>)]
    pub value_type: Option<ValueType>,
    /// Goal of the metric in the run's experiment.
    #[schema(value_type = Option<schema::Goal>)]
    pub goal: Option<Goal>,
    /// Readable points in the window that have an x.
    pub points: u64,
    /// Every one of them is in the answer.
    pub exact: bool,
    /// Why this line has no points; its neighbours are answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<ItemError>,
}

/// Why one item of several was not done; the others were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemError {
    /// Kind, as in [`super::Problem`]: `not_found`, `conflict`, `invalid`, `corrupt`.
    #[schema(value_type = schema::ErrorName)]
    pub kind: String,
    /// What failed and with which value.
    pub detail: String,
    /// The next step.
    pub hint: Option<String>,
}
