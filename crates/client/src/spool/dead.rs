//! Reading the folder of a dead writer: every sound record, and what is lost is counted.
//!
//! Called by `reader` and `leftover`. Files are read whole, a segment at a time, never mapped: a
//! file that somebody cuts meanwhile must not kill the process. The surprising rule: what lies
//! between two readable records is skipped but keeps its slot numbers, and counts as head 0 in the
//! chain, so that every copy of a folder gives the same sequence.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::checksum::chain_after;
use super::header::{HEADER_BYTES, Header};
use super::record::LossCause;
use super::segment::words_of;
use super::slot::{self, Content, Found, Place, SLOT_BYTES, SLOT_WORDS};

/// One segment of a dead folder.
#[derive(Debug, Clone)]
pub(crate) struct DeadSegment {
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    pub(crate) place: Place,
    pub(crate) bytes: u64,
}

impl DeadSegment {
    pub(crate) fn end(&self) -> u64 {
        self.place.first_slot + self.place.slots
    }
}

/// The segments of a folder that were in use, in slot order. Files that are none, or overlap an
/// earlier one, are left out.
pub(crate) fn segments_in(folder: &Path) -> io::Result<Vec<DeadSegment>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "seg") {
            continue;
        }
        let Ok(file) = File::open(&path) else {
            continue;
        };
        let bytes = file.metadata()?.len();
        let mut header = Vec::with_capacity(HEADER_BYTES);
        file.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
        let Ok(header) = Header::decode(&header) else {
            continue;
        };
        let Some((_, first_slot)) = header.place else {
            continue;
        };
        // The checksum of the header vouches for it; this only bounds what is read.
        let slots = header.slots.min(1 << 24);
        all.push(DeadSegment {
            path,
            place: Place {
                first_slot,
                slots,
                salt: header.salt,
            },
            header,
            bytes,
        });
    }
    all.sort_by(|a, b| {
        let key = |segment: &DeadSegment| (segment.place.first_slot, segment.path.clone());
        key(a).cmp(&key(b))
    });
    let mut end = 0;
    all.retain(|segment| {
        let is_next = segment.place.first_slot >= end;
        if is_next {
            end = segment.end();
        }
        is_next
    });
    Ok(all)
}

/// Why the segments of a folder cannot be read, and the bytes of all of them; `None` if there are
/// none, or one can be.
pub(crate) fn why_unreadable(folder: &Path) -> io::Result<Option<(&'static str, u64)>> {
    let (mut why, mut bytes) = (None, 0);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "seg") {
            continue;
        }
        let file = File::open(&path)?;
        bytes += file.metadata()?.len();
        let mut header = Vec::with_capacity(HEADER_BYTES);
        file.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
        match Header::decode(&header) {
            Ok(_) => return Ok(None),
            Err(reason) => why = Some(reason),
        }
    }
    Ok(why.map(|why| (why, bytes)))
}

/// Where a reader is in a dead folder.
pub(crate) struct DeadCursor {
    pub(crate) segments: Vec<DeadSegment>,
    pub(crate) slot: u64,
    pub(crate) chain: u64,
    /// The slot after the last one with anything in it.
    pub(crate) end: u64,
    /// The machine was started anew since.
    restarted: bool,
    view: Option<DeadView>,
}

struct DeadView {
    index: usize,
    words: Vec<u64>,
    /// Slots that the file has.
    present: u64,
}

/// What a dead cursor gives.
pub(crate) enum DeadRecord {
    Found(Found),
    Lost { slots: u64, cause: LossCause },
}

impl DeadCursor {
    pub(crate) fn new(segments: Vec<DeadSegment>, boot_id: &str) -> io::Result<Self> {
        let restarted = segments
            .first()
            .is_some_and(|segment| segment.header.identity.boot_id != boot_id);
        let end = match segments.last() {
            Some(last) => last.place.first_slot + used_slots(last)?,
            None => 0,
        };
        Ok(Self {
            segments,
            slot: 0,
            chain: 0,
            end,
            restarted,
            view: None,
        })
    }

    pub(crate) fn first_slot(&self) -> u64 {
        self.segments
            .first()
            .map_or(0, |segment| segment.place.first_slot)
    }

    /// The next record that is not padding, or the next run of lost slots; `None`: the end.
    pub(crate) fn next(&mut self, payload: &mut Vec<u8>) -> io::Result<Option<DeadRecord>> {
        let mut lost = 0;
        let mut cause = LossCause::Corrupt;
        while self.slot < self.end {
            let step = self.look(payload)?;
            let step_cause = match step {
                Step::Record(found) if found.content == Content::Bad => {
                    // Payload whose head was never published looks damaged, too.
                    if lost > 0 { cause } else { LossCause::Corrupt }
                }
                Step::Record(found) if found.content == Content::Empty => {
                    if self.restarted {
                        LossCause::PowerLoss
                    } else {
                        LossCause::Unpublished
                    }
                }
                Step::Missing(_) => LossCause::Missing,
                Step::Record(found) => {
                    if lost > 0 {
                        break;
                    }
                    self.advance(found.slots, found.head, 1);
                    if found.content == Content::Padding {
                        continue;
                    }
                    return Ok(Some(DeadRecord::Found(found)));
                }
            };
            if lost > 0 && step_cause != cause {
                break;
            }
            cause = step_cause;
            match step {
                Step::Record(found) => {
                    self.advance(found.slots, found.head, 1);
                    lost += found.slots;
                    if cause == LossCause::Corrupt {
                        // One damaged record at a time, so that records can be counted.
                        break;
                    }
                }
                Step::Missing(slots) => {
                    self.advance(slots, 0, slots);
                    lost += slots;
                }
            }
        }
        Ok((lost > 0).then_some(DeadRecord::Lost { slots: lost, cause }))
    }

    fn advance(&mut self, slots: u64, head: u64, heads: u64) {
        self.slot += slots;
        for _ in 0..heads {
            self.chain = chain_after(self.chain, head);
        }
    }

    fn look(&mut self, payload: &mut Vec<u8>) -> io::Result<Step> {
        let after = self
            .segments
            .partition_point(|segment| segment.place.first_slot <= self.slot);
        let Some(index) = after
            .checked_sub(1)
            .filter(|index| self.slot < self.segments[*index].end())
        else {
            let next = self.segments.get(after);
            let until = next.map_or(self.end, |segment| segment.place.first_slot);
            return Ok(Step::Missing(until - self.slot));
        };
        if self.view.as_ref().is_none_or(|view| view.index != index) {
            self.view = Some(view_of(&self.segments[index], index)?);
        }
        let view = self.view.as_ref().expect("set above");
        let place = self.segments[index].place;
        let at = self.slot - place.first_slot;
        if at >= view.present {
            let until = self.segments[index].end().min(self.end);
            return Ok(Step::Missing(until - self.slot));
        }
        let found = slot::read(view.words.as_slice(), place, at, payload);
        Ok(Step::Record(found))
    }

    /// Goes elsewhere.
    pub(crate) fn seek(&mut self, slot: u64, chain: u64) {
        self.slot = slot;
        self.chain = chain;
    }

    /// The nearest slot at or below this one whose chain is in a header.
    pub(crate) fn known_chain_below(&self, slot: u64) -> Option<(u64, u64)> {
        let after = self
            .segments
            .partition_point(|segment| segment.place.first_slot <= slot);
        self.segments[..after].iter().rev().find_map(|segment| {
            let first = segment.place.first_slot;
            let chain = if first == 0 {
                Some(0)
            } else {
                segment.header.chain
            };
            Some((first, chain?))
        })
    }
}

#[derive(Clone, Copy)]
enum Step {
    Record(Found),
    Missing(u64),
}

fn view_of(segment: &DeadSegment, index: usize) -> io::Result<DeadView> {
    let bytes = std::fs::read(&segment.path)?;
    let slots = bytes.get(HEADER_BYTES..).unwrap_or(&[]);
    Ok(DeadView {
        index,
        present: (slots.len() / SLOT_BYTES) as u64,
        words: words_of(slots, segment.place.slots as usize),
    })
}

/// Slots up to the last one with anything in it; all of them if the file was cut.
fn used_slots(segment: &DeadSegment) -> io::Result<u64> {
    let view = view_of(segment, 0)?;
    if view.present < segment.place.slots {
        return Ok(segment.place.slots);
    }
    let used = view.words.iter().rposition(|word| *word != 0);
    let used = used.map_or(0, |word| (word / SLOT_WORDS + 1) as u64);
    // A padding reaches to the end.
    let mut at = 0;
    let mut payload = Vec::new();
    while at < used {
        let found = slot::read(view.words.as_slice(), segment.place, at, &mut payload);
        at += found.slots;
    }
    Ok(at.max(used))
}
