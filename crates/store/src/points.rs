//! Points of one series with the order they have, as columns, and what shows of them.
//!
//! Engines gather the points of a series from wherever they lie (frames, packs, chunks) into
//! [`PointColumns`]; sorting and visibility are the same for all.

use std::cmp::Ordering;

use runstone_codec::SeriesColumns;
use runstone_model::{AppendNumber, Generation, Step, Timestamp, ValueType};

use crate::{Point, PointPage, PointPosition, PointScan, PointValue, SeriesHiding};
use crate::{SeriesSummary, SummaryFold};

/// Points of one series, in any order, with a position each. All columns have one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PointColumns {
    /// Finite, never -0.0.
    pub steps: Vec<f64>,
    /// Microseconds UTC.
    pub times: Vec<i64>,
    /// 64 raw bits each, read by the value type of the series.
    pub values: Vec<u64>,
    /// NaN where absent; empty if no point has one.
    pub epochs: Vec<f64>,
    /// Generations.
    pub generations: Vec<u32>,
    /// Append numbers.
    pub appends: Vec<u64>,
    /// Positions in the frame.
    pub positions: Vec<u32>,
}

/// Where points of one frame stand in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameOrder {
    /// Generation of the writer.
    pub generation: u32,
    /// Append number of the frame.
    pub append: u64,
    /// Position of the first point.
    pub first_position: u32,
}

impl PointColumns {
    /// Number of points.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Makes room for more points without epochs.
    pub fn reserve(&mut self, points: usize) {
        self.steps.reserve(points);
        self.times.reserve(points);
        self.values.reserve(points);
        self.generations.reserve(points);
        self.appends.reserve(points);
        self.positions.reserve(points);
    }

    /// Adds points of a wire pack. `base` is added to steps, values are kept as `reads_as` has
    /// them. Order columns of `columns`, if any, win over `order`.
    pub fn extend(
        &mut self,
        columns: &SeriesColumns,
        base: f64,
        value_type: ValueType,
        reads_as: ValueType,
        order: FrameOrder,
    ) {
        let former = self.len();
        let added = columns.steps.len();
        self.steps
            .extend(columns.steps.iter().map(|step| step + base + 0.0));
        self.times.extend_from_slice(&columns.times);
        if is_integer(value_type) == is_integer(reads_as) {
            self.values.extend_from_slice(&columns.values);
        } else {
            let converted = columns
                .values
                .iter()
                .map(|bits| convert_bits(*bits, value_type, reads_as));
            self.values.extend(converted);
        }
        if let Some(epochs) = &columns.epochs {
            self.epochs.resize(former, f64::NAN);
            self.epochs.extend_from_slice(epochs);
        } else if !self.epochs.is_empty() {
            self.epochs.resize(former + added, f64::NAN);
        }
        if let Some(own) = &columns.order {
            self.generations.extend_from_slice(&own.generations);
            self.appends.extend_from_slice(&own.appends);
            self.positions.extend_from_slice(&own.positions);
        } else {
            self.generations.resize(former + added, order.generation);
            self.appends.resize(former + added, order.append);
            self.positions.extend((order.first_position..).take(added));
        }
    }

    /// Adds all points of `other`.
    pub fn append(&mut self, other: &Self) {
        let former = self.len();
        self.steps.extend_from_slice(&other.steps);
        self.times.extend_from_slice(&other.times);
        self.values.extend_from_slice(&other.values);
        if !self.epochs.is_empty() || !other.epochs.is_empty() {
            self.epochs.resize(former, f64::NAN);
            self.epochs.extend_from_slice(&other.epochs);
            self.epochs.resize(former + other.len(), f64::NAN);
        }
        self.generations.extend_from_slice(&other.generations);
        self.appends.extend_from_slice(&other.appends);
        self.positions.extend_from_slice(&other.positions);
    }

    /// Copies a range of the points.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            steps: self.steps[range.clone()].to_vec(),
            times: self.times[range.clone()].to_vec(),
            values: self.values[range.clone()].to_vec(),
            epochs: self.epochs.get(range.clone()).unwrap_or_default().to_vec(),
            generations: self.generations[range.clone()].to_vec(),
            appends: self.appends[range.clone()].to_vec(),
            positions: self.positions[range].to_vec(),
        }
    }

    /// Keeps the points that are named.
    pub fn retain(&mut self, kept: &[bool]) {
        if kept.iter().all(|kept| *kept) {
            return;
        }
        retain_column(&mut self.steps, kept);
        retain_column(&mut self.times, kept);
        retain_column(&mut self.values, kept);
        retain_column(&mut self.epochs, kept);
        retain_column(&mut self.generations, kept);
        retain_column(&mut self.appends, kept);
        retain_column(&mut self.positions, kept);
    }

    /// Sorts by (step, generation, append number, position): the order of history.
    pub fn sort(&mut self) {
        // Most points come in this order; no more than their steps is looked at then.
        let steps_rise = self.steps.windows(2).all(|pair| pair[0] < pair[1]);
        if steps_rise
            || (1..self.len()).all(|index| self.compare(index - 1, index) == Ordering::Less)
        {
            return;
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|a, b| self.compare(*a, *b));
        self.steps = order.iter().map(|index| self.steps[*index]).collect();
        self.times = order.iter().map(|index| self.times[*index]).collect();
        self.values = order.iter().map(|index| self.values[*index]).collect();
        if !self.epochs.is_empty() {
            self.epochs = order.iter().map(|index| self.epochs[*index]).collect();
        }
        self.generations = order.iter().map(|index| self.generations[*index]).collect();
        self.appends = order.iter().map(|index| self.appends[*index]).collect();
        self.positions = order.iter().map(|index| self.positions[*index]).collect();
    }

    /// Which points show; the columns must be sorted and hold all points of the steps they hold.
    pub fn visible(&self, hiding: &SeriesHiding) -> Vec<bool> {
        let mut visible = vec![false; self.len()];
        let mut index = self.len();
        while index > 0 {
            // From the end of a step's points, the first that is alive shows.
            let step = self.steps[index - 1];
            let mut shown = false;
            while index > 0 && self.steps[index - 1] == step {
                index -= 1;
                if !shown && hiding.is_alive(step, self.generations[index], self.appends[index]) {
                    visible[index] = true;
                    shown = true;
                }
            }
        }
        visible
    }

    /// Summary of the points that `visible` names.
    pub fn summarize(&self, visible: &[bool], reads_as: ValueType) -> SeriesSummary {
        let mut fold = SummaryFold::default();
        for index in (0..self.len()).filter(|index| visible[*index]) {
            fold.push(
                self.step(index),
                self.time(index),
                bits_as_f64(self.values[index], reads_as),
            );
        }
        fold.finish()
    }

    /// The page that a scan asks for; the columns must be sorted and hold at least all points of
    /// the scan's range.
    pub fn page(&self, scan: &PointScan, hiding: &SeriesHiding, reads_as: ValueType) -> PointPage {
        let visible = self.visible(hiding);
        let mut page = PointPage {
            value_type: reads_as,
            points: Vec::new(),
            next: None,
        };
        for (index, visible) in visible.into_iter().enumerate() {
            let position = self.position(index);
            let wanted = (scan.history || visible)
                && scan.from_step.is_none_or(|from| position.step >= from)
                && scan.to_step.is_none_or(|to| position.step <= to)
                && scan.after.is_none_or(|after| position > after);
            if !wanted {
                continue;
            }
            if page.points.len() == scan.limit.max(1) {
                page.next = page.points.last().map(|point: &Point| point.position);
                break;
            }
            page.points.push(Point {
                position,
                time: self.time(index),
                value: point_value(self.values[index], reads_as),
                epoch: self
                    .epochs
                    .get(index)
                    .copied()
                    .filter(|epoch| !epoch.is_nan()),
                visible,
            });
        }
        page
    }

    /// Where a point stands.
    pub fn position(&self, index: usize) -> PointPosition {
        PointPosition {
            step: self.step(index),
            generation: Generation(self.generations[index]),
            append: AppendNumber(self.appends[index]),
            position: self.positions[index],
        }
    }

    fn step(&self, index: usize) -> Step {
        Step::new(self.steps[index]).expect("steps are checked when a frame is applied")
    }

    fn time(&self, index: usize) -> Timestamp {
        Timestamp::from_micros(self.times[index])
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        self.steps[a]
            .total_cmp(&self.steps[b])
            .then(self.generations[a].cmp(&self.generations[b]))
            .then(self.appends[a].cmp(&self.appends[b]))
            .then(self.positions[a].cmp(&self.positions[b]))
    }
}

/// An empty column stays empty.
fn retain_column<T>(column: &mut Vec<T>, kept: &[bool]) {
    let mut index = 0;
    column.retain(|_| {
        index += 1;
        kept[index - 1]
    });
}

/// Whether values of this type are kept as integers; all others are kept as bits of an f64.
pub fn is_integer(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::I64 | ValueType::Bool)
}

/// Raw bits of a value of one type as those of another: integers become floats in a series that
/// reads as f64. Floats become integers only where a fork reads integers that its parent keeps as
/// floats since it got some.
pub fn convert_bits(bits: u64, from: ValueType, to: ValueType) -> u64 {
    match (is_integer(from), is_integer(to)) {
        (true, false) => bits_as_f64(bits, from).to_bits(),
        (false, true) => (f64::from_bits(bits) as i64).cast_unsigned(),
        _ => bits,
    }
}

/// Raw bits as f64; integers past 2^53 lose digits.
pub fn bits_as_f64(bits: u64, value_type: ValueType) -> f64 {
    point_value(bits, value_type).as_f64()
}

/// Raw bits as the typed value that readers get.
pub fn point_value(bits: u64, value_type: ValueType) -> PointValue {
    if is_integer(value_type) {
        PointValue::I64(bits.cast_signed())
    } else {
        PointValue::F64(f64::from_bits(bits))
    }
}
