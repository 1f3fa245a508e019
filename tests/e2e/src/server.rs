//! The real binary `runstone` as a server process on a port of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::os_counters::signal;

/// Path of the binary under test: `RUNSTONE_BINARY`, else beside the tests, as `make test` builds it.
///
/// # Panics
/// When it is not built; the message holds the command.
pub fn runstone_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("RUNSTONE_BINARY") {
        return path.into();
    }
    let exe = std::env::current_exe().expect("a test knows its own path");
    let profile = exe
        .ancestors()
        .find(|folder| folder.join("runstone").is_file());
    profile
        .map(|folder| folder.join("runstone"))
        .unwrap_or_else(|| {
            panic!("the binary is not built\nhint: cargo build --profile ci -p runstone-cli")
        })
}

/// A running server. Killed with `kill -9` when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
    data: PathBuf,
    home: PathBuf,
}

impl Server {
    /// Starts a server on any free port.
    ///
    /// # Errors
    /// When it does not become ready; its stderr is passed on.
    pub fn start(data: &Path, home: &Path) -> anyhow::Result<Self> {
        Self::start_on(data, home, "127.0.0.1:0")
    }

    /// Starts a server on an address, as after a restart.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_on(data: &Path, home: &Path, listen: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(runstone_binary())
            .args(["up", "--json", "--listen", listen, "--data"])
            .arg(data)
            .env("RUNSTONE_HOME", home)
            .env_remove("RUNSTONE_URL")
            .env_remove("RUNSTONE_SPOOL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("start runstone up")?;
        let stdout = child.stdout.take().context("stdout of the server")?;
        let mut lines = BufReader::new(stdout);
        let mut line = String::new();
        lines
            .read_line(&mut line)
            .context("ready line of the server")?;
        let ready: serde_json::Value = serde_json::from_str(&line)
            .with_context(|| format!("ready line of the server: {line:?}"))?;
        let url = ready["urls"][0]
            .as_str()
            .context("url in the ready line")?
            .to_owned();
        // Whatever else it prints must not block it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(Self {
            child,
            url,
            data: data.to_owned(),
            home: home.to_owned(),
        })
    }

    /// Address, as `http://127.0.0.1:41234`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `HOST:PORT` of the address.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://").trim_end_matches('/')
    }

    /// `kill -9`, and waits until it is gone.
    ///
    /// # Errors
    /// When the process can't be waited for.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits for the exit status.
    ///
    /// # Errors
    /// When it ends with another status than 0.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        signal(self.child.id(), libc::SIGTERM);
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Starts it again on the same address and folder.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let next = Self::start_on(&self.data, &self.home, self.address())?;
        *self = next;
        Ok(())
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A command of the real binary, in a home of its own and with nothing else from the environment.
pub fn runstone(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(runstone_binary());
    command
        .args(arguments)
        .env("RUNSTONE_HOME", home)
        .stdin(Stdio::null());
    for name in [
        "RUNSTONE_URL",
        "RUNSTONE_TOKEN",
        "RUNSTONE_SPOOL",
        "RUNSTONE_MODE",
        "MATYAN_FRONTIER_URL",
        "MATYAN_BACKEND_URL",
    ] {
        command.env_remove(name);
    }
    command
}

/// `runstone show RUN --json` of a server.
///
/// # Errors
/// With all that it printed when it fails.
pub fn show(home: &Path, url: &str, run: &str) -> anyhow::Result<serde_json::Value> {
    let output = runstone(home, &["show", run, "--json", "--url", url]).output()?;
    ensure!(
        output.status.success(),
        "runstone show ended with {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("what runstone show prints")
}

/// `runstone sync` over a spool, not yet waited for.
///
/// # Errors
/// When it can't be started.
pub fn spawn_sync(
    spool: &Path,
    home: &Path,
    url: &str,
    frame_points: u64,
) -> anyhow::Result<Child> {
    Command::new(runstone_binary())
        .args([
            "sync",
            "--json",
            "--to",
            url,
            "--frame-points",
            &frame_points.to_string(),
        ])
        .env("RUNSTONE_HOME", home)
        .env("RUNSTONE_SPOOL", spool)
        .env_remove("RUNSTONE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start runstone sync")
}

/// `runstone sync`, which must succeed.
///
/// # Errors
/// With all that it printed when it fails.
pub fn sync(spool: &Path, home: &Path, url: &str, frame_points: u64) -> anyhow::Result<()> {
    let output = spawn_sync(spool, home, url, frame_points)?.wait_with_output()?;
    ensure!(
        output.status.success(),
        "runstone sync ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
