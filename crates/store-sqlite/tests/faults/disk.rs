//! A disk that fails by plan: what it was told to do wrong, and what it has not yet made durable.
//!
//! `os_vfs` asks it before and after each operation on a file; [`Disk::lose_power`] then writes
//! the files as a power loss may leave them. What was written to a file since its last sync is
//! kept or dropped sector by sector, in any of its versions; its length is any it had since; a
//! file whose directory was not synced since it was made or deleted may be there or not. The
//! surprising rule: what was under way when a sync failed stays doubtful after a later sync that
//! works, as on Linux, until it is written again.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a disk writes whole or not at all.
pub(crate) const SECTOR_BYTES: u64 = 512;

/// What goes wrong, counted from when it is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// After so many changes (writes, syncs, truncations, deletions) power is lost in the next.
    PowerLoss { changes: u64 },
    /// After so many changes nothing fits any more, until [`Disk::make_room`]. A file system that
    /// writes in place refuses only what makes a file longer.
    Full { changes: u64, in_place: bool },
    /// The index of the log, which is memory mapped from a file, finds no room to grow.
    FullIndex,
    /// After so many syncs the next fails, once.
    FailedSync { syncs: u64 },
    /// After so many reads so many fail.
    FailedReads { reads: u64, failures: u64 },
}

/// What an operation should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it should.
    Works,
    /// Does it, and power is gone.
    Last,
    /// Finds no room after so many bytes.
    Full { bytes: u64 },
    /// Answers an error.
    Fails,
}

/// Small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Less than `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The files of one folder.
#[derive(Debug)]
pub(crate) struct Disk {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: Random,
    /// Whether what is not durable is kept.
    is_recorded: bool,
    files: BTreeMap<PathBuf, FileState>,
    fault: Option<Fault>,
    /// Planned faults that have happened.
    happened: u64,
    has_power: bool,
    sync_pause: Duration,
    syncs: u64,
}

/// What of a file is not durable.
#[derive(Debug, Default)]
struct FileState {
    /// Earlier contents of sectors, the durable one first.
    sectors: BTreeMap<u64, Versions>,
    /// Earlier lengths, the durable one first.
    lengths: Vec<u64>,
    /// What its name stands for while the directory is not synced.
    name: Name,
}

#[derive(Debug, Default)]
struct Versions {
    contents: Vec<[u8; SECTOR_BYTES as usize]>,
    /// A sync failed since it was written.
    is_doubtful: bool,
}

#[derive(Debug, Default)]
enum Name {
    /// Durable.
    #[default]
    Synced,
    /// It was made: perhaps it is not there, or what was deleted before under its name is.
    Made(Option<Vec<u8>>),
    /// It was deleted: perhaps it is still there.
    Deleted(Vec<u8>),
}

impl Disk {
    /// One that does nothing wrong until it is told to.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                random: Random(seed),
                is_recorded: true,
                files: BTreeMap::new(),
                fault: None,
                happened: 0,
                has_power: true,
                sync_pause: Duration::ZERO,
                syncs: 0,
            }),
        }
    }

    /// One that is slow and never fails; nothing is kept for a power loss.
    pub(crate) fn slow(sync_pause: Duration) -> Self {
        let disk = Self::new(0);
        let mut state = disk.lock();
        state.is_recorded = false;
        state.sync_pause = sync_pause;
        drop(state);
        disk
    }

    /// From now on this goes wrong, and nothing else.
    pub(crate) fn plan(&self, fault: Fault) {
        self.lock().fault = Some(fault);
    }

    /// The disk is no longer full, and nothing else is planned.
    pub(crate) fn make_room(&self) {
        self.lock().fault = None;
    }

    /// Each sync takes so long from now on.
    pub(crate) fn set_sync_pause(&self, pause: Duration) {
        self.lock().sync_pause = pause;
    }

    /// How often a planned fault has happened.
    pub(crate) fn happened(&self) -> u64 {
        self.lock().happened
    }

    /// Whether power was not lost.
    pub(crate) fn has_power(&self) -> bool {
        self.lock().has_power
    }

    /// Syncs so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// A file was made by the opening that is under way.
    pub(crate) fn made(&self, path: &Path) {
        let mut state = self.lock();
        let file = state.files.entry(path.to_owned()).or_default();
        let name = std::mem::take(&mut file.name);
        file.name = match name {
            Name::Deleted(content) => Name::Made(Some(content)),
            _ => Name::Made(None),
        };
        file.lengths = vec![0];
    }

    /// Before bytes are written: `read` reads what is there now, zeros past the end.
    pub(crate) fn before_write(
        &self,
        path: &Path,
        range: std::ops::Range<u64>,
        length: u64,
        read: impl FnMut(u64, &mut [u8]),
    ) -> Verdict {
        let mut state = self.lock();
        let verdict = state.change(range.end > length, range.end - range.start);
        if state.is_recorded && !matches!(verdict, Verdict::Fails) {
            state.file(path).remember(range, length, read);
        }
        verdict
    }

    /// Before a file is cut.
    pub(crate) fn before_truncate(
        &self,
        path: &Path,
        to: u64,
        length: u64,
        read: impl FnMut(u64, &mut [u8]),
    ) -> Verdict {
        let mut state = self.lock();
        let verdict = state.change(to > length, 0);
        if state.is_recorded && !matches!(verdict, Verdict::Fails) {
            state.file(path).remember(to..length.max(to), length, read);
        }
        verdict
    }

    /// Before a sync; sleeps as long as one takes.
    pub(crate) fn before_sync(&self, path: &Path) -> Verdict {
        let mut state = self.lock();
        let verdict = state.sync();
        match verdict {
            Verdict::Works => {
                // SQLite syncs the directory when it first syncs a log or journal that it made.
                let is_made = matches!(state.file(path).name, Name::Made(_));
                state.file(path).synced();
                if is_made {
                    state.sync_names();
                }
            }
            Verdict::Fails => state.file(path).sync_failed(),
            _ => {}
        }
        let pause = state.sync_pause;
        drop(state);
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        verdict
    }

    /// Before the index of the log grows.
    pub(crate) fn before_index_grows(&self) -> Verdict {
        let mut state = self.lock();
        let is_full = match state.fault {
            Some(Fault::FullIndex) => true,
            Some(Fault::Full { changes, .. }) => changes == 0,
            _ => false,
        };
        if !is_full {
            return Verdict::Works;
        }
        state.happened += 1;
        Verdict::Full { bytes: 0 }
    }

    /// Before a read.
    pub(crate) fn before_read(&self) -> Verdict {
        self.lock().read()
    }

    /// Before a file is deleted.
    pub(crate) fn before_delete(&self, path: &Path, is_synced: bool) -> Verdict {
        let mut state = self.lock();
        let verdict = state.change(false, 0);
        if matches!(verdict, Verdict::Fails) || !state.is_recorded {
            return verdict;
        }
        let file = state.file(path);
        *file = FileState::default();
        if is_synced && verdict == Verdict::Works {
            state.sync_names();
        } else if let Ok(content) = fs::read(path) {
            file.name = Name::Deleted(content);
        }
        verdict
    }

    /// Leaves the files as a power loss may leave them. Nobody has them open any more.
    pub(crate) fn lose_power(&self, folder: &Path) {
        let mut state = self.lock();
        state.has_power = false;
        let State { files, random, .. } = &mut *state;
        for (path, file) in std::mem::take(files) {
            file.lose_power(&path, random);
        }
        // It is memory.
        let _ = fs::remove_file(folder.join("runstone.db-shm"));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn file(&mut self, path: &Path) -> &mut FileState {
        self.files.entry(path.to_owned()).or_default()
    }

    /// The directory is synced: what is there is there, and what was deleted is not.
    fn sync_names(&mut self) {
        for file in self.files.values_mut() {
            file.name = Name::Synced;
        }
    }

    /// The verdict on a change, of so many bytes.
    fn change(&mut self, is_growth: bool, bytes: u64) -> Verdict {
        if !self.has_power {
            return Verdict::Fails;
        }
        match &mut self.fault {
            Some(Fault::PowerLoss { changes }) if *changes == 0 => {
                self.has_power = false;
                self.happened += 1;
                Verdict::Last
            }
            Some(Fault::Full { changes, in_place }) if *changes == 0 => {
                if bytes == 0 || (*in_place && !is_growth) {
                    return Verdict::Works;
                }
                self.happened += 1;
                let bytes = self.random.below(bytes);
                Verdict::Full { bytes }
            }
            Some(Fault::PowerLoss { changes } | Fault::Full { changes, .. }) => {
                *changes -= 1;
                Verdict::Works
            }
            _ => Verdict::Works,
        }
    }

    fn sync(&mut self) -> Verdict {
        self.syncs += 1;
        match &mut self.fault {
            Some(Fault::FailedSync { syncs: 0 }) => {
                self.fault = None;
                self.happened += 1;
                Verdict::Fails
            }
            Some(Fault::FailedSync { syncs }) => {
                *syncs -= 1;
                Verdict::Works
            }
            _ => self.change(false, 0),
        }
    }

    fn read(&mut self) -> Verdict {
        if !self.has_power {
            return Verdict::Fails;
        }
        let Some(Fault::FailedReads { reads, failures }) = &mut self.fault else {
            return Verdict::Works;
        };
        if *reads > 0 {
            *reads -= 1;
            return Verdict::Works;
        }
        if *failures == 0 {
            return Verdict::Works;
        }
        *failures -= 1;
        self.happened += 1;
        Verdict::Fails
    }
}

impl FileState {
    /// Keeps the sectors of a range as they are, and the length.
    fn remember(
        &mut self,
        range: std::ops::Range<u64>,
        length: u64,
        mut read: impl FnMut(u64, &mut [u8]),
    ) {
        if self.lengths.last() != Some(&length) {
            self.lengths.push(length);
        }
        for sector in range.start / SECTOR_BYTES..range.end.div_ceil(SECTOR_BYTES) {
            let mut content = [0; SECTOR_BYTES as usize];
            read(sector * SECTOR_BYTES, &mut content);
            let versions = self.sectors.entry(sector).or_default();
            versions.contents.push(content);
            versions.is_doubtful = false;
        }
    }

    fn synced(&mut self) {
        self.sectors.retain(|_, versions| versions.is_doubtful);
        self.lengths.clear();
        self.name = Name::Synced;
    }

    fn sync_failed(&mut self) {
        for versions in self.sectors.values_mut() {
            versions.is_doubtful = true;
        }
    }

    fn lose_power(self, path: &Path, random: &mut Random) {
        match self.name {
            Name::Synced => {}
            Name::Made(before) => {
                if random.below(2) == 0 {
                    let _ = fs::remove_file(path);
                    if let Some(content) = before {
                        fs::write(path, content).unwrap();
                    }
                    return;
                }
            }
            Name::Deleted(content) => {
                if random.below(2) == 0 {
                    fs::write(path, content).unwrap();
                }
                return;
            }
        }
        let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else {
            return;
        };
        let now = file.metadata().unwrap().len();
        let choice = random.below(self.lengths.len() as u64 + 1);
        let length = usize::try_from(choice)
            .ok()
            .and_then(|choice| self.lengths.get(choice).copied())
            .unwrap_or(now);
        file.set_len(length).unwrap();
        // All, none, or any of them: each is as likely as one of the others.
        let (keeps_all, keeps_none) = match random.below(6) {
            0 => (true, false),
            1 => (false, true),
            _ => (false, false),
        };
        for (sector, versions) in self.sectors {
            let at = sector * SECTOR_BYTES;
            let count = versions.contents.len() as u64;
            let choice = match (keeps_all, keeps_none) {
                (true, _) => count,
                (_, true) => 0,
                _ => random.below(count + 1),
            };
            let chosen = usize::try_from(choice).ok();
            let Some(content) = chosen.and_then(|choice| versions.contents.get(choice)) else {
                continue;
            };
            if at < length {
                let bytes = SECTOR_BYTES.min(length - at) as usize;
                file.write_all_at(&content[..bytes], at).unwrap();
            }
        }
    }
}
