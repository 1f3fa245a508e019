//! Groups points that come one by one, in the order of the calls, into the series of a pack.
//!
//! The client's sender drains the spool through this. Points of one series keep their order. All
//! buffers are used again after [`PackBuilder::finish_into`]; the surprising one is a table by
//! series number, so numbers should be dense.

use super::{Scratch, encode_pack_into};
use crate::{CodecError, SeriesPoints};
use runstone_model::ValueType;

/// Series numbers below this can be pushed.
const NUMBERS_END: u32 = 1 << 24;

/// Takes points in the order of the calls and makes a pack of them.
#[derive(Debug, Default)]
pub struct PackBuilder {
    points: Vec<PendingPoint>,
    /// Empty until a point has an epoch, then as long as the others.
    epochs: Vec<f64>,
    series: Vec<PendingSeries>,
    /// Slot of a series number, plus one.
    slot_by_number: Vec<u32>,
    refused: Option<CodecError>,
    grouped: Grouped,
    scratch: Scratch,
}

/// One struct a point: one growth check a push.
#[derive(Debug, Clone, Copy)]
struct PendingPoint {
    step: f64,
    time: i64,
    value: u64,
    slot: u32,
}

#[derive(Debug, Clone, Copy)]
struct PendingSeries {
    number: u32,
    value_type: ValueType,
    count: u32,
    has_epochs: bool,
}

/// The same points, series by series.
#[derive(Debug, Default)]
struct Grouped {
    /// Slots by ascending number.
    order: Vec<u32>,
    /// Where the next point of a slot goes.
    places: Vec<u32>,
    steps: Vec<f64>,
    times: Vec<i64>,
    values: Vec<u64>,
    epochs: Vec<f64>,
}

impl PackBuilder {
    /// Adds a point: step, time in microseconds UTC, 64 bits of value as in
    /// [`SeriesPoints::values`], epoch or NaN for none. With the grouping later,
    /// some 10 ns.
    ///
    /// A number of 2^24 or more, or a second type for one number, is reported by
    /// [`PackBuilder::finish_into`].
    #[inline]
    pub fn push(
        &mut self,
        number: u32,
        value_type: ValueType,
        step: f64,
        time: i64,
        value: u64,
        epoch: f64,
    ) {
        let known = self
            .slot_by_number
            .get(number as usize)
            .copied()
            .unwrap_or(0);
        let slot = match known.checked_sub(1) {
            Some(slot) => slot,
            None => match self.open_series(number, value_type) {
                Some(slot) => slot,
                None => return,
            },
        };
        let series = &mut self.series[slot as usize];
        if series.value_type != value_type {
            self.refuse(format!("series {number} has values of two types"));
            return;
        }
        series.count += 1;
        if !epoch.is_nan() {
            series.has_epochs = true;
            self.epochs.resize(self.points.len(), f64::NAN);
        }
        if !self.epochs.is_empty() || !epoch.is_nan() {
            self.epochs.push(epoch);
        }
        self.points.push(PendingPoint {
            step,
            time,
            value,
            slot,
        });
    }

    /// Points pushed since the last pack.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Appends a pack of all points to `out` and forgets them, keeping the buffers.
    ///
    /// # Errors
    /// `Invalid` and `TooLarge` as [`encode_pack_into`], and `Invalid` for what
    /// [`PackBuilder::push`] could not take; the points are forgotten all the same.
    pub fn finish_into(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let outcome = match self.refused.take() {
            Some(refused) => Err(refused),
            None => {
                self.group();
                self.encode(out)
            }
        };
        self.clear();
        outcome
    }

    /// Forgets the points, keeps the buffers.
    pub fn clear(&mut self) {
        for series in &self.series {
            self.slot_by_number[series.number as usize] = 0;
        }
        self.series.clear();
        self.points.clear();
        self.epochs.clear();
        self.refused = None;
    }

    #[cold]
    fn open_series(&mut self, number: u32, value_type: ValueType) -> Option<u32> {
        if number >= NUMBERS_END {
            self.refuse(format!(
                "series number {number} is past {}",
                NUMBERS_END - 1
            ));
            return None;
        }
        if self.slot_by_number.len() <= number as usize {
            let length = (number as usize + 1).next_power_of_two();
            self.slot_by_number.resize(length, 0);
        }
        self.series.push(PendingSeries {
            number,
            value_type,
            count: 0,
            has_epochs: false,
        });
        let slots = self.series.len() as u32;
        self.slot_by_number[number as usize] = slots;
        Some(slots - 1)
    }

    #[cold]
    fn refuse(&mut self, reason: String) {
        self.refused.get_or_insert(CodecError::Invalid(reason));
    }

    /// Brings the points of each series together, series by ascending number.
    fn group(&mut self) {
        let Grouped {
            order,
            places,
            steps,
            times,
            values,
            epochs,
        } = &mut self.grouped;
        let series = &self.series;
        order.clear();
        order.extend(0..series.len() as u32);
        if !series.is_sorted_by_key(|series| series.number) {
            order.sort_unstable_by_key(|&slot| series[slot as usize].number);
        }
        places.clear();
        places.resize(series.len(), 0);
        let mut next = 0;
        for &slot in &*order {
            places[slot as usize] = next;
            next += series[slot as usize].count;
        }
        let length = self.points.len();
        steps.resize(length, 0.0);
        times.resize(length, 0);
        values.resize(length, 0);
        for point in &self.points {
            let place = &mut places[point.slot as usize];
            let at = *place as usize;
            *place += 1;
            steps[at] = point.step;
            times[at] = point.time;
            values[at] = point.value;
        }
        epochs.clear();
        if !self.epochs.is_empty() {
            epochs.resize(length, f64::NAN);
            // Each place now stands at the end of its series.
            for index in (0..self.epochs.len()).rev() {
                let place = &mut places[self.points[index].slot as usize];
                *place -= 1;
                epochs[*place as usize] = self.epochs[index];
            }
        }
    }

    fn encode(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let Grouped {
            order,
            steps,
            times,
            values,
            epochs,
            ..
        } = &self.grouped;
        let series = &self.series;
        let mut start = 0usize;
        let columns = order.iter().map(|&slot| {
            let pending = series[slot as usize];
            let range = start..start + pending.count as usize;
            start = range.end;
            SeriesPoints {
                number: pending.number,
                value_type: pending.value_type,
                steps: &steps[range.clone()],
                times: &times[range.clone()],
                values: &values[range.clone()],
                epochs: pending.has_epochs.then(|| &epochs[range]),
                order: None,
            }
        });
        encode_pack_into(out, &mut self.scratch, columns)
    }
}
