//! The spool as a whole, on real folders.

mod damage;
mod frozen;
mod full;
mod process;
mod round_trip;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use runstone_model::WriterId;

use super::*;

/// A point without its wrapping.
pub(crate) type Row = (u32, f64, i64, u64, Option<f64>);

pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// In memory where there is such a place: many files in a short time are slow on a busy disk.
    pub(crate) fn on_tmpfs() -> Self {
        let place = std::path::Path::new("/dev/shm");
        if !place.is_dir() {
            return Self::new();
        }
        Self {
            folder: tempfile::tempdir_in(place).unwrap(),
        }
    }

    pub(crate) fn options(&self, mode: SpoolMode) -> SpoolOptions {
        let mut options = SpoolOptions::new(self.folder.path(), "host", "run", "local");
        options.mode = Some(mode);
        options.strict = true;
        options.sync = false;
        options
    }

    pub(crate) fn open(&self, mode: SpoolMode) -> SpoolWriter {
        SpoolWriter::open(&self.options(mode), fresh_writer()).unwrap()
    }

    pub(crate) fn only_leftover(&self) -> Leftover {
        let mut found = leftover_spools(self.folder.path(), Some("host")).unwrap();
        assert_eq!(found.len(), 1);
        found.pop().unwrap()
    }

    pub(crate) fn dead_reader(&self) -> SpoolReader {
        SpoolReader::dead(self.only_leftover().lock().unwrap()).unwrap()
    }

    /// Segment files of the only writer, in slot order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let leftover = self.only_leftover();
        let segments = super::dead::segments_in(&leftover.path).unwrap();
        segments.into_iter().map(|segment| segment.path).collect()
    }
}

pub(crate) fn fresh_writer() -> WriterId {
    let mut id = [0; 16];
    getrandom::fill(&mut id).unwrap();
    WriterId::new(id)
}

/// What a reader gives until it has nothing more.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) rows: Vec<Row>,
    pub(crate) operations: Vec<(Vec<u8>, bool)>,
    pub(crate) lost: Vec<(u64, LossCause)>,
}

pub(crate) fn hear(reader: &mut SpoolReader) -> Heard {
    let mut heard = Heard::default();
    while let Some(record) = reader.next_record().unwrap() {
        match record {
            Record::Point(p) => {
                heard
                    .rows
                    .push((p.series, p.step, p.time_micros, p.value_bits, p.epoch));
            }
            Record::Operation { bytes, declaration } => {
                heard.operations.push((bytes.to_vec(), declaration));
            }
            Record::Lost { slots, cause } => heard.lost.push((slots, cause)),
        }
    }
    heard
}

/// Waits for the keeper to have done something; a deadline instead of a sleep of fixed length.
pub(crate) fn wait_until(what: &str, mut is_done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !is_done() {
        assert!(Instant::now() < until, "{what} did not happen");
        std::thread::yield_now();
    }
}
