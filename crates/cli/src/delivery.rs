//! Delivering what scripts left behind: by `up` in the background, by `sync` in the foreground.

use crate::engine::Engine;
use crate::failure::Failure;
use runstone_client::config::{self, LOCAL_DESTINATION, process_environment};
use runstone_client::{DeliverOptions, FolderOutcome, deliver};
use runstone_server::{ServerConfig, serve};
use runstone_service::{ErrorKind, ServiceError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const DELIVERY_INTERVAL: Duration = Duration::from_secs(10);
const STOP_WAIT: Duration = Duration::from_secs(3);

/// The background delivery of `up`: at start, then every ten seconds.
pub(crate) struct Deliverer {
    stop: Sender<()>,
    done: Receiver<()>,
    is_stopping: Arc<AtomicBool>,
}

impl Deliverer {
    /// Delivers to `url`, which is this server, what is meant for one of `own_urls` or for
    /// whichever server this machine has.
    pub(crate) fn start(url: String, own_urls: Vec<String>, token: Option<String>) -> Self {
        let (stop, stopped) = channel();
        let (tell_done, done) = channel();
        let mut destinations = own_urls;
        destinations.push(LOCAL_DESTINATION.to_owned());
        let options = DeliverOptions {
            host_id: Some(config::host_id()),
            destinations: Some(with_loopback_names(destinations)),
            to: Some(url),
            token: token.or_else(|| config::token(&process_environment)),
            ..DeliverOptions::from_environment()
        };
        let is_stopping = Arc::<AtomicBool>::default();
        let stopping = Arc::clone(&is_stopping);
        std::thread::spawn(move || {
            loop {
                deliver_once(&options, &stopping);
                if stopped.recv_timeout(DELIVERY_INTERVAL) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            let _ = tell_done.send(());
        });
        Self {
            stop,
            done,
            is_stopping,
        }
    }

    /// To be set as soon as the server takes no more: what then is not delivered goes on next
    /// time, and is no news.
    pub(crate) fn is_stopping(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_stopping)
    }

    /// Asks it to stop and waits a moment. A delivery that is cut off goes on next time.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.done.recv_timeout(STOP_WAIT);
    }
}

fn deliver_once(options: &DeliverOptions, is_stopping: &AtomicBool) {
    match deliver(options, |_| {}) {
        Err(error) => tracing::warn!(%error, "leftover spools were not delivered"),
        Ok(report) => {
            for folder in &report.folders {
                let path = folder.folder.display();
                match &folder.outcome {
                    FolderOutcome::Delivered | FolderOutcome::DeliveredAndKept => tracing::info!(
                        run = folder.run,
                        points = folder.points,
                        "delivered a leftover spool: {path}"
                    ),
                    FolderOutcome::InUse => {}
                    FolderOutcome::Failed(_) if is_stopping.load(Ordering::Acquire) => {}
                    FolderOutcome::Failed(error) => tracing::warn!(
                        run = folder.run,
                        %error,
                        "a leftover spool was not delivered: {path}"
                    ),
                }
            }
        }
    }
}

/// `http://localhost:P` means the same as `http://127.0.0.1:P` and `http://[::1]:P`.
fn with_loopback_names(urls: Vec<String>) -> Vec<String> {
    let mut names = Vec::new();
    for url in urls {
        for loopback in ["127.0.0.1", "[::1]"] {
            if let Some(port) = url.strip_prefix(&format!("http://{loopback}:")) {
                names.push(format!("http://localhost:{port}"));
                names.push(format!("http://127.0.0.1:{port}"));
            }
        }
        names.push(url);
    }
    names.sort();
    names.dedup();
    names
}

/// A server over a data folder, for as long as a command needs one.
pub(crate) struct PassingServer {
    url: String,
    stop: tokio::sync::oneshot::Sender<()>,
    thread: JoinHandle<Result<(), ServiceError>>,
}

impl PassingServer {
    /// Serves the folder on a free port of loopback.
    pub(crate) fn start(engine: &Engine) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            ServiceError::new(
                ErrorKind::Unavailable,
                format!("no server to deliver to: {error}"),
            )
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        engine.set_address(&address.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(failed)?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let service = engine.service();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
                let stopped = async {
                    let _ = stopped.await;
                };
                serve(vec![listener], service, ServerConfig::default(), stopped)
                    .await
                    .map_err(|error| ServiceError::new(ErrorKind::Internal, error.to_string()))
            })
        });
        Ok(Self {
            url: format!("http://{address}"),
            stop,
            thread,
        })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it and closes the folder.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        let _ = self.stop.send(());
        match self.thread.join() {
            Ok(served) => Ok(served?),
            Err(_) => Err(ServiceError::new(ErrorKind::Internal, "the server met a defect").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_three_names() {
        let names = with_loopback_names(vec!["http://[::1]:5".to_owned(), "local".to_owned()]);
        assert_eq!(
            names,
            [
                "http://127.0.0.1:5",
                "http://[::1]:5",
                "http://localhost:5",
                "local"
            ]
        );
    }
}
