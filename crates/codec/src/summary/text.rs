//! The text sections of run summaries and stripes: names, each sharing its beginning with the one before, and
//! contexts, each distinct one stored once.

use super::{corrupt, malformed};
use crate::CodecError;
use crate::cursor::{Cursor, Malformed, write_varint};
use crate::packed;

/// Text of all rows together, at most; names that share their beginnings grow when they are read.
const TEXT_BYTES_MAX: usize = 256 << 20;

pub(crate) fn write_names<'a>(out: &mut Vec<u8>, names: impl Iterator<Item = &'a str>) {
    let (mut shared, mut rest) = (Vec::new(), Vec::new());
    let mut text = Vec::new();
    let mut previous: &[u8] = &[];
    for name in names {
        let name = name.as_bytes();
        let common = previous
            .iter()
            .zip(name)
            .take_while(|(a, b)| a == b)
            .count();
        shared.push(common as i64);
        rest.push((name.len() - common) as i64);
        text.extend_from_slice(&name[common..]);
        previous = name;
    }
    packed::write(out, &shared);
    packed::write(out, &rest);
    out.append(&mut text);
}

pub(crate) fn write_contexts<'a>(
    out: &mut Vec<u8>,
    contexts: impl Iterator<Item = &'a str> + Clone,
) {
    let mut distinct: Vec<&str> = contexts.clone().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let lengths: Vec<i64> = distinct
        .iter()
        .map(|context| context.len() as i64)
        .collect();
    let places: Vec<i64> = contexts
        .map(|own| distinct.partition_point(|context| *context < own) as i64)
        .collect();
    write_varint(out, distinct.len() as u64);
    packed::write(out, &lengths);
    for context in &distinct {
        out.extend_from_slice(context.as_bytes());
    }
    packed::write(out, &places);
}

/// The context of each row, without a copy of its own.
pub(crate) struct ContextsOfRows<'a> {
    distinct: Vec<&'a str>,
    places: Vec<usize>,
}

impl<'a> ContextsOfRows<'a> {
    pub(crate) fn read(section: &'a [u8], rows: usize) -> Result<Self, CodecError> {
        let (distinct, mut cursor) = read_distinct(section, rows)?;
        let places = read_lengths(&mut cursor, rows)?;
        Ok(Self { distinct, places })
    }

    pub(crate) fn of_row(&self, row: usize) -> Result<&'a str, CodecError> {
        let context = self.distinct.get(self.places[row]).copied();
        context.ok_or(corrupt("a row of no context"))
    }
}

/// Walks the names; `each` gets the row and the name and says whether to go on.
pub(super) fn walk_names(
    section: &[u8],
    rows: usize,
    mut each: impl FnMut(usize, &[u8]) -> Result<bool, CodecError>,
) -> Result<(), CodecError> {
    let mut cursor = Cursor::new(section);
    let shared = read_lengths(&mut cursor, rows)?;
    let rest = read_lengths(&mut cursor, rows)?;
    let mut name = Vec::new();
    for row in 0..rows {
        if shared[row] > name.len() {
            return Err(corrupt("a name shares more than there is"));
        }
        name.truncate(shared[row]);
        name.extend_from_slice(cursor.take(rest[row]).map_err(malformed)?);
        if !each(row, &name)? {
            return Ok(());
        }
    }
    if cursor.remaining().is_empty() {
        Ok(())
    } else {
        Err(corrupt("has more text than names"))
    }
}

pub(crate) fn read_names(section: &[u8], rows: usize) -> Result<Vec<String>, CodecError> {
    let mut names = Vec::new();
    let mut total = 0usize;
    walk_names(section, rows, |_, name| {
        total += name.len();
        check_text(total)?;
        names.push(text_from_bytes(name)?.to_owned());
        Ok(true)
    })?;
    Ok(names)
}

/// The rows with this name; they stand together.
pub(super) fn rows_of_name(
    section: &[u8],
    rows: usize,
    name: &str,
) -> Result<std::ops::Range<usize>, CodecError> {
    let mut found = 0..0;
    walk_names(section, rows, |row, candidate| {
        if candidate == name.as_bytes() {
            let start = if found.is_empty() { row } else { found.start };
            found = start..row + 1;
        }
        Ok(candidate <= name.as_bytes())
    })?;
    Ok(found)
}

/// The distinct contexts, and a cursor at the places of the rows.
fn read_distinct<'a>(
    section: &'a [u8],
    rows: usize,
) -> Result<(Vec<&'a str>, Cursor<'a>), CodecError> {
    let mut cursor = Cursor::new(section);
    let count = cursor.varint().map_err(malformed)?;
    if count == 0 || count > rows as u64 {
        return Err(corrupt("a wrong number of contexts"));
    }
    let lengths = read_lengths(&mut cursor, count as usize)?;
    let distinct = lengths
        .into_iter()
        .map(|length| text_from_bytes(cursor.take(length).map_err(malformed)?))
        .collect::<Result<_, _>>()?;
    Ok((distinct, cursor))
}

pub(crate) fn read_contexts(section: &[u8], rows: usize) -> Result<Vec<String>, CodecError> {
    contexts_of_rows(section, rows, 0..rows)
}

/// The contexts of some rows.
pub(super) fn contexts_of_rows(
    section: &[u8],
    rows: usize,
    wanted: std::ops::Range<usize>,
) -> Result<Vec<String>, CodecError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let contexts = ContextsOfRows::read(section, rows)?;
    let mut total = 0usize;
    wanted
        .map(|row| {
            let context = contexts.of_row(row)?;
            total += context.len();
            check_text(total)?;
            Ok(context.to_owned())
        })
        .collect()
}

/// The first of `candidates` with this context for which `fits`.
pub(super) fn row_of_context(
    section: &[u8],
    rows: usize,
    candidates: std::ops::Range<usize>,
    context: &str,
    mut fits: impl FnMut(usize) -> Result<bool, CodecError>,
) -> Result<Option<usize>, CodecError> {
    let (distinct, mut cursor) = read_distinct(section, rows)?;
    let Some(wanted) = distinct.iter().position(|candidate| *candidate == context) else {
        return Ok(None);
    };
    let places = read_lengths(&mut cursor, rows)?;
    for row in candidates {
        if places[row] == wanted && fits(row)? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn read_lengths(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<usize>, CodecError> {
    let mut lengths = Vec::new();
    packed::read(cursor, count, &mut lengths, |length| {
        usize::try_from(length)
    })
    .map_err(malformed)?;
    lengths
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|_| malformed(Malformed("a negative length")))
}

fn check_text(total: usize) -> Result<(), CodecError> {
    if total <= TEXT_BYTES_MAX {
        return Ok(());
    }
    let (found, limit) = (total as u64, TEXT_BYTES_MAX as u64);
    Err(CodecError::TooLarge {
        what: "text of a run summary",
        found,
        limit,
    })
}

pub(super) fn text_from_bytes(bytes: &[u8]) -> Result<&str, CodecError> {
    std::str::from_utf8(bytes).map_err(|_| corrupt("text that is not UTF-8"))
}
