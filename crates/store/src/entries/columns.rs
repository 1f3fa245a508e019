//! The columns of a head: keys, times, tags and lengths, as varints of differences.

use super::{Entry, EntryError, EntryKey, EntryKind, EntryMeta, PART_BYTES_MAX};

type Result<T> = std::result::Result<T, EntryError>;

pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn read_varint(rest: &mut &[u8]) -> Result<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest
            .split_first()
            .ok_or(EntryError("a number ends early"))?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(EntryError("a number is too long"))
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Writes each value as its difference to the one before.
fn write_column(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    let mut last = 0u64;
    for value in values {
        write_varint(out, zigzag(value.wrapping_sub(last).cast_signed()));
        last = value;
    }
}

fn read_column(rest: &mut &[u8], count: usize, mut each: impl FnMut(usize, u64)) -> Result<()> {
    let mut last = 0u64;
    for index in 0..count {
        last = last.wrapping_add(unzigzag(read_varint(rest)?).cast_unsigned());
        each(index, last);
    }
    Ok(())
}

pub(super) fn write_columns(out: &mut Vec<u8>, kind: EntryKind, entries: &[Entry]) {
    let metas = || entries.iter().map(|entry| &entry.meta);
    write_varint(out, entries.len() as u64);
    write_column(out, metas().map(|meta| meta.key.major));
    if kind == EntryKind::Objects {
        write_column(out, metas().map(|meta| meta.key.generation.into()));
        write_column(out, metas().map(|meta| meta.key.append));
        write_column(out, metas().map(|meta| meta.key.position.into()));
    }
    write_column(out, metas().map(|meta| meta.time.cast_unsigned()));
    write_column(out, metas().map(|meta| meta.tag.cast_unsigned()));
    for entry in entries {
        write_varint(out, entry.body.len() as u64);
    }
}

/// The entries, and where each body begins, with the end of the last.
pub(super) fn read_columns(
    columns: &[u8],
    kind: EntryKind,
) -> Result<(Vec<EntryMeta>, Vec<usize>)> {
    let mut rest = columns;
    let count = usize::try_from(read_varint(&mut rest)?).unwrap_or(usize::MAX);
    // Each entry takes at least a byte a column.
    if count > rest.len() {
        return Err(EntryError("it counts more than it holds"));
    }
    let nothing = EntryMeta {
        key: EntryKey::FIRST,
        time: 0,
        tag: 0,
    };
    let mut entries = vec![nothing; count];
    let mut fits = true;
    read_column(&mut rest, count, |index, value| {
        entries[index].key.major = value;
    })?;
    if kind == EntryKind::Objects {
        let mut narrow = |value: u64| {
            u32::try_from(value).unwrap_or_else(|_| {
                fits = false;
                0
            })
        };
        read_column(&mut rest, count, |index, value| {
            entries[index].key.generation = narrow(value);
        })?;
        read_column(&mut rest, count, |index, value| {
            entries[index].key.append = value;
        })?;
        read_column(&mut rest, count, |index, value| {
            entries[index].key.position = narrow(value);
        })?;
    }
    read_column(&mut rest, count, |index, value| {
        entries[index].time = value.cast_signed();
    })?;
    read_column(&mut rest, count, |index, value| {
        entries[index].tag = value.cast_signed();
    })?;
    let mut offsets = Vec::with_capacity(count + 1);
    let mut offset = 0usize;
    offsets.push(0);
    for _ in 0..count {
        let length = usize::try_from(read_varint(&mut rest)?).unwrap_or(usize::MAX);
        offset = offset
            .checked_add(length)
            .filter(|end| *end <= PART_BYTES_MAX)
            .ok_or(EntryError("a body is too long"))?;
        offsets.push(offset);
    }
    let rises = entries.windows(2).all(|pair| pair[0].key < pair[1].key);
    if !fits || !rises || !rest.is_empty() {
        return Err(EntryError("its columns contradict each other"));
    }
    Ok((entries, offsets))
}
