//! What every 256 points of a chunk amount to.

use super::{BLOCK_POINTS, COARSE_BLOCKS};
use crate::SeriesPoints;
use crate::column::Kind;
use crate::pack::kind_of_type;

/// What 256 consecutive points of a chunk amount to. Values are 64 bits as in the columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockSummary {
    /// Points.
    pub count: u32,
    /// Smallest step.
    pub min_step: f64,
    /// Greatest step.
    pub max_step: f64,
    /// Time of the first point.
    pub first_time: i64,
    /// Time of the last point.
    pub last_time: i64,
    /// Value of the first point.
    pub first: u64,
    /// Value of the last point.
    pub last: u64,
    /// Smallest value that is no NaN, infinities included, the first among equals; a NaN if all
    /// are.
    pub min: u64,
    /// Greatest value that is no NaN, infinities included, the first among equals; a NaN if all
    /// are.
    pub max: u64,
    /// Sum of the finite values, as f64.
    pub sum: f64,
    /// Values that are NaN.
    pub nan_count: u32,
    /// Values that are positive infinity.
    pub positive_infinity_count: u32,
    /// Values that are negative infinity.
    pub negative_infinity_count: u32,
}

/// Where in a block its extremes and its first NaN stand: what a reader needs to draw them without
/// the data. A place that there is none of is step 0.0 at the time of the block's first point.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BlockPlaces {
    /// Of the smallest value, the first among equals.
    pub min: Place,
    /// Of the greatest value, the first among equals.
    pub max: Place,
    /// Of the first NaN.
    pub nan: Place,
}

/// Step and time of a point.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Place {
    /// Step.
    pub step: f64,
    /// The client's clock, microseconds UTC.
    pub time: i64,
}

/// Summaries of the blocks, and the places in them.
pub(super) fn summarise(points: &SeriesPoints<'_>) -> (Vec<BlockSummary>, Vec<BlockPlaces>) {
    let steps = points.steps.chunks(BLOCK_POINTS);
    let times = points.times.chunks(BLOCK_POINTS);
    let values = points.values.chunks(BLOCK_POINTS);
    let kind = kind_of_type(points.value_type);
    steps
        .zip(times)
        .zip(values)
        .map(|((steps, times), values)| {
            let (mut block, found) = match kind {
                Kind::Float => summarise_floats(values),
                Kind::Integer => summarise_integers(values),
            };
            block.min_step = steps.iter().copied().fold(steps[0], f64::min);
            block.max_step = steps.iter().copied().fold(steps[0], f64::max);
            block.first_time = times[0];
            block.last_time = times[times.len() - 1];
            let place = |index: Option<usize>| Place {
                step: index.map_or(0.0, |index| steps[index]),
                time: times[index.unwrap_or(0)],
            };
            let places = BlockPlaces {
                min: place(found.min),
                max: place(found.max),
                nan: place(found.nan),
            };
            (block, places)
        })
        .unzip()
}

/// Summaries of every [`COARSE_BLOCKS`] blocks, and the places in them.
pub(super) fn coarsen(
    blocks: &[BlockSummary],
    places: &[BlockPlaces],
    kind: Kind,
) -> (Vec<BlockSummary>, Vec<BlockPlaces>) {
    blocks
        .chunks(COARSE_BLOCKS)
        .zip(places.chunks(COARSE_BLOCKS))
        .map(|(blocks, places)| join(blocks, places, kind))
        .unzip()
}

/// Consecutive blocks as one.
fn join(
    blocks: &[BlockSummary],
    places: &[BlockPlaces],
    kind: Kind,
) -> (BlockSummary, BlockPlaces) {
    let (mut all, mut at) = (blocks[0], places[0]);
    for (block, places) in blocks.iter().zip(places).skip(1) {
        if block.nan_count < block.count {
            let is_first = all.nan_count == all.count;
            if is_first || is_less(block.min, all.min, kind) {
                (all.min, at.min) = (block.min, places.min);
            }
            if is_first || is_less(all.max, block.max, kind) {
                (all.max, at.max) = (block.max, places.max);
            }
        }
        if all.nan_count == 0 && block.nan_count > 0 {
            at.nan = places.nan;
        }
        all.count += block.count;
        all.min_step = all.min_step.min(block.min_step);
        all.max_step = all.max_step.max(block.max_step);
        all.last_time = block.last_time;
        all.last = block.last;
        all.sum += block.sum;
        all.nan_count += block.nan_count;
        all.positive_infinity_count += block.positive_infinity_count;
        all.negative_infinity_count += block.negative_infinity_count;
    }
    (all, at)
}

fn is_less(one: u64, other: u64, kind: Kind) -> bool {
    match kind {
        Kind::Float => f64::from_bits(one) < f64::from_bits(other),
        Kind::Integer => one.cast_signed() < other.cast_signed(),
    }
}

/// Indexes in the block.
#[derive(Default)]
struct Found {
    min: Option<usize>,
    max: Option<usize>,
    nan: Option<usize>,
}

fn unsummarised(values: &[u64]) -> BlockSummary {
    BlockSummary {
        count: values.len() as u32,
        min_step: 0.0,
        max_step: 0.0,
        first_time: 0,
        last_time: 0,
        first: values[0],
        last: values[values.len() - 1],
        min: values[0],
        max: values[0],
        sum: 0.0,
        nan_count: 0,
        positive_infinity_count: 0,
        negative_infinity_count: 0,
    }
}

fn summarise_floats(values: &[u64]) -> (BlockSummary, Found) {
    let mut block = unsummarised(values);
    let mut found = Found::default();
    let mut min = f64::NAN;
    let mut max = f64::NAN;
    for (index, &word) in values.iter().enumerate() {
        let value = f64::from_bits(word);
        if value.is_nan() {
            block.nan_count += 1;
            found.nan.get_or_insert(index);
            continue;
        }
        // Comparisons with a NaN are false: the first value is taken as it is.
        if min.is_nan() || value < min {
            min = value;
            found.min = Some(index);
        }
        if max.is_nan() || value > max {
            max = value;
            found.max = Some(index);
        }
        if value == f64::INFINITY {
            block.positive_infinity_count += 1;
        } else if value == f64::NEG_INFINITY {
            block.negative_infinity_count += 1;
        } else {
            block.sum += value;
        }
    }
    block.min = min.to_bits();
    block.max = max.to_bits();
    (block, found)
}

fn summarise_integers(values: &[u64]) -> (BlockSummary, Found) {
    let mut block = unsummarised(values);
    let (mut min, mut max) = ((values[0] as i64, 0), (values[0] as i64, 0));
    for (index, &word) in values.iter().enumerate() {
        let value = word as i64;
        if value < min.0 {
            min = (value, index);
        }
        if value > max.0 {
            max = (value, index);
        }
        block.sum += value as f64;
    }
    block.min = min.0 as u64;
    block.max = max.0 as u64;
    let found = Found {
        min: Some(min.1),
        max: Some(max.1),
        nan: None,
    };
    (block, found)
}
