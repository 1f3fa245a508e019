//! Spools that exist twice, servers that go back in time or lose their disk: each point once, or
//! a counted loss that the run shows.

use std::time::Duration;

use runstone_client::ApiClient;
use runstone_e2e::child::{await_start, series_of};
use runstone_e2e::server::sync;
use runstone_e2e::verify::count_by_step;
use serde_json::Value;

use crate::scene::{Home, NOWHERE, Scene, copy_folder};

#[test]
fn a_spool_delivered_from_two_copies_is_applied_once() {
    let home = Home::start();
    let scene = Scene::new("two-copies");
    scene.track_and_kill(&scene.plan(NOWHERE), 30_000);
    let copy = scene.path().join("copy");
    copy_folder(&scene.spool(), &copy);
    scene.deliver(home.url());
    let points = scene.verify(&home.server, [0]);
    sync(&copy, &scene.home(), home.url(), 777).unwrap();
    assert_eq!(scene.verify(&home.server, [0]), points);
    assert!(
        points > 1_000,
        "{points} points are too few to say anything"
    );
}

#[test]
fn a_server_restored_from_an_older_state_gets_what_it_forgot() {
    let mut home = Home::start();
    let scene = Scene::new("restored");
    let mut plan = scene.plan(home.url());
    plan.pause_micros = 1_000;
    let mut child = scene.spawn(&plan);
    await_start(&mut child, &scene.counters).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    home.server.stop().unwrap();
    let backup = home.path().join("backup");
    copy_folder(&home.data(), &backup);
    home.server.start_again().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    home.server.kill().unwrap();
    std::fs::remove_dir_all(home.data()).unwrap();
    copy_folder(&backup, &home.data());
    home.server.start_again().unwrap();
    let points = scene.finish(&mut child);
    scene.deliver(home.url());
    assert_eq!(scene.verify(&home.server, [0]), points);
}

#[test]
fn a_server_that_lost_its_disk_gets_each_point_once_or_shows_the_loss() {
    let mut home = Home::start();
    let scene = Scene::new("lost-disk");
    let mut plan = scene.plan(home.url());
    plan.pause_micros = 1_000;
    let mut child = scene.spawn(&plan);
    await_start(&mut child, &scene.counters).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    home.server.kill().unwrap();
    std::fs::remove_dir_all(home.data()).unwrap();
    home.server.start_again().unwrap();
    let points = scene.finish(&mut child);
    scene.deliver(home.url());
    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let steps = count_by_step(&api, "lost-disk", &series_of(0)).unwrap();
    assert!(
        steps.values().all(|&times| times == 1),
        "a point is there twice"
    );
    let missing = points - steps.len() as u64;
    let shown: Value = api.get_json("/runstone/v1/runs/lost-disk", &[]).unwrap();
    let lost = shown["completeness"]["lost_slots"].as_u64().unwrap();
    assert!(
        lost >= missing,
        "{missing} points are missing, {lost} slots are shown as lost"
    );
    if missing > 0 {
        assert_ne!(lost, 0);
    } else {
        assert_eq!(lost, 0, "nothing is missing, and yet a loss is shown");
    }
}
