//! Chunks: many points of one series, summarised every 256 points. Format: `docs/formats/chunk.md`.
//!
//! The store makes chunks of series past some hundred points and reads the heads alone to draw,
//! to prune by step and to summarise. The columns are compressed, each by itself and with its own
//! checksum, so that a reader takes only those it needs.

mod blocks;
mod data;
mod head;

pub use blocks::{BlockPlaces, BlockSummary, Place};
pub use head::ChunkHead;

use crate::column::{ColumnScratch, Kind};
use crate::pack::kind_of_type;
use crate::points::check_columns;
use crate::{CodecError, OrderVecs, SeriesColumns, SeriesPoints};
use data::{Column, Role};

/// Points in one chunk at most.
pub const CHUNK_POINTS_MAX: usize = 1 << 20;
/// Points that one [`BlockSummary`] covers; the last one of a chunk may cover fewer.
pub const BLOCK_POINTS: usize = 256;
/// Blocks that one coarse block covers; the last one of a chunk may cover fewer.
pub const COARSE_BLOCKS: usize = 16;

const MAGIC: [u8; 3] = *b"RSC";
/// The version that is written; versions 1 to 3 are read for ever.
const VERSION: u8 = 4;

/// A chunk in two parts: store them apart, or one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedChunk {
    /// Header and block summaries.
    pub head: Vec<u8>,
    /// The columns.
    pub data: Vec<u8>,
}

fn corrupt(reason: &'static str) -> CodecError {
    CodecError::Corrupt {
        what: "chunk",
        reason,
    }
}

/// Encodes the points of one series, in the order given. `points.number` is not kept.
///
/// Costs some 50 ns a point in long chunks, 100 in one of 1,000 points.
///
/// # Errors
/// `Invalid` for unequal or empty columns and for a `String` series; `TooLarge` past
/// [`CHUNK_POINTS_MAX`] points.
pub fn encode_chunk(points: &SeriesPoints<'_>) -> Result<EncodedChunk, CodecError> {
    check_columns(points)?;
    if points.steps.len() > CHUNK_POINTS_MAX {
        return Err(CodecError::TooLarge {
            what: "points of a chunk",
            found: points.steps.len() as u64,
            limit: CHUNK_POINTS_MAX as u64,
        });
    }
    let mut data = Vec::new();
    let mut scratch = ColumnScratch::default();
    let mut columns = Vec::with_capacity(7);
    let mut write = |words: &[u64], role: Role| {
        data::write(&mut data, words, role, &mut scratch).map(|column| columns.push(column))
    };
    let (floats, integers) = (Role::Words(Kind::Float), Role::Words(Kind::Integer));
    write(&words_of_floats(points.steps), floats)?;
    let times: Vec<u64> = points.times.iter().map(|&time| time as u64).collect();
    write(&times, Role::Times)?;
    write(points.values, Role::Words(kind_of_type(points.value_type)))?;
    if let Some(epochs) = points.epochs {
        write(&words_of_floats(epochs), floats)?;
    }
    if let Some(order) = &points.order {
        write(&words_of_u32s(order.generations), integers)?;
        write(order.appends, integers)?;
        write(&words_of_u32s(order.positions), integers)?;
    }
    let (blocks, places) = blocks::summarise(points);
    let head = ChunkHead {
        count: points.steps.len(),
        value_type: points.value_type,
        has_epochs: points.epochs.is_some(),
        has_order: points.order.is_some(),
        steps_rise: points.steps.windows(2).all(|pair| pair[0] < pair[1]),
        times_rise: points.times.windows(2).all(|pair| pair[0] <= pair[1]),
        oldest: points.order.map(|order| {
            let generation = order.generations.iter().copied().min();
            let append = order.appends.iter().copied().min();
            (generation.unwrap_or(0), append.unwrap_or(0))
        }),
        block_points: BLOCK_POINTS,
        blocks,
        places,
        columns,
    };
    Ok(EncodedChunk {
        head: head.encode(&mut scratch),
        data,
    })
}

fn words_of_floats(floats: &[f64]) -> Vec<u64> {
    floats.iter().map(|float| float.to_bits()).collect()
}

fn words_of_u32s(numbers: &[u32]) -> Vec<u64> {
    numbers.iter().map(|&number| u64::from(number)).collect()
}

/// A chunk whose columns can be read.
///
/// ```
/// use runstone_codec::{ChunkReader, SeriesColumns, SeriesPoints, encode_chunk};
/// use runstone_model::ValueType;
///
/// let steps: Vec<f64> = (0..1000).map(f64::from).collect();
/// let values: Vec<u64> = steps.iter().map(|step| (1.0 / (1.0 + step)).to_bits()).collect();
/// let chunk = encode_chunk(&SeriesPoints {
///     number: 1,
///     value_type: ValueType::F64,
///     steps: &steps,
///     times: &vec![1_790_000_000_000_000; 1000],
///     values: &values,
///     epochs: None,
///     order: None,
/// })?;
/// let reader = ChunkReader::from_parts(&chunk.head, &chunk.data)?;
/// assert_eq!(reader.head().blocks.len(), 4);
/// let mut columns = SeriesColumns::default();
/// reader.decode(&mut columns)?;
/// assert_eq!(columns.values, values);
/// # Ok::<(), runstone_codec::CodecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChunkReader<'a> {
    head: ChunkHead,
    data: &'a [u8],
}

impl<'a> ChunkReader<'a> {
    /// Reads a chunk stored in two parts. The columns are looked at when they are decoded.
    ///
    /// # Errors
    /// `Corrupt`, `TooLarge`; `Unsupported` for a newer version.
    pub fn from_parts(head: &[u8], data: &'a [u8]) -> Result<Self, CodecError> {
        Self::with_head(ChunkHead::parse(head)?, data)
    }

    /// Reads a chunk stored in one piece: the head, then the data.
    ///
    /// # Errors
    /// As [`ChunkReader::from_parts`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let (head, length) = ChunkHead::parse_prefix(bytes)?;
        Self::with_head(head, &bytes[length..])
    }

    fn with_head(head: ChunkHead, data: &'a [u8]) -> Result<Self, CodecError> {
        let total = head
            .columns
            .iter()
            .try_fold(0usize, |total, column| total.checked_add(column.length));
        if total != Some(data.len()) {
            return Err(corrupt("its columns do not fill its data"));
        }
        Ok(Self { head, data })
    }

    /// The head.
    pub fn head(&self) -> &ChunkHead {
        &self.head
    }

    /// Decodes all columns. What `columns` held before is gone, also after an error.
    ///
    /// # Errors
    /// `Corrupt` if a checksum differs or a column is not what an encoder wrote.
    pub fn decode(&self, columns: &mut SeriesColumns) -> Result<(), CodecError> {
        self.decode_readable(columns)?;
        if self.head.has_order {
            let count = self.head.count;
            let mut parts = self.columns().skip(3 + usize::from(self.head.has_epochs));
            let mut next = || parts.next().ok_or(corrupt("has too few columns"));
            let order: &mut OrderVecs = columns.order.get_or_insert_default();
            read_u32s(next()?, count, &mut order.generations)?;
            data::read(next()?, Kind::Integer, count, &mut order.appends, |word| {
                word
            })?;
            read_u32s(next()?, count, &mut order.positions)?;
        }
        Ok(())
    }

    /// Decodes what a reader sees of points: all columns but their order, which stays `None`.
    ///
    /// # Errors
    /// As [`ChunkReader::decode`].
    pub fn decode_readable(&self, columns: &mut SeriesColumns) -> Result<(), CodecError> {
        self.decode_steps_and_values(columns)?;
        let count = self.head.count;
        let mut parts = self.columns().skip(1);
        let mut next = || parts.next().ok_or(corrupt("has too few columns"));
        data::read(next()?, Kind::Integer, count, &mut columns.times, |word| {
            word as i64
        })?;
        let _values = next()?;
        if self.head.has_epochs {
            let epochs = columns.epochs.get_or_insert_default();
            data::read(next()?, Kind::Float, count, epochs, f64::from_bits)?;
        }
        Ok(())
    }

    /// Decodes steps and values only, for drawing; times stay empty, epochs and order `None`.
    ///
    /// # Errors
    /// As [`ChunkReader::decode`].
    pub fn decode_steps_and_values(&self, columns: &mut SeriesColumns) -> Result<(), CodecError> {
        columns.clear();
        let count = self.head.count;
        let mut parts = self.columns();
        let steps = parts.next().ok_or(corrupt("has too few columns"))?;
        data::read(
            steps,
            Kind::Float,
            count,
            &mut columns.steps,
            f64::from_bits,
        )?;
        let values = parts.nth(1).ok_or(corrupt("has too few columns"))?;
        let kind = kind_of_type(self.head.value_type);
        data::read(values, kind, count, &mut columns.values, |word| word)
    }

    /// The columns and their bytes, in the order of the head.
    fn columns(&self) -> impl Iterator<Item = (&Column, &'a [u8])> {
        let mut rest = self.data;
        self.head.columns.iter().map(move |column| {
            let (bytes, after) = rest.split_at(column.length);
            rest = after;
            (column, bytes)
        })
    }
}

fn read_u32s(part: (&Column, &[u8]), count: usize, out: &mut Vec<u32>) -> Result<(), CodecError> {
    let mut high = 0u64;
    data::read(part, Kind::Integer, count, out, |word| {
        high |= word >> 32;
        word as u32
    })?;
    if high == 0 {
        Ok(())
    } else {
        Err(corrupt("a number exceeds 32 bits"))
    }
}

#[cfg(test)]
mod tests;
