//! The parts of a running server, and the way of a request through them.
//!
//! [`admit`] stands before every route, the ones that do not exist included: guards, token, limit
//! of requests at once; afterwards it turns errors into problem documents, counts, and adds the
//! headers that every answer carries.

use crate::config::ServerConfig;
use crate::feed::Feed;
use crate::listen::ConnectionInfo;
use crate::metrics::Metrics;
use crate::problem::{busy, is_from_page, problem_response};
use crate::{auth, body, guards, web};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use runstone_service::{ErrorKind, Service, ServiceError};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// The parts of a running server.
pub(crate) struct App {
    pub(crate) service: Service,
    pub(crate) config: ServerConfig,
    pub(crate) metrics: Metrics,
    pub(crate) feed: Feed,
    pub(crate) request_turns: Semaphore,
    pub(crate) body_shares: Semaphore,
    pub(crate) upload_turns: Semaphore,
}

impl App {
    pub(crate) fn new(service: Service, config: ServerConfig) -> Arc<Self> {
        let limits = &config.limits;
        Arc::new(Self {
            upload_turns: Semaphore::new(limits.uploads_max),
            request_turns: Semaphore::new(limits.requests_max),
            body_shares: Semaphore::new(
                limits.body_bytes_in_flight_max.div_ceil(body::SHARE_BYTES),
            ),
            feed: Feed::new(&service, limits.streams_max),
            service,
            config,
            metrics: Metrics::default(),
        })
    }

    /// Runs what blocks on a thread that may.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&App) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let app = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(&app)).await {
            Ok(result) => result.map_err(ApiError),
            Err(error) => {
                tracing::error!(%error, "a request panicked");
                Err(ApiError(
                    ServiceError::new(ErrorKind::Internal, "the server met a defect")
                        .with_hint("its log says where; please report it"),
                ))
            }
        }
    }
}

/// An error on its way out of a handler. [`admit`] makes the problem document of it, because
/// only there the path is known.
pub(crate) struct ApiError(pub(crate) ServiceError);

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        Self(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// The first and the last stop of every request.
pub(crate) async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let from_page = is_from_page(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());

    let mut response = match pass(&app, request, next).await {
        Ok(response) => response,
        Err(error) => ApiError(error).into_response(),
    };
    if let Some(error) = response.extensions_mut().remove::<ServiceError>() {
        let kept = [header::ALLOW, header::CONTENT_RANGE].map(|name| {
            let value = response.headers_mut().remove(&name);
            (name, value)
        });
        response = problem_response(&error, &path, from_page);
        for (name, value) in kept {
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        if error.kind == ErrorKind::Internal || error.kind == ErrorKind::Corrupt {
            tracing::error!(%method, path, error = error.message, "request failed");
        }
    }
    let headers = response.headers_mut();
    headers.insert(
        header::SERVER,
        HeaderValue::from_static(concat!("runstone/", env!("CARGO_PKG_VERSION"))),
    );
    headers.insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    // Live data and errors are nobody's to keep; what may be cached says so itself.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let status = response.status().as_u16();
    let took = started_at.elapsed();
    app.metrics.count_request(&route, &method, status, took);
    tracing::debug!(%method, path, status, micros = took.as_micros() as u64, "answered");
    response
}

async fn pass(app: &Arc<App>, request: Request, next: Next) -> Result<Response, ServiceError> {
    let (parts, body) = request.into_parts();
    guards::check(&parts, &app.config)?;
    let mut request = Request::from_parts(parts, body);
    let path = request.uri().path();
    // The address of an upload is its permission, which its handler checks.
    let is_upload = guards::is_upload(request.method(), path);
    if !path.starts_with("/health/") && !web::is_public(path) && !is_upload {
        let connection = request.extensions().get::<ConnectionInfo>().copied();
        let principal =
            auth::authenticate(request.headers(), connection.as_ref(), &app.config.auth)?;
        request.extensions_mut().insert(principal);
    }
    let turn = app.request_turns.acquire();
    let Ok(Ok(_turn)) = tokio::time::timeout(app.config.limits.wait_timeout, turn).await else {
        app.metrics.count_limit_hit("requests");
        return Err(busy("too many requests at once"));
    };
    Ok(next.run(request).await)
}
