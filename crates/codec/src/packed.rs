//! Packed integers: blocks of 128 with a minimum, a width and bit-packed offsets to the minimum.
//!
//! This is "frame of reference" packing, the one compression of packs. A block is the signed
//! varint of its minimum, then, if it holds more than one value, one byte of width (0 to 64) and
//! the offsets, `width` bits each, least significant bit first. All arithmetic wraps at 64 bits,
//! so any i64 fits.

use crate::cursor::{Cursor, Malformed, signed_varint_length, write_signed_varint};

/// Values in a block; the last block of a sequence may hold fewer.
pub(crate) const BLOCK: usize = 128;

/// Bits needed for the offsets of a block, with its minimum.
#[inline]
fn measure(block: &[i64]) -> (i64, u32) {
    let mut min = block[0];
    let mut max = block[0];
    for &value in &block[1..] {
        min = min.min(value);
        max = max.max(value);
    }
    let range = max.wrapping_sub(min) as u64;
    (min, 64 - range.leading_zeros())
}

/// Bytes that [`write`] would take.
pub(crate) fn cost(values: &[i64]) -> usize {
    values
        .chunks(BLOCK)
        .map(|block| {
            let (min, width) = measure(block);
            let header = signed_varint_length(min) + usize::from(block.len() > 1);
            header + (block.len() * width as usize).div_ceil(8)
        })
        .sum()
}

/// Appends the blocks of `values`; nothing at all for none.
pub(crate) fn write(out: &mut Vec<u8>, values: &[i64]) {
    for block in values.chunks(BLOCK) {
        let (min, width) = measure(block);
        write_signed_varint(out, min);
        if block.len() > 1 {
            out.push(width as u8);
            write_bits(out, block, min, width);
        }
    }
}

#[inline]
fn write_bits(out: &mut Vec<u8>, block: &[i64], min: i64, width: u32) {
    // A short block must not pay for clearing the buffer of a long one.
    match (width, block.len()) {
        (0, _) => {}
        (_, ..=16) => write_words::<16>(out, block, min, width),
        _ => write_words::<BLOCK>(out, block, min, width),
    }
}

/// Collects at most `WORDS` words of 64 bits and copies them into `out` at once.
#[inline]
fn write_words<const WORDS: usize>(out: &mut Vec<u8>, block: &[i64], min: i64, width: u32) {
    let mut buffer = [[0u8; 8]; WORDS];
    let mut filled_words = 0;
    let mut word = 0u64;
    let mut filled = 0u32;
    for &value in block {
        let offset = value.wrapping_sub(min) as u64;
        word |= offset << filled;
        filled += width;
        if filled >= 64 {
            buffer[filled_words % WORDS] = word.to_le_bytes();
            filled_words += 1;
            filled -= 64;
            // What of the offset did not fit; a shift by 64 would be none at all.
            word = if filled == 0 {
                0
            } else {
                offset >> (width - filled)
            };
        }
    }
    if filled > 0 {
        buffer[filled_words % WORDS] = word.to_le_bytes();
    }
    let length = (block.len() * width as usize).div_ceil(8);
    out.extend_from_slice(&buffer.as_flattened()[..length]);
}

/// Reads `count` values and appends what `map` makes of each. The caller has bounded `count`.
#[inline]
pub(crate) fn read<T>(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut Vec<T>,
    mut map: impl FnMut(i64) -> T,
) -> Result<(), Malformed> {
    let mut left = count;
    while left > 0 {
        let length = left.min(BLOCK);
        let min = cursor.signed_varint()?;
        let width = if length == 1 {
            0
        } else {
            usize::from(cursor.byte()?)
        };
        if width > 64 {
            return Err(Malformed("a bit width exceeds 64"));
        }
        let packed = cursor.take((length * width).div_ceil(8))?;
        if width == 0 {
            out.extend((0..length).map(|_| map(min)));
        } else {
            read_bits(packed, length, width, out, |offset| {
                map(min.wrapping_add(offset as i64))
            });
        }
        left -= length;
    }
    Ok(())
}

/// Passes over `count` values.
pub(crate) fn skip(cursor: &mut Cursor<'_>, count: usize) -> Result<(), Malformed> {
    let mut left = count;
    while left > 0 {
        let length = left.min(BLOCK);
        cursor.varint()?;
        if length > 1 {
            let width = usize::from(cursor.byte()?);
            if width > 64 {
                return Err(Malformed("a bit width exceeds 64"));
            }
            cursor.take((length * width).div_ceil(8))?;
        }
        left -= length;
    }
    Ok(())
}

/// Reads only the value at `index` of `count` values.
pub(crate) fn nth(cursor: &mut Cursor<'_>, count: usize, index: usize) -> Result<i64, Malformed> {
    let block = index / BLOCK;
    skip(cursor, block * BLOCK)?;
    let mut values = Vec::with_capacity(BLOCK);
    read(
        cursor,
        (count - block * BLOCK).min(BLOCK),
        &mut values,
        |value| value,
    )?;
    Ok(values[index % BLOCK])
}

#[inline]
fn read_bits<T>(
    packed: &[u8],
    length: usize,
    width: usize,
    out: &mut Vec<T>,
    mut map: impl FnMut(u64) -> T,
) {
    let mask = u64::MAX >> (64 - width);
    // Offsets whose eight bytes from their first byte on lie inside are read with one load.
    let whole = if width <= 57 && packed.len() >= 8 {
        (((packed.len() - 8) * 8 + 7) / width + 1).min(length)
    } else {
        0
    };
    out.extend((0..whole).map(|index| {
        let bit = index * width;
        let bytes = packed[bit >> 3..]
            .first_chunk()
            .expect("counted to lie inside");
        map((u64::from_le_bytes(*bytes) >> (bit & 7)) & mask)
    }));
    out.extend((whole..length).map(|index| {
        let bit = index * width;
        let mut bytes = [0u8; 16];
        let rest = &packed[bit >> 3..];
        let held = rest.len().min(16);
        bytes[..held].copy_from_slice(&rest[..held]);
        map((u128::from_le_bytes(bytes) >> (bit & 7)) as u64 & mask)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[i64]) {
        let mut out = Vec::new();
        write(&mut out, values);
        assert_eq!(out.len(), cost(values));
        let mut cursor = Cursor::new(&out);
        let mut back = Vec::new();
        read(&mut cursor, values.len(), &mut back, |value| value).unwrap();
        assert_eq!(back, values);
        assert!(cursor.remaining().is_empty());
        for (index, &value) in values.iter().enumerate() {
            assert_eq!(nth(&mut Cursor::new(&out), values.len(), index), Ok(value));
        }
    }

    #[test]
    fn every_width_comes_back_at_every_length() {
        for width in 0..=64u32 {
            for length in [1usize, 2, 3, 7, 8, 63, 127, 128, 129, 300] {
                let mask = if width == 0 {
                    0
                } else {
                    u64::MAX >> (64 - width)
                };
                let mut state = 0x9e37_79b9_7f4a_7c15u64 ^ u64::from(width);
                let values: Vec<i64> = (0..length)
                    .map(|_| {
                        state = state
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1);
                        (((state >> 1) ^ state) & mask) as i64
                    })
                    .collect();
                round_trip(&values);
            }
        }
    }

    #[test]
    fn extremes_come_back() {
        round_trip(&[i64::MIN, i64::MAX, 0, -1, 1]);
        round_trip(&[i64::MAX; 200]);
        round_trip(&[]);
    }

    #[test]
    fn the_bytes_are_those_of_the_description() {
        let mut out = Vec::new();
        write(&mut out, &[10, 11, 13, 10]);
        // minimum 10 as zigzag 20; width 2; offsets 0, 1, 3, 0 from the lowest bit up
        assert_eq!(out, [20, 2, 0b0011_0100]);
    }

    proptest! {
        #[test]
        fn any_values_come_back(values in proptest::collection::vec(any::<i64>(), 0..400)) {
            round_trip(&values);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), count in 0usize..500) {
            let mut back = Vec::new();
            if read(&mut Cursor::new(&bytes), count, &mut back, |value| value).is_ok() {
                prop_assert_eq!(back.len(), count);
            }
        }
    }
}
