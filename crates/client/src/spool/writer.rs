//! The writing end.

use std::path::Path;

use bytes::Bytes;
use runstone_model::WriterId;

use super::{SpoolError, SpoolMode, SpoolOptions};

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
    /// Dropped, by series number, ascending; number 0 stands for all series past the table's end.
    pub dropped_by_series: Vec<(u32, u64)>,
}

/// The writing end of a spool: one a writer id, shared by all threads.
pub struct SpoolWriter {}

impl SpoolWriter {
    /// Locks the folder `<root>/<host id>/<writer>`, makes it, and makes the first segment.
    ///
    /// # Errors
    /// [`SpoolError::Unusable`] only if `options.strict`; otherwise the fallback root, then memory
    /// is taken and [`SpoolWriter::trouble`] tells why. [`SpoolError::Locked`] if the writer id is
    /// in use.
    pub fn open(options: &SpoolOptions, writer: WriterId) -> Result<Self, SpoolError> {
        let _ = (options, writer);
        Err(SpoolError::OtherProcess)
    }

    /// Writes one point; `false`: no room, it is dropped and counted. Wait-free but at the end of
    /// a segment. `series` is at most 2^24 - 1.
    #[inline]
    pub fn push_point(&self, series: u32, step: f64, time_micros: i64, value_bits: u64) -> bool {
        let _ = (series, step, time_micros, value_bits);
        false
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
        let _ = (series, step, time_micros, value_bits, epoch);
        false
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
        let _ = (series, step, time_micros, value_bits, epoch);
        false
    }

    /// Waits until there may be room; `false` when the time is over.
    pub fn wait_for_room(&self, timeout: std::time::Duration) -> bool {
        let _ = timeout;
        false
    }

    /// Writes an encoded operation and returns its slot. A `declaration` is appended to the
    /// declarations first, and stays there until the folder goes.
    ///
    /// # Errors
    /// [`SpoolError::TooLarge`] past 16 MiB - 1; [`SpoolError::Full`] when the reserve is used up
    /// as well; [`SpoolError::OtherProcess`] in the child of a fork.
    pub fn push_operation(&self, bytes: &[u8], declaration: bool) -> Result<u64, SpoolError> {
        let _ = (bytes, declaration);
        Err(SpoolError::OtherProcess)
    }

    /// The slot that follows all slots handed out so far: a mark at or past it acknowledges
    /// everything pushed before this call.
    #[must_use]
    pub fn next_slot(&self) -> u64 {
        0
    }

    /// The acknowledged (mark, chain).
    #[must_use]
    pub fn acknowledged(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Counts points refused at the edge: no number, bad name.
    pub fn note_refused(&self, points: u64) {
        let _ = points;
    }

    /// Counts points dropped at the edge, as points of a series that could not be declared.
    pub fn note_dropped(&self, series: u32, points: u64) {
        let _ = (series, points);
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> SpoolCounters {
        SpoolCounters::default()
    }

    /// Everything declared, in order.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn declarations(&self) -> Result<Vec<Bytes>, SpoolError> {
        Ok(Vec::new())
    }

    /// No room at the moment: points are being dropped (or wait).
    #[must_use]
    pub fn is_full(&self) -> bool {
        false
    }

    /// Why the folder asked for is not used; `None` when all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<&SpoolError> {
        None
    }

    /// How slots reach the disk.
    #[must_use]
    pub fn mode(&self) -> SpoolMode {
        SpoolMode::Memory
    }

    /// The folder; `None` in memory mode.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        None
    }

    /// The writer id.
    #[must_use]
    pub fn writer(&self) -> WriterId {
        WriterId::new([0; 16])
    }

    /// The generation of the process that opened it. Compare with
    /// [`crate::spool::process_generation`] right before a push.
    #[inline]
    #[must_use]
    pub fn generation(&self) -> u64 {
        0
    }

    /// Writes everything to the disk now.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn sync(&self) -> Result<(), SpoolError> {
        Ok(())
    }

    /// Removes the folder of a writer whose slots are all acknowledged; `false` and untouched if
    /// they are not, or if the folder belongs to the parent of a fork. Nothing may be pushed
    /// afterwards: points would be dropped.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn remove(&self) -> Result<bool, SpoolError> {
        Ok(false)
    }
}
