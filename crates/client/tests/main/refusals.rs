//! What the server refuses: single series, whole frames, us.

use std::sync::atomic::Ordering;
use std::time::Duration;

use runstone_client::{Run, RunEnd, RunOptions, config, spool};

use crate::fake_server::FakeServer;
use crate::{LONG, options, spool_folders};

#[test]
fn a_refused_series_is_kept_aside_and_its_neighbours_arrive() {
    let (server, spool_root) = (FakeServer::start(), tempfile::tempdir().unwrap());
    *server.state.mishaps.refused_series.lock().unwrap() = Some("bad".to_owned());
    let run = Run::open(options(spool_root.path(), &server.url())).unwrap();
    for step in 0..10_u32 {
        run.track("bad", 1.0, step).unwrap();
        run.track("good", 1.0, step).unwrap();
    }
    let report = run.close(RunEnd::Succeeded, LONG);
    assert!(report.delivered);
    assert_eq!((report.flush.acknowledged, report.flush.refused), (10, 10));
    assert_eq!(server.points(run.id(), "good").len(), 10);
    let rejected = spool::Rejected::new(spool_root.path(), &config::host_id());
    let writers = rejected.writers().unwrap();
    assert_eq!(writers.len(), 1);
    let kept = rejected.read(writers[0].0).unwrap();
    assert!(
        kept.iter()
            .all(|operation| operation.code == "type_conflict")
    );
}

#[test]
fn a_frame_refused_for_good_is_set_aside_and_the_run_goes_on() {
    let (server, spool_root) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(options(spool_root.path(), &server.url())).unwrap();
    run.track("loss", 0.0, 0_u32).unwrap();
    assert!(run.flush(LONG).complete);
    server.state.mishaps.status.store(413, Ordering::SeqCst);
    run.track("loss", 1.0, 1_u32).unwrap();
    let rejected = spool::Rejected::new(spool_root.path(), &config::host_id());
    while rejected.writers().unwrap().is_empty() {
        std::thread::yield_now();
    }
    server.state.mishaps.status.store(0, Ordering::SeqCst);
    run.track("loss", 2.0, 2_u32).unwrap();
    let report = run.close(RunEnd::Succeeded, LONG);
    assert!(report.delivered, "{report:?}");
    let steps: Vec<f64> = server
        .points(run.id(), "loss")
        .iter()
        .map(|point| point.step)
        .collect();
    assert_eq!(steps, [0.0, 2.0]);
    let kept = rejected.read(rejected.writers().unwrap()[0].0).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].code, "frame");
}

#[test]
fn without_the_token_everything_is_kept_until_it_is_right() {
    let (server, spool_root) = (FakeServer::start(), tempfile::tempdir().unwrap());
    *server.state.mishaps.token.lock().unwrap() = Some("another".to_owned());
    let run = Run::open(options(spool_root.path(), &server.url())).unwrap();
    run.track("loss", 1.0, 1_u32).unwrap();
    let report = run.flush(Some(Duration::from_millis(50)));
    assert!(!report.complete);
    *server.state.mishaps.token.lock().unwrap() = Some("test-token".to_owned());
    assert!(run.flush(LONG).complete);
    run.close(RunEnd::Succeeded, LONG);
    let other = Run::open(RunOptions {
        token: Some("wrong".to_owned()),
        ..options(spool_root.path(), &server.url())
    })
    .unwrap();
    other.track("loss", 1.0, 1_u32).unwrap();
    assert!(
        !other
            .close(RunEnd::Succeeded, Some(Duration::from_secs(10)))
            .delivered
    );
    assert_eq!(spool_folders(spool_root.path()).len(), 1);
}

#[test]
fn a_stranger_on_the_port_costs_nothing_but_time() {
    let (server, spool_root) = (FakeServer::start(), tempfile::tempdir().unwrap());
    server.state.mishaps.stranger.store(true, Ordering::SeqCst);
    let run = Run::open(options(spool_root.path(), &server.url())).unwrap();
    run.track("loss", 1.0, 1_u32).unwrap();
    assert!(!run.flush(Some(Duration::from_millis(50))).complete);
    server.state.mishaps.stranger.store(false, Ordering::SeqCst);
    assert!(run.flush(LONG).complete);
    server.state.mishaps.status.store(503, Ordering::SeqCst);
    run.track("loss", 2.0, 2_u32).unwrap();
    assert!(!run.flush(Some(Duration::from_millis(50))).complete);
    server.state.mishaps.status.store(0, Ordering::SeqCst);
    assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    assert_eq!(server.points(run.id(), "loss").len(), 2);
}
