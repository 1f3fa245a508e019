//! `runstone snapshot DIR`: a copy of the data folder, made while scripts go on.
//!
//! The folder is made here, with a ticket in it: the server that writes the copy wants to see that
//! whoever asks may write there.

use crate::arguments::{Arguments, SnapshotArguments};
use crate::backend::Backend;
use crate::failure::Outcome;
use crate::format::{bytes, counted};
use crate::output::Output;
use runstone_service::api::{SnapshotAnswer, SnapshotRequest, TICKET_FILE};
use runstone_service::{ErrorKind, ServiceError};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct SnapshotDocument<'a> {
    version: u32,
    #[serde(flatten)]
    copy: &'a SnapshotAnswer,
}

/// Makes the copy.
pub(crate) fn run(
    arguments: &Arguments,
    asked: &SnapshotArguments,
    output: &mut Output,
) -> Outcome {
    let backend = Backend::open_with_blobs(arguments)?;
    let folder = make_folder(&asked.folder)?;
    let ticket = make_ticket()?;
    let file = folder.join(TICKET_FILE);
    std::fs::write(&file, &ticket).map_err(|error| folder_error(&folder, &error))?;
    let copied = backend.snapshot(&SnapshotRequest {
        folder: folder.to_string_lossy().into_owned(),
        ticket,
    });
    drop(backend);
    let copy = match copied {
        Ok(copy) => copy,
        Err(error) => {
            // Gone already if the copy had begun; a folder with something in it stays.
            let _ = std::fs::remove_file(&file);
            let _ = std::fs::remove_dir(&folder);
            return Err(error.into());
        }
    };
    if asked.json {
        output.json(&SnapshotDocument {
            version: 1,
            copy: &copy,
        })?;
        return Ok(0);
    }
    output.line(&format!(
        "copied {} up to change {} to {}",
        bytes(copy.bytes),
        copy.change,
        copy.folder
    ))?;
    if copy.blobs > 0 {
        output.line(&format!(
            "with {} of {}",
            counted(copy.blobs, "blob"),
            bytes(copy.blob_bytes)
        ))?;
    }
    if copy.blobs_missing > 0 {
        output.line(&format!(
            "without {} that runs refer to and that are lost; `runstone doctor --deep` names them",
            counted(copy.blobs_missing, "blob")
        ))?;
    }
    Ok(0)
}

/// The folder, which is made for its user alone or is there and empty, as an absolute path.
fn make_folder(folder: &Path) -> Result<PathBuf, ServiceError> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != IoErrorKind::AlreadyExists => {
            return Err(folder_error(folder, &error));
        }
        _ => {}
    }
    let mut entries = std::fs::read_dir(folder).map_err(|error| folder_error(folder, &error))?;
    if entries.next().is_some() {
        let text = format!("the folder for the copy is not empty: {}", folder.display());
        return Err(ServiceError::new(ErrorKind::Conflict, text).with_hint("name a new folder"));
    }
    std::fs::canonicalize(folder).map_err(|error| folder_error(folder, &error))
}

fn make_ticket() -> Result<String, ServiceError> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|error| {
        ServiceError::new(
            ErrorKind::Internal,
            format!("there is no randomness: {error}"),
        )
    })?;
    let mut ticket = String::with_capacity(32);
    for byte in random {
        let _ = write!(ticket, "{byte:02x}");
    }
    Ok(ticket)
}

fn folder_error(folder: &Path, error: &std::io::Error) -> ServiceError {
    ServiceError::invalid(format!(
        "can't write to the folder for the copy: {error}: {}",
        folder.display()
    ))
    .with_hint("name a new folder, in one that is yours")
}
