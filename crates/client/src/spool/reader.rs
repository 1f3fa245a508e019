//! The reading end, over a live writer of this process or the folder of a dead one.
//!
//! Called by the sender (live) and by `deliver` (dead). It goes forward record by record and keeps
//! the chain; what it may forget is decided by [`SpoolReader::release`]. The surprising rule: a
//! live reader waits at a hole, since its call is still running, a dead one skips it.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use runstone_model::WriterId;

use super::dead::{DeadCursor, DeadRecord, segments_in};
use super::declarations::{DECLARATIONS_FILE, read_declarations};
use super::live::LiveCursor;
use super::segment::{SegmentFile, SegmentOrigin};
use super::slot::{Content, Found};
use super::state::StateFile;
use super::store::SpoolStore;
use super::writer::Hold;
use super::{FolderLock, LossCause, Record, SpoolCounters, SpoolError, SpoolWriter};
use crate::os_unix_host::{boot_id, host_name};
use crate::process::runtime;

/// What a reader met so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolStatistics {
    /// Points read.
    pub points: u64,
    /// Operations read.
    pub operations: u64,
    /// Slots of calls that never returned.
    pub unpublished_slots: u64,
    /// Empty slots that a power loss may have emptied.
    pub power_loss_slots: u64,
    /// Slots of records whose checksum fails.
    pub corrupt_slots: u64,
    /// Slots of segments that are not there.
    pub missing_slots: u64,
}

/// Reads records in slot order, from (slot, chain) on.
pub struct SpoolReader {
    source: Source,
    payload: Vec<u8>,
    statistics: SpoolStatistics,
}

enum Source {
    Live(Live),
    Dead(Dead),
}

struct Live {
    cursor: LiveCursor<SegmentFile>,
    store: Arc<SpoolStore>,
    _hold: Arc<Hold>,
}

struct Dead {
    cursor: DeadCursor,
    state: StateFile,
    folder: FolderLock,
    writer: WriterId,
    needs_base: bool,
}

/// A record without its bytes, which are in the payload buffer.
enum Next {
    Found(Found),
    Lost { slots: u64, cause: LossCause },
}

impl SpoolReader {
    /// Over a live writer, at its acknowledged mark. At most one a writer.
    #[must_use]
    pub fn live(writer: &SpoolWriter) -> Self {
        let (mark, chain) = writer.acknowledged();
        Self::over(Source::Live(Live {
            cursor: LiveCursor::new(mark, chain),
            store: Arc::clone(&writer.store),
            _hold: Arc::clone(&writer.hold),
        }))
    }

    /// Over the folder of a dead writer, at its acknowledged mark; or at the first slot there is,
    /// if that is greater: then [`Self::needs_base`].
    ///
    /// # Errors
    /// [`SpoolError::Corrupt`] if no segment can be read, [`SpoolError::File`].
    pub fn dead(folder: FolderLock) -> Result<Self, SpoolError> {
        let file_error = |error| SpoolError::file("reading a spool folder", folder.path(), error);
        let segments = segments_in(folder.path()).map_err(file_error)?;
        let Some(first) = segments.first() else {
            return Err(SpoolError::Corrupt {
                reason: "no segment can be read".into(),
                path: folder.path().to_path_buf(),
            });
        };
        let writer = first.header.identity.writer;
        let state = StateFile::open_dead(folder.path(), writer).map_err(file_error)?;
        let mut cursor = DeadCursor::new(segments, &boot_id()).map_err(file_error)?;
        let (mark, chain) = state.acknowledged();
        let needs_base = mark < cursor.first_slot();
        if needs_base {
            let (slot, chain) = cursor
                .known_chain_below(cursor.first_slot())
                .unwrap_or((cursor.first_slot(), 0));
            cursor.seek(slot, chain);
        } else {
            cursor.seek(mark, chain);
        }
        Ok(Self::over(Source::Dead(Dead {
            cursor,
            state,
            folder,
            writer,
            needs_base,
        })))
    }

    fn over(source: Source) -> Self {
        Self {
            source,
            payload: Vec::new(),
            statistics: SpoolStatistics::default(),
        }
    }

    /// The first slots are gone and were never acknowledged: the first frame is a base frame.
    #[must_use]
    pub fn needs_base(&self) -> bool {
        match &self.source {
            Source::Live(_) => false,
            Source::Dead(dead) => dead.needs_base,
        }
    }

    /// The next record; `None`: nothing more now (live: an unpublished slot is waited for), or the
    /// end (dead).
    ///
    /// # Errors
    /// [`SpoolError::File`] when a segment cannot be read; the same call may be tried again.
    #[inline]
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, SpoolError> {
        let next = match &mut self.source {
            Source::Live(live) => live.next(&mut self.payload)?,
            Source::Dead(dead) => dead.next(&mut self.payload)?,
        };
        let Some(next) = next else {
            return Ok(None);
        };
        let (slots, cause) = match next {
            Next::Found(found) => match found.content {
                Content::Point(point) => {
                    self.statistics.points += 1;
                    return Ok(Some(Record::Point(point)));
                }
                Content::Operation { declaration } => {
                    self.statistics.operations += 1;
                    let bytes = self.payload.as_slice();
                    return Ok(Some(Record::Operation { bytes, declaration }));
                }
                // Only a segment whose memory failed, or whose file does not have all of it.
                Content::Empty => (found.slots, LossCause::Missing),
                Content::Bad | Content::Padding => (found.slots, LossCause::Corrupt),
            },
            Next::Lost { slots, cause } => (slots, cause),
        };
        let counter = match cause {
            LossCause::Unpublished => &mut self.statistics.unpublished_slots,
            LossCause::PowerLoss => &mut self.statistics.power_loss_slots,
            LossCause::Corrupt => &mut self.statistics.corrupt_slots,
            LossCause::Missing => &mut self.statistics.missing_slots,
        };
        *counter += slots;
        Ok(Some(Record::Lost { slots, cause }))
    }

    /// The next slot to read and the chain there.
    #[must_use]
    pub fn position(&self) -> (u64, u64) {
        match &self.source {
            Source::Live(live) => (live.cursor.slot, live.cursor.chain),
            Source::Dead(dead) => (dead.cursor.slot, dead.cursor.chain),
        }
    }

    /// Goes to a slot; `chain` is the chain there, as [`Self::chain_at`] or a mark gives it.
    ///
    /// # Errors
    /// [`SpoolError::Released`] below what is kept, [`SpoolError::Beyond`] past the end.
    pub fn seek(&mut self, slot: u64, chain: u64) -> Result<(), SpoolError> {
        self.check_kept(slot)?;
        match &mut self.source {
            Source::Live(live) => live.cursor.seek(slot, chain),
            Source::Dead(dead) => dead.cursor.seek(slot, chain),
        }
        Ok(())
    }

    /// The chain at a slot still kept, by reading on from the nearest place where it is known.
    ///
    /// # Errors
    /// As [`Self::seek`]; [`SpoolError::Beyond`] also where no record begins at the slot, or it
    /// lies past what was read.
    pub fn chain_at(&mut self, slot: u64) -> Result<u64, SpoolError> {
        let (end, position) = (self.end(), self.position());
        if slot == position.0 {
            return Ok(position.1);
        }
        self.check_kept(slot)?;
        let beyond = SpoolError::Beyond { slot, end };
        match &mut self.source {
            Source::Live(live) => {
                let state = live.store.line.lock();
                let after = state
                    .segments
                    .partition_point(|segment| segment.place.first_slot <= slot);
                let known = state
                    .segments
                    .range(..after)
                    .rev()
                    .find_map(|segment| Some((segment.place.first_slot, segment.chain_first?)));
                drop(state);
                let Some((from, chain)) = known else {
                    return Err(beyond);
                };
                let mut cursor = LiveCursor::new(from, chain);
                std::mem::swap(&mut cursor, &mut live.cursor);
                let mut outcome = Ok(());
                while live.cursor.slot < slot && outcome.is_ok() {
                    outcome = match live.next(&mut self.payload) {
                        Ok(Some(_)) => Ok(()),
                        Ok(None) => break,
                        Err(error) => Err(error),
                    };
                }
                std::mem::swap(&mut cursor, &mut live.cursor);
                outcome?;
                if cursor.slot == slot {
                    Ok(cursor.chain)
                } else {
                    Err(beyond)
                }
            }
            Source::Dead(dead) => {
                let Some((from, chain)) = dead.cursor.known_chain_below(slot) else {
                    return Err(beyond);
                };
                dead.cursor.seek(from, chain);
                let end = std::mem::replace(&mut dead.cursor.end, slot.min(end));
                let mut outcome = Ok(());
                while dead.cursor.slot < slot && outcome.is_ok() {
                    outcome = match dead.next(&mut self.payload) {
                        Ok(Some(_)) => Ok(()),
                        Ok(None) => break,
                        Err(error) => Err(error),
                    };
                }
                dead.cursor.end = end;
                let found = (dead.cursor.slot, dead.cursor.chain);
                dead.cursor.seek(position.0, position.1);
                outcome?;
                if found.0 == slot {
                    Ok(found.1)
                } else {
                    Err(beyond)
                }
            }
        }
    }

    fn check_kept(&self, slot: u64) -> Result<(), SpoolError> {
        let (first, end) = (self.first_slot_available(), self.end());
        if slot < first {
            return Err(SpoolError::Released { slot, first });
        }
        if slot > end {
            return Err(SpoolError::Beyond { slot, end });
        }
        Ok(())
    }

    /// The slot after all there is.
    #[must_use]
    pub fn end(&self) -> u64 {
        match &self.source {
            Source::Live(live) => live.store.line.next_slot(),
            Source::Dead(dead) => dead.cursor.end,
        }
    }

    /// The first slot still kept.
    #[must_use]
    pub fn first_slot_available(&self) -> u64 {
        match &self.source {
            Source::Live(live) => live.store.line.lock().first_slot(),
            Source::Dead(dead) => dead.cursor.first_slot(),
        }
    }

    /// True if slots were handed out past the position, published or not. After
    /// [`super::Bell::arm`] this decides whether to sleep.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.position().0 < self.end()
    }

    /// The acknowledged (mark, chain) as the folder holds it.
    #[must_use]
    pub fn acknowledged(&self) -> (u64, u64) {
        match &self.source {
            Source::Live(live) => live.store.state.acknowledged(),
            Source::Dead(dead) => dead.state.acknowledged(),
        }
    }

    /// Everything below `mark` is acknowledged: noted in the folder, and a live writer's segments
    /// below it go after 10 minutes, or sooner when more than 64 MiB of them are kept.
    ///
    /// # Errors
    /// [`SpoolError::File`]; the acknowledgement still holds in this process.
    pub fn release(&mut self, mark: u64, chain: u64) -> Result<(), SpoolError> {
        match &self.source {
            Source::Live(live) => {
                let store = &live.store;
                store
                    .state
                    .acknowledge(mark, chain)
                    .map_err(|error| self.release_error(error))?;
                let has_released = {
                    let state = store.line.lock();
                    let after = state
                        .segments
                        .partition_point(|segment| segment.end() <= mark);
                    let newest = after.checked_sub(1).and_then(|at| state.segments.get(at));
                    newest.is_some_and(|newest| newest.released_at.is_none())
                };
                if has_released || store.line.is_full() {
                    store.note_released();
                    runtime().bell.ring_keeper();
                }
                Ok(())
            }
            Source::Dead(dead) => dead
                .state
                .acknowledge(mark, chain)
                .map_err(|error| self.release_error(error)),
        }
    }

    fn release_error(&self, error: std::io::Error) -> SpoolError {
        let path = match &self.source {
            Source::Live(live) => live.store.maker.folder.clone(),
            Source::Dead(dead) => dead.folder.path().to_path_buf(),
        };
        SpoolError::file("noting an acknowledgement", path, error)
    }

    /// Everything declared, in order.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn declarations(&self) -> Result<Vec<Bytes>, SpoolError> {
        match &self.source {
            Source::Live(live) => live.store.read_declarations(),
            Source::Dead(dead) => {
                let path = dead.folder.path().join(DECLARATIONS_FILE);
                read_declarations(&path)
                    .map_err(|error| SpoolError::file("reading the declarations", path, error))
            }
        }
    }

    /// The writer's counters.
    #[must_use]
    pub fn counters(&self) -> SpoolCounters {
        match &self.source {
            Source::Live(live) => SpoolCounters {
                logged: live.store.logged(),
                ..live.store.state.counters()
            },
            Source::Dead(dead) => dead.state.counters(),
        }
    }

    /// What was met so far.
    #[must_use]
    pub fn statistics(&self) -> SpoolStatistics {
        self.statistics
    }

    /// The writer whose slots these are.
    #[must_use]
    pub fn writer(&self) -> WriterId {
        match &self.source {
            Source::Live(live) => live.store.maker.identity.writer,
            Source::Dead(dead) => dead.writer,
        }
    }

    /// Removes a dead writer's folder when all of it is acknowledged; `false`: it is not, or it is
    /// a live writer's. Of another host's folder only sealed segments are removed.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn remove_folder(self) -> Result<bool, SpoolError> {
        let Source::Dead(dead) = self.source else {
            return Ok(false);
        };
        if dead.state.acknowledged().0 < dead.cursor.end {
            return Ok(false);
        }
        let is_ours = (dead.cursor.segments.first())
            .is_none_or(|segment| segment.header.identity.host == host_name());
        let mut gone: Vec<PathBuf> = Vec::new();
        if !is_ours {
            // All but the last one: its writer may be alive behind a lock that does not reach us.
            gone.extend(
                dead.cursor
                    .segments
                    .iter()
                    .rev()
                    .skip(1)
                    .map(|s| s.path.clone()),
            );
        }
        let removed = if is_ours {
            std::fs::remove_dir_all(dead.folder.path())
        } else {
            gone.iter().try_for_each(std::fs::remove_file)
        };
        removed.map_err(|error| {
            SpoolError::file(
                "removing a delivered spool folder",
                dead.folder.path(),
                error,
            )
        })?;
        Ok(is_ours)
    }
}

impl Live {
    fn next(&mut self, payload: &mut Vec<u8>) -> Result<Option<Next>, SpoolError> {
        let fetch = |origin: &SegmentOrigin, chain_news: Option<u64>| {
            origin
                .read(chain_news)
                .map_err(|error| SpoolError::file("reading a segment", &*origin.path, error))
        };
        let found = self.cursor.next(&self.store.line, payload, fetch)?;
        Ok(found.map(Next::Found))
    }
}

impl Dead {
    fn next(&mut self, payload: &mut Vec<u8>) -> Result<Option<Next>, SpoolError> {
        let found = self.cursor.next(payload).map_err(|error| {
            SpoolError::file("reading a spool folder", self.folder.path(), error)
        })?;
        Ok(found.map(|record| match record {
            DeadRecord::Found(found) => Next::Found(found),
            DeadRecord::Lost { slots, cause } => Next::Lost { slots, cause },
        }))
    }
}

impl std::fmt::Debug for SpoolReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SpoolReader")
            .field("writer", &self.writer())
            .field("position", &self.position())
            .field("statistics", &self.statistics)
            .finish_non_exhaustive()
    }
}
