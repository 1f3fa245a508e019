//! `events` and `wait`: on a folder, on a server, and how they end.

use super::{Home, json, text};
use runstone_client::{At, MetricValue, Run, RunEnd, RunOptions};
use std::process::Stdio;
use std::time::Duration;

const LONG: Option<Duration> = Some(Duration::from_secs(60));

fn open(home: &Home, url: &str, id: &str) -> Run {
    let run = Run::open(RunOptions {
        run_id: Some(id.to_owned()),
        url: Some(url.to_owned()),
        spool: Some(home.spool()),
        ..RunOptions::default()
    })
    .unwrap();
    run.track("loss", MetricValue::from(1.0), At::step(0.0))
        .unwrap();
    assert!(run.flush(LONG).complete);
    run
}

#[test]
fn events_are_the_same_from_a_server_and_from_its_folder() {
    let home = Home::new();
    let server = home.up(&[]);
    home.log("run-1", Some(server.url()), RunEnd::Succeeded);
    home.log("run-2", Some(server.url()), RunEnd::Succeeded);
    let asked: [&[&str]; 4] = [
        &["events", "--json"],
        &["events", "run-2", "--json"],
        &[
            "events",
            "--kind",
            "state,params",
            "--experiment",
            "digits",
            "--json",
        ],
        &["events", "--since", "1", "--limit", "2"],
    ];
    let served: Vec<String> = asked.iter().map(|asked| home.expect(0, asked)).collect();
    assert_eq!(server.stop(), Some(0));
    let read: Vec<String> = asked.iter().map(|asked| home.expect(0, asked)).collect();
    assert_eq!(served, read);
    let first = json(served[0].lines().next().unwrap());
    assert_eq!(
        (&first["version"], &first["change"], &first["run"]),
        (&1.into(), &1.into(), &"run-1".into())
    );
    assert_eq!(first["kinds"][0], "created");
    assert_eq!(first["events"][0]["to"], "pending");
    assert!(served[1].lines().count() < served[0].lines().count());
    assert!(served[1].lines().all(|line| json(line)["run"] == "run-2"));
    assert_eq!(served[3].lines().count(), 2);
    let last = json(served[2].lines().last().unwrap());
    assert_eq!(last["events"][0]["to"], "succeeded");
    let ended = home.expect(0, &["events", "--kind", "state"]);
    assert!(
        ended.contains("state") && ended.contains("-> succeeded"),
        "{ended}"
    );
    home.expect_error(2, &["events", "--kind", "colour"]);
    home.expect_error(3, &["events", "nobody"]);
}

#[test]
fn wait_returns_when_the_run_gets_there() {
    let home = Home::new();
    let server = home.up(&[]);
    let run = open(&home, server.url(), "run-1");
    let now = home.expect(0, &["wait", "run-1", "--until", "running"]);
    assert_eq!(now.trim(), "run-1 running");
    let mut child = home
        .command(&["wait", "run-1", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for as long as the run does.
    let over = home.run(&["wait", "run-1", "--until", "succeeded", "--timeout", "1"]);
    assert_eq!(over.status.code(), Some(9), "{}", text(&over.stderr));
    assert!(text(&over.stderr).contains("hint: "));
    assert_eq!(child.try_wait().unwrap(), None);
    run.close(RunEnd::Succeeded, LONG);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let told = json(&text(&output.stdout));
    assert_eq!(told["state"], "succeeded");
    assert_eq!(
        (&told["reached"], &told["timed_out"]),
        (&true.into(), &false.into())
    );
}

#[test]
fn wait_tells_of_a_run_that_ends_otherwise() {
    let home = Home::new();
    let server = home.up(&[]);
    let run = open(&home, server.url(), "run-1");
    let child = home
        .command(&["wait", "run-1", "--until", "failed"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    run.close(RunEnd::Succeeded, LONG);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(8));
    assert_eq!(text(&output.stdout).trim(), "run-1 succeeded");
    assert!(text(&output.stderr).contains("hint: "));
    assert_eq!(server.stop(), Some(0));
    // The same from the folder.
    let output = home.run(&["wait", "run-1", "--until", "failed,lost"]);
    assert_eq!(output.status.code(), Some(8));
    home.expect(0, &["wait", "run-1", "--until", "ended"]);
    home.expect_error(2, &["wait", "run-1", "--until", "finished"]);
    home.expect_error(3, &["wait", "nobody"]);
}
