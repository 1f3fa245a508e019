//! Row ids that cluster what belongs together: `owner << 24 | number`.
//!
//! The owner is a run or a writer. All rows of one owner are one range of a table, so they lie
//! together on disk and go with one `DELETE`.

use runstone_model::RunKey;
use runstone_store::StoreError;

use crate::error::Result;

const NUMBER_BITS: u32 = 24;

/// Ids of all rows of one owner: `first` inclusive, `end` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowRange {
    pub(crate) first: i64,
    pub(crate) end: i64,
}

impl RowRange {
    pub(crate) fn of(owner: i64) -> Self {
        Self {
            first: owner << NUMBER_BITS,
            end: (owner + 1) << NUMBER_BITS,
        }
    }

    /// The id of row `number`.
    pub(crate) fn row(self, number: i64) -> Result<i64> {
        let id = self.first + number;
        if number < 0 || id >= self.end {
            return Err(StoreError::Internal(format!(
                "there is no room for row {number} of {}",
                self.first >> NUMBER_BITS
            )));
        }
        Ok(id)
    }

    /// The number of the row with this id.
    pub(crate) fn number(self, id: i64) -> i64 {
        id - self.first
    }
}

/// A run's key as it stands in a column.
pub(crate) fn run_column(run: RunKey) -> i64 {
    run.0.cast_signed()
}
