//! A server that shakes hands, takes frames and says nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use runstone_client::{Run, RunEnd};

use crate::fake_server::FakeServer;
use crate::{LONG, options};

/// Takes as long as the sender waits for the first byte of an answer.
#[test]
fn a_silent_server_lets_the_others_pass_and_gets_each_point_once() {
    let (silent, healthy) = (FakeServer::start(), FakeServer::start());
    let spool = tempfile::tempdir().unwrap();
    silent.state.mishaps.silent.store(true, Ordering::SeqCst);
    let waiting = Run::open(options(spool.path(), &silent.url())).unwrap();
    waiting.track("loss", 1.0, 0_u32).unwrap();
    while silent.state.frames.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    let run = Run::open(options(spool.path(), &healthy.url())).unwrap();
    for step in 0..3_u32 {
        run.track("loss", 1.0, step).unwrap();
        // Less than the longest wait for a whole call.
        assert!(run.flush(Some(Duration::from_secs(20))).complete);
    }
    assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    silent.state.mishaps.silent.store(false, Ordering::SeqCst);
    waiting.track("loss", 2.0, 1_u32).unwrap();
    assert!(waiting.flush(LONG).complete);
    assert!(silent.state.frames.load(Ordering::SeqCst) > 1);
    let steps: Vec<f64> = silent
        .points(waiting.id(), "loss")
        .iter()
        .map(|point| point.step)
        .collect();
    assert_eq!(steps, [0.0, 1.0]);
    assert!(waiting.close(RunEnd::Succeeded, LONG).delivered);
}
