//! `snapshot`, over a folder and through a server that scripts write to, and a server over the copy.

use super::{Home, Server, json};
use runstone_client::{At, MetricValue, Run, RunEnd, RunOptions};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

/// Steps and values of a run's losses, page by page.
fn losses(server: &Server, run: &str) -> Vec<(f64, f64)> {
    let mut losses = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/runstone/v1/runs/{run}/points?name=loss&limit=1000{cursor}");
        let answer = server.get(&path);
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let page = json(body);
        let column = |name: &str| -> Vec<f64> {
            let cells = page[name].as_array().unwrap().iter();
            cells.map(|cell| cell.as_f64().unwrap()).collect()
        };
        losses.extend(column("steps").into_iter().zip(column("values")));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return losses,
        }
    }
}

#[test]
fn a_server_over_a_copy_has_every_point_acknowledged_before_while_the_original_takes_more() {
    let home = Home::new();
    let server = home.up(&[]);
    let copy = home.path().join("copy");
    let copy_text = copy.to_str().unwrap();
    let acknowledged = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (acknowledged, is_over) = (&acknowledged, &is_over);
        let (url, spool) = (server.url().to_owned(), home.spool());
        let script = scope.spawn(move || {
            let run = Run::open(RunOptions {
                run_id: Some("busy".to_owned()),
                url: Some(url),
                spool: Some(spool),
                ..RunOptions::default()
            })
            .unwrap();
            let mut steps = 0u64;
            while !is_over.load(Ordering::Acquire) {
                for _ in 0..500 {
                    let at = At::step(steps as f64);
                    let value = MetricValue::from(steps as f64 * 0.5);
                    run.track("loss", value, at).unwrap();
                    steps += 1;
                }
                assert!(run.flush(PATIENCE).complete);
                acknowledged.store(steps, Ordering::Release);
            }
            run.close(RunEnd::Succeeded, PATIENCE);
        });
        while acknowledged.load(Ordering::Acquire) < 5_000 {
            std::thread::yield_now();
        }
        let before = acknowledged.load(Ordering::Acquire);
        let told = json(&home.expect(0, &["snapshot", copy_text, "--json"]));
        assert_eq!(told["version"], 1);
        assert_eq!(std::fs::read_dir(&copy).unwrap().count(), 1);
        let of_copy = home.up(&["--data", copy_text]);
        assert_eq!(of_copy.ready["store_id"], server.ready["store_id"]);
        let copied = losses(&of_copy, "busy");
        assert!(
            copied.len() as u64 >= before,
            "{} of {before}",
            copied.len()
        );
        for (step, loss) in copied.iter().enumerate() {
            assert_eq!(*loss, (step as f64, step as f64 * 0.5));
        }
        // Meanwhile the original has gone on.
        while acknowledged.load(Ordering::Acquire) <= copied.len() as u64 {
            std::thread::yield_now();
        }
        is_over.store(true, Ordering::Release);
        script.join().unwrap();
        let original = losses(&server, "busy");
        assert!(original.len() > copied.len());
        assert_eq!(original[..copied.len()], copied);
        let error = home.expect_error(4, &["snapshot", copy_text]);
        assert!(error.contains("not empty"), "{error}");
    });
}

#[test]
fn a_folder_that_nobody_uses_is_copied_by_the_command_itself() {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    home.expect(0, &["sync"]);
    let copy = home.path().join("copy");
    let told = home.expect(0, &["snapshot", copy.to_str().unwrap()]);
    assert!(told.starts_with("copied "), "{told}");
    let runs = json(&home.expect(0, &["runs", "--json", "--data", copy.to_str().unwrap()]));
    assert_eq!(runs["runs"][0]["id"], "run-1");
    let nowhere = home.path().join("no/such");
    home.expect_error(2, &["snapshot", nowhere.to_str().unwrap()]);
}
