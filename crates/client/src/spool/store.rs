//! Everything of one live writer that its writer, its reader and the keeper share.
//!
//! The parts: the line of segments, the maker of segments, the declarations, the state file. Locks
//! in order: `tending`, then the line's, then those of the files; never the other way.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::declarations::Declarations;
use super::line::Line;
use super::maker::{Maker, NoSegment};
use super::segment::SegmentFile;
use super::segments::SegmentMemory;
use super::slot::published_until;
use super::state::StateFile;
use super::{SpoolError, SpoolMode};
use crate::process::runtime;

/// How much that is acknowledged is kept, for a server that is restored from a backup.
const KEPT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long it is kept.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// Past so many writers in a process, segments are not prefaulted and files are not held open.
const WRITERS_MANY: usize = 64;

/// See the module.
pub(crate) struct SpoolStore {
    pub(crate) line: Line<SegmentFile>,
    pub(crate) maker: Maker,
    pub(crate) state: StateFile,
    pub(crate) declarations: Declarations,
    pub(crate) sync: bool,
    /// Slots that hold no point of their own: operations, second slots of points with an epoch.
    pub(crate) slots_of_others: AtomicU64,
    /// Held by the keeper while it works on the folder, and by whoever removes it.
    tending: Mutex<Tending>,
    /// Files were made or removed since the folder was synced.
    folder_dirty: AtomicBool,
    /// Acknowledged slots that the keeper has not looked at.
    has_released: AtomicBool,
    reason_full: Mutex<&'static str>,
}

#[derive(Debug, Default)]
struct Tending {
    /// Nobody uses the writer any more.
    is_over: bool,
    /// Next slot and mark at the last sync.
    synced: (u64, u64),
    not_written_synced: u64,
    /// Next try to find room.
    retry_at: Option<Instant>,
    next_release: Option<Instant>,
}

impl SpoolStore {
    pub(crate) fn new(
        line: Line<SegmentFile>,
        maker: Maker,
        state: StateFile,
        declarations: Declarations,
        sync: bool,
    ) -> Self {
        Self {
            line,
            maker,
            state,
            declarations,
            sync,
            slots_of_others: AtomicU64::new(0),
            tending: Mutex::new(Tending::default()),
            folder_dirty: AtomicBool::new(true),
            has_released: AtomicBool::new(false),
            reason_full: Mutex::new(""),
        }
    }

    /// Points of all calls so far.
    pub(crate) fn logged(&self) -> u64 {
        let others = self.slots_of_others.load(Ordering::Relaxed) + self.line.padded_slots();
        self.line.next_slot().saturating_sub(others) + self.state.not_written()
    }

    pub(crate) fn note_full(&self, why: &NoSegment) {
        *lock(&self.reason_full) = why.reason();
    }

    pub(crate) fn reason_full(&self) -> &'static str {
        *lock(&self.reason_full)
    }

    /// A file was made in a call.
    pub(crate) fn note_folder_dirty(&self) {
        self.folder_dirty.store(true, Ordering::Relaxed);
    }

    /// The mark moved past the end of a segment, or room is wanted.
    pub(crate) fn note_released(&self) {
        self.has_released.store(true, Ordering::Relaxed);
    }

    /// There is something for the next tick.
    pub(crate) fn is_dirty(&self) -> bool {
        let now = (self.line.next_slot(), self.state.acknowledged().0);
        let tending = self.tending();
        !tending.is_over
            && (tending.synced != now
                || tending.not_written_synced != self.state.not_written()
                || self.line.is_full()
                || self.has_released.load(Ordering::Relaxed)
                || self.declarations.has_pending())
    }

    /// When the oldest acknowledged segment may go.
    pub(crate) fn next_release(&self) -> Option<Instant> {
        self.tending().next_release
    }

    /// What cannot wait: a spare, the reserve, handles and address space.
    pub(crate) fn prepare(&self) {
        let mut tending = self.tending();
        if tending.is_over {
            return;
        }
        self.prepare_segments(&mut tending);
        self.let_memory_go();
    }

    fn prepare_segments(&self, tending: &mut Tending) {
        let now = Instant::now();
        let has_released = self.has_released.load(Ordering::Relaxed);
        if tending.retry_at.is_some_and(|at| now < at) && !has_released {
            return;
        }
        let (wants_spare, wants_reserve) = {
            let state = self.line.lock();
            let used = self.line.next_slot_of(&state) > 0;
            (
                used && state.spare.is_none(),
                used && state.reserve.is_none(),
            )
        };
        tending.retry_at = None;
        if wants_reserve {
            self.offer(self.maker.reserve(), true, tending, now);
        }
        if wants_spare {
            if self.line.is_full() {
                self.let_acknowledged_go(tending, now);
            }
            let few = runtime().keeper.count() <= WRITERS_MANY;
            self.offer(self.maker.spare(few), false, tending, now);
        } else if self.line.is_full() {
            self.line.retry();
        }
    }

    fn offer(
        &self,
        made: Result<std::sync::Arc<SegmentFile>, NoSegment>,
        as_reserve: bool,
        tending: &mut Tending,
        now: Instant,
    ) {
        match made {
            Ok(segment) => {
                let path = segment.path().map(Path::to_path_buf);
                let bytes = segment.bytes;
                if self.line.offer(segment, as_reserve) {
                    self.note_folder_dirty();
                    return;
                }
                self.maker.give_back(bytes);
                if let Some(path) = path {
                    // Best effort: an unused file is a spare that nobody reads.
                    let _ = std::fs::remove_file(path);
                }
            }
            Err(why) => {
                self.note_full(&why);
                tending.retry_at = Some(now + super::keeper::TICK);
            }
        }
    }

    /// Unmaps what is full and published to the end; it can be read from its file.
    fn let_memory_go(&self) {
        loop {
            let found = {
                let state = self.line.lock();
                let newest = state.segments.len().saturating_sub(1);
                (0..newest).rev().take(64).find_map(|index| {
                    let (memory, from) = state.unpublished(index)?;
                    Some((state.segments[index].number, memory, from))
                })
            };
            let Some((number, memory, from)) = found else {
                break;
            };
            let words = memory.words();
            let slots = (words.len() / super::slot::SLOT_WORDS) as u64;
            let until = published_until(words, slots, from);
            let mut state = self.line.lock();
            if let Some(index) = index_of_number(&state.segments, number) {
                self.line.note_published(&mut state, index, until);
            }
            if until < slots {
                // A push is still writing there; look again later.
                break;
            }
        }
        let mut gone = Vec::new();
        let mut state = self.line.lock();
        let newest = state.segments.len().saturating_sub(1);
        for segment in state.segments.range_mut(..newest).rev().take(64) {
            if !segment.is_complete() {
                continue;
            }
            let Some(memory) = &segment.memory else {
                continue;
            };
            segment.origin = memory.origin();
            if segment.origin.is_some() {
                gone.extend(segment.memory.take());
            }
        }
        drop(state);
        // Unmapped here, outside the lock.
        drop(gone);
    }

    /// What is done once a second while the writer is dirty. `between` is called between waits for
    /// the disk.
    pub(crate) fn tick(&self, now: Instant, between: impl Fn()) {
        {
            let mut tending = self.tending();
            if tending.is_over {
                return;
            }
            tending.synced = (self.line.next_slot(), self.state.acknowledged().0);
            tending.not_written_synced = self.state.not_written();
            self.state.set_logged(self.logged());
            if self.has_released.swap(false, Ordering::Relaxed)
                || tending.next_release.is_some_and(|at| at <= now)
            {
                self.let_acknowledged_go(&mut tending, now);
            }
            self.declarations.tend(self.sync);
            if runtime().keeper.count() > WRITERS_MANY {
                self.declarations.close_file();
            }
        }
        if self.sync {
            // A failed sync is tried again with the next tick that has something new; what was
            // lost by a failing disk shows as damaged records.
            let _ = self.sync_all(between);
        }
    }

    /// Writes everything to the disk.
    pub(crate) fn sync_all(&self, between: impl Fn()) -> std::io::Result<()> {
        let mut after = None;
        loop {
            let Some(job) = self.next_sync(after) else {
                break;
            };
            after = Some(job.number);
            match (&job.memory, &job.origin) {
                (Some(memory), _) => memory.sync(job.from, job.to)?,
                (None, Some(origin)) => match origin.sync() {
                    // Released and removed meanwhile.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    other => other?,
                },
                (None, None) => {}
            }
            let mut state = self.line.lock();
            if let Some(index) = index_of_number(&state.segments, job.number) {
                let segment = &mut state.segments[index];
                // A slot below may have been reserved and not yet written: it is written again
                // with the next sync, from `synced[0]` on.
                segment.synced = if job.is_final {
                    [segment.place.slots; 2]
                } else {
                    [segment.synced[1], job.to]
                };
            }
            drop(state);
            between();
        }
        if self.maker.mode != SpoolMode::Memory {
            self.state.sync()?;
            if self.folder_dirty.swap(false, Ordering::Relaxed) {
                std::fs::File::open(&self.maker.folder)?.sync_all()?;
            }
        }
        Ok(())
    }

    fn next_sync(&self, after: Option<u64>) -> Option<SyncJob> {
        let state = self.line.lock();
        state.segments.iter().find_map(|segment| {
            if after.is_some_and(|after| segment.number <= after)
                || (segment.is_complete() && segment.synced[0] == segment.place.slots)
            {
                return None;
            }
            let used = self.line.used_of(&state, segment);
            if segment.synced == [used; 2] && !segment.is_complete() {
                return None;
            }
            Some(SyncJob {
                number: segment.number,
                memory: segment.memory.clone(),
                origin: segment.origin.clone(),
                from: segment.synced[0],
                to: used,
                is_final: segment.is_complete(),
            })
        })
    }

    /// Removes acknowledged segments that are old, or too many, or in the way.
    fn let_acknowledged_go(&self, tending: &mut Tending, now: Instant) {
        let mark = self.state.acknowledged().0;
        let wants_room = self.line.is_full();
        let mut gone = Vec::new();
        tending.next_release = None;
        {
            let mut state = self.line.lock();
            let mut kept_bytes = 0;
            for segment in &mut state.segments {
                if segment.end() > mark {
                    break;
                }
                segment.released_at.get_or_insert(now);
                kept_bytes += SegmentFile::bytes_for(segment.place.slots);
            }
            while let Some(front) = state.segments.front() {
                let Some(released_at) = front.released_at else {
                    break;
                };
                let bytes = SegmentFile::bytes_for(front.place.slots);
                let is_due = now >= released_at + KEPT_FOR
                    || kept_bytes > KEPT_BYTES_MAX
                    || wants_room
                    || self.maker.mode == SpoolMode::Memory;
                if !is_due {
                    tending.next_release = Some(released_at + KEPT_FOR);
                    break;
                }
                let Some(segment) = self.line.take_released(&mut state, mark) else {
                    if state.segments.len() > 1 {
                        // Still in use by a push; look again.
                        tending.next_release = Some(now + super::keeper::TICK);
                    }
                    break;
                };
                kept_bytes -= bytes;
                gone.push(segment);
            }
        }
        for segment in gone {
            let origin = segment
                .memory
                .as_ref()
                .and_then(|memory| memory.path().map(Path::to_path_buf))
                .or_else(|| {
                    segment
                        .origin
                        .as_ref()
                        .map(|origin| origin.path.to_path_buf())
                });
            self.maker
                .give_back(SegmentFile::bytes_for(segment.place.slots));
            if let Some(path) = origin {
                // A file that cannot be removed is removed with its folder.
                let _ = std::fs::remove_file(path);
                self.note_folder_dirty();
            }
        }
    }

    /// The folder; `None` in memory mode.
    pub(crate) fn folder(&self) -> Option<&Path> {
        (self.maker.mode != SpoolMode::Memory).then_some(self.maker.folder.as_path())
    }

    /// Keeps a declaration. With many writers in the process its file is closed again at once:
    /// a thousand open files are what an ordinary limit allows the whole program.
    pub(crate) fn append_declaration(&self, bytes: &[u8]) {
        self.declarations.append(bytes);
        if runtime().keeper.count() > WRITERS_MANY {
            self.declarations.close_file();
        }
    }

    /// Notes in the folder how many points were logged, as the keeper does each second.
    pub(crate) fn note_logged(&self) {
        self.state.set_logged(self.logged());
    }

    /// Everything declared, in order.
    pub(crate) fn read_declarations(&self) -> Result<Vec<Bytes>, SpoolError> {
        self.declarations.read().map_err(|error| {
            SpoolError::file("reading the declarations", &self.maker.folder, error)
        })
    }

    /// Ends the keeper's care and removes what was prepared and not used.
    pub(crate) fn end(&self) {
        let mut tending = self.tending();
        if std::mem::replace(&mut tending.is_over, true) {
            return;
        }
        self.state.set_logged(self.logged());
        let mut state = self.line.lock();
        let unused = [state.spare.take(), state.reserve.take()];
        drop(state);
        for segment in unused.into_iter().flatten() {
            if let Some(path) = segment.path() {
                // Best effort: an unused file is a spare that nobody reads.
                let _ = std::fs::remove_file(path);
            }
        }
    }

    fn tending(&self) -> MutexGuard<'_, Tending> {
        lock(&self.tending)
    }
}

impl std::fmt::Debug for SpoolStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SpoolStore")
            .field("maker", &self.maker)
            .finish_non_exhaustive()
    }
}

struct SyncJob {
    number: u64,
    memory: Option<std::sync::Arc<SegmentFile>>,
    origin: Option<super::segment::SegmentOrigin>,
    from: u64,
    to: u64,
    is_final: bool,
}

fn index_of_number<M: SegmentMemory>(
    segments: &std::collections::VecDeque<super::segments::Segment<M>>,
    number: u64,
) -> Option<usize> {
    let first = segments.front()?.number;
    let index = usize::try_from(number.checked_sub(first)?).ok()?;
    (index < segments.len()).then_some(index)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
