//! The reading end, over a live writer of this process or the folder of a dead one.

use bytes::Bytes;
use runstone_model::WriterId;

use super::{FolderLock, Record, SpoolError, SpoolWriter};

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
    /// Records whose checksum fails.
    pub corrupt_slots: u64,
    /// Slots of segments that are not there.
    pub missing_slots: u64,
}

/// Reads records in slot order, from (slot, chain) on.
pub struct SpoolReader {}

impl SpoolReader {
    /// Over a live writer, at its acknowledged mark. At most one a writer.
    #[must_use]
    pub fn live(writer: &SpoolWriter) -> Self {
        let _ = writer;
        Self {}
    }

    /// Over the folder of a dead writer, at its acknowledged mark (or at the first slot there is,
    /// if that is greater: then [`Self::needs_base`]).
    ///
    /// # Errors
    /// [`SpoolError::Corrupt`] if no segment can be read, [`SpoolError::File`].
    pub fn dead(folder: FolderLock) -> Result<Self, SpoolError> {
        let _ = folder;
        Err(SpoolError::OtherProcess)
    }

    /// The next record; `None`: nothing more now (live: an unpublished slot is waited for), or the
    /// end (dead).
    ///
    /// # Errors
    /// [`SpoolError::File`] when a segment cannot be read; the same call may be tried again.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, SpoolError> {
        Ok(None)
    }

    /// The next slot to read and the chain there.
    #[must_use]
    pub fn position(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Goes to a slot; `chain` is the chain there, as [`Self::chain_at`] or a mark gives it.
    ///
    /// # Errors
    /// [`SpoolError::Released`] below what is kept, [`SpoolError::Beyond`] past the end.
    pub fn seek(&mut self, slot: u64, chain: u64) -> Result<(), SpoolError> {
        let _ = (slot, chain);
        Ok(())
    }

    /// The chain at a slot still kept, by reading from the segment's beginning.
    ///
    /// # Errors
    /// As [`Self::seek`].
    pub fn chain_at(&mut self, slot: u64) -> Result<u64, SpoolError> {
        let _ = slot;
        Ok(0)
    }

    /// The first slot still kept.
    #[must_use]
    pub fn first_slot_available(&self) -> u64 {
        0
    }

    /// True if slots were handed out past the position, published or not. After
    /// [`super::Bell::arm`] this decides whether to sleep.
    #[must_use]
    pub fn has_more(&self) -> bool {
        false
    }

    /// The acknowledged (mark, chain) as the folder holds it.
    #[must_use]
    pub fn acknowledged(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Everything below `mark` is acknowledged: noted in the folder, and segments below it go
    /// after 10 minutes, or sooner when more than 64 MiB of them are kept.
    ///
    /// # Errors
    /// [`SpoolError::File`]; the acknowledgement still holds in this process.
    pub fn release(&mut self, mark: u64, chain: u64) -> Result<(), SpoolError> {
        let _ = (mark, chain);
        Ok(())
    }

    /// Everything declared, in order.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn declarations(&self) -> Result<Vec<Bytes>, SpoolError> {
        Ok(Vec::new())
    }

    /// What was met so far.
    #[must_use]
    pub fn statistics(&self) -> SpoolStatistics {
        SpoolStatistics::default()
    }

    /// The writer whose slots these are.
    #[must_use]
    pub fn writer(&self) -> WriterId {
        WriterId::new([0; 16])
    }

    /// Removes a dead writer's folder when all of it is acknowledged; `false`: it is not, or it is
    /// a live writer's. On another host's folder only sealed segments are removed.
    ///
    /// # Errors
    /// [`SpoolError::File`].
    pub fn remove_folder(self) -> Result<bool, SpoolError> {
        Ok(false)
    }
}
