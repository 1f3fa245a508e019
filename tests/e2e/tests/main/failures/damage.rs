//! Files that are damaged, or of a version that is not known yet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use runstone_client::ApiClient;
use runstone_e2e::child::{series_of, value_at};
use runstone_e2e::http::request;
use runstone_e2e::server::{Server, runstone, show, spawn_sync};
use runstone_e2e::verify::read_points;
use serde_json::Value;

use super::{all_text, assert_refused};
use crate::clone::{FIRST_SLOT_AT, HEADER_BYTES, KIND_POINT, SLOT_BYTES, segments, word};
use crate::scene::{Home, NOWHERE, Scene};

const POINTS: u64 = 4_000;

/// A spool with this many points of a script that has ended.
fn dead_spool(run: &str) -> Scene {
    let scene = Scene::new(run);
    let mut plan = scene.plan(NOWHERE);
    plan.points = POINTS;
    plan.param_every = u64::MAX;
    assert!(scene.spawn(&plan).wait().unwrap().success());
    scene
}

/// Flips one bit in the value of each point with such a step.
fn damage(spool: &Path, steps: &BTreeSet<u64>) -> usize {
    let mut flipped = 0;
    for segment in segments(spool) {
        let mut bytes = std::fs::read(&segment).unwrap();
        for slot in bytes[HEADER_BYTES..].chunks_exact_mut(SLOT_BYTES) {
            let step = f64::from_bits(word(slot, 8));
            if word(slot, 0) >> 56 == KIND_POINT && steps.contains(&(step as u64)) {
                slot[26] ^= 0x10;
                flipped += 1;
            }
        }
        std::fs::write(&segment, bytes).unwrap();
    }
    flipped
}

/// `runstone sync --json`: its exit code and what it printed.
fn sync_json(scene: &Scene, url: &str) -> (Option<i32>, Value) {
    let output = spawn_sync(&scene.spool(), &scene.home(), url, 1_000)
        .unwrap()
        .wait_with_output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), report)
}

#[test]
fn a_damaged_spool_arrives_but_for_what_is_damaged_and_the_loss_is_shown() {
    let scene = dead_spool("damaged-spool");
    let broken = BTreeSet::from([0, 17, 18, 19, 2_000, POINTS - 1]);
    assert_eq!(damage(&scene.spool(), &broken), broken.len());
    let home = Home::start();
    let (code, report) = sync_json(&scene, home.url());
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(
        report["spools"][0]["slots_unreadable"],
        broken.len(),
        "{report}"
    );

    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let points = read_points(&api, &scene.run, &series_of(0), true)
        .unwrap()
        .unwrap();
    let expected: Vec<(f64, f64)> = (0..POINTS)
        .filter(|step| !broken.contains(step))
        .map(|step| (step as f64, value_at(0, step)))
        .collect();
    assert_eq!(points, expected);
    let shown = show(&scene.home(), home.url(), &scene.run).unwrap();
    let completeness = &shown["run"]["completeness"];
    assert_eq!(completeness["logged"], POINTS, "{completeness}");
    assert_eq!(completeness["durable"], POINTS - broken.len() as u64);
    assert_eq!(shown["run"]["state"], "succeeded");
    let output = runstone(&scene.home(), &["show", &scene.run, "--url", home.url()])
        .output()
        .unwrap();
    let text = all_text(&output);
    assert!(text.contains("6 on their way or lost"), "{text}");
}

#[test]
fn a_spool_without_one_of_its_files_arrives_but_for_that_file() {
    let scene = Scene::new("missing-file");
    let mut plan = scene.plan(NOWHERE);
    plan.points = 60_000;
    plan.param_every = u64::MAX;
    assert!(scene.spawn(&plan).wait().unwrap().success());
    // The second one in the order of slots; those that were never used begin at no slot.
    let second = segments(&scene.spool())
        .into_iter()
        .map(|file| (word(&std::fs::read(&file).unwrap(), FIRST_SLOT_AT), file))
        .filter(|(first_slot, _)| (1..plan.points).contains(first_slot))
        .min()
        .unwrap();
    std::fs::remove_file(second.1).unwrap();
    let home = Home::start();
    let (code, report) = sync_json(&scene, home.url());
    assert_eq!(code, Some(0), "{report}");
    let unreadable = report["spools"][0]["slots_unreadable"].as_u64().unwrap();
    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let points = read_points(&api, &scene.run, &series_of(0), true)
        .unwrap()
        .unwrap();
    let missing = plan.points - points.len() as u64;
    assert!(
        missing > 0 && unreadable >= missing,
        "{missing}, {unreadable}"
    );
    assert!(
        points
            .iter()
            .all(|&(step, value)| value == value_at(0, step as u64))
    );
    let shown = show(&scene.home(), home.url(), &scene.run).unwrap();
    let completeness = &shown["run"]["completeness"];
    assert_eq!(completeness["logged"], plan.points, "{completeness}");
    assert_eq!(completeness["durable"], points.len());
}

#[test]
fn a_spool_of_a_later_version_is_left_alone_and_named() {
    let scene = dead_spool("later-spool");
    let files = segments(&scene.spool());
    let original: Vec<Vec<u8>> = files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    for (file, bytes) in files.iter().zip(&original) {
        let mut later = bytes.clone();
        later[8..12].copy_from_slice(&2_u32.to_le_bytes());
        std::fs::write(file, later).unwrap();
    }
    let home = Home::start();
    let (_, report) = sync_json(&scene, home.url());
    assert_eq!(report["points"], 0, "{report}");
    let doctor = runstone(&scene.home(), &["doctor"])
        .env("RUNSTONE_SPOOL", scene.spool())
        .output()
        .unwrap();
    let text = all_text(&doctor);
    assert!(text.contains("later"), "{text}");
    // The version that knows it finds everything.
    for (file, bytes) in files.iter().zip(&original) {
        std::fs::write(file, bytes).unwrap();
    }
    scene.deliver(home.url());
    assert_eq!(scene.verify(&home.server, [0]), POINTS);
}

/// A data folder with one run in it, and its database.
fn filled_folder() -> (Scene, PathBuf, PathBuf) {
    let scene = dead_spool("kept");
    let data = scene.path().join("data");
    let mut server = Server::start(&data, &scene.home()).unwrap();
    scene.deliver(server.url());
    server.stop().unwrap();
    let database = data.join("runstone.db");
    assert!(database.is_file());
    (scene, data, database)
}

fn up(scene: &Scene, data: &Path) -> std::process::Output {
    runstone(
        &scene.home(),
        &[
            "up",
            "--listen",
            "127.0.0.1:0",
            "--data",
            data.to_str().unwrap(),
        ],
    )
    .output()
    .unwrap()
}

#[test]
fn up_on_a_file_that_is_no_database_says_corrupt_and_names_doctor() {
    let (scene, data, database) = filled_folder();
    std::fs::write(&database, [b'x'; 8_192]).unwrap();
    let before = std::fs::read(&database).unwrap();
    assert_refused(
        &up(&scene, &data),
        6,
        &["damaged", "runstone doctor --data"],
    );
    let folder = data.to_str().unwrap();
    let doctor = runstone(&scene.home(), &["doctor", "--data", folder])
        .output()
        .unwrap();
    let text = all_text(&doctor);
    assert_ne!(doctor.status.code(), Some(0), "{text}");
    assert!(text.contains("WRONG") && text.contains("hint: "), "{text}");
    assert_eq!(
        std::fs::read(&database).unwrap(),
        before,
        "nobody writes to it"
    );
}

#[test]
fn a_database_with_torn_pages_gives_errors_and_never_wrong_points() {
    let (scene, data, database) = filled_folder();
    let mut bytes = std::fs::read(&database).unwrap();
    for page in bytes.chunks_mut(4_096).skip(1) {
        page[..256].fill(0xa5);
    }
    std::fs::write(&database, bytes).unwrap();
    let folder = data.to_str().unwrap();
    let doctor = runstone(&scene.home(), &["doctor", "--data", folder])
        .output()
        .unwrap();
    assert_ne!(doctor.status.code(), Some(0), "{}", all_text(&doctor));
    assert_refused(
        &up(&scene, &data),
        6,
        &["damaged", "runstone doctor --data"],
    );
}

#[test]
fn damage_found_while_serving_is_a_problem_with_a_hint_and_the_server_goes_on() {
    let (scene, data, database) = filled_folder();
    // The points of the run, found by their run: only the pages that hold them are torn.
    let bytes = std::fs::read(&database).unwrap();
    let pages = bytes.len() / 4_096;
    let mut found = false;
    for page in (1..pages).rev() {
        let mut torn = bytes.clone();
        torn[page * 4_096 + 64..(page + 1) * 4_096].fill(0x5a);
        std::fs::write(&database, torn).unwrap();
        let Ok(mut server) = Server::start(&data, &scene.home()) else {
            continue;
        };
        let path = format!("GET /runstone/v1/runs/kept/points?name={}", series_of(0));
        let answer = request(server.address(), &path, &[], b"").unwrap();
        if answer.status == 200 {
            // Then the page held something else: the points are whole.
            assert_eq!(
                answer.json()["steps"].as_array().unwrap().len() as u64,
                POINTS
            );
        } else {
            assert!(
                answer.is_problem(500) || answer.is_problem(404),
                "{page}: {answer:?}"
            );
            found |= answer.status == 500 && answer.body.contains("doctor");
            let live = request(server.address(), "GET /health/live", &[], b"").unwrap();
            assert_eq!(live.status, 200);
        }
        drop(server.kill());
    }
    assert!(found, "no page of {pages} held points");
}

#[test]
fn a_data_folder_of_a_newer_version_is_left_alone() {
    let (scene, data, database) = filled_folder();
    let mut bytes = std::fs::read(&database).unwrap();
    // Where SQLite keeps `user_version`.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&database, &bytes).unwrap();
    assert_refused(&up(&scene, &data), 4, &["99", "runstone.db"]);
    let folder = data.to_str().unwrap();
    for command in [
        &["runs", "--data", folder][..],
        &["show", "kept", "--data", folder],
    ] {
        let output = runstone(&scene.home(), command).output().unwrap();
        assert_refused(&output, 4, &["99"]);
    }
    let doctor = runstone(&scene.home(), &["doctor", "--data", folder])
        .output()
        .unwrap();
    let text = all_text(&doctor);
    assert!(text.contains("99") && text.contains("hint: "), "{text}");
    assert_eq!(
        std::fs::read(&database).unwrap(),
        bytes,
        "nobody writes to it"
    );
}
