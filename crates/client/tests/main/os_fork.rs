//! Forks: the child writes under a writer of its own, the parent goes on.
#![allow(unsafe_code, reason = "fork and waitpid")]

use runstone_client::{Context, Run, RunEnd, ValueType};

use crate::fake_server::FakeServer;
use crate::{LONG, options};

/// Runs `work` in a forked child and returns whether it came to its end.
fn in_child(work: impl FnOnce()) -> bool {
    // SAFETY: the child runs only the client, whose locks of the parent it never takes, and
    // leaves by `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork failed");
    if pid == 0 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_ok();
        // SAFETY: ends this process without running the parent's handlers.
        unsafe { libc::_exit(i32::from(!done)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    waited == pid && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

#[test]
fn a_forked_child_logs_into_the_same_run_as_a_writer_of_its_own() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    let context = Context::empty();
    let loss = run.series("loss", &context, ValueType::F64, false).unwrap();
    let auto = run.series("auto", &context, ValueType::F64, true).unwrap();
    for step in 0..100 {
        run.push(loss, Some(f64::from(step)), None, 1.0_f64.to_bits());
        run.push(auto, None, None, 1.0_f64.to_bits());
    }
    assert!(run.flush(LONG).complete);
    let child = in_child(|| {
        // Handles of the parent stay right; so do new series, and forks of the fork.
        for step in 100..200 {
            run.push(loss, Some(f64::from(step)), None, 2.0_f64.to_bits());
            run.push(auto, None, None, 2.0_f64.to_bits());
        }
        run.track("child", 1.0, 1_u32).unwrap();
        assert!(in_child(|| {
            run.push(loss, Some(200.0), None, 3.0_f64.to_bits());
            assert!(run.close(RunEnd::Succeeded, LONG).delivered);
        }));
        assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    });
    assert!(child);
    for step in 201..300 {
        run.push(loss, Some(f64::from(step)), None, 4.0_f64.to_bits());
    }
    assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    let mut steps: Vec<f64> = server
        .points(run.id(), "loss")
        .iter()
        .map(|point| point.step)
        .collect();
    steps.sort_by(f64::total_cmp);
    assert_eq!(steps, (0..300).map(f64::from).collect::<Vec<_>>());
    let mut ordinals: Vec<f64> = server
        .points(run.id(), "auto")
        .iter()
        .map(|point| point.step)
        .collect();
    ordinals.sort_by(f64::total_cmp);
    let twice: Vec<f64> = (0..100).flat_map(|step| [f64::from(step); 2]).collect();
    assert_eq!(ordinals, twice);
    let writers = server.writers();
    assert_eq!(writers.len(), 3);
    let mut parents = 0;
    for (id, writer) in writers.iter() {
        let open = writer.open.as_ref().unwrap();
        assert!(writer.ended);
        match open.parent_writer {
            None => assert!(open.primary),
            Some(parent) => {
                parents += 1;
                assert!(!open.primary);
                assert!(parent != *id && writers.contains_key(&parent));
            }
        }
    }
    assert_eq!(parents, 2);
}

#[test]
fn a_child_that_never_calls_leaves_no_trace_and_the_parent_goes_on() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    run.track("loss", 1.0, 1_u32).unwrap();
    let run = std::mem::ManuallyDrop::new(run);
    assert!(in_child(|| {
        let flushed = run.flush(LONG);
        assert!(flushed.complete);
        assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    }));
    let run = std::mem::ManuallyDrop::into_inner(run);
    run.track("loss", 2.0, 2_u32).unwrap();
    assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    assert_eq!(server.writers().len(), 1);
    assert_eq!(server.points(run.id(), "loss").len(), 2);
}

#[test]
fn forks_under_tracking_threads_neither_hang_nor_lose() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    let forks = 20;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let tracked: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let (run, stop) = (&run, &stop);
                scope.spawn(move || {
                    let mut step = 0_u32;
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        run.track(&format!("t{thread}"), 1.0, step).unwrap();
                        step += 1;
                        if step.is_multiple_of(100) {
                            std::thread::yield_now();
                        }
                        if step == 200_000 {
                            break;
                        }
                    }
                    step
                })
            })
            .collect();
        for fork in 0..forks {
            assert!(in_child(|| {
                run.track("forked", 1.0, fork).unwrap();
                assert!(run.close(RunEnd::Succeeded, LONG).delivered);
            }));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    assert_eq!(server.points(run.id(), "forked").len(), forks as usize);
    let in_threads: usize = (0..3)
        .map(|thread| server.points(run.id(), &format!("t{thread}")).len())
        .sum();
    assert_eq!(in_threads, tracked as usize);
}
