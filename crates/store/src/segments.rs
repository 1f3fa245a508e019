//! Points of many series of one run as *segments*: what a reader needs to draw them.
//!
//! A segment covers a range of steps that no other segment of its series touches. Where every
//! stored point of it shows, and the engine knows the extremes without reading the points, it
//! carries *blocks*; its points can be read all the same. Everywhere else only reading tells.
//! `query` draws from segments; engines make them in [`crate::Snapshot::scan_segments`].

use std::fmt;

use runstone_model::{SeriesKey, Step, ValueType};

use crate::{PointColumns, SeriesHiding, StoreError};

/// Which series, and which steps of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentScan {
    /// The series.
    pub series: SeriesKey,
    /// Segments wholly before this step may be left out, but for the nearest with a readable point.
    pub from_step: Option<Step>,
    /// Segments wholly after this step may be left out, but for the nearest with a readable point.
    pub to_step: Option<Step>,
}

/// A series as segments.
#[derive(Debug)]
pub struct SeriesSegments<'a> {
    /// Type it reads as: that of all points ever applied.
    pub value_type: ValueType,
    /// By step; no two share one.
    pub segments: Vec<Segment<'a>>,
}

/// Takes the series of a scan by the scan's index.
pub type TakeSegments<'t> =
    dyn FnMut(usize, Option<SeriesSegments<'_>>) -> Result<(), StoreError> + 't;

/// Takes readable points, by step, in portions of any size.
pub type TakePoints<'t> = dyn FnMut(VisiblePoints) -> Result<(), StoreError> + 't;

type ReadBlocks<'a> = dyn Fn() -> Result<Vec<PointBlock>, StoreError> + 'a;
type ReadPoints<'a> = dyn Fn(&mut TakePoints<'_>) -> Result<(), StoreError> + 'a;

/// A range of steps of a series.
pub struct Segment<'a> {
    /// No readable point has a smaller step.
    pub first_step: f64,
    /// No readable point has a greater step.
    pub last_step: f64,
    /// Whether times never fall from one readable point to the next; `false` where not known.
    pub times_rise: bool,
    /// What all readable points amount to, by step; empty where only reading them tells.
    pub blocks: Vec<PointBlock>,
    finer: Option<Box<ReadBlocks<'a>>>,
    read: Box<ReadPoints<'a>>,
}

impl<'a> Segment<'a> {
    /// A segment over a range of steps without blocks; `read` hands its readable points on, each
    /// time the same.
    pub fn new(
        (first_step, last_step): (f64, f64),
        read: impl Fn(&mut TakePoints<'_>) -> Result<(), StoreError> + 'a,
    ) -> Self {
        Self {
            first_step,
            last_step,
            times_rise: false,
            blocks: Vec::new(),
            finer: None,
            read: Box::new(read),
        }
    }

    /// A segment of points that are at hand; `None` if there are none.
    pub fn from_points(points: VisiblePoints) -> Option<Self> {
        let (first, last) = (*points.steps.first()?, *points.steps.last()?);
        Some(Self::new((first, last), move |take| take(points.clone())))
    }

    /// With blocks, which together hold exactly the readable points.
    #[must_use]
    pub fn with_blocks(mut self, blocks: Vec<PointBlock>, times_rise: bool) -> Self {
        self.blocks = blocks;
        self.times_rise = times_rise;
        self
    }

    /// With a way to blocks of fewer points each, which hold the same points.
    #[must_use]
    pub fn with_finer_blocks(
        mut self,
        read: impl Fn() -> Result<Vec<PointBlock>, StoreError> + 'a,
    ) -> Self {
        self.finer = Some(Box::new(read));
        self
    }

    /// Blocks of fewer points each than [`Segment::blocks`]; `None` where there are no others.
    ///
    /// # Errors
    /// `Corrupt` where they can't be read.
    pub fn finer_blocks(&self) -> Result<Option<Vec<PointBlock>>, StoreError> {
        self.finer.as_ref().map(|read| read()).transpose()
    }

    /// Hands on the readable points, by step, in portions.
    ///
    /// # Errors
    /// Those of `take`, and `Corrupt` where the points can't be read.
    pub fn read(&self, take: &mut TakePoints<'_>) -> Result<(), StoreError> {
        (self.read)(take)
    }
}

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Segment")
            .field("first_step", &self.first_step)
            .field("last_step", &self.last_step)
            .field("times_rise", &self.times_rise)
            .field("blocks", &self.blocks.len())
            .finish_non_exhaustive()
    }
}

/// Consecutive readable points, summarised. Raw bits are read by the value type of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointBlock {
    /// Points, at least 1.
    pub count: u32,
    /// Point of the smallest step.
    pub first: BlockPoint,
    /// Point of the greatest step.
    pub last: BlockPoint,
    /// The smallest value that is no NaN, the earliest step among equals; `None` if all are.
    pub min: Option<BlockPoint>,
    /// The greatest value that is no NaN, the earliest step among equals; `None` if all are.
    pub max: Option<BlockPoint>,
    /// The first NaN.
    pub nan: Option<BlockPoint>,
}

/// A point of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockPoint {
    /// Step.
    pub step: f64,
    /// Microseconds UTC.
    pub time: i64,
    /// Raw bits of the value.
    pub bits: u64,
}

/// Readable points of one series, one a step, steps strictly rising. All columns have one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VisiblePoints {
    /// Finite, never -0.0.
    pub steps: Vec<f64>,
    /// Microseconds UTC.
    pub times: Vec<i64>,
    /// Raw bits, read by the value type of the series.
    pub values: Vec<u64>,
    /// NaN where absent; empty if no point has one.
    pub epochs: Vec<f64>,
}

impl VisiblePoints {
    /// What shows of points that are sorted and hold all points of the steps they hold.
    pub fn from_columns(points: PointColumns, hiding: &SeriesHiding) -> Self {
        let rises = points.steps.windows(2).all(|pair| pair[0] < pair[1]);
        if rises && hiding.is_empty() {
            return Self {
                steps: points.steps,
                times: points.times,
                values: points.values,
                epochs: points.epochs,
            };
        }
        let visible = points.visible(hiding);
        Self {
            steps: keep(points.steps, &visible),
            times: keep(points.times, &visible),
            values: keep(points.values, &visible),
            epochs: keep(points.epochs, &visible),
        }
    }

    /// Keeps the points that are named.
    pub fn retain(&mut self, kept: &[bool]) {
        if kept.iter().all(|kept| *kept) {
            return;
        }
        *self = Self {
            steps: keep(std::mem::take(&mut self.steps), kept),
            times: keep(std::mem::take(&mut self.times), kept),
            values: keep(std::mem::take(&mut self.values), kept),
            epochs: keep(std::mem::take(&mut self.epochs), kept),
        };
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

fn keep<T>(column: Vec<T>, visible: &[bool]) -> Vec<T> {
    let flagged = column.into_iter().zip(visible);
    flagged
        .filter(|(_, visible)| **visible)
        .map(|(value, _)| value)
        .collect()
}
