//! The one place that names a storage engine.

use runstone_service::{Service, ServiceError, Store, system_clock};
use runstone_store_sqlite::{LockHolder, SqliteOptions, SqliteStore, read_lock_holder};
use std::path::Path;
use std::sync::Arc;

/// An open data folder: its lock is held until the last clone of the store is gone.
pub(crate) struct Engine {
    store: Arc<SqliteStore>,
}

impl Engine {
    /// Opens the folder under its lock, and makes it where there is none.
    ///
    /// # Errors
    /// `Conflict` when another process has it; `Invalid` when it is newer than this binary or
    /// can't be written; `Corrupt`.
    pub(crate) fn open(folder: &Path, options: SqliteOptions) -> Result<Self, ServiceError> {
        let store = SqliteStore::open(folder, options)?;
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// The operations over it.
    pub(crate) fn service(&self) -> Service {
        let store: Arc<dyn Store> = Arc::<SqliteStore>::clone(&self.store);
        Service::new(store, Arc::new(system_clock))
    }

    /// Notes in the lock file where this process listens.
    pub(crate) fn set_address(&self, address: &str) -> Result<(), ServiceError> {
        Ok(self.store.set_address(address)?)
    }
}

/// Who holds the lock of a folder; `None` if nobody does, or there is no folder.
pub(crate) fn lock_holder(folder: &Path) -> Result<Option<LockHolder>, ServiceError> {
    Ok(read_lock_holder(folder)?)
}

/// Options for a command that reads once and goes: no background work.
pub(crate) fn quiet_options() -> SqliteOptions {
    SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    }
}

/// Opens a folder that nobody uses, and lets the engine look through it.
///
/// # Errors
/// `Corrupt` when it is damaged, `Invalid` when it is newer than this binary.
pub(crate) fn check_folder(folder: &Path) -> Result<(), ServiceError> {
    let engine = Engine::open(folder, quiet_options())?;
    Ok(engine.store.close()?)
}
