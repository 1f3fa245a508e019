//! The frame around small bodies of this engine (bindings, lists of series): a version in front, a
//! checksum behind.
//!
//! Version 1 had no checksum and is read for ever. See docs/formats/rows.md.

use crate::varint::Malformed;

/// Without a checksum.
const BARE: u8 = 1;
/// With one: crc32c of all bytes before it, four bytes, little-endian.
const SEALED: u8 = 2;

/// Begins a body; [`seal`] ends it.
pub(crate) fn begin() -> Vec<u8> {
    vec![SEALED]
}

/// Ends a body.
pub(crate) fn seal(mut body: Vec<u8>) -> Vec<u8> {
    let checksum = crc32c::crc32c(&body);
    body.extend_from_slice(&checksum.to_le_bytes());
    body
}

/// What stands between version and checksum.
pub(crate) fn unseal(body: &[u8]) -> Result<&[u8], Malformed> {
    match body.split_first() {
        Some((&BARE, rest)) => Ok(rest),
        Some((&SEALED, _)) => {
            let (checked, checksum) = body.split_last_chunk::<4>().ok_or(Malformed)?;
            if crc32c::crc32c(checked) != u32::from_le_bytes(*checksum) {
                return Err(Malformed);
            }
            checked.get(1..).ok_or(Malformed)
        }
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_sealed_body_is_noticed() {
        let mut body = begin();
        body.extend_from_slice(b"loss");
        let sealed = seal(body);
        assert_eq!(unseal(&sealed), Ok(&b"loss"[..]));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // The version of a body without checksum is two bits away.
            assert_eq!(unseal(&flipped), Err(Malformed), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(unseal(&sealed[..length]), Err(Malformed));
        }
        assert_eq!(unseal(b"\x01loss"), Ok(&b"loss"[..]));
    }
}
