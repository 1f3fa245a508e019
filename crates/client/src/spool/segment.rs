//! One segment as memory and file: made, written through, synced, removed.
//!
//! Made by the keeper ahead of need, or in a call when the keeper is late. In `mmap` mode the
//! memory is the file; in `pwrite` mode the memory is a shadow that the sender reads and the file
//! gets every record before the shadow does; in `memory` mode there is no file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::SpoolMode;
use super::header::{
    CHAIN_WORD, HEADER_BYTES, HEADER_WORDS, Identity, PLACE_WORD, chain_check, place_check,
};
use super::segments::SegmentMemory;
use super::slot::{SLOT_BYTES, SLOT_WORDS};
use crate::os_unix_file::{Region, allocate, check_file_bytes};

/// See the module.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    region: Region,
    slots: usize,
    salt: u64,
    /// Its file, if there is one.
    path: Option<Arc<Path>>,
    /// `pwrite` mode: the file.
    file: Option<File>,
    /// A `pwrite` failed: the shadow has more than the file.
    is_ahead_of_file: AtomicBool,
    /// Gives the bytes back to the writer's account when the file goes.
    pub(crate) bytes: u64,
}

/// What is left of a segment without its memory.
#[derive(Debug, Clone)]
pub(crate) struct SegmentOrigin {
    pub(crate) path: Arc<Path>,
    pub(crate) bytes: u64,
    salt: u64,
}

/// How to make a segment.
pub(crate) struct Recipe<'a> {
    pub(crate) mode: SpoolMode,
    pub(crate) path: PathBuf,
    pub(crate) identity: &'a Identity,
    pub(crate) bytes: u64,
    pub(crate) created_at_micros: i64,
    /// Touch all pages now, so that no push faults.
    pub(crate) prefault: bool,
}

impl SegmentFile {
    /// Makes a segment; after an error nothing is left of it.
    pub(crate) fn make(recipe: &Recipe<'_>) -> io::Result<Self> {
        let bytes = recipe.bytes as usize;
        let slots = (bytes - HEADER_BYTES) / SLOT_BYTES;
        let salt = getrandom::u64().map_err(io::Error::other)?;
        let header = recipe
            .identity
            .header(salt, slots as u64, recipe.created_at_micros);
        let mut segment = match recipe.mode {
            SpoolMode::Memory => Self {
                region: Region::anonymous(bytes)?,
                slots,
                salt,
                path: None,
                file: None,
                is_ahead_of_file: AtomicBool::new(false),
                bytes: recipe.bytes,
            },
            SpoolMode::Mmap | SpoolMode::Pwrite => {
                let file = new_file(&recipe.path)?;
                Self::fill(recipe, file, &header, slots, salt).inspect_err(|_| {
                    // Best effort: the error that counts is the first one.
                    let _ = std::fs::remove_file(&recipe.path);
                })?
            }
        };
        if recipe.prefault {
            segment.region.populate();
        }
        if recipe.mode == SpoolMode::Mmap {
            segment.file = None;
        }
        Ok(segment)
    }

    fn fill(
        recipe: &Recipe<'_>,
        file: File,
        header: &[u8],
        slots: usize,
        salt: u64,
    ) -> io::Result<Self> {
        let region = if recipe.mode == SpoolMode::Mmap {
            allocate(&file, recipe.bytes)?;
            let region = Region::of_file(&file, recipe.bytes as usize)?;
            for (word, bytes) in region.words().iter().zip(header.chunks_exact(8)) {
                let mut value = [0; 8];
                value.copy_from_slice(bytes);
                word.store(u64::from_le_bytes(value), Ordering::Relaxed);
            }
            region
        } else {
            let region = Region::anonymous(recipe.bytes as usize)?;
            match allocate(&file, recipe.bytes) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    // No promise of room: a record that finds none stays in memory only.
                    check_file_bytes(recipe.bytes)?;
                    file.set_len(recipe.bytes)?;
                }
                other => other?,
            }
            file.write_all_at(header, 0)?;
            region
        };
        Ok(Self {
            region,
            slots,
            salt,
            path: Some(Arc::from(recipe.path.as_path())),
            file: Some(file),
            is_ahead_of_file: AtomicBool::new(false),
            bytes: recipe.bytes,
        })
    }

    /// Bytes of a segment with at least so many slots.
    pub(crate) fn bytes_for(slots: u64) -> u64 {
        (HEADER_BYTES as u64 + slots * SLOT_BYTES as u64).next_multiple_of(4096)
    }

    /// Writes some slots, and the header, to the disk.
    pub(crate) fn sync(&self, from_slot: u64, to_slot: u64) -> io::Result<()> {
        if let Some(file) = &self.file {
            return file.sync_data();
        }
        if self.path.is_some() {
            self.region.sync(0, HEADER_BYTES)?;
            let byte = |slot: u64| HEADER_BYTES + slot as usize * SLOT_BYTES;
            self.region.sync(byte(from_slot), byte(to_slot))?;
        }
        Ok(())
    }

    /// The file, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Stores header words and writes them to the file where that is not the memory.
    fn store_header(&self, word: usize, values: &[u64]) {
        for (offset, value) in values.iter().enumerate() {
            // The last one is the check: all before it are there when it is.
            self.region.words()[word + offset].store(*value, Ordering::Release);
        }
        if let Some(file) = &self.file
            && file
                .write_all_at(&bytes_of(values), word as u64 * 8)
                .is_err()
        {
            self.is_ahead_of_file.store(true, Ordering::Relaxed);
        }
    }
}

impl SegmentMemory for SegmentFile {
    type Origin = SegmentOrigin;

    #[inline]
    fn words(&self) -> &[AtomicU64] {
        &self.region.words()[HEADER_WORDS..][..self.slots * SLOT_WORDS]
    }

    fn salt(&self) -> u64 {
        self.salt
    }

    fn assign(&self, number: u64, first_slot: u64) {
        let check = place_check(self.salt, number, first_slot);
        self.store_header(PLACE_WORD, &[number, first_slot, check]);
    }

    fn mirror(&self, word: usize, words: &[u64]) {
        let at = (HEADER_BYTES + word * 8) as u64;
        if let Some(file) = &self.file
            && file.write_all_at(&bytes_of(words), at).is_err()
        {
            self.is_ahead_of_file.store(true, Ordering::Relaxed);
        }
    }

    fn note_chain(&self, chain: u64) {
        self.store_header(CHAIN_WORD, &[chain, chain_check(self.salt, chain)]);
    }

    fn origin(&self) -> Option<SegmentOrigin> {
        if self.is_ahead_of_file.load(Ordering::Relaxed) {
            return None;
        }
        Some(SegmentOrigin {
            path: Arc::clone(self.path.as_ref()?),
            bytes: self.bytes,
            salt: self.salt,
        })
    }
}

impl SegmentOrigin {
    /// The words of the slots, read from the file; what the file lacks is zero.
    pub(crate) fn read(&self, chain_news: Option<u64>) -> io::Result<Vec<u64>> {
        if let Some(chain) = chain_news {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            let words = [chain, chain_check(self.salt, chain)];
            file.write_all_at(&bytes_of(&words), CHAIN_WORD as u64 * 8)?;
        }
        let bytes = std::fs::read(&self.path)?;
        let slots = (self.bytes as usize - HEADER_BYTES) / SLOT_BYTES;
        Ok(words_of(bytes.get(HEADER_BYTES..).unwrap_or(&[]), slots))
    }

    /// Writes the file to the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_data()
    }
}

/// Words of slots, padded with zeros to whole slots.
pub(crate) fn words_of(bytes: &[u8], slots: usize) -> Vec<u64> {
    let bytes = &bytes[..bytes.len().min(slots * SLOT_BYTES)];
    let mut words = Vec::with_capacity(slots * SLOT_WORDS);
    let (whole, rest) = bytes.as_chunks::<8>();
    words.extend(whole.iter().map(|word| u64::from_le_bytes(*word)));
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        words.push(u64::from_le_bytes(word));
    }
    words.resize(slots * SLOT_WORDS, 0);
    words
}

/// Words as they lie in a file.
pub(crate) fn bytes_of(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A new file that only its owner can read.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}
