//! Blocks of entries: lines, log records and sets of objects as bytes, sorted by key.
//!
//! Engines with files keep entries in blocks of this format, as they were received and folded
//! into greater, compressed ones. The *head* holds what is needed to choose entries (keys, times,
//! tags, lengths), the *data* the bodies; the two are kept apart, so that a reader that only counts
//! or filters leaves the data alone. Specified in `docs/formats/entries.md`.
//!
//! The surprising rule: two blocks of one list may hold the same key; which of them is newer is
//! the engine's to know.

mod body;
mod columns;
#[cfg(test)]
mod tests;

pub use body::{
    decode_line, decode_object_set, decode_record, encode_line, encode_object_set, encode_record,
};

use self::columns::{read_columns, write_columns};

/// The version that is written, and the only one that is read.
const VERSION: u8 = 1;
/// Set in the flags when the part is compressed.
const HEAD_COMPRESSED: u8 = 1;
const DATA_COMPRESSED: u8 = 2;
/// Of zstd; higher ones take much longer for few bytes less.
const LEVEL: i32 = 3;
/// Parts shorter than this are not worth compressing.
const COMPRESS_BYTES_MIN: usize = 256;
/// A part never is longer than this when decompressed; more was not written here.
const PART_BYTES_MAX: usize = 64 << 20;

/// What the entries of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// Terminal lines.
    Lines,
    /// Log records.
    Records,
    /// Sets of objects.
    Objects,
}

impl EntryKind {
    /// Its number in blocks and in engines; never changes.
    pub fn as_u8(self) -> u8 {
        match self {
            Self::Lines => 0,
            Self::Records => 1,
            Self::Objects => 2,
        }
    }

    /// By its number; `None` for a kind of a later version.
    pub fn from_u8(number: u8) -> Option<Self> {
        [Self::Lines, Self::Records, Self::Objects]
            .into_iter()
            .find(|kind| kind.as_u8() == number)
    }
}

/// Where an entry stands in its list; compares in that order. Lines and records use `major` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryKey {
    /// The number of a line or record; the step of a set, see [`EntryKey::step`].
    pub major: u64,
    /// Generation of a set.
    pub generation: u32,
    /// Append number of a set.
    pub append: u64,
    /// Place of a set among those of its frame.
    pub position: u32,
}

impl EntryKey {
    /// Smaller than all others.
    pub const FIRST: Self = Self::numbered(0);

    /// The key of a line or record, and the smallest with this `major`.
    pub const fn numbered(number: u64) -> Self {
        Self {
            major: number,
            generation: 0,
            append: 0,
            position: 0,
        }
    }

    /// `major` of a finite step: numbers in the order of the steps.
    pub fn major_of_step(step: f64) -> u64 {
        let bits = step.to_bits();
        let sign = 1 << 63;
        if bits & sign == 0 { bits | sign } else { !bits }
    }

    /// The step of a set's key.
    pub fn step(&self) -> f64 {
        let sign = 1 << 63;
        f64::from_bits(if self.major & sign == 0 {
            !self.major
        } else {
            self.major & !sign
        })
    }

    /// As bytes that compare as the keys do.
    pub fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.major.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.generation.to_be_bytes());
        bytes[12..20].copy_from_slice(&self.append.to_be_bytes());
        bytes[20..].copy_from_slice(&self.position.to_be_bytes());
        bytes
    }
}

/// What the head of a block says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryMeta {
    /// Where it stands.
    pub key: EntryKey,
    /// The client's clock, microseconds UTC.
    pub time: i64,
    /// Stream of a line, level of a record, number of objects in a set.
    pub tag: i64,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Key, time and tag.
    pub meta: EntryMeta,
    /// The rest, see [`encode_line`], [`encode_record`], [`encode_object_set`].
    pub body: Vec<u8>,
}

/// A block, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryBlock {
    /// Keys, times, tags, lengths.
    pub head: Vec<u8>,
    /// Bodies.
    pub data: Vec<u8>,
}

/// Bytes that are no block of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a block of entries can't be read: {0}")]
pub struct EntryError(pub(crate) &'static str);

/// The head of a block, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryHead {
    /// What the entries are.
    pub kind: EntryKind,
    /// The entries, by rising key.
    pub entries: Vec<EntryMeta>,
    /// Where each body begins in the data, and the end of the last.
    offsets: Vec<usize>,
    data_compressed: bool,
}

/// Encodes entries that rise by key. Without `compress` a block is quick to make and to read.
///
/// # Errors
/// If keys don't rise, or the bodies are longer than 64 MiB together.
pub fn encode_entries(
    kind: EntryKind,
    entries: &[Entry],
    compress: bool,
) -> Result<EntryBlock, EntryError> {
    let rises = entries
        .windows(2)
        .all(|pair| pair[0].meta.key < pair[1].meta.key);
    let length: usize = entries.iter().map(|entry| entry.body.len()).sum();
    if !rises || length > PART_BYTES_MAX {
        return Err(EntryError("keys don't rise, or there is too much"));
    }
    let mut columns = Vec::new();
    write_columns(&mut columns, kind, entries);
    let mut raw = Vec::with_capacity(length);
    for entry in entries {
        raw.extend_from_slice(&entry.body);
    }
    let (columns, head_compressed) = pack(columns, compress)?;
    let (mut data, data_compressed) = pack(raw, compress)?;
    let mut flags = 0;
    if head_compressed {
        flags |= HEAD_COMPRESSED;
    }
    if data_compressed {
        flags |= DATA_COMPRESSED;
    }
    let mut head = vec![VERSION, kind.as_u8(), flags];
    head.extend_from_slice(&columns);
    seal(&mut head);
    seal(&mut data);
    Ok(EntryBlock { head, data })
}

impl EntryHead {
    /// Reads the head of a block.
    ///
    /// # Errors
    /// If it was not written by [`encode_entries`], or is damaged.
    pub fn parse(head: &[u8]) -> Result<Self, EntryError> {
        let head = unseal(head)?;
        let [version, kind, flags, columns @ ..] = head else {
            return Err(EntryError("the head ends early"));
        };
        if *version != VERSION {
            return Err(EntryError("its version is unknown"));
        }
        let kind = EntryKind::from_u8(*kind).ok_or(EntryError("its kind is unknown"))?;
        if *flags > HEAD_COMPRESSED | DATA_COMPRESSED {
            return Err(EntryError("its flags are unknown"));
        }
        let columns = unpack(columns, flags & HEAD_COMPRESSED != 0)?;
        let (entries, offsets) = read_columns(&columns, kind)?;
        Ok(Self {
            kind,
            entries,
            offsets,
            data_compressed: flags & DATA_COMPRESSED != 0,
        })
    }

    /// The bodies, one after the other, from the data of the same block.
    ///
    /// # Errors
    /// If the data are damaged, or belong to another head.
    pub fn open(&self, data: &[u8]) -> Result<Vec<u8>, EntryError> {
        let raw = unpack(unseal(data)?, self.data_compressed)?;
        if self.offsets.last() != Some(&raw.len()) {
            return Err(EntryError("head and data don't belong together"));
        }
        Ok(raw)
    }

    /// The body of one entry in what [`Self::open`] gave.
    pub fn body<'a>(&self, bodies: &'a [u8], index: usize) -> &'a [u8] {
        let range = self.offsets[index]..self.offsets[index + 1];
        bodies.get(range).unwrap_or_default()
    }

    /// Bytes of a body.
    #[cfg(test)]
    pub(super) fn body_length(&self, index: usize) -> usize {
        self.offsets[index + 1] - self.offsets[index]
    }

    /// All entries with their bodies.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn entries_with(&self, data: &[u8]) -> Result<Vec<Entry>, EntryError> {
        let bodies = self.open(data)?;
        let entries = self.entries.iter().enumerate().map(|(index, meta)| Entry {
            meta: *meta,
            body: self.body(&bodies, index).to_vec(),
        });
        Ok(entries.collect())
    }
}

/// Compresses if that is asked for and worth it; a compressed part begins with its length.
fn pack(raw: Vec<u8>, compress: bool) -> Result<(Vec<u8>, bool), EntryError> {
    if !compress || raw.len() < COMPRESS_BYTES_MIN {
        return Ok((raw, false));
    }
    let packed = zstd::bulk::compress(&raw, LEVEL).map_err(|_| EntryError("zstd refuses it"))?;
    let mut out = Vec::with_capacity(packed.len() + 8);
    columns::write_varint(&mut out, raw.len() as u64);
    out.extend_from_slice(&packed);
    if out.len() < raw.len() {
        Ok((out, true))
    } else {
        Ok((raw, false))
    }
}

fn unpack(part: &[u8], compressed: bool) -> Result<Vec<u8>, EntryError> {
    if !compressed {
        return Ok(part.to_vec());
    }
    let mut rest = part;
    let length = columns::read_varint(&mut rest)?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= PART_BYTES_MAX)
        .ok_or(EntryError("it would be too long"))?;
    let raw = zstd::bulk::decompress(rest, length).map_err(|_| EntryError("zstd can't read it"))?;
    if raw.len() == length {
        Ok(raw)
    } else {
        Err(EntryError("its length is another"))
    }
}

fn seal(part: &mut Vec<u8>) {
    let checksum = crc32c::crc32c(part);
    part.extend_from_slice(&checksum.to_le_bytes());
}

fn unseal(part: &[u8]) -> Result<&[u8], EntryError> {
    let (content, checksum) = part
        .split_last_chunk::<4>()
        .ok_or(EntryError("it ends early"))?;
    if crc32c::crc32c(content) == u32::from_le_bytes(*checksum) {
        Ok(content)
    } else {
        Err(EntryError("the checksum differs"))
    }
}
