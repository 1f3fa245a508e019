//! Logs and objects of two stores, compared.

use runstone_model::{LogLevel, LogStream, RunKey, SeriesKind};

use super::compare::{answered, same};
use crate::conformance::logs::{all_lines, all_records};
use crate::conformance::objects::{all_sets, object_key, object_scan};
use crate::{LogKind, LogScan, LogState, Snapshot};

/// Compares all logs and objects of a run; `limit` is the length of the engine's pages.
pub(super) fn compare_texts(
    given: &dyn Snapshot,
    wanted: &dyn Snapshot,
    run: RunKey,
    limit: usize,
) -> Result<(), String> {
    for kind in [LogKind::Lines, LogKind::Records] {
        let logs = |snapshot: &dyn Snapshot| answered("logs", snapshot.read_logs(run, kind));
        let listed = logs(wanted)?;
        same("logs", &logs(given)?, &listed)?;
        for log in &listed {
            compare_log(given, wanted, run, (kind, log), limit)?;
        }
    }
    let series =
        |snapshot: &dyn Snapshot| answered("object series", snapshot.read_object_series(run));
    same("object series", &series(given)?, &series(wanted)?)?;
    for (name, kind) in [("o", SeriesKind::Image), ("m0", SeriesKind::Text)] {
        let key = object_key(name, kind);
        for history in [false, true] {
            let sets = |snapshot: &dyn Snapshot, limit| {
                all_sets(snapshot, run, object_scan(&key, history, limit))
            };
            same("objects", &sets(given, limit), &sets(wanted, 10_000))?;
        }
    }
    Ok(())
}

fn compare_log(
    given: &dyn Snapshot,
    wanted: &dyn Snapshot,
    run: RunKey,
    (kind, log): (LogKind, &LogState),
    limit: usize,
) -> Result<(), String> {
    let whole = LogScan::whole(log.writer, 10_000);
    let scans = [
        whole.clone(),
        LogScan {
            newest_first: true,
            ..whole.clone()
        },
        LogScan {
            from: 3,
            end: log.mark.next.saturating_sub(2),
            stream: Some(LogStream::Stderr),
            level_min: Some(LogLevel::WARNING),
            ..whole.clone()
        },
    ];
    for scan in scans {
        let pages = LogScan {
            limit,
            ..scan.clone()
        };
        match kind {
            LogKind::Lines => same(
                "lines",
                &all_lines(given, run, pages),
                &all_lines(wanted, run, scan),
            )?,
            LogKind::Records => same(
                "records",
                &all_records(given, run, pages),
                &all_records(wanted, run, scan),
            )?,
        }
    }
    Ok(())
}
