//! What was asked, checked: limits, the window, names and contexts.

use runstone_model::{Context, SeriesKey};
use serde_json::Value;

use crate::api::{LINES_PIXELS_MAX, LINES_SERIES_MAX, LineX, LinesRequest};
use crate::error::ServiceError;
use crate::series::parse_metric_name;

/// The series that a request names.
pub(super) struct Parsed {
    /// One for each series asked for; an error concerns that series alone.
    pub(super) keys: Vec<Result<SeriesKey, ServiceError>>,
    /// The metric on x.
    pub(super) joined: Option<SeriesKey>,
}

/// Checks a request as a whole, and each of its series.
///
/// # Errors
/// `Invalid` for what concerns the request as a whole.
pub(super) fn parse_request(request: &LinesRequest) -> Result<Parsed, ServiceError> {
    let count = request.series.len();
    if !(1..=LINES_SERIES_MAX).contains(&count) {
        return Err(
            ServiceError::invalid(format!("{count} series are asked for"))
                .with_hint(format!("ask for 1 to {LINES_SERIES_MAX} at once")),
        );
    }
    if !(1..=LINES_PIXELS_MAX).contains(&request.pixels) {
        return Err(
            ServiceError::invalid(format!("pixels {} is out of range", request.pixels))
                .with_hint(format!("pixels is 1 to {LINES_PIXELS_MAX}")),
        );
    }
    for (field, bound) in [("from", request.from), ("to", request.to)] {
        if let Some(bound) = bound.filter(|bound| !bound.is_finite()) {
            return Err(
                ServiceError::invalid(format!("{field} {bound} is not finite"))
                    .with_hint("leave it out for an open end"),
            );
        }
    }
    if let (Some(from), Some(to)) = (request.from, request.to)
        && from > to
    {
        return Err(
            ServiceError::invalid(format!("from {from} is past to {to}"))
                .with_hint("both ends are inclusive; swap them"),
        );
    }
    let joined = match &request.x {
        LineX::Metric { name, context } => Some(parse_key(name, context.as_ref())?),
        _ => None,
    };
    let keys = request
        .series
        .iter()
        .map(|address| parse_key(&address.name, address.context.as_ref()))
        .collect();
    Ok(Parsed { keys, joined })
}

fn parse_key(name: &str, context: Option<&Value>) -> Result<SeriesKey, ServiceError> {
    let context = match context {
        None => Context::empty(),
        Some(value) => Context::from_json(value).map_err(|error| {
            ServiceError::invalid(format!("{value} is no context: {error}"))
                .or_hint("write a JSON object, as {\"subset\":\"train\"}")
        })?,
    };
    Ok(SeriesKey::metric(parse_metric_name(name)?, context))
}
