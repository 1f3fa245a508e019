//! Chunks: many points of one series, summarised every 256 points. Format: `docs/formats/chunk.md`.

use crate::{CodecError, SeriesColumns, SeriesPoints};
use runstone_model::ValueType;

/// Points in one chunk at most.
pub const CHUNK_POINTS_MAX: usize = 1 << 20;
/// Points that one [`BlockSummary`] covers; the last one of a chunk may cover fewer.
pub const BLOCK_POINTS: usize = 256;

/// A chunk in two parts: store them apart, or one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedChunk {
    /// Header and block summaries.
    pub head: Vec<u8>,
    /// The columns.
    pub data: Vec<u8>,
}

/// What 256 consecutive points of a chunk amount to. Values are 64 bits as in the columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockSummary {
    /// Points.
    pub count: u32,
    /// Smallest step.
    pub min_step: f64,
    /// Greatest step.
    pub max_step: f64,
    /// Time of the first point.
    pub first_time: i64,
    /// Time of the last point.
    pub last_time: i64,
    /// Value of the first point.
    pub first: u64,
    /// Value of the last point.
    pub last: u64,
    /// Smallest value that is no NaN, infinities included; NaN if all are.
    pub min: u64,
    /// Greatest value that is no NaN, infinities included; NaN if all are.
    pub max: u64,
    /// Sum of the finite values.
    pub sum: f64,
    /// Values that are NaN.
    pub nan_count: u32,
    /// Values that are positive infinity.
    pub positive_infinity_count: u32,
    /// Values that are negative infinity.
    pub negative_infinity_count: u32,
}

/// Encodes the points of one series; `points.number` is not kept.
pub fn encode_chunk(_points: &SeriesPoints<'_>) -> Result<EncodedChunk, CodecError> {
    Err(CodecError::Invalid("not yet".into()))
}

/// Header and block summaries of a chunk, read without its data.
#[derive(Debug, Clone)]
pub struct ChunkHead {
    /// Points.
    pub count: usize,
    /// Type of the values.
    pub value_type: ValueType,
    /// Whether there are epochs.
    pub has_epochs: bool,
    /// Whether there are order columns.
    pub has_order: bool,
    /// A summary of every 256 points.
    pub blocks: Vec<BlockSummary>,
}

impl ChunkHead {
    /// Reads a head; bytes after it are ignored, so the whole chunk will do.
    pub fn parse(_head: &[u8]) -> Result<Self, CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
}

/// A chunk whose columns can be read.
#[derive(Debug)]
pub struct ChunkReader<'a> {
    head: ChunkHead,
    _data: &'a [u8],
}

impl<'a> ChunkReader<'a> {
    /// Reads a chunk stored in two parts.
    pub fn from_parts(_head: &[u8], _data: &'a [u8]) -> Result<Self, CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
    /// Reads a chunk stored in one piece: the head, then the data.
    pub fn parse(_bytes: &'a [u8]) -> Result<Self, CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
    /// The head.
    pub fn head(&self) -> &ChunkHead {
        &self.head
    }
    /// Decodes all columns.
    pub fn decode(&self, _columns: &mut SeriesColumns) -> Result<(), CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
    /// Decodes steps and values only, for drawing; times, epochs and order stay empty.
    pub fn decode_steps_and_values(&self, _columns: &mut SeriesColumns) -> Result<(), CodecError> {
        Err(CodecError::Invalid("not yet".into()))
    }
}
