//! Segments: what they hold is what the pages of points hold, and their blocks tell the truth.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{RunKey, SeriesKey, Step, ValueType};

use super::harness::Harness;
use super::testing::{FrameBuilder, Sample, key};
use crate::{
    BlockPoint, Point, PointBlock, PointValue, SegmentScan, Snapshot, StoreError, VisiblePoints,
    point_value,
};

/// A readable point, as segments give it: step, time, value, epoch.
type Drawn = (f64, i64, PointValue, Option<f64>);

fn drawn_of(point: &Point) -> Drawn {
    (
        point.position.step.get(),
        point.time.as_micros(),
        point.value,
        point.epoch,
    )
}

/// Checks the segments of a series, whole and within two windows, against its readable points;
/// `None` where no point of it was ever applied.
pub(super) fn check_segments(
    snapshot: &dyn Snapshot,
    run: RunKey,
    key: &SeriesKey,
    points: Option<&[Point]>,
) -> Result<(), String> {
    let points: Option<Vec<Drawn>> = points.map(|points| points.iter().map(drawn_of).collect());
    let steps = points.iter().flatten().map(|point| Step::new(point.0).ok());
    let steps: Vec<Option<Step>> = steps.collect();
    let at = |part: usize| steps.get(steps.len() * part / 4).copied().flatten();
    let windows = [(None, None), (at(1), at(3)), (at(2), at(2)), (at(3), None)];
    let scan = |(from_step, to_step)| SegmentScan {
        series: key.clone(),
        from_step,
        to_step,
    };
    let scans: Vec<SegmentScan> = windows.into_iter().map(scan).collect();
    let mut answered = vec![0; scans.len()];
    let mut wrong = Ok(());
    snapshot
        .scan_segments(run, &scans, &mut |index, series| {
            answered[index] += 1;
            let given = series
                .map(|series| {
                    read_all(&series.segments, series.value_type).map(|given| (series, given))
                })
                .transpose()?;
            match (&given, &points) {
                (None, None) => {}
                (Some((series, given)), Some(points)) => {
                    let window = windows[index];
                    let outcome = compare(given, points, window)
                        .and_then(|()| check_blocks(&series.segments, series.value_type));
                    wrong = std::mem::replace(&mut wrong, Ok(())).and(outcome);
                }
                (given, points) => {
                    wrong = Err(format!("{} for {}", given.is_some(), points.is_some()));
                }
            }
            Ok(())
        })
        .map_err(|error| format!("segments of {key} are not readable: {error}"))?;
    if answered.iter().any(|times| *times != 1) {
        return Err(format!("scans of {key} were answered {answered:?} times"));
    }
    wrong.map_err(|reason| format!("segments of {key}: {reason}"))
}

fn read_all(
    segments: &[crate::Segment<'_>],
    value_type: ValueType,
) -> Result<Vec<Drawn>, StoreError> {
    let mut all = Vec::new();
    for segment in segments {
        segment.read(&mut |points| {
            let is_inside = |step: &f64| segment.first_step <= *step && *step <= segment.last_step;
            assert!(
                points.steps.iter().all(is_inside),
                "a step out of its segment"
            );
            all.extend(drawn_points(&points, value_type));
            Ok(())
        })?;
    }
    Ok(all)
}

fn drawn_points(points: &VisiblePoints, value_type: ValueType) -> Vec<Drawn> {
    (0..points.len())
        .map(|index| {
            let epoch = points.epochs.get(index).copied();
            (
                points.steps[index],
                points.times[index],
                point_value(points.values[index], value_type),
                epoch.filter(|epoch| !epoch.is_nan()),
            )
        })
        .collect()
}

/// In the window all points, in order; beside it the nearest at least.
fn compare(
    given: &[Drawn],
    points: &[Drawn],
    (from, to): (Option<Step>, Option<Step>),
) -> Result<(), String> {
    let low = from.map_or(f64::NEG_INFINITY, Step::get);
    let high = to.map_or(f64::INFINITY, Step::get);
    let first = points
        .partition_point(|point| point.0 < low)
        .saturating_sub(1);
    let end = (points.partition_point(|point| point.0 <= high) + 1).min(points.len());
    let wanted = &points[first..end];
    // What lies farther out may be there too.
    let given: Vec<&Drawn> = given
        .iter()
        .filter(|point| {
            let step = point.0;
            wanted.first().is_some_and(|first| step >= first.0)
                && wanted.last().is_some_and(|last| step <= last.0)
        })
        .collect();
    let (given, wanted) = (format!("{given:?}"), format!("{wanted:?}"));
    if given == wanted {
        return Ok(());
    }
    Err(format!("from {from:?} to {to:?}: {given}, not {wanted}"))
}

fn check_blocks(segments: &[crate::Segment<'_>], value_type: ValueType) -> Result<(), String> {
    for pair in segments.windows(2) {
        if pair[0].last_step >= pair[1].first_step {
            return Err(format!("{pair:?} overlap"));
        }
    }
    for segment in segments.iter().filter(|segment| !segment.blocks.is_empty()) {
        let mut points = VisiblePoints::default();
        segment
            .read(&mut |more| {
                points.steps.extend(more.steps);
                points.times.extend(more.times);
                points.values.extend(more.values);
                Ok(())
            })
            .map_err(|error| error.to_string())?;
        if segment.times_rise && points.times.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(format!("times fall in {segment:?}"));
        }
        let finer = segment.finer_blocks().map_err(|error| error.to_string())?;
        for blocks in std::iter::once(&segment.blocks).chain(&finer) {
            check_level(segment, blocks, &points, value_type)?;
        }
    }
    Ok(())
}

/// Blocks of one size hold the points of their segment, all of them.
fn check_level(
    segment: &crate::Segment<'_>,
    blocks: &[crate::PointBlock],
    points: &VisiblePoints,
    value_type: ValueType,
) -> Result<(), String> {
    let mut first = 0;
    for block in blocks {
        let end = first + block.count as usize;
        if end > points.len() {
            return Err(format!("{segment:?} has fewer points than its blocks"));
        }
        let wanted = naive_block(points, first..end, value_type);
        // Debug text tells -0.0 from 0.0; of NaN only the place counts.
        let (given, wanted) = (text_of(block, value_type), text_of(&wanted, value_type));
        if given != wanted {
            return Err(format!("a block is {given}, not {wanted}"));
        }
        first = end;
    }
    if first != points.len() {
        return Err(format!("{segment:?} has more points than its blocks"));
    }
    Ok(())
}

fn naive_block(
    points: &VisiblePoints,
    range: std::ops::Range<usize>,
    value_type: ValueType,
) -> PointBlock {
    let point = |index: usize| BlockPoint {
        step: points.steps[index],
        time: points.times[index],
        bits: points.values[index],
    };
    let value = |index: usize| point_value(points.values[index], value_type);
    let is_nan = |index: &usize| value(*index).as_f64().is_nan();
    let less = |one: usize, other: usize| match (value(one), value(other)) {
        (PointValue::I64(one), PointValue::I64(other)) => one < other,
        (one, other) => one.as_f64() < other.as_f64(),
    };
    let numbers = || range.clone().filter(|index| !is_nan(index));
    let pick = |wins: &dyn Fn(usize, usize) -> bool| {
        numbers().reduce(|best, index| if wins(index, best) { index } else { best })
    };
    PointBlock {
        count: range.len() as u32,
        first: point(range.start),
        last: point(range.end - 1),
        min: pick(&|index, best| less(index, best)).map(point),
        max: pick(&|index, best| less(best, index)).map(point),
        nan: range.clone().find(is_nan).map(point),
    }
}

fn text_of(block: &PointBlock, value_type: ValueType) -> String {
    let text = |point: &BlockPoint| {
        let value = point_value(point.bits, value_type);
        format!("({} {} {value:?})", point.step, point.time)
    };
    let optional = |point: &Option<BlockPoint>| point.as_ref().map(text);
    format!(
        "{} first {} last {} min {:?} max {:?} nan {:?}",
        block.count,
        text(&block.first),
        text(&block.last),
        optional(&block.min),
        optional(&block.max),
        optional(&block.nan)
    )
}

fn check(harness: &Harness, run: &str, key: &SeriesKey) {
    let run = harness.run(run).key;
    let snapshot = harness.store().snapshot().unwrap();
    let points = super::all_points(&*snapshot, run, key, false, 10_000);
    check_segments(&*snapshot, run, key, Some(&points)).unwrap();
}

pub fn segments_hold_what_shows_whatever_was_hidden(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let other = writer.series(&key("count"), ValueType::I64, false);
    for round in 0..6 {
        let first = f64::from(round) * 300.0;
        let steps = (0..300).map(move |at| first + f64::from(at));
        writer.log(loss, steps.clone().map(|step| (step, (step * 0.7).sin())));
        let samples = steps.map(|step| Sample::integer(step, (step as i64 * 37) % 101));
        writer.log_samples(&[(other, samples.collect())]);
        harness.apply(writer.frame());
    }
    check(harness, "run-a", &key("loss"));
    check(harness, "run-a", &key("count"));
    // A step written again, a late one between, a rewind, a removed step, floats among integers.
    harness.apply(writer.log(loss, [(100.0, f64::NAN), (700.5, -9.0)]).frame());
    check(harness, "run-a", &key("loss"));
    harness.apply(writer.rewind(1_500.0).frame());
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(1_500.0, 4.0), (1_501.0, 5.0)]).frame());
    check(harness, "run-a", &key("loss"));
    harness.apply(writer.remove(Some(key("count")), Some(400.0)).frame());
    let floats = writer.series(&key("count"), ValueType::F64, false);
    harness.apply(writer.log(floats, [(2_000.0, 0.5)]).frame());
    check(harness, "run-a", &key("count"));
    check(harness, "run-a", &key("loss"));
    harness.apply(writer.remove(Some(key("loss")), None).frame());
    check(harness, "run-a", &key("loss"));
}

pub fn segments_of_many_series_come_from_one_scan(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let numbers: Vec<u32> = (0..150)
        .map(|index| writer.metric(&format!("m{index}")))
        .collect();
    for first in [0.0, 10.0] {
        for number in &numbers {
            let value = f64::from(*number);
            writer.log(*number, [(first, value), (first + 1.0, -value)]);
        }
        harness.apply(writer.frame());
    }
    let names = (0..150).rev().chain([7, 150]);
    let scans: Vec<SegmentScan> = names
        .map(|index| SegmentScan {
            series: key(&format!("m{index}")),
            from_step: None,
            to_step: None,
        })
        .collect();
    let run = harness.run("run-a").key;
    let snapshot = harness.store().snapshot().unwrap();
    let mut found = vec![None; scans.len()];
    snapshot
        .scan_segments(run, &scans, &mut |index, series| {
            assert!(found[index].is_none(), "answered twice");
            found[index] = Some(match series {
                Some(series) => read_all(&series.segments, series.value_type)?,
                None => Vec::new(),
            });
            Ok(())
        })
        .unwrap();
    for (scan, found) in scans.iter().zip(found) {
        let points = super::all_points(&*snapshot, run, &scan.series, false, 100);
        let wanted: Vec<Drawn> = points.iter().map(drawn_of).collect();
        assert_eq!(found, Some(wanted), "{}", scan.series);
    }
    let missing = runstone_model::RunKey(u64::from(u32::MAX));
    let mut answers = Vec::new();
    snapshot
        .scan_segments(missing, &scans[..2], &mut |index, series| {
            answers.push((index, series.is_none()));
            Ok(())
        })
        .unwrap();
    answers.sort_unstable();
    assert_eq!(answers, [(0, true), (1, true)], "a run that is not there");
}
