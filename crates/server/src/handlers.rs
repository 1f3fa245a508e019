//! The handlers: read the request, call the service on a thread that may block, write JSON.

use crate::app::{ApiError, App};
use crate::body::read_body;
use crate::openapi;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use runstone_model::Principal;
use runstone_service::api::{BestQuery, PointsQuery, RunsQuery, SeriesQuery};
use runstone_service::{ErrorKind, ServiceError};
use runstone_wire::{FRAME_BYTES_MAX, FRAME_CONTENT_TYPE, FrameStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

pub(crate) type Answer = Result<Response, ApiError>;

/// The query of a request; unknown fields and malformed values are refused by name.
pub(crate) struct ApiQuery<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(ApiError(
                ServiceError::invalid(format!("the query can't be read: {}", innermost(&error)))
                    .with_hint("docs/reference/api.md lists what can be asked"),
            )),
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The run that a path names, decoded.
pub(crate) struct RunAddress(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for RunAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let address: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        match address {
            Ok(Path(address)) => Ok(Self(address)),
            Err(error) => Err(ApiError(
                ServiceError::invalid(format!("the run can't be read: {error}"))
                    .with_hint("percent-encode the id or name as UTF-8"),
            )),
        }
    }
}

pub(crate) async fn post_frame(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Answer {
    let counted = |error: ServiceError| {
        app.metrics.count_frame_error(error.kind.as_str());
        ApiError(error)
    };
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        return Err(counted(
            ServiceError::new(ErrorKind::UnsupportedMediaType, "the request has no frame")
                .with_hint(format!("send one with Content-Type: {FRAME_CONTENT_TYPE}")),
        ));
    }
    let body = read_body(&app, request, FRAME_BYTES_MAX)
        .await
        .map_err(counted)?;
    let bytes = body.bytes.clone();
    let answer = app
        .blocking(move |app| app.service.ingest_frame(&principal, &bytes))
        .await
        .map_err(|ApiError(error)| counted(error))?;
    app.metrics.count_frame(body.bytes.len(), &answer);
    let status = match answer.status {
        FrameStatus::Applied | FrameStatus::Duplicate => StatusCode::OK,
        FrameStatus::Mismatch => StatusCode::CONFLICT,
    };
    Ok(response(status, FRAME_CONTENT_TYPE, answer.encode()))
}

pub(crate) async fn get_server(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Answer {
    json_response(&app.service.describe(&principal)?)
}

pub(crate) async fn get_runs(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    ApiQuery(query): ApiQuery<RunsQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.list_runs(&principal, &query)?))
        .await
        .map(json)
}

pub(crate) async fn get_run(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.get_run(&principal, &run)?))
        .await
        .map(json)
}

pub(crate) async fn get_series(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
    ApiQuery(query): ApiQuery<SeriesQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.list_series(&principal, &run, &query)?))
        .await
        .map(json)
}

pub(crate) async fn get_points(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
    ApiQuery(query): ApiQuery<PointsQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.get_points(&principal, &run, &query)?))
        .await
        .map(json)
}

pub(crate) async fn get_experiments(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.list_experiments(&principal)?))
        .await
        .map(json)
}

pub(crate) async fn get_best(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    ApiQuery(query): ApiQuery<BestQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.best_run(&principal, &query)?))
        .await
        .map(json)
}

pub(crate) async fn get_openapi() -> Response {
    json(openapi::COMMITTED.as_bytes().to_vec())
}

pub(crate) async fn get_live() -> Response {
    json(br#"{"status":"live"}"#.to_vec())
}

pub(crate) async fn get_ready(State(app): State<Arc<App>>) -> Answer {
    app.blocking(|app| app.service.check_ready()).await?;
    Ok(json(br#"{"status":"ready"}"#.to_vec()))
}

pub(crate) async fn get_metrics(State(app): State<Arc<App>>) -> Answer {
    let text = app
        .blocking(|app| {
            let stats = app.service.stats()?;
            Ok(app.metrics.render(&stats, app.service.skewed_frames()))
        })
        .await?;
    Ok(response(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        text.into_bytes(),
    ))
}

pub(crate) fn json_body<T: Serialize>(value: &T) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(value).map_err(|error| {
        ServiceError::new(
            ErrorKind::Internal,
            format!("the answer is no JSON: {error}"),
        )
    })
}

fn json_response<T: Serialize>(value: &T) -> Answer {
    Ok(json(json_body(value)?))
}

pub(crate) fn json(bytes: Vec<u8>) -> Response {
    response(StatusCode::OK, "application/json", bytes)
}

/// An answer with its content type; nothing is cached by anybody.
pub(crate) fn response(status: StatusCode, content_type: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
