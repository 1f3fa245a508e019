//! Copies of the data folder.
//!
//! The server writes where it is told, so it must not take anybody's word: the folder holds a
//! ticket that only somebody who may write there can have left, and nothing else.

use crate::Service;
use crate::api::{SnapshotAnswer, SnapshotRequest, TICKET_FILE};
use crate::error::{ErrorKind, ServiceError};
use runstone_blobs::BlobError;
use runstone_model::{Principal, Scope};
use runstone_store::StoreError;
use std::path::Path;

/// Name of the folder of blobs in a data folder.
pub const BLOB_FOLDER: &str = "blobs";
/// A ticket that can be guessed is none.
const TICKET_CHARACTERS_MIN: usize = 32;
/// A ticket is read into memory.
const TICKET_BYTES_MAX: u64 = 1_024;

impl Service {
    /// Copies the data folder while frames come in; on return the copy is durable. The ticket is
    /// used up.
    ///
    /// # Errors
    /// `Forbidden` for everybody but an admin, and for a folder without the ticket; `Invalid` for
    /// a path that is not absolute or can't be written; `Conflict` if the folder is not empty.
    pub fn snapshot(
        &self,
        principal: &Principal,
        request: &SnapshotRequest,
    ) -> Result<SnapshotAnswer, ServiceError> {
        if !principal.allows(Scope::Admin) {
            return Err(ServiceError::new(
                ErrorKind::Forbidden,
                format!("`{}` may not copy the data folder", principal.name),
            )
            .with_hint("use a token with the scope admin"));
        }
        let folder = Path::new(&request.folder);
        if !folder.is_absolute() {
            return Err(ServiceError::invalid(format!(
                "the folder for the copy is no absolute path: {}",
                request.folder
            ))
            .with_hint("`runstone snapshot DIR` takes any path"));
        }
        take_ticket(folder, &request.ticket)?;
        // Held until the end: no blob is deleted that the copied catalogue refers to.
        let mut copy = self.blobs.as_deref().map(|store| {
            let target = folder.join(BLOB_FOLDER);
            let copy = store.runtime.block_on(store.blobs.begin_copy(&target));
            (store, copy)
        });
        let report = self.store.back_up(folder, &mut |digests| match &mut copy {
            Some((store, copy)) => store.runtime.block_on(copy.copy(digests)).map_err(refusal),
            None => Ok(()),
        })?;
        let blobs = copy.map(|(_, copy)| copy.report().clone());
        let blobs = blobs.unwrap_or_default();
        Ok(SnapshotAnswer {
            folder: request.folder.clone(),
            bytes: report.bytes,
            change: report.change.0,
            blobs: blobs.blobs,
            blob_bytes: blobs.bytes,
            blobs_missing: blobs.missing,
        })
    }
}

/// Why blobs could not be copied, as the store passes it on.
fn refusal(error: BlobError) -> StoreError {
    match error {
        BlobError::Unavailable {
            reason,
            retry_after_millis,
        } => StoreError::Unavailable {
            reason,
            retry_after_millis,
        },
        BlobError::Corrupt(reason) => StoreError::Corrupt(reason),
        other => StoreError::Internal(other.to_string()),
    }
}

/// Compares the ticket in the folder and removes it.
fn take_ticket(folder: &Path, ticket: &str) -> Result<(), ServiceError> {
    let refused = || {
        let shown = folder.display();
        let text = format!("the ticket does not stand in the folder: {shown}");
        ServiceError::new(ErrorKind::Forbidden, text)
            .with_hint("`runstone snapshot DIR`, on the machine of the server, leaves one")
    };
    let file = folder.join(TICKET_FILE);
    let is_small = std::fs::symlink_metadata(&file)
        .is_ok_and(|file| file.is_file() && file.len() <= TICKET_BYTES_MAX);
    if !is_small || ticket.len() < TICKET_CHARACTERS_MIN {
        return Err(refused());
    }
    if std::fs::read(&file).map_err(|_| refused())? != ticket.as_bytes() {
        return Err(refused());
    }
    std::fs::remove_file(&file).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;
    use runstone_model::StoreIdentity;
    use runstone_store::memory::MemoryStore;
    use std::sync::Arc;

    #[test]
    fn only_an_admin_who_can_write_to_the_folder_gets_a_copy_there() {
        let store: Arc<dyn crate::Store> = Arc::new(MemoryStore::new(StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        }));
        let service = Service::from(store);
        let folder = std::env::temp_dir().join(format!("runstone-ticket-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let ticket = "t".repeat(32);
        std::fs::write(folder.join(TICKET_FILE), &ticket).unwrap();
        let ask = |principal: &Principal, folder: &str, ticket: &str| {
            let request = SnapshotRequest {
                folder: folder.to_owned(),
                ticket: ticket.to_owned(),
            };
            service.snapshot(principal, &request).unwrap_err().kind
        };
        let path = folder.to_str().unwrap();
        let writer = Principal {
            name: "writer".to_owned(),
            scope: Scope::Write,
        };
        let me = Principal::local();
        assert_eq!(ask(&writer, path, &ticket), ErrorKind::Forbidden);
        assert_eq!(ask(&me, "copies/here", &ticket), ErrorKind::Invalid);
        assert_eq!(ask(&me, path, &"u".repeat(32)), ErrorKind::Forbidden);
        assert_eq!(ask(&me, path, "t"), ErrorKind::Forbidden);
        // It gets as far as the store, which has nothing to copy; the ticket is used up.
        assert_eq!(ask(&me, path, &ticket), ErrorKind::Invalid);
        assert_eq!(ask(&me, path, &ticket), ErrorKind::Forbidden);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
