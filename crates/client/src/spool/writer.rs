//! The writing end: what every tracking call goes through.
//!
//! Called by `run`, from any thread. A push is one `fetch_add`, four stores and one load of the
//! bell; at the end of a segment it takes the keeper's spare. Where slots live and how they get to
//! the disk is `line`'s and `segment`'s business.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use runstone_model::WriterId;

use super::bell::Bell;
use super::folder_lock::WriterLock;
use super::line::Asks;
use super::open::{Opened, open_store};
use super::reservation::Reservation;
use super::segment::SegmentFile;
use super::slot::{self, DETAIL_MAX, FLAG_DECLARATION, KIND_POINT, KIND_POINT_EPOCH};
use super::store::SpoolStore;
use super::{OnFull, SpoolError, SpoolMode, SpoolOptions};
use crate::process::{process_generation, runtime};

/// Counters of one writer. In a folder they survive `kill -9`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpoolCounters {
    /// Points of all calls: written, dropped and refused. In the file it is brought up to date
    /// each second.
    pub logged: u64,
    /// Points dropped for want of room.
    pub dropped: u64,
    /// Points refused before they reached the spool.
    pub refused: u64,
    /// Dropped, by series number, ascending; number 0 stands for all series past the table's end
    /// (3583).
    pub dropped_by_series: Vec<(u32, u64)>,
}

/// The writing end of a spool: one a writer id, shared by all threads.
#[derive(Debug)]
pub struct SpoolWriter {
    pub(crate) store: Arc<SpoolStore>,
    pub(crate) hold: Arc<Hold>,
    bell: &'static Bell,
    generation: u64,
    on_full: OnFull,
    trouble: Option<SpoolError>,
}

/// What writer and reader hold and the keeper does not: when both are gone, the folder is free.
#[derive(Debug)]
pub(crate) struct Hold {
    store: Arc<SpoolStore>,
    generation: u64,
    _lock: Option<WriterLock>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        // In the child of a fork the parent's locks may be held by threads that are not here.
        if self.generation == process_generation() {
            self.store.end();
        }
    }
}

impl SpoolWriter {
    /// Locks the folder `<root>/<host id>/<writer>`, makes it, and makes the first segment.
    ///
    /// # Errors
    /// [`SpoolError::Unusable`] only if `options.strict`; otherwise the fallback root, then memory
    /// is taken and [`SpoolWriter::trouble`] tells why. [`SpoolError::Locked`] if the writer id is
    /// in use.
    pub fn open(options: &SpoolOptions, writer: WriterId) -> Result<Self, SpoolError> {
        let Opened {
            store,
            lock,
            trouble,
        } = open_store(options, writer)?;
        let store = Arc::new(store);
        let generation = process_generation();
        let runtime = runtime();
        runtime.keeper.add(&store, &runtime.bell);
        Ok(Self {
            hold: Arc::new(Hold {
                store: Arc::clone(&store),
                generation,
                _lock: lock,
            }),
            store,
            bell: &runtime.bell,
            generation,
            on_full: options.on_full,
            trouble,
        })
    }

    /// Writes one point; `false`: no room, it is dropped and counted. Wait-free but at the end of
    /// a segment. `series` is at most 2^24 - 1.
    #[inline]
    pub fn push_point(&self, series: u32, step: f64, time_micros: i64, value_bits: u64) -> bool {
        let tag = slot::tag(KIND_POINT, series);
        let body = [step.to_bits(), time_micros.cast_unsigned(), value_bits];
        if self.store.line.push_one(tag, body) {
            self.bell.pushed();
            return true;
        }
        self.push_slowly(tag, body, None)
    }

    /// As [`Self::push_point`], with an epoch; takes two slots.
    pub fn push_point_epoch(
        &self,
        series: u32,
        step: f64,
        time_micros: i64,
        value_bits: u64,
        epoch: f64,
    ) -> bool {
        let tag = slot::tag(KIND_POINT_EPOCH, series);
        let body = [step.to_bits(), time_micros.cast_unsigned(), value_bits];
        self.push_slowly(tag, body, Some(epoch))
    }

    /// As [`Self::push_point`], but with no room it neither counts nor waits: the caller may
    /// release a lock of its own, call [`Self::wait_for_room`], and try again.
    pub fn try_push_point(
        &self,
        series: u32,
        step: f64,
        time_micros: i64,
        value_bits: u64,
        epoch: Option<f64>,
    ) -> bool {
        let kind = if epoch.is_some() {
            KIND_POINT_EPOCH
        } else {
            KIND_POINT
        };
        let tag = slot::tag(kind, series);
        let body = [step.to_bits(), time_micros.cast_unsigned(), value_bits];
        self.try_push(tag, body, epoch)
    }

    #[cold]
    fn push_slowly(&self, tag: u32, body: [u64; 3], epoch: Option<f64>) -> bool {
        while !self.try_push(tag, body, epoch) {
            if self.on_full == OnFull::Drop || self.store.line.is_closed() {
                self.store.state.add_dropped(tag & DETAIL_MAX, 1);
                // So that the loss is told, even when nothing else is pushed.
                self.bell.pushed();
                return false;
            }
            self.wait_for_room(Duration::from_secs(1));
        }
        true
    }

    fn try_push(&self, tag: u32, body: [u64; 3], epoch: Option<f64>) -> bool {
        let slots = if epoch.is_some() { 2 } else { 1 };
        let Some(at) = self.reserve(slots, Asks::Point) else {
            return false;
        };
        match epoch {
            Some(epoch) => {
                self.store.slots_of_others.fetch_add(1, Ordering::Relaxed);
                let line = &self.store.line;
                line.publish_with_epoch(&at, tag, body, epoch.to_bits());
            }
            None => self.store.line.publish_one(&at, tag, body),
        }
        self.bell.pushed();
        true
    }

    #[inline]
    fn reserve(&self, slots: u64, asks: Asks) -> Option<Reservation<SegmentFile>> {
        match self.store.line.reserve(slots) {
            None => self.reserve_slowly(slots, asks),
            reserved => reserved,
        }
    }

    #[cold]
    fn reserve_slowly(&self, slots: u64, asks: Asks) -> Option<Reservation<SegmentFile>> {
        if self.generation != process_generation() {
            return None;
        }
        let was_full = self.store.line.is_full();
        let reserved = self.store.line.reserve_slowly(slots, asks, |_| {
            match self.store.maker.in_call(slots) {
                Ok(segment) => {
                    self.store.note_folder_dirty();
                    Some(segment)
                }
                Err(why) => {
                    self.store.note_full(&why);
                    None
                }
            }
        });
        if !was_full {
            // A new spare is wanted, or room is to be looked for.
            self.bell.ring_keeper();
        }
        reserved
    }

    /// Waits until there may be room; `false` when the time is over.
    pub fn wait_for_room(&self, timeout: Duration) -> bool {
        let line = &self.store.line;
        let until = Instant::now() + timeout;
        let mut state = line.lock();
        while line.is_full() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = line.room().wait_timeout(state, left);
            state = woken.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        true
    }

    /// Writes an encoded operation and returns its slot. A `declaration` is appended to the
    /// declarations first, and stays there until the folder goes.
    ///
    /// # Errors
    /// [`SpoolError::TooLarge`] past 16 MiB - 1; [`SpoolError::Full`] when the reserve is used up
    /// as well; [`SpoolError::OtherProcess`] in the child of a fork.
    pub fn push_operation(&self, bytes: &[u8], declaration: bool) -> Result<u64, SpoolError> {
        self.push_blob(bytes, declaration, Asks::Operation)
    }

    /// As [`Self::push_operation`], for lines of logs and objects: they leave the reserve to what
    /// must not get lost.
    ///
    /// # Errors
    /// As [`Self::push_operation`], without the reserve.
    pub fn push_text(&self, bytes: &[u8]) -> Result<u64, SpoolError> {
        self.push_blob(bytes, false, Asks::Point)
    }

    fn push_blob(&self, bytes: &[u8], declaration: bool, asks: Asks) -> Result<u64, SpoolError> {
        if self.generation != process_generation() {
            return Err(SpoolError::OtherProcess);
        }
        if bytes.len() > DETAIL_MAX as usize {
            return Err(SpoolError::TooLarge {
                bytes: bytes.len(),
                bytes_max: DETAIL_MAX as usize,
            });
        }
        if declaration {
            self.store.append_declaration(bytes);
        }
        let slots = slot::blob_slots(bytes.len());
        let at = loop {
            if let Some(at) = self.reserve(slots, asks) {
                break at;
            }
            if self.on_full == OnFull::Drop || self.store.line.is_closed() {
                return Err(SpoolError::Full {
                    reason: self.store.reason_full(),
                });
            }
            self.wait_for_room(Duration::from_secs(1));
        };
        self.store
            .slots_of_others
            .fetch_add(slots, Ordering::Relaxed);
        let flags = if declaration { FLAG_DECLARATION } else { 0 };
        self.store.line.publish_blob(&at, bytes, flags);
        self.bell.pushed();
        Ok(at.slot)
    }

    /// The slot that follows all slots handed out so far: a mark at or past it acknowledges
    /// everything pushed before this call.
    #[must_use]
    pub fn next_slot(&self) -> u64 {
        self.store.line.next_slot()
    }

    /// The acknowledged (mark, chain).
    #[must_use]
    pub fn acknowledged(&self) -> (u64, u64) {
        self.store.state.acknowledged()
    }

    /// Counts points refused at the edge: no number, bad name.
    pub fn note_refused(&self, points: u64) {
        self.store.state.add_refused(points);
        self.bell.pushed();
    }

    /// Counts points dropped at the edge, as points of a series that could not be declared.
    pub fn note_dropped(&self, series: u32, points: u64) {
        self.store.state.add_dropped(series, points);
        self.bell.pushed();
    }

    /// Writes down how many points were logged, which the keeper does each second only: whoever
    /// delivers the folder after the end of this process then knows what is missing.
    pub fn note_logged(&self) {
        self.store.note_logged();
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> SpoolCounters {
        SpoolCounters {
            logged: self.store.logged(),
            ..self.store.state.counters()
        }
    }

    /// Everything declared, in order.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn declarations(&self) -> Result<Vec<Bytes>, SpoolError> {
        self.store.read_declarations()
    }

    /// No room at the moment: points are being dropped (or wait).
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.store.line.is_full()
    }

    /// What there is no room for, in words; empty while there always was.
    #[must_use]
    pub fn reason_full(&self) -> &'static str {
        self.store.reason_full()
    }

    /// Why the folder asked for is not used; `None` when all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<&SpoolError> {
        self.trouble.as_ref()
    }

    /// How slots reach the disk.
    #[must_use]
    pub fn mode(&self) -> SpoolMode {
        self.store.maker.mode
    }

    /// The folder; `None` in memory mode.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.store.folder()
    }

    /// The writer id.
    #[must_use]
    pub fn writer(&self) -> WriterId {
        self.store.maker.identity.writer
    }

    /// The generation of the process that opened it. Compare with
    /// [`crate::spool::process_generation`] right before a push.
    #[inline]
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Writes everything to the disk now.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn sync(&self) -> Result<(), SpoolError> {
        self.store
            .sync_all(|| ())
            .map_err(|error| SpoolError::file("syncing the spool", &self.store.maker.folder, error))
    }

    /// Removes the folder of a writer whose slots are all acknowledged; `false` and untouched if
    /// they are not, or if the folder belongs to the parent of a fork. Nothing may be pushed
    /// afterwards: points would be dropped.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn remove(&self) -> Result<bool, SpoolError> {
        if self.generation != process_generation()
            || !self.store.line.close_at(self.store.state.acknowledged().0)
        {
            return Ok(false);
        }
        self.store.end();
        if let Some(folder) = self.folder() {
            std::fs::remove_dir_all(folder)
                .map_err(|error| SpoolError::file("removing a spool folder", folder, error))?;
        }
        Ok(true)
    }
}
