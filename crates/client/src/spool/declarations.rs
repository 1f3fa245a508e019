//! The file `decl` of a spool folder: every declaration, kept until the folder goes.
//!
//! Points in late segments use series numbers that were declared in segments long removed; a
//! server that lost its disk gets all of these again. Records are (length u32, crc32c u32, bytes),
//! one after the other. The surprising rule: when the disk is full a declaration waits in memory,
//! and the keeper writes it later; the operation itself is in the segments in any case.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::segment::new_file;
use crate::os_unix_file::{allocate_ahead, check_file_bytes};

/// Name of the file.
pub(crate) const DECLARATIONS_FILE: &str = "decl";

const AHEAD_BYTES: u64 = 16 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Declarations {
    /// `None` in memory mode.
    path: Option<PathBuf>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Opened at the first declaration.
    file: Option<File>,
    /// Bytes of whole records in the file.
    length: u64,
    allocated: u64,
    is_dirty: bool,
    /// Not in the file: memory mode, or no room.
    pending: Vec<Bytes>,
}

impl Declarations {
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        Self {
            path: folder.map(|folder| folder.join(DECLARATIONS_FILE)),
            inner: Mutex::new(Inner::default()),
        }
    }

    /// Appends one; it is in the file, or in memory until the keeper finds room. An empty one says
    /// nothing and is left out: zeros end the file.
    pub(crate) fn append(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut inner = self.lock();
        inner.pending.push(Bytes::copy_from_slice(bytes));
        // What fails stays pending.
        let _ = inner.write_pending(self.path.as_deref());
    }

    /// Called by the keeper: writes what waits, allocates ahead, and syncs.
    pub(crate) fn tend(&self, sync: bool) {
        let mut inner = self.lock();
        let _ = inner.write_pending(self.path.as_deref());
        let length = inner.length;
        if length + AHEAD_BYTES / 2 > inner.allocated
            && let Some(file) = &inner.file
        {
            allocate_ahead(file, length + AHEAD_BYTES);
            inner.allocated = length + AHEAD_BYTES;
        }
        if sync
            && inner.is_dirty
            && let Some(file) = &inner.file
        {
            inner.is_dirty = file.sync_data().is_err();
        }
    }

    /// Closes the file; the next declaration opens it again. For processes with many writers.
    pub(crate) fn close_file(&self) {
        self.lock().file = None;
    }

    pub(crate) fn has_pending(&self) -> bool {
        let inner = self.lock();
        self.path.is_some() && !inner.pending.is_empty()
    }

    /// All of them, in order.
    pub(crate) fn read(&self) -> io::Result<Vec<Bytes>> {
        let inner = self.lock();
        let mut all = match &self.path {
            Some(path) if inner.length > 0 => read_declarations(path)?,
            _ => Vec::new(),
        };
        all.extend(inner.pending.iter().cloned());
        Ok(all)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write_pending(&mut self, path: Option<&Path>) -> io::Result<()> {
        let Some(path) = path else {
            return Ok(());
        };
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut records = Vec::new();
        for bytes in &self.pending {
            records.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            records.extend_from_slice(&crc32c::crc32c(bytes).to_le_bytes());
            records.extend_from_slice(bytes);
        }
        let end = self.length + records.len() as u64;
        check_file_bytes(end)?;
        let file = match &mut self.file {
            Some(file) => file,
            none if self.length == 0 && !path.exists() => none.insert(new_file(path)?),
            none => none.insert(File::options().read(true).write(true).open(path)?),
        };
        // At its place, so that a write that was cut short is overwritten by the next try.
        file.write_all_at(&records, self.length)?;
        self.length = end;
        self.is_dirty = true;
        self.pending.clear();
        Ok(())
    }
}

/// Whole and sound records of a file, up to the first that is neither; no file: none.
pub(crate) fn read_declarations(path: &Path) -> io::Result<Vec<Bytes>> {
    let file = match std::fs::read(path) {
        Ok(bytes) => Bytes::from(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(front) = file.get(at..at + 8) {
        let length = u32::from_le_bytes([front[0], front[1], front[2], front[3]]) as usize;
        let crc = u32::from_le_bytes([front[4], front[5], front[6], front[7]]);
        let end = at + 8 + length;
        if end > file.len() || crc32c::crc32c(&file[at + 8..end]) != crc || length == 0 {
            break;
        }
        all.push(file.slice(at + 8..end));
        at = end;
    }
    Ok(all)
}
