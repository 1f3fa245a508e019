//! Makes the segments of one writer, within its bound, in the size that its rate asks for.
//!
//! Called by the keeper (ahead, prefaulted) and, when that was late, by the push that needs a
//! segment (small, not prefaulted: a tenth of a millisecond). The surprising rule: file names are
//! numbers in the order of making, not of use; a segment's place is in its header.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::SpoolMode;
use super::header::Identity;
use super::segment::{Recipe, SegmentFile};
use crate::os_unix_file::is_full_disk;

const KIB: u64 = 1024;
/// Size of a writer's first segment: many runs log little.
pub(crate) const BYTES_FIRST: u64 = 64 * KIB;
/// Size of the reserve for operations.
pub(crate) const BYTES_RESERVE: u64 = 64 * KIB;
const BYTES_MIN: u64 = 256 * KIB;
const BYTES_MAX: u64 = 4096 * KIB;
/// The smallest one tried when the disk is nearly full.
const BYTES_LAST: u64 = 64 * KIB;
/// A segment that lasts shorter is followed by one of twice the size.
const HIGH_RATE: Duration = Duration::from_secs(1);
/// A segment that lasts longer is followed by one of half the size.
const LOW_RATE: Duration = Duration::from_secs(30);
/// Part of the bound that only the reserve may use.
const BOUND_RESERVE: u64 = BYTES_RESERVE;

/// Why there is no segment.
#[derive(Debug)]
pub(crate) enum NoSegment {
    /// The writer's bound is reached.
    Bound,
    /// The disk, a quota or the limit for file sizes.
    Disk(io::Error),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Maker {
    pub(crate) mode: SpoolMode,
    /// Meaningless in memory mode.
    pub(crate) folder: PathBuf,
    pub(crate) identity: Identity,
    pub(crate) bound_bytes: u64,
    /// Bytes of all segments there are.
    bytes: AtomicU64,
    next_file: AtomicU64,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    bytes: u64,
    /// When the last spare was asked for.
    at: Instant,
}

impl Maker {
    pub(crate) fn new(
        mode: SpoolMode,
        folder: PathBuf,
        identity: Identity,
        bound_bytes: u64,
    ) -> Self {
        Self {
            mode,
            folder,
            identity,
            bound_bytes,
            bytes: AtomicU64::new(0),
            next_file: AtomicU64::new(0),
            pace: Mutex::new(Pace {
                bytes: BYTES_MIN,
                at: Instant::now(),
            }),
        }
    }

    /// The first segment, made when the writer opens.
    pub(crate) fn first(&self) -> Result<Arc<SegmentFile>, NoSegment> {
        self.make(BYTES_FIRST, false, self.bound_bytes)
    }

    /// A segment for operations in need. The bound is for points: however small it is, the end of
    /// the run must find a place.
    pub(crate) fn reserve(&self) -> Result<Arc<SegmentFile>, NoSegment> {
        self.make(BYTES_RESERVE, false, u64::MAX)
    }

    /// A spare, made ahead; as big as the rate asks for, smaller if there is no room for that.
    pub(crate) fn spare(&self, prefault: bool) -> Result<Arc<SegmentFile>, NoSegment> {
        let bytes = self.bytes_by_pace();
        self.at_most(bytes, prefault)
    }

    /// A segment made in a call, for at least so many slots.
    pub(crate) fn in_call(&self, slots: u64) -> Result<Arc<SegmentFile>, NoSegment> {
        let needed = SegmentFile::bytes_for(slots);
        if needed > BYTES_LAST {
            return self.make(needed.max(BYTES_MIN), false, self.bound_of_points());
        }
        self.at_most(BYTES_MIN, false)
    }

    fn at_most(&self, mut bytes: u64, prefault: bool) -> Result<Arc<SegmentFile>, NoSegment> {
        loop {
            let smaller = bytes / 2;
            match self.make(bytes, prefault, self.bound_of_points()) {
                Err(_) if smaller >= BYTES_LAST => bytes = smaller,
                other => return other,
            }
        }
    }

    fn bound_of_points(&self) -> u64 {
        self.bound_bytes.saturating_sub(BOUND_RESERVE)
    }

    fn make(&self, bytes: u64, prefault: bool, bound: u64) -> Result<Arc<SegmentFile>, NoSegment> {
        let account = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if account + bytes > bound {
            self.give_back(bytes);
            return Err(NoSegment::Bound);
        }
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let recipe = Recipe {
            mode: self.mode,
            path: self.folder.join(format!("{number:08}.seg")),
            identity: &self.identity,
            bytes,
            created_at_micros: now_micros(),
            prefault,
        };
        SegmentFile::make(&recipe).map(Arc::new).map_err(|error| {
            self.give_back(bytes);
            NoSegment::Disk(error)
        })
    }

    fn bytes_by_pace(&self) -> u64 {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let lasted = pace.at.elapsed();
        pace.at = Instant::now();
        if lasted < HIGH_RATE {
            pace.bytes = (pace.bytes * 2).min(BYTES_MAX);
        } else if lasted > LOW_RATE {
            pace.bytes = (pace.bytes / 2).max(BYTES_MIN);
        }
        pace.bytes
    }

    /// A segment is gone.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl NoSegment {
    /// In a word, for people.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Bound => "the spool's bound is reached",
            Self::Disk(error) if is_full_disk(error) => "the disk, a quota or a limit is full",
            Self::Disk(_) => "a segment cannot be made",
        }
    }
}

/// The wall clock.
pub(crate) fn now_micros() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}
