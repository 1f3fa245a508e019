//! Readers of the change feed: cut anywhere, stopped, and over a server that is killed.
//!
//! The journal is filled through the engine before the server starts, so that there is much to
//! read at once; what comes while it runs is posted as frames.

mod cuts;
mod restarts;
mod stopped;

use std::path::Path;

use runstone_client::ApiClient;
use runstone_e2e::http;
use runstone_model::Timestamp;
use runstone_store::Store;
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};
use runstone_wire::{FRAME_CONTENT_TYPE, OperationKind};
use serde_json::Value;

/// A writer that has created its run.
fn creator(run: &str, number: u8) -> FrameBuilder {
    FrameBuilder::creator(run, number)
}

/// Adds a sign of life to the next frame: the smallest change.
fn heartbeat(writer: &mut FrameBuilder) -> &mut FrameBuilder {
    let at = Timestamp::from_micros(TEST_EPOCH_MICROS);
    writer.push(OperationKind::Heartbeat { at })
}

/// Makes a data folder with this many changes for each of the runs `filled-1`, `filled-2`, ...
fn fill(data: &Path, runs: u8, changes: u64) {
    let options = SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(data, options).unwrap();
    std::thread::scope(|scope| {
        for number in 1..=runs {
            let store = &store;
            scope.spawn(move || {
                let mut writer = creator(&format!("filled-{number}"), number);
                for change in 0..changes {
                    if change % 50 == 1 {
                        writer.set_param("change", change.cast_signed());
                    }
                    store.append(heartbeat(&mut writer).frame()).unwrap();
                }
            });
        }
    });
    store.close().unwrap();
}

/// Sends the writer's next frame to a server.
fn post(address: &str, writer: &mut FrameBuilder) {
    let frame = writer.frame().frame.encode();
    let headers = [
        format!("Content-Type: {FRAME_CONTENT_TYPE}"),
        format!("Content-Length: {}", frame.len()),
    ];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let answer = http::request(address, "POST /runstone/v1/frames", &headers, &frame).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// All changes after a number, page by page.
fn all_changes(api: &ApiClient, since: u64) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = since;
    loop {
        let since = next.to_string();
        let query = [("since", since.as_str()), ("limit", "5000")];
        let page: Value = api.get_json("/runstone/v1/changes", &query).unwrap();
        assert_eq!(page["reset"], false, "{page}");
        all.extend(page["changes"].as_array().unwrap().iter().cloned());
        next = page["next"].as_u64().unwrap();
        if page["next"] == page["newest"] {
            return all;
        }
    }
}

fn number(change: &Value) -> u64 {
    change["change"].as_u64().unwrap()
}

/// Fails with the first place where two lists of changes differ, not with all of both.
#[track_caller]
fn assert_same(given: &[Value], wanted: &[Value]) {
    let differs = given
        .iter()
        .zip(wanted)
        .position(|(one, other)| one != other);
    if let Some(place) = differs {
        panic!(
            "change {place} of {} differs:\n{}\n{}",
            wanted.len(),
            given[place],
            wanted[place]
        );
    }
    assert_eq!(given.len(), wanted.len());
}
