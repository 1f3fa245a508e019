//! Who may write or deliver a spool folder: a record lock on one byte of the file `locks` beside
//! the folders, a byte for each writer id.
//!
//! Record locks belong to the process, not to an open file: a worker that outlives its parent does
//! not keep the parent's folders. The surprising rule: closing any descriptor of the file would
//! drop every lock of the process, so it is opened once, kept for ever, and never opened elsewhere.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use runstone_model::WriterId;

use crate::os_unix_file::{is_byte_locked, lock_byte, unlock_byte};
use crate::process::{process_generation, runtime};

/// Name of the file.
pub(crate) const LOCKS_FILE: &str = "locks";

/// The lock files that this process has open; never closed.
#[derive(Debug, Default)]
pub(crate) struct LockFiles {
    files: Mutex<Vec<LockFile>>,
}

#[derive(Debug)]
struct LockFile {
    /// Device and inode.
    id: (u64, u64),
    file: File,
    held: HashSet<WriterId>,
}

/// Held while a writer writes, or a deliverer delivers.
#[derive(Debug)]
pub(crate) struct WriterLock {
    id: (u64, u64),
    writer: WriterId,
    generation: u64,
}

impl WriterLock {
    /// Takes the lock of a writer id below a host's folder; `None`: somebody has it.
    pub(crate) fn take(host_folder: &Path, writer: WriterId) -> io::Result<Option<Self>> {
        with_file(host_folder, |lock_file| {
            if lock_file.held.contains(&writer) || !lock_byte(&lock_file.file, byte_of(writer))? {
                return Ok(None);
            }
            lock_file.held.insert(writer);
            Ok(Some(Self {
                id: lock_file.id,
                writer,
                generation: process_generation(),
            }))
        })
    }

    /// True if somebody has the lock, this process included.
    pub(crate) fn is_taken(host_folder: &Path, writer: WriterId) -> io::Result<bool> {
        with_file(host_folder, |lock_file| {
            Ok(lock_file.held.contains(&writer)
                || is_byte_locked(&lock_file.file, byte_of(writer))?)
        })
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        if self.generation != process_generation() {
            // The parent's lock; the child never had it.
            return;
        }
        let mut files = lock(&runtime().lock_files.files);
        if let Some(lock_file) = files.iter_mut().find(|file| file.id == self.id) {
            lock_file.held.remove(&self.writer);
            // Failing leaves it taken until the process ends.
            let _ = unlock_byte(&lock_file.file, byte_of(self.writer));
        }
    }
}

/// One byte of 2^62; two writers of one host at the same byte are not to be expected.
fn byte_of(writer: WriterId) -> i64 {
    let id = u128::from_le_bytes(*writer.as_bytes());
    (((id >> 64) ^ id) as u64 >> 2).cast_signed()
}

fn with_file<T>(
    host_folder: &Path,
    work: impl FnOnce(&mut LockFile) -> io::Result<T>,
) -> io::Result<T> {
    let path = host_folder.join(LOCKS_FILE);
    let mut files = lock(&runtime().lock_files.files);
    // Asked by path first: opening a second descriptor and closing it would drop all locks.
    if let Ok(found) = std::fs::metadata(&path) {
        let id = (found.dev(), found.ino());
        if let Some(lock_file) = files.iter_mut().find(|file| file.id == id) {
            return work(lock_file);
        }
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)?;
    let found = file.metadata()?;
    files.push(LockFile {
        id: (found.dev(), found.ino()),
        file,
        held: HashSet::new(),
    });
    let last = files.len() - 1;
    work(&mut files[last])
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
