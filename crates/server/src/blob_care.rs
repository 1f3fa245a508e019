//! The upkeep of blobs: soon after the start, then once an hour.

use runstone_service::Service;
use std::time::Duration;
use tokio::task::JoinHandle;

/// After the start: what a former process has left goes soon.
const FIRST: Duration = Duration::from_secs(30);
const EACH: Duration = Duration::from_secs(3_600);

/// Cares until it is aborted; `None` where no blobs are kept.
pub(crate) fn start(service: &Service) -> Option<JoinHandle<()>> {
    if !service.has_blobs() {
        return None;
    }
    let service = service.clone();
    Some(tokio::spawn(async move {
        tokio::time::sleep(FIRST).await;
        loop {
            let service = service.clone();
            let turn = tokio::task::spawn_blocking(move || service.care_for_blobs());
            if let Err(error) = turn.await {
                tracing::error!(%error, "the upkeep of blobs panicked");
            }
            tokio::time::sleep(EACH).await;
        }
    }))
}
