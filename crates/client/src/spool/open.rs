//! Opening a writer: the folder, its lock and its first segment, or what is taken in their stead.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use runstone_model::WriterId;

use super::declarations::Declarations;
use super::folder_lock::WriterLock;
use super::header::Identity;
use super::line::Line;
use super::maker::{Maker, NoSegment};
use super::state::StateFile;
use super::store::SpoolStore;
use super::{SpoolError, SpoolMode, SpoolOptions};
use crate::os_unix_file::{free_bytes, is_full_disk, is_mapping_safe};
use crate::os_unix_host::{boot_id, host_name};

/// The bound where none is given: this, or a tenth of the free disk if that is less.
const BOUND_BYTES: u64 = 20 << 30;
/// The bound of what is held in memory.
const BOUND_BYTES_MEMORY: u64 = 64 << 20;

/// What [`open_store`] gives.
pub(crate) struct Opened {
    pub(crate) store: SpoolStore,
    pub(crate) lock: Option<WriterLock>,
    pub(crate) trouble: Option<SpoolError>,
}

/// Tries the root, the fallback root, then memory.
pub(crate) fn open_store(options: &SpoolOptions, writer: WriterId) -> Result<Opened, SpoolError> {
    let identity = Identity {
        writer,
        pid: std::process::id(),
        boot_id: boot_id(),
        host: if options.host.is_empty() {
            host_name()
        } else {
            options.host.clone()
        },
        run: options.run.clone(),
        destination: options.destination.clone(),
    };
    let mut trouble = None;
    if options.mode != Some(SpoolMode::Memory) {
        let roots = std::iter::once(&options.root).chain(&options.fallback_root);
        for root in roots {
            match open_folder(options, root, &identity) {
                Ok((store, lock)) => {
                    return Ok(Opened {
                        store,
                        lock: Some(lock),
                        trouble,
                    });
                }
                Err(error @ SpoolError::Locked { .. }) => return Err(error),
                Err(error) if options.strict => return Err(error),
                // The first one says what is wrong with the folder that was asked for.
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
    }
    let bound = options
        .bound_bytes
        .map_or(BOUND_BYTES_MEMORY, |bytes| bytes.min(BOUND_BYTES_MEMORY));
    let maker = Maker::new(SpoolMode::Memory, PathBuf::new(), identity, bound);
    let unusable = |error| unusable(&options.root, "out of memory", error);
    let state = StateFile::make(None, SpoolMode::Memory, writer).map_err(unusable)?;
    let first = maker.first().map_err(|error| unusable(cause(error)))?;
    Ok(Opened {
        store: SpoolStore::new(
            Line::new(first, false),
            maker,
            state,
            Declarations::new(None),
            false,
        ),
        lock: None,
        trouble,
    })
}

fn open_folder(
    options: &SpoolOptions,
    root: &Path,
    identity: &Identity,
) -> Result<(SpoolStore, WriterLock), SpoolError> {
    let writer = identity.writer;
    let host_folder = root.join(&options.host_id);
    let folder = host_folder.join(writer.to_string());
    private_folders()
        .recursive(true)
        .create(&host_folder)
        .map_err(|error| unusable(&host_folder, "making the folder", error))?;
    let lock = WriterLock::take(&host_folder, writer)
        .map_err(|error| unusable(&host_folder, "locking", error))?
        .ok_or_else(|| SpoolError::Locked {
            path: folder.clone(),
        })?;
    private_folders()
        .create(&folder)
        .map_err(|error| unusable(&folder, "making the folder", error))?;
    let mode = options.mode.unwrap_or_else(|| {
        if is_mapping_safe(&folder) {
            SpoolMode::Mmap
        } else {
            SpoolMode::Pwrite
        }
    });
    let bound = options.bound_bytes.unwrap_or_else(|| {
        free_bytes(&folder).map_or(BOUND_BYTES, |free| (free / 10).min(BOUND_BYTES))
    });
    fill_folder(options, mode, &folder, identity, bound)
        .map(|store| (store, lock))
        .inspect_err(|_| {
            // Best effort: a folder without a segment is passed over by everybody.
            let _ = std::fs::remove_dir_all(&folder);
        })
}

fn fill_folder(
    options: &SpoolOptions,
    mode: SpoolMode,
    folder: &Path,
    identity: &Identity,
    bound: u64,
) -> Result<SpoolStore, SpoolError> {
    let maker = Maker::new(mode, folder.to_path_buf(), identity.clone(), bound);
    let first = maker
        .first()
        .map_err(|error| unusable(folder, "making a segment", cause(error)))?;
    let state = StateFile::make(Some(folder), mode, identity.writer)
        .map_err(|error| unusable(folder, "making the state file", error))?;
    Ok(SpoolStore::new(
        Line::new(first, mode == SpoolMode::Pwrite),
        maker,
        state,
        Declarations::new(Some(folder)),
        options.sync,
    ))
}

fn private_folders() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn cause(error: NoSegment) -> io::Error {
    match error {
        NoSegment::Bound => io::Error::other("the bound leaves no room for one segment"),
        NoSegment::Disk(error) => error,
    }
}

fn unusable(path: &Path, action: &str, error: io::Error) -> SpoolError {
    let hint = if is_full_disk(&error) {
        "free some disk space, or set RUNSTONE_SPOOL to a folder with room"
    } else {
        "set RUNSTONE_SPOOL to a folder on a local disk that you can write to"
    };
    SpoolError::Unusable {
        reason: format!("{action}: {error}"),
        hint,
        path: path.to_path_buf(),
    }
}
