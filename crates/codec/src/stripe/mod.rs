//! The stripe: what metrics amount to in many runs, column by column.
//! Format: `docs/formats/stripe.md`.
//!
//! A run summary says everything of one run; a table asks for one metric of all runs. A stripe
//! holds whole columns, a column being a metric in a context with a row for each run of a *band*,
//! 1,024 runs whose keys follow each other. Runs stand by their offset in the band. A *roll* says
//! which runs of the band the stripes know, and as of which change. Both can be made again from
//! run summaries.

use crate::CodecError;
use crate::column::{self, ColumnScratch, Kind};
use crate::cursor::{Cursor, Malformed, write_varint};
use crate::pack::{code_from_type, type_from_code};
use crate::packed;
use crate::summary::text;
use runstone_model::ValueType;
use std::ops::Range;

/// Runs of a band.
pub const BAND_RUNS: usize = 1 << 10;
/// Rows of a stripe at most; one column has a row a run.
pub const STRIPE_ROWS_MAX: usize = BAND_RUNS;

const MAGIC: [u8; 3] = *b"RST";
const ROLL_MAGIC: [u8; 3] = *b"RSR";
const VERSION: u8 = 1;
/// More sections than any version will have.
const SECTIONS_MAX: u64 = 1024;

/// What a metric amounts to in one run, as far as tables ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StripeRow {
    /// Offset of the run in its band.
    pub run: u16,
    /// Type the series reads as.
    pub value_type: ValueType,
    /// Readable points, one at least.
    pub count: u64,
    /// Of them NaN.
    pub nan_count: u64,
    /// Of them positive infinity.
    pub positive_infinity_count: u64,
    /// Of them negative infinity.
    pub negative_infinity_count: u64,
    /// Value of the smallest step.
    pub first: f64,
    /// Value of the greatest step.
    pub last: f64,
    /// The greatest step.
    pub last_step: f64,
    /// Smallest value; means nothing if all are NaN.
    pub min: f64,
    /// Greatest value; means nothing if all are NaN.
    pub max: f64,
    /// Sum of the finite values.
    pub sum: f64,
}

/// A metric in a context, with its rows by ascending run.
#[derive(Debug, Clone, Copy)]
pub struct StripeColumn<'a> {
    /// Metric name.
    pub name: &'a str,
    /// Canonical context, as the store writes it.
    pub context: &'a str,
    /// Rows, one at least.
    pub rows: &'a [StripeRow],
}

fn corrupt(reason: &'static str) -> CodecError {
    CodecError::Corrupt {
        what: "stripe",
        reason,
    }
}

fn malformed(Malformed(reason): Malformed) -> CodecError {
    corrupt(reason)
}

/// The numbers of a row, as words; the order is that of the sections.
type Numbers = [u64; 12];

const F: Kind = Kind::Float;
const I: Kind = Kind::Integer;
const NUMBER_KINDS: [Kind; 12] = [I, I, I, I, I, I, F, F, F, F, F, F];

fn numbers_from_row(row: &StripeRow) -> Numbers {
    [
        row.run.into(),
        code_from_type(row.value_type).into(),
        row.count,
        row.nan_count,
        row.positive_infinity_count,
        row.negative_infinity_count,
        row.first.to_bits(),
        row.last.to_bits(),
        row.last_step.to_bits(),
        row.min.to_bits(),
        row.max.to_bits(),
        row.sum.to_bits(),
    ]
}

fn row_from_numbers(numbers: &Numbers) -> Result<StripeRow, CodecError> {
    let run = u16::try_from(numbers[0]).ok();
    let code = u8::try_from(numbers[1]).ok();
    Ok(StripeRow {
        run: run
            .filter(|run| usize::from(*run) < BAND_RUNS)
            .ok_or(corrupt("a run outside of the band"))?,
        value_type: code
            .and_then(type_from_code)
            .ok_or(corrupt("an unknown value type"))?,
        count: numbers[2],
        nan_count: numbers[3],
        positive_infinity_count: numbers[4],
        negative_infinity_count: numbers[5],
        first: f64::from_bits(numbers[6]),
        last: f64::from_bits(numbers[7]),
        last_step: f64::from_bits(numbers[8]),
        min: f64::from_bits(numbers[9]),
        max: f64::from_bits(numbers[10]),
        sum: f64::from_bits(numbers[11]),
    })
}

/// Encodes columns sorted by strictly ascending (name, context), compared as bytes.
///
/// # Errors
/// `Invalid` if columns or runs are not so sorted, or a column has no row; `TooLarge` past
/// [`STRIPE_ROWS_MAX`] rows.
pub fn encode_stripe(columns: &[StripeColumn<'_>]) -> Result<Vec<u8>, CodecError> {
    check_columns(columns)?;
    let rows = columns.iter().flat_map(|column| column.rows);
    let numbers: Vec<Numbers> = rows.map(numbers_from_row).collect();
    let mut out = Vec::with_capacity(64 + numbers.len() * 16);
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    write_varint(&mut out, columns.len() as u64);
    write_varint(&mut out, numbers.len() as u64);
    if !columns.is_empty() {
        let counts: Vec<i64> = columns.iter().map(|own| own.rows.len() as i64).collect();
        packed::write(&mut out, &counts);
        let mut sections = Vec::with_capacity(numbers.len() * 16);
        let mut ends = Vec::with_capacity(2 + NUMBER_KINDS.len());
        text::write_names(&mut sections, columns.iter().map(|column| column.name));
        ends.push(sections.len());
        text::write_contexts(&mut sections, columns.iter().map(|column| column.context));
        ends.push(sections.len());
        let mut scratch = ColumnScratch::default();
        let mut words = Vec::with_capacity(numbers.len());
        for (at, &kind) in NUMBER_KINDS.iter().enumerate() {
            words.clear();
            words.extend(numbers.iter().map(|numbers| numbers[at]));
            let start = sections.len();
            sections.push(0);
            sections[start] = column::write(&mut sections, &words, kind, &mut scratch);
            ends.push(sections.len());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let lengths: Vec<i64> = starts
            .zip(&ends)
            .map(|(start, end)| (end - start) as i64)
            .collect();
        write_varint(&mut out, lengths.len() as u64);
        packed::write(&mut out, &lengths);
        out.append(&mut sections);
    }
    close(&mut out);
    Ok(out)
}

fn check_columns(columns: &[StripeColumn<'_>]) -> Result<(), CodecError> {
    let key = |column: &StripeColumn<'_>| (column.name.to_owned(), column.context.to_owned());
    let unsorted = columns
        .windows(2)
        .find(|pair| (pair[0].name, pair[0].context) >= (pair[1].name, pair[1].context));
    if let Some(pair) = unsorted {
        return Err(CodecError::Invalid(format!(
            "column {:?} after {:?} in a stripe; hint: sort by name and context",
            key(&pair[1]),
            key(&pair[0])
        )));
    }
    let are_ascending = |column: &StripeColumn<'_>| {
        let runs = || column.rows.iter().map(|row| row.run);
        runs().zip(runs().skip(1)).all(|(one, next)| one < next)
            && runs().all(|run| usize::from(run) < BAND_RUNS)
    };
    let wrong = columns
        .iter()
        .find(|column| column.rows.is_empty() || !are_ascending(column));
    if let Some(column) = wrong {
        return Err(CodecError::Invalid(format!(
            "rows of column {:?} in a stripe; hint: one row at least, by ascending run",
            key(column)
        )));
    }
    let rows: usize = columns.iter().map(|column| column.rows.len()).sum();
    if rows > STRIPE_ROWS_MAX {
        return Err(CodecError::TooLarge {
            what: "rows of a stripe",
            found: rows as u64,
            limit: STRIPE_ROWS_MAX as u64,
        });
    }
    Ok(())
}

fn close(out: &mut Vec<u8>) {
    let checksum = crc32c::crc32c(out);
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// A cursor behind magic and version of bytes whose checksum is right.
fn open(bytes: &[u8], magic: [u8; 3]) -> Result<Cursor<'_>, CodecError> {
    let (body, checksum) = bytes.split_last_chunk().ok_or(corrupt("ends early"))?;
    let mut cursor = Cursor::new(body);
    if cursor.take(magic.len()).map_err(malformed)? != magic {
        return Err(corrupt("does not begin as it should"));
    }
    let found = cursor.byte().map_err(malformed)?;
    if found != VERSION {
        let what = "stripe";
        return Err(CodecError::Unsupported { what, found });
    }
    if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
        return Err(corrupt("its checksum differs"));
    }
    Ok(cursor)
}

/// A stripe whose header is read and whose checksum is right.
///
/// ```
/// use runstone_codec::{StripeReader, encode_stripe};
///
/// let bytes = encode_stripe(&[])?;
/// assert!(StripeReader::parse(&bytes)?.columns()?.is_empty());
/// # Ok::<(), runstone_codec::CodecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StripeReader<'a> {
    /// Rows of each column.
    counts: Vec<usize>,
    rows: usize,
    sections: Vec<&'a [u8]>,
}

impl<'a> StripeReader<'a> {
    /// Checks the checksum and finds the sections.
    ///
    /// # Errors
    /// `Corrupt`; `Unsupported` for a newer version.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let mut cursor = open(bytes, MAGIC)?;
        let columns = cursor.varint().map_err(malformed)?;
        let rows = cursor.varint().map_err(malformed)?;
        if columns > rows || rows > STRIPE_ROWS_MAX as u64 {
            return Err(corrupt("a wrong number of rows"));
        }
        let (mut counts, mut sections) = (Vec::new(), Vec::new());
        if columns > 0 {
            packed::read(&mut cursor, columns as usize, &mut counts, |count| {
                usize::try_from(count).unwrap_or(usize::MAX)
            })
            .map_err(malformed)?;
            let sum = counts.iter().try_fold(0usize, |sum, count| {
                sum.checked_add(*count).filter(|_| *count > 0)
            });
            if sum != Some(rows as usize) {
                return Err(corrupt("columns of another number of rows"));
            }
            sections = parse_sections(&mut cursor).map_err(malformed)?;
        }
        if !cursor.remaining().is_empty() {
            return Err(corrupt("is longer than its lengths say"));
        }
        Ok(Self {
            counts,
            rows: rows as usize,
            sections,
        })
    }

    /// Name and context of each column, with the places of its rows.
    ///
    /// # Errors
    /// `Corrupt`; `TooLarge` when names or contexts together exceed 256 MiB.
    pub fn columns(&self) -> Result<Vec<(String, String, Range<usize>)>, CodecError> {
        if self.counts.is_empty() {
            return Ok(Vec::new());
        }
        let names = text::read_names(self.sections[0], self.counts.len())?;
        let contexts = text::read_contexts(self.sections[1], self.counts.len())?;
        let mut next = 0;
        let places = self.counts.iter().map(|count| {
            let start = next;
            next += count;
            start..next
        });
        let named = names.into_iter().zip(contexts).zip(places);
        Ok(named
            .map(|((name, context), places)| (name, context, places))
            .collect())
    }

    /// All rows, column after column.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn rows(&self) -> Result<Vec<StripeRow>, CodecError> {
        if self.counts.is_empty() {
            return Ok(Vec::new());
        }
        let mut numbers = vec![[0u64; NUMBER_KINDS.len()]; self.rows];
        let mut words = Vec::with_capacity(self.rows);
        for (at, &kind) in NUMBER_KINDS.iter().enumerate() {
            let section = self.sections.get(2 + at);
            let section = section.ok_or(corrupt("a column of numbers is missing"))?;
            words.clear();
            let mut cursor = Cursor::new(section);
            let mode = cursor.byte().map_err(malformed)?;
            column::read(&mut cursor, mode, kind, self.rows, &mut words, |word| word)
                .map_err(malformed)?;
            for (numbers, &word) in numbers.iter_mut().zip(&words) {
                numbers[at] = word;
            }
        }
        numbers.iter().map(row_from_numbers).collect()
    }
}

fn parse_sections<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<&'a [u8]>, Malformed> {
    let count = cursor.varint()?;
    if !(2..=SECTIONS_MAX).contains(&count) {
        return Err(Malformed("a wrong number of sections"));
    }
    let mut lengths = Vec::with_capacity(count as usize);
    packed::read(cursor, count as usize, &mut lengths, |length| length)?;
    lengths
        .iter()
        .map(|&length| {
            let length = usize::try_from(length).map_err(|_| Malformed("a negative length"))?;
            cursor.take(length)
        })
        .collect()
}

/// Encodes which runs of a band the stripes know, by ascending offset, each with the number of
/// the newest change that they know of it.
///
/// # Errors
/// `Invalid` if offsets are not so sorted or not in the band.
pub fn encode_roll(runs: &[(u16, u64)]) -> Result<Vec<u8>, CodecError> {
    let ascending = runs.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let last = runs.last().map_or(0, |(run, _)| usize::from(*run));
    if !ascending || last >= BAND_RUNS {
        return Err(CodecError::Invalid(
            "the runs of a roll are not sorted or not in the band".to_owned(),
        ));
    }
    let mut out = Vec::with_capacity(16 + runs.len() * 4);
    out.extend_from_slice(&ROLL_MAGIC);
    out.push(VERSION);
    write_varint(&mut out, runs.len() as u64);
    if !runs.is_empty() {
        let mut scratch = ColumnScratch::default();
        let offsets: Vec<u64> = runs.iter().map(|(run, _)| u64::from(*run)).collect();
        let changes: Vec<u64> = runs.iter().map(|(_, change)| *change).collect();
        for words in [offsets, changes] {
            let start = out.len();
            out.push(0);
            out[start] = column::write(&mut out, &words, I, &mut scratch);
        }
    }
    close(&mut out);
    Ok(out)
}

/// Reads what [`encode_roll`] wrote.
///
/// # Errors
/// `Corrupt`; `Unsupported` for a newer version.
pub fn decode_roll(bytes: &[u8]) -> Result<Vec<(u16, u64)>, CodecError> {
    let mut cursor = open(bytes, ROLL_MAGIC)?;
    let count = cursor.varint().map_err(malformed)?;
    if count > BAND_RUNS as u64 {
        return Err(corrupt("more runs than a band has"));
    }
    let count = count as usize;
    let mut columns = [Vec::new(), Vec::new()];
    for words in columns.iter_mut().filter(|_| count > 0) {
        let mode = cursor.byte().map_err(malformed)?;
        column::read(&mut cursor, mode, I, count, words, |word| word).map_err(malformed)?;
    }
    if !cursor.remaining().is_empty() {
        return Err(corrupt("is longer than its lengths say"));
    }
    let [offsets, changes] = columns;
    if !offsets.is_sorted_by(|one, next| one < next) {
        return Err(corrupt("the runs of a roll are not sorted"));
    }
    let in_band = |offset: u64| {
        let run = u16::try_from(offset).ok();
        run.filter(|run| usize::from(*run) < BAND_RUNS)
            .ok_or(corrupt("a run outside of the band"))
    };
    offsets
        .into_iter()
        .zip(changes)
        .map(|(offset, change)| Ok((in_band(offset)?, change)))
        .collect()
}

#[cfg(test)]
mod tests;
