//! What streams of changes wait for: the newest change, told to any number of them by one thread.
//!
//! The thread asks the store, which blocks; streams look at a watched number, which costs an idle
//! one nothing. The thread starts with the first stream and ends when the store is closed or the
//! server is gone.

use crate::problem::busy;
use runstone_model::ChangeNumber;
use runstone_service::{Service, ServiceError, Store};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How often the thread looks whether anybody is left.
const LOOK: Duration = Duration::from_secs(1);

/// The streams of a server.
pub(crate) struct Feed {
    store: Arc<dyn Store>,
    newest: Mutex<Option<watch::Receiver<u64>>>,
    /// One permit a stream.
    pub(crate) turns: Arc<Semaphore>,
    /// True once the server stops.
    stopping: watch::Sender<bool>,
}

impl Feed {
    pub(crate) fn new(service: &Service, streams_max: usize) -> Self {
        Self {
            store: Arc::clone(service.store()),
            newest: Mutex::default(),
            turns: Arc::new(Semaphore::new(streams_max)),
            stopping: watch::Sender::new(false),
        }
    }

    /// The newest change, now and from now on.
    ///
    /// # Errors
    /// `Unavailable` when the store is closed or no thread can be started.
    pub(crate) fn watch_newest(&self) -> Result<watch::Receiver<u64>, ServiceError> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newest) = newest
            .as_ref()
            .filter(|newest| newest.has_changed().is_ok())
        {
            return Ok(newest.clone());
        }
        let sender = watch::Sender::new(self.store.change_number()?.0);
        let receiver = sender.subscribe();
        let store = Arc::clone(&self.store);
        std::thread::Builder::new()
            .name("runstone-feed".to_owned())
            .spawn(move || tell_newest(&*store, &sender))
            .map_err(|error| busy(&format!("no stream can be started: {error}")))?;
        *newest = Some(receiver.clone());
        Ok(receiver)
    }

    /// Ends all streams, and lets none begin.
    pub(crate) fn stop(&self) {
        self.turns.close();
        self.stopping.send_replace(true);
    }

    /// Turns true once the server stops.
    pub(crate) fn watch_stop(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

fn tell_newest(store: &dyn Store, sender: &watch::Sender<u64>) {
    let mut known = *sender.borrow();
    // The one receiver that the server keeps goes with it.
    while !sender.is_closed() {
        match store.wait_for_change(ChangeNumber(known), LOOK) {
            Ok(newest) if newest.0 != known => {
                known = newest.0;
                sender.send_replace(known);
            }
            Ok(_) => {}
            // The store is closed; whoever watches sees the sender go.
            Err(_) => return,
        }
    }
}
