//! `POST /runstone/v1/lines`: many series at the resolution of a screen, as JSON or as Arrow.

use crate::app::{ApiError, App};
use crate::body::{parse_json, read_body};
use crate::handlers::{json_body, response};
use crate::lines_arrow::{ARROW_STREAM_TYPE, arrow_stream};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use runstone_model::Principal;
use runstone_service::api::LinesRequest;
use std::sync::Arc;

pub(crate) async fn post_lines(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Response, ApiError> {
    let as_arrow = wants_arrow(request.headers());
    let bytes_max = app.config.limits.json_bytes_max;
    let body = read_body(&app, request, bytes_max).await?;
    let bytes = body.bytes.clone();
    app.blocking(move |app| {
        let asked: LinesRequest = parse_json(&bytes)?;
        let drawn = app.service.draw_lines(&principal, &asked)?;
        let (content_type, bytes) = if as_arrow {
            (ARROW_STREAM_TYPE, arrow_stream(&drawn)?)
        } else {
            ("application/json", json_body(&drawn.into_lines())?)
        };
        let mut response = response(StatusCode::OK, content_type, bytes);
        // One address gives two types; a cache between must not mix them.
        let accept = axum::http::HeaderValue::from_static("accept");
        response.headers_mut().insert(header::VARY, accept);
        Ok(response)
    })
    .await
}

/// Whether the Arrow stream is named by `Accept`, and not with a weight of 0.
fn wants_arrow(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_arrow = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(ARROW_STREAM_TYPE));
            is_arrow && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn arrow_is_sent_to_those_who_name_it() {
        for (accept, expected) in [
            ("application/vnd.apache.arrow.stream", true),
            (
                "application/json, Application/vnd.apache.arrow.stream;q=0.5",
                true,
            ),
            ("application/vnd.apache.arrow.stream; q=0", false),
            ("*/*", false),
            ("application/json", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_arrow(&headers), expected, "{accept}");
        }
        assert!(!wants_arrow(&HeaderMap::new()));
    }
}
