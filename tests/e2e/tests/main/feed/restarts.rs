//! The cursor over `kill -9` of the server, a stream that idles, and `runstone events --follow`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use runstone_client::{ApiClient, ChangeEvent};
use runstone_e2e::server::runstone;
use serde_json::Value;

use super::{all_changes, assert_same, creator, heartbeat, number, post};
use crate::scene::Home;

const LONGEST: Duration = Duration::from_secs(60);

#[test]
fn an_idle_stream_sees_a_change_and_the_cursor_goes_on_after_a_kill() {
    let mut home = Home::start();
    let mut writer = creator("run-1", 1);
    post(home.server.address(), &mut writer);
    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let mut stream = api.open_changes(&[], None, LONGEST).unwrap();
    // From now on: what was there before is not told.
    let caught_up = ChangeEvent::CaughtUp { next: 1 };
    assert_eq!(stream.next_event::<Value>().unwrap(), Some(caught_up));
    let mut seen = Vec::new();
    for _ in 0..3 {
        post(home.server.address(), heartbeat(&mut writer));
        // The stream has nothing else to tell than this change, and then that this was all.
        match stream.next_event::<Value>().unwrap() {
            Some(ChangeEvent::Change(change)) => seen.push(change),
            other => panic!("{other:?}"),
        }
        let told = stream.next_event::<Value>().unwrap();
        assert!(
            matches!(told, Some(ChangeEvent::CaughtUp { .. })),
            "{told:?}"
        );
    }
    home.server.kill().unwrap();
    assert_eq!(stream.next_event::<Value>().unwrap(), None);
    home.server.start_again().unwrap();
    for _ in 0..5 {
        post(home.server.address(), heartbeat(&mut writer));
    }
    let mut stream = api.open_changes(&[], stream.last_id(), LONGEST).unwrap();
    while seen.len() < 8 {
        match stream.next_event::<Value>().unwrap() {
            Some(ChangeEvent::Change(change)) => seen.push(change),
            Some(ChangeEvent::CaughtUp { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_same(&seen, &all_changes(&api, 1));
}

#[test]
fn events_follow_prints_each_change_once_over_kills_of_the_server() {
    let mut home = Home::start();
    let mut writer = creator("run-1", 1);
    post(home.server.address(), &mut writer);
    let data = home.data();
    let data = data.to_str().unwrap();
    let arguments = [
        "events", "run-1", "--follow", "--json", "--limit", "31", "--data", data,
    ];
    let mut child = runstone(&home.path().join("home"), &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen: Vec<Value> = Vec::new();
    let mut read = |count: usize| {
        for line in lines.by_ref().take(count) {
            let mut line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let fields = line.as_object_mut().unwrap();
            assert_eq!(fields.shift_remove("version").unwrap(), 1);
            seen.push(line);
        }
    };
    read(1);
    for _ in 0..3 {
        for _ in 0..10 {
            post(home.server.address(), heartbeat(&mut writer));
        }
        // Killed while it may not yet have told all of them.
        read(4);
        home.server.kill().unwrap();
        home.server.start_again().unwrap();
    }
    read(31 - 1 - 12);
    assert!(child.wait().unwrap().success());
    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    assert_same(&seen, &all_changes(&api, 0));
    assert_eq!(number(seen.last().unwrap()), 31);
}
