//! A thousand runs at once in one process: one sender, one keeper, few descriptors.

use std::time::Duration;

use runstone_client::{ApiClient, At, Run, RunEnd, RunOptions};
use runstone_e2e::alone::{Around, alone};
use runstone_e2e::verify::read_points;
use serde_json::Value;

use crate::scene::Home;

const RUNS: usize = 1_000;
const POINTS: u64 = 10;

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_thousand_open_runs_share_threads_and_descriptors() {
    // Alone, so that threads and descriptors are those of the runs.
    if !alone(
        a_thousand_open_runs_share_threads_and_descriptors,
        Around::Nothing,
    ) {
        return;
    }
    let home = Home::start();
    // In memory where there is such a place: thousands of files are slow on a busy disk.
    let memory = std::path::Path::new("/dev/shm");
    let place = if memory.is_dir() { memory } else { home.path() };
    let spool = tempfile::tempdir_in(place).unwrap();
    let runs: Vec<Run> = (0..RUNS)
        .map(|number| {
            Run::open(RunOptions {
                run_id: Some(format!("run-{number:04}")),
                url: Some(home.url().to_owned()),
                spool: Some(spool.path().to_owned()),
                strict: true,
                ..RunOptions::default()
            })
            .unwrap()
        })
        .collect();
    for step in 0..POINTS {
        for (number, run) in runs.iter().enumerate() {
            let value = number as f64 + step as f64 / 16.0;
            run.track("loss", value, At::step(step as f64)).unwrap();
        }
    }
    let (threads, descriptors) = (entries("/proc/self/task"), entries("/proc/self/fd"));
    eprintln!("{threads} threads, {descriptors} descriptors");
    assert!(threads < 40, "{threads} threads");
    assert!(descriptors < 200, "{descriptors} descriptors");

    for run in &runs {
        assert!(run.flush(Some(Duration::from_secs(30))).complete);
    }
    for run in &runs {
        run.end(RunEnd::Succeeded);
    }
    for run in &runs {
        assert!(run.close(RunEnd::Succeeded, None).delivered);
    }
    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let (mut listed, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![
            ("limit", "500"),
            ("order", "oldest"),
            ("state", "succeeded"),
        ];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: Value = api.get_json("/runstone/v1/runs", &query).unwrap();
        for run in page["runs"].as_array().unwrap() {
            assert_eq!(run["completeness"]["durable"], POINTS, "{run}");
            listed.push(run["id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    listed.sort();
    listed.dedup();
    assert_eq!(listed.len(), RUNS);
    for number in (0..RUNS).step_by(97) {
        let points = read_points(&api, &format!("run-{number:04}"), "loss", true)
            .unwrap()
            .unwrap();
        let expected: Vec<(f64, f64)> = (0..POINTS)
            .map(|step| (step as f64, number as f64 + step as f64 / 16.0))
            .collect();
        assert_eq!(points, expected);
    }
}
