//! Points of one series with the order they have, as columns, and what shows of them.
//!
//! Engines gather the points of a series from wherever they lie (frames, packs, chunks) into
//! [`PointColumns`]; sorting and visibility are the same for all.

use runstone_model::{AppendNumber, Generation, Step, Timestamp, ValueType};

use crate::{Point, PointPosition, PointValue, SeriesHiding, SummaryFold};

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
}
