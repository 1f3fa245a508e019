//! A server that is told to stop while it takes points in.

use std::time::{Duration, Instant};

use runstone_client::ApiClient;
use runstone_e2e::child::{await_start, series_of};
use runstone_e2e::verify::read_points;
use serde_json::Value;

use crate::scene::{Home, Scene};

/// Points that are durable by now; none while the run is unknown.
fn durable(api: &ApiClient, run: &str) -> u64 {
    api.get_json::<Value>(&format!("/runstone/v1/runs/{run}"), &[])
        .ok()
        .and_then(|shown| shown["completeness"]["durable"].as_u64())
        .unwrap_or(0)
}

#[test]
fn sigterm_during_ingestion_ends_with_0_and_keeps_what_was_acknowledged() {
    let mut home = Home::start();
    let scene = Scene::new("sigterm");
    let mut plan = scene.plan(home.url());
    plan.threads = 2;
    plan.pause_micros = 300;
    let mut child = scene.spawn(&plan);
    await_start(&mut child, &scene.counters).unwrap();
    let mut before = 0;
    for _ in 0..3 {
        let api = ApiClient::from_environment(Some(home.url())).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let acknowledged = loop {
            let found = durable(&api, "sigterm");
            if found > before {
                break found;
            }
            assert!(Instant::now() < deadline, "no points arrive");
            std::thread::yield_now();
        };
        home.server.stop().unwrap();
        home.server.start_again().unwrap();
        let api = ApiClient::from_environment(Some(home.url())).unwrap();
        before = durable(&api, "sigterm");
        assert!(
            before >= acknowledged,
            "{before} of {acknowledged} are left"
        );
        let shown = read_points(&api, "sigterm", &series_of(0), false).unwrap();
        let shown = shown.unwrap_or_default();
        assert!(
            shown
                .iter()
                .enumerate()
                .all(|(index, point)| point.0 == index as f64)
        );
    }
    let points = scene.finish(&mut child) + scene.counters.get(1);
    scene.deliver(home.url());
    assert_eq!(scene.verify(&home.server, 0..2), points);
}
