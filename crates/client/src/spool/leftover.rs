//! Folders that dead processes left behind.
//!
//! Listed by `up`, `sync`, `doctor` and a new run; read through [`SpoolReader::dead`]. A folder is
//! dead when nobody has its lock.
//!
//! [`SpoolReader::dead`]: super::SpoolReader::dead

use std::io;
use std::path::{Path, PathBuf};

use runstone_model::WriterId;

use super::dead::{segments_in, why_unreadable};
use super::folder_lock::WriterLock;
use super::state::StateFile;
use super::{SpoolCounters, SpoolError};

/// A spool folder that nobody has locked.
#[derive(Debug, Clone)]
pub struct Leftover {
    /// The folder.
    pub path: PathBuf,
    /// Its writer.
    pub writer: WriterId,
    /// Run id.
    pub run: String,
    /// Where the data go: a URL, or `local`.
    pub destination: String,
    /// Host name.
    pub host: String,
    /// Name of the host's folder.
    pub host_id: String,
    /// Boot id of the host then.
    pub boot_id: String,
    /// Process id then.
    pub pid: u32,
    /// When its first segment that is left was made, in microseconds.
    pub created_at_micros: i64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// The acknowledged (mark, chain).
    pub acknowledged: (u64, u64),
    /// Its counters.
    pub counters: SpoolCounters,
}

impl Leftover {
    /// Takes the folder for delivery, until the lock is dropped.
    ///
    /// # Errors
    /// [`SpoolError::Locked`] if somebody was faster; [`SpoolError::Unusable`] if it cannot be
    /// locked.
    pub fn lock(&self) -> Result<FolderLock, SpoolError> {
        FolderLock::take(&self.path)
    }

    /// What a folder is; `None` if no segment in it can be read.
    fn of_folder(path: &Path) -> io::Result<Option<Self>> {
        let segments = segments_in(path)?;
        let Some(first) = segments.first() else {
            return Ok(None);
        };
        let (acknowledged, counters) = StateFile::peek(path).unwrap_or_default();
        let identity = first.header.identity.clone();
        Ok(Some(Self {
            path: path.to_path_buf(),
            writer: identity.writer,
            run: identity.run,
            destination: identity.destination,
            host: identity.host,
            host_id: (path.parent())
                .and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            boot_id: identity.boot_id,
            pid: identity.pid,
            created_at_micros: first.header.created_at_micros,
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
            acknowledged,
            counters,
        }))
    }
}

/// The right to deliver one folder.
#[derive(Debug)]
pub struct FolderLock {
    path: PathBuf,
    _lock: WriterLock,
}

impl FolderLock {
    /// Takes a folder by its path, as `sync PATH` does.
    ///
    /// # Errors
    /// As [`Leftover::lock`]; [`SpoolError::Corrupt`] if it is no spool folder.
    pub fn take(path: &Path) -> Result<Self, SpoolError> {
        let corrupt = |reason: &str| SpoolError::Corrupt {
            reason: reason.into(),
            path: path.to_path_buf(),
        };
        let unusable = |error: io::Error| SpoolError::Unusable {
            reason: format!("locking: {error}"),
            hint: "make the folder writable for you, or copy it and deliver the copy",
            path: path.to_path_buf(),
        };
        let writer = writer_of(path).map_err(unusable)?;
        let writer = writer.ok_or_else(|| corrupt("no segment can be read"))?;
        let host_folder = path
            .parent()
            .ok_or_else(|| corrupt("it has no folder above"))?;
        let lock = WriterLock::take(host_folder, writer).map_err(unusable)?;
        let lock = lock.ok_or_else(|| SpoolError::Locked {
            path: path.to_path_buf(),
        })?;
        if !path.is_dir() {
            // Delivered and removed by whoever had the lock a moment ago.
            return Err(SpoolError::Locked {
                path: path.to_path_buf(),
            });
        }
        Ok(Self {
            path: path.to_path_buf(),
            _lock: lock,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// By the folder's name; a renamed copy by its segments.
fn writer_of(path: &Path) -> io::Result<Option<WriterId>> {
    let name = path.file_name().and_then(|name| name.to_str());
    if let Some(writer) = name.and_then(|name| name.parse().ok()) {
        return Ok(Some(writer));
    }
    let segments = segments_in(path)?;
    Ok(segments.first().map(|first| first.header.identity.writer))
}

/// The spools below a root that nobody writes or delivers, oldest first. `host_id`: only those of
/// this host; `None`: of every host.
///
/// # Errors
/// [`SpoolError::File`] if the root is there and cannot be listed. Single folders that cannot be
/// read are skipped.
pub fn leftover_spools(root: &Path, host_id: Option<&str>) -> Result<Vec<Leftover>, SpoolError> {
    let hosts = match host_id {
        Some(host_id) => vec![root.join(host_id)],
        None => folders_in(root)?,
    };
    let mut found = Vec::new();
    for host in hosts {
        for folder in folders_in(&host)? {
            if let Some(leftover) = leftover_in(&host, &folder) {
                found.push(leftover);
            }
        }
    }
    found.sort_by_key(|leftover| (leftover.created_at_micros, leftover.writer));
    Ok(found)
}

/// Every spool below a root of which something can be read, oldest first; true for one that
/// somebody writes or delivers now. For reports: nothing is locked.
///
/// # Errors
/// As [`leftover_spools`].
pub fn all_spools(root: &Path) -> Result<Vec<(Leftover, bool)>, SpoolError> {
    let mut found = Vec::new();
    for host in folders_in(root)? {
        for folder in folders_in(&host)? {
            let name = folder.file_name().and_then(|name| name.to_str());
            let Some(writer) = name.and_then(|name| name.parse().ok()) else {
                continue;
            };
            let in_use = WriterLock::is_taken(&host, writer).unwrap_or(true);
            if let Ok(Some(spool)) = Leftover::of_folder(&folder) {
                found.push((spool, in_use));
            }
        }
    }
    found.sort_by_key(|(spool, _)| (spool.created_at_micros, spool.writer));
    Ok(found)
}

/// A spool folder of which no segment can be read: damaged, or of a later version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableSpool {
    /// The folder.
    pub path: PathBuf,
    /// Why, in words.
    pub reason: &'static str,
    /// Bytes of its files.
    pub bytes: u64,
}

/// The spools below a root that nobody writes and [`leftover_spools`] passes over, because nothing
/// in them can be read. They stay where they are; `doctor` names them.
///
/// # Errors
/// As [`leftover_spools`].
pub fn unreadable_spools(root: &Path) -> Result<Vec<UnreadableSpool>, SpoolError> {
    let mut found = Vec::new();
    for host in folders_in(root)? {
        for folder in folders_in(&host)? {
            let name = folder.file_name().and_then(|name| name.to_str());
            let Some(writer) = name.and_then(|name| name.parse().ok()) else {
                continue;
            };
            if WriterLock::is_taken(&host, writer).unwrap_or(true)
                || !matches!(Leftover::of_folder(&folder), Ok(None))
            {
                continue;
            }
            // A folder that cannot be listed any more was delivered by somebody meanwhile.
            if let Ok(Some((reason, bytes))) = why_unreadable(&folder) {
                found.push(UnreadableSpool {
                    path: folder,
                    reason,
                    bytes,
                });
            }
        }
    }
    Ok(found)
}

fn leftover_in(host: &Path, folder: &Path) -> Option<Leftover> {
    let name = folder.file_name()?.to_str()?;
    let writer: WriterId = name.parse().ok()?;
    if WriterLock::is_taken(host, writer).unwrap_or(true) {
        return None;
    }
    Leftover::of_folder(folder).ok().flatten()
}

/// Folders in a folder, sorted; none if it is not there.
fn folders_in(path: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                all.push(entry.path());
            }
        }
        all.sort();
        Ok(all)
    };
    match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(|error| SpoolError::file("listing spool folders", path, error)),
    }
}
