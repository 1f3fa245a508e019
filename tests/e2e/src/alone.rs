//! Tests that need a process of their own: the test binary starts itself again with one test to
//! run, alone, or in a mount namespace where it may mount what it likes.

#![allow(
    clippy::print_stderr,
    reason = "a test that is passed over says so to whoever runs it"
)]

use std::path::Path;
use std::process::{Command, Stdio};

/// Names the test that a child process is to run.
const ALONE: &str = "RUNSTONE_E2E_ALONE";

/// What the test needs around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// No other test in the same process.
    Nothing,
    /// Mounts of its own, which nobody else sees.
    Mounts,
}

/// True in the process that is to do the work. In the first process: starts the second, holds it
/// to success, and returns false. Where mounts are not allowed the test is passed over, with a
/// line that says so.
///
/// `test` is the test function itself; its path is its name.
///
/// # Panics
/// When the test failed in the other process; its output is passed on.
pub fn alone<F: Fn()>(test: F, around: Around) -> bool {
    let _ = test;
    let path = std::any::type_name::<F>();
    let name = path.split_once("::").map_or(path, |(_, name)| name);
    if std::env::var(ALONE).is_ok_and(|wanted| wanted == name) {
        return true;
    }
    if around == Around::Mounts && !can_mount() {
        eprintln!("{name}: passed over, this user can't mount");
        return false;
    }
    let me = std::env::current_exe().expect("a test knows its own path");
    let mut command = match around {
        Around::Nothing => Command::new(me),
        Around::Mounts => {
            let mut command = Command::new("unshare");
            command.arg("-m").arg(me);
            command
        }
    };
    let output = command
        .args([name, "--exact", "--nocapture"])
        .env(ALONE, name)
        .stdin(Stdio::null())
        .output()
        .expect("the test binary can be started again");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{name} in a process of its own:\n{text}"
    );
    false
}

fn can_mount() -> bool {
    Command::new("unshare")
        .args(["-m", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Mounts a tmpfs with these options, as `size=1m` or `ro`; the folder is made. Only for tests
/// that are [`alone`] with [`Around::Mounts`].
///
/// # Panics
/// When it can't be mounted.
pub fn mount_tmpfs(at: &Path, options: &str) {
    let arguments = ["-t", "tmpfs", "-o", options, "none"];
    assert!(mount(&arguments, at), "tmpfs, {options}: {}", at.display());
}

/// Changes the options of a mount.
///
/// # Panics
/// As [`mount_tmpfs`].
pub fn remount(at: &Path, options: &str) {
    let done = mount(&["-o", &format!("remount,{options}")], at);
    assert!(done, "remount, {options}: {}", at.display());
}

/// Runs `mount` with these arguments and the folder, which is made; whether it succeeded.
///
/// # Panics
/// When there is no such command.
pub fn mount(arguments: &[&str], at: &Path) -> bool {
    std::fs::create_dir_all(at).expect("the mount point can be made");
    Command::new("mount")
        .args(arguments)
        .arg(at)
        .stderr(Stdio::null())
        .status()
        .expect("mount is there")
        .success()
}
