//! Points as readers get them: order, values, types, ranges, pages.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{Step, ValueType};

use super::harness::{Harness, point_scan, step_values};
use super::testing::{FrameBuilder, Sample, key, key_in};
use crate::{PointValue, StoreError};

pub fn points_come_by_step_in_whatever_order_they_were_logged(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(
        writer
            .log(loss, [(5.0, 0.5), (1.0, 0.1), (3.0, 0.3)])
            .frame(),
    );
    harness.apply(writer.log(loss, [(4.0, 0.4), (-2.0, -0.2)]).frame());
    harness.apply(
        writer
            .log(loss, [(2.0, 0.2)])
            .log(loss, [(0.0, 0.0)])
            .frame(),
    );
    let sorted = [
        (-2.0, -0.2),
        (0.0, 0.0),
        (1.0, 0.1),
        (2.0, 0.2),
        (3.0, 0.3),
        (4.0, 0.4),
        (5.0, 0.5),
    ];
    assert_eq!(harness.values("run-a", &key("loss")), sorted);
    assert_eq!(step_values(&harness.history("run-a", &key("loss"))), sorted);
}

pub fn the_newest_point_of_a_step_shows_and_history_keeps_all(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(
        writer
            .log(loss, [(1.0, 10.0), (2.0, 20.0), (1.0, 11.0)])
            .frame(),
    );
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(1.0, 11.0), (2.0, 20.0)]
    );
    // Two packs of one frame: the later one is newer.
    writer
        .log(loss, [(1.0, 12.0)])
        .log(loss, [(1.0, 13.0), (3.0, 30.0)]);
    harness.apply(writer.frame());
    assert_eq!(
        harness.values("run-a", &key("loss")),
        [(1.0, 13.0), (2.0, 20.0), (3.0, 30.0)]
    );
    harness.apply(writer.log(loss, [(3.0, 31.0)]).frame());
    let history = harness.history("run-a", &key("loss"));
    let all = [
        (1.0, 10.0),
        (1.0, 11.0),
        (1.0, 12.0),
        (1.0, 13.0),
        (2.0, 20.0),
        (3.0, 30.0),
        (3.0, 31.0),
    ];
    assert_eq!(step_values(&history), all);
    let visible: Vec<bool> = history.iter().map(|point| point.visible).collect();
    assert_eq!(visible, [false, false, false, true, true, false, true]);
    let places: Vec<(u64, u32)> = history
        .iter()
        .map(|point| (point.position.append.0, point.position.position))
        .collect();
    assert_eq!(
        places,
        [(1, 0), (1, 2), (2, 0), (2, 1), (1, 1), (2, 2), (3, 0)]
    );
}

pub fn odd_values_come_back_bit_for_bit(harness: &mut Harness) {
    let odd = [
        f64::NAN,
        f64::from_bits(0x7ff8_0000_dead_beef),
        f64::from_bits(0xfff0_0000_0000_0001),
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.0,
        f64::MIN_POSITIVE / 2.0,
        f64::MAX,
        f64::MIN,
        0.1 + 0.2,
    ];
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let samples: Vec<Sample> = odd
        .iter()
        .enumerate()
        .map(|(step, value)| Sample::float(step as f64, *value))
        .collect();
    harness.apply(writer.log_samples(&[(loss, samples)]).frame());
    let bits: Vec<u64> = harness
        .points("run-a", &key("loss"))
        .iter()
        .map(|point| point.value.as_f64().to_bits())
        .collect();
    let wanted: Vec<u64> = odd.iter().map(|value| value.to_bits()).collect();
    assert_eq!(bits, wanted);
    let summary = harness.one_series("run-a", &key("loss")).summary;
    assert_eq!((summary.count, summary.nan_count), (11, 3));
    assert_eq!(
        (
            summary.positive_infinity_count,
            summary.negative_infinity_count
        ),
        (1, 1)
    );
    assert_eq!(summary.min.unwrap().value, f64::NEG_INFINITY);
    assert_eq!(summary.max.unwrap().value, f64::INFINITY);
    assert!(summary.first.unwrap().value.is_nan());
    assert_eq!(summary.last.unwrap().value, 0.1 + 0.2);
}

pub fn a_series_of_nothing_but_nan_has_no_extremes(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(writer.log(loss, [(0.0, f64::NAN), (1.0, f64::NAN)]).frame());
    assert_eq!(harness.points("run-a", &key("loss")).len(), 2);
    let summary = harness.one_series("run-a", &key("loss")).summary;
    assert_eq!((summary.min, summary.max), (None, None));
    assert_eq!((summary.count, summary.nan_count, summary.sum), (2, 2, 0.0));
    assert!(summary.last.unwrap().value.is_nan());
}

pub fn the_earliest_step_is_the_extreme_among_equals(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(
        writer
            .log(loss, [(5.0, 1.0), (6.0, 2.0), (7.0, -0.0)])
            .frame(),
    );
    harness.apply(
        writer
            .log(loss, [(1.0, 2.0), (2.0, 1.0), (8.0, 0.0)])
            .frame(),
    );
    let summary = harness.one_series("run-a", &key("loss")).summary;
    assert_eq!(summary.max.unwrap().step, Step::from_integer(1));
    assert_eq!(summary.min.unwrap().step, Step::from_integer(7));
    assert_eq!(summary.sum, 6.0);
    harness.points("run-a", &key("loss"));
}

pub fn integers_are_exact_and_a_mix_with_floats_reads_as_floats(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let integers = writer.series(&key("n"), ValueType::I64, false);
    let big = i64::MAX - 1;
    writer.log_samples(&[(
        integers,
        vec![Sample::integer(0.0, big), Sample::integer(1.0, -3)],
    )]);
    harness.apply(writer.frame());
    assert_eq!(
        harness.one_series("run-a", &key("n")).value_type,
        ValueType::I64
    );
    let values: Vec<PointValue> = harness
        .points("run-a", &key("n"))
        .iter()
        .map(|point| point.value)
        .collect();
    assert_eq!(values, [PointValue::I64(big), PointValue::I64(-3)]);

    let floats = writer.metric("n");
    assert_ne!(floats, integers);
    // Declared and without points, a type changes nothing.
    harness.apply(writer.frame());
    assert_eq!(
        harness.one_series("run-a", &key("n")).value_type,
        ValueType::I64
    );
    writer.log_samples(&[
        (integers, vec![Sample::integer(2.0, 7)]),
        (floats, vec![Sample::float(3.0, 0.5)]),
    ]);
    harness.apply(writer.frame());
    assert_eq!(
        harness.one_series("run-a", &key("n")).value_type,
        ValueType::F64
    );
    let values: Vec<PointValue> = harness
        .points("run-a", &key("n"))
        .iter()
        .map(|point| point.value)
        .collect();
    let as_floats = [big as f64, -3.0, 7.0, 0.5].map(PointValue::F64);
    assert_eq!(values, as_floats);
    assert!(
        harness
            .history("run-a", &key("n"))
            .iter()
            .all(|point| matches!(point.value, PointValue::F64(_)))
    );
}

pub fn float32_inputs_are_remembered(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let singles = writer.series(&key("x"), ValueType::F32, false);
    let value = f64::from(0.1_f32);
    harness.apply(writer.log(singles, [(0.0, value)]).frame());
    assert_eq!(
        harness.one_series("run-a", &key("x")).value_type,
        ValueType::F32
    );
    assert_eq!(harness.values("run-a", &key("x")), [(0.0, value)]);
    let doubles = writer.metric("x");
    harness.apply(writer.log(doubles, [(1.0, 0.1)]).frame());
    assert_eq!(
        harness.one_series("run-a", &key("x")).value_type,
        ValueType::F64
    );
    assert_eq!(
        harness.values("run-a", &key("x")),
        [(0.0, value), (1.0, 0.1)]
    );
}

pub fn steps_may_be_fractions_negative_and_huge(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let steps = [
        -1e300,
        -3.5,
        -0.0,
        1e-300,
        0.1,
        0.30000000000000004,
        9_007_199_254_740_993.0,
        1e300,
    ];
    harness.apply(
        writer
            .log(loss, steps.iter().map(|step| (*step, 1.0)))
            .frame(),
    );
    let read: Vec<u64> = harness
        .points("run-a", &key("loss"))
        .iter()
        .map(|point| point.position.step.get().to_bits())
        .collect();
    let wanted: Vec<u64> = steps.iter().map(|step| (step + 0.0).to_bits()).collect();
    assert_eq!(read, wanted);
    // Step -0.0 is step 0.
    harness.apply(writer.log(loss, [(0.0, 2.0)]).frame());
    assert_eq!(harness.values("run-a", &key("loss")).len(), steps.len());
    assert_eq!(
        harness.history("run-a", &key("loss")).len(),
        steps.len() + 1
    );
}

pub fn epochs_and_times_stay_with_their_points(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    let at = |step: f64, epoch| Sample {
        epoch,
        ..Sample::float(step, step)
    };
    harness.apply(writer.log(loss, [(9.0, 9.0)]).frame());
    let backwards = Sample {
        time: -7,
        ..at(2.0, None)
    };
    writer.log_samples(&[(
        loss,
        vec![at(0.0, Some(0.5)), at(1.0, Some(-1.0)), backwards],
    )]);
    harness.apply(writer.frame());
    let points = harness.points("run-a", &key("loss"));
    let epochs: Vec<Option<f64>> = points.iter().map(|point| point.epoch).collect();
    assert_eq!(epochs, [Some(0.5), Some(-1.0), None, None]);
    assert_eq!(points[2].time.as_micros(), -7);
    assert_eq!(points[0].time.as_micros(), Sample::float(0.0, 0.0).time);
    // The newer point of a step brings its own epoch, or none.
    harness.apply(writer.log(loss, [(0.0, 5.0)]).frame());
    assert_eq!(harness.points("run-a", &key("loss"))[0].epoch, None);
    assert_eq!(harness.history("run-a", &key("loss"))[0].epoch, Some(0.5));
}

pub fn a_range_of_steps_is_inclusive(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    harness.apply(
        writer
            .log(loss, (0..50).map(|step| (f64::from(step), 1.0)))
            .frame(),
    );
    harness.apply(
        writer
            .log(loss, (50..100).map(|step| (f64::from(step), 1.0)))
            .frame(),
    );
    let run = harness.key("run-a");
    let steps = |from: Option<f64>, to: Option<f64>| -> Vec<f64> {
        let mut scan = point_scan(&key("loss"), 1_000);
        scan.from_step = from.map(|step| Step::new(step).unwrap());
        scan.to_step = to.map(|step| Step::new(step).unwrap());
        let page = harness
            .ask(|snapshot| snapshot.scan_points(run, &scan))
            .unwrap();
        assert_eq!(page.next, None);
        page.points
            .iter()
            .map(|point| point.position.step.get())
            .collect()
    };
    assert_eq!(steps(Some(48.0), Some(51.0)), [48.0, 49.0, 50.0, 51.0]);
    assert_eq!(steps(Some(97.5), None), [98.0, 99.0]);
    assert_eq!(steps(None, Some(0.0)), [0.0]);
    assert_eq!(steps(Some(51.0), Some(48.0)), [] as [f64; 0]);
    assert_eq!(steps(Some(200.0), None), [] as [f64; 0]);
    assert_eq!(steps(None, None).len(), 100);
}

pub fn pages_of_points_join_without_gap_or_repeat(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let loss = writer.metric("loss");
    for frame in 0..4 {
        let step = |index: i32| f64::from((index * 7 + frame) % 20);
        writer.log(loss, (0..15).map(|index| (step(index), f64::from(index))));
        harness.apply(writer.frame());
    }
    let run = harness.key("run-a");
    for history in [false, true] {
        let all = harness.ask(|snapshot| {
            super::harness::all_points(snapshot, run, &key("loss"), history, 10_000)
        });
        for limit in [1, 2, 7, all.len() - 1, all.len(), all.len() + 1] {
            let paged = harness.ask(|snapshot| {
                super::harness::all_points(snapshot, run, &key("loss"), history, limit)
            });
            assert_eq!(paged, all, "limit {limit}, history {history}");
        }
    }
    let mut scan = point_scan(&key("loss"), 0);
    let page = harness
        .ask(|snapshot| snapshot.scan_points(run, &scan))
        .unwrap();
    assert_eq!(page.points.len(), 1, "a limit of 0 is taken as 1");
    scan.limit = 20;
    let page = harness
        .ask(|snapshot| snapshot.scan_points(run, &scan))
        .unwrap();
    assert_eq!((page.points.len(), page.next), (20, None));
}

pub fn a_series_that_never_had_a_point_is_not_found(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    writer.metric("declared");
    harness.apply(writer.frame());
    let run = harness.key("run-a");
    for name in ["declared", "unheard of"] {
        let scan = point_scan(&key(name), 10);
        let answer = harness.ask(|snapshot| snapshot.scan_points(run, &scan));
        assert!(matches!(answer, Err(StoreError::NotFound(_))), "{answer:?}");
    }
    assert_eq!(harness.series("run-a"), []);
    let elsewhere = runstone_model::RunKey(run.0 + 1_000);
    let scan = point_scan(&key("declared"), 10);
    let answer = harness.ask(|snapshot| snapshot.scan_points(elsewhere, &scan));
    assert!(matches!(answer, Err(StoreError::NotFound(_))), "{answer:?}");
}

pub fn series_come_sorted_by_bytes_and_in_pages(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let keys = [
        key("Z"),
        key("a"),
        key("a b"),
        key("a/b"),
        key_in("a", "subset", "test"),
        key_in("a", "subset", "train"),
        key("é"),
        key("z"),
        key("\u{ffff}"),
        key("\u{1f600}"),
        key(&"long".repeat(128)),
    ];
    for series in keys.iter().rev() {
        let number = writer.series(series, ValueType::F64, false);
        writer.log(number, [(0.0, 1.0), (1.0, 2.0)]);
    }
    harness.apply(writer.frame());
    let mut sorted = keys.to_vec();
    sorted.sort();
    let listed: Vec<_> = harness
        .series("run-a")
        .into_iter()
        .map(|record| record.key)
        .collect();
    assert_eq!(listed, sorted);
    let run = harness.key("run-a");
    let filtered = harness.ask(|snapshot| {
        let scan = crate::SeriesScan {
            name: Some(key("a").name),
            limit: 100,
            ..crate::SeriesScan::default()
        };
        let by_name = snapshot.scan_series(run, &scan).unwrap().series;
        let scan = crate::SeriesScan {
            context: Some(key_in("a", "subset", "test").context),
            limit: 100,
            ..crate::SeriesScan::default()
        };
        (by_name, snapshot.scan_series(run, &scan).unwrap().series)
    });
    assert_eq!(filtered.0.len(), 3);
    assert_eq!(filtered.1.len(), 1);
    assert_eq!(filtered.1[0].key, key_in("a", "subset", "test"));
    assert_eq!(harness.values("run-a", &key(&"long".repeat(128))).len(), 2);
}

pub fn long_series_and_many_series_read_the_same(harness: &mut Harness) {
    let mut writer = FrameBuilder::creator("run-a", 1);
    let long = writer.metric("long");
    let numbers: Vec<u32> = (0..150)
        .map(|index| writer.metric(&format!("short-{index}")))
        .collect();
    for frame in 0..6_u32 {
        let from = frame * 400;
        writer.log(
            long,
            (from..from + 400).map(|step| (f64::from(step), f64::from(step % 97))),
        );
        let series: Vec<(u32, Vec<Sample>)> = numbers
            .iter()
            .map(|number| {
                let samples = (0..3)
                    .map(|index| f64::from(frame * 3 + index))
                    .map(|step| Sample::float(step, step * f64::from(*number)));
                (*number, samples.collect())
            })
            .collect();
        harness.apply(writer.log_samples(&series).frame());
    }
    // Late points and repeats inside what may be folded already.
    harness.apply(
        writer
            .log(long, [(1000.0, -1.0), (1000.5, -2.0), (3.0, -3.0)])
            .frame(),
    );
    let run = harness.key("run-a");
    let points =
        harness.ask(|snapshot| super::harness::all_points(snapshot, run, &key("long"), false, 700));
    assert_eq!(points.len(), 2401);
    let record = harness.one_series("run-a", &key("long"));
    super::harness::check_summary(&points, Some(&record));
    assert_eq!(record.summary.min.unwrap().value, -3.0);
    assert_eq!(
        step_values(&points)[1000..1003],
        [(1000.0, -1.0), (1000.5, -2.0), (1001.0, 31.0)]
    );
    assert_eq!(harness.series("run-a").len(), 151);
    for index in [0, 63, 64, 149] {
        let name = key(&format!("short-{index}"));
        let values = harness.values("run-a", &name);
        let number = f64::from(numbers[index]);
        let wanted: Vec<(f64, f64)> = (0..18)
            .map(|step| (f64::from(step), f64::from(step) * number))
            .collect();
        assert_eq!(values, wanted);
    }
}
