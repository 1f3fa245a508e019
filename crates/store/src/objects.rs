//! Object series: sets of JSON documents over steps.
//!
//! A *set* is what one call gave for one step: the objects of an image series at step 7, say. It
//! shows or is hidden whole, by the rule of points: the greatest (generation, append number,
//! position) among the living shows.

use runstone_model::{SeriesKey, Step, Timestamp};
use runstone_wire::ObjectDocument;

use crate::PointPosition;

/// Bytes of documents past which a page of sets ends; a single set may be longer.
pub const OBJECT_PAGE_BYTES_MAX: usize = 4 << 20;

/// Which sets of one object series.
#[derive(Debug, Clone)]
pub struct ObjectScan {
    /// The series; its kind is one of objects.
    pub series: SeriesKey,
    /// From this step on, inclusive.
    pub from_step: Option<Step>,
    /// Up to this step, inclusive.
    pub to_step: Option<Step>,
    /// All sets ever applied, hidden ones too.
    pub history: bool,
    /// Continue after this position.
    pub after: Option<PointPosition>,
    /// At most so many sets; 0 is taken as 1.
    pub limit: usize,
}

impl ObjectScan {
    /// Whether a set at this position lies in the scan's range.
    pub fn holds(&self, position: &PointPosition) -> bool {
        self.from_step.is_none_or(|from| position.step >= from)
            && self.to_step.is_none_or(|to| position.step <= to)
            && self.after.is_none_or(|after| *position > after)
    }
}

/// One page of sets, by position.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectPage {
    /// The sets.
    pub sets: Vec<ObjectSet>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<PointPosition>,
}

/// The objects that one call gave for one step.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSet {
    /// Where it stands; the position counts the sets of its frame in this series.
    pub position: PointPosition,
    /// The client's clock.
    pub time: Timestamp,
    /// Epoch, if the call gave one.
    pub epoch: Option<f64>,
    /// Shown at its step, or hidden by a newer set, a rewind or a removal.
    pub visible: bool,
    /// In the order of their index within the step.
    pub objects: Vec<ObjectDocument>,
}

/// An object series and what shows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSeriesRecord {
    /// Name, context, kind.
    pub key: SeriesKey,
    /// Steps that have a readable set.
    pub steps: u64,
    /// Objects in the readable sets.
    pub objects: u64,
    /// The smallest of these steps.
    pub first_step: Step,
    /// The greatest.
    pub last_step: Step,
}

impl ObjectSeriesRecord {
    /// Folds readable sets, given by rising step as (step, number of objects); `None` without any.
    pub fn from_sets(key: &SeriesKey, sets: impl IntoIterator<Item = (Step, u64)>) -> Option<Self> {
        let mut record = None;
        for (step, objects) in sets {
            Self::add(&mut record, key, step, objects);
        }
        record
    }

    /// Adds the next readable set of a series, whose step is greater than those before.
    pub fn add(record: &mut Option<Self>, key: &SeriesKey, step: Step, objects: u64) {
        let record = record.get_or_insert_with(|| Self {
            key: key.clone(),
            steps: 0,
            objects: 0,
            first_step: step,
            last_step: step,
        });
        record.steps += 1;
        record.objects += objects;
        record.last_step = step;
    }
}
