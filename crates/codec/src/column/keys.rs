//! From words to integer keys and back: decimals, float32 and floats in their order.
//!
//! Everything here is exact: a key is made only if the way back gives the same bits.

/// Greatest exponent of ten.
pub(crate) const EXPONENT_MAX: u8 = 6;

/// Powers of ten up to it, each exact.
pub(super) const POWERS: [f64; 7] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];

/// Adding this rounds a float below 2^51 to an integer that stands in the low bits of the sum.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const ROUNDED_MAX: f64 = 2_251_799_813_685_248.0;

/// `k` with `k / scale == value`, bit for bit, or `false`.
#[inline]
fn scaled(word: u64, scale: f64) -> (i64, bool) {
    let sum = f64::from_bits(word) * scale + ROUNDER;
    let rounded = sum - ROUNDER;
    let exact = (rounded / scale).to_bits() == word && rounded.abs() < ROUNDED_MAX;
    (sum.to_bits().wrapping_sub(ROUNDER.to_bits()) as i64, exact)
}

fn scaled_keys(words: &[u64], scale: f64, keys: &mut Vec<i64>) -> bool {
    keys.clear();
    if !scaled(words[0], scale).1 {
        return false;
    }
    for chunk in words.chunks(16) {
        let mut all_exact = true;
        keys.extend(chunk.iter().map(|&word| {
            let (key, exact) = scaled(word, scale);
            all_exact &= exact;
            key
        }));
        if !all_exact {
            return false;
        }
    }
    true
}

/// The smallest exponent for which every word is `k / 10^e`, and the k.
pub(super) fn decimal_keys(words: &[u64], keys: &mut Vec<i64>) -> Option<u8> {
    if scaled_keys(words, 1.0, keys) {
        return Some(0);
    }
    if !scaled_keys(words, POWERS[usize::from(EXPONENT_MAX)], keys) {
        return None;
    }
    let mut exponent = EXPONENT_MAX;
    while exponent > 0 && keys.iter().all(|key| key % 10 == 0) {
        keys.iter_mut().for_each(|key| *key /= 10);
        exponent -= 1;
    }
    Some(exponent)
}

pub(super) fn decimal_from_bits(word: u64) -> Option<(i64, u8)> {
    if let (key, true) = scaled(word, 1.0) {
        return Some((key, 0));
    }
    let (mut key, exact) = scaled(word, POWERS[usize::from(EXPONENT_MAX)]);
    if !exact {
        return None;
    }
    let mut exponent = EXPONENT_MAX;
    while exponent > 0 && key % 10 == 0 {
        key /= 10;
        exponent -= 1;
    }
    Some((key, exponent))
}

/// Fills `keys` with the words as ordered float32, if each is one.
pub(super) fn float32_keys(words: &[u64], keys: &mut Vec<i64>) -> bool {
    const LOW: u64 = (1 << 29) - 1;
    keys.clear();
    if words[0] & LOW != 0 || words.iter().fold(0, |all, word| all | word) & LOW != 0 {
        return false;
    }
    let mut all_exact = true;
    keys.extend(words.iter().map(|&word| match float32_from_bits(word) {
        Some(bits) => ordered_from_float32(bits),
        None => {
            all_exact = false;
            0
        }
    }));
    all_exact
}

/// The bits of the float32 with the same value, NaN payloads included, if there is one. Done by
/// bits, because a conversion of a NaN promises nothing about its payload.
#[inline]
pub(super) fn float32_from_bits(word: u64) -> Option<u32> {
    if word & ((1 << 29) - 1) != 0 {
        return None;
    }
    let sign = (word >> 32) as u32 & 0x8000_0000;
    let mantissa = (word >> 29) as u32 & 0x007f_ffff;
    let exponent = (word >> 52) as u32 & 0x7ff;
    match exponent {
        897..=1150 => Some(sign | (exponent - 896) << 23 | mantissa),
        2047 => Some(sign | 0x7f80_0000 | mantissa),
        _ => {
            let narrow = f64::from_bits(word) as f32;
            (f64::from(narrow).to_bits() == word).then(|| narrow.to_bits())
        }
    }
}

#[inline]
pub(super) fn bits_from_float32(bits: u32) -> u64 {
    if bits & 0x7f80_0000 == 0x7f80_0000 {
        let sign = u64::from(bits & 0x8000_0000) << 32;
        return sign | 0x7ff0_0000_0000_0000 | u64::from(bits & 0x007f_ffff) << 29;
    }
    f64::from(f32::from_bits(bits)).to_bits()
}

/// Maps the bits of a float to an integer that is ordered as the floats are. Its own inverse.
#[inline]
pub(super) fn ordered_from_bits(word: u64) -> i64 {
    let signed = word as i64;
    signed ^ ((signed >> 63) as u64 >> 1) as i64
}

#[inline]
pub(super) fn bits_from_ordered(key: i64) -> u64 {
    (key ^ ((key >> 63) as u64 >> 1) as i64) as u64
}

#[inline]
pub(super) fn ordered_from_float32(bits: u32) -> i64 {
    let signed = bits as i32;
    i64::from(signed ^ ((signed >> 31) as u32 >> 1) as i32)
}

#[inline]
pub(super) fn float32_from_ordered(key: i64) -> u32 {
    let signed = key as i32;
    (signed ^ ((signed >> 31) as u32 >> 1) as i32) as u32
}
