//! Collects the points of a frame and packs them by series.
//!
//! Points come in the order of their slots and leave sorted by series number, in slot order within
//! each series. Numbers are dense, so this is a counting sort over flat columns: no hashing, no
//! allocation once the buffers have grown. Owned by the sender thread and by a deliverer, used for
//! one frame at a time.

use bytes::Bytes;
use runstone_codec::{CodecError, Scratch, SeriesPoints, encode_pack_into};
use runstone_model::ValueType;

use crate::spool::Point;

/// See the module.
#[derive(Default)]
pub(crate) struct PointSorter {
    numbers: Vec<u32>,
    arrived: Columns,
    sorted: Columns,
    /// Where each point goes in `sorted`.
    targets: Vec<u32>,
    /// Points of each series number; zero between frames.
    counts: Vec<u32>,
    /// Numbers whose count is not zero.
    touched: Vec<u32>,
    /// Some point of this frame has an epoch.
    has_epochs: bool,
    encoder: Encoder,
}

#[derive(Default)]
struct Encoder {
    scratch: Scratch,
    pack: Vec<u8>,
}

#[derive(Default)]
struct Columns {
    steps: Vec<f64>,
    times: Vec<i64>,
    values: Vec<u64>,
    /// Filled up with NaN as far as the last epoch; empty if there is none.
    epochs: Vec<f64>,
}

impl Columns {
    fn clear(&mut self) {
        self.steps.clear();
        self.times.clear();
        self.values.clear();
        self.epochs.clear();
    }
}

impl PointSorter {
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Whether there are points of this number.
    pub(crate) fn holds(&self, number: u32) -> bool {
        self.counts
            .get(number as usize)
            .is_some_and(|count| *count > 0)
    }

    pub(crate) fn clear(&mut self) {
        for number in self.touched.drain(..) {
            self.counts[number as usize] = 0;
        }
        self.numbers.clear();
        self.arrived.clear();
        self.has_epochs = false;
    }

    #[inline]
    pub(crate) fn push(&mut self, point: &Point) {
        let index = point.series as usize;
        if index >= self.counts.len() {
            self.counts.resize((index + 1).next_power_of_two(), 0);
        }
        if self.counts[index] == 0 {
            self.touched.push(point.series);
        }
        self.counts[index] += 1;
        self.numbers.push(point.series);
        self.arrived.steps.push(point.step);
        self.arrived.times.push(point.time_micros);
        self.arrived.values.push(point.value_bits);
        if let Some(epoch) = point.epoch {
            self.has_epochs = true;
            let before = self.numbers.len() - 1;
            self.arrived.epochs.resize(before, f64::NAN);
            self.arrived.epochs.push(epoch);
        }
    }

    /// The pack of all points, and empties the sorter. `type_of` gives the type of a number.
    pub(crate) fn pack(&mut self, type_of: impl Fn(u32) -> ValueType) -> Result<Bytes, CodecError> {
        self.sort();
        let mut encoder = std::mem::take(&mut self.encoder);
        let mut first = 0;
        let sorter = &*self;
        let series = sorter.touched.iter().map(|&number| {
            // `sort` has turned the counts into the ends of each series' part.
            let end = sorter.counts[number as usize] as usize;
            let part = std::mem::replace(&mut first, end)..end;
            SeriesPoints {
                number,
                value_type: type_of(number),
                steps: &sorter.sorted.steps[part.clone()],
                times: &sorter.sorted.times[part.clone()],
                values: &sorter.sorted.values[part.clone()],
                epochs: sorter.epochs_of(part),
                order: None,
            }
        });
        encoder.pack.clear();
        let packed = encode_pack_into(&mut encoder.pack, &mut encoder.scratch, series);
        let pack = packed.map(|()| Bytes::copy_from_slice(&encoder.pack));
        self.encoder = encoder;
        self.clear();
        pack
    }

    fn epochs_of(&self, part: std::ops::Range<usize>) -> Option<&[f64]> {
        if !self.has_epochs {
            return None;
        }
        let epochs = &self.sorted.epochs[part];
        epochs.iter().any(|epoch| !epoch.is_nan()).then_some(epochs)
    }

    fn sort(&mut self) {
        let count = self.numbers.len();
        self.touched.sort_unstable();
        let mut first = 0;
        for &number in &self.touched {
            let points = std::mem::replace(&mut self.counts[number as usize], first);
            first += points;
        }
        self.targets.clear();
        self.targets.extend(self.numbers.iter().map(|&number| {
            let next = &mut self.counts[number as usize];
            let target = *next;
            *next += 1;
            target
        }));
        scatter(&self.targets, &self.arrived.steps, &mut self.sorted.steps);
        scatter(&self.targets, &self.arrived.times, &mut self.sorted.times);
        scatter(&self.targets, &self.arrived.values, &mut self.sorted.values);
        if self.has_epochs {
            self.arrived.epochs.resize(count, f64::NAN);
            scatter(&self.targets, &self.arrived.epochs, &mut self.sorted.epochs);
        }
    }
}

fn scatter<T: Copy + Default>(targets: &[u32], from: &[T], to: &mut Vec<T>) {
    to.resize(targets.len(), T::default());
    for (&target, &value) in targets.iter().zip(from) {
        to[target as usize] = value;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runstone_codec::{PackReader, SeriesColumns, encode_pack};

    use super::*;

    fn point() -> impl Strategy<Value = Point> {
        (
            1u32..40,
            any::<i16>(),
            any::<u64>(),
            proptest::option::weighted(0.2, -5i8..5),
        )
            .prop_map(|(series, step, value_bits, epoch)| Point {
                series,
                step: f64::from(step),
                time_micros: i64::from(step) * 3,
                value_bits,
                epoch: epoch.map(f64::from),
            })
    }

    #[test]
    fn a_pack_is_as_if_each_series_had_come_alone() {
        let mut sorter = PointSorter::default();
        let point = |series, step, time_micros, value_bits, epoch| Point {
            series,
            step,
            time_micros,
            value_bits,
            epoch,
        };
        let type_of = |number| match number {
            2 => ValueType::I64,
            _ => ValueType::F64,
        };
        // The buffers are used again: nothing of a round is left for the next one.
        for round in 0..3 {
            let bits = [1.5_f64.to_bits(), 2.5_f64.to_bits()];
            sorter.push(&point(5, 0.0, 10 + round, bits[0], None));
            sorter.push(&point(2, 0.0, 11 + round, 7, None));
            sorter.push(&point(5, 1.0, 12 + round, bits[1], Some(3.0)));
            sorter.push(&point(2, 1.0, 13 + round, 8, None));
            let two = SeriesColumns {
                steps: vec![0.0, 1.0],
                times: vec![11 + round, 13 + round],
                values: vec![7, 8],
                ..SeriesColumns::default()
            };
            let five = SeriesColumns {
                steps: vec![0.0, 1.0],
                times: vec![10 + round, 12 + round],
                values: bits.to_vec(),
                epochs: Some(vec![f64::NAN, 3.0]),
                ..SeriesColumns::default()
            };
            let alone = encode_pack(&[
                two.as_points(2, ValueType::I64),
                five.as_points(5, ValueType::F64),
            ]);
            assert_eq!(sorter.pack(type_of).unwrap(), alone.unwrap());
            assert!(sorter.is_empty());
        }
        // What was pushed and not packed is forgotten by `clear`.
        sorter.push(&point(9, 0.0, 0, 0, Some(1.0)));
        sorter.clear();
        sorter.push(&point(2, 4.0, 5, 6, None));
        let pack = sorter.pack(type_of).unwrap();
        let reader = PackReader::parse(&pack).unwrap();
        assert_eq!((reader.series_count(), reader.point_count()), (1, 1));
    }

    proptest! {
        #[test]
        fn each_series_keeps_its_points_in_slot_order(
            frames in proptest::collection::vec(proptest::collection::vec(point(), 1..200), 1..4)
        ) {
            let mut sorter = PointSorter::default();
            for points in &frames {
                for point in points {
                    sorter.push(point);
                }
                prop_assert_eq!(sorter.len(), points.len());
                let pack = sorter.pack(|_| ValueType::F64).unwrap();
                prop_assert!(sorter.is_empty());
                let reader = PackReader::parse(&pack).unwrap();
                prop_assert_eq!(reader.point_count(), points.len());
                let mut columns = SeriesColumns::default();
                for index in 0..reader.series_count() {
                    let number = reader.series().nth(index).unwrap().number;
                    reader.decode(index, &mut columns).unwrap();
                    let expected: Vec<&Point> =
                        points.iter().filter(|point| point.series == number).collect();
                    prop_assert_eq!(columns.len(), expected.len());
                    for (at, point) in expected.iter().enumerate() {
                        prop_assert_eq!(columns.steps[at], point.step);
                        prop_assert_eq!(columns.times[at], point.time_micros);
                        prop_assert_eq!(columns.values[at], point.value_bits);
                        let epoch = columns.epochs.as_ref().map(|epochs| epochs[at]);
                        prop_assert_eq!(epoch.filter(|epoch| !epoch.is_nan()), point.epoch);
                    }
                }
            }
        }
    }
}
