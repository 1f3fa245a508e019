//! What a push costs, on this machine and this file system.
//!
//! `cargo run --release -p runstone-client --example spool_figures [FOLDER]`. Compare minima:
//! other work on the machine only ever adds.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use runstone_client::spool::{OnFull, SpoolMode, SpoolOptions, SpoolReader, SpoolWriter};
use runstone_model::WriterId;

const ROUNDS: usize = 7;
const PUSHES: u64 = 2_000_000;
/// Pushes between two pauses of 2 ms.
const BURST: u64 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join(format!("spool-figures-{}", std::process::id())),
        PathBuf::from,
    );
    for (name, mode, pushes, paced) in [
        ("mmap, at most 10 M/s", SpoolMode::Mmap, PUSHES, true),
        ("mmap, flat out", SpoolMode::Mmap, PUSHES, false),
        ("pwrite", SpoolMode::Pwrite, PUSHES / 10, true),
        ("memory", SpoolMode::Memory, PUSHES, true),
    ] {
        let options = options(&root, mode);
        let mut nanos = Vec::new();
        for _ in 0..ROUNDS {
            nanos.push(nanos_per_push(&options, pushes, paced)?);
        }
        nanos.sort_by(f64::total_cmp);
        println!(
            "push_point, {name:21} min {:6.1}  median {:6.1} ns",
            nanos[0],
            nanos[ROUNDS / 2]
        );
    }
    let options = options(&root, SpoolMode::Mmap);
    percentiles(&options)?;
    two_threads(&options)?;
    reading(&options)?;
    resident(&options)?;
    idle(&options)?;
    std::fs::remove_dir_all(root)?;
    Ok(())
}

fn options(root: &std::path::Path, mode: SpoolMode) -> SpoolOptions {
    let mut options = SpoolOptions::new(root, "figures", "run", "local");
    options.mode = Some(mode);
    options.on_full = OnFull::Drop;
    options.strict = true;
    options
}

fn open(options: &SpoolOptions) -> Result<SpoolWriter, Box<dyn std::error::Error>> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    Ok(SpoolWriter::open(options, WriterId::new(id))?)
}

/// Reads and releases beside the pushes, as the sender does, until told to stop.
fn drain(writer: &SpoolWriter, stop: &std::sync::atomic::AtomicBool) {
    let mut reader = SpoolReader::live(writer);
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        while let Ok(Some(_)) = reader.next_record() {}
        let (slot, chain) = reader.position();
        let _ = reader.release(slot, chain);
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn nanos_per_push(
    options: &SpoolOptions,
    pushes: u64,
    paced: bool,
) -> Result<f64, Box<dyn std::error::Error>> {
    let writer = open(options)?;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let nanos = std::thread::scope(|scope| {
        let drainer = scope.spawn(|| drain(&writer, &stop));
        warm_up(&writer);
        let mut bursts = Vec::new();
        for first in (0..pushes).step_by(BURST as usize) {
            let start = Instant::now();
            for step in first..first + BURST {
                writer.push_point(1, step as f64, step.cast_signed(), step);
            }
            bursts.push(start.elapsed().as_nanos() as f64 / BURST as f64);
            if paced {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        // The median burst: one that was not interrupted by other work.
        bursts.sort_by(f64::total_cmp);
        let nanos = bursts[bursts.len() / 2];
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        drop(drainer.join());
        nanos
    });
    std::fs::remove_dir_all(writer.folder().unwrap_or(&std::path::PathBuf::new())).ok();
    Ok(nanos)
}

/// Until segments have their full size.
fn warm_up(writer: &SpoolWriter) {
    for step in 0..300_000_u32 {
        writer.push_point(1, f64::from(step), 0, 0);
        if step % 1000 == 0 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn percentiles(options: &SpoolOptions) -> Result<(), Box<dyn std::error::Error>> {
    let writer = open(options)?;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut nanos: Vec<u32> = std::thread::scope(|scope| {
        scope.spawn(|| drain(&writer, &stop));
        warm_up(&writer);
        let nanos = (0..PUSHES)
            .map(|step| {
                let start = Instant::now();
                writer.push_point(1, step as f64, 0, step);
                start.elapsed().as_nanos() as u32
            })
            .collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        nanos
    });
    nanos.sort_unstable();
    let at = |part: f64| nanos[((nanos.len() - 1) as f64 * part) as usize];
    println!(
        "timed singly, clock included           p50 {} p99 {} p99.9 {} p99.99 {} max {} ns",
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999),
        at(1.0)
    );
    Ok(())
}

fn two_threads(options: &SpoolOptions) -> Result<(), Box<dyn std::error::Error>> {
    let writer = open(options)?;
    warm_up(&writer);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for series in 0..2 {
            let writer = &writer;
            scope.spawn(move || {
                for step in 0..PUSHES / 2 {
                    writer.push_point(series, step as f64, 0, step);
                }
            });
        }
    });
    let nanos = start.elapsed().as_nanos() as f64 / PUSHES as f64;
    println!("two threads at once               {nanos:6.1} ns of wall time a push");
    Ok(())
}

fn reading(options: &SpoolOptions) -> Result<(), Box<dyn std::error::Error>> {
    let writer = open(options)?;
    for step in 0..PUSHES {
        writer.push_point(1, step as f64, 0, step);
    }
    let mut reader = SpoolReader::live(&writer);
    let start = processor_nanos();
    let mut points = 0_u64;
    while reader.next_record()?.is_some() {
        points += 1;
    }
    let nanos = (processor_nanos() - start) as f64 / points as f64;
    println!("reading                           {nanos:6.1} ns a record");
    Ok(())
}

/// Memory that points without a reader (no server) leave resident.
fn resident(options: &SpoolOptions) -> Result<(), Box<dyn std::error::Error>> {
    let before = resident_kib()?;
    let writer = open(options)?;
    for step in 0..5_000_000_u64 {
        writer.push_point(1, step as f64, 0, step);
        if step % 100_000 == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    std::thread::sleep(Duration::from_millis(100));
    let [anonymous, file] = resident_kib()?;
    println!(
        "5 M points unread                 {} KiB anonymous, {} KiB of files more",
        anonymous.saturating_sub(before[0]),
        file.saturating_sub(before[1])
    );
    Ok(())
}

/// Resident anonymous memory, and resident pages of files and shared memory.
fn resident_kib() -> Result<[u64; 2], Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let of = |name: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(name));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    Ok([of("RssAnon"), of("RssFile") + of("RssShmem")])
}

/// Processor time of a process whose writers have nothing to do.
fn idle(options: &SpoolOptions) -> Result<(), Box<dyn std::error::Error>> {
    let writers: Vec<_> = (0..10).map(|_| open(options)).collect::<Result<_, _>>()?;
    for writer in &writers {
        writer.push_point(1, 0.0, 0, 0);
    }
    std::thread::sleep(Duration::from_secs(3));
    let before = ticks()?;
    let seconds = 10;
    std::thread::sleep(Duration::from_secs(seconds));
    let spent = ticks()? - before;
    println!("idle, 10 writers                  {spent} ticks of 10 ms in {seconds} s");
    Ok(())
}

/// Time that this thread was on a processor.
fn processor_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().unwrap_or_default();
    first.parse().unwrap_or(0)
}

/// User and system time of this process, in hundredths of a second.
fn ticks() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let after = text.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<&str> = after.split(' ').collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}
