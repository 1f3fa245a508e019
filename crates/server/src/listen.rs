//! Connections: accept, serve, count, and stop.
//!
//! [`serve`] is the whole life of a server. When told to stop it accepts nothing more, ends the
//! streams, lets requests finish for a while, and closes the store, in this order; afterwards
//! everything that was acknowledged is on disk.

use crate::app::App;
use crate::blob_care;
use crate::config::{ConfigError, ServerConfig};
use crate::routes::{RouteError, build_router};
use crate::stall::{StreamMark, WatchedStream};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use runstone_service::{Service, ServiceError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

/// How long a stream may take to end when the server stops.
const STREAM_END: Duration = Duration::from_millis(250);

/// Where a request came in. Every request carries it as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The caller's address.
    pub peer: SocketAddr,
    /// The listener is bound to a loopback address, so the caller is on this machine.
    pub loopback: bool,
}

/// Why a server ended, other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration must not be served.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The table of routes contradicts itself.
    #[error(transparent)]
    Routes(#[from] RouteError),
    /// A listener has no address.
    #[error("a listener failed: {0}")]
    Listener(#[from] std::io::Error),
    /// The store did not close as it should.
    #[error("the store did not close: {0}")]
    Close(ServiceError),
}

/// Serves `service` (a service, or an `Arc<dyn Store>`) on all listeners until `shutdown` is
/// done; then finishes what is on its way and closes the store.
///
/// # Errors
/// `Config` and `Routes` before anything is accepted; `Close` when the store reports a failure
/// at the end.
pub async fn serve(
    listeners: Vec<TcpListener>,
    service: impl Into<Service>,
    config: ServerConfig,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let addresses = listeners
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<Vec<_>, _>>()?;
    config.check(&addresses)?;
    let app = App::new(service.into(), config);
    let router = build_router(Arc::clone(&app))?;
    let graceful = Arc::new(GracefulShutdown::new());
    let connections = Arc::new(Semaphore::new(app.config.limits.connections_max));
    let mut acceptors = JoinSet::new();
    for (listener, address) in listeners.into_iter().zip(addresses) {
        acceptors.spawn(accept(
            listener,
            address.ip().to_canonical().is_loopback(),
            Acceptor {
                app: Arc::clone(&app),
                router: router.clone(),
                connections: Arc::clone(&connections),
                graceful: Arc::clone(&graceful),
            },
        ));
    }
    let care = blob_care::start(&app.service);
    shutdown.await;

    if let Some(care) = care {
        care.abort();
    }

    acceptors.abort_all();
    while acceptors.join_next().await.is_some() {}
    app.feed.stop();
    let limit = app.config.limits.shutdown_timeout;
    let graceful = Arc::into_inner(graceful).expect("the acceptors have ended and dropped theirs");
    if tokio::time::timeout(limit, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in {limit:?} and were cut off");
    }
    let store = Arc::clone(app.service.store());
    match tokio::task::spawn_blocking(move || store.close()).await {
        Ok(closed) => closed.map_err(|error| ServeError::Close(error.into())),
        Err(error) => Err(ServeError::Listener(std::io::Error::other(error))),
    }
}

/// What an accepting task needs.
struct Acceptor {
    app: Arc<App>,
    router: Router,
    connections: Arc<Semaphore>,
    graceful: Arc<GracefulShutdown>,
}

async fn accept(listener: TcpListener, loopback: bool, acceptor: Acceptor) {
    loop {
        if acceptor.connections.available_permits() == 0 {
            acceptor.app.metrics.count_limit_hit("connections");
        }
        let permit = Arc::clone(&acceptor.connections)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, mostly: others must close first.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let connection = ConnectionInfo { peer, loopback };
        let watcher = acceptor.graceful.watcher();
        let app = Arc::clone(&acceptor.app);
        let router = acceptor.router.clone();
        tokio::spawn(async move {
            app.metrics.change_open_connections(1);
            serve_connection(stream, connection, &app, router, watcher).await;
            app.metrics.change_open_connections(-1);
            drop(permit);
        });
    }
}

async fn serve_connection(
    stream: TcpStream,
    info: ConnectionInfo,
    app: &Arc<App>,
    router: Router,
    watcher: Watcher,
) {
    // Answers are small and awaited; without this they wait for the peer's delayed ACK.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let header_timeout = app.config.limits.header_timeout;
    let mark = StreamMark::default();
    let stall = app.config.limits.stream_stall_timeout;
    let io = TokioIo::new(WatchedStream::new(stream, mark.clone(), stall));
    let for_requests = (Arc::clone(app), mark.clone());
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        let (app, mark) = &for_requests;
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(info);
        request.extensions_mut().insert(mark.clone());
        strip_base_path(&mut request, &app.config.base_path);
        async move { router.oneshot(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .serve_connection(io, service);
    let ended = tokio::select! {
        ended = watcher.watch(connection) => ended,
        () = stream_is_stuck_at_stop(app, &mark) => Ok(()),
    };
    if mark.was_cut() {
        app.metrics.count_cut_stream();
    }
    if let Err(error) = ended {
        tracing::debug!(peer = %info.peer, %error, "a connection ended");
    }
}

/// Done when the server stops and this connection's stream did not end by itself soon after: its
/// reader takes nothing, and nobody waits for that.
async fn stream_is_stuck_at_stop(app: &App, mark: &StreamMark) {
    // Only an error if the server is gone, and then this connection is, too.
    let _ = app.feed.watch_stop().wait_for(|stopping| *stopping).await;
    tokio::time::sleep(STREAM_END).await;
    if !mark.is_streaming() {
        std::future::pending().await
    }
}

/// Takes the base path off, where it is on. A proxy may have taken it off already.
pub(crate) fn strip_base_path(request: &mut Request, base_path: &str) {
    if base_path.is_empty() {
        return;
    }
    let uri = request.uri();
    let Some(rest) = uri.path().strip_prefix(base_path) else {
        return;
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return;
    }
    let path = if rest.is_empty() { "/" } else { rest };
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    if let Ok(path_and_query) = text.parse::<PathAndQuery>() {
        parts.path_and_query = Some(path_and_query);
        if let Ok(stripped) = Uri::from_parts(parts) {
            *request.uri_mut() = stripped;
        }
    }
}
