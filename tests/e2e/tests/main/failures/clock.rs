//! Clocks that jump: the client's times are kept as they are, steps order the points.

use std::time::Duration;

use runstone_client::{ApiClient, Context, Run, RunEnd, RunOptions, ValueType, now_micros};
use runstone_e2e::server::show;
use serde_json::Value;

use crate::scene::Home;

const DAY_MICROS: i64 = 86_400_000_000;

/// The time of a step: a minute a step, and twice the clock is set back, once by ten years.
fn time_at(step: u64, start: i64) -> i64 {
    let minute = 60_000_000 * step.cast_signed();
    match step {
        0..40 => start + minute,
        40..80 => start + minute - DAY_MICROS,
        _ => start + minute - 3_650 * DAY_MICROS,
    }
}

#[test]
fn a_clock_that_jumps_back_moves_times_and_never_steps() {
    let home = Home::start();
    let run = Run::open(RunOptions {
        run_id: Some("jump".to_owned()),
        url: Some(home.url().to_owned()),
        spool: Some(home.path().join("spool")),
        strict: true,
        ..RunOptions::default()
    })
    .unwrap();
    let start = now_micros();
    let empty = Context::empty();
    let given = run.series("given", &empty, ValueType::F64, false).unwrap();
    let counted = run.series("counted", &empty, ValueType::F64, true).unwrap();
    for step in 0..120_u64 {
        let (time, bits) = (time_at(step, start), (step as f64).to_bits());
        assert!(run.push_at_time(given, Some(step as f64), None, bits, time));
        assert!(run.push_at_time(counted, None, None, bits, time));
        if step == 60 {
            // Part of it is on the server before the clock jumps again.
            assert!(run.flush(Some(Duration::from_secs(20))).complete);
        }
    }
    assert!(run.close(RunEnd::Succeeded, None).delivered);

    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    for name in ["given", "counted"] {
        let page: Value = api
            .get_json("/runstone/v1/runs/jump/points", &[("name", name)])
            .unwrap();
        for (column, expected) in [
            (
                "steps",
                (0..120).map(|step| step as f64).collect::<Vec<_>>(),
            ),
            ("values", (0..120).map(|step| step as f64).collect()),
            (
                "times_micros",
                (0..120).map(|step| time_at(step, start) as f64).collect(),
            ),
        ] {
            let found: Vec<f64> = page[column]
                .as_array()
                .unwrap()
                .iter()
                .map(|number| number.as_f64().unwrap())
                .collect();
            assert_eq!(found, expected, "{name}, {column}");
        }
    }
    let shown = show(home.path(), home.url(), "jump").unwrap();
    let completeness = &shown["run"]["completeness"];
    assert_eq!(completeness["durable"], 240);
    assert_eq!(completeness["refused"], 0);
    assert_eq!(shown["run"]["state"], "succeeded");
    for series in shown["series"].as_array().unwrap() {
        // The last point is the one of the greatest step, though its time is the lowest by years.
        assert_eq!(series["summary"]["last"]["step"], 119, "{series}");
        assert_eq!(series["summary"]["last"]["value"], 119.0, "{series}");
    }
}
