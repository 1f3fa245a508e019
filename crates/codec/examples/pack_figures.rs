//! Speed and size of packs and chunks on made-up data: nanoseconds and bytes a point.
//!
//! `cargo run --release -p runstone-codec --example pack_figures`. Times are the least of many
//! rounds. The client's whole way from single points to bytes: its `sender_figures`.
#![allow(clippy::print_stdout)]

use runstone_codec::{
    ChunkReader, CodecError, PackReader, Scratch, SeriesColumns, SeriesPoints, encode_chunk,
    encode_pack_into,
};
use runstone_model::ValueType;
use std::hint::black_box;
use std::time::Instant;

/// A small generator, so that the figures need no other crate.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[derive(Clone, Copy)]
enum Values {
    Float32,
    Float64,
    FourDecimals,
    Counter,
}

impl Values {
    fn make(self, noise: &mut Noise, step: usize) -> f64 {
        match self {
            Self::Float32 => f64::from((noise.unit() * 0.2 + 1.0 / (1.0 + step as f64)) as f32),
            Self::Float64 => noise.unit() * 0.2 + 1.0 / (1.0 + step as f64),
            Self::FourDecimals => (noise.unit() * 1e4).round() / 1e4,
            Self::Counter => step as f64 * 512.0,
        }
    }
}

/// How the calls were made.
#[derive(Clone, Copy)]
enum Calls {
    /// One `log` a step: all series carry the same time.
    Log,
    /// One `track` a metric and step: each point has its own time.
    Track,
}

fn make_series(series: usize, steps: usize, values: Values, calls: Calls) -> Vec<SeriesColumns> {
    let mut noise = Noise(0x1234_5678_9abc_def1);
    let mut made = vec![SeriesColumns::default(); series];
    let mut time = 1_790_000_000_000_000i64;
    for step in 0..steps {
        let pause = 50_000.0 * (0.95 + 0.1 * noise.unit());
        time += if series == 1 {
            i64::from(noise.unit() < 0.25)
        } else {
            pause as i64
        };
        if step % 1000 == 999 {
            time += 3_000;
        }
        for columns in &mut made {
            if let Calls::Track = calls {
                time += i64::from(noise.unit() < 0.25);
            }
            columns.steps.push(step as f64);
            columns.times.push(time);
            columns.values.push(values.make(&mut noise, step).to_bits());
        }
    }
    made
}

fn least_nanos(points: usize, mut work: impl FnMut()) -> f64 {
    let rounds = (20_000_000 / points).clamp(20, 2_000);
    let mut least = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        work();
        least = least.min(start.elapsed().as_nanos() as f64 / points as f64);
    }
    least
}

fn figures_of_pack(
    title: &str,
    series: usize,
    steps: usize,
    values: Values,
    calls: Calls,
) -> Result<(), CodecError> {
    let made = make_series(series, steps, values, calls);
    let points: Vec<SeriesPoints<'_>> = (1..)
        .zip(&made)
        .map(|(number, columns)| columns.as_points(number, ValueType::F64))
        .collect();
    let count = series * steps;
    let mut out = Vec::new();
    let mut scratch = Scratch::default();
    encode_pack_into(&mut out, &mut scratch, points.iter().copied())?;
    let size = out.len() as f64 / count as f64;
    let encode = least_nanos(count, || {
        out.clear();
        encode_pack_into(&mut out, &mut scratch, points.iter().copied()).expect("encoded before");
        black_box(&out);
    });

    let mut columns = SeriesColumns::default();
    let decode = least_nanos(count, || {
        let reader = PackReader::parse(&out).expect("encoded before");
        for index in 0..reader.series_count() {
            reader.decode(index, &mut columns).expect("encoded before");
            black_box(&columns);
        }
    });
    let one = least_nanos(1, || {
        let reader = PackReader::parse(&out).expect("encoded before");
        reader
            .decode(series / 2, &mut columns)
            .expect("encoded before");
        black_box(&columns);
    });
    println!(
        "{title:<52} {size:>6.2} {encode:>9.1} {decode:>9.1} {:>12.2}",
        one / 1000.0
    );
    Ok(())
}

fn figures_of_chunk(title: &str, steps: usize, values: Values) -> Result<(), CodecError> {
    let made = make_series(1, steps, values, Calls::Log);
    let points = made[0].as_points(1, ValueType::F64);
    let chunk = encode_chunk(&points)?;
    let head = chunk.head.len() as f64 / steps as f64;
    let size = chunk.data.len() as f64 / steps as f64;
    let encode = least_nanos(steps * 20, || {
        black_box(encode_chunk(&points).expect("encoded before"));
    }) * 20.0;
    let mut columns = SeriesColumns::default();
    let decode = least_nanos(steps * 20, || {
        let reader = ChunkReader::from_parts(&chunk.head, &chunk.data).expect("encoded before");
        reader.decode(&mut columns).expect("encoded before");
        black_box(&columns);
    }) * 20.0;
    println!("{title:<40} {head:>6.3} {size:>6.2} {encode:>9.1} {decode:>9.1}");
    Ok(())
}

fn main() -> Result<(), CodecError> {
    println!(
        "packs                                                 B/pt    encode  decode all  one series"
    );
    println!(
        "                                                               ns/pt       ns/pt          us"
    );
    for (title, values) in [
        ("float32", Values::Float32),
        ("float64", Values::Float64),
        ("4 decimals", Values::FourDecimals),
        ("counter", Values::Counter),
    ] {
        for steps in [1, 10, 100, 640] {
            let name = format!("{title}, 100 series x {steps}, log");
            figures_of_pack(&name, 100, steps, values, Calls::Log)?;
        }
    }
    for steps in [1, 10, 100] {
        let name = format!("float32, 100 series x {steps}, track");
        figures_of_pack(&name, 100, steps, Values::Float32, Calls::Track)?;
    }
    for series in [64] {
        for steps in [1, 5, 20, 100, 200, 1000] {
            let name = format!("float32, {series} series x {steps}, track");
            figures_of_pack(&name, series, steps, Values::Float32, Calls::Track)?;
        }
    }
    for (title, values) in [("float32", Values::Float32), ("float64", Values::Float64)] {
        let name = format!("{title}, 1 series x 16384, one metric a call");
        figures_of_pack(&name, 1, 16_384, values, Calls::Log)?;
        let name = format!("{title}, 20000 series x 1, log");
        figures_of_pack(&name, 20_000, 1, values, Calls::Log)?;
        let name = format!("{title}, 20000 series x 1, track");
        figures_of_pack(&name, 20_000, 1, values, Calls::Track)?;
    }
    println!("\nchunks                                   head   data    encode    decode");
    for steps in [1_000, 65_536] {
        for (title, values) in [
            ("float32", Values::Float32),
            ("float64", Values::Float64),
            ("4 decimals", Values::FourDecimals),
        ] {
            figures_of_chunk(&format!("{title}, {steps}"), steps, values)?;
        }
    }
    Ok(())
}
