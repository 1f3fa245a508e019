//! From the segments of a series to the points that draw it.
//!
//! Two passes where an end of the window is open: the first finds the ends of x, the second keeps
//! points. Points that were read in the first are kept for the second, up to a bound.

use runstone_model::ValueType;
use runstone_store::{PointBlock, Segment, SeriesSegments, StoreError, VisiblePoints};

use crate::axis::Axis;
use crate::buckets::{Buckets, Extremes, Point};
use crate::grid::Grid;

/// Up to so many points a pixel all points of the window are drawn.
pub const EXACT_POINTS_PER_PIXEL: usize = 4;
/// A block stands for its points if it is at most so wide, in pixels.
const BLOCK_PIXELS_MAX: f64 = 1.0;
/// Points kept from the first pass for the second.
const KEPT_POINTS_MAX: usize = 1 << 20;

/// How a series is to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Drawing<'a> {
    /// What stands on x.
    pub axis: Axis<'a>,
    /// Pixels of the window, at least 1.
    pub pixels: usize,
    /// Pixels are equal in log x; what is not above 0 is left out.
    pub log_x: bool,
    /// The window begins here, inclusive; `None`: at the smallest x.
    pub from: Option<f64>,
    /// The window ends here, inclusive; `None`: at the greatest x.
    pub to: Option<f64>,
}

/// The points that draw a series, by (x, step). All columns have one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DrawnPoints {
    /// x.
    pub x: Vec<f64>,
    /// Steps.
    pub steps: Vec<f64>,
    /// Raw bits of the values, read by the value type of the series.
    pub values: Vec<u64>,
    /// Readable points in the window that have an x.
    pub points: u64,
    /// All of them are here.
    pub exact: bool,
}

impl Drawing<'_> {
    /// Draws a series. With a window, segments that end before it or begin after it may be
    /// missing where x is the step, but for the nearest on either side.
    ///
    /// Costs a walk over the blocks where they are narrow enough, and over the points elsewhere.
    ///
    /// # Errors
    /// Those of reading the segments.
    pub fn draw(&self, series: &SeriesSegments<'_>) -> Result<DrawnPoints, StoreError> {
        let mut reader = Reader::new(&series.segments);
        let Some((low, high)) = self.window(&mut reader)? else {
            return Ok(DrawnPoints {
                exact: true,
                ..DrawnPoints::default()
            });
        };
        let grid = Grid::new(low, high, self.pixels, self.log_x);
        let exact_max = EXACT_POINTS_PER_PIXEL * self.pixels;
        let may_use_blocks = self.blocks_inside(&series.segments, &grid) > exact_max as u64;
        let is_integer = matches!(series.value_type, ValueType::I64 | ValueType::Bool);
        let mut buckets = Buckets::new(grid, self.pixels, exact_max, is_integer);
        let mut xs = Vec::new();
        for (index, segment) in series.segments.iter().enumerate() {
            if self.axis.reads_blocks(segment) {
                if let Some(point) = self.outside(segment, &grid) {
                    self.add(&mut buckets, point);
                    continue;
                }
                if may_use_blocks
                    && self.is_inside(segment, &grid)
                    && self.add_blocks(segment, &mut buckets, &grid)?
                {
                    continue;
                }
            }
            reader.read(index, false, &mut |points| {
                self.axis.fill(points, &mut xs);
                let rises = xs.windows(2).all(|pair| pair[0] < pair[1]);
                let ends = [xs.first(), xs.last()];
                if rises && ends.into_iter().flatten().all(|x| self.has_place(*x)) {
                    buckets.add_rising(&xs, &points.steps, &points.values);
                    return;
                }
                let rows = xs.iter().zip(&points.steps).zip(&points.values);
                for ((x, step), bits) in rows {
                    let (x, step, bits) = (*x, *step, *bits);
                    self.add(&mut buckets, Point { x, step, bits });
                }
            })?;
        }
        Ok(buckets.finish())
    }

    fn has_place(&self, x: f64) -> bool {
        x.is_finite() && (!self.log_x || x > 0.0)
    }

    fn add(&self, buckets: &mut Buckets, point: Point) {
        if self.has_place(point.x) {
            buckets.add(point);
        }
    }

    /// Ends of the window; `None` if no point has an x.
    fn window(&self, reader: &mut Reader<'_, '_>) -> Result<Option<(f64, f64)>, StoreError> {
        let from = self.from.filter(|from| self.has_place(*from));
        let to = self.to;
        if let (Some(from), Some(to)) = (from, to) {
            return Ok(Some((from, to)));
        }
        let mut ends: Option<(f64, f64)> = None;
        let mut widen = |x: f64| {
            if self.has_place(x) {
                ends = Some(ends.map_or((x, x), |(low, high)| (low.min(x), high.max(x))));
            }
        };
        let mut xs = Vec::new();
        for index in 0..reader.segments.len() {
            let segment = &reader.segments[index];
            if self.axis.reads_blocks(segment)
                && let Some((first, last)) = self.extent(segment)
                && self.has_place(first)
            {
                widen(first);
                widen(last);
                continue;
            }
            reader.read(index, true, &mut |points| {
                self.axis.fill(points, &mut xs);
                xs.iter().copied().for_each(&mut widen);
            })?;
        }
        Ok(ends.map(|(low, high)| (from.unwrap_or(low), to.unwrap_or(high))))
    }

    /// x of the first and of the last point of a segment whose blocks tell x.
    fn extent(&self, segment: &Segment<'_>) -> Option<(f64, f64)> {
        let (first, last) = (segment.blocks.first()?, segment.blocks.last()?);
        Some((self.axis.of(&first.first), self.axis.of(&last.last)))
    }

    /// Points of all blocks that lie in the window whole: the window holds no fewer.
    fn blocks_inside(&self, segments: &[Segment<'_>], grid: &Grid) -> u64 {
        let is_inside = |x: f64| self.has_place(x) && grid.side(x).is_eq();
        segments
            .iter()
            .filter(|segment| self.axis.reads_blocks(segment))
            .flat_map(|segment| &segment.blocks)
            .filter(|block| {
                is_inside(self.axis.of(&block.first)) && is_inside(self.axis.of(&block.last))
            })
            .map(|block| u64::from(block.count))
            .sum()
    }

    /// The point next to the window of a segment that lies wholly before or after it.
    fn outside(&self, segment: &Segment<'_>, grid: &Grid) -> Option<Point> {
        let (first, last) = (segment.blocks.first()?, segment.blocks.last()?);
        let point = |point: &runstone_store::BlockPoint| Point {
            x: self.axis.of(point),
            step: point.step,
            bits: point.bits,
        };
        if grid.side(self.axis.of(&last.last)).is_lt() {
            Some(point(&last.last))
        } else if grid.side(self.axis.of(&first.first)).is_gt() {
            Some(point(&first.first))
        } else {
            None
        }
    }

    /// Whether a segment lies in the window whole.
    fn is_inside(&self, segment: &Segment<'_>, grid: &Grid) -> bool {
        let is_inside = |x: f64| self.has_place(x) && grid.side(x).is_eq();
        self.extent(segment)
            .is_some_and(|(first, last)| is_inside(first) && is_inside(last))
    }

    /// Adds the coarsest blocks of a segment that are narrow enough; `false` if none are.
    fn add_blocks(
        &self,
        segment: &Segment<'_>,
        buckets: &mut Buckets,
        grid: &Grid,
    ) -> Result<bool, StoreError> {
        let is_integer = buckets.is_integer();
        let is_narrow = |block: &PointBlock| {
            let first = grid.position(self.axis.of(&block.first));
            grid.position(self.axis.of(&block.last)) - first <= BLOCK_PIXELS_MAX
        };
        // An infinite extreme hides the finite one beside it: only the points tell.
        let is_finite = |block: &PointBlock| {
            let mut extremes = block.min.iter().chain(&block.max);
            is_integer || extremes.all(|point| f64::from_bits(point.bits).is_finite())
        };
        let is_usable = |block: &PointBlock| is_finite(block) && is_narrow(block);
        if segment.blocks.iter().all(is_usable) {
            self.add_all(&segment.blocks, buckets);
            return Ok(true);
        }
        match segment.finer_blocks()? {
            Some(blocks) if blocks.iter().all(is_usable) => {
                self.add_all(&blocks, buckets);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn add_all(&self, blocks: &[PointBlock], buckets: &mut Buckets) {
        let point = |point: &runstone_store::BlockPoint| Point {
            x: self.axis.of(point),
            step: point.step,
            bits: point.bits,
        };
        for block in blocks {
            buckets.add_block(&Extremes {
                count: block.count.into(),
                first: point(&block.first),
                last: point(&block.last),
                min: block.min.as_ref().map(point),
                max: block.max.as_ref().map(point),
                nan: block.nan.as_ref().map(point),
            });
        }
    }
}

/// Reads segments, and keeps what it read in the first pass while it is little.
struct Reader<'s, 'a> {
    segments: &'s [Segment<'a>],
    kept: Vec<Option<Vec<VisiblePoints>>>,
    kept_points: usize,
}

impl<'s, 'a> Reader<'s, 'a> {
    fn new(segments: &'s [Segment<'a>]) -> Self {
        Self {
            segments,
            kept: vec![None; segments.len()],
            kept_points: 0,
        }
    }

    /// Hands on the points of a segment; `keep`: it will be read again.
    fn read(
        &mut self,
        index: usize,
        keep: bool,
        take: &mut dyn FnMut(&VisiblePoints),
    ) -> Result<(), StoreError> {
        if let Some(kept) = &self.kept[index] {
            kept.iter().for_each(take);
            return Ok(());
        }
        let room = KEPT_POINTS_MAX.saturating_sub(self.kept_points);
        let mut kept = keep.then(Vec::new);
        let mut count = 0;
        self.segments[index].read(&mut |points| {
            take(&points);
            count += points.len();
            if count > room {
                kept = None;
            }
            if let Some(kept) = &mut kept {
                kept.push(points);
            }
            Ok(())
        })?;
        if kept.is_some() {
            self.kept_points += count;
        }
        self.kept[index] = kept;
        Ok(())
    }
}
