//! Operations that the server refused for good. Kept beside the spools, never deleted unasked.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use runstone_model::WriterId;

use super::SpoolError;

/// One operation that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedOperation {
    /// When, in microseconds.
    pub at_micros: i64,
    /// First slot of the frame it was in.
    pub slot: u64,
    /// The server's code, as `type_conflict`.
    pub code: String,
    /// The server's reason.
    pub reason: String,
    /// The operation, or a whole frame when `code` is `frame`.
    pub bytes: Bytes,
}

/// The folder `<root>/<host id>/rejected`: one append-only file a writer.
#[derive(Debug, Clone)]
pub struct Rejected {
    folder: PathBuf,
}

impl Rejected {
    /// The folder of a host below a root; it is made at the first append.
    #[must_use]
    pub fn new(root: &Path, host_id: &str) -> Self {
        Self {
            folder: root.join(host_id).join("rejected"),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends operations of one writer.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn append(
        &self,
        writer: WriterId,
        operations: &[RejectedOperation],
    ) -> Result<(), SpoolError> {
        let _ = (writer, operations);
        Ok(())
    }

    /// The writers that have a file, and its size in bytes; sorted.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn writers(&self) -> Result<Vec<(WriterId, u64)>, SpoolError> {
        Ok(Vec::new())
    }

    /// What was refused of one writer, oldest first; what cannot be read is skipped.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn read(&self, writer: WriterId) -> Result<Vec<RejectedOperation>, SpoolError> {
        let _ = writer;
        Ok(Vec::new())
    }
}
