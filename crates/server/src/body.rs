//! Reading bodies within limits: bytes, time, and bytes of all requests together.

use crate::app::App;
use crate::guards::{content_length, too_large};
use crate::problem::busy;
use axum::extract::Request;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use runstone_service::{ErrorKind, ServiceError};
use serde::de::DeserializeOwned;
use tokio::sync::SemaphorePermit;

/// A body, and the share of the memory for bodies that it holds until it is dropped.
pub(crate) struct ReadBody<'a> {
    pub(crate) bytes: Bytes,
    _share: SemaphorePermit<'a>,
}

/// Unit of the memory for bodies.
pub(crate) const SHARE_BYTES: usize = 4 * 1024;

/// Reads a body of JSON; unknown fields and malformed values are refused by name.
///
/// # Errors
/// Those of [`read_body`]; `Invalid` for a body that is not what is taken here.
pub(crate) async fn read_json<T: DeserializeOwned>(
    app: &App,
    request: Request,
) -> Result<T, ServiceError> {
    let body = read_body(app, request, app.config.limits.json_bytes_max).await?;
    parse_json(&body.bytes)
}

/// A request from its body, which is an object: an array with the fields in order is none.
///
/// # Errors
/// `Invalid`.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ServiceError> {
    let invalid = |reason: &str| {
        ServiceError::invalid(format!("the body can't be read: {reason}"))
            .with_hint("docs/reference/api.md lists what can be sent")
    };
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(invalid("it is no JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| invalid(&error.to_string()))
}

/// Reads the whole body, at most `most` bytes.
///
/// # Errors
/// `TooLarge`, `RequestTimeout`, `Unavailable` when too many bodies are on their way, `Invalid`
/// when the connection ends in the middle.
pub(crate) async fn read_body(
    app: &App,
    request: Request,
    most: usize,
) -> Result<ReadBody<'_>, ServiceError> {
    let limits = &app.config.limits;
    let expected = content_length(request.headers())
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(most);
    if expected > most {
        return Err(too_large(most));
    }
    let shares = expected
        .min(limits.body_bytes_in_flight_max)
        .div_ceil(SHARE_BYTES)
        .max(1);
    let acquired = app
        .body_shares
        .acquire_many(u32::try_from(shares).unwrap_or(u32::MAX));
    let share = match tokio::time::timeout(limits.wait_timeout, acquired).await {
        Ok(Ok(share)) => share,
        _ => {
            app.metrics.count_limit_hit("body_bytes");
            return Err(busy("too many bytes are on their way to this server"));
        }
    };
    let collected = Limited::new(request.into_body(), most).collect();
    match tokio::time::timeout(limits.body_timeout, collected).await {
        Err(_) => {
            app.metrics.count_limit_hit("body_timeout");
            Err(ServiceError::new(
                ErrorKind::RequestTimeout,
                format!("the body did not arrive within {:?}", limits.body_timeout),
            )
            .with_hint("send smaller bodies over a slow line"))
        }
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(too_large(most))
        }
        Ok(Err(error)) => Err(
            ServiceError::invalid(format!("the body ended early: {error}"))
                .with_hint("send it again"),
        ),
        Ok(Ok(collected)) => Ok(ReadBody {
            bytes: collected.to_bytes(),
            _share: share,
        }),
    }
}
