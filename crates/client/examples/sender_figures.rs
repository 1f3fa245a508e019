//! Points a second from `push` to the acknowledgement of a server that only acknowledges.
//!
//! `cargo run --release -p runstone-client --example sender_figures [POINTS]`. Client and sink run
//! in one process, so the processor time shown holds both. Three workloads: 100 metrics a step, one
//! metric a call, and one metric with random values, the worst case of a pack.
#![allow(missing_docs, reason = "an example")]
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

#[path = "../tests/main/fake_server.rs"]
#[allow(unreachable_pub, reason = "shared with the tests")]
mod fake_server;

use std::sync::atomic::Ordering;
use std::time::Instant;

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
    println!("workload                  push ns  acked M/s  bytes/pt  frames  anon MB  all MB");
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
    })
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
    let run = Run::open(RunOptions {
        url: Some(server.url()),
        token: Some("none".to_owned()),
        mode: Some(Mode::Online),
        spool: Some(spool.clone()),
        ..RunOptions::default()
    })?;
    let context = Context::empty();
    let handles = (0..metrics)
        .map(|metric| run.series(&format!("m{metric}"), &context, ValueType::F64, false))
        .collect::<Result<Vec<SeriesHandle>, _>>()?;
    let memory_before = memory();
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
    println!(
        "{workload:<24} {:>8.1} {:>10.2} {:>9.2} {:>7} {:>8.1} {:>7.1}",
        pushed.as_nanos() as f64 / points as f64,
        report.acknowledged as f64 / acknowledged.as_secs_f64() / 1e6,
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
