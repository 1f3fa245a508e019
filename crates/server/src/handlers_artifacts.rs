//! The handlers of artifacts: uploads and downloads are streamed, never held.
//!
//! A PUT carries its permission in its address and nothing else; see `is_upload` in `guards`. What is
//! downloaded was logged by somebody, so it is never our page: only what can hold no script is shown
//! by a browser, the rest is saved, and all of it stands in a sandbox.

use crate::app::{ApiError, App};
use crate::body::read_json;
use crate::handlers::{Answer, ApiQuery, RunAddress, json, json_body, response};
use crate::problem::busy;
use crate::ranges::{Asked, asked_range, is_unchanged};
use axum::body::Body;
use axum::extract::{Extension, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _, unfold};
use runstone_model::{MediaType, Principal};
use runstone_service::api::{
    ArtifactItem, ArtifactQuery, ArtifactRequest, ArtifactsQuery, FinishRequest,
};
use runstone_service::{ErrorKind, ServiceError};
use std::sync::Arc;
use std::time::Duration;

/// The run and the artifact that a path names, decoded.
pub(crate) struct ArtifactAddress {
    run: String,
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for ArtifactAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let address = Path::<(String, String)>::from_request_parts(parts, state).await;
        match address {
            Ok(Path((run, path))) => Ok(Self { run, path }),
            Err(error) => Err(ApiError(
                ServiceError::invalid(format!("the artifact can't be read: {error}"))
                    .with_hint("percent-encode run and path as UTF-8"),
            )),
        }
    }
}

pub(crate) async fn post_artifact(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
    request: Request,
) -> Answer {
    let asked: ArtifactRequest = read_json(&app, request).await.map_err(ApiError)?;
    app.blocking(move |app| json_body(&app.service.begin_artifact(&principal, &run, &asked)?))
        .await
        .map(json)
}

pub(crate) async fn put_artifact(
    State(app): State<Arc<App>>,
    ArtifactAddress { run, path }: ArtifactAddress,
    request: Request,
) -> Answer {
    let limits = &app.config.limits;
    let turn = tokio::time::timeout(limits.wait_timeout, app.upload_turns.acquire()).await;
    let Ok(Ok(_turn)) = turn else {
        app.metrics.count_limit_hit("uploads");
        return Err(ApiError(busy("too many uploads at once")));
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let stream = body_stream(request.into_body(), limits.body_timeout);
    let received = app.service.receive_artifact(&run, &path, &query, stream);
    let item = received.await.map_err(ApiError)?;
    Ok(json(json_body(&item)?))
}

pub(crate) async fn post_upload(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    ArtifactAddress { run, path: upload }: ArtifactAddress,
    request: Request,
) -> Answer {
    let asked: FinishRequest = read_json(&app, request).await.map_err(ApiError)?;
    let upload: u64 = upload.parse().map_err(|_| {
        ServiceError::invalid(format!("`{upload}` is no number of an upload"))
            .with_hint("take it from the answer that began the upload")
    })?;
    app.blocking(move |app| {
        let service = &app.service;
        json_body(&service.finish_artifact(&principal, &run, upload, &asked.path)?)
    })
    .await
    .map(json)
}

pub(crate) async fn get_artifacts(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
    ApiQuery(query): ApiQuery<ArtifactsQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.list_artifacts(&principal, &run, &query)?))
        .await
        .map(json)
}

/// Also answers HEAD, of which only the headers are sent.
pub(crate) async fn get_artifact(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    ArtifactAddress { run, path }: ArtifactAddress,
    ApiQuery(query): ApiQuery<ArtifactQuery>,
    asked: HeaderMap,
) -> Answer {
    let item = app
        .blocking(move |app| {
            let service = &app.service;
            service.find_artifact(&principal, &run, &path, query.version)
        })
        .await?;
    let tag = format!("\"{}\"", item.digest);
    if is_unchanged(&asked, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        add_headers(response.headers_mut(), &item, &tag)?;
        return Ok(response);
    }
    let (status, range) = match asked_range(&asked, item.bytes, &tag) {
        Asked::Whole => (StatusCode::OK, 0..item.bytes),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Outside => return Ok(outside(&item)),
    };
    let stream = app.service.read_artifact(&item, Some(range.clone())).await;
    let mut response = Response::new(Body::from_stream(stream.map_err(ApiError)?));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    add_headers(headers, &item, &tag)?;
    headers.insert(
        header::CONTENT_LENGTH,
        HeaderValue::from(range.end - range.start),
    );
    if status == StatusCode::PARTIAL_CONTENT {
        let shown = format!("bytes {}-{}/{}", range.start, range.end - 1, item.bytes);
        headers.insert(header::CONTENT_RANGE, value(&shown)?);
    }
    Ok(response)
}

pub(crate) async fn delete_artifact(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    ArtifactAddress { run, path }: ArtifactAddress,
    ApiQuery(query): ApiQuery<ArtifactQuery>,
) -> Answer {
    app.blocking(move |app| {
        let service = &app.service;
        service.delete_artifact(&principal, &run, &path, query.version)
    })
    .await?;
    let mut response = response(StatusCode::NO_CONTENT, "", Vec::new());
    response.headers_mut().remove(header::CONTENT_TYPE);
    Ok(response)
}

/// The pieces of a body, each of which must come within `longest`.
fn body_stream(
    body: Body,
    longest: Duration,
) -> impl Stream<Item = Result<Bytes, ServiceError>> + Send {
    unfold(Some(body.into_data_stream()), move |stream| async move {
        let mut stream = stream?;
        let piece = match tokio::time::timeout(longest, stream.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(bytes))) => return Some((Ok(bytes), Some(stream))),
            Ok(Some(Err(error))) => {
                ServiceError::invalid(format!("the bytes ended early: {error}"))
                    .with_hint("send them again")
            }
            Err(_) => ServiceError::new(
                ErrorKind::RequestTimeout,
                format!("no bytes came within {longest:?}"),
            )
            .with_hint("send them again"),
        };
        Some((Err(piece), None))
    })
}

fn add_headers(headers: &mut HeaderMap, item: &ArtifactItem, tag: &str) -> Result<(), ApiError> {
    let media_type = MediaType::new(&item.media_type).unwrap_or_else(|_| MediaType::bytes());
    let kind = match media_type.is_harmless() {
        true => "inline",
        false => "attachment",
    };
    let disposition = format!("{kind}; {}", file_name(&item.path));
    for (name, text) in [
        (header::CONTENT_TYPE, media_type.as_str()),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::ETAG, tag),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, value(text)?);
    }
    Ok(())
}

/// The name under which a browser saves it (RFC 6266).
fn file_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let plain = |letter: char| letter.is_ascii_graphic() && !"\"\\%;".contains(letter);
    let shown: String = name
        .chars()
        .map(|letter| if plain(letter) { letter } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("filename=\"{shown}\"; filename*=UTF-8''{encoded}")
}

/// A range that does not lie inside; the header tells how many bytes there are.
fn outside(item: &ArtifactItem) -> Response {
    let error = ServiceError::new(
        ErrorKind::RangeNotSatisfiable,
        format!("{} has {} bytes", item.path, item.bytes),
    )
    .with_hint("ask for a range that begins inside of them");
    let mut response = axum::response::IntoResponse::into_response(ApiError(error));
    let shown = format!("bytes */{}", item.bytes);
    if let Ok(shown) = HeaderValue::from_str(&shown) {
        response.headers_mut().insert(header::CONTENT_RANGE, shown);
    }
    response
}

fn value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|error| {
        ApiError(ServiceError::new(
            ErrorKind::Internal,
            format!("{text:?} is no header: {error}"),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_can_not_leave_its_header() {
        let header = file_name("plots/a\"b; ü.png");
        let expected = "filename=\"a_b___.png\"; filename*=UTF-8''a%22b%3B%20%C3%BC.png";
        assert_eq!(header, expected);
    }
}
