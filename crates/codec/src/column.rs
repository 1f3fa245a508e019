//! Number columns: words of 64 bits, floats or integers, in the smallest of a few modes.
//!
//! Packs, block summaries of chunks and run summaries are made of these. The writer looks at the
//! words and picks a mode; the mode byte is stored by the caller, where he likes. The mode numbers
//! are part of the formats, see `docs/formats/pack.md`. The surprising rule: a float is a decimal
//! `k / 10^e` only if that very division gives back the same bits, so -0.0, NaN and infinities
//! never are.

mod keys;

pub(crate) use keys::EXPONENT_MAX;

use crate::cursor::{Cursor, Malformed, signed_varint_length, write_signed_varint};
use crate::packed;
use keys::{
    POWERS, bits_from_float32, bits_from_ordered, decimal_from_bits, decimal_keys,
    float32_from_bits, float32_from_ordered, float32_keys, ordered_from_bits,
};

/// All words equal: the word, 8 bytes.
pub(crate) const WORD_CONSTANT: u8 = 0;
/// All words equal, a float32: 4 bytes.
pub(crate) const FLOAT32_CONSTANT: u8 = 1;
/// Packed words in the order of the floats they are.
pub(crate) const WORD: u8 = 2;
/// Packed float32 in their order.
pub(crate) const FLOAT32: u8 = 3;
/// All words equal, `k / 10^e`: the signed varint of k; e is the mode less this.
pub(crate) const DECIMAL_CONSTANT: u8 = 4;
/// Packed k.
pub(crate) const DECIMAL: u8 = 11;
/// Signed varint of the first k, then the packed differences.
pub(crate) const DECIMAL_DELTA: u8 = 18;
/// Past the last mode.
pub(crate) const MODES_END: u8 = 25;

/// What the words of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bits of f64.
    Float,
    /// An i64; of the decimal modes only exponent 0, no float modes.
    Integer,
}

/// Buffers of [`write`].
#[derive(Debug, Default)]
pub(crate) struct ColumnScratch {
    keys: Vec<i64>,
    other: Vec<i64>,
}

/// Appends a column of at least one word to `out` and returns its mode.
pub(crate) fn write(
    out: &mut Vec<u8>,
    words: &[u64],
    kind: Kind,
    scratch: &mut ColumnScratch,
) -> u8 {
    let first = words[0];
    if words[words.len() - 1] == first && words.iter().all(|&word| word == first) {
        return write_constant(out, first, kind);
    }
    let keys = &mut scratch.keys;
    if kind == Kind::Integer {
        keys.clear();
        keys.extend(words.iter().map(|&word| word as i64));
        return write_decimal(out, keys, &mut scratch.other, 0, usize::MAX)
            .expect("no column exceeds a bound of usize::MAX");
    }
    if let Some(exponent) = decimal_keys(words, keys) {
        let is_float32 = float32_keys(words, &mut scratch.other);
        let bound = if is_float32 {
            packed::cost(&scratch.other)
        } else {
            usize::MAX
        };
        if let Some(mode) = write_decimal(out, keys, &mut scratch.other, exponent, bound) {
            return mode;
        }
    }
    if float32_keys(words, keys) {
        packed::write(out, keys);
        return FLOAT32;
    }
    keys.clear();
    keys.extend(words.iter().map(|&word| ordered_from_bits(word)));
    packed::write(out, keys);
    WORD
}

/// What [`long_keys`] made of a long column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LongKeys {
    /// All words are equal; there are no keys.
    Constant,
    /// Each word is `key / 10^e`, or the key itself in an integer column.
    Decimal(u8),
    /// Each word is a float32, the keys are in its order and fit an i32.
    Float32,
    /// The keys are in the order of the floats.
    Float64,
}

/// Fills `keys` with integers for a compressor that likes them small and regular.
pub(crate) fn long_keys(words: &[u64], kind: Kind, keys: &mut Vec<i64>) -> LongKeys {
    if words.iter().all(|&word| word == words[0]) {
        return LongKeys::Constant;
    }
    if kind == Kind::Integer {
        keys.clear();
        keys.extend(words.iter().map(|&word| word as i64));
        return LongKeys::Decimal(0);
    }
    if let Some(exponent) = decimal_keys(words, keys) {
        return LongKeys::Decimal(exponent);
    }
    if float32_keys(words, keys) {
        return LongKeys::Float32;
    }
    keys.clear();
    keys.extend(words.iter().map(|&word| ordered_from_bits(word)));
    LongKeys::Float64
}

/// The word that a key of [`long_keys`] stands for.
#[inline]
pub(crate) fn word_from_key(key: i64, kind: Kind, keys: LongKeys) -> u64 {
    match (keys, kind) {
        (LongKeys::Decimal(_), Kind::Integer) => key as u64,
        (LongKeys::Decimal(exponent), Kind::Float) => {
            (key as f64 / POWERS[usize::from(exponent)]).to_bits()
        }
        (LongKeys::Float32, _) => bits_from_float32(float32_from_ordered(key)),
        (LongKeys::Float64 | LongKeys::Constant, _) => bits_from_ordered(key),
    }
}

fn write_constant(out: &mut Vec<u8>, word: u64, kind: Kind) -> u8 {
    let decimal = match kind {
        Kind::Integer => Some((word as i64, 0)),
        Kind::Float => decimal_from_bits(word),
    };
    let float32 = match kind {
        Kind::Integer => None,
        Kind::Float => float32_from_bits(word),
    };
    let limit = if float32.is_some() { 4 } else { 8 };
    match (decimal, float32) {
        (Some((k, exponent)), _) if signed_varint_length(k) <= limit => {
            write_signed_varint(out, k);
            DECIMAL_CONSTANT + exponent
        }
        (_, Some(bits)) => {
            out.extend_from_slice(&bits.to_le_bytes());
            FLOAT32_CONSTANT
        }
        _ => {
            out.extend_from_slice(&word.to_le_bytes());
            WORD_CONSTANT
        }
    }
}

/// Writes `keys` as they are or as differences, whichever is smaller; nothing if neither is at
/// most `bound` bytes.
fn write_decimal(
    out: &mut Vec<u8>,
    keys: &[i64],
    differences: &mut Vec<i64>,
    exponent: u8,
    bound: usize,
) -> Option<u8> {
    differences.clear();
    differences.extend(keys.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
    let plain = packed::cost(keys);
    let delta = signed_varint_length(keys[0]) + packed::cost(differences);
    if plain.min(delta) > bound {
        return None;
    }
    if plain <= delta {
        packed::write(out, keys);
        return Some(DECIMAL + exponent);
    }
    write_signed_varint(out, keys[0]);
    packed::write(out, differences);
    Some(DECIMAL_DELTA + exponent)
}

/// Reads a column of `count` words and appends what `map` makes of each. The caller has bounded
/// `count`.
#[inline]
pub(crate) fn read<T>(
    cursor: &mut Cursor<'_>,
    mode: u8,
    kind: Kind,
    count: usize,
    out: &mut Vec<T>,
    mut map: impl FnMut(u64) -> T,
) -> Result<(), Malformed> {
    let exponent = check_mode(mode, kind)?;
    let power = POWERS[usize::from(exponent)];
    match mode {
        WORD_CONSTANT..=FLOAT32_CONSTANT | DECIMAL_CONSTANT..DECIMAL => {
            let word = read_constant(cursor, mode, kind, power)?;
            out.extend((0..count).map(|_| map(word)));
            Ok(())
        }
        WORD => packed::read(cursor, count, out, |key| map(bits_from_ordered(key))),
        FLOAT32 => packed::read(cursor, count, out, |key| {
            map(bits_from_float32(float32_from_ordered(key)))
        }),
        DECIMAL..DECIMAL_DELTA if kind == Kind::Integer => {
            packed::read(cursor, count, out, |key| map(key as u64))
        }
        DECIMAL..DECIMAL_DELTA => {
            packed::read(
                cursor,
                count,
                out,
                |key| map((key as f64 / power).to_bits()),
            )
        }
        _ => {
            let mut key = cursor.signed_varint()?;
            let word = |key: i64| match kind {
                Kind::Integer => key as u64,
                Kind::Float => (key as f64 / power).to_bits(),
            };
            out.push(map(word(key)));
            packed::read(cursor, count - 1, out, |difference| {
                key = key.wrapping_add(difference);
                map(word(key))
            })
        }
    }
}

/// Reads only the word at `index` of a column of `count` words.
pub(crate) fn nth(
    cursor: &mut Cursor<'_>,
    mode: u8,
    kind: Kind,
    count: usize,
    index: usize,
) -> Result<u64, Malformed> {
    let exponent = check_mode(mode, kind)?;
    let power = POWERS[usize::from(exponent)];
    let word = |key: i64| match kind {
        Kind::Integer => key as u64,
        Kind::Float => (key as f64 / power).to_bits(),
    };
    match mode {
        WORD => packed::nth(cursor, count, index).map(bits_from_ordered),
        FLOAT32 => packed::nth(cursor, count, index)
            .map(|key| bits_from_float32(float32_from_ordered(key))),
        DECIMAL..DECIMAL_DELTA => packed::nth(cursor, count, index).map(word),
        DECIMAL_DELTA.. => {
            let mut key = cursor.signed_varint()?;
            let mut place = 0;
            packed::read(cursor, count - 1, &mut Vec::new(), |difference| {
                place += 1;
                if place <= index {
                    key = key.wrapping_add(difference);
                }
            })?;
            Ok(word(key))
        }
        _ => read_constant(cursor, mode, kind, power),
    }
}

/// Passes over a column of `count` words.
pub(crate) fn skip(
    cursor: &mut Cursor<'_>,
    mode: u8,
    kind: Kind,
    count: usize,
) -> Result<(), Malformed> {
    check_mode(mode, kind)?;
    match mode {
        WORD_CONSTANT => cursor.word64().map(drop),
        FLOAT32_CONSTANT => cursor.word32().map(drop),
        DECIMAL_CONSTANT..DECIMAL => cursor.varint().map(drop),
        DECIMAL_DELTA.. => {
            cursor.varint()?;
            packed::skip(cursor, count - 1)
        }
        _ => packed::skip(cursor, count),
    }
}

fn check_mode(mode: u8, kind: Kind) -> Result<u8, Malformed> {
    let exponent = match mode {
        DECIMAL_CONSTANT..DECIMAL => mode - DECIMAL_CONSTANT,
        DECIMAL..DECIMAL_DELTA => mode - DECIMAL,
        DECIMAL_DELTA..MODES_END => mode - DECIMAL_DELTA,
        MODES_END.. => return Err(Malformed("an unknown mode of a column")),
        _ => 0,
    };
    let float_mode = matches!(mode, FLOAT32_CONSTANT | WORD | FLOAT32) || exponent > 0;
    if kind == Kind::Integer && float_mode {
        return Err(Malformed("an integer column in a float mode"));
    }
    Ok(exponent)
}

fn read_constant(
    cursor: &mut Cursor<'_>,
    mode: u8,
    kind: Kind,
    power: f64,
) -> Result<u64, Malformed> {
    Ok(match mode {
        WORD_CONSTANT => cursor.word64()?,
        FLOAT32_CONSTANT => bits_from_float32(cursor.word32()?),
        _ if kind == Kind::Integer => cursor.signed_varint()? as u64,
        _ => (cursor.signed_varint()? as f64 / power).to_bits(),
    })
}

#[cfg(test)]
mod tests;
