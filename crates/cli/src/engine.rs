//! The one place that names a storage engine.

use crate::blobs::open_blobs;
use crate::format::{bytes, counted};
use runstone_service::{ErrorKind, Service, ServiceError, Store, system_clock};
use runstone_store_sqlite::{
    CheckReport, DeepReport, LockHolder, SqliteOptions, SqliteStore, check, check_deep,
    read_lock_holder,
};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Handle;

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

    /// The operations over it, with the bytes of artifacts.
    ///
    /// # Errors
    /// Those of [`open_blobs`].
    pub(crate) fn service_with_blobs(
        &self,
        folder: &Path,
        asked: Option<&str>,
        runtime: Handle,
    ) -> Result<Service, ServiceError> {
        let service = self.service();
        let blobs = open_blobs(folder, asked, service.store(), runtime)?;
        Ok(service.with_blobs(blobs))
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

/// Name of the network file system that a folder lies on, by the list of the engine; `None` for a
/// local one, and where that can't be found out.
pub(crate) fn network_file_system(folder: &Path) -> Option<String> {
    runstone_store_sqlite::network_file_system(folder)
        .ok()
        .flatten()
}

/// Options for a command that reads once and goes: no background work.
pub(crate) fn quiet_options() -> SqliteOptions {
    SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    }
}

/// What a check of a folder that nobody uses finds.
///
/// # Errors
/// `NotFound` without a database, `Conflict` when it is newer than this binary, `Corrupt` when it
/// can't be read at all.
pub(crate) fn inspect_folder(folder: &Path) -> Result<CheckReport, ServiceError> {
    Ok(check(folder)?)
}

/// What a deep check of a folder that nobody uses finds.
///
/// # Errors
/// As [`inspect_folder`].
pub(crate) fn inspect_folder_deeply(folder: &Path) -> Result<DeepReport, ServiceError> {
    Ok(check_deep(folder)?)
}

/// Looks through a folder that nobody uses, and says what is in it.
///
/// # Errors
/// `Corrupt` when it is damaged, `Conflict` when it is newer than this binary.
pub(crate) fn check_folder(folder: &Path) -> Result<String, ServiceError> {
    let report = match check(folder) {
        Ok(report) => report,
        Err(error) => {
            let error = ServiceError::from(error);
            return if error.kind == ErrorKind::NotFound {
                Ok("empty".to_owned())
            } else {
                Err(error)
            };
        }
    };
    let Some(first) = report.damages.first() else {
        let size = bytes(report.database_bytes);
        return Ok(format!("sound, {size}, schema {}", report.schema_version));
    };
    let damages = counted(report.damages.len() as u64, "damage");
    let message = format!("{damages}, the first: {first}");
    Err(
        ServiceError::new(ErrorKind::Corrupt, message).with_hint(format!(
            "copy {} away before anything else, and restore a backup; scripts' spools still hold \
         what they have not delivered",
            folder.display()
        )),
    )
}
