//! `show`: waiting for a server that goes away and comes back, and addresses that mean nothing.

use super::{Home, json, text};
use runstone_client::{At, MetricValue, Run, RunEnd, RunOptions};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

#[test]
fn follow_waits_for_a_server_that_restarts_and_says_so_once() {
    let home = Home::new();
    let server = home.up(&[]);
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let run = Run::open(RunOptions {
        run_id: Some("run-1".to_owned()),
        url: Some(server.url().to_owned()),
        spool: Some(home.spool()),
        ..RunOptions::default()
    })
    .unwrap();
    let track = |step: f64| {
        run.track("loss", MetricValue::from(1.0), At::step(step))
            .unwrap();
        assert!(run.flush(Some(Duration::from_secs(60))).complete);
    };
    track(0.0);
    let mut child = home
        .command(&["show", "run-1", "--follow", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    shown.read_line(&mut line).unwrap();
    assert_eq!(json(&line)["run"]["state"], "running");

    assert_eq!(server.stop(), Some(0));
    let mut away = String::new();
    said.read_line(&mut away).unwrap();
    assert!(away.contains("the server is away"), "{away}");
    let server = home.up(&["--listen", &address]);
    track(1.0);
    run.close(RunEnd::Succeeded, Some(Duration::from_secs(60)));

    let (mut rest, mut more) = (Vec::new(), String::new());
    shown.read_to_end(&mut rest).unwrap();
    said.read_to_string(&mut more).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{more}");
    let last = text(&rest);
    let last = json(last.lines().last().unwrap());
    assert_eq!(last["run"]["state"], "succeeded");
    assert_eq!(last["series"][0]["summary"]["count"], 2);
    assert!(more.contains("hint: "), "{more}");
    assert!(!more.contains("away"), "said twice: {away}{more}");
    drop(server);
}

#[test]
fn what_is_not_there_from_the_beginning_is_not_waited_for() {
    let home = Home::new();
    let nobody = ["show", "run-1", "--follow", "--url", "http://127.0.0.1:9"];
    home.expect_error(5, &nobody);
}

#[test]
fn an_empty_address_is_refused_with_the_next_step() {
    let home = Home::new();
    for nothing in ["", " "] {
        let error = home.expect_error(2, &["show", nothing]);
        assert!(error.contains("empty"), "{error}");
        assert!(error.contains("runstone runs"), "{error}");
    }
}
