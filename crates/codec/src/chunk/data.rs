//! The columns of a chunk: a constant, or integer keys compressed with pco.

use super::corrupt;
use crate::CodecError;
use crate::column::{self, ColumnScratch, EXPONENT_MAX, Kind, LongKeys, MODES_END};
use crate::cursor::Cursor;
use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress_into};

/// pco of i64 keys, `key / 10^e`; the encoding less this is e.
const PCO_DECIMAL: u8 = 32;
/// pco of i32 keys in the order of float32.
const PCO_FLOAT32: u8 = 40;
/// pco of i64 keys in the order of float64.
const PCO_FLOAT64: u8 = 41;
/// Greater levels take several times as long for one percent fewer bytes.
const PCO_LEVEL: usize = 4;

/// How and where a column lies in the data; kept in the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) encoding: u8,
    pub(super) length: usize,
    pub(super) checksum: u32,
}

/// Appends a column to `out`.
pub(super) fn write(
    out: &mut Vec<u8>,
    words: &[u64],
    kind: Kind,
    scratch: &mut ColumnScratch,
) -> Result<Column, CodecError> {
    let start = out.len();
    let config = ChunkConfig::default().with_compression_level(PCO_LEVEL);
    let mut keys = Vec::new();
    let refused = |error| CodecError::Invalid(format!("a column cannot be compressed: {error}"));
    let encoding = match column::long_keys(words, kind, &mut keys) {
        LongKeys::Constant => column::write(out, words, kind, scratch),
        LongKeys::Float32 => {
            let keys: Vec<i32> = keys.iter().map(|&key| key as i32).collect();
            out.append(&mut simple_compress(&keys, &config).map_err(refused)?);
            PCO_FLOAT32
        }
        found => {
            out.append(&mut simple_compress(&keys, &config).map_err(refused)?);
            match found {
                LongKeys::Decimal(exponent) => PCO_DECIMAL + exponent,
                _ => PCO_FLOAT64,
            }
        }
    };
    let checksum = crc32c::crc32c(&out[start..]);
    Ok(Column {
        encoding,
        length: out.len() - start,
        checksum,
    })
}

/// Replaces what is in `out` by what `map` makes of the words of a column.
pub(super) fn read<T>(
    (column, bytes): (&Column, &[u8]),
    kind: Kind,
    count: usize,
    out: &mut Vec<T>,
    mut map: impl FnMut(u64) -> T,
) -> Result<(), CodecError> {
    out.clear();
    if crc32c::crc32c(bytes) != column.checksum {
        return Err(corrupt("the checksum of a column differs"));
    }
    let keys = match column.encoding {
        mode if mode < MODES_END => {
            let mut cursor = Cursor::new(bytes);
            return column::read(&mut cursor, mode, kind, count, out, map)
                .map_err(|malformed| corrupt(malformed.0));
        }
        PCO_FLOAT32 if kind == Kind::Float => {
            let keys: Vec<i32> = decompress(bytes, count)?;
            out.extend(keys.iter().map(|&key| {
                map(column::word_from_key(
                    i64::from(key),
                    kind,
                    LongKeys::Float32,
                ))
            }));
            return Ok(());
        }
        PCO_FLOAT64 if kind == Kind::Float => LongKeys::Float64,
        PCO_DECIMAL if kind == Kind::Integer => LongKeys::Decimal(0),
        encoding @ PCO_DECIMAL..PCO_FLOAT32
            if kind == Kind::Float && encoding - PCO_DECIMAL <= EXPONENT_MAX =>
        {
            LongKeys::Decimal(encoding - PCO_DECIMAL)
        }
        _ => return Err(corrupt("an unknown encoding of a column")),
    };
    let words: Vec<i64> = decompress(bytes, count)?;
    out.extend(
        words
            .iter()
            .map(|&key| map(column::word_from_key(key, kind, keys))),
    );
    Ok(())
}

/// Decompresses exactly `count` numbers; the caller has bounded `count`.
fn decompress<T: pco::data_types::Number + Default>(
    bytes: &[u8],
    count: usize,
) -> Result<Vec<T>, CodecError> {
    let mut numbers = vec![T::default(); count];
    let progress = simple_decompress_into(bytes, &mut numbers)
        .map_err(|_| corrupt("a column cannot be decompressed"))?;
    if progress.n_processed != count || !progress.finished {
        return Err(corrupt("a column has another number of points"));
    }
    Ok(numbers)
}
