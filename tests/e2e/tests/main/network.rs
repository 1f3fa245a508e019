//! A proxy that cuts, delays, repeats and reorders: each point arrives once all the same.

use std::time::Duration;

use runstone_client::{ApiClient, At, Run, RunEnd, RunOptions};
use runstone_e2e::proxy::{Harm, Proxy};
use runstone_e2e::verify::read_points;

use crate::scene::Home;

const POINTS: u64 = 12;

/// Opens a run through the proxy, tracks a few points, and closes it.
fn track_through(proxy: &Proxy, run_id: &str, spool: &std::path::Path) {
    let run = Run::open(RunOptions {
        run_id: Some(run_id.to_owned()),
        url: Some(proxy.url()),
        spool: Some(spool.to_owned()),
        ..RunOptions::default()
    })
    .unwrap();
    for step in 0..POINTS {
        run.track("loss", step as f64 * 0.5, At::step(step as f64))
            .unwrap();
    }
    let report = run.flush(Some(Duration::from_secs(60)));
    assert!(report.complete, "{run_id}: {report:?}");
    run.close(RunEnd::Succeeded, Some(Duration::from_secs(60)));
}

fn assert_exact(api: &ApiClient, run_id: &str) {
    let expected: Vec<_> = (0..POINTS)
        .map(|step| (step as f64, step as f64 * 0.5))
        .collect();
    for history in [false, true] {
        let points = read_points(api, run_id, "loss", history).unwrap().unwrap();
        assert_eq!(points, expected, "{run_id}, history {history}");
    }
}

/// Bytes of one small request and its answer, with headers, and some more.
const CUT_REQUESTS_UP_TO: u64 = 900;
const CUT_ANSWERS_UP_TO: u64 = 420;

#[test]
fn a_connection_cut_at_every_byte_loses_and_doubles_nothing() {
    let home = Home::start();
    let spool = tempfile::tempdir().unwrap();
    let address = home.server.address().to_owned();
    let harms: Vec<(String, Harm)> = (1..CUT_REQUESTS_UP_TO)
        .map(|cut| {
            let harm = Harm {
                cut_requests_after: vec![cut],
                ..Harm::default()
            };
            (format!("request-{cut}"), harm)
        })
        .chain((1..CUT_ANSWERS_UP_TO).map(|cut| {
            let harm = Harm {
                cut_answers_after: vec![cut],
                ..Harm::default()
            };
            (format!("answer-{cut}"), harm)
        }))
        .collect();
    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let cuts = std::sync::atomic::AtomicU64::new(0);
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some((run_id, harm)) = harms.get(index) else {
                        return;
                    };
                    let proxy = Proxy::start(&address, harm.clone()).unwrap();
                    track_through(&proxy, run_id, spool.path());
                    assert_exact(&api, run_id);
                    cuts.fetch_add(proxy.harmed(), std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    let cuts = cuts.into_inner();
    assert!(
        cuts > 600,
        "only {cuts} connections were cut: the frames are smaller than thought"
    );
}

#[test]
fn repeated_reordered_and_delayed_frames_are_applied_once() {
    let home = Home::start();
    let spool = tempfile::tempdir().unwrap();
    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let harm = Harm {
        repeat_and_reorder: true,
        delay: Some(Duration::from_millis(2)),
        ..Harm::default()
    };
    let proxy = Proxy::start(home.server.address(), harm).unwrap();
    for index in 0..8 {
        let run_id = format!("repeated-{index}");
        let run = Run::open(RunOptions {
            run_id: Some(run_id.clone()),
            url: Some(proxy.url()),
            spool: Some(spool.path().to_owned()),
            ..RunOptions::default()
        })
        .unwrap();
        for step in 0..POINTS {
            run.track("loss", step as f64 * 0.5, At::step(step as f64))
                .unwrap();
            // A frame for each point, so that there is an order to disturb.
            assert!(run.flush(Some(Duration::from_secs(60))).complete);
        }
        run.close(RunEnd::Succeeded, Some(Duration::from_secs(60)));
        assert_exact(&api, &run_id);
    }
    assert!(proxy.harmed() > 8 * POINTS, "{} repeats", proxy.harmed());
}
