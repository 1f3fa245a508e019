//! Reads packs: header and directory once, then any series by itself.
//!
//! The bytes come from the network or from disk and are believed in nothing: every length is
//! checked before it is used, and no more is allocated than [`PACK_POINTS_MAX`] points need.

use super::decode::decode_series;
use super::{
    COLUMN_ABSENT, COLUMN_OF_GROUP, COLUMN_OWN, GROUP_EPOCHS, GROUP_ORDER, MAGIC, PACK_POINTS_MAX,
    SHAPE_EPOCHS_SHIFT, SHAPE_ORDER_SHIFT, SHAPE_TYPE, VERSION, point_type_from_code,
};
use crate::cursor::{Cursor, Malformed};
use crate::{CodecError, SeriesColumns, packed};
use runstone_model::ValueType;

/// What the directory says of one series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesEntry {
    /// Number of the series.
    pub number: u32,
    /// Type of its values.
    pub value_type: ValueType,
    /// Its points, at least 1.
    pub count: u32,
    /// Whether it has epochs.
    pub has_epochs: bool,
    /// Whether it has order columns.
    pub has_order: bool,
    group: u32,
    pub(super) shape: u8,
    pub(super) mode: u8,
    start: usize,
    length: usize,
}

/// A group of series with the same steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    count: u32,
    pub(super) flags: i64,
    pub(super) step_mode: u8,
    pub(super) time_mode: u8,
    start: usize,
    length: usize,
}

/// A pack whose header and directory are read.
///
/// ```
/// use runstone_codec::{PackReader, SeriesColumns, SeriesPoints, encode_pack};
/// use runstone_model::ValueType;
///
/// let values = [0.5f64.to_bits(), 0.25f64.to_bits()];
/// let bytes = encode_pack(&[SeriesPoints {
///     number: 7,
///     value_type: ValueType::F64,
///     steps: &[0.0, 1.0],
///     times: &[1_000_000, 1_000_450],
///     values: &values,
///     epochs: None,
///     order: None,
/// }])?;
/// let reader = PackReader::parse(&bytes)?;
/// let mut columns = SeriesColumns::default();
/// reader.decode(reader.find(7).expect("it was put in"), &mut columns)?;
/// assert_eq!(columns.values, values);
/// # Ok::<(), runstone_codec::CodecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PackReader<'a> {
    /// Without the checksum.
    bytes: &'a [u8],
    checksum: u32,
    entries: Vec<SeriesEntry>,
    groups: Vec<Group>,
    points: usize,
    base_time: i64,
}

fn corrupt(reason: &'static str) -> CodecError {
    CodecError::Corrupt {
        what: "pack",
        reason,
    }
}

fn malformed(Malformed(reason): Malformed) -> CodecError {
    corrupt(reason)
}

impl<'a> PackReader<'a> {
    /// Reads header and directory, and checks that all lengths add up to exactly these bytes.
    /// The checksum and the columns are not looked at: see [`PackReader::validate`].
    ///
    /// # Errors
    /// `Corrupt`; `Unsupported` for a newer version; `TooLarge` past [`PACK_POINTS_MAX`] points.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let (body, end) = bytes.split_last_chunk().ok_or(corrupt("ends early"))?;
        let mut cursor = Cursor::new(body);
        if cursor.take(MAGIC.len()).map_err(malformed)? != MAGIC {
            return Err(corrupt("does not begin as a pack does"));
        }
        let version = cursor.byte().map_err(malformed)?;
        if version != VERSION {
            return Err(CodecError::Unsupported {
                what: "pack",
                found: version,
            });
        }
        let series = read_count(&mut cursor)?;
        let mut reader = Self {
            bytes: body,
            checksum: u32::from_le_bytes(*end),
            entries: Vec::new(),
            groups: Vec::new(),
            points: 0,
            base_time: 0,
        };
        if series == 0 {
            return match cursor.remaining() {
                [] => Ok(reader),
                _ => Err(corrupt("is longer than its lengths say")),
            };
        }
        let groups = read_count(&mut cursor)?;
        reader.points = read_count(&mut cursor)?;
        if groups == 0 || groups > series || series > reader.points {
            return Err(corrupt(
                "has more groups than series or more series than points",
            ));
        }
        reader.base_time = cursor.signed_varint().map_err(malformed)?;
        let first_number = cursor.varint().map_err(malformed)?;
        reader.groups = read_groups(&mut cursor, groups)?;
        reader.read_entries(&mut cursor, series, first_number)?;
        reader.place_bodies(cursor.remaining().len())?;
        Ok(reader)
    }

    /// The series, by ascending number.
    pub fn series(&self) -> impl ExactSizeIterator<Item = &SeriesEntry> {
        self.entries.iter()
    }

    /// Number of series.
    pub fn series_count(&self) -> usize {
        self.entries.len()
    }

    /// Points of all series together.
    pub fn point_count(&self) -> usize {
        self.points
    }

    /// Index of the series with this number.
    pub fn find(&self, number: u32) -> Option<usize> {
        self.entries
            .binary_search_by_key(&number, |entry| entry.number)
            .ok()
    }

    /// Decodes the series at `index`, its position in [`PackReader::series`], without the others.
    /// What `columns` held before is gone, also after an error.
    ///
    /// # Errors
    /// `Corrupt` if its columns are not what an encoder wrote.
    ///
    /// # Panics
    /// If there is no such index.
    pub fn decode(&self, index: usize, columns: &mut SeriesColumns) -> Result<(), CodecError> {
        let entry = &self.entries[index];
        let group = &self.groups[entry.group as usize];
        let shared = Cursor::new(&self.bytes[group.start..group.start + group.length]);
        let own = Cursor::new(&self.bytes[entry.start..entry.start + entry.length]);
        decode_series(entry, group, self.base_time, shared, own, columns).map_err(malformed)
    }

    /// Checks the checksum over the whole pack; for one who decodes every series anyway.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn verify_checksum(&self) -> Result<(), CodecError> {
        if crc32c::crc32c(self.bytes) == self.checksum {
            Ok(())
        } else {
            Err(corrupt("its checksum differs"))
        }
    }

    /// Checks the checksum, then decodes every series once: after this no `decode` fails.
    /// For the edge where foreign bytes come in.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn validate(&self) -> Result<(), CodecError> {
        self.verify_checksum()?;
        let mut columns = SeriesColumns::default();
        (0..self.entries.len()).try_for_each(|index| self.decode(index, &mut columns))
    }

    #[cfg(test)]
    pub(super) fn group_count(&self) -> usize {
        self.groups.len()
    }

    fn read_entries(
        &mut self,
        cursor: &mut Cursor<'_>,
        series: usize,
        first_number: u64,
    ) -> Result<(), CodecError> {
        let numbers = read_column(cursor, series - 1)?;
        let groups = read_column(cursor, series - 1)?;
        let shapes = read_column(cursor, series)?;
        let modes = read_column(cursor, series)?;
        let lengths = read_column(cursor, series)?;
        let mut number = u32::try_from(first_number).map_err(|_| corrupt("a number too large"))?;
        let mut group = 0i64;
        self.entries.reserve_exact(series);
        for index in 0..series {
            if index > 0 {
                number = u32::try_from(numbers[index - 1])
                    .ok()
                    .filter(|&difference| difference > 0)
                    .and_then(|difference| number.checked_add(difference))
                    .ok_or(corrupt("its numbers do not ascend"))?;
                group = group.wrapping_add(groups[index - 1]);
            }
            let placed = usize::try_from(group)
                .ok()
                .and_then(|at| self.groups.get(at));
            let placed = placed.ok_or(corrupt("a series in no group"))?;
            self.entries.push(entry_from_directory(
                number,
                group as u32,
                placed,
                shapes[index],
                modes[index],
                lengths[index],
            )?);
        }
        Ok(())
    }

    /// Gives every body its place; together they fill the rest of the pack.
    fn place_bodies(&mut self, rest: usize) -> Result<(), CodecError> {
        let mut at = self.bytes.len() - rest;
        let mut points = 0usize;
        for group in &mut self.groups {
            group.start = at;
            at = at
                .checked_add(group.length)
                .ok_or(corrupt("a length too large"))?;
        }
        for entry in &mut self.entries {
            entry.start = at;
            at = at
                .checked_add(entry.length)
                .ok_or(corrupt("a length too large"))?;
            points += entry.count as usize;
            if points > self.points {
                return Err(corrupt("has more points than it says"));
            }
        }
        if at != self.bytes.len() || points != self.points {
            return Err(corrupt("its lengths do not add up"));
        }
        Ok(())
    }
}

fn entry_from_directory(
    number: u32,
    group: u32,
    placed: &Group,
    shape: i64,
    mode: i64,
    length: i64,
) -> Result<SeriesEntry, CodecError> {
    let shape = u8::try_from(shape).map_err(|_| corrupt("an unknown shape"))?;
    let epochs = shape >> SHAPE_EPOCHS_SHIFT & 3;
    let order = shape >> SHAPE_ORDER_SHIFT & 3;
    if epochs > COLUMN_OWN || order > COLUMN_OWN {
        return Err(corrupt("an unknown shape"));
    }
    if epochs == COLUMN_OF_GROUP && placed.flags & GROUP_EPOCHS == 0
        || order == COLUMN_OF_GROUP && placed.flags & GROUP_ORDER == 0
    {
        return Err(corrupt("a series shares a column that its group has not"));
    }
    Ok(SeriesEntry {
        number,
        value_type: point_type_from_code(shape & SHAPE_TYPE)
            .ok_or(corrupt("an unknown value type"))?,
        count: placed.count,
        has_epochs: epochs != COLUMN_ABSENT,
        has_order: order != COLUMN_ABSENT,
        group,
        shape,
        mode: u8::try_from(mode).map_err(|_| corrupt("an unknown mode of a column"))?,
        start: 0,
        length: usize::try_from(length).map_err(|_| corrupt("a negative length"))?,
    })
}

fn read_count(cursor: &mut Cursor<'_>) -> Result<usize, CodecError> {
    let found = cursor.varint().map_err(malformed)?;
    if found > PACK_POINTS_MAX as u64 {
        let limit = PACK_POINTS_MAX as u64;
        return Err(CodecError::TooLarge {
            what: "points of a pack",
            found,
            limit,
        });
    }
    Ok(found as usize)
}

/// A column of the directory.
fn read_column(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<i64>, CodecError> {
    // No more at once than the bytes left could mean: a block of 128 takes two bytes at least.
    let mut out = Vec::with_capacity(count.min(cursor.remaining().len().saturating_mul(64)));
    packed::read(cursor, count, &mut out, |value| value).map_err(malformed)?;
    Ok(out)
}

fn read_groups(cursor: &mut Cursor<'_>, groups: usize) -> Result<Vec<Group>, CodecError> {
    let counts = read_column(cursor, groups)?;
    let flags = read_column(cursor, groups)?;
    let step_modes = read_column(cursor, groups)?;
    let time_modes = read_column(cursor, groups)?;
    let lengths = read_column(cursor, groups)?;
    (0..groups)
        .map(|index| {
            let count = u32::try_from(counts[index])
                .ok()
                .filter(|&count| count > 0 && count as usize <= PACK_POINTS_MAX)
                .ok_or(corrupt("a group of a wrong number of points"))?;
            if flags[index] & !(GROUP_EPOCHS | GROUP_ORDER) != 0 {
                return Err(corrupt("unknown flags of a group"));
            }
            let mode =
                |mode: i64| u8::try_from(mode).map_err(|_| corrupt("an unknown mode of a column"));
            Ok(Group {
                count,
                flags: flags[index],
                step_mode: mode(step_modes[index])?,
                time_mode: mode(time_modes[index])?,
                start: 0,
                length: usize::try_from(lengths[index])
                    .map_err(|_| corrupt("a negative length"))?,
            })
        })
        .collect()
}
