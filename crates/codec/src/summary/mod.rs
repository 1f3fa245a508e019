//! The run summary: all series of a run and what their points amount to, in columns.
//! Format: `docs/formats/summary.md`.

use crate::CodecError;
use runstone_model::ValueType;

/// Rows in one block at most.
pub const SUMMARY_ROWS_MAX: usize = 1 << 21;

/// A value and where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SummaryMark {
    /// Its step.
    pub step: f64,
    /// Its time, microseconds UTC.
    pub time: i64,
    /// Its value as f64.
    pub value: f64,
}

/// A series of a run and the summary of its readable points.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryRow {
    /// Metric name.
    pub name: String,
    /// Canonical context; the text of the empty context is whatever the store says it is.
    pub context: String,
    /// `SeriesKind::as_u8`.
    pub kind: u8,
    /// Type it reads as.
    pub value_type: ValueType,
    /// Number of the series in the run's folded packs.
    pub number: u32,
    /// Bits whose meaning is the store's, [`SummaryRow::SORTED`] excepted.
    pub flags: u32,
    /// Where its folded points lie; the meaning is the store's.
    pub place: u64,
    /// Points stored, hidden ones included.
    pub stored_count: u64,
    /// Readable points.
    pub count: u64,
    /// Of them NaN.
    pub nan_count: u64,
    /// Of them positive infinity.
    pub positive_infinity_count: u64,
    /// Of them negative infinity.
    pub negative_infinity_count: u64,
    /// Point of the smallest step.
    pub first: Option<SummaryMark>,
    /// Point of the greatest step.
    pub last: Option<SummaryMark>,
    /// Smallest value.
    pub min: Option<SummaryMark>,
    /// Greatest value.
    pub max: Option<SummaryMark>,
    /// Sum of the finite values.
    pub sum: f64,
}

impl SummaryRow {
    /// Flag: the points as stored have strictly ascending steps, each readable.
    pub const SORTED: u32 = 1;
}

/// Encodes rows sorted by strictly ascending (name, context, kind), by bytes.
pub fn encode_run_summary(_rows: &[SummaryRow]) -> Result<Vec<u8>, CodecError> {
    Err(CodecError::Invalid("not yet".into()))
}

/// A run summary whose header is read.
#[derive(Debug)]
pub struct RunSummaryReader<'a> {
    _bytes: &'a [u8],
}

impl<'a> RunSummaryReader<'a> {
    /// Reads header and lengths.
    pub fn parse(_bytes: &'a [u8]) -> Result<Self, CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
    /// Number of rows.
    pub fn len(&self) -> usize {
        0
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        true
    }
    /// All rows, sorted by (name, context, kind).
    pub fn rows(&self) -> Result<Vec<SummaryRow>, CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
    /// One row by its key; reads the keys and one place of each column.
    pub fn find(
        &self,
        _name: &str,
        _context: &str,
        _kind: u8,
    ) -> Result<Option<SummaryRow>, CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
}
