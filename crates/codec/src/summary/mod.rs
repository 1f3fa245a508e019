//! The run summary: all series of a run and what their points amount to, in columns.
//! Format: `docs/formats/summary.md`.
//!
//! The store keeps one such block a run, the truth about its series. Rows are sorted by
//! (name, context, kind). A block is made of sections with their lengths in front, so that one
//! row, or later one column, is read without the rest; sections that a reader does not know are
//! passed over, and those that an older writer did not write read as zero.

pub(crate) mod text;

use crate::CodecError;
use crate::column::{self, ColumnScratch, Kind};
use crate::cursor::{Cursor, Malformed, write_varint};
use crate::pack::{code_from_type, type_from_code};
use crate::packed;
use crate::stripe::StripeRow;
use runstone_model::ValueType;

/// Rows in one block at most.
pub const SUMMARY_ROWS_MAX: usize = 1 << 21;

const MAGIC: [u8; 3] = *b"RSS";
const VERSION: u8 = 1;
/// Sections before the number columns: names and contexts.
const TEXT_SECTIONS: usize = 2;
/// More sections than any version will have.
const SECTIONS_MAX: u64 = 1024;

/// A value and where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SummaryMark {
    /// Its step.
    pub step: f64,
    /// Its time, microseconds UTC.
    pub time: i64,
    /// Its value as f64.
    pub value: f64,
}

/// A series of a run and the summary of its readable points.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryRow {
    /// Metric name.
    pub name: String,
    /// Canonical context, as the store writes it.
    pub context: String,
    /// `SeriesKind::as_u8`.
    pub kind: u8,
    /// Type it reads as.
    pub value_type: ValueType,
    /// Number of the series in the run's folded packs.
    pub number: u32,
    /// Bits whose meaning is the store's, [`SummaryRow::SORTED`] excepted.
    pub flags: u32,
    /// Where its folded points lie; the meaning is the store's.
    pub place: u64,
    /// Points stored, hidden ones included.
    pub stored_count: u64,
    /// Readable points.
    pub count: u64,
    /// Of them NaN.
    pub nan_count: u64,
    /// Of them positive infinity.
    pub positive_infinity_count: u64,
    /// Of them negative infinity.
    pub negative_infinity_count: u64,
    /// Point of the smallest step.
    pub first: Option<SummaryMark>,
    /// Point of the greatest step.
    pub last: Option<SummaryMark>,
    /// Smallest value.
    pub min: Option<SummaryMark>,
    /// Greatest value.
    pub max: Option<SummaryMark>,
    /// Sum of the finite values.
    pub sum: f64,
}

impl SummaryRow {
    /// Flag: the points as stored have strictly ascending steps, and each is readable.
    pub const SORTED: u32 = 1;

    fn key(&self) -> (&str, &str, u8) {
        (&self.name, &self.context, self.kind)
    }
}

fn corrupt(reason: &'static str) -> CodecError {
    CodecError::Corrupt {
        what: "run summary",
        reason,
    }
}

fn malformed(Malformed(reason): Malformed) -> CodecError {
    corrupt(reason)
}

/// The numbers of a row, as words; the order is that of the sections.
type Numbers = [u64; 24];

const F: Kind = Kind::Float;
const I: Kind = Kind::Integer;
const NUMBER_KINDS: [Kind; 24] = [
    I, I, I, I, I, I, I, I, I, I, I, F, I, F, F, I, F, F, I, F, F, I, F, F,
];

fn numbers_from_row(row: &SummaryRow) -> Numbers {
    let marks = [row.first, row.last, row.min, row.max];
    let present = (0..4)
        .filter(|&at| marks[at].is_some())
        .fold(0, |bits, at| bits | 1 << at);
    let mark = |at: usize| {
        marks[at].map_or([0; 3], |mark| {
            [mark.step.to_bits(), mark.time as u64, mark.value.to_bits()]
        })
    };
    let [first, last, min, max] = [mark(0), mark(1), mark(2), mark(3)];
    [
        row.kind.into(),
        code_from_type(row.value_type).into(),
        row.number.into(),
        row.flags.into(),
        row.place,
        row.stored_count,
        row.count,
        row.nan_count,
        row.positive_infinity_count,
        row.negative_infinity_count,
        present,
        first[0],
        first[1],
        first[2],
        last[0],
        last[1],
        last[2],
        min[0],
        min[1],
        min[2],
        max[0],
        max[1],
        max[2],
        row.sum.to_bits(),
    ]
}

fn row_from_numbers(
    name: String,
    context: String,
    numbers: &Numbers,
) -> Result<SummaryRow, CodecError> {
    let mark = |bit: u64, at: usize| {
        (numbers[10] & bit != 0).then(|| SummaryMark {
            step: f64::from_bits(numbers[at]),
            time: numbers[at + 1] as i64,
            value: f64::from_bits(numbers[at + 2]),
        })
    };
    let narrow = |word: u64| u32::try_from(word).map_err(|_| corrupt("a number exceeds 32 bits"));
    let byte = |word: u64| u8::try_from(word).map_err(|_| corrupt("a number exceeds 8 bits"));
    Ok(SummaryRow {
        name,
        context,
        kind: byte(numbers[0])?,
        value_type: type_from_code(byte(numbers[1])?).ok_or(corrupt("an unknown value type"))?,
        number: narrow(numbers[2])?,
        flags: narrow(numbers[3])?,
        place: numbers[4],
        stored_count: numbers[5],
        count: numbers[6],
        nan_count: numbers[7],
        positive_infinity_count: numbers[8],
        negative_infinity_count: numbers[9],
        first: mark(1, 11),
        last: mark(2, 14),
        min: mark(4, 17),
        max: mark(8, 20),
        sum: f64::from_bits(numbers[23]),
    })
}

/// What [`RunSummaryReader::visit_stripe_rows`] reads of a row: kind, type, counts, values of first,
/// last, min and max, step of last, sum.
const STRIPE_NUMBERS: [usize; 12] = [0, 1, 6, 7, 8, 9, 13, 14, 16, 19, 22, 23];

fn stripe_row_from_numbers(run: u16, numbers: &[u64; 12]) -> Result<StripeRow, CodecError> {
    let code = u8::try_from(numbers[1]).ok().and_then(type_from_code);
    let float = |at: usize| f64::from_bits(numbers[at]);
    Ok(StripeRow {
        run,
        value_type: code.ok_or(corrupt("an unknown value type"))?,
        count: numbers[2],
        nan_count: numbers[3],
        positive_infinity_count: numbers[4],
        negative_infinity_count: numbers[5],
        first: float(6),
        last_step: float(7),
        last: float(8),
        min: float(9),
        max: float(10),
        sum: float(11),
    })
}

/// Encodes rows sorted by strictly ascending (name, context, kind), compared as bytes.
///
/// # Errors
/// `Invalid` if they are not so sorted; `TooLarge` past [`SUMMARY_ROWS_MAX`] rows.
pub fn encode_run_summary(rows: &[SummaryRow]) -> Result<Vec<u8>, CodecError> {
    if rows.len() > SUMMARY_ROWS_MAX {
        return Err(CodecError::TooLarge {
            what: "rows of a run summary",
            found: rows.len() as u64,
            limit: SUMMARY_ROWS_MAX as u64,
        });
    }
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].key() >= pair[1].key()) {
        return Err(CodecError::Invalid(format!(
            "series {:?} {} after {:?} {} in a run summary; hint: sort by name, context, kind",
            pair[1].name, pair[1].context, pair[0].name, pair[0].context
        )));
    }
    let mut out = Vec::with_capacity(64 + rows.len() * 48);
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    write_varint(&mut out, rows.len() as u64);
    if !rows.is_empty() {
        let mut lengths = Vec::with_capacity(TEXT_SECTIONS + NUMBER_KINDS.len());
        let mut sections = Vec::with_capacity(rows.len() * 48);
        text::write_names(&mut sections, rows.iter().map(|row| row.name.as_str()));
        lengths.push(sections.len() as i64);
        text::write_contexts(&mut sections, rows.iter().map(|row| row.context.as_str()));
        lengths.push(sections.len() as i64 - lengths[0]);
        write_numbers(&mut sections, &mut lengths, rows);
        write_varint(&mut out, lengths.len() as u64);
        packed::write(&mut out, &lengths);
        out.append(&mut sections);
    }
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(out)
}

fn write_numbers(sections: &mut Vec<u8>, lengths: &mut Vec<i64>, rows: &[SummaryRow]) {
    let numbers: Vec<Numbers> = rows.iter().map(numbers_from_row).collect();
    let mut scratch = ColumnScratch::default();
    let mut words = Vec::with_capacity(rows.len());
    for (at, &kind) in NUMBER_KINDS.iter().enumerate() {
        let start = sections.len();
        words.clear();
        words.extend(numbers.iter().map(|numbers| numbers[at]));
        sections.push(0);
        sections[start] = column::write(sections, &words, kind, &mut scratch);
        lengths.push((sections.len() - start) as i64);
    }
}

/// A run summary whose header is read and whose checksum is right.
///
/// ```
/// use runstone_codec::{RunSummaryReader, encode_run_summary};
///
/// let bytes = encode_run_summary(&[])?;
/// assert_eq!(RunSummaryReader::parse(&bytes)?.find("loss", "{}", 0)?, None);
/// # Ok::<(), runstone_codec::CodecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RunSummaryReader<'a> {
    rows: usize,
    sections: Vec<&'a [u8]>,
}

impl<'a> RunSummaryReader<'a> {
    /// Checks the checksum and finds the sections.
    ///
    /// # Errors
    /// `Corrupt`, `TooLarge`; `Unsupported` for a newer version.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let (body, checksum) = bytes.split_last_chunk().ok_or(corrupt("ends early"))?;
        let mut cursor = Cursor::new(body);
        if cursor.take(MAGIC.len()).map_err(malformed)? != MAGIC {
            return Err(corrupt("does not begin as a run summary does"));
        }
        let version = cursor.byte().map_err(malformed)?;
        if version != VERSION {
            return Err(CodecError::Unsupported {
                what: "run summary",
                found: version,
            });
        }
        if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
            return Err(corrupt("its checksum differs"));
        }
        let found = cursor.varint().map_err(malformed)?;
        if found > SUMMARY_ROWS_MAX as u64 {
            let limit = SUMMARY_ROWS_MAX as u64;
            return Err(CodecError::TooLarge {
                what: "rows of a run summary",
                found,
                limit,
            });
        }
        let sections = match found {
            0 => Vec::new(),
            _ => parse_sections(&mut cursor).map_err(malformed)?,
        };
        if !cursor.remaining().is_empty() {
            return Err(corrupt("is longer than its lengths say"));
        }
        Ok(Self {
            rows: found as usize,
            sections,
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// All rows, sorted by (name, context, kind).
    ///
    /// # Errors
    /// `Corrupt`; `TooLarge` when names or contexts together exceed 256 MiB.
    pub fn rows(&self) -> Result<Vec<SummaryRow>, CodecError> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let names = text::read_names(self.sections[0], self.rows)?;
        let contexts = text::read_contexts(self.sections[1], self.rows)?;
        let mut numbers = vec![[0u64; NUMBER_KINDS.len()]; self.rows];
        let mut words = Vec::new();
        for (at, &kind) in NUMBER_KINDS.iter().enumerate() {
            let Some(section) = self.sections.get(TEXT_SECTIONS + at) else {
                break;
            };
            words.clear();
            let mut cursor = Cursor::new(section);
            let mode = cursor.byte().map_err(malformed)?;
            column::read(&mut cursor, mode, kind, self.rows, &mut words, |word| word)
                .map_err(malformed)?;
            for (numbers, &word) in numbers.iter_mut().zip(&words) {
                numbers[at] = word;
            }
        }
        names
            .into_iter()
            .zip(contexts)
            .zip(&numbers)
            .map(|((name, context), numbers)| row_from_numbers(name, context, numbers))
            .collect()
    }

    /// One row by its key. Reads names and contexts, and one block of each other
    /// column.
    ///
    /// # Errors
    /// As [`RunSummaryReader::rows`].
    pub fn find(
        &self,
        name: &str,
        context: &str,
        kind: u8,
    ) -> Result<Option<SummaryRow>, CodecError> {
        if self.is_empty() {
            return Ok(None);
        }
        let candidates = text::rows_of_name(self.sections[0], self.rows, name)?;
        let of_kind = |row: usize| Ok(self.number(row, 0)? == u64::from(kind));
        let found =
            text::row_of_context(self.sections[1], self.rows, candidates, context, of_kind)?;
        let Some(row) = found else { return Ok(None) };
        let mut numbers = [0; NUMBER_KINDS.len()];
        for (at, number) in numbers.iter_mut().enumerate() {
            *number = self.number(row, at)?;
        }
        row_from_numbers(name.to_owned(), context.to_owned(), &numbers).map(Some)
    }

    /// The rows of one name, by context and kind. Reads names and contexts, and one block of
    /// each other column a row.
    ///
    /// # Errors
    /// As [`RunSummaryReader::rows`].
    pub fn find_name(&self, name: &str) -> Result<Vec<SummaryRow>, CodecError> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let found = text::rows_of_name(self.sections[0], self.rows, name)?;
        let contexts = text::contexts_of_rows(self.sections[1], self.rows, found.clone())?;
        found
            .zip(contexts)
            .map(|(row, context)| {
                let mut numbers = [0; NUMBER_KINDS.len()];
                for (at, number) in numbers.iter_mut().enumerate() {
                    *number = self.number(row, at)?;
                }
                row_from_numbers(name.to_owned(), context, &numbers)
            })
            .collect()
    }

    /// Hands on name, context and what a stripe keeps of each row of a kind that has readable points,
    /// in order. The rows have `run` as their run.
    ///
    /// # Errors
    /// As [`RunSummaryReader::rows`], and those of `each`.
    pub fn visit_stripe_rows<E: From<CodecError>>(
        &self,
        kind: u8,
        run: u16,
        mut each: impl FnMut(&str, &str, StripeRow) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.is_empty() {
            return Ok(());
        }
        let mut numbers = vec![[0u64; STRIPE_NUMBERS.len()]; self.rows];
        let mut words = Vec::with_capacity(self.rows);
        for (place, at) in STRIPE_NUMBERS.into_iter().enumerate() {
            let Some(section) = self.sections.get(TEXT_SECTIONS + at) else {
                continue;
            };
            words.clear();
            let mut cursor = Cursor::new(section);
            let mode = cursor.byte().map_err(malformed)?;
            column::read(
                &mut cursor,
                mode,
                NUMBER_KINDS[at],
                self.rows,
                &mut words,
                |word| word,
            )
            .map_err(malformed)?;
            for (numbers, &word) in numbers.iter_mut().zip(&words) {
                numbers[place] = word;
            }
        }
        let contexts = text::ContextsOfRows::read(self.sections[1], self.rows)?;
        let mut outcome = Ok(());
        text::walk_names(self.sections[0], self.rows, |row, name| {
            let numbers = &numbers[row];
            if numbers[0] != u64::from(kind) || numbers[2] == 0 {
                return Ok(true);
            }
            let name = text::text_from_bytes(name)?;
            let stripe_row = stripe_row_from_numbers(run, numbers)?;
            outcome = each(name, contexts.of_row(row)?, stripe_row);
            Ok(outcome.is_ok())
        })?;
        outcome
    }

    /// One number of one row; zero where the writer knew no such section.
    fn number(&self, index: usize, at: usize) -> Result<u64, CodecError> {
        let Some(section) = self.sections.get(TEXT_SECTIONS + at) else {
            return Ok(0);
        };
        let mut cursor = Cursor::new(section);
        let mode = cursor.byte().map_err(malformed)?;
        column::nth(&mut cursor, mode, NUMBER_KINDS[at], self.rows, index).map_err(malformed)
    }
}

fn parse_sections<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<&'a [u8]>, Malformed> {
    let count = cursor.varint()?;
    if count < TEXT_SECTIONS as u64 || count > SECTIONS_MAX {
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

#[cfg(test)]
mod tests;
