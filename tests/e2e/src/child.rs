//! Children that track as fast as they can and count the calls that returned.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::os_counters::{Counters, STARTED, signal};

/// What a child does. Passed as one JSON argument.
#[derive(Debug, Clone)]
pub struct ChildPlan {
    /// Id of the run.
    pub run: String,
    /// Address of the server, or of nothing.
    pub url: String,
    /// Threads, each with a series of its own.
    pub threads: u64,
    /// Points of each thread at most, then the run is closed and the child ends; or when the
    /// test says that it is enough.
    pub points: u64,
    /// Microseconds of sleep after each 64 calls of a thread.
    pub pause_micros: u64,
    /// Fork after so many points of thread 0; both sides go on, each with a series of its own.
    pub fork_after: Option<u64>,
    /// Set a param after each so many points.
    pub param_every: u64,
    /// Log a line at each point of thread 0, and a record after each so many; 0: neither.
    pub record_every: u64,
}

impl ChildPlan {
    /// Three threads, endless for the purposes of a test.
    pub fn new(run: &str, url: &str) -> Self {
        Self {
            run: run.to_owned(),
            url: url.to_owned(),
            threads: 1,
            points: 50_000_000,
            pause_micros: 0,
            fork_after: None,
            param_every: 997,
            record_every: 0,
        }
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        serde_json::json!({
            "run": self.run, "url": self.url, "threads": self.threads, "points": self.points,
            "pause_micros": self.pause_micros, "fork_after": self.fork_after,
            "param_every": self.param_every, "record_every": self.record_every,
        })
        .to_string()
    }

    /// From JSON text.
    ///
    /// # Errors
    /// When a field is missing.
    pub fn from_json(text: &str) -> anyhow::Result<Self> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        let number = |name: &str| {
            value[name]
                .as_u64()
                .with_context(|| format!("field {name}"))
        };
        let text = |name: &str| {
            value[name]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("field {name}"))
        };
        Ok(Self {
            run: text("run")?,
            url: text("url")?,
            threads: number("threads")?,
            points: number("points")?,
            pause_micros: number("pause_micros")?,
            fork_after: value["fork_after"].as_u64(),
            param_every: number("param_every")?,
            record_every: number("record_every")?,
        })
    }
}

/// The value at a step of a thread: exact, and different for all.
pub fn value_at(thread: u64, step: u64) -> f64 {
    step as f64 * 0.25 + thread as f64 * 1e9
}

/// Series of a thread; the forked side has its own.
pub fn series_of(thread: u64) -> String {
    format!("series_{thread}")
}

/// Index of the counter and the series of the forked side.
pub const FORKED_THREAD: u64 = 40;

/// Starts the child.
///
/// # Errors
/// When it can't be started.
pub fn spawn(
    program: &Path,
    plan: &ChildPlan,
    counters: &Path,
    spool: &Path,
    home: &Path,
) -> anyhow::Result<Child> {
    command(program, plan, counters, spool, home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("start the child")
}

/// The child not yet started, for those who read what it says.
pub fn command(
    program: &Path,
    plan: &ChildPlan,
    counters: &Path,
    spool: &Path,
    home: &Path,
) -> Command {
    let mut command = Command::new(program);
    command
        .arg(plan.to_json())
        .arg(counters)
        .env("RUNSTONE_HOME", home)
        .env("RUNSTONE_SPOOL", spool)
        .stdin(Stdio::null());
    command
}

/// Waits until the child has begun to track, then so long, then kills it with `kill -9`.
///
/// # Errors
/// When it does not begin within 20 s or ends by itself before it began.
pub fn kill_after(child: &mut Child, counters: &Counters, micros: u64) -> anyhow::Result<()> {
    await_start(child, counters)?;
    std::thread::sleep(Duration::from_micros(micros));
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Waits until the child has begun to track.
///
/// # Errors
/// As [`kill_after`].
pub fn await_start(child: &mut Child, counters: &Counters) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while counters.get(STARTED) == 0 {
        if let Some(status) = child.try_wait()? {
            bail!("the child ended with {status} before it began");
        }
        if Instant::now() > deadline {
            bail!("the child did not begin within 20 s");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

/// Kills a process that is not a child of this one and waits until it is gone.
///
/// # Errors
/// When it still lives after 20 s.
pub fn kill_pid(pid: u32) -> anyhow::Result<()> {
    signal(pid, libc::SIGKILL);
    let deadline = Instant::now() + Duration::from_secs(20);
    while crate::os_counters::is_alive(pid) {
        if Instant::now() > deadline {
            bail!("process {pid} did not die");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
