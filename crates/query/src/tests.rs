//! Drawing held to a naive oracle: every readable point, put on its pixel one by one.

use proptest::prelude::*;
use runstone_model::{Timestamp, ValueType};
use runstone_store::{BlockPoint, PointBlock, Segment, SeriesSegments, VisiblePoints};

use crate::{Axis, Drawing, DrawnPoints, EXACT_POINTS_PER_PIXEL, JoinedValues};

/// Blocks of a coarse block.
const COARSE: usize = 4;

/// A series as it is stored: readable points, and how they lie in segments.
#[derive(Debug, Clone)]
struct Stored {
    value_type: ValueType,
    points: VisiblePoints,
    /// Points of each segment, and points of a block of it; 0: no blocks. A segment of many blocks
    /// has coarse ones too, of [`COARSE`] each.
    layout: Vec<(usize, usize)>,
}

impl Stored {
    fn segments(&self) -> SeriesSegments<'static> {
        let mut segments = Vec::new();
        let mut first = 0;
        let mut layout = self.layout.iter().cycle();
        while first < self.points.len() {
            let (length, block) = layout.next().copied().unwrap_or((usize::MAX, 0));
            let end = first.saturating_add(length.max(1)).min(self.points.len());
            let points = self.part(first, end);
            let blocks_of = |block: usize| -> Vec<PointBlock> {
                if block == 0 {
                    return Vec::new();
                }
                (0..points.len())
                    .step_by(block)
                    .map(|at| self.block(first + at, (first + at + block).min(end)))
                    .collect()
            };
            let (fine, coarse) = (blocks_of(block), blocks_of(block * COARSE));
            let rise = points.times.windows(2).all(|pair| pair[0] <= pair[1]);
            let segment = Segment::from_points(points).unwrap();
            segments.push(if fine.len() <= COARSE {
                segment.with_blocks(fine, rise)
            } else {
                segment
                    .with_blocks(coarse, rise)
                    .with_finer_blocks(move || Ok(fine.clone()))
            });
            first = end;
        }
        SeriesSegments {
            value_type: self.value_type,
            segments,
        }
    }

    fn part(&self, first: usize, end: usize) -> VisiblePoints {
        let points = &self.points;
        VisiblePoints {
            steps: points.steps[first..end].to_vec(),
            times: points.times[first..end].to_vec(),
            values: points.values[first..end].to_vec(),
            epochs: points.epochs.get(first..end).unwrap_or_default().to_vec(),
        }
    }

    fn block(&self, first: usize, end: usize) -> PointBlock {
        let point = |index: usize| BlockPoint {
            step: self.points.steps[index],
            time: self.points.times[index],
            bits: self.points.values[index],
        };
        let numbers = || (first..end).filter(|index| !self.is_nan(self.points.values[*index]));
        let best = |wins: &dyn Fn(u64, u64) -> bool| {
            numbers().reduce(|best, index| {
                if wins(self.points.values[index], self.points.values[best]) {
                    index
                } else {
                    best
                }
            })
        };
        PointBlock {
            count: (end - first) as u32,
            first: point(first),
            last: point(end - 1),
            min: best(&|one, other| self.less(one, other)).map(point),
            max: best(&|one, other| self.less(other, one)).map(point),
            nan: (first..end)
                .find(|index| self.is_nan(self.points.values[*index]))
                .map(point),
        }
    }

    fn is_integer(&self) -> bool {
        self.value_type == ValueType::I64
    }

    fn is_nan(&self, bits: u64) -> bool {
        !self.is_integer() && f64::from_bits(bits).is_nan()
    }

    fn is_infinite(&self, bits: u64) -> bool {
        !self.is_integer() && f64::from_bits(bits).is_infinite()
    }

    fn less(&self, one: u64, other: u64) -> bool {
        if self.is_integer() {
            one.cast_signed() < other.cast_signed()
        } else {
            f64::from_bits(one) < f64::from_bits(other)
        }
    }

    /// (x, step, bits) of every point with an x, by (x, step).
    fn on_axis(&self, drawing: &Drawing<'_>) -> Vec<(f64, f64, u64)> {
        let mut xs = Vec::new();
        drawing.axis.fill(&self.points, &mut xs);
        let rows = xs.iter().zip(&self.points.steps).zip(&self.points.values);
        let mut rows: Vec<(f64, f64, u64)> = rows
            .map(|((x, step), bits)| (*x, *step, *bits))
            .filter(|(x, ..)| x.is_finite() && (!drawing.log_x || *x > 0.0))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        rows
    }
}

/// Everything that is promised of an answer; the crate's header says it in words.
fn check(stored: &Stored, drawing: &Drawing<'_>, drawn: &DrawnPoints) {
    let all = stored.on_axis(drawing);
    let rows: Vec<(f64, f64, u64)> = (drawn.x.iter())
        .zip(&drawn.steps)
        .zip(&drawn.values)
        .map(|((x, step), bits)| (*x, *step, *bits))
        .collect();
    // Each is a point of the series; sorted, none twice.
    for row in &rows {
        let is_real = |point: &&(f64, f64, u64)| {
            point.0.to_bits() == row.0.to_bits()
                && point.1.to_bits() == row.1.to_bits()
                && (point.2 == row.2 || (stored.is_nan(point.2) && stored.is_nan(row.2)))
        };
        assert!(
            all.iter().any(|point| is_real(&point)),
            "{row:?} is no point"
        );
    }
    assert!(
        rows.windows(2)
            .all(|pair| (pair[0].0, pair[0].1) < (pair[1].0, pair[1].1)),
        "not sorted"
    );
    let Some((low, high)) = ends(&all, drawing) else {
        assert!(rows.is_empty() && drawn.exact && drawn.points == 0);
        return;
    };
    let inside: Vec<_> = (all.iter().copied())
        .filter(|(x, ..)| *x >= low && *x <= high)
        .collect();
    assert_eq!(drawn.points, inside.len() as u64);
    // The nearest on either side.
    let before = all.iter().rfind(|(x, ..)| *x < low);
    let after = all.iter().find(|(x, ..)| *x > high);
    let place = |point: &(f64, f64, u64)| (point.0, point.1);
    assert_eq!(
        rows.iter().find(|(x, ..)| *x < low).map(place),
        before.map(place)
    );
    assert_eq!(
        rows.iter().rfind(|(x, ..)| *x > high).map(place),
        after.map(place)
    );
    let kept: Vec<_> = (rows.iter().copied())
        .filter(|(x, ..)| *x >= low && *x <= high)
        .collect();
    let beside = usize::from(before.is_some()) + usize::from(after.is_some());
    assert_eq!(kept.len() + beside, rows.len());
    assert_eq!(drawn.exact, kept.len() == inside.len());
    if inside.len() <= EXACT_POINTS_PER_PIXEL * drawing.pixels {
        assert!(drawn.exact, "few points are all drawn");
        return;
    }
    assert!(kept.len() <= 7 * drawing.pixels, "too many points");
    assert_eq!(kept.first().map(place), inside.first().map(place), "first");
    assert_eq!(kept.last().map(place), inside.last().map(place), "last");
    check_pixels(stored, drawing, (low, high), &inside, &kept);
}

fn ends(all: &[(f64, f64, u64)], drawing: &Drawing<'_>) -> Option<(f64, f64)> {
    let from = drawing.from.filter(|from| !drawing.log_x || *from > 0.0);
    if let (Some(from), Some(to)) = (from, drawing.to) {
        return Some((from, to));
    }
    let (first, last) = (all.first()?.0, all.last()?.0);
    Some((from.unwrap_or(first), drawing.to.unwrap_or(last)))
}

/// Each point finds one of its bucket that is not above it, one that is not below it, and a NaN if
/// it is one. Its bucket is its pixel, or with blocks the one before if that reaches so far.
fn check_pixels(
    stored: &Stored,
    drawing: &Drawing<'_>,
    (low, high): (f64, f64),
    inside: &[(f64, f64, u64)],
    kept: &[(f64, f64, u64)],
) {
    let scale = |x: f64| if drawing.log_x { x.ln() } else { x / 2.0 };
    let position = |x: f64| {
        let span = scale(high) - scale(low);
        if span > 0.0 {
            (scale(x) - scale(low)) / span * drawing.pixels as f64
        } else {
            0.0
        }
    };
    let has_blocks = stored.layout.iter().any(|(_, block)| *block > 0);
    let reach = if has_blocks { 1.0 + 1e-9 } else { 0.0 };
    let last_pixel = drawing.pixels as f64 - 1.0;
    let pixel = |at: f64| at.floor().clamp(0.0, last_pixel);
    for (x, step, bits) in inside {
        let first = pixel(position(*x) - reach);
        let end = pixel(position(*x)) + 1.0 + reach;
        let near: Vec<u64> = kept
            .iter()
            .filter(|(x, ..)| position(*x) >= first)
            .filter(|(x, ..)| position(*x) < end || pixel(position(*x)) == last_pixel)
            .map(|(.., bits)| *bits)
            .collect();
        let is_nan = |bits: &u64| stored.is_nan(*bits);
        if is_nan(bits) {
            assert!(near.iter().any(is_nan), "the gap at step {step} is closed");
            continue;
        }
        if stored.is_infinite(*bits) {
            assert!(
                near.contains(bits),
                "the infinity at step {step} is left out"
            );
            continue;
        }
        let numbers = || {
            let numbers = near.iter().copied().filter(|bits| !is_nan(bits));
            numbers.filter(|bits| !stored.is_infinite(*bits))
        };
        assert!(
            numbers().any(|other| !stored.less(*bits, other)),
            "step {step} lies below all that is drawn of its bucket"
        );
        assert!(
            numbers().any(|other| !stored.less(other, *bits)),
            "step {step} lies above all that is drawn of its bucket"
        );
    }
    if has_blocks {
        return;
    }
    for pixel in 0..drawing.pixels {
        let is_here = |x: f64| (position(x) as usize).min(drawing.pixels - 1) == pixel;
        let mut of_pixel = inside.iter().filter(|(x, ..)| is_here(*x));
        let ends = [of_pixel.next(), of_pixel.next_back()];
        for (x, step, _) in ends.into_iter().flatten() {
            assert!(
                kept.iter().any(|row| row.0 == *x && row.1 == *step),
                "an end of pixel {pixel} is missing"
            );
        }
    }
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -10.0..10.0f64,
        1 => Just(f64::NAN),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0), Just(0.0)],
    ]
}

/// Up to 600 points; steps even or ragged, times rising, equal or falling here and there.
fn any_stored() -> impl Strategy<Value = Stored> {
    let point = (
        prop_oneof![6 => Just(1.0), 2 => 0.001..3.0f64, 1 => Just(50.0)],
        prop_oneof![6 => 0i64..2_000, 1 => Just(0), 1 => -5_000i64..0],
        any_value(),
        prop_oneof![3 => Just(1.0f64), 1 => Just(f64::NAN), 1 => 0.0..9.0f64],
    );
    (
        proptest::collection::vec(point, 0..600),
        prop_oneof![Just(0.0f64), -300.0..300.0f64],
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        proptest::collection::vec((1usize..200, prop_oneof![Just(0usize), 1usize..20]), 1..5),
    )
        .prop_map(|(rows, start, falls, integers, epochs, layout)| {
            let mut points = VisiblePoints::default();
            let (mut step, mut time) = (start, 1_790_000_000_000_000i64);
            for (wide, later, value, epoch) in rows {
                step += wide;
                time += if falls { later } else { later.abs() };
                points.steps.push(step);
                points.times.push(time);
                points.values.push(if integers {
                    // As many equal values as different ones.
                    ((value * 2.0) as i64).cast_unsigned()
                } else {
                    value.to_bits()
                });
                if epochs {
                    points.epochs.push(epoch);
                }
            }
            Stored {
                value_type: if integers {
                    ValueType::I64
                } else {
                    ValueType::F64
                },
                points,
                layout,
            }
        })
}

fn any_window() -> impl Strategy<Value = (Option<f64>, Option<f64>)> {
    let bound = || proptest::option::of(-0.2..1.2f64);
    (bound(), bound()).prop_map(|(one, other)| match (one, other) {
        (Some(one), Some(other)) if one > other => (Some(other), Some(one)),
        window => window,
    })
}

/// A window given in parts of the whole, as x.
fn in_x(
    stored: &Stored,
    axis: Axis<'_>,
    window: (Option<f64>, Option<f64>),
) -> (Option<f64>, Option<f64>) {
    let mut xs = Vec::new();
    axis.fill(&stored.points, &mut xs);
    xs.retain(|x| x.is_finite());
    let low = xs.iter().copied().fold(f64::INFINITY, f64::min);
    let high = xs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let place = |part: f64| low + (high - low) * part;
    let is_empty = xs.is_empty();
    let bound = |part: Option<f64>| part.filter(|_| !is_empty).map(place);
    (bound(window.0), bound(window.1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn every_axis_keeps_the_ends_extremes_and_gaps_of_each_bucket(
        stored in any_stored(),
        other in any_stored(),
        window in any_window(),
        pixels in prop_oneof![1usize..30, Just(200usize)],
        kind in 0usize..5,
        log_x in any::<bool>(),
    ) {
        let joined = JoinedValues::read(&other.segments(), 10_000).unwrap();
        let axis = [
            Axis::Step,
            Axis::Time,
            Axis::RelativeTime(Timestamp::from_micros(1_790_000_000_000_700)),
            Axis::Epoch,
            Axis::Joined(&joined),
        ][kind];
        let (from, to) = in_x(&stored, axis, window);
        let drawing = Drawing { axis, pixels, log_x, from, to };
        let drawn = drawing.draw(&stored.segments()).unwrap();
        check(&stored, &drawing, &drawn);
        let again = drawing.draw(&stored.segments()).unwrap();
        prop_assert_eq!(format!("{drawn:?}"), format!("{again:?}"), "the same each time");
        let mut without_blocks = stored.clone();
        without_blocks.layout.iter_mut().for_each(|(_, block)| *block = 0);
        let plain = drawing.draw(&without_blocks.segments()).unwrap();
        check(&without_blocks, &drawing, &plain);
        prop_assert_eq!(drawn.points, plain.points);
    }
}

/// A long series in even blocks, as folding makes them.
fn long(count: usize, value: impl Fn(usize) -> f64) -> Stored {
    Stored {
        value_type: ValueType::F64,
        points: VisiblePoints {
            steps: (0..count).map(|at| at as f64).collect(),
            times: (0..count as i64).map(|at| at * 1_000).collect(),
            values: (0..count).map(|at| value(at).to_bits()).collect(),
            epochs: Vec::new(),
        },
        layout: vec![(16_384, 256)],
    }
}

fn drawing(pixels: usize) -> Drawing<'static> {
    Drawing {
        axis: Axis::Step,
        pixels,
        log_x: false,
        from: None,
        to: None,
    }
}

#[test]
fn one_spike_and_one_nan_in_a_long_series_are_drawn_from_blocks_where_they_stand() {
    let stored = long(200_000, |at| match at {
        123_456 => 99.0,
        77_777 => f64::NAN,
        _ => (at % 10) as f64,
    });
    // A block whose points are read is none; so nothing was read.
    let mut series = stored.segments();
    for segment in &mut series.segments {
        let unread = Segment::new((segment.first_step, segment.last_step), |_| {
            panic!("the points are read")
        });
        let blocks = std::mem::take(&mut segment.blocks);
        let finer = segment.finer_blocks().unwrap();
        let unread = unread.with_blocks(blocks, true);
        *segment = match finer {
            Some(finer) => unread.with_finer_blocks(move || Ok(finer.clone())),
            None => unread,
        };
    }
    for axis in [Axis::Step, Axis::Time] {
        let drawn = Drawing {
            axis,
            ..drawing(100)
        }
        .draw(&series)
        .unwrap();
        let at = |wanted: fn(f64) -> bool| {
            drawn
                .values
                .iter()
                .position(|bits| wanted(f64::from_bits(*bits)))
        };
        let spike = at(|value| value == 99.0).unwrap();
        assert_eq!(drawn.steps[spike], 123_456.0);
        assert_eq!(drawn.steps[at(f64::is_nan).unwrap()], 77_777.0);
        assert_eq!((drawn.points, drawn.exact), (200_000, false));
        assert!(drawn.x.len() <= 500);
        check(
            &stored,
            &Drawing {
                axis,
                ..drawing(100)
            },
            &drawn,
        );
    }
}

#[test]
fn an_infinity_does_not_hide_the_finite_spike_beside_it() {
    let stored = long(100_000, |at| match at {
        50_040 => 1_000.0,
        50_041 => f64::INFINITY,
        50_042 => f64::NEG_INFINITY,
        _ => (at % 10) as f64,
    });
    let drawing = drawing(350);
    let drawn = drawing.draw(&stored.segments()).unwrap();
    for wanted in [1_000.0, f64::INFINITY, f64::NEG_INFINITY] {
        let bits = f64::to_bits(wanted);
        assert!(drawn.values.contains(&bits), "{wanted} is missing");
    }
    check(&stored, &drawing, &drawn);
}

#[test]
fn a_narrow_window_of_a_long_series_is_exact_with_a_point_on_either_side() {
    let stored = long(100_000, |at| at as f64);
    let window = Drawing {
        from: Some(50_000.0),
        to: Some(50_100.0),
        ..drawing(100)
    };
    let drawn = window.draw(&stored.segments()).unwrap();
    assert_eq!(
        drawn.steps,
        (49_999..=50_101).map(f64::from).collect::<Vec<_>>()
    );
    assert!(drawn.exact);
    assert_eq!(drawn.points, 101);
}

#[test]
fn a_series_without_an_x_is_empty_and_exact() {
    let stored = long(10, |_| 1.0);
    let epochs = Drawing {
        axis: Axis::Epoch,
        ..drawing(10)
    };
    let drawn = epochs.draw(&stored.segments()).unwrap();
    assert_eq!(
        drawn,
        DrawnPoints {
            exact: true,
            ..DrawnPoints::default()
        }
    );
}

#[test]
fn steps_of_any_size_have_a_pixel() {
    let mut stored = long(2_000, |at| at as f64);
    stored.points.steps[0] = -f64::MAX;
    stored.points.steps[1_999] = f64::MAX;
    let drawn = drawing(10).draw(&stored.segments()).unwrap();
    check(&stored, &drawing(10), &drawn);
}

#[test]
fn a_metric_on_x_past_the_bound_is_refused() {
    let stored = long(100, |at| at as f64);
    let error = JoinedValues::read(&stored.segments(), 99).unwrap_err();
    assert!(error.to_string().contains("more than 99 points"));
}
