//! A run whose logs are full.

use runstone_model::{StoreIdentity, WorkspaceId};

use crate::apply::LOG_BYTES_IN_RUN_MAX;
use crate::conformance::testing::FrameBuilder;
use crate::memory::MemoryStore;
use crate::{LogKind, LogMark, LogScan, Store};

#[test]
fn a_run_with_full_logs_counts_what_it_does_not_keep() {
    let store = MemoryStore::new(StoreIdentity {
        store: [1; 16],
        incarnation: [2; 16],
    });
    let mut builder = FrameBuilder::creator("run-a", 1);
    store
        .append(builder.log_lines(0, &["kept"]).frame())
        .unwrap();
    let find = || {
        let snapshot = store.snapshot().unwrap();
        snapshot
            .find_run(WorkspaceId::default(), "run-a")
            .unwrap()
            .key
    };
    let run = find();
    store.with_rows(|rows| {
        let mark = LogMark {
            next: 1,
            bytes: LOG_BYTES_IN_RUN_MAX - 1,
        };
        rows.push_log_lines(run, builder.writer(), 0, &[], mark)
            .unwrap();
    });
    // One byte of room: this one is taken whole, the next ones are not.
    builder
        .log_lines(1, &["the last"])
        .log_lines(2, &["a", "b"]);
    let answer = store.append(builder.log_record(10, "c").frame()).unwrap();
    assert!(answer.refusals.is_empty(), "{answer:?}");
    let snapshot = store.snapshot().unwrap();
    let page = snapshot
        .scan_log_lines(run, &LogScan::whole(builder.writer(), 10))
        .unwrap();
    let texts: Vec<&str> = page
        .entries
        .iter()
        .map(|line| line.entry.text.as_str())
        .collect();
    assert_eq!(texts, ["kept", "the last"]);
    assert!(
        snapshot
            .read_logs(run, LogKind::Records)
            .unwrap()
            .is_empty()
    );
    let warnings = snapshot.read_warnings(run).unwrap();
    assert_eq!(
        (warnings[0].kind.as_str(), warnings[0].count),
        ("logs_full", 3)
    );
    assert!(
        warnings[0].detail.contains("hint:"),
        "{}",
        warnings[0].detail
    );
}
