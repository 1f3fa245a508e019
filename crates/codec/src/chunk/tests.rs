use super::*;
use proptest::prelude::*;
use runstone_model::ValueType;

fn round_trip(columns: &SeriesColumns, value_type: ValueType) -> EncodedChunk {
    let chunk = encode_chunk(&columns.as_points(0, value_type)).unwrap();
    check_places(&ChunkHead::parse(&chunk.head).unwrap(), columns);
    check_coarse(&chunk.head, columns);
    let whole = [&chunk.head[..], &chunk.data].concat();
    assert_eq!(
        ChunkHead::parse(&whole).unwrap(),
        ChunkHead::parse(&chunk.head).unwrap()
    );
    for reader in [
        ChunkReader::parse(&whole).unwrap(),
        ChunkReader::from_parts(&chunk.head, &chunk.data).unwrap(),
    ] {
        assert_eq!(reader.head().count, columns.len());
        assert_eq!(reader.head().value_type, value_type);
        let mut back = SeriesColumns::default();
        reader.decode(&mut back).unwrap();
        assert_eq!(
            words_of_floats(&back.steps),
            words_of_floats(&columns.steps)
        );
        assert_eq!(back.times, columns.times);
        assert_eq!(back.values, columns.values);
        let epochs = |columns: &SeriesColumns| columns.epochs.as_deref().map(words_of_floats);
        assert_eq!(epochs(&back), epochs(columns));
        assert_eq!(back.order, columns.order);
        let mut readable = back.clone();
        reader.decode_readable(&mut readable).unwrap();
        assert_eq!(
            (&readable.times, &readable.values),
            (&back.times, &back.values)
        );
        assert_eq!(epochs(&readable), epochs(&back));
        assert_eq!(readable.order, None);
        let mut drawn = back.clone();
        reader.decode_steps_and_values(&mut drawn).unwrap();
        assert_eq!(drawn.values, columns.values);
        assert!(drawn.times.is_empty() && drawn.epochs.is_none() && drawn.order.is_none());
    }
    chunk
}

/// Coarse blocks are what blocks of so many points would be, sums apart.
fn check_coarse(head: &[u8], columns: &SeriesColumns) {
    let (fine, coarse) = (
        ChunkHead::parse(head).unwrap(),
        ChunkHead::parse_coarse(head).unwrap(),
    );
    if fine.blocks.len() <= COARSE_BLOCKS {
        assert_eq!(coarse, fine);
        return;
    }
    assert_eq!(coarse.block_points, BLOCK_POINTS * COARSE_BLOCKS);
    assert_eq!(coarse.columns, fine.columns);
    assert_eq!(coarse.oldest, fine.oldest);
    check_places(&coarse, columns);
    let of_coarse = fine.blocks.chunks(COARSE_BLOCKS);
    assert_eq!(coarse.blocks.len(), of_coarse.len());
    for (all, blocks) in coarse.blocks.iter().zip(of_coarse) {
        let count = |get: fn(&BlockSummary) -> u32| blocks.iter().map(get).sum::<u32>();
        assert_eq!(all.count, count(|block| block.count));
        assert_eq!(all.nan_count, count(|block| block.nan_count));
        let is_number =
            |word: u64| fine.value_type == ValueType::I64 || !f64::from_bits(word).is_nan();
        let number = |word: u64| match fine.value_type {
            ValueType::I64 => word.cast_signed() as f64,
            _ => f64::from_bits(word),
        };
        let words = |get: fn(&BlockSummary) -> u64| {
            blocks
                .iter()
                .map(get)
                .filter(|word| is_number(*word))
                .map(number)
        };
        let least = words(|block| block.min).reduce(f64::min);
        let greatest = words(|block| block.max).reduce(f64::max);
        let of = |word: u64| is_number(word).then(|| number(word));
        assert_eq!((of(all.min), of(all.max)), (least, greatest));
        assert_eq!(all.first, blocks[0].first);
        assert_eq!(all.last, blocks[blocks.len() - 1].last);
        let steps = |get: fn(&BlockSummary) -> f64| blocks.iter().map(get);
        assert_eq!(
            Some(all.min_step),
            steps(|block| block.min_step).reduce(f64::min)
        );
        assert_eq!(
            Some(all.max_step),
            steps(|block| block.max_step).reduce(f64::max)
        );
    }
}

/// Each place holds a point of its block that has the value which the summary names.
fn check_places(head: &ChunkHead, columns: &SeriesColumns) {
    assert_eq!(head.places.len(), head.blocks.len());
    for (number, (block, places)) in head.blocks.iter().zip(&head.places).enumerate() {
        let first = number * head.block_points;
        let range = first..first + block.count as usize;
        let holds = |place: Place, wanted: &dyn Fn(u64) -> bool| {
            range.clone().any(|index| {
                columns.steps[index].to_bits() == place.step.to_bits()
                    && columns.times[index] == place.time
                    && wanted(columns.values[index])
            })
        };
        let is_nan = |word: u64| head.value_type != ValueType::I64 && f64::from_bits(word).is_nan();
        if block.nan_count < block.count {
            assert!(holds(places.min, &|word| word == block.min));
            assert!(holds(places.max, &|word| word == block.max));
        }
        if block.nan_count > 0 {
            assert!(holds(places.nan, &is_nan));
        }
    }
}

fn columns_of(values: impl Iterator<Item = f64>) -> SeriesColumns {
    let values: Vec<u64> = values.map(f64::to_bits).collect();
    SeriesColumns {
        steps: (0..values.len()).map(|step| step as f64).collect(),
        times: (0..values.len() as i64)
            .map(|at| 1_790_000_000_000_000 + at * 50_000)
            .collect(),
        values,
        epochs: None,
        order: None,
    }
}

#[test]
fn blocks_summarise_256_points_each() {
    let mut columns = columns_of((0..600).map(|at| f64::from(at % 100) / 8.0));
    columns.values[3] = f64::NAN.to_bits();
    columns.values[4] = f64::INFINITY.to_bits();
    columns.values[300] = f64::NEG_INFINITY.to_bits();
    for value in &mut columns.values[512..] {
        *value = f64::NAN.to_bits();
    }
    columns.steps[10] = -5.0;
    let chunk = round_trip(&columns, ValueType::F64);
    let blocks = ChunkHead::parse(&chunk.head).unwrap().blocks;
    let counts: Vec<u32> = blocks.iter().map(|block| block.count).collect();
    assert_eq!(counts, [256, 256, 88]);
    let of = f64::from_bits;
    assert_eq!((blocks[0].min_step, blocks[0].max_step), (-5.0, 255.0));
    assert_eq!(
        (blocks[0].nan_count, blocks[0].positive_infinity_count),
        (1, 1)
    );
    assert_eq!((of(blocks[0].min), of(blocks[0].max)), (0.0, f64::INFINITY));
    assert_eq!((of(blocks[0].first), of(blocks[0].last)), (0.0, 55.0 / 8.0));
    assert_eq!(
        (blocks[1].first_time, blocks[1].last_time),
        (columns.times[256], columns.times[511])
    );
    assert_eq!(
        (of(blocks[1].min), blocks[1].negative_infinity_count),
        (f64::NEG_INFINITY, 1)
    );
    let finite = |words: &[u64]| {
        words
            .iter()
            .map(|&word| of(word))
            .filter(|value| value.is_finite())
            .sum::<f64>()
    };
    assert_eq!(blocks[0].sum, finite(&columns.values[..256]));
    assert!(of(blocks[2].min).is_nan() && of(blocks[2].max).is_nan());
    assert_eq!((blocks[2].nan_count, blocks[2].sum), (88, 0.0));
}

#[test]
fn long_chunks_have_coarse_blocks_too() {
    let wave = |at: usize| match at {
        9_000 => f64::NAN,
        12_345 => f64::INFINITY,
        _ => ((at * 37) % 1_009) as f64 - 500.0,
    };
    for count in [4_096, 4_097, 16_384, 20_001] {
        round_trip(&columns_of((0..count).map(wave)), ValueType::F64);
    }
    let mut integers = columns_of((0..10_000).map(wave));
    integers.values = (0..10_000_u64)
        .map(|at| (at as i64 * 7_919 % 4_001 - 2_000) as u64)
        .collect();
    let chunk = round_trip(&integers, ValueType::I64);
    let mut damaged = chunk.head.clone();
    damaged[40] ^= 1;
    assert!(ChunkHead::parse_coarse(&damaged).is_err());
    assert!(ChunkHead::parse_coarse(&chunk.head[..chunk.head.len() - 1]).is_err());
    assert!(ChunkHead::parse_coarse(&[]).is_err());
}

#[test]
fn heads_say_where_extremes_and_nan_stand_and_whether_steps_and_times_rise() {
    let mut columns = columns_of((0..600).map(|at| f64::from(at % 100)));
    columns.values[3] = f64::NAN.to_bits();
    columns.values[4] = f64::NAN.to_bits();
    columns.values[512..].fill(f64::NAN.to_bits());
    columns.order = Some(OrderVecs {
        generations: (0..600).map(|at| 5 - at / 200).collect(),
        appends: (0..600).map(|at| 90 + at % 7).collect(),
        positions: vec![0; 600],
    });
    let chunk = round_trip(&columns, ValueType::F64);
    let head = ChunkHead::parse(&chunk.head).unwrap();
    assert!(head.steps_rise && head.times_rise);
    assert_eq!(head.oldest, Some((3, 90)));
    let place = |index: usize| Place {
        step: columns.steps[index],
        time: columns.times[index],
    };
    let none = |block: usize| Place {
        step: 0.0,
        time: columns.times[block * BLOCK_POINTS],
    };
    let places = |min, max, nan| BlockPlaces { min, max, nan };
    assert_eq!(head.places[0], places(place(0), place(99), place(3)));
    assert_eq!(head.places[1], places(place(300), place(299), none(1)));
    assert_eq!(head.places[2], places(none(2), none(2), place(512)));

    columns.steps[7] = columns.steps[6];
    columns.times[9] = columns.times[8] - 1;
    let head = ChunkHead::parse(&round_trip(&columns, ValueType::F64).head).unwrap();
    assert!(!head.steps_rise && !head.times_rise);
    columns.times[9] = columns.times[8];
    let head = ChunkHead::parse(&round_trip(&columns, ValueType::F64).head).unwrap();
    assert!(head.times_rise, "equal times do not fall");
}

#[test]
fn integers_are_summarised_as_integers() {
    let mut columns = columns_of((0..300).map(|_| 0.0));
    columns.values = (0..300).map(|at| (at as i64 - 150) as u64).collect();
    columns.values[7] = i64::MAX as u64;
    columns.values[8] = i64::MIN as u64;
    let chunk = round_trip(&columns, ValueType::I64);
    let blocks = ChunkHead::parse(&chunk.head).unwrap().blocks;
    assert_eq!(
        (blocks[0].min as i64, blocks[0].max as i64),
        (i64::MIN, i64::MAX)
    );
    assert_eq!((blocks[1].min as i64, blocks[1].max as i64), (106, 149));
}

#[test]
fn constant_columns_cost_nothing() {
    let mut columns = columns_of((0..1000).map(|_| 0.5));
    columns.order = Some(OrderVecs {
        generations: vec![0; 1000],
        appends: vec![77; 1000],
        positions: vec![0; 1000],
    });
    columns.epochs = Some(vec![3.0; 1000]);
    columns.times = vec![5; 1000];
    columns.steps = vec![1.0; 1000];
    let chunk = round_trip(&columns, ValueType::F64);
    assert!(chunk.data.len() <= 16, "{} bytes", chunk.data.len());
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let good = columns_of([1.0].into_iter());
    let mut uneven = good.clone();
    uneven.values.clear();
    assert!(encode_chunk(&uneven.as_points(0, ValueType::F64)).is_err());
    assert!(encode_chunk(&SeriesColumns::default().as_points(0, ValueType::F64)).is_err());
    assert!(encode_chunk(&good.as_points(0, ValueType::String)).is_err());
    let mut chunk = encode_chunk(&good.as_points(0, ValueType::F64)).unwrap();
    chunk.head[3] = 9;
    let outcome = ChunkHead::parse(&chunk.head);
    assert_eq!(
        outcome,
        Err(CodecError::Unsupported {
            what: "chunk",
            found: 9
        })
    );
}

fn any_columns() -> impl Strategy<Value = SeriesColumns> {
    (1usize..700).prop_flat_map(|count| {
        let steps = prop_oneof![
            Just((0..count).map(|at| at as f64).collect::<Vec<f64>>()),
            proptest::collection::vec(any::<f64>(), count),
        ];
        let times = prop_oneof![
            Just((0..count as i64).map(|at| at * 1000).collect::<Vec<i64>>()),
            proptest::collection::vec(any::<i64>(), count),
        ];
        let values = prop_oneof![
            proptest::collection::vec(any::<u64>(), count),
            proptest::collection::vec(any::<f32>().prop_map(|v| f64::from(v).to_bits()), count),
            proptest::collection::vec(
                any::<i16>().prop_map(|v| (f64::from(v) / 1e3).to_bits()),
                count
            ),
        ];
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
        let epochs = proptest::option::of(proptest::collection::vec(any::<f64>(), count));
        (steps, times, values, epochs, proptest::option::of(order)).prop_map(
            |(steps, times, values, epochs, order)| SeriesColumns {
                steps,
                times,
                values,
                epochs,
                order,
            },
        )
    })
}

/// Reads whatever can be read; must not panic.
fn exercise(bytes: &[u8]) -> bool {
    let Ok(reader) = ChunkReader::parse(bytes) else {
        return false;
    };
    let mut columns = SeriesColumns::default();
    let drawn = reader.decode_steps_and_values(&mut columns).is_ok();
    reader.decode(&mut columns).is_ok() && drawn
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_columns_come_back_bit_for_bit(columns in any_columns(), integers in any::<bool>()) {
        round_trip(&columns, if integers { ValueType::I64 } else { ValueType::F64 });
    }

    #[test]
    fn cut_and_flipped_chunks_are_refused(
        columns in any_columns(),
        cut in any::<proptest::sample::Index>(),
        flip in (any::<proptest::sample::Index>(), 0u8..8),
    ) {
        let chunk = encode_chunk(&columns.as_points(0, ValueType::F64)).unwrap();
        let mut bytes = [&chunk.head[..], &chunk.data].concat();
        prop_assert!(!exercise(&bytes[..cut.index(bytes.len())]));
        let at = flip.0.index(bytes.len());
        bytes[at] ^= 1 << flip.1;
        prop_assert!(!exercise(&bytes));
    }

    /// Checksums mended, so that the decompressor itself sees the damage.
    #[test]
    fn a_hostile_column_is_read_or_refused(
        columns in any_columns(),
        column in 0usize..3,
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let chunk = encode_chunk(&columns.as_points(0, ValueType::F64)).unwrap();
        let mut head = ChunkHead::parse(&chunk.head).unwrap();
        let mut data = chunk.data;
        let start: usize = head.columns[..column].iter().map(|column| column.length).sum();
        let bytes = &mut data[start..start + head.columns[column].length];
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        head.columns[column].checksum = crc32c::crc32c(bytes);
        let head = head.encode(&mut ColumnScratch::default());
        exercise(&[head, data].concat());
    }
}

/// Points that came in frames of `frame` points each.
fn in_frames(count: u32, frame: u32, time: impl Fn(i64) -> i64) -> SeriesColumns {
    SeriesColumns {
        steps: (0..count).map(f64::from).collect(),
        times: (0..i64::from(count)).map(time).collect(),
        values: (0..count)
            .map(|at| f64::from(at).sqrt().to_bits())
            .collect(),
        epochs: None,
        order: Some(OrderVecs {
            generations: vec![1; count as usize],
            appends: (0..count).map(|at| u64::from(at / frame) * 3).collect(),
            positions: (0..count).map(|at| at % frame).collect(),
        }),
    }
}

#[test]
fn steps_and_order_of_frames_take_a_few_bytes() {
    for frame in [10, 64, 100] {
        let columns = in_frames(5_000, frame, |at| at * 50_000 + at * at % 977);
        let chunk = round_trip(&columns, ValueType::F64);
        let lengths: Vec<usize> = ChunkHead::parse(&chunk.head)
            .unwrap()
            .column_bytes()
            .collect();
        assert!(lengths[0] < 16, "{lengths:?}");
        assert!(
            lengths[3..].iter().all(|length| *length < 96),
            "{lengths:?}"
        );
    }
}

#[test]
fn a_clock_around_a_beat_takes_no_more_than_its_noise() {
    // A permutation of the residues: noise of 12.3 bits a point.
    let beat = |at: i64| 1_790_000_000_000_000 + at * 50_000 + at * at * at * 31 % 5_003;
    let columns = in_frames(5_000, 100, beat);
    let chunk = round_trip(&columns, ValueType::F64);
    let head = ChunkHead::parse(&chunk.head).unwrap();
    let bytes = head.column_bytes().nth(1).unwrap();
    assert!(bytes * 8 < 5_000 * 127 / 10, "{bytes}");
    // One of whole milliseconds keeps that it is.
    let columns = in_frames(5_000, 100, |at| beat(at) / 1_000 * 1_000);
    let chunk = round_trip(&columns, ValueType::F64);
    let head = ChunkHead::parse(&chunk.head).unwrap();
    let bytes = head.column_bytes().nth(1).unwrap();
    assert!(bytes * 8 < 5_000 * 4, "{bytes}");
    // So does one of 64 ticks a second.
    let ticks = |at: i64| (at * 50_000 + at * at * at * 31 % 5_003) / 15_625 * 15_625;
    let columns = in_frames(5_000, 100, ticks);
    let chunk = round_trip(&columns, ValueType::F64);
    let head = ChunkHead::parse(&chunk.head).unwrap();
    let bytes = head.column_bytes().nth(1).unwrap();
    assert!(bytes * 8 < 5_000 * 4, "{bytes}");
}

#[test]
fn clocks_at_the_ends_of_time_come_back() {
    let clocks: [fn(i64) -> i64; 5] = [
        |at| (at - 500) * 50_000 + at * at * 31 % 5_003,
        |at| i64::MAX - 1_000 * 50_000 + at * 50_000 + at * at * 31 % 49_999,
        |at| i64::MIN + at * 50_000 + at * at * 31 % 4_999,
        |at| (i64::MAX / 500) * (at - 500) + at * at * 31 % 4_999,
        |at| if at % 2 == 0 { i64::MIN } else { i64::MAX },
    ];
    for clock in clocks {
        round_trip(&in_frames(1_000, 100, clock), ValueType::F64);
    }
}

#[test]
fn runs_that_do_not_fill_a_column_are_refused() {
    let columns = in_frames(5_000, 100, |at| at * 50_000);
    let chunk = encode_chunk(&columns.as_points(0, ValueType::F64)).unwrap();
    // The first column is one run of 5,000 words: a count, then a mode and a length of two bytes.
    let at = 2;
    assert_eq!(chunk.data[0], 1);
    for other in [0, 0xff] {
        let mut data = chunk.data.clone();
        data[at] = other;
        let mut head = ChunkHead::parse(&chunk.head).unwrap();
        let length = head.columns[0].length;
        head.columns[0].checksum = crc32c::crc32c(&data[..length]);
        let reader = ChunkReader { head, data: &data };
        assert!(reader.decode(&mut SeriesColumns::default()).is_err());
    }
}
