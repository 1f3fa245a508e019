//! Disks that are full, limited, read-only or odd, on both ends.

use std::path::Path;
use std::process::Output;

use runstone_client::{ApiClient, At, Run, RunEnd, RunOptions};
use runstone_e2e::alone::{Around, alone, mount, mount_tmpfs, remount};
use runstone_e2e::child;
use runstone_e2e::server::{Server, show, sync};
use runstone_e2e::verify::read_points;
use serde_json::Value;

use super::all_text;
use crate::scene::{Home, NOWHERE, Scene, copy_folder};

/// More than 1 MiB of slots.
const TOO_MANY: u64 = 100_000;

/// Runs a child of these points to its end and returns what it said; the exit code must be 0.
fn script(scene: &Scene, url: &str, points: u64, environment: &[(&str, &Path)]) -> Output {
    let mut plan = scene.plan(url);
    plan.points = points;
    plan.param_every = u64::MAX;
    let output = child::command(
        Path::new(env!("CARGO_BIN_EXE_e2e_child")),
        &plan,
        &scene.path().join("counters"),
        &scene.spool(),
        &scene.home(),
    )
    .envs(environment.iter().copied())
    .output()
    .unwrap();
    assert!(output.status.success(), "{}", all_text(&output));
    assert_eq!(
        scene.counters.get(0),
        points,
        "the script went on to its end"
    );
    output
}

/// What the client told its user, each with its hint.
fn warnings(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let parts = text.split("runstone: ").map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Logged, durable, dropped of a document of `show`; the sum must be right and the gap named.
fn gap(shown: &Value) -> (u64, u64, u64) {
    let completeness = &shown["run"]["completeness"];
    let number = |name: &str| completeness[name].as_u64().unwrap();
    let (logged, durable, dropped) = (number("logged"), number("durable"), number("dropped"));
    assert_eq!(logged, durable + dropped, "{completeness}");
    assert_eq!((number("refused"), number("lost_slots")), (0, 0));
    if dropped > 0 {
        let warning = shown["run"]["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|warning| warning["kind"] == "dropped");
        assert_eq!(warning.unwrap()["count"], dropped, "{shown}");
        let by_series = &shown["run"]["writers"][0]["dropped_by_series"];
        assert_eq!(by_series[0]["name"], "series_0");
        assert_eq!(by_series[0]["points"], dropped);
    }
    (logged, durable, dropped)
}

/// What was kept is a part of what was tracked: right values, in order, each once.
fn assert_kept_is_right(url: &str, run: &str, durable: u64) {
    let api = ApiClient::from_environment(Some(url)).unwrap();
    let kept = read_points(&api, run, &child::series_of(0), true)
        .unwrap()
        .unwrap();
    assert_eq!(kept.len() as u64, durable);
    assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
    for (step, value) in kept {
        assert_eq!(value, child::value_at(0, step as u64));
    }
}

#[test]
fn on_a_tiny_disk_the_script_goes_on_and_the_gap_is_shown() {
    if !alone(
        on_a_tiny_disk_the_script_goes_on_and_the_gap_is_shown,
        Around::Mounts,
    ) {
        return;
    }
    let scene = Scene::new("tiny-disk");
    // The spool may take a tenth of it: one segment.
    mount_tmpfs(&scene.spool(), "size=1m");
    let output = script(&scene, NOWHERE, TOO_MANY, &[]);
    let said = warnings(&output);
    let about_room = said.iter().filter(|text| text.contains("no room"));
    assert_eq!(about_room.count(), 1, "{said:?}");
    assert!(said.iter().all(|text| text.contains("hint: ")), "{said:?}");

    let home = Home::start();
    scene.deliver(home.url());
    let shown = show(&scene.home(), home.url(), &scene.run).unwrap();
    let (logged, durable, dropped) = gap(&shown);
    assert_eq!(logged, TOO_MANY);
    assert!(durable > 1_500 && dropped > 50_000, "{durable}, {dropped}");
    assert_eq!(shown["run"]["state"], "succeeded");
    assert_kept_is_right(home.url(), &scene.run, durable);
}

#[test]
fn on_a_full_disk_the_script_goes_on_and_the_gap_is_shown() {
    if !alone(
        on_a_full_disk_the_script_goes_on_and_the_gap_is_shown,
        Around::Mounts,
    ) {
        return;
    }
    let scene = Scene::new("full-disk");
    mount_tmpfs(&scene.spool(), "size=1m");
    let run = Run::open(RunOptions {
        run_id: Some(scene.run.clone()),
        url: Some(NOWHERE.to_owned()),
        spool: Some(scene.spool()),
        // Not the bound, the disk itself is to be the end of it.
        spool_bytes_max: Some(1 << 30),
        ..RunOptions::default()
    })
    .unwrap();
    for step in 0..TOO_MANY {
        let name = child::series_of(0);
        run.track(&name, child::value_at(0, step), At::step(step as f64))
            .unwrap();
    }
    let counters = run.counters();
    assert!(counters.dropped > 50_000, "{counters:?}");
    let report = run.close(RunEnd::Succeeded, None);
    assert!(!report.delivered && report.command.is_some(), "{report:?}");
    assert_eq!(report.flush.dropped, counters.dropped);
    drop(run);

    // The folder is this process's, so its own sender delivers it once there is a server: here a
    // copy is delivered by another process.
    let copy = scene.path().join("copy");
    copy_folder(&scene.spool(), &copy);
    let home = Home::start();
    sync(&copy, &scene.home(), home.url(), 65_536).unwrap();
    let shown = show(&scene.home(), home.url(), &scene.run).unwrap();
    let (logged, durable, dropped) = gap(&shown);
    assert_eq!((logged, dropped), (TOO_MANY, counters.dropped));
    assert!(durable > 10_000, "{durable} points fit into 1 MiB");
    assert_eq!(shown["run"]["state"], "succeeded");
    assert_kept_is_right(home.url(), &scene.run, durable);
}

#[test]
fn with_a_server_a_full_disk_costs_no_more_than_what_did_not_fit() {
    if !alone(
        with_a_server_a_full_disk_costs_no_more_than_what_did_not_fit,
        Around::Mounts,
    ) {
        return;
    }
    let home = Home::start();
    let scene = Scene::new("small-disk");
    mount_tmpfs(&scene.spool(), "size=1m");
    script(&scene, home.url(), 3 * TOO_MANY, &[]);
    scene.deliver(home.url());
    let shown = show(&scene.home(), home.url(), "small-disk").unwrap();
    let (logged, durable, _) = gap(&shown);
    assert_eq!(logged, 3 * TOO_MANY);
    assert_eq!(shown["run"]["state"], "succeeded");
    assert_kept_is_right(home.url(), "small-disk", durable);
}

#[test]
fn a_read_only_spool_is_replaced_by_memory_while_the_server_is_up() {
    if !alone(
        a_read_only_spool_is_replaced_by_memory_while_the_server_is_up,
        Around::Mounts,
    ) {
        return;
    }
    let home = Home::start();
    let scene = Scene::new("read-only");
    mount_tmpfs(&scene.spool(), "ro");
    // The folder for temporary files is the next choice; here it is read-only too.
    let output = script(&scene, home.url(), 20_000, &[("TMPDIR", &scene.spool())]);
    let said = warnings(&output);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("hint: set RUNSTONE_SPOOL") && said[0].contains("Read-only"),
        "{said:?}"
    );
    assert_eq!(scene.verify(&home.server, [0]), 20_000);
    let shown = show(&scene.home(), home.url(), "read-only").unwrap();
    assert_eq!(gap(&shown), (20_000, 20_000, 0));
    assert_eq!(shown["run"]["state"], "succeeded");
}

#[test]
fn a_read_only_spool_is_replaced_by_the_folder_for_temporary_files() {
    if !alone(
        a_read_only_spool_is_replaced_by_the_folder_for_temporary_files,
        Around::Mounts,
    ) {
        return;
    }
    let scene = Scene::new("fallback");
    mount_tmpfs(&scene.spool(), "ro");
    let temporary = scene.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let environment: &[(&str, &Path)] = &[("TMPDIR", &temporary), ("USER", Path::new("somebody"))];
    let output = script(&scene, NOWHERE, 5_000, environment);
    let said = warnings(&output);
    let of_spool = said
        .iter()
        .filter(|text| text.contains("hint: set RUNSTONE_SPOOL"));
    assert_eq!(of_spool.count(), 1, "{said:?}");
    let home = Home::start();
    let fallback = temporary.join("runstone-spool-somebody");
    sync(&fallback, &scene.home(), home.url(), 65_536).unwrap();
    assert_eq!(scene.verify(&home.server, [0]), 5_000);
}

#[test]
fn a_disk_that_can_not_be_mapped_is_written_to_all_the_same() {
    if !alone(
        a_disk_that_can_not_be_mapped_is_written_to_all_the_same,
        Around::Mounts,
    ) {
        return;
    }
    let scene = Scene::new("odd-disk");
    // Like network file systems, ramfs is none of those that are known to be safe to map.
    std::fs::create_dir_all(scene.spool()).unwrap();
    assert!(mount(&["-t", "ramfs", "none"], &scene.spool()));
    script(&scene, NOWHERE, 20_000, &[]);
    let home = Home::start();
    scene.deliver(home.url());
    assert_eq!(scene.verify(&home.server, [0]), 20_000);
}

#[test]
fn a_server_whose_disk_is_full_loses_nothing_and_goes_on_when_there_is_room() {
    if !alone(
        a_server_whose_disk_is_full_loses_nothing_and_goes_on_when_there_is_room,
        Around::Mounts,
    ) {
        return;
    }
    let scene = Scene::new("full-server");
    let data = scene.path().join("data");
    mount_tmpfs(&data, "size=1m");
    let server = Server::start(&data, &scene.path().join("server-home")).unwrap();
    let mut plan = scene.plan(NOWHERE);
    plan.points = 1_000_000;
    assert!(scene.spawn(&plan).wait().unwrap().success());
    let refused = sync(&scene.spool(), &scene.home(), server.url(), 10_000).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("full"), "{text}");
    // Reading goes on meanwhile, and what is there is right.
    let api = ApiClient::from_environment(Some(server.url())).unwrap();
    let so_far = read_points(&api, "full-server", &child::series_of(0), false)
        .unwrap()
        .unwrap_or_default();
    assert!(so_far.len() < 1_000_000);
    remount(&data, "size=256m");
    sync(&scene.spool(), &scene.home(), server.url(), 65_536).unwrap();
    assert_eq!(scene.verify(&server, [0]), 1_000_000);
}
