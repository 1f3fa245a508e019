//! Varints for the small bodies of this engine (bindings, directory).
//!
//! LEB128 of a u64; signed values are zigzag first. Reading checks every end.

/// Bytes that are not what this engine wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes end early or hold an impossible number")]
pub(crate) struct Malformed;

pub(crate) fn write_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn write_signed(out: &mut Vec<u8>, value: i64) {
    write_unsigned(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_unsigned(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn read_unsigned(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(Malformed)?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

pub(crate) fn read_signed(rest: &mut &[u8]) -> Result<i64, Malformed> {
    let zigzag = read_unsigned(rest)?;
    Ok((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
}

pub(crate) fn read_byte(rest: &mut &[u8]) -> Result<u8, Malformed> {
    let (&byte, after) = rest.split_first().ok_or(Malformed)?;
    *rest = after;
    Ok(byte)
}

pub(crate) fn read_word(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let (word, after) = rest.split_first_chunk::<8>().ok_or(Malformed)?;
    *rest = after;
    Ok(u64::from_le_bytes(*word))
}

pub(crate) fn read_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Malformed> {
    let length = usize::try_from(read_unsigned(rest)?).map_err(|_| Malformed)?;
    let (text, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    std::str::from_utf8(text).map_err(|_| Malformed)
}
