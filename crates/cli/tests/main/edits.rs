//! `edit`, `delete`, `undelete` and `runs --deleted`, over a folder and through a server; and what
//! a script meets whose run is deleted under it.

use super::{Home, json, text};
use runstone_client::{At, MetricValue, Run, RunEnd, RunOptions};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

fn two_runs() -> Home {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    home.log("run-2", None, RunEnd::Succeeded);
    home.expect(0, &["sync"]);
    home
}

fn ids(home: &Home, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["runs", "--json"];
    all.extend(arguments);
    let list = json(&home.expect(0, &all));
    let runs = list["runs"].as_array().unwrap().iter();
    let mut ids: Vec<String> = runs
        .map(|run| run["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn edit_delete_and_take_back(home: &Home) {
    let told = home.expect(
        0,
        &[
            "edit",
            "run-1",
            "sgd-run-2",
            "--name",
            "best",
            "--tag",
            "kept",
            "--untag",
            "baseline",
            "--experiment",
            "chosen",
            "--archive",
        ],
    );
    assert_eq!(told, "edited 2 runs: run-1 run-2\n");
    assert_eq!(ids(home, &[]), [""; 0]);
    assert_eq!(ids(home, &["--archived"]), ["run-1", "run-2"]);
    let told = home.expect(0, &["edit", "run-1", "--unarchive", "--name", "first"]);
    assert_eq!(told, "edited 1 run: run-1\n");
    let told = home.expect(0, &["edit", "run-1", "--unarchive"]);
    assert_eq!(told, "as asked already: run-1\n");
    let run = json(&home.expect(0, &["show", "--json", "first"]));
    let run = &run["run"];
    assert_eq!(run["tags"], serde_json::json!(["kept"]));
    assert_eq!(run["experiment"], "chosen");
    // One that is not there leaves the others alone, and gives the exit code.
    let output = home.run(&["delete", "nobody", "first", "run-2"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        text(&output.stdout),
        "deleted 2 runs\ntake back with: runstone undelete run-1 run-2\n"
    );
    let error = text(&output.stderr);
    assert!(
        error.contains("nobody") && error.contains("hint: "),
        "{error}"
    );
    assert_eq!(ids(home, &["--archived"]), [""; 0]);
    assert_eq!(ids(home, &["--deleted"]), ["run-1", "run-2"]);
    assert!(home.expect(0, &["runs", "--deleted"]).contains("DELETED"));
    home.expect_error(3, &["show", "run-1"]);
    let told = home.expect(0, &["delete", "run-1"]);
    assert_eq!(told, "deleted already: run-1\n");
    let told = json(&home.expect(3, &["undelete", "--json", "run-2", "nobody"]));
    assert_eq!(told["version"], 1);
    assert_eq!(told["results"][0]["unchanged"], false);
    assert_eq!(told["results"][1]["error"]["kind"], "not_found");
    let told = home.expect(0, &["undelete", "run-1"]);
    assert_eq!(told, "took back 1 run: run-1\n");
    assert_eq!(ids(home, &["--archived"]), ["run-1", "run-2"]);
    let shown = home.expect(0, &["show", "run-1"]);
    assert!(shown.contains("200 durable"), "{shown}");
}

#[test]
fn runs_are_edited_deleted_and_taken_back_in_a_folder() {
    edit_delete_and_take_back(&two_runs());
}

#[test]
fn runs_are_edited_deleted_and_taken_back_through_the_server_that_holds_the_folder() {
    let home = two_runs();
    let server = home.up(&[]);
    edit_delete_and_take_back(&home);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(ids(&home, &["--archived"]), ["run-1", "run-2"]);
}

#[test]
fn an_edit_that_changes_nothing_or_can_not_be_is_refused() {
    let home = two_runs();
    let output = home.run(&["edit", "run-1"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = home.run(&["edit", "run-1", "--archive", "--unarchive"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    home.expect_error(3, &["edit", "nobody", "--name", "x"]);
    let output = home.run(&["edit", "run-1", "--tag", ""]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).starts_with("error: "));
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn a_script_whose_run_is_deleted_goes_on_and_what_it_logs_is_kept_aside() {
    let home = Home::new();
    let server = home.up(&[]);
    let open = || {
        Run::open(RunOptions {
            run_id: Some("run-1".to_owned()),
            url: Some(server.url().to_owned()),
            spool: Some(home.spool()),
            ..RunOptions::default()
        })
        .unwrap()
    };
    let run = open();
    let log = |run: &Run, name: &str, steps: std::ops::Range<u32>| {
        for step in steps {
            let at = At::step(f64::from(step));
            run.track(name, MetricValue::from(f64::from(step)), at)
                .unwrap();
        }
    };
    log(&run, "loss", 0..100);
    assert!(run.flush(PATIENCE).complete);
    home.expect(0, &["delete", "run-1"]);

    // Nothing raises, nothing is sent again and again, and nothing of it comes back.
    log(&run, "loss", 100..300);
    run.add_tags(["late"]).unwrap();
    log(&run, "accuracy", 0..50);
    let report = run.flush(PATIENCE);
    assert!(report.complete, "{report:?}");
    assert_eq!(
        (report.acknowledged, report.refused, report.pending),
        (100, 250, 0),
        "{report:?}"
    );
    home.expect_error(3, &["show", "run-1"]);
    let requests = |server: &super::Server| {
        let metrics = server.get("/metrics");
        let line = metrics
            .lines()
            .find(|line| line.starts_with("runstone_frames_total") && line.contains("applied"));
        line.map(str::to_owned)
    };
    let before = requests(&server);
    assert!(before.is_some());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(requests(&server), before, "an idle client sends nothing");
    let rejected = files(&home.spool());
    assert!(
        rejected
            .iter()
            .any(|path| path.to_string_lossy().contains("rejected")),
        "{rejected:?}"
    );

    // Taken back, the same script goes on; what was refused stays refused, and is counted.
    home.expect(0, &["undelete", "run-1"]);
    log(&run, "loss", 300..310);
    let report = run.flush(PATIENCE);
    assert!(report.complete, "{report:?}");
    assert_eq!(
        (report.acknowledged, report.refused),
        (110, 250),
        "{report:?}"
    );
    let closed = run.close(RunEnd::Succeeded, PATIENCE);
    assert!(closed.delivered, "{closed:?}");
    let shown = json(&home.expect(0, &["show", "--json", "run-1"]));
    let counts = &shown["run"]["completeness"];
    assert_eq!(
        (&counts["durable"], &counts["refused"]),
        (&110.into(), &250.into()),
        "{shown}"
    );
    assert_eq!(shown["run"]["tags"], serde_json::json!([]));

    // Deleted, its id may live again, as a run of its own.
    home.expect(0, &["delete", "run-1"]);
    let again = open();
    log(&again, "loss", 0..5);
    assert!(again.flush(PATIENCE).complete);
    assert!(again.close(RunEnd::Succeeded, PATIENCE).delivered);
    let shown = json(&home.expect(0, &["show", "--json", "run-1"]));
    assert_eq!(shown["run"]["completeness"]["durable"], 5);
    let error = home.expect_error(4, &["undelete", "run-1"]);
    assert!(error.contains("another run run-1 lives"), "{error}");
}
