//! Packs: the points of many series in one piece of bytes. Format: `docs/formats/pack.md`.

use crate::{CodecError, SeriesColumns, SeriesPoints};
use runstone_model::ValueType;

/// Points in one pack at most; a frame has up to 64 Ki.
pub const PACK_POINTS_MAX: usize = 1 << 18;

/// Buffers of the encoder, used again and again.
#[derive(Debug, Default)]
pub struct Scratch {}

/// Encodes series, sorted by strictly ascending number, into a new buffer.
pub fn encode_pack(series: &[SeriesPoints<'_>]) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    encode_pack_into(&mut out, &mut Scratch::default(), series.iter().copied())?;
    Ok(out)
}

/// Appends a pack to `out`.
pub fn encode_pack_into<'a>(
    _out: &mut Vec<u8>,
    _scratch: &mut Scratch,
    _series: impl IntoIterator<Item = SeriesPoints<'a>>,
) -> Result<(), CodecError> {
    Err(CodecError::Invalid("not yet".into()))
}

/// Takes points in the order of the calls, groups them by series, encodes them.
#[derive(Debug, Default)]
pub struct PackBuilder {}

impl PackBuilder {
    /// Adds a point. `epoch` NaN: the point has none.
    pub fn push(
        &mut self,
        _number: u32,
        _value_type: ValueType,
        _step: f64,
        _time: i64,
        _value: u64,
        _epoch: f64,
    ) {
    }
    /// Points pushed.
    pub fn len(&self) -> usize {
        0
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        true
    }
    /// Appends a pack of the points to `out` and forgets them, keeping the buffers.
    pub fn finish_into(&mut self, _out: &mut Vec<u8>) -> Result<(), CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
    /// Forgets the points.
    pub fn clear(&mut self) {}
}

/// What the directory says of one series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesEntry {
    /// Number of the series.
    pub number: u32,
    /// Type of its values.
    pub value_type: ValueType,
    /// Its points, at least 1.
    pub count: u32,
    /// Whether it has epochs.
    pub has_epochs: bool,
    /// Whether it has order columns.
    pub has_order: bool,
}

/// A pack whose header and directory are read.
#[derive(Debug)]
pub struct PackReader<'a> {
    _bytes: &'a [u8],
}

impl<'a> PackReader<'a> {
    /// Reads header and directory.
    pub fn parse(_bytes: &'a [u8]) -> Result<Self, CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
    /// The series, by ascending number.
    pub fn series(&self) -> impl ExactSizeIterator<Item = &SeriesEntry> {
        [].iter()
    }
    /// Number of series.
    pub fn series_count(&self) -> usize {
        0
    }
    /// Points of all series together.
    pub fn point_count(&self) -> usize {
        0
    }
    /// Index of the series with this number.
    pub fn find(&self, _number: u32) -> Option<usize> {
        None
    }
    /// Decodes the series at `index` (position in `series()`).
    pub fn decode(&self, _index: usize, _columns: &mut SeriesColumns) -> Result<(), CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
    /// Checks the checksum and decodes every series once: after this, no `decode` fails.
    pub fn validate(&self) -> Result<(), CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
}
