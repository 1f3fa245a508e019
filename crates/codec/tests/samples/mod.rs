//! What the frozen samples hold: every mode and every optional column at least once.

use runstone_codec::{
    OrderVecs, SeriesColumns, SeriesPoints, StripeColumn, StripeRow, SummaryMark, SummaryRow,
    encode_chunk, encode_pack, encode_roll, encode_run_summary, encode_stripe,
};
use runstone_model::ValueType;

const START: i64 = 1_790_000_000_000_000;

type Named = (u32, ValueType, SeriesColumns);

/// A float32 that looks like a loss, the same on every machine.
fn noise(at: usize) -> f64 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    f64::from(((mixed ^ mixed >> 27) >> 40) as f32 / 16_777_216.0)
}

fn columns(count: usize, value: impl Fn(usize) -> u64) -> SeriesColumns {
    SeriesColumns {
        steps: (0..count).map(|at| at as f64).collect(),
        times: (0..count)
            .map(|at| START + at as i64 * 50_000 + (at as i64 * 7919) % 977)
            .collect(),
        values: (0..count).map(value).collect(),
        epochs: None,
        order: None,
    }
}

fn pack(series: &[Named]) -> Vec<u8> {
    let points: Vec<SeriesPoints<'_>> = series
        .iter()
        .map(|(number, value_type, columns)| columns.as_points(*number, *value_type))
        .collect();
    encode_pack(&points).unwrap()
}

fn order(count: usize) -> OrderVecs {
    OrderVecs {
        generations: (0..count).map(|at| (at * 3 / count) as u32).collect(),
        appends: (0..count).map(|at| 1_000 + at as u64 / 10).collect(),
        positions: (0..count).map(|at| at as u32 % 10).collect(),
    }
}

/// Three metrics of one `log` call a step, with epochs.
fn pack_of_one_call() -> Vec<u8> {
    let values: [fn(usize) -> f64; 3] = [
        noise,
        |at| noise(at) / 3.0,
        |at| (noise(at) * 1e4).round() / 1e4,
    ];
    let series: Vec<Named> = (1..)
        .zip(values)
        .map(|(number, value)| {
            let mut columns = columns(40, |at| value(at).to_bits());
            columns.epochs = Some((0..40).map(|at| f64::from(at / 10)).collect());
            (number, ValueType::F64, columns)
        })
        .collect();
    pack(&series)
}

/// Everything that is odd, in one pack.
fn pack_of_everything() -> Vec<u8> {
    let mut irregular = columns(130, |at| (noise(at) - 0.5).to_bits());
    irregular.steps[20] = 3.0;
    irregular.steps[21] = 3.0;
    irregular.steps[22] = -7.25;
    irregular.steps[23] = 1e300;
    let mut late = columns(130, |at| noise(at + 500).to_bits());
    late.times
        .iter_mut()
        .zip(0..)
        .for_each(|(time, at)| *time += 300 + at % 7);
    let difficult = [
        0xfff4_0000_dead_beef,
        f64::NAN.to_bits(),
        f64::INFINITY.to_bits(),
        f64::NEG_INFINITY.to_bits(),
        (-0.0f64).to_bits(),
        5e-324f64.to_bits(),
        f64::MAX.to_bits(),
    ];
    let integers = [i64::MIN, i64::MAX, 0, -1, 1, 1 << 53, 7];
    let mut shared_epochs = columns(130, |at| (at as u64) << 40);
    shared_epochs.epochs = Some((0..130).map(|at| f64::from(at) / 50.0).collect());
    shared_epochs.order = Some(order(130));
    let mut own_epochs = shared_epochs.clone();
    own_epochs.epochs = Some(
        (0..130)
            .map(|at| if at % 9 == 0 { 2.5 } else { f64::NAN })
            .collect(),
    );
    own_epochs.order.as_mut().unwrap().positions[3] = u32::MAX;
    shared_epochs.steps[129] = 1_000_000.0;
    own_epochs.steps[129] = 1_000_000.0;
    pack(&[
        (1, ValueType::F64, columns(130, |at| noise(at).to_bits())),
        (2, ValueType::F32, late),
        (5, ValueType::F64, irregular),
        (6, ValueType::F64, columns(7, |at| difficult[at])),
        (7, ValueType::I64, columns(7, |at| integers[at] as u64)),
        (8, ValueType::Bool, columns(7, |at| at as u64 % 2)),
        (100, ValueType::I64, shared_epochs),
        (101, ValueType::I64, own_epochs),
        (
            102,
            ValueType::F64,
            columns(5, |_| std::f64::consts::PI.to_bits()),
        ),
        (
            103,
            ValueType::F64,
            columns(5, |_| f64::from(0.1f32).to_bits()),
        ),
        (104, ValueType::F64, columns(5, |_| 0.001f64.to_bits())),
        (
            105,
            ValueType::F64,
            columns(130, |at| (at as f64 * 512.0).to_bits()),
        ),
        (16_777_215, ValueType::F64, columns(1, |_| 1.5f64.to_bits())),
    ])
}

/// One point a series, each with its own time.
fn pack_of_single_points() -> Vec<u8> {
    let series: Vec<Named> = (1..=300u32)
        .map(|number| {
            let mut columns = columns(1, |_| noise(number as usize).to_bits());
            columns.steps[0] = 12.0;
            columns.times[0] += i64::from(number / 3);
            (number, ValueType::F64, columns)
        })
        .collect();
    pack(&series)
}

fn chunk(columns: &SeriesColumns, value_type: ValueType) -> Vec<u8> {
    let chunk = encode_chunk(&columns.as_points(0, value_type)).unwrap();
    [chunk.head, chunk.data].concat()
}

/// Long enough for coarse blocks.
fn long_chunk() -> Vec<u8> {
    let mut columns = columns(4_400, |at| ((at * 31 % 997) as f64 / 10.0).to_bits());
    columns.values[4_200] = f64::NAN.to_bits();
    chunk(&columns, ValueType::F64)
}

fn chunk_of_floats(value: fn(usize) -> f64) -> Vec<u8> {
    let mut columns = columns(600, |at| value(at).to_bits());
    columns.values[7] = f64::NAN.to_bits();
    columns.values[300] = f64::INFINITY.to_bits();
    columns.values[301] = f64::NEG_INFINITY.to_bits();
    // A block of nothing but NaN, and a clock that was set back.
    columns.values[512..].fill(f64::NAN.to_bits());
    columns.times[400] = START;
    chunk(&columns, ValueType::F64)
}

/// Frames of ten points each, with a clock around the beat of the steps.
fn chunk_of_frames() -> Vec<u8> {
    let mut columns = columns(700, |at| noise(at).to_bits());
    columns.times = (0..700i64)
        .map(|at| START + at * 50_000 + at * at * 7_919 % 4_999)
        .collect();
    columns.order = Some(OrderVecs {
        generations: vec![3; 700],
        appends: (0..700).map(|at| 40 + at / 10 * 2).collect(),
        positions: (0..700).map(|at| at % 10).collect(),
    });
    chunk(&columns, ValueType::F64)
}

fn chunk_of_everything() -> Vec<u8> {
    let mut columns = columns(300, |at| (at as i64 * at as i64 - 9_000) as u64);
    columns.steps.iter_mut().for_each(|step| *step *= 0.25);
    columns.epochs = Some((0..300).map(|at| noise(at) / 3.0).collect());
    columns.order = Some(order(300));
    chunk(&columns, ValueType::I64)
}

fn summary() -> Vec<u8> {
    let names = [
        "accuracy",
        "layers.0.bias",
        "layers.0.weight",
        "loss",
        "lösung",
    ];
    let contexts = [r#"{"subset":"train"}"#, r#"{"subset":"val"}"#, "{}"];
    let mut rows = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        for context in contexts {
            let mark = |step: usize| {
                Some(SummaryMark {
                    step: step as f64,
                    time: START + step as i64 * 50_000,
                    value: noise(at * 100 + step),
                })
            };
            let number = rows.len() as u32 + 1;
            rows.push(SummaryRow {
                name: name.to_owned(),
                context: context.to_owned(),
                kind: 0,
                value_type: if at == 2 {
                    ValueType::I64
                } else {
                    ValueType::F64
                },
                number,
                flags: number % 2,
                place: u64::from(number) << 24,
                stored_count: 25,
                count: 20,
                nan_count: u64::from(number % 3),
                positive_infinity_count: u64::from(number / 7),
                negative_infinity_count: 0,
                first: mark(0),
                last: mark(19),
                min: if at == 4 { None } else { mark(3) },
                max: if at == 4 { None } else { mark(11) },
                sum: noise(at) * 20.0,
            });
        }
    }
    encode_run_summary(&rows).unwrap()
}

/// Two metrics, one of them in two contexts, in a band of which some runs are missing.
fn stripe() -> Vec<u8> {
    let row = |run: u16| {
        let last = noise(usize::from(run));
        StripeRow {
            run,
            value_type: ValueType::F64,
            count: 1_000 + u64::from(run % 3),
            nan_count: u64::from(run.is_multiple_of(5)),
            positive_infinity_count: u64::from(run.is_multiple_of(7)),
            negative_infinity_count: 0,
            first: 2.5,
            last: if run.is_multiple_of(11) {
                f64::NAN
            } else {
                last
            },
            last_step: 999.0 + f64::from(run % 3),
            min: last / 2.0,
            max: if run.is_multiple_of(7) {
                f64::INFINITY
            } else {
                3.0
            },
            sum: last * 1_000.0 / 3.0,
        }
    };
    let loss: Vec<StripeRow> = (0..200).map(row).collect();
    let tested: Vec<StripeRow> = (0..200).step_by(9).map(row).collect();
    let steps: Vec<StripeRow> = (1_020..1_024)
        .map(|run| StripeRow {
            value_type: ValueType::I64,
            ..row(run)
        })
        .collect();
    let column = |name, context, rows| StripeColumn {
        name,
        context,
        rows,
    };
    encode_stripe(&[
        column("loss", "{\"subset\":\"test\"}", &tested),
        column("loss", "{}", &loss),
        column("steps \u{e9}", "{}", &steps),
    ])
    .unwrap()
}

fn roll() -> Vec<u8> {
    let runs: Vec<(u16, u64)> = (0..1_024)
        .filter(|run| run % 10 != 3)
        .map(|run| (run, 5_000_000_000 + u64::from(run) * 3))
        .collect();
    encode_roll(&runs).unwrap()
}

/// Format, name and bytes of every sample that the present version writes.
pub(crate) fn samples() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        ("pack", "v1-empty", pack(&[])),
        ("pack", "v1-one-call", pack_of_one_call()),
        ("pack", "v1-everything", pack_of_everything()),
        ("pack", "v1-single-points", pack_of_single_points()),
        ("chunk", "v4-float32", chunk_of_floats(noise)),
        ("chunk", "v4-float64", chunk_of_floats(|at| noise(at) / 3.0)),
        (
            "chunk",
            "v4-decimals",
            chunk(
                &columns(520, |at| ((noise(at) * 1e4).round() / 1e4).to_bits()),
                ValueType::F32,
            ),
        ),
        ("chunk", "v4-everything", chunk_of_everything()),
        ("chunk", "v4-long", long_chunk()),
        ("chunk", "v4-runs-and-line", chunk_of_frames()),
        ("summary", "v1-empty", encode_run_summary(&[]).unwrap()),
        ("summary", "v1-rows", summary()),
        ("stripe", "v1-empty", encode_stripe(&[]).unwrap()),
        ("stripe", "v1-columns", stripe()),
        ("roll", "v1-empty", encode_roll(&[]).unwrap()),
        ("roll", "v1-runs", roll()),
    ]
}
