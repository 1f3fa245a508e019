//! `sync`: what it says of what it could deliver, what waits, and what nobody can read.

use super::{Home, json, text};
use runstone_client::{At, MetricValue, Run, RunEnd, RunOptions};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The folders of writers below a spool.
fn writer_folders(spool: &Path) -> BTreeSet<PathBuf> {
    let hosts = std::fs::read_dir(spool).into_iter().flatten();
    let inside = hosts.flat_map(|host| std::fs::read_dir(host.unwrap().path()).into_iter());
    inside
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && path.file_name().unwrap() != "rejected")
        .collect()
}

#[test]
fn a_spool_that_nobody_can_read_is_named_after_the_others_are_delivered() {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    let sound = writer_folders(&home.spool());
    home.log("run-2", None, RunEnd::Succeeded);
    let both = writer_folders(&home.spool());
    let damaged = both.difference(&sound).next().unwrap();
    for file in std::fs::read_dir(damaged).unwrap() {
        std::fs::write(file.unwrap().path(), [7; 8192]).unwrap();
    }
    let data = home.path().join("data");
    let data = data.to_str().unwrap();
    let told = home.expect(6, &["sync", "--data", data]);
    let path = damaged.to_str().unwrap();
    for words in [
        "run run-1: delivered, 200 points\n",
        path,
        "1 spool delivered, 200 points arrived, 1 spool unreadable\n",
        "hint: ",
    ] {
        assert!(told.contains(words), "{words:?} is not in {told}");
    }
    assert!(home.expect(0, &["show", "run-1"]).contains("200 durable"));

    // Nothing else is left: still named, still there.
    let report = json(&home.expect(6, &["sync", "--json", "--data", data]));
    assert_eq!(report["complete"], false);
    assert_eq!(report["unreadable"][0]["folder"], path);
    assert!(report["unreadable"][0]["bytes"].as_u64().unwrap() > 0);
    assert!(damaged.is_dir());
}

#[test]
fn a_local_destination_that_can_not_be_had_keeps_nothing_back_from_the_others() {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    let other = Home::new();
    // An address where nobody listens yet.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    // In a process of its own: a living one would deliver by itself.
    let left = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "sync::leaves_a_point_for_a_server"])
        .env("TEST_URL", format!("http://{address}"))
        .env("TEST_SPOOL", home.spool())
        .output()
        .unwrap();
    assert!(text(&left.stdout).contains("1 passed"), "{left:?}");
    let server = other.up(&["--listen", &address]);
    let blocked = home.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let blocked = blocked.join("data");
    let output = home.run(&["sync", "--data", blocked.to_str().unwrap()]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!output.status.success(), "{out}{err}");
    assert!(err.starts_with("error: "), "{err}");
    assert!(out.contains("run run-2: delivered, 1 point\n"), "{out}");
    let shown = other.expect(0, &["show", "run-2"]);
    assert!(shown.contains("1 durable"), "{shown}");
    drop(server);
}

#[test]
#[ignore = "a process of a_local_destination_that_can_not_be_had_keeps_nothing_back_from_the_others"]
fn leaves_a_point_for_a_server() {
    let run = Run::open(RunOptions {
        run_id: Some("run-2".to_owned()),
        url: std::env::var("TEST_URL").ok(),
        spool: std::env::var_os("TEST_SPOOL").map(PathBuf::from),
        ..RunOptions::default()
    })
    .unwrap();
    run.track("loss", MetricValue::from(1.0), At::step(0.0))
        .unwrap();
    run.close(RunEnd::Succeeded, Some(Duration::ZERO));
}

#[test]
fn a_server_that_does_not_answer_is_not_said_to_have_taken_points() {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    let output = home.run(&["sync", "--to", "http://127.0.0.1:9"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(told.contains("run run-1: not delivered: "), "{told}");
    assert!(told.ends_with("1 spool kept for another time\n"), "{told}");
    assert!(!told.contains("0 points"), "{told}");
}
