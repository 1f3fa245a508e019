//! The client against a server of its own: what arrives, once, and what is left when it cannot.
//!
//! No test waits for time to pass; each waits for what must happen.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(missing_docs, unreachable_pub, reason = "tests")]

mod delivery;
mod fake_server;
mod logs;
mod os_fork;
mod refusals;
mod runs;
mod silence;
mod types;

#[path = "../../examples/quickstart.rs"]
#[allow(dead_code, reason = "its main is the example's")]
mod quickstart;

use std::path::Path;
use std::time::Duration;

use runstone_client::{Mode, RunOptions};

/// Options that touch neither the home nor the environment's server.
pub fn options(spool: &Path, url: &str) -> RunOptions {
    RunOptions {
        url: Some(url.to_owned()),
        token: Some("test-token".to_owned()),
        spool: Some(spool.to_path_buf()),
        mode: Some(Mode::Online),
        ..RunOptions::default()
    }
}

/// Longer than anything that works takes.
pub const LONG: Option<Duration> = Some(Duration::from_secs(60));

/// Spool folders of writers below a root.
pub fn spool_folders(root: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for host in std::fs::read_dir(root).into_iter().flatten().flatten() {
        for folder in std::fs::read_dir(host.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let is_writer = folder.file_name().len() == 32;
            if is_writer && folder.path().is_dir() {
                found.push(folder.path());
            }
        }
    }
    found
}
