//! What is kept of the points of a window: all of them while they are few, else some of each pixel.

use std::cmp::Ordering;

use crate::draw::DrawnPoints;
use crate::grid::Grid;

/// A point that may be drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) step: f64,
    pub(crate) bits: u64,
}

impl Point {
    fn place(&self, other: &Self) -> Ordering {
        (self.x.total_cmp(&other.x)).then(self.step.total_cmp(&other.step))
    }
}

/// Points of a block that matter; all lie on one pixel. Its extremes are finite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extremes {
    pub(crate) count: u64,
    pub(crate) first: Point,
    pub(crate) last: Point,
    pub(crate) min: Option<Point>,
    pub(crate) max: Option<Point>,
    pub(crate) nan: Option<Point>,
}

/// Keeps points of a window.
#[derive(Debug)]
pub(crate) struct Buckets {
    grid: Grid,
    pixels: usize,
    exact_max: usize,
    is_integer: bool,
    count: u64,
    before: Option<Point>,
    after: Option<Point>,
    /// All points so far; empty once there are buckets.
    all: Vec<Point>,
    /// One a pixel; empty while the points are few.
    buckets: Vec<Bucket>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    first: Option<Point>,
    last: Option<Point>,
    min: Option<Point>,
    max: Option<Point>,
    nan: Option<Point>,
    /// The first negative and the first positive infinity.
    infinities: [Option<Point>; 2],
}

impl Buckets {
    /// Keeps all points up to `exact_max`.
    pub(crate) fn new(grid: Grid, pixels: usize, exact_max: usize, is_integer: bool) -> Self {
        Self {
            grid,
            pixels,
            exact_max,
            is_integer,
            count: 0,
            before: None,
            after: None,
            all: Vec::new(),
            buckets: Vec::new(),
        }
    }

    /// Whether values are integers.
    pub(crate) fn is_integer(&self) -> bool {
        self.is_integer
    }

    /// Takes a point, in the window or not.
    pub(crate) fn add(&mut self, point: Point) {
        match self.grid.side(point.x) {
            Ordering::Less => replace_if(&mut self.before, point, |known| {
                point.place(known) == Ordering::Greater
            }),
            Ordering::Greater => replace_if(&mut self.after, point, |known| {
                point.place(known) == Ordering::Less
            }),
            Ordering::Equal => {
                self.count += 1;
                if self.buckets.is_empty() {
                    self.all.push(point);
                    if self.all.len() > self.exact_max {
                        self.open_buckets();
                    }
                } else {
                    self.add_to_bucket(point);
                }
            }
        }
    }

    /// Takes points whose x rise and are finite, in the window or not: as [`Self::add`] of each,
    /// pixel by pixel.
    pub(crate) fn add_rising(&mut self, xs: &[f64], steps: &[f64], bits: &[u64]) {
        let point = |at: usize| Point {
            x: xs[at],
            step: steps[at],
            bits: bits[at],
        };
        let start = xs.partition_point(|x| self.grid.side(*x).is_lt());
        let end = xs.partition_point(|x| !self.grid.side(*x).is_gt());
        // Of those beside the window only the nearest count.
        if start > 0 {
            self.add(point(start - 1));
        }
        if end < xs.len() {
            self.add(point(end));
        }
        if self.buckets.is_empty() && self.all.len() + (end - start) <= self.exact_max {
            (start..end).for_each(|at| self.add(point(at)));
            return;
        }
        if self.buckets.is_empty() {
            self.open_buckets();
        }
        self.count += (end - start) as u64;
        let mut next = start;
        while next < end {
            let pixel = self.grid.pixel(xs[next]);
            let rest = &xs[next..end];
            let length = rising_prefix(rest, |x| self.grid.pixel(x) == pixel);
            let range = next..next + length;
            let extremes = if self.is_integer {
                let key = |bits: &u64| bits.cast_signed();
                Some(places_of_extremes(&bits[range.clone()], key))
            } else {
                let values = &bits[range.clone()];
                // Anything times 0 is 0, but for NaN and infinities.
                let is_finite = values
                    .iter()
                    .map(|bits| f64::from_bits(*bits) * 0.0)
                    .sum::<f64>()
                    == 0.0;
                is_finite.then(|| places_of_extremes(values, |bits| f64::from_bits(*bits)))
            };
            match extremes {
                Some((min, max)) => {
                    let is_integer = self.is_integer;
                    let bucket = &mut self.buckets[pixel];
                    bucket.take_ends(point(range.start));
                    bucket.take_ends(point(range.end - 1));
                    bucket.take_min(point(range.start + min), is_integer);
                    bucket.take_max(point(range.start + max), is_integer);
                }
                None => range.clone().for_each(|at| self.add_to_bucket(point(at))),
            }
            next = range.end;
        }
    }

    /// Takes the points of a block that lies in the window whole.
    pub(crate) fn add_block(&mut self, block: &Extremes) {
        if self.buckets.is_empty() {
            self.open_buckets();
        }
        self.count += block.count;
        let is_integer = self.is_integer;
        let bucket = &mut self.buckets[self.grid.pixel(block.first.x)];
        bucket.take_ends(block.first);
        bucket.take_ends(block.last);
        if let Some(point) = block.min {
            bucket.take_min(point, is_integer);
        }
        if let Some(point) = block.max {
            bucket.take_max(point, is_integer);
        }
        if let Some(point) = block.nan {
            bucket.take_nan(point);
        }
    }

    fn open_buckets(&mut self) {
        self.buckets = vec![Bucket::default(); self.pixels];
        for point in std::mem::take(&mut self.all) {
            self.add_to_bucket(point);
        }
    }

    fn add_to_bucket(&mut self, point: Point) {
        let bucket = &mut self.buckets[self.grid.pixel(point.x)];
        bucket.take_ends(point);
        let value = f64::from_bits(point.bits);
        if self.is_integer || value.is_finite() {
            bucket.take_min(point, self.is_integer);
            bucket.take_max(point, self.is_integer);
        } else if value.is_nan() {
            bucket.take_nan(point);
        } else {
            bucket.take_infinity(point, value > 0.0);
        }
    }

    /// The points kept, with those beside the window.
    pub(crate) fn finish(self) -> DrawnPoints {
        let mut kept = self.all;
        for bucket in &self.buckets {
            let points = [
                bucket.first,
                bucket.last,
                bucket.min,
                bucket.max,
                bucket.nan,
                bucket.infinities[0],
                bucket.infinities[1],
            ];
            kept.extend(points.into_iter().flatten());
        }
        // Each step has one point.
        kept.sort_by(Point::place);
        kept.dedup_by(|one, other| one.place(other) == Ordering::Equal);
        let exact = kept.len() as u64 == self.count;
        let points = (self.before.iter()).chain(&kept).chain(&self.after);
        let mut drawn = DrawnPoints {
            points: self.count,
            exact,
            ..DrawnPoints::default()
        };
        for point in points {
            drawn.x.push(point.x);
            drawn.steps.push(point.step);
            drawn.values.push(point.bits);
        }
        drawn
    }
}

impl Bucket {
    fn take_ends(&mut self, point: Point) {
        replace_if(&mut self.first, point, |known| {
            point.place(known) == Ordering::Less
        });
        replace_if(&mut self.last, point, |known| {
            point.place(known) == Ordering::Greater
        });
    }

    fn take_min(&mut self, point: Point, is_integer: bool) {
        replace_if(&mut self.min, point, |known| {
            let order = compare_values(point.bits, known.bits, is_integer);
            order.then_with(|| point.place(known)) == Ordering::Less
        });
    }

    fn take_max(&mut self, point: Point, is_integer: bool) {
        replace_if(&mut self.max, point, |known| {
            let order = compare_values(known.bits, point.bits, is_integer);
            order.then_with(|| point.place(known)) == Ordering::Less
        });
    }

    fn take_infinity(&mut self, point: Point, is_positive: bool) {
        replace_if(
            &mut self.infinities[usize::from(is_positive)],
            point,
            |known| point.place(known) == Ordering::Less,
        );
    }

    fn take_nan(&mut self, point: Point) {
        replace_if(&mut self.nan, point, |known| {
            point.place(known) == Ordering::Less
        });
    }
}

/// How many of the first x, one at least, `fits`; it fits none after one that it does not.
fn rising_prefix(xs: &[f64], fits: impl Fn(f64) -> bool) -> usize {
    let mut reach = 1;
    while reach < xs.len() && fits(xs[reach]) {
        reach = (reach * 2).min(xs.len());
    }
    // All before half of the reach fit.
    let known = reach / 2;
    known + xs[known..reach].partition_point(|x| fits(*x))
}

/// Places of the first smallest and the first greatest of some values, none of them NaN.
fn places_of_extremes<T: PartialOrd + Copy>(
    bits: &[u64],
    value: impl Fn(&u64) -> T,
) -> (usize, usize) {
    let first = value(&bits[0]);
    let (min, max) = bits.iter().fold((first, first), |(min, max), bits| {
        let value = value(bits);
        (
            if value < min { value } else { min },
            if value > max { value } else { max },
        )
    });
    let place = |wanted: T| {
        bits.iter()
            .position(|bits| value(bits) == wanted)
            .unwrap_or(0)
    };
    (place(min), place(max))
}

fn replace_if(place: &mut Option<Point>, point: Point, wins: impl FnOnce(&Point) -> bool) {
    if place.as_ref().is_none_or(wins) {
        *place = Some(point);
    }
}

/// Order of two finite values; -0.0 equals 0.0.
fn compare_values(one: u64, other: u64, is_integer: bool) -> Ordering {
    if is_integer {
        return one.cast_signed().cmp(&other.cast_signed());
    }
    let (one, other) = (f64::from_bits(one), f64::from_bits(other));
    one.partial_cmp(&other).unwrap_or(Ordering::Equal)
}
