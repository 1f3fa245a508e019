//! The head of a chunk: what it holds, where its columns lie, and its block summaries.

use super::blocks::coarsen;
use super::data::Column;
use super::{BLOCK_POINTS, BlockPlaces, BlockSummary, CHUNK_POINTS_MAX, COARSE_BLOCKS, Place};
use super::{MAGIC, VERSION, corrupt};
use crate::CodecError;
use crate::column::{self, ColumnScratch, Kind};
use crate::cursor::{Cursor, Malformed, write_varint};
use crate::pack::{code_from_type, kind_of_type, point_type_from_code};
use runstone_model::ValueType;

const FLAG_EPOCHS: u8 = 1;
const FLAG_ORDER: u8 = 2;
/// Since version 2.
const FLAG_STEPS_RISE: u8 = 4;
/// Since version 2.
const FLAG_TIMES_RISE: u8 = 8;

/// Header and block summaries of a chunk, read without its data.
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkHead {
    /// Points.
    pub count: usize,
    /// Type of the values.
    pub value_type: ValueType,
    /// Whether there are epochs.
    pub has_epochs: bool,
    /// Whether there are order columns.
    pub has_order: bool,
    /// Whether each step is greater than the one before; `false` also where version 1 does not say.
    pub steps_rise: bool,
    /// Whether no time is smaller than the one before; `false` also where version 1 does not say.
    pub times_rise: bool,
    /// The smallest generation and the smallest append number; `None` without order columns, and
    /// where version 1 does not say.
    pub oldest: Option<(u32, u64)>,
    /// Points that a block covers, the last one perhaps fewer: [`BLOCK_POINTS`], or
    /// [`COARSE_BLOCKS`] times as many where coarse blocks were asked for and there are any.
    pub block_points: usize,
    /// A summary of every `block_points` points.
    pub blocks: Vec<BlockSummary>,
    /// The places in each block; empty where version 1 does not say.
    pub places: Vec<BlockPlaces>,
    pub(super) columns: Vec<Column>,
}

/// One word of every block, with what the words are: the columns of the block summaries.
type BlockField = (Kind, fn(&BlockSummary) -> u64, fn(&mut BlockSummary, u64));

fn block_fields(value: Kind) -> [BlockField; 12] {
    [
        (
            Kind::Float,
            |block| block.min_step.to_bits(),
            |block, word| {
                block.min_step = f64::from_bits(word);
            },
        ),
        (
            Kind::Float,
            |block| block.max_step.to_bits(),
            |block, word| {
                block.max_step = f64::from_bits(word);
            },
        ),
        (
            Kind::Integer,
            |block| block.first_time as u64,
            |block, word| {
                block.first_time = word as i64;
            },
        ),
        (
            Kind::Integer,
            |block| block.last_time as u64,
            |block, word| {
                block.last_time = word as i64;
            },
        ),
        (value, |block| block.first, |block, word| block.first = word),
        (value, |block| block.last, |block, word| block.last = word),
        (value, |block| block.min, |block, word| block.min = word),
        (value, |block| block.max, |block, word| block.max = word),
        (
            Kind::Float,
            |block| block.sum.to_bits(),
            |block, word| {
                block.sum = f64::from_bits(word);
            },
        ),
        (
            Kind::Integer,
            |block| block.nan_count.into(),
            |block, word| {
                block.nan_count = word as u32;
            },
        ),
        (
            Kind::Integer,
            |block| block.positive_infinity_count.into(),
            |block, word| {
                block.positive_infinity_count = word as u32;
            },
        ),
        (
            Kind::Integer,
            |block| block.negative_infinity_count.into(),
            |block, word| {
                block.negative_infinity_count = word as u32;
            },
        ),
    ]
}

/// One word of every block's places: the columns that version 2 adds. Times are told from the
/// first time of the block on.
type PlaceField = fn(&mut BlockPlaces) -> &mut Place;

const PLACE_FIELDS: [PlaceField; 3] = [
    |places| &mut places.min,
    |places| &mut places.max,
    |places| &mut places.nan,
];

impl ChunkHead {
    /// Reads a head; bytes after it are not looked at, so a whole chunk will do.
    ///
    /// # Errors
    /// `Corrupt`, `TooLarge`; `Unsupported` for a newer version.
    pub fn parse(head: &[u8]) -> Result<Self, CodecError> {
        Self::parse_prefix(head).map(|(head, _)| head)
    }

    /// Bytes of each column of the data: steps, times, values, epochs if there are any, and the order
    /// columns if there are any.
    pub fn column_bytes(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|column| column.length)
    }

    /// Reads a head that stands alone with its coarse blocks, and passes over the finer ones; with
    /// the finer ones where there are no others: in short chunks, and before version 3.
    ///
    /// # Errors
    /// As [`ChunkHead::parse`].
    pub fn parse_coarse(head: &[u8]) -> Result<Self, CodecError> {
        let (checked, checksum) = head
            .split_last_chunk::<4>()
            .ok_or(corrupt("ends too early"))?;
        if crc32c::crc32c(checked) != u32::from_le_bytes(*checksum) {
            return Err(corrupt("the checksum of its head differs"));
        }
        let mut cursor = Cursor::new(checked);
        let (version, count) = parse_start(&mut cursor)?;
        Self::parse_body(&mut cursor, version, count, true)
    }

    /// Reads a head and says how many bytes it took.
    pub(super) fn parse_prefix(bytes: &[u8]) -> Result<(Self, usize), CodecError> {
        let mut cursor = Cursor::new(bytes);
        let (version, count) = parse_start(&mut cursor)?;
        let head = Self::parse_body(&mut cursor, version, count, false)?;
        let length = bytes.len() - cursor.remaining().len();
        if crc32c::crc32c(&bytes[..length]) != cursor.word32().map_err(malformed)? {
            return Err(corrupt("the checksum of its head differs"));
        }
        Ok((head, length + 4))
    }

    fn parse_body(
        cursor: &mut Cursor<'_>,
        version: u8,
        count: usize,
        coarse: bool,
    ) -> Result<Self, CodecError> {
        let value_type = point_type_from_code(cursor.byte().map_err(malformed)?)
            .ok_or(corrupt("an unknown value type"))?;
        let flags = cursor.byte().map_err(malformed)?;
        let mut known = FLAG_EPOCHS | FLAG_ORDER;
        if version > 1 {
            known |= FLAG_STEPS_RISE | FLAG_TIMES_RISE;
        }
        if flags & !known != 0 {
            return Err(corrupt("unknown flags"));
        }
        let has_epochs = flags & FLAG_EPOCHS != 0;
        let has_order = flags & FLAG_ORDER != 0;
        let oldest = if version > 1 && has_order {
            Some(parse_oldest(cursor).map_err(malformed)?)
        } else {
            None
        };
        let columns = (0..3 + usize::from(has_epochs) + if has_order { 3 } else { 0 })
            .map(|_| parse_column(cursor))
            .collect::<Result<Vec<_>, _>>()
            .map_err(malformed)?;
        let mut block_points = BLOCK_POINTS;
        if version > 2 {
            let length = cursor.varint().map_err(malformed)?;
            let length = usize::try_from(length).map_err(|_| corrupt("a length too large"))?;
            if coarse && length > 0 {
                block_points *= COARSE_BLOCKS;
            } else {
                cursor.take(length).map_err(malformed)?;
            }
        }
        let kind = kind_of_type(value_type);
        let blocks = parse_blocks(cursor, count, block_points, kind).map_err(malformed)?;
        let places = if version > 1 {
            parse_places(cursor, &blocks).map_err(malformed)?
        } else {
            Vec::new()
        };
        Ok(Self {
            count,
            value_type,
            has_epochs,
            has_order,
            steps_rise: flags & FLAG_STEPS_RISE != 0,
            times_rise: flags & FLAG_TIMES_RISE != 0,
            oldest,
            block_points,
            blocks,
            places,
            columns,
        })
    }

    pub(super) fn encode(&self, scratch: &mut ColumnScratch) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 40 * self.blocks.len());
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        write_varint(&mut out, self.count as u64);
        out.push(code_from_type(self.value_type));
        let flags = [
            (self.has_epochs, FLAG_EPOCHS),
            (self.has_order, FLAG_ORDER),
            (self.steps_rise, FLAG_STEPS_RISE),
            (self.times_rise, FLAG_TIMES_RISE),
        ];
        let set = flags.into_iter().filter(|(is_set, _)| *is_set);
        out.push(set.fold(0, |flags, (_, flag)| flags | flag));
        if self.has_order {
            let (generation, append) = self.oldest.unwrap_or_default();
            write_varint(&mut out, generation.into());
            write_varint(&mut out, append);
        }
        for column in &self.columns {
            out.push(column.encoding);
            write_varint(&mut out, column.length as u64);
            out.extend_from_slice(&column.checksum.to_le_bytes());
        }
        let kind = kind_of_type(self.value_type);
        let mut coarse = Vec::new();
        if self.blocks.len() > COARSE_BLOCKS {
            let (blocks, places) = coarsen(&self.blocks, &self.places, kind);
            write_blocks(&mut coarse, &blocks, &places, kind, scratch);
        }
        write_varint(&mut out, coarse.len() as u64);
        out.extend_from_slice(&coarse);
        write_blocks(&mut out, &self.blocks, &self.places, kind, scratch);
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }
}

/// Magic, version and number of points.
fn parse_start(cursor: &mut Cursor<'_>) -> Result<(u8, usize), CodecError> {
    if cursor.take(MAGIC.len()).map_err(malformed)? != MAGIC {
        return Err(corrupt("does not begin as a chunk does"));
    }
    let version = cursor.byte().map_err(malformed)?;
    if !(1..=VERSION).contains(&version) {
        return Err(CodecError::Unsupported {
            what: "chunk",
            found: version,
        });
    }
    let found = cursor.varint().map_err(malformed)?;
    if found > CHUNK_POINTS_MAX as u64 {
        let limit = CHUNK_POINTS_MAX as u64;
        return Err(CodecError::TooLarge {
            what: "points of a chunk",
            found,
            limit,
        });
    }
    if found == 0 {
        return Err(corrupt("has no points"));
    }
    Ok((version, found as usize))
}

/// Blocks and the places in them, as columns.
fn write_blocks(
    out: &mut Vec<u8>,
    blocks: &[BlockSummary],
    places: &[BlockPlaces],
    kind: Kind,
    scratch: &mut ColumnScratch,
) {
    let mut words = Vec::with_capacity(blocks.len());
    let mut write = |words: &[u64], kind: Kind| {
        let at = out.len();
        out.push(0);
        out[at] = column::write(out, words, kind, scratch);
    };
    for (kind, get, _) in block_fields(kind) {
        words.clear();
        words.extend(blocks.iter().map(get));
        write(&words, kind);
    }
    for field in PLACE_FIELDS {
        let found = || places.iter().map(|places| *field(&mut places.clone()));
        words.clear();
        words.extend(found().map(|place| place.step.to_bits()));
        write(&words, Kind::Float);
        words.clear();
        let offsets = blocks.iter().zip(found());
        words.extend(
            offsets.map(|(block, place)| place.time.wrapping_sub(block.first_time).cast_unsigned()),
        );
        write(&words, Kind::Integer);
    }
}

fn malformed(Malformed(reason): Malformed) -> CodecError {
    corrupt(reason)
}

fn parse_column(cursor: &mut Cursor<'_>) -> Result<Column, Malformed> {
    let encoding = cursor.byte()?;
    let length = usize::try_from(cursor.varint()?).map_err(|_| Malformed("a length too large"))?;
    Ok(Column {
        encoding,
        length,
        checksum: cursor.word32()?,
    })
}

fn parse_oldest(cursor: &mut Cursor<'_>) -> Result<(u32, u64), Malformed> {
    let generation =
        u32::try_from(cursor.varint()?).map_err(|_| Malformed("a generation too large"))?;
    Ok((generation, cursor.varint()?))
}

fn parse_places(
    cursor: &mut Cursor<'_>,
    blocks: &[BlockSummary],
) -> Result<Vec<BlockPlaces>, Malformed> {
    let mut all = vec![BlockPlaces::default(); blocks.len()];
    let mut words = Vec::with_capacity(blocks.len());
    for field in PLACE_FIELDS {
        let mut read = |cursor: &mut Cursor<'_>, kind: Kind| {
            words.clear();
            let mode = cursor.byte()?;
            column::read(cursor, mode, kind, blocks.len(), &mut words, |word| word)?;
            Ok(words.clone())
        };
        for (places, word) in all.iter_mut().zip(read(cursor, Kind::Float)?) {
            field(places).step = f64::from_bits(word);
        }
        let offsets = read(cursor, Kind::Integer)?;
        for ((places, block), word) in all.iter_mut().zip(blocks).zip(offsets) {
            field(places).time = block.first_time.wrapping_add(word.cast_signed());
        }
    }
    Ok(all)
}

fn parse_blocks(
    cursor: &mut Cursor<'_>,
    count: usize,
    block_points: usize,
    value: Kind,
) -> Result<Vec<BlockSummary>, Malformed> {
    let empty = BlockSummary {
        count: block_points as u32,
        min_step: 0.0,
        max_step: 0.0,
        first_time: 0,
        last_time: 0,
        first: 0,
        last: 0,
        min: 0,
        max: 0,
        sum: 0.0,
        nan_count: 0,
        positive_infinity_count: 0,
        negative_infinity_count: 0,
    };
    let mut blocks = vec![empty; count.div_ceil(block_points)];
    if let Some(last) = blocks.last_mut() {
        last.count = ((count - 1) % block_points + 1) as u32;
    }
    let mut words = Vec::with_capacity(blocks.len());
    for (kind, _, set) in block_fields(value) {
        words.clear();
        let mode = cursor.byte()?;
        column::read(cursor, mode, kind, blocks.len(), &mut words, |word| word)?;
        for (block, &word) in blocks.iter_mut().zip(&words) {
            set(block, word);
        }
    }
    Ok(blocks)
}
