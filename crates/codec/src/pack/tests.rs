use super::*;
use crate::{CodecError, OrderVecs, SeriesColumns, SeriesPoints};
use proptest::prelude::*;

type Named = (u32, ValueType, SeriesColumns);

fn encode(series: &[Named]) -> Vec<u8> {
    let points: Vec<SeriesPoints<'_>> = series
        .iter()
        .map(|(number, value_type, columns)| columns.as_points(*number, *value_type))
        .collect();
    encode_pack(&points).unwrap()
}

fn bits(columns: &SeriesColumns) -> impl PartialEq + std::fmt::Debug {
    let of = |floats: &[f64]| {
        floats
            .iter()
            .map(|float| float.to_bits())
            .collect::<Vec<u64>>()
    };
    (
        of(&columns.steps),
        columns.times.clone(),
        columns.values.clone(),
        columns.epochs.as_deref().map(of),
        columns.order.clone(),
    )
}

fn assert_round_trip(series: &[Named]) -> Vec<u8> {
    let bytes = encode(series);
    let reader = PackReader::parse(&bytes).unwrap();
    reader.validate().unwrap();
    assert_eq!(reader.series_count(), series.len());
    let total: usize = series.iter().map(|(_, _, columns)| columns.len()).sum();
    assert_eq!(reader.point_count(), total);
    let mut back = SeriesColumns::default();
    // Backwards, so that nothing depends on what was decoded before.
    for (number, value_type, columns) in series.iter().rev() {
        let index = reader.find(*number).unwrap();
        let entry = reader.series().nth(index).unwrap();
        assert_eq!((entry.number, entry.value_type), (*number, *value_type));
        assert_eq!(entry.count as usize, columns.len());
        assert_eq!(entry.has_epochs, columns.epochs.is_some());
        assert_eq!(entry.has_order, columns.order.is_some());
        reader.decode(index, &mut back).unwrap();
        assert_eq!(bits(&back), bits(columns), "series {number}");
    }
    bytes
}

fn columns(points: &[(f64, i64, f64)]) -> SeriesColumns {
    SeriesColumns {
        steps: points.iter().map(|point| point.0).collect(),
        times: points.iter().map(|point| point.1).collect(),
        values: points.iter().map(|point| point.2.to_bits()).collect(),
        epochs: None,
        order: None,
    }
}

#[test]
fn a_pack_of_one_point_has_these_bytes() {
    let bytes = assert_round_trip(&[(3, ValueType::F64, columns(&[(7.0, 1_000_000, 0.5)]))]);
    let expected = [
        b'R', b'S', b'P', 1, // magic, version
        1, 1, 1, // series, groups, points
        0x80, 0x89, 0x7a, // base time 1,000,000, zigzag
        3,    // first number
        2, 0, 8, 8,
        4, // groups: count 1, flags 0, step mode 4, time mode 4, length 2 (zigzag)
        0, 10, 2, // series: shape 0 (f64), mode 5 (one decimal), length 1 (zigzag)
        14, 0,  // step 7, time 0 after the base
        10, // value 5 / 10
    ];
    assert_eq!(bytes[..bytes.len() - 4], expected);
}

#[test]
fn two_series_of_one_call_share_steps_and_times() {
    let first = columns(&[(0.0, 10, 1.0), (1.0, 20, 2.0)]);
    let second = columns(&[(0.0, 10, 3.0), (1.0, 20, 5.0)]);
    let bytes = assert_round_trip(&[(1, ValueType::F64, first), (2, ValueType::F64, second)]);
    let expected = [
        b'R', b'S', b'P', 1, 2, 1, 4, 20, 1, // header
        4, 0, 36, 36, 8, // group: 2 points, no flags, modes 18 and 18, 4 bytes
        2, 0, // number difference 1, group difference 0
        0, 0, 36, 0, 4, 0, // shapes 0, modes 18, lengths 2: minimum and width 0
        0, 2, 0, 20, // steps: 0, difference 1; times: 0, difference 10
        2, 2, 6, 4, // values: 1, difference 1; 3, difference 2
    ];
    assert_eq!(bytes[..bytes.len() - 4], expected);
}

#[test]
fn an_empty_pack_is_read() {
    let bytes = assert_round_trip(&[]);
    assert_eq!(bytes.len(), 9);
    assert_eq!(PackReader::parse(&bytes).unwrap().find(1), None);
}

#[test]
fn difficult_values_come_back_bit_for_bit() {
    let nan = f64::from_bits(0xfff4_0000_dead_beef);
    let values = [
        nan,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        5e-324,
        f64::MAX,
    ];
    let points: Vec<_> = (0i64..)
        .zip(values)
        .map(|(at, value)| (at as f64, at, value))
        .collect();
    let mut integers = columns(&points);
    integers.values = vec![i64::MIN as u64, i64::MAX as u64, 0, 1, u64::MAX, 7, 7];
    assert_round_trip(&[
        (1, ValueType::F64, columns(&points)),
        (2, ValueType::I64, integers.clone()),
        (3, ValueType::F32, columns(&points)),
        (4, ValueType::Bool, integers),
    ]);
}

#[test]
fn steps_keep_the_order_given() {
    let points = [
        (5.0, 50, 1.0),
        (3.0, 40, 2.0),
        (3.0, i64::MIN, 3.0),
        (0.1 + 0.2, i64::MAX, 4.0),
        (-1e300, 0, 5.0),
    ];
    assert_round_trip(&[(9, ValueType::F64, columns(&points))]);
}

#[test]
fn series_with_other_steps_or_times_stand_beside_shared_ones() {
    let shared: Vec<_> = (0i64..50)
        .map(|at| (at as f64, at * 1000, at as f64 / 3.0))
        .collect();
    let late: Vec<_> = shared
        .iter()
        .map(|&(step, time, value)| (step, time + 3, value))
        .collect();
    let sparse: Vec<_> = shared.iter().copied().step_by(10).collect();
    let mut series = Vec::new();
    for number in 0..30u32 {
        let points = match number % 3 {
            0 => &shared,
            1 => &sparse,
            _ => &late,
        };
        series.push((number * 7 + 1, ValueType::F64, columns(points)));
    }
    let bytes = assert_round_trip(&series);
    let reader = PackReader::parse(&bytes).unwrap();
    assert_eq!(
        reader.group_count(),
        2,
        "steps of the whole and of every tenth"
    );
}

#[test]
fn tens_of_thousands_of_single_points_stay_small() {
    let series: Vec<Named> = (1..=20_000u32)
        .map(|number| {
            let value = f64::from(number as f32 / 7.0);
            (
                number,
                ValueType::F64,
                columns(&[(3.0, 1_790_000_000_000_000, value)]),
            )
        })
        .collect();
    let bytes = assert_round_trip(&series);
    assert!(bytes.len() < 20_000 * 5, "{} bytes", bytes.len());
}

#[test]
fn order_and_epochs_shared_by_all_series_are_stored_once() {
    let order = OrderVecs {
        generations: vec![0; 200],
        appends: (0..200).map(|at| 1_000 + at / 20).collect(),
        positions: (0..200).map(|at| at % 20).collect(),
    };
    let mut with = columns(
        &(0i64..200)
            .map(|at| (at as f64, at, 1.0))
            .collect::<Vec<_>>(),
    );
    with.epochs = Some((0..200).map(|at| f64::from(at / 50)).collect());
    with.order = Some(order);
    let mut without = with.clone();
    without.epochs = None;
    without.order.as_mut().unwrap().positions[7] = u32::MAX;
    let few: Vec<Named> = (0..2)
        .map(|number| (number, ValueType::F64, with.clone()))
        .collect();
    let mut many: Vec<Named> = (0..20)
        .map(|number| (number, ValueType::F64, with.clone()))
        .collect();
    let growth = assert_round_trip(&many).len() - assert_round_trip(&few).len();
    assert!(growth < 18 * 4, "{growth} bytes for 18 more series");
    many.push((30, ValueType::I64, without));
    assert_round_trip(&many);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let good = columns(&[(0.0, 0, 1.0)]);
    let mut uneven = good.clone();
    uneven.times.push(1);
    let empty = SeriesColumns::default();
    let refused =
        |series: &[SeriesPoints<'_>]| matches!(encode_pack(series), Err(CodecError::Invalid(_)));
    assert!(refused(&[uneven.as_points(1, ValueType::F64)]));
    assert!(refused(&[empty.as_points(1, ValueType::F64)]));
    assert!(refused(&[good.as_points(1, ValueType::String)]));
    assert!(refused(&[
        good.as_points(2, ValueType::F64),
        good.as_points(2, ValueType::F64)
    ]));
    assert!(refused(&[
        good.as_points(2, ValueType::F64),
        good.as_points(1, ValueType::F64)
    ]));
    let huge = SeriesColumns {
        steps: vec![0.0; PACK_POINTS_MAX + 1],
        times: vec![0; PACK_POINTS_MAX + 1],
        values: vec![0; PACK_POINTS_MAX + 1],
        epochs: None,
        order: None,
    };
    let outcome = encode_pack(&[huge.as_points(1, ValueType::F64)]);
    assert!(matches!(outcome, Err(CodecError::TooLarge { .. })));
}

#[test]
fn a_failed_encoding_leaves_the_output_as_it_was() {
    let good = columns(&[(0.0, 0, 1.0)]);
    let mut out = b"before".to_vec();
    let mut scratch = Scratch::default();
    let twice = [
        good.as_points(2, ValueType::F64),
        good.as_points(2, ValueType::F64),
    ];
    assert!(encode_pack_into(&mut out, &mut scratch, twice).is_err());
    assert_eq!(out, b"before");
    encode_pack_into(&mut out, &mut scratch, [good.as_points(2, ValueType::F64)]).unwrap();
    assert_eq!(out[6..], encode(&[(2, ValueType::F64, good)]));
}

#[test]
fn a_newer_version_asks_for_an_update() {
    let mut bytes = encode(&[]);
    bytes[3] = 2;
    let outcome = PackReader::parse(&bytes).map(|_| ());
    assert_eq!(
        outcome,
        Err(CodecError::Unsupported {
            what: "pack",
            found: 2
        })
    );
}

fn any_steps(count: usize) -> BoxedStrategy<Vec<f64>> {
    prop_oneof![
        Just((0..count).map(|at| at as f64).collect::<Vec<f64>>()),
        Just((0..count).map(|at| at as f64 * 0.5).collect::<Vec<f64>>()),
        proptest::collection::vec(any::<f64>(), count),
        proptest::collection::vec((0u8..4).prop_map(f64::from), count),
    ]
    .boxed()
}

fn any_values(count: usize) -> BoxedStrategy<Vec<u64>> {
    prop_oneof![
        proptest::collection::vec(any::<u64>(), count),
        proptest::collection::vec(any::<f32>().prop_map(|v| f64::from(v).to_bits()), count),
        proptest::collection::vec(
            any::<i16>().prop_map(|v| (f64::from(v) / 1e3).to_bits()),
            count
        ),
        any::<u64>().prop_map(move |word| vec![word; count]),
    ]
    .boxed()
}

fn any_times(count: usize) -> BoxedStrategy<Vec<i64>> {
    prop_oneof![
        Just(
            (0..count as i64)
                .map(|at| 1_790_000_000_000_000 + at * 50_000)
                .collect::<Vec<_>>()
        ),
        proptest::collection::vec(any::<i64>(), count),
    ]
    .boxed()
}

fn any_columns(steps: Vec<f64>) -> BoxedStrategy<SeriesColumns> {
    let count = steps.len();
    let order = (
        proptest::collection::vec(0u32..3, count),
        proptest::collection::vec(any::<u64>(), count),
        proptest::collection::vec(any::<u32>(), count),
    )
        .prop_map(|(generations, appends, positions)| OrderVecs {
            generations,
            appends,
            positions,
        });
    let epochs = prop_oneof![
        Just(None),
        Just(Some(vec![1.0; count])),
        proptest::collection::vec(any::<f64>(), count).prop_map(Some),
    ];
    (
        any_times(count),
        any_values(count),
        epochs,
        proptest::option::of(order),
    )
        .prop_map(move |(times, values, epochs, order)| SeriesColumns {
            steps: steps.clone(),
            times,
            values,
            epochs,
            order,
        })
        .boxed()
}

fn any_type() -> impl Strategy<Value = ValueType> {
    prop_oneof![
        Just(ValueType::F64),
        Just(ValueType::F32),
        Just(ValueType::I64),
        Just(ValueType::Bool),
    ]
}

/// A few series of up to three different step columns, under ascending numbers.
fn any_pack() -> impl Strategy<Value = Vec<Named>> {
    let step_columns = proptest::collection::vec((1usize..200).prop_flat_map(any_steps), 1..4);
    step_columns
        .prop_flat_map(|columns| {
            let one = (
                1u32..1000,
                any_type(),
                proptest::sample::select(columns).prop_flat_map(any_columns),
            );
            proptest::collection::vec(one, 0..12)
        })
        .prop_map(|mut series| {
            let mut number = 0;
            for entry in &mut series {
                number += entry.0;
                entry.0 = number;
            }
            series
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_columns_come_back_bit_for_bit(series in any_pack()) {
        assert_round_trip(&series);
    }

    #[test]
    fn cut_and_flipped_packs_are_read_or_refused(
        series in any_pack(),
        cut in any::<proptest::sample::Index>(),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0u8..8), 1..4),
    ) {
        let bytes = encode(&series);
        exercise(&bytes[..cut.index(bytes.len())], true);
        let mut flipped = bytes.clone();
        for (at, bit) in flips {
            let at = at.index(flipped.len());
            flipped[at] ^= 1 << bit;
        }
        exercise(&flipped, flipped != bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0u8..4], 0..120),
    ) {
        let mut started = vec![b'R', b'S', b'P', 1];
        started.extend_from_slice(&bytes);
        exercise(&started, false);
        exercise(&bytes, true);
    }
}

/// Reads whatever can be read; must not panic. `damaged`: validation must notice.
fn exercise(bytes: &[u8], damaged: bool) {
    let Ok(reader) = PackReader::parse(bytes) else {
        return;
    };
    if damaged {
        assert!(reader.validate().is_err(), "damage went unnoticed");
    }
    let mut columns = SeriesColumns::default();
    for (index, entry) in reader.series().enumerate() {
        if reader.decode(index, &mut columns).is_ok() {
            assert_eq!(columns.len(), entry.count as usize);
            assert_eq!(columns.times.len(), columns.len());
            assert_eq!(columns.values.len(), columns.len());
        }
    }
}
