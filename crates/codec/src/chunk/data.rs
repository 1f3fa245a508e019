//! The columns of a chunk: a constant, runs of equal differences, or integer keys compressed with
//! pco.
//!
//! Steps that are counted, and the order of points that came frame by frame, are a few runs: bytes
//! that pco would need some nanoseconds a point to find.

use super::corrupt;
use crate::CodecError;
use crate::column::{self, ColumnScratch, EXPONENT_MAX, Kind, LongKeys, MODES_END};
use crate::cursor::{Cursor, Malformed, write_signed_varint, write_varint};
use pco::standalone::{simple_compress, simple_decompress_into};
use pco::{ChunkConfig, DeltaSpec};

/// pco of i64 keys, `key / 10^e`; the encoding less this is e.
const PCO_DECIMAL: u8 = 32;
/// pco of i32 keys in the order of float32.
const PCO_FLOAT32: u8 = 40;
/// pco of i64 keys in the order of float64.
const PCO_FLOAT64: u8 = 41;
/// Runs of keys with equal differences, `key / 10^e`; the encoding less this is e. Since version 4.
const RUNS: u8 = 42;
/// Integers near a line: the first one, what each adds in parts of 2^16, and pco of what is left as
/// i32. Since version 4.
const LINE: u8 = 49;
const LINE_SHIFT: u32 = 16;
/// Runs are tried where there is one for so many words at most.
const RUN_WORDS_MIN: usize = 4;
/// Past so many bits a word pco may do better than runs.
const RUN_BITS_MAX: usize = 1;
/// Greater levels take twice as long for half a percent fewer bytes.
const PCO_LEVEL: usize = 4;
/// What is left beside a line is noise alone; the few ranges of less would round its bits up.
const LINE_LEVEL: usize = 6;

/// How and where a column lies in the data; kept in the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) encoding: u8,
    pub(super) length: usize,
    pub(super) checksum: u32,
}

/// What the words of a column are, and how a compressor best looks at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Numbers of any kind.
    Words(Kind),
    /// A clock: each one a little greater than the one before.
    Times,
}

/// Appends a column to `out`.
pub(super) fn write(
    out: &mut Vec<u8>,
    words: &[u64],
    role: Role,
    scratch: &mut ColumnScratch,
) -> Result<Column, CodecError> {
    let start = out.len();
    let (kind, delta) = match role {
        Role::Words(kind) => (kind, DeltaSpec::Auto),
        Role::Times => (Kind::Integer, DeltaSpec::TryConsecutive(1)),
    };
    let config = ChunkConfig::default()
        .with_compression_level(PCO_LEVEL)
        .with_delta_spec(delta);
    let mut keys = Vec::new();
    let refused = |error| CodecError::Invalid(format!("a column cannot be compressed: {error}"));
    let encoding = match column::long_keys(words, kind, &mut keys) {
        LongKeys::Constant => column::write(out, words, kind, scratch),
        LongKeys::Float32 => {
            let keys: Vec<i32> = keys.iter().map(|&key| key as i32).collect();
            out.append(&mut simple_compress(&keys, &config).map_err(refused)?);
            PCO_FLOAT32
        }
        LongKeys::Float64 => {
            out.append(&mut simple_compress(&keys, &config).map_err(refused)?);
            PCO_FLOAT64
        }
        LongKeys::Decimal(exponent) => {
            let has_runs = write_runs(out, &keys, scratch);
            let runs = out.len() - start;
            if has_runs && runs * 8 <= keys.len() * RUN_BITS_MAX {
                RUNS + exponent
            } else if let Some(line) = Line::of(role, &keys) {
                out.truncate(start);
                write_signed_varint(out, line.first);
                write_signed_varint(out, line.slope);
                let config = config
                    .with_compression_level(LINE_LEVEL)
                    .with_delta_spec(DeltaSpec::NoOp);
                out.append(&mut simple_compress(&line.rest, &config).map_err(refused)?);
                LINE
            } else {
                let mut packed = simple_compress(&keys, &config).map_err(refused)?;
                if has_runs && runs <= packed.len() {
                    RUNS + exponent
                } else {
                    out.truncate(start);
                    out.append(&mut packed);
                    PCO_DECIMAL + exponent
                }
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

/// Times around the beat of their steps: what is left of each is smaller than its difference to the
/// one before.
struct Line {
    first: i64,
    slope: i64,
    rest: Vec<i32>,
}

/// Whether all times are whole units, greater than one, from the first one.
fn have_a_unit(times: &[i64], start: i64) -> bool {
    let mut unit = 0u64;
    for time in times {
        let mut apart = time.wrapping_sub(start).unsigned_abs();
        while apart != 0 {
            (unit, apart) = (apart, unit % apart);
        }
        if unit == 1 {
            return false;
        }
    }
    true
}

/// What a line adds up to at a point.
fn line_at(first: i64, slope: i64, index: usize) -> i64 {
    let product = (index as i64).wrapping_mul(slope);
    first.wrapping_add(product >> LINE_SHIFT)
}

impl Line {
    /// `None` where differences do as well, and where the times share a unit that only they keep.
    fn of(role: Role, times: &[i64]) -> Option<Self> {
        let start = *times.first()?;
        if role != Role::Times || times.len() < 4 || have_a_unit(times, start) {
            return None;
        }
        // Through the middles of the two halves, which the noise moves least.
        let half = times.len() / 2;
        let middle = |times: &[i64]| {
            let sum: i128 = times
                .iter()
                .map(|time| i128::from(*time) - i128::from(start))
                .sum();
            (sum << LINE_SHIFT) / times.len() as i128
        };
        let first_middle = middle(&times[..half]);
        let slope =
            (middle(&times[times.len() - half..]) - first_middle) / (times.len() - half) as i128;
        let first =
            i128::from(start) + ((first_middle - slope * (half as i128 - 1) / 2) >> LINE_SHIFT);
        let (first, slope) = (i64::try_from(first).ok()?, i64::try_from(slope).ok()?);
        let mut rest = Vec::with_capacity(times.len());
        for (index, time) in times.iter().enumerate() {
            let left = time.wrapping_sub(line_at(first, slope, index));
            rest.push(i32::try_from(left).ok()?);
        }
        // A difference holds the noise of two points, unless noise adds up from point to point.
        let step = slope >> LINE_SHIFT;
        let spread = |sum: f64| sum / times.len() as f64;
        let mean = spread(rest.iter().map(|&left| f64::from(left)).sum());
        let of_rest = spread(
            rest.iter()
                .map(|&left| (f64::from(left) - mean).abs())
                .sum(),
        );
        let differences = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        let of_differences = spread(
            differences
                .map(|difference| difference.wrapping_sub(step).unsigned_abs() as f64)
                .sum(),
        );
        (of_rest < 0.85 * of_differences).then_some(Self { first, slope, rest })
    }
}

/// Appends keys as runs and says so; nothing if there are too many runs.
fn write_runs(out: &mut Vec<u8>, keys: &[i64], scratch: &mut ColumnScratch) -> bool {
    let most = keys.len() / RUN_WORDS_MIN;
    let (mut lengths, mut firsts, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = keys;
    while let [first, after @ ..] = rest {
        if lengths.len() == most {
            return false;
        }
        let difference = after.first().map_or(0, |next| next.wrapping_sub(*first));
        let goes_on = |pair: &&[i64]| pair[1].wrapping_sub(pair[0]) == difference;
        let length = 1 + rest.windows(2).take_while(goes_on).count();
        lengths.push(length as u64);
        firsts.push(first.cast_unsigned());
        differences.push(difference.cast_unsigned());
        rest = &rest[length..];
    }
    write_varint(out, lengths.len() as u64);
    for words in [lengths, firsts, differences] {
        let at = out.len();
        out.push(0);
        out[at] = column::write(out, &words, Kind::Integer, scratch);
    }
    true
}

/// Hands on the keys of `count` words in runs.
fn read_runs(
    cursor: &mut Cursor<'_>,
    count: usize,
    mut each: impl FnMut(i64),
) -> Result<(), Malformed> {
    let runs = usize::try_from(cursor.varint()?)
        .ok()
        .filter(|runs| (1..=count).contains(runs))
        .ok_or(Malformed("a column has too many runs"))?;
    let mut read = || {
        let mut words = Vec::with_capacity(runs);
        let mode = cursor.byte()?;
        column::read(cursor, mode, Kind::Integer, runs, &mut words, |word| word)?;
        Ok(words)
    };
    let (lengths, firsts, differences) = (read()?, read()?, read()?);
    if !cursor.remaining().is_empty() {
        return Err(Malformed("a column is longer than its runs"));
    }
    let mut left = count as u64;
    for ((length, first), difference) in lengths.into_iter().zip(firsts).zip(differences) {
        left = left
            .checked_sub(length)
            .ok_or(Malformed("a column has another number of points"))?;
        let mut key = first.cast_signed();
        for _ in 0..length {
            each(key);
            key = key.wrapping_add(difference.cast_signed());
        }
    }
    if left == 0 {
        Ok(())
    } else {
        Err(Malformed("a column has another number of points"))
    }
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
        encoding if (RUNS..=RUNS + EXPONENT_MAX).contains(&encoding) => {
            let exponent = encoding - RUNS;
            if kind == Kind::Integer && exponent > 0 {
                return Err(corrupt("an unknown encoding of a column"));
            }
            let keys = LongKeys::Decimal(exponent);
            out.reserve(count);
            return read_runs(&mut Cursor::new(bytes), count, |key| {
                out.push(map(column::word_from_key(key, kind, keys)));
            })
            .map_err(|malformed| corrupt(malformed.0));
        }
        LINE if kind == Kind::Integer => {
            let mut cursor = Cursor::new(bytes);
            let mut next = || {
                let read = cursor.signed_varint();
                read.map_err(|malformed| corrupt(malformed.0))
            };
            let (first, slope) = (next()?, next()?);
            let rest: Vec<i32> = decompress(cursor.remaining(), count)?;
            out.extend(rest.iter().enumerate().map(|(index, &left)| {
                map(line_at(first, slope, index).wrapping_add(i64::from(left)) as u64)
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
