//! CRC-32C of a slot's words, and the chain over heads.
//!
//! The processor's own instruction where it has one (2 ns a slot), a table elsewhere. The result
//! is the ordinary CRC-32C of the words as little-endian bytes, so any library can check it.
#![allow(
    unsafe_code,
    reason = "calls of functions compiled for a detected instruction set"
)]

/// CRC-32C over some words, as little-endian bytes.
#[inline]
pub(crate) fn crc_of_words<const N: usize>(words: [u64; N]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has SSE 4.2, asked just now.
        return unsafe { crc_of_words_sse42(words) };
    }
    crc_of_words_anywhere(words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the upper half is zero")]
pub(crate) fn crc_of_words_sse42<const N: usize>(words: [u64; N]) -> u32 {
    let mut crc = u64::from(u32::MAX);
    for word in words {
        crc = std::arch::x86_64::_mm_crc32_u64(crc, word);
    }
    !(crc as u32)
}

fn crc_of_words_anywhere<const N: usize>(words: [u64; N]) -> u32 {
    words.iter().fold(0, |crc, word| {
        crc32c::crc32c_append(crc, &word.to_le_bytes())
    })
}

/// The chain after a record with this head; `head` is 0 for each slot that holds nothing readable.
#[inline]
pub(crate) fn chain_after(chain: u64, head: u64) -> u64 {
    let mixed = (chain.rotate_left(5) ^ head).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_crc32c_of_the_bytes() {
        let words = [1, u64::MAX, 0x0123_4567_89ab_cdef, 0, 7];
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(crc_of_words(words), crc32c::crc32c(&bytes));
        assert_eq!(crc_of_words_anywhere(words), crc32c::crc32c(&bytes));
    }

    #[test]
    fn the_chain_of_the_specification() {
        assert_eq!(chain_after(0, 0), 0);
        assert_eq!(chain_after(0, 1), 0x9E37_79B9_E17D_05AC);
    }
}
