//! One slot: how a record lies in the 32-byte slots of a segment, written and read back.
//!
//! ```text
//! head  kind:8 | detail:24 | crc:32      stored last with Release: the record is there or it is not
//! w1    point: step as f64 bits          blob: crc of the payload, flags << 32
//! w2    point: time in microseconds      blob: 0
//! w3    point: value bits                blob: 0
//! ```
//! Used by `line` (write) and by both readers. The surprising rule: the checksum is salted by the
//! segment's random number and the slot's own, so payload that is mistaken for a slot, or a slot
//! at another place, fails.

use super::checksum::crc_of_words;
use super::record::Point;
use super::sync::{AtomicU64, Ordering};

/// Bytes of a slot.
pub(crate) const SLOT_BYTES: usize = 32;
/// Words of a slot.
pub(crate) const SLOT_WORDS: usize = 4;
/// Longest payload of a blob, and the greatest series number.
pub(crate) const DETAIL_MAX: u32 = (1 << 24) - 1;

/// A point in one slot; detail: series number.
pub(crate) const KIND_POINT: u8 = 1;
/// An operation; detail: payload bytes, which follow in the next slots.
pub(crate) const KIND_BLOB: u8 = 2;
/// Nothing, up to the end of the segment; detail: 0.
pub(crate) const KIND_PADDING: u8 = 3;
/// A point whose epoch is the first word of the next slot; detail: series number.
pub(crate) const KIND_POINT_EPOCH: u8 = 4;

/// Flag of a blob: it is in the declarations as well.
pub(crate) const FLAG_DECLARATION: u64 = 1;

/// Slots that a blob takes.
pub(crate) fn blob_slots(payload_bytes: usize) -> u64 {
    1 + payload_bytes.div_ceil(SLOT_BYTES) as u64
}

/// Kind and detail as the upper half of a head.
#[inline]
pub(crate) fn tag(kind: u8, detail: u32) -> u32 {
    (u32::from(kind) << 24) | (detail & DETAIL_MAX)
}

/// The head of a record of one slot, or of a blob.
#[inline]
pub(crate) fn head_of(tag: u32, salt: u64, slot: u64, body: [u64; 3]) -> u64 {
    let crc = crc_of_words([salt ^ slot, u64::from(tag), body[0], body[1], body[2]]);
    (u64::from(tag) << 32) | u64::from(crc)
}

/// The head of a point with an epoch.
pub(crate) fn head_with_epoch(tag: u32, salt: u64, slot: u64, body: [u64; 3], epoch: u64) -> u64 {
    let crc = crc_of_words([
        salt ^ slot,
        u64::from(tag),
        body[0],
        body[1],
        body[2],
        epoch,
    ]);
    (u64::from(tag) << 32) | u64::from(crc)
}

/// The words of a segment, wherever they are.
pub(crate) trait Words {
    /// A word, ordered after everything before its publication.
    fn load_head(&self, index: usize) -> u64;
    /// A word below a head that was seen.
    fn load(&self, index: usize) -> u64;
}

impl Words for [AtomicU64] {
    fn load_head(&self, index: usize) -> u64 {
        self[index].load(Ordering::Acquire)
    }

    fn load(&self, index: usize) -> u64 {
        self[index].load(Ordering::Relaxed)
    }
}

impl Words for [u64] {
    fn load_head(&self, index: usize) -> u64 {
        self[index]
    }

    fn load(&self, index: usize) -> u64 {
        self[index]
    }
}

/// A segment's place in the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) first_slot: u64,
    pub(crate) slots: u64,
    pub(crate) salt: u64,
}

/// What stands at a slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Content {
    /// Nothing is published there.
    Empty,
    /// A point.
    Point(Point),
    /// An operation, whose payload is in the buffer.
    Operation { declaration: bool },
    /// Nothing, to the end of the segment.
    Padding,
    /// The checksum fails.
    Bad,
}

/// One record read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) content: Content,
    /// As it counts for the chain: 0 where nothing is readable.
    pub(crate) head: u64,
    /// Slots it takes; 1 where nothing is readable.
    pub(crate) slots: u64,
}

/// Reads the record at `index` of a segment; a blob's payload replaces what is in `payload`.
pub(crate) fn read<W: Words + ?Sized>(
    words: &W,
    place: Place,
    index: u64,
    payload: &mut Vec<u8>,
) -> Found {
    let at = word_of(index);
    let head = words.load_head(at);
    if head == 0 {
        return Found {
            content: Content::Empty,
            head: 0,
            slots: 1,
        };
    }
    let tag = (head >> 32) as u32;
    let detail = tag & DETAIL_MAX;
    let body = [words.load(at + 1), words.load(at + 2), words.load(at + 3)];
    let slot = place.first_slot + index;
    let left = place.slots - index;
    let good = |content, slots| Found {
        content,
        head,
        slots,
    };
    let point = |epoch| {
        Content::Point(Point {
            series: detail,
            step: f64::from_bits(body[0]),
            time_micros: body[1].cast_signed(),
            value_bits: body[2],
            epoch,
        })
    };
    match (tag >> 24) as u8 {
        KIND_POINT if head_of(tag, place.salt, slot, body) == head => good(point(None), 1),
        KIND_POINT_EPOCH if left >= 2 => {
            let epoch = words.load(at + SLOT_WORDS);
            if head_with_epoch(tag, place.salt, slot, body, epoch) == head {
                good(point(Some(f64::from_bits(epoch))), 2)
            } else {
                BAD
            }
        }
        KIND_BLOB if head_of(tag, place.salt, slot, body) == head => {
            let slots = blob_slots(detail as usize);
            if slots > left {
                return BAD;
            }
            copy_payload(words, at + SLOT_WORDS, detail as usize, payload);
            if u64::from(crc32c::crc32c(payload)) != body[0] & u64::from(u32::MAX) {
                // The head is sound: its slots are one lost record.
                return Found {
                    content: Content::Bad,
                    head,
                    slots,
                };
            }
            let declaration = (body[0] >> 32) & FLAG_DECLARATION != 0;
            good(Content::Operation { declaration }, slots)
        }
        KIND_PADDING if head_of(tag, place.salt, slot, body) == head => {
            good(Content::Padding, left)
        }
        _ => BAD,
    }
}

const BAD: Found = Found {
    content: Content::Bad,
    head: 0,
    slots: 1,
};

/// Index of the first word of a slot.
#[inline]
pub(crate) fn word_of(index: u64) -> usize {
    // A segment is at most some 16 MiB.
    index as usize * SLOT_WORDS
}

fn copy_payload<W: Words + ?Sized>(words: &W, from: usize, bytes: usize, payload: &mut Vec<u8>) {
    payload.clear();
    payload.reserve(bytes.next_multiple_of(8));
    for word in 0..bytes.div_ceil(8) {
        payload.extend_from_slice(&words.load(from + word).to_le_bytes());
    }
    payload.truncate(bytes);
}

/// How many slots from `from` on are published without a gap; the end of a padded segment counts.
pub(crate) fn published_until<W: Words + ?Sized>(words: &W, slots: u64, from: u64) -> u64 {
    let mut index = from;
    while index < slots {
        let head = words.load_head(word_of(index));
        if head == 0 {
            return index;
        }
        let detail = ((head >> 32) as u32) & DETAIL_MAX;
        index += match (head >> 56) as u8 {
            KIND_BLOB => blob_slots(detail as usize),
            KIND_POINT_EPOCH => 2,
            KIND_PADDING => slots - index,
            _ => 1,
        };
    }
    slots
}
