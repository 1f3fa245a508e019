//! No server, late servers, leftovers: nothing is lost and nothing doubled.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use runstone_client::{
    DeliverOptions, FolderOutcome, Mode, Run, RunEnd, RunOptions, config, deliver,
};

use crate::fake_server::FakeServer;
use crate::{LONG, options, spool_folders};

fn to(roots: &Path, url: &str) -> DeliverOptions {
    DeliverOptions {
        roots: vec![roots.to_path_buf()],
        host_id: None,
        destinations: None,
        to: Some(url.to_owned()),
        token: None,
        frame_points_max: None,
    }
}

/// A finished run that never saw a server.
fn offline_run(spool: &Path, points: u32) -> String {
    let run = Run::open(RunOptions {
        mode: Some(Mode::Offline),
        ..options(spool, "http://127.0.0.1:9")
    })
    .unwrap();
    for step in 0..points {
        run.track("loss", f64::from(step), step).unwrap();
    }
    let report = run.close(RunEnd::Succeeded, None);
    assert!(!report.delivered);
    assert_eq!(report.flush.pending, u64::from(points));
    assert!(report.command.unwrap().ends_with("runstone sync"));
    assert!(report.folder.unwrap().is_dir());
    run.id().to_owned()
}

fn steps(server: &FakeServer, run: &str) -> Vec<f64> {
    server
        .points(run, "loss")
        .iter()
        .map(|point| point.step)
        .collect()
}

fn all_steps(points: u32) -> Vec<f64> {
    (0..points).map(f64::from).collect()
}

#[test]
fn an_offline_run_is_delivered_once_however_often_it_is_tried() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = offline_run(spool.path(), 5000);
    let copy = tempfile::tempdir().unwrap();
    copy_tree(spool.path(), copy.path());
    let mut told = 0;
    let report = deliver(&to(spool.path(), &server.url()), |progress| {
        assert_eq!(progress.folders_total, 1);
        told = progress.points;
    })
    .unwrap();
    assert_eq!(
        report.folders[0].outcome,
        FolderOutcome::Delivered,
        "{report:?}"
    );
    assert_eq!((told, report.points()), (5000, 5000));
    assert_eq!(steps(&server, &run), all_steps(5000));
    assert!(server.writers().values().all(|writer| writer.ended));
    assert!(spool_folders(spool.path()).is_empty());
    // From a second copy of the folder: nothing new.
    let again = deliver(&to(copy.path(), &server.url()), |_| {}).unwrap();
    assert!(again.is_complete(), "{again:?}");
    assert_eq!(steps(&server, &run), all_steps(5000));
    assert!(
        deliver(&to(copy.path(), &server.url()), |_| {})
            .unwrap()
            .folders
            .is_empty()
    );
}

#[test]
fn two_deliverers_at_once_deliver_once() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    server
        .state
        .mishaps
        .lose_answer_each
        .store(4, Ordering::SeqCst);
    let run = offline_run(spool.path(), 200_000);
    let copy = tempfile::tempdir().unwrap();
    copy_tree(spool.path(), copy.path());
    std::thread::scope(|scope| {
        for (root, frame_points) in [(spool.path(), 7_000), (copy.path(), 11_000)] {
            let url = server.url();
            scope.spawn(move || {
                let options = DeliverOptions {
                    frame_points_max: Some(frame_points),
                    ..to(root, &url)
                };
                for _ in 0..50 {
                    // A lost answer fails the attempt; the next one goes on.
                    let report = deliver(&options, |_| {}).unwrap();
                    if report.is_complete() {
                        return;
                    }
                }
                panic!("not delivered");
            });
        }
    });
    assert_eq!(steps(&server, &run), all_steps(200_000));
}

#[test]
fn no_server_keeps_everything_and_a_later_one_gets_it() {
    let gone = FakeServer::start();
    let (address, state) = (gone.address, std::sync::Arc::clone(&gone.state));
    drop(gone);
    let spool = tempfile::tempdir().unwrap();
    let url = format!("http://{address}");
    let run = Run::open(options(spool.path(), &url)).unwrap();
    for step in 0..1000_u32 {
        run.track("loss", f64::from(step), step).unwrap();
    }
    let early = run.flush(Some(Duration::from_millis(50)));
    assert!(!early.complete && !early.reached);
    assert_eq!(early.pending, 1000);
    let server = FakeServer::start_at(address, state);
    assert!(run.flush(LONG).complete);
    assert_eq!(steps(&server, run.id()), all_steps(1000));
    // Away once more: close does not wait for it for long, since it was there lately it tries.
    server.stop();
    run.track("loss", 1000.0, 1000_u32).unwrap();
    let report = run.close(RunEnd::Succeeded, Some(Duration::from_millis(300)));
    assert!(!report.delivered);
    assert_eq!(report.flush.pending, 1);
    assert_eq!(spool_folders(spool.path()).len(), 1);
}

#[test]
fn a_new_run_takes_leftovers_of_its_own_destination_along() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let mut old = Vec::new();
    for destination in [server.url(), "http://127.0.0.1:9".to_owned()] {
        let run = Run::open(RunOptions {
            mode: Some(Mode::Offline),
            ..options(spool.path(), &destination)
        })
        .unwrap();
        run.track("loss", 0.0, 0_u32).unwrap();
        run.close(RunEnd::Succeeded, None);
        old.push(run.id().to_owned());
    }
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    run.track("loss", 1.0, 1_u32).unwrap();
    assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    while spool_folders(spool.path()).len() > 1 {
        std::thread::yield_now();
    }
    assert_eq!(steps(&server, &old[0]), [0.0]);
    assert!(steps(&server, &old[1]).is_empty());
}

#[test]
fn only_the_destinations_asked_for_are_delivered() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    offline_run(spool.path(), 3);
    let mut local = to(spool.path(), &server.url());
    local.destinations = Some(vec![config::LOCAL_DESTINATION.to_owned()]);
    assert!(deliver(&local, |_| {}).unwrap().folders.is_empty());
    local.destinations = Some(vec!["http://127.0.0.1:9".to_owned()]);
    assert_eq!(deliver(&local, |_| {}).unwrap().points(), 3);
}

#[test]
fn a_folder_without_its_server_stays_and_says_why() {
    let spool = tempfile::tempdir().unwrap();
    offline_run(spool.path(), 3);
    let report = deliver(&to(spool.path(), "http://127.0.0.1:9"), |_| {}).unwrap();
    let FolderOutcome::Failed(error) = &report.folders[0].outcome else {
        panic!("{report:?}");
    };
    assert!(error.to_string().contains("runstone up"), "{error}");
    assert!(!report.is_complete());
    assert_eq!(spool_folders(spool.path()).len(), 1);
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else if entry.file_name() != "locks" {
            // Opening the lock file of this process would drop its locks.
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
