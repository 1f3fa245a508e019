//! Operations that the server refused for good. Kept beside the spools, never deleted unasked.
//!
//! Written by the sender and by `deliver`, listed by `doctor`. One append-only file a writer,
//! `<root>/<host id>/rejected/<writer>.ops`; a record is (length u32, crc32c u32, body), the body
//! (time i64, slot u64, three texts or byte strings with their lengths as u32: code, reason,
//! bytes). A record that is cut or damaged ends the reading.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use runstone_model::WriterId;

use super::SpoolError;
use super::declarations::read_declarations;
use super::header::u64_at;
use crate::os_unix_file::check_file_bytes;

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

    /// Appends operations of one writer. They are on the disk when this returns.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn append(
        &self,
        writer: WriterId,
        operations: &[RejectedOperation],
    ) -> Result<(), SpoolError> {
        let path = self.path_of(writer);
        let write = || -> io::Result<()> {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            let mut records = Vec::new();
            for operation in operations {
                let body = operation.encode();
                records.extend_from_slice(&(body.len() as u32).to_le_bytes());
                records.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
                records.extend_from_slice(&body);
            }
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&path)?;
            let before = file.metadata()?.len();
            check_file_bytes(before + records.len() as u64)?;
            file.write_all(&records).inspect_err(|_| {
                // What was cut short would hide all that follows.
                let _ = file.set_len(before);
            })?;
            file.sync_data()
        };
        write().map_err(|error| SpoolError::file("keeping refused operations", &path, error))
    }

    /// The writers that have a file, and its size in bytes; sorted.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn writers(&self) -> Result<Vec<(WriterId, u64)>, SpoolError> {
        let list = || -> io::Result<Vec<(WriterId, u64)>> {
            let mut all = Vec::new();
            for entry in std::fs::read_dir(&self.folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let writer = (name.to_str())
                    .and_then(|name| name.strip_suffix(".ops"))
                    .and_then(|name| name.parse().ok());
                if let Some(writer) = writer {
                    all.push((writer, entry.metadata()?.len()));
                }
            }
            all.sort();
            Ok(all)
        };
        match list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other.map_err(|error| {
                SpoolError::file("listing refused operations", &self.folder, error)
            }),
        }
    }

    /// What was refused of one writer, oldest first, up to what cannot be read.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn read(&self, writer: WriterId) -> Result<Vec<RejectedOperation>, SpoolError> {
        let path = self.path_of(writer);
        // The same records as those of declarations.
        let bodies = read_declarations(&path)
            .map_err(|error| SpoolError::file("reading refused operations", &path, error))?;
        Ok(bodies
            .iter()
            .filter_map(RejectedOperation::decode)
            .collect())
    }

    fn path_of(&self, writer: WriterId) -> PathBuf {
        self.folder.join(format!("{writer}.ops"))
    }
}

impl RejectedOperation {
    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend_from_slice(&self.at_micros.to_le_bytes());
        body.extend_from_slice(&self.slot.to_le_bytes());
        for part in [self.code.as_bytes(), self.reason.as_bytes(), &self.bytes] {
            body.extend_from_slice(&(part.len() as u32).to_le_bytes());
            body.extend_from_slice(part);
        }
        body
    }

    fn decode(body: &Bytes) -> Option<Self> {
        if body.len() < 16 {
            return None;
        }
        let mut at = 16;
        let mut part = || -> Option<Bytes> {
            let length = body.get(at..at + 4)?;
            let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
            let part = body.get(at + 4..at + 4 + length)?;
            at += 4 + length;
            Some(body.slice_ref(part))
        };
        let (code, reason, bytes) = (part()?, part()?, part()?);
        Some(Self {
            at_micros: u64_at(body, 0).cast_signed(),
            slot: u64_at(body, 8),
            code: String::from_utf8_lossy(&code).into_owned(),
            reason: String::from_utf8_lossy(&reason).into_owned(),
            bytes,
        })
    }
}
