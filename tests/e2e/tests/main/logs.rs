//! Logs of a real script: whole and in order after kill -9 of both sides, and followed while they come.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use runstone_client::{
    ApiClient, LogLevel, LogLine, LogStream, Object, Record, Run, RunEnd, RunOptions, SeriesKind,
    Timestamp,
};
use runstone_e2e::child::await_start;
use runstone_e2e::server::runstone;

use crate::scene::{Home, Scene};

/// All lines and records of a run, page by page; numbers must be dense from 0.
fn read_whole(api: &ApiClient, run: &str) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut records) = (Vec::new(), Vec::new());
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", "777")];
        query.extend(cursor.iter().map(|cursor| ("cursor", cursor.as_str())));
        let page = api.log_lines(run, &query).unwrap();
        for line in page.lines {
            assert_eq!(line.number, lines.len() as u64);
            lines.push(line.text);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    loop {
        let mut query = vec![("limit", "333")];
        query.extend(cursor.iter().map(|cursor| ("cursor", cursor.as_str())));
        let page = api.log_records(run, &query).unwrap();
        for record in page.records {
            assert_eq!(record.number, records.len() as u64);
            records.push(record.message);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return (lines, records);
        }
    }
}

#[test]
fn lines_and_records_survive_kill_9_of_client_and_server_whole_and_in_order() {
    let mut home = Home::start();
    for (round, server_first) in [(1, true), (2, false), (3, true)] {
        let scene = Scene::new(&format!("run-logs-{round}"));
        let mut plan = scene.plan(home.url());
        plan.pause_micros = 200;
        plan.record_every = 7;
        let mut child = scene.spawn(&plan);
        await_start(&mut child, &scene.counters).unwrap();
        std::thread::sleep(Duration::from_millis(60 * round));
        if server_first {
            home.server.kill().unwrap();
            child.kill().unwrap();
        } else {
            child.kill().unwrap();
            home.server.kill().unwrap();
        }
        child.wait().unwrap();
        home.server.start_again().unwrap();
        scene.deliver(home.url());
        scene.verify(&home.server, 0..1);
        let counted = scene.counters.get(0);
        let api = ApiClient::from_environment(Some(home.url())).unwrap();
        let (lines, records) = read_whole(&api, &scene.run);
        let count = lines.len() as u64;
        assert!(
            count == counted || count == counted + 1,
            "{count} lines of {counted}"
        );
        for (number, line) in lines.iter().enumerate() {
            assert_eq!(*line, format!("line {number}"));
        }
        let wanted = counted / 7..=(counted + 1) / 7;
        let found = records.len() as u64;
        assert!(wanted.contains(&found), "{found} records, not {wanted:?}");
        for (index, record) in records.iter().enumerate() {
            assert_eq!(*record, format!("record {}", index * 7 + 6));
        }
        // A second delivery of the same changes nothing.
        scene.deliver(home.url());
        assert_eq!(read_whole(&api, &scene.run), (lines, records));
    }
}

#[test]
fn a_log_is_followed_while_it_is_written_and_read_from_its_folder() {
    let mut home = Home::start();
    let scene = Scene::new("run-followed");
    let run = Run::open(RunOptions {
        run_id: Some(scene.run.clone()),
        url: Some(home.url().to_owned()),
        spool: Some(scene.spool()),
        ..RunOptions::default()
    })
    .unwrap();
    let flush = || assert!(run.flush(Some(Duration::from_secs(60))).complete);
    for number in 0..5 {
        run.log_line(LogStream::Stdout, &format!("line {number}"))
            .unwrap();
    }
    flush();
    let asked = [
        "logs",
        &scene.run,
        "--tail",
        "2",
        "--follow",
        "--url",
        home.url(),
    ];
    let mut follower = runstone(&scene.home(), &asked);
    let mut follower = follower
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || shown.next().map(|line| line.unwrap());
    assert_eq!(next().as_deref(), Some("line 3"));
    assert_eq!(next().as_deref(), Some("line 4"));
    // New lines, one of which is drawn over later.
    run.log_line(LogStream::Stderr, "10 %").unwrap();
    flush();
    assert_eq!(next().as_deref(), Some("10 %"));
    let over = LogLine {
        text: "100 %".to_owned(),
        stream: LogStream::Stderr,
        time: Timestamp::from_micros(1),
        cut_bytes: 0,
    };
    run.log_lines(5, vec![over]).unwrap();
    let record = Record::new(LogLevel::WARNING, "slow")
        .logger("train")
        .source("train.py", 7)
        .extra("{\"batch\": 1.50}");
    run.log_record(&record).unwrap();
    run.log_record(&Record::new(LogLevel::DEBUG, "detail"))
        .unwrap();
    let image = Object {
        document: "{\"caption\":\"é\"}",
        digests: &[],
    };
    run.track_objects("sample", SeriesKind::Image, &[image], 3.0)
        .unwrap();
    flush();
    assert_eq!(next().as_deref(), Some("100 %"));
    run.log_line(LogStream::Stdout, "the last").unwrap();
    run.close(RunEnd::Succeeded, Some(Duration::from_secs(60)));
    assert_eq!(next().as_deref(), Some("the last"));
    assert_eq!(next(), None);
    assert_eq!(follower.wait().unwrap().code(), Some(0));

    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let objects = api
        .objects(&scene.run, "sample", SeriesKind::Image, &[])
        .unwrap();
    assert_eq!(objects.sets[0].step, 3.0);
    assert_eq!(objects.sets[0].objects[0].document["caption"], "é");
    let data = home.data();
    let data = data.to_str().unwrap();
    let read = |arguments: &[&str]| {
        let mut all = vec!["logs", &scene.run];
        all.extend_from_slice(arguments);
        let output = runstone(&scene.home(), &all).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let by_server = [
        read(&["--url", home.url()]),
        read(&["--records", "--url", home.url()]),
        read(&["--level", "warning", "--json", "--url", home.url()]),
    ];
    home.server.stop().unwrap();
    // The same from the folder, when nobody serves it.
    let by_folder = [
        read(&["--data", data]),
        read(&["--records", "--data", data]),
        read(&["--level", "warning", "--json", "--data", data]),
    ];
    assert_eq!(by_server, by_folder);
    let expected = "line 0\nline 1\nline 2\nline 3\nline 4\n100 %\nthe last\n";
    assert_eq!(by_server[0], expected);
    assert_eq!(by_server[1].lines().count(), 2, "{}", by_server[1]);
    assert!(by_server[1].contains("WARNING  train: slow  {\"batch\": 1.50}  (train.py:7)"));
    let json: serde_json::Value = serde_json::from_str(by_server[2].trim()).unwrap();
    assert_eq!(
        (&json["level"], &json["message"]),
        (&30.into(), &"slow".into())
    );
    assert!(by_server[2].contains("1.50"));
}
