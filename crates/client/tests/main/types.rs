//! One series with values of several types: one frame keeps the order of the calls.

use std::path::Path;

use runstone_client::{Context, DeliverOptions, Mode, Run, RunEnd, RunOptions, ValueType, deliver};

use crate::fake_server::{FakeServer, StoredPoint};
use crate::options;

/// What a server has of series `n` after all calls of `log` came in one frame.
fn points_of(log: impl FnOnce(&Run)) -> Vec<StoredPoint> {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = offline(spool.path());
    log(&run);
    run.close(RunEnd::Succeeded, None);
    let id = run.id().to_owned();
    // Who writes holds the folder.
    drop(run);
    let options = DeliverOptions {
        roots: vec![spool.path().to_path_buf()],
        host_id: None,
        destinations: None,
        to: Some(server.url()),
        token: None,
        frame_points_max: None,
    };
    assert!(deliver(&options, |_| {}).unwrap().is_complete());
    server.points(&id, "n")
}

fn offline(spool: &Path) -> Run {
    Run::open(RunOptions {
        mode: Some(Mode::Offline),
        strict: true,
        ..options(spool, "http://127.0.0.1:9")
    })
    .unwrap()
}

fn values(points: &[StoredPoint]) -> Vec<f64> {
    points.iter().map(StoredPoint::value).collect()
}

#[test]
fn integers_and_floats_at_one_step_keep_the_order_of_the_calls() {
    let points = points_of(|run| {
        for value in [1_i64, 2] {
            run.track("n", value, 0_u32).unwrap();
        }
        run.track("n", 3.5, 0_u32).unwrap();
        run.track("n", 4_i64, 0_u32).unwrap();
        run.track("n", 5.5_f32, 0_u32).unwrap();
        run.track("n", true, 0_u32).unwrap();
    });
    assert_eq!(values(&points), [1.0, 2.0, 3.5, 4.0, 5.5, 1.0]);
    // What came before the first float stays exact.
    assert_eq!(points[1].value_type, ValueType::I64);
    assert_eq!(points[3].value_type, ValueType::F64);
}

#[test]
fn handles_kept_from_before_the_first_float_follow_it() {
    let points = points_of(|run| {
        let handle = |value_type| {
            let context = Context::empty();
            run.series("n", &context, value_type, false).unwrap()
        };
        let single = handle(ValueType::F32);
        assert!(run.push(single, Some(0.0), None, 0.5_f64.to_bits()));
        let integers = handle(ValueType::I64);
        assert!(run.push(integers, Some(0.0), None, 1));
        let floats = handle(ValueType::F64);
        assert!(run.push(floats, Some(0.0), None, 2.5_f64.to_bits()));
        assert!(run.push(integers, Some(0.0), None, (-3_i64).cast_unsigned()));
        assert!(run.push(single, Some(0.0), None, 4.5_f64.to_bits()));
        // A series of its own is not touched.
        assert!(run.push(handle(ValueType::I64), Some(1.0), None, 7));
    });
    assert_eq!(values(&points), [0.5, 1.0, 2.5, -3.0, 4.5, 7.0]);
}

#[test]
fn counted_steps_of_several_types_keep_the_order_of_the_calls() {
    let points = points_of(|run| {
        run.track("n", 1_i64, ()).unwrap();
        run.track("n", 2.5, ()).unwrap();
        run.track("n", 3_i64, ()).unwrap();
        run.track("n", 4.5, ()).unwrap();
    });
    let steps: Vec<f64> = points.iter().map(|point| point.step).collect();
    assert_eq!(steps, [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(values(&points), [1.0, 2.5, 3.0, 4.5]);
}

#[test]
fn a_series_of_integers_stays_one_beside_a_mixed_one() {
    let points = points_of(|run| {
        run.track("mixed", 1_i64, 0_u32).unwrap();
        run.track("mixed", 0.5, 1_u32).unwrap();
        run.track("n", (1_i64 << 53) + 1, 0_u32).unwrap();
        run.track("n", (1_i64 << 53) + 3, 1_u32).unwrap();
    });
    let exact: Vec<u64> = points.iter().map(|point| point.value_bits).collect();
    assert_eq!(exact, [(1 << 53) + 1, (1 << 53) + 3]);
    assert!(
        points
            .iter()
            .all(|point| point.value_type == ValueType::I64)
    );
}
