//! The process that is killed: tracks as its plan says and counts each call that returned.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use runstone_client::{
    At, LogLevel, LogStream, ParamPath, ParamValue, Record, Run, RunEnd, RunOptions,
};
use runstone_e2e::child::{ChildPlan, FORKED_THREAD, series_of, value_at};
use runstone_e2e::os_counters::{Counters, ENOUGH, FORKED_PID, STARTED, fork};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let plan = ChildPlan::from_json(&arguments.next().context("plan")?)?;
    let counters = Counters::open(arguments.next().context("counters")?.as_ref())?;
    let run = Run::open(RunOptions {
        run_id: Some(plan.run.clone()),
        url: Some(plan.url.clone()),
        ..RunOptions::default()
    })?;
    let forked = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 1..plan.threads {
            let (run, counters, plan) = (&run, &counters, &plan);
            scope.spawn(move || {
                for step in steps(counters, plan) {
                    track(run, counters, plan, thread, step);
                }
            });
        }
        for step in steps(&counters, &plan) {
            track(&run, &counters, &plan, 0, step);
            if plan.fork_after == Some(step) {
                match fork() {
                    0 => {
                        forked.store(true, Ordering::Release);
                        counters.set(FORKED_PID, u64::from(std::process::id()));
                        for step in 0..plan.points {
                            track(&run, &counters, &plan, FORKED_THREAD, step);
                        }
                        break;
                    }
                    pid => assert!(pid > 0, "fork failed"),
                }
            }
        }
    });
    let seconds = std::env::var("RUNSTONE_E2E_CLOSE_SECONDS").ok();
    let seconds = seconds.map_or(Ok(60), |text| text.parse())?;
    run.close(RunEnd::Succeeded, Some(Duration::from_secs(seconds)));
    Ok(())
}

/// The steps of one thread: up to the plan's points, or until the test says that it is enough.
fn steps(counters: &Counters, plan: &ChildPlan) -> impl Iterator<Item = u64> {
    (0..plan.points).take_while(|_| counters.get(ENOUGH) == 0)
}

fn track(run: &Run, counters: &Counters, plan: &ChildPlan, thread: u64, step: u64) {
    // Each thread has one series, so its name is made anew rather than kept: as users do it.
    let series = series_of(thread);
    drop(run.track(&series, value_at(thread, step), At::step(step as f64)));
    if plan.record_every > 0 && thread == 0 {
        drop(run.log_line(LogStream::Stdout, &format!("line {step}")));
        if step % plan.record_every == plan.record_every - 1 {
            let message = format!("record {step}");
            drop(run.log_record(&Record::new(LogLevel::INFO, &message)));
        }
    }
    counters.set(thread as usize, step + 1);
    counters.set(STARTED, 1);
    if step % plan.param_every == plan.param_every - 1 {
        let path = ParamPath::from_keys([format!("progress_{thread}")]);
        let path = path.expect("a short key");
        drop(run.set_param(&path, ParamValue::I64(step.cast_signed()), false));
    }
    if plan.pause_micros > 0 && step % 64 == 63 {
        std::thread::sleep(Duration::from_micros(plan.pause_micros));
    }
}
