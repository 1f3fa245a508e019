//! What a run logs is what the server has.

use std::collections::BTreeSet;

use runstone_client::{
    At, ClientError, Context, Goal, Mode, ParamPath, ParamValue, Run, RunEnd, RunOptions,
    ScalarValue,
};
use runstone_model::ReasonCode;
use runstone_wire::{EndKind, OpenMode, OperationKind};

use crate::fake_server::FakeServer;
use crate::{LONG, options, spool_folders};

#[test]
fn the_quickstart_arrives_whole_and_leaves_no_spool() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let report = crate::quickstart::train(options(spool.path(), &server.url())).unwrap();
    assert!(report.delivered, "{report:?}");
    assert_eq!(report.flush.acknowledged, 200);
    assert_eq!(report.flush.pending, 0);
    let writers = server.writers();
    assert_eq!(writers.len(), 1);
    let writer = writers.values().next().unwrap();
    assert!(writer.ended);
    assert_eq!(writer.points.len(), 200);
    assert_eq!(writer.completeness.logged_points, 200);
    let loss: Vec<f64> = writer
        .points
        .iter()
        .filter(|point| point.name == "loss")
        .map(|point| point.step)
        .collect();
    assert_eq!(loss, (0..100).map(f64::from).collect::<Vec<_>>());
    drop(writers);
    assert!(spool_folders(spool.path()).is_empty());
}

#[test]
fn values_steps_epochs_and_contexts_come_through() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    let train = Context::parse(r#"{"subset":"train"}"#).unwrap();
    run.track("a", f64::NAN, At::step(-0.0).epoch(2.5).context(&train))
        .unwrap();
    run.track("a", 7_i64, At::step(0.5)).unwrap();
    for value in [1.0, 2.0, 3.0] {
        run.track("auto", value, ()).unwrap();
    }
    assert!(run.flush(LONG).complete);
    let points = server.points(run.id(), "a");
    assert_eq!(points.len(), 2);
    let with_context = points.iter().find(|point| point.context != "{}").unwrap();
    assert_eq!(with_context.step.to_bits(), 0.0_f64.to_bits());
    assert_eq!(with_context.epoch, Some(2.5));
    assert!(f64::from_bits(with_context.value_bits).is_nan());
    let plain = points.iter().find(|point| point.context == "{}").unwrap();
    assert_eq!((plain.step, plain.value_bits, plain.epoch), (0.5, 7, None));
    let ordinals: Vec<f64> = server
        .points(run.id(), "auto")
        .iter()
        .map(|point| {
            assert!(point.auto_step);
            point.step
        })
        .collect();
    assert_eq!(ordinals, [0.0, 1.0, 2.0]);
    assert_eq!(run.counters().acknowledged, 5);
    assert!(run.close(RunEnd::Succeeded, None).delivered);
}

#[test]
fn everything_said_about_a_run_travels_in_order() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(RunOptions {
        experiment: Some("digits".to_owned()),
        config: Some(ParamValue::from([("lr", 0.05)])),
        tags: vec!["baseline".to_owned()],
        ..options(spool.path(), &server.url())
    })
    .unwrap();
    let path = ParamPath::parse_dotted("notes.origin").unwrap();
    run.set_param(&path, "first".into(), false).unwrap();
    run.remove_param(&path).unwrap();
    run.add_tags(["v1"]).unwrap();
    run.remove_tags(["v0"]).unwrap();
    run.set_name("new name").unwrap();
    run.set_archived(true).unwrap();
    run.define_metric("accuracy", Some(Goal::Max), Some("%"), None)
        .unwrap();
    run.set_scalar("best", ScalarValue::F64(0.9)).unwrap();
    run.track("loss", 1.0, 1_u32).unwrap();
    run.remove_series("loss", &Context::empty(), Some(1.0))
        .unwrap();
    run.rewind(0.0).unwrap();
    let failed = RunEnd::Failed {
        code: ReasonCode::Exception,
        text: "ValueError: no".to_owned(),
    };
    assert!(run.close(failed, LONG).delivered);
    let names: Vec<&str> = server
        .operations()
        .iter()
        .filter_map(|kind| match kind {
            OperationKind::OpenWriter(_) => Some("open writer"),
            OperationKind::OpenRun(open) => {
                assert_eq!(open.mode, OpenMode::Create);
                assert_eq!(open.experiment.as_ref().unwrap().as_str(), "digits");
                assert_eq!(open.config.len(), 1);
                Some("open run")
            }
            OperationKind::SetParams(_) => Some("set params"),
            OperationKind::RemoveParams(_) => Some("remove params"),
            OperationKind::ChangeTags(_) => Some("tags"),
            OperationKind::SetProperties(_) => Some("properties"),
            OperationKind::DefineMetric(_) => Some("define metric"),
            OperationKind::DefineSeries(_) => Some("define series"),
            OperationKind::SetScalar(_) => Some("scalar"),
            OperationKind::Remove(_) => Some("remove"),
            OperationKind::Rewind { .. } => Some("rewind"),
            OperationKind::EndWriter(end) => {
                assert_eq!(end.kind, EndKind::Failed);
                assert_eq!(end.reason.as_ref().unwrap().text, "ValueError: no");
                Some("end")
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        names,
        [
            "open writer",
            "open run",
            "set params",
            "remove params",
            "tags",
            "tags",
            "properties",
            "properties",
            "define metric",
            "scalar",
            "define series",
            "remove",
            "rewind",
            "end"
        ]
    );
}

#[test]
fn answers_that_are_lost_double_nothing() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    server
        .state
        .mishaps
        .lose_answer_each
        .store(3, std::sync::atomic::Ordering::SeqCst);
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    for step in 0..20_000_u32 {
        run.track("loss", f64::from(step), step).unwrap();
    }
    assert!(run.close(RunEnd::Succeeded, LONG).delivered);
    let steps: Vec<f64> = server
        .points(run.id(), "loss")
        .iter()
        .map(|point| point.step)
        .collect();
    assert_eq!(steps, (0..20_000).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn many_threads_and_many_runs_share_one_sender() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let threads_before = count("/proc/self/task");
    let runs: Vec<Run> = (0..200)
        .map(|_| Run::open(options(spool.path(), &server.url())).unwrap())
        .collect();
    let files_before = count("/proc/self/fd");
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let runs = &runs;
            scope.spawn(move || {
                for step in 0..25_u32 {
                    for run in runs {
                        run.track("loss", f64::from(thread), thread * 25 + step)
                            .unwrap();
                    }
                }
            });
        }
    });
    // Other tests of this process come and go meanwhile, hence the room.
    let threads = count("/proc/self/task").saturating_sub(threads_before);
    let files = count("/proc/self/fd").saturating_sub(files_before);
    assert!(threads < 60, "{threads} threads more");
    assert!(files < 150, "{files} files more");
    for run in &runs {
        assert!(run.flush(LONG).complete);
        let steps: BTreeSet<u64> = server
            .points(run.id(), "loss")
            .iter()
            .map(|point| point.step as u64)
            .collect();
        assert_eq!(steps, (0..100).collect());
        assert_eq!(server.points(run.id(), "loss").len(), 100);
    }
}

fn count(path: &str) -> usize {
    std::fs::read_dir(path).map_or(0, Iterator::count)
}

#[test]
fn a_disabled_run_writes_nothing_and_a_read_only_one_refuses() {
    let spool = tempfile::tempdir().unwrap();
    let disabled = Run::open(RunOptions {
        mode: Some(Mode::Disabled),
        strict: true,
        ..options(spool.path(), "http://127.0.0.1:9")
    })
    .unwrap();
    disabled.track("loss", 1.0, 1_u32).unwrap();
    disabled.add_tags(["x"]).unwrap();
    assert!(disabled.close(RunEnd::Succeeded, None).delivered);
    let read_only = Run::open(RunOptions {
        read_only: true,
        strict: true,
        ..options(spool.path(), "http://127.0.0.1:9")
    })
    .unwrap();
    let refused = read_only.track("loss", 1.0, 1_u32);
    assert!(
        matches!(refused, Err(ClientError::Conflict(_))),
        "{refused:?}"
    );
    assert!(spool_folders(spool.path()).is_empty());
}

#[test]
fn bad_calls_are_counted_or_returned_and_harm_no_neighbour() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    run.track("loss", 1.0, f64::NAN).unwrap();
    run.track("", 1.0, 1_u32).unwrap();
    run.track(&"x".repeat(2000), 1.0, 1_u32).unwrap();
    run.track("loss", 1.0, 1_u32).unwrap();
    run.set_param(&ParamPath::root(), ParamValue::I64(1), false)
        .unwrap();
    assert!(run.flush(LONG).complete);
    assert_eq!(run.counters().refused, 3);
    assert_eq!(server.points(run.id(), "loss").len(), 1);
    run.close(RunEnd::Succeeded, LONG);
    // After the end nothing more is taken.
    run.track("loss", 2.0, 2_u32).unwrap();
    let strict = Run::open(RunOptions {
        strict: true,
        ..options(spool.path(), &server.url())
    })
    .unwrap();
    for result in [
        strict.track("loss", 1.0, f64::INFINITY),
        strict.track("", 1.0, 1_u32),
        strict.add_tags([""]),
        strict.set_param(&ParamPath::root(), ParamValue::I64(1), false),
    ] {
        assert!(matches!(result, Err(ClientError::Invalid(_))), "{result:?}");
    }
    strict.close(RunEnd::Succeeded, LONG);
    let closed = strict.track("loss", 1.0, 1_u32);
    assert!(
        matches!(closed, Err(ClientError::Conflict(_))),
        "{closed:?}"
    );
}

#[test]
fn options_that_cannot_be_are_refused_with_a_hint() {
    let spool = tempfile::tempdir().unwrap();
    let base = || options(spool.path(), "http://127.0.0.1:9");
    for bad in [
        RunOptions {
            url: Some("http://u:p@h".to_owned()),
            ..base()
        },
        RunOptions {
            config: Some(ParamValue::I64(1)),
            ..base()
        },
        RunOptions {
            experiment: Some(String::new()),
            ..base()
        },
        RunOptions {
            tags: vec![String::new()],
            ..base()
        },
        RunOptions {
            run_id: Some("a/b".to_owned()),
            ..base()
        },
    ] {
        let refused = Run::open(bad).err();
        assert!(
            matches!(refused, Some(ClientError::Invalid(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn another_process_joins_without_being_primary() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    run.track("loss", 1.0, 1_u32).unwrap();
    let text = serde_json::to_string(&run.options_for_another_process()).unwrap();
    assert!(!text.contains("test-token"));
    let joined: RunOptions = serde_json::from_str(&text).unwrap();
    let worker = Run::open(RunOptions {
        token: Some("test-token".to_owned()),
        ..joined
    })
    .unwrap();
    assert_eq!(worker.id(), run.id());
    worker.track("loss", 2.0, 2_u32).unwrap();
    worker.close(RunEnd::Succeeded, LONG);
    run.close(RunEnd::Succeeded, LONG);
    let primaries: Vec<bool> = server
        .writers()
        .values()
        .map(|writer| writer.open.as_ref().unwrap().primary)
        .collect();
    assert_eq!(primaries.iter().filter(|primary| **primary).count(), 1);
    assert_eq!(primaries.len(), 2);
    assert_eq!(server.points(run.id(), "loss").len(), 2);
}

#[test]
fn a_run_dropped_in_a_panic_has_failed() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let (url, root) = (server.url(), spool.path().to_path_buf());
    let outcome = std::thread::spawn(move || {
        let run = Run::open(options(&root, &url)).unwrap();
        run.track("loss", 1.0, 1_u32).unwrap();
        // Not `panic!`: the hook of the test harness would print it.
        std::panic::resume_unwind(Box::new("on purpose"));
    })
    .join();
    assert!(outcome.is_err());
    let failed = server
        .operations()
        .into_iter()
        .any(|kind| matches!(kind, OperationKind::EndWriter(end) if end.kind == EndKind::Failed));
    assert!(failed);
}
