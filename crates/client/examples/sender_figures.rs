//! Points a second from `push` to the acknowledgement of a server that only acknowledges.
//!
//! `cargo run --release -p runstone-client --example sender_figures [POINTS]`. Client and sink run
//! in one process, so the processor time shown holds both. Three workloads: 100 metrics a step, one
//! metric a call, and one metric with random values, the worst case of a pack. Then a run that
//! tracks now and then: time from the call to the acknowledgement, and what an idle client costs.
#![allow(missing_docs, reason = "an example")]
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

#[path = "../tests/main/fake_server.rs"]
#[allow(unreachable_pub, reason = "shared with the tests")]
mod fake_server;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fake_server::FakeServer;
use runstone_client::{
    ClientError, Context, Mode, Run, RunEnd, RunOptions, SeriesHandle, ValueType,
};

fn main() -> Result<(), ClientError> {
    let points = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(5_000_000_u64);
    println!("points: {points}");
    println!(
        "workload                  push ns  acked M/s  cpu ns/pt  bytes/pt  frames  anon MB  all MB"
    );
    measure("100 metrics a step", points, 100, |step, metric| {
        (step as f64 * 0.001).sin() + f64::from(metric)
    })?;
    measure("one metric a call", points, 1, |step, _| {
        1.0 / (step + 1) as f64
    })?;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    measure("one metric, random", points, 1, move |_, _| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as f64 / u64::MAX as f64
    })?;
    measure_idle()
}

/// Calls after 30 ms of silence each, then five seconds of nothing.
fn measure_idle() -> Result<(), ClientError> {
    let server = FakeServer::start();
    server.state.mishaps.sink.store(true, Ordering::SeqCst);
    let spool = std::env::temp_dir().join(format!("runstone-idle-{}", std::process::id()));
    let run = Run::open(options(&server, &spool))?;
    let mut latencies = Vec::new();
    for step in 0..200_u32 {
        std::thread::sleep(Duration::from_millis(30));
        let started = Instant::now();
        run.track("loss", 1.0, step)?;
        run.flush(None);
        latencies.push(started.elapsed().as_secs_f64() * 1e3);
    }
    latencies.sort_by(f64::total_cmp);
    println!(
        "call to acknowledgement, idle: median {:.2} ms, 95 % {:.2} ms",
        latencies[latencies.len() / 2],
        latencies[latencies.len() * 95 / 100]
    );
    std::thread::sleep(Duration::from_secs(6));
    let before = processor_seconds();
    std::thread::sleep(Duration::from_secs(5));
    let share = (processor_seconds() - before) / 5.0 * 100.0;
    println!("idle client and sink: {share:.3} % of a core");
    run.close(RunEnd::Succeeded, None);
    // What is left is not of interest.
    let _ = std::fs::remove_dir_all(spool);
    Ok(())
}

/// Processor time of all threads of this process, from the scheduler's nanosecond counters.
fn processor_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e9
}

fn options(server: &FakeServer, spool: &Path) -> RunOptions {
    RunOptions {
        url: Some(server.url()),
        token: Some("none".to_owned()),
        mode: Some(Mode::Online),
        spool: Some(spool.to_path_buf()),
        ..RunOptions::default()
    }
}

fn measure(
    workload: &str,
    points: u64,
    metrics: u32,
    mut value: impl FnMut(u64, u32) -> f64,
) -> Result<(), ClientError> {
    let server = FakeServer::start();
    server.state.mishaps.sink.store(true, Ordering::SeqCst);
    let spool = std::env::temp_dir().join(format!("runstone-figures-{}", std::process::id()));
    let run = Run::open(options(&server, &spool))?;
    let context = Context::empty();
    let handles = (0..metrics)
        .map(|metric| run.series(&format!("m{metric}"), &context, ValueType::F64, false))
        .collect::<Result<Vec<SeriesHandle>, _>>()?;
    let memory_before = memory();
    let processor_before = processor_seconds();
    let started = Instant::now();
    for step in 0..points / u64::from(metrics) {
        for (metric, handle) in handles.iter().enumerate() {
            let bits = value(step, metric as u32).to_bits();
            run.push(*handle, Some(step as f64), None, bits);
        }
    }
    let pushed = started.elapsed();
    let report = run.flush(None);
    let acknowledged = started.elapsed();
    let memory_after = memory();
    let processor = processor_seconds() - processor_before;
    println!(
        "{workload:<24} {:>8.1} {:>10.2} {:>10.1} {:>9.2} {:>7} {:>8.1} {:>7.1}",
        pushed.as_nanos() as f64 / points as f64,
        report.acknowledged as f64 / acknowledged.as_secs_f64() / 1e6,
        processor * 1e9 / points as f64,
        server.state.bytes.load(Ordering::SeqCst) as f64 / points as f64,
        server.state.frames.load(Ordering::SeqCst),
        (memory_after.0 - memory_before.0) / 1e6,
        (memory_after.1 - memory_before.1) / 1e6,
    );
    run.close(RunEnd::Succeeded, None);
    drop(run);
    // What is left is not of interest.
    let _ = std::fs::remove_dir_all(spool);
    Ok(())
}

/// Anonymous and all resident memory of this process in bytes.
fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        status
            .lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .trim()
                    .strip_suffix("kB")?
                    .trim()
                    .parse()
                    .ok()
            })
            .map_or(0.0, |kilobytes: f64| kilobytes * 1024.0)
    };
    (of("RssAnon:"), of("VmRSS:"))
}
