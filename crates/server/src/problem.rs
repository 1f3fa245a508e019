//! Every error as a problem document (RFC 9457), with the next step in `hint`.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use runstone_service::api::{PROBLEM_TYPE_PREFIX, Problem};
use runstone_service::{ErrorKind, ServiceError};

/// Whether a request comes from a script in a page. A browser would answer a challenge of `Basic`
/// with a dialog of its own, over the page, which asks for the token itself.
pub(crate) fn is_from_page(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site")
        && headers
            .get("sec-fetch-mode")
            .is_none_or(|mode| mode != "navigate")
}

/// The answer for an error. One of a request from a page challenges for `Bearer` only.
pub(crate) fn problem_response(error: &ServiceError, path: &str, from_page: bool) -> Response {
    let row = error.kind.row();
    let problem = Problem {
        problem_type: format!("{PROBLEM_TYPE_PREFIX}{}", row.name),
        title: row.title.to_owned(),
        status: row.status,
        detail: error.message.clone(),
        hint: error.hint.clone(),
        instance: path.to_owned(),
    };
    let json = serde_json::to_vec(&problem).expect("a problem is text and numbers");
    let mut response = Response::new(Body::from(json));
    *response.status_mut() =
        StatusCode::from_u16(row.status).expect("the table holds statuses, see its test");
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if error.kind == ErrorKind::Unauthorized {
        headers.append(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"runstone\""),
        );
        if !from_page {
            headers.append(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"runstone\", charset=\"UTF-8\""),
            );
        }
    }
    if let Some(millis) = error.retry_after_millis {
        headers.insert(
            header::RETRY_AFTER,
            HeaderValue::from(millis.div_ceil(1_000).max(1)),
        );
    }
    response
}

/// `Unavailable`, to be tried again in a second.
pub(crate) fn busy(message: &str) -> ServiceError {
    ServiceError::new(ErrorKind::Unavailable, message)
        .with_hint("nothing was done; try again in a moment")
        .with_retry_after_millis(1_000)
}
