//! Reads the frozen samples of every version ever written and compares with the text beside them.
//!
//! The files in `tests/compat/{pack,chunk,summary,stripe,roll}` are never written again. A new sample is made
//! by adding it to `samples()` and running `write_samples_that_are_missing`.
#![allow(clippy::unwrap_used)]

mod samples;

use runstone_codec::{
    ChunkHead, ChunkReader, PackReader, RunSummaryReader, SeriesColumns, StripeReader, SummaryMark,
    decode_roll,
};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Points of a chunk that are listed one by one at most.
const LISTED_POINTS_MAX: usize = 1_000;

fn folder(format: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/compat")
        .join(format)
}

/// All samples of a format as (name, bytes, text expected).
fn read_samples(format: &str) -> Vec<(String, Vec<u8>, String)> {
    let mut names: Vec<String> = std::fs::read_dir(folder(format))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".bin").map(str::to_owned))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no samples of {format}");
    names
        .into_iter()
        .map(|name| {
            let path = folder(format).join(&name);
            let bytes = std::fs::read(path.with_extension("bin")).unwrap();
            let text = std::fs::read_to_string(path.with_extension("txt")).unwrap();
            assert!(bytes.len() < 64 << 10, "{name} is too large for a sample");
            (name, bytes, text)
        })
        .collect()
}

/// One line a point: step, time, bits of the value, epoch, order.
fn describe_points(out: &mut String, columns: &SeriesColumns) {
    for at in 0..columns.len() {
        let step = columns.steps[at];
        let (time, value) = (columns.times[at], columns.values[at]);
        write!(out, "step {step:?} time {time} value {value:016x}").unwrap();
        if let Some(epochs) = &columns.epochs {
            write!(out, " epoch {:?}", epochs[at]).unwrap();
        }
        if let Some(order) = &columns.order {
            let (generation, append) = (order.generations[at], order.appends[at]);
            let position = order.positions[at];
            write!(
                out,
                " generation {generation} append {append} position {position}"
            )
            .unwrap();
        }
        out.push('\n');
    }
}

fn describe_pack(bytes: &[u8]) -> String {
    let reader = PackReader::parse(bytes).unwrap();
    reader.validate().unwrap();
    let mut out = format!("pack of {} points\n", reader.point_count());
    let mut columns = SeriesColumns::default();
    for (index, entry) in reader.series().enumerate() {
        writeln!(
            out,
            "series {} {:?} {}",
            entry.number, entry.value_type, entry.count
        )
        .unwrap();
        reader.decode(index, &mut columns).unwrap();
        describe_points(&mut out, &columns);
    }
    out
}

fn describe_chunk(bytes: &[u8]) -> String {
    let reader = ChunkReader::parse(bytes).unwrap();
    let head = reader.head();
    let mut out = format!("chunk {:?} of {} points\n", head.value_type, head.count);
    describe_blocks(&mut out, "", head);
    // Version 1 has none of these.
    if !head.places.is_empty() {
        writeln!(
            out,
            "steps rise {} times rise {} oldest {:?}",
            head.steps_rise, head.times_rise, head.oldest
        )
        .unwrap();
    }
    describe_places(&mut out, "", head);
    describe_coarse(&mut out, bytes, head.blocks.len());
    let mut columns = SeriesColumns::default();
    reader.decode(&mut columns).unwrap();
    if head.count > LISTED_POINTS_MAX {
        let mut all = String::new();
        describe_points(&mut all, &columns);
        let checksum = crc32c::crc32c(all.as_bytes());
        writeln!(out, "points with text of crc32c {checksum:08x}").unwrap();
    } else {
        describe_points(&mut out, &columns);
    }
    out
}

/// Coarse blocks, where there are any.
fn describe_coarse(out: &mut String, bytes: &[u8], blocks: usize) {
    let coarse = (0..=bytes.len()).find_map(|end| ChunkHead::parse_coarse(&bytes[..end]).ok());
    let coarse = coarse.unwrap();
    if coarse.blocks.len() == blocks {
        return;
    }
    describe_blocks(out, "coarse ", &coarse);
    describe_places(out, "coarse ", &coarse);
}

fn describe_blocks(out: &mut String, label: &str, head: &ChunkHead) {
    for block in &head.blocks {
        writeln!(
            out,
            "{label}block {} steps {:?} to {:?} times {} to {} first {:016x} last {:016x} min {:016x} \
             max {:016x} sum {:?} nan {} positive {} negative {}",
            block.count,
            block.min_step,
            block.max_step,
            block.first_time,
            block.last_time,
            block.first,
            block.last,
            block.min,
            block.max,
            block.sum,
            block.nan_count,
            block.positive_infinity_count,
            block.negative_infinity_count
        )
        .unwrap();
    }
}

fn describe_places(out: &mut String, label: &str, head: &ChunkHead) {
    for places in &head.places {
        let [min, max, nan] = [places.min, places.max, places.nan]
            .map(|place| format!("({:?} {})", place.step, place.time));
        writeln!(out, "{label}places min {min} max {max} nan {nan}").unwrap();
    }
}

fn describe_mark(mark: Option<SummaryMark>) -> String {
    mark.map_or("none".to_owned(), |mark| {
        format!(
            "({:?} {} {:016x})",
            mark.step,
            mark.time,
            mark.value.to_bits()
        )
    })
}

fn describe_summary(bytes: &[u8]) -> String {
    let reader = RunSummaryReader::parse(bytes).unwrap();
    let mut out = format!("run summary of {} rows\n", reader.len());
    for row in reader.rows().unwrap() {
        writeln!(
            out,
            "{:?} {} kind {} {:?} number {} flags {} place {} stored {} count {} nan {} \
             positive {} negative {} first {} last {} min {} max {} sum {:?}",
            row.name,
            row.context,
            row.kind,
            row.value_type,
            row.number,
            row.flags,
            row.place,
            row.stored_count,
            row.count,
            row.nan_count,
            row.positive_infinity_count,
            row.negative_infinity_count,
            describe_mark(row.first),
            describe_mark(row.last),
            describe_mark(row.min),
            describe_mark(row.max),
            row.sum
        )
        .unwrap();
    }
    out
}

fn describe_stripe(bytes: &[u8]) -> String {
    let reader = StripeReader::parse(bytes).unwrap();
    let rows = reader.rows().unwrap();
    let mut out = format!("stripe of {} rows\n", rows.len());
    for (name, context, places) in reader.columns().unwrap() {
        writeln!(out, "{name:?} {context}").unwrap();
        for row in &rows[places] {
            let bits = [
                row.first,
                row.last,
                row.last_step,
                row.min,
                row.max,
                row.sum,
            ];
            let bits = bits.map(|value| format!("{:016x}", value.to_bits()));
            writeln!(
                out,
                "run {} {:?} count {} nan {} positive {} negative {} first, last, last step, min, max, \
                 sum {}",
                row.run,
                row.value_type,
                row.count,
                row.nan_count,
                row.positive_infinity_count,
                row.negative_infinity_count,
                bits.join(" ")
            )
            .unwrap();
        }
    }
    out
}

fn describe_roll(bytes: &[u8]) -> String {
    let runs = decode_roll(bytes).unwrap();
    let mut out = format!("roll of {} runs\n", runs.len());
    for (run, changed) in runs {
        writeln!(out, "run {run} changed {changed}").unwrap();
    }
    out
}

fn describe(format: &str, bytes: &[u8]) -> String {
    match format {
        "pack" => describe_pack(bytes),
        "chunk" => describe_chunk(bytes),
        "stripe" => describe_stripe(bytes),
        "roll" => describe_roll(bytes),
        _ => describe_summary(bytes),
    }
}

fn check(format: &str) {
    for (name, bytes, text) in read_samples(format) {
        assert!(
            describe(format, &bytes) == text,
            "{format} {name} is read otherwise than before"
        );
    }
}

#[test]
fn frozen_packs_are_read_as_ever() {
    check("pack");
}

#[test]
fn frozen_chunks_are_read_as_ever() {
    check("chunk");
}

#[test]
fn frozen_run_summaries_are_read_as_ever() {
    check("summary");
}

#[test]
fn frozen_stripes_and_rolls_are_read_as_ever() {
    check("stripe");
    check("roll");
}

#[test]
#[ignore = "writes files of the repository"]
fn write_samples_that_are_missing() {
    for (format, name, bytes) in samples::samples() {
        std::fs::create_dir_all(folder(format)).unwrap();
        let path = folder(format).join(format!("{name}.bin"));
        if !path.exists() {
            std::fs::write(&path, &bytes).unwrap();
            std::fs::write(path.with_extension("txt"), describe(format, &bytes)).unwrap();
        }
    }
}
