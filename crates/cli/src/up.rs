//! `runstone up`: the server.
//!
//! In this order: the token, the lock of the data folder, the ports, the line that tells of
//! readiness, serving. So a folder in use is reported with the address of who uses it, and
//! whoever reads the line can connect at once. Spools that scripts left behind are delivered at
//! start and every few seconds, through the same door as everything else.

use crate::arguments::{Arguments, UpArguments};
use crate::backend::data_folder;
use crate::blobs::{asked_place, open_blobs};
use crate::delivery::Deliverer;
use crate::engine::Engine;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::ports::{Bound, bind_asked, bind_default};
use runstone_client::config::{self, process_environment};
use runstone_model::Principal;
use runstone_server::{
    AuthConfig, ConfigError, ServeError, ServerConfig, Token, read_or_create_token_file,
};
use runstone_service::{ErrorKind, ServiceError};
use runstone_store_sqlite::SqliteOptions;
use serde_json::json;
use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Threads for work that blocks: appends waiting for one commit, and reads.
const BLOCKING_THREADS_MAX: usize = 64;

/// Serves until told to stop.
pub(crate) fn run(arguments: &Arguments, asked: &UpArguments, output: &mut Output) -> Outcome {
    start_log();
    let folder = data_folder(arguments);
    let secret = find_secret(asked)?;
    let engine = Engine::open(
        &folder,
        SqliteOptions {
            allow_network_file_system: asked.allow_network_file_system,
            trash_seconds: u64::from(asked.trash_days) * 24 * 3_600,
            ..SqliteOptions::default()
        },
    )?;
    let server_runtime = runtime()?;
    // Requests wait for work on blobs on threads of the server: so that has threads of its own, or all
    // of them could wait for one that none is left to do.
    let blob_runtime = runtime()?;
    let service = engine.service();
    let blobs = open_blobs(
        &folder,
        asked_place(asked),
        service.store(),
        blob_runtime.handle().clone(),
    );
    let service = match blobs {
        Ok(blobs) => service.with_blobs(blobs),
        Err(error) => {
            if let Err(error) = service.store().close() {
                tracing::warn!(%error, "the data folder did not close");
            }
            return Err(error.into());
        }
    };
    let started = start(
        arguments,
        asked,
        &engine,
        secret.as_deref(),
        &folder,
        output,
    );
    let (listeners, config, deliverer) = match started {
        Ok(started) => started,
        Err(failure) => {
            if let Err(error) = service.store().close() {
                tracing::warn!(%error, "the data folder did not close");
            }
            return Err(failure);
        }
    };
    let is_stopping = deliverer.is_stopping();
    let stopped = async move {
        stop_asked().await;
        is_stopping.store(true, Ordering::Release);
    };
    let served = server_runtime.block_on(async move {
        let listeners = listeners
            .into_iter()
            .map(|listener| {
                listener.set_nonblocking(true)?;
                tokio::net::TcpListener::from_std(listener)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(ServeError::Listener)?;
        runstone_server::serve(listeners, service, config, stopped).await
    });
    deliverer.stop();
    served.map_err(serve_failure)?;
    Ok(0)
}

type Started = (Vec<TcpListener>, ServerConfig, Deliverer);

/// Everything from the ports to the line of readiness.
fn start(
    arguments: &Arguments,
    asked: &UpArguments,
    engine: &Engine,
    secret: Option<&str>,
    folder: &Path,
    output: &mut Output,
) -> Result<Started, Failure> {
    let Bound {
        listeners,
        host_names,
    } = if asked.listen.is_empty() {
        bind_default()?
    } else {
        bind_asked(&asked.listen)?
    };
    let addresses = listeners
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| ServiceError::new(ErrorKind::Internal, error.to_string()))?;
    let config = server_config(asked, secret, host_names)?;
    config.check(&addresses).map_err(|e| config_failure(&e))?;
    let own = own_address(&addresses);
    engine.set_address(&own.to_string())?;
    announce(asked, engine, &addresses, folder, output)?;
    if addresses
        .iter()
        .any(|address| address.ip().is_unspecified())
        && asked.allow_host.is_empty()
    {
        tracing::warn!(
            "other machines are answered only under a name given with --allow-host; hint: add \
             --allow-host NAME"
        );
    }
    let own_urls = addresses
        .iter()
        .map(|address| format!("http://{}", reachable(*address)))
        .chain(arguments.url.clone())
        .collect();
    let deliverer = Deliverer::start(format!("http://{own}"), own_urls, secret.map(str::to_owned));
    Ok((listeners, config, deliverer))
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("RUNSTONE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // Fails only when a log is set already; then that one is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}

/// The token of the environment, else that of the home, which is made where there is none.
fn find_secret(asked: &UpArguments) -> Result<Option<String>, Failure> {
    if asked.insecure_no_auth {
        return Ok(None);
    }
    if let Some(secret) = process_environment("RUNSTONE_TOKEN") {
        return Ok(Some(secret));
    }
    let path = config::home(&process_environment).join("token");
    match read_or_create_token_file(&path) {
        Ok(secret) => Ok(Some(secret)),
        Err(error) if asked.require_token => {
            let error = ServiceError::invalid(error.to_string());
            Err(error
                .with_hint("set RUNSTONE_TOKEN, or make the file readable")
                .into())
        }
        Err(error) => {
            tracing::warn!("{error}; hint: set RUNSTONE_TOKEN to serve more than loopback");
            Ok(None)
        }
    }
}

fn server_config(
    asked: &UpArguments,
    secret: Option<&str>,
    host_names: Vec<String>,
) -> Result<ServerConfig, ServiceError> {
    let token = secret
        .map(Token::from_secret)
        .transpose()
        .map_err(|error| {
            ServiceError::invalid(error.to_string())
                .with_hint("change RUNSTONE_TOKEN, or remove the token file to have one made")
        })?;
    let mut allow_hosts = asked.allow_host.clone();
    allow_hosts.extend(host_names.into_iter().map(|name| {
        if name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_ipv6())
        {
            format!("[{name}]")
        } else {
            name
        }
    }));
    Ok(ServerConfig {
        base_path: asked.base_path.trim_end_matches('/').to_owned(),
        allow_hosts,
        allow_origins: asked.allow_origin.clone(),
        auth: AuthConfig {
            token,
            token_required_on_loopback: asked.require_token,
            insecure_no_auth: asked.insecure_no_auth,
        },
        ..ServerConfig::default()
    })
}

/// The address at which this machine reaches this server.
fn own_address(addresses: &[SocketAddr]) -> SocketAddr {
    let own = addresses
        .iter()
        .find(|address| address.ip().is_loopback())
        .or_else(|| addresses.first())
        .copied()
        .expect("at least one address was bound");
    reachable(own)
}

/// An address to connect to: a wildcard is reached over loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// The line that tells of readiness: connections made from now on are answered.
fn announce(
    asked: &UpArguments,
    engine: &Engine,
    addresses: &[SocketAddr],
    folder: &Path,
    output: &mut Output,
) -> Result<(), Failure> {
    let urls: Vec<String> = addresses
        .iter()
        .map(|address| {
            let base_path = asked.base_path.trim_end_matches('/');
            format!("http://{}{base_path}", reachable(*address))
        })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    if asked.json {
        let identity = engine.service().describe(&Principal::local())?;
        output.json(&json!({
            "version": 1,
            "event": "ready",
            "url": urls[0],
            "urls": urls,
            "data": folder,
            "store_id": identity.store_id,
            "server_version": version,
            "pid": std::process::id(),
        }))?;
    } else {
        output.verbatim(&format!(
            "runstone {version} is ready at {}, data in {}\n",
            urls[0],
            folder.display()
        ))?;
    }
    output.flush()?;
    Ok(())
}

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_keep_alive(Duration::from_secs(5))
        .thread_name("runstone")
        .enable_all()
        .build()
        .map_err(|error| {
            let message = format!("no threads for the server: {error}");
            ServiceError::new(ErrorKind::Unavailable, message)
                .with_hint("look at the limits of this user: `ulimit -u`")
                .into()
        })
}

/// Ctrl-C or SIGTERM. A second one ends the process at once; what was acknowledged is on disk.
async fn stop_asked() {
    wait_for_signal().await;
    tokio::spawn(async {
        wait_for_signal().await;
        std::process::exit(1);
    });
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    let _ = tokio::signal::ctrl_c().await;
}

fn config_failure(error: &ConfigError) -> Failure {
    ServiceError::invalid(error.to_string())
        .with_hint(error.hint())
        .into()
}

fn serve_failure(error: ServeError) -> Failure {
    match error {
        ServeError::Config(error) => config_failure(&error),
        ServeError::Close(error) => error.into(),
        other => ServiceError::new(ErrorKind::Internal, other.to_string()).into(),
    }
}
