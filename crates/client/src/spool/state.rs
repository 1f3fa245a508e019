//! The file `state` of a spool folder: the acknowledged mark and the counters.
//!
//! Mapped like a segment, so that a count survives `kill -9` without a system call. Written by the
//! writer's pushes (drops), the sender (mark) and the keeper (logged). Everything is a word that
//! is stored whole; the mark has two places of four words, written in turn.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use runstone_model::WriterId;

use super::checksum::crc_of_words;
use super::segment::{bytes_of, new_file, words_of};
use super::slot::SLOT_BYTES;
use super::{SpoolCounters, SpoolMode};
use crate::os_unix_file::{Region, allocate, check_file_bytes};

/// Name of the file.
pub(crate) const STATE_FILE: &str = "state";

const STATE_BYTES: usize = 32 * 1024;
const MAGIC: u64 = u64::from_le_bytes(*b"RSSTATE1");
const VERSION: u64 = 1;
const MARK_WORD: usize = 4;
const LOGGED_WORD: usize = 12;
const REFUSED_WORD: usize = 13;
const DROPPED_WORD: usize = 14;
/// Dropped by series number from here on; number 0 for all that have no word.
const SERIES_WORD: usize = 512;
const SERIES_MAX: usize = STATE_BYTES / 8 - SERIES_WORD - 1;

/// See the module.
#[derive(Debug)]
pub(crate) struct StateFile {
    region: Region,
    /// Where the region is not the file.
    file: Option<File>,
    mark: Mutex<Mark>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    sequence: u64,
    slot: u64,
    chain: u64,
}

impl StateFile {
    /// Makes the file of a new writer.
    pub(crate) fn make(
        folder: Option<&Path>,
        mode: SpoolMode,
        writer: WriterId,
    ) -> io::Result<Self> {
        let bytes = STATE_BYTES as u64;
        let (region, file) = match (folder, mode) {
            (None, _) | (_, SpoolMode::Memory) => (Region::anonymous(STATE_BYTES)?, None),
            (Some(folder), SpoolMode::Mmap) => {
                let file = new_file(&folder.join(STATE_FILE))?;
                allocate(&file, bytes)?;
                (Region::of_file(&file, STATE_BYTES)?, None)
            }
            (Some(folder), SpoolMode::Pwrite) => {
                check_file_bytes(bytes)?;
                let file = new_file(&folder.join(STATE_FILE))?;
                file.write_all_at(&[0; STATE_BYTES], 0)?;
                (Region::anonymous(STATE_BYTES)?, Some(file))
            }
        };
        let state = Self {
            region,
            file,
            mark: Mutex::new(Mark::default()),
        };
        let [low, high] = halves(writer);
        state.store(0, &[MAGIC, VERSION, low, high])?;
        Ok(state)
    }

    /// Opens the file of a dead writer for its deliverer; one that is missing or damaged is made
    /// anew, with nothing acknowledged.
    pub(crate) fn open_dead(folder: &Path, writer: WriterId) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(STATE_FILE))?;
        let words = words_in(&file)?;
        let state = Self {
            region: Region::anonymous(STATE_BYTES)?,
            file: Some(file),
            mark: Mutex::new(mark_in(&words)),
        };
        for (word, value) in state.region.words().iter().zip(&words) {
            word.store(*value, Ordering::Relaxed);
        }
        let [low, high] = halves(writer);
        if words[..4] != [MAGIC, VERSION, low, high] {
            *lock(&state.mark) = Mark::default();
            state.store(0, &[MAGIC, VERSION, low, high])?;
        }
        Ok(state)
    }

    /// The acknowledged (mark, chain) and the counters of a folder, without opening it for good.
    pub(crate) fn peek(folder: &Path) -> io::Result<((u64, u64), SpoolCounters)> {
        let words = words_in(&File::open(folder.join(STATE_FILE))?)?;
        if words[0] != MAGIC {
            return Ok(((0, 0), SpoolCounters::default()));
        }
        let mark = mark_in(&words);
        Ok(((mark.slot, mark.chain), counters_in(|word| words[word])))
    }

    /// The acknowledged (mark, chain).
    pub(crate) fn acknowledged(&self) -> (u64, u64) {
        let mark = lock(&self.mark);
        (mark.slot, mark.chain)
    }

    /// Notes a mark. The memory has it even if the file cannot be written.
    pub(crate) fn acknowledge(&self, slot: u64, chain: u64) -> io::Result<()> {
        let mut mark = lock(&self.mark);
        *mark = Mark {
            sequence: mark.sequence + 1,
            slot,
            chain,
        };
        let at = MARK_WORD + 4 * (mark.sequence % 2) as usize;
        let body = [mark.sequence, slot, chain];
        let check = mark_check(body);
        self.region.words()[at + 3].store(0, Ordering::Release);
        self.store(at, &[body[0], body[1], body[2], check])
    }

    pub(crate) fn set_logged(&self, points: u64) {
        if self.region.words()[LOGGED_WORD].swap(points, Ordering::Relaxed) != points {
            self.write_through(LOGGED_WORD);
        }
    }

    pub(crate) fn add_refused(&self, points: u64) {
        self.add(REFUSED_WORD, points);
    }

    pub(crate) fn add_dropped(&self, series: u32, points: u64) {
        self.add(DROPPED_WORD, points);
        let number = series as usize;
        let number = if number > SERIES_MAX { 0 } else { number };
        self.add(SERIES_WORD + number, points);
    }

    /// Points dropped and refused.
    pub(crate) fn not_written(&self) -> u64 {
        let words = self.region.words();
        words[DROPPED_WORD].load(Ordering::Relaxed) + words[REFUSED_WORD].load(Ordering::Relaxed)
    }

    pub(crate) fn counters(&self) -> SpoolCounters {
        counters_in(|word| self.region.words()[word].load(Ordering::Relaxed))
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        match &self.file {
            Some(file) => file.sync_data(),
            None => self.region.sync(0, STATE_BYTES),
        }
    }

    fn add(&self, word: usize, points: u64) {
        self.region.words()[word].fetch_add(points, Ordering::Relaxed);
        self.write_through(word);
    }

    /// A count that cannot be written stays in memory; the next one takes it along.
    fn write_through(&self, word: usize) {
        if let Some(file) = &self.file {
            let value = self.region.words()[word].load(Ordering::Relaxed);
            let _ = file.write_all_at(&value.to_le_bytes(), word as u64 * 8);
        }
    }

    fn store(&self, word: usize, values: &[u64]) -> io::Result<()> {
        for (offset, value) in values.iter().enumerate() {
            self.region.words()[word + offset].store(*value, Ordering::Release);
        }
        match &self.file {
            Some(file) => file.write_all_at(&bytes_of(values), word as u64 * 8),
            None => Ok(()),
        }
    }
}

fn halves(writer: WriterId) -> [u64; 2] {
    let id = u128::from_le_bytes(*writer.as_bytes());
    [id as u64, (id >> 64) as u64]
}

fn words_in(file: &File) -> io::Result<Vec<u64>> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    while bytes.len() < STATE_BYTES {
        let read = file.read_at(&mut part, bytes.len() as u64)?;
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&part[..read]);
    }
    Ok(words_of(&bytes, STATE_BYTES / SLOT_BYTES))
}

fn mark_in(words: &[u64]) -> Mark {
    let at = |at: usize| {
        let body = [words[at], words[at + 1], words[at + 2]];
        (words[at + 3] == mark_check(body)).then_some(Mark {
            sequence: body[0],
            slot: body[1],
            chain: body[2],
        })
    };
    let both = [at(MARK_WORD), at(MARK_WORD + 4)];
    both.into_iter()
        .flatten()
        .max_by_key(|mark| mark.sequence)
        .unwrap_or_default()
}

fn mark_check(body: [u64; 3]) -> u64 {
    u64::from(crc_of_words(body)) | 1 << 32
}

fn counters_in(word: impl Fn(usize) -> u64) -> SpoolCounters {
    let by_series = (0..=SERIES_MAX).map(|number| (number as u32, word(SERIES_WORD + number)));
    SpoolCounters {
        logged: word(LOGGED_WORD),
        dropped: word(DROPPED_WORD),
        refused: word(REFUSED_WORD),
        dropped_by_series: by_series.filter(|(_, points)| *points > 0).collect(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
