//! Terminal lines and log records: by number, by writer, in pages, whatever was folded.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{LogLevel, LogStream, RunKey, Timestamp, WriterId};
use runstone_wire::{FrameStatus, LogLine, LogLines, LogRecord, OperationKind, RefusalCode};

use super::deletion::changed;
use super::harness::Harness;
use super::testing::{FrameBuilder, TEST_EPOCH_MICROS, key};
use crate::apply::{LOG_ENTRIES_IN_OPERATION_MAX, TEXT_IN_OPERATION_MAX};
use crate::{
    ChangeKind, ChangeScan, LogKind, LogPage, LogScan, Numbered, RunAction, Snapshot, StoreError,
};

/// All entries of a scan, page by page.
pub(super) fn all_entries<T>(
    scan: LogScan,
    mut read: impl FnMut(&LogScan) -> Result<LogPage<T>, StoreError>,
) -> Vec<Numbered<T>> {
    let mut all = Vec::new();
    let mut next = Some(scan);
    while let Some(scan) = next {
        let page = read(&scan).expect("logs are readable");
        assert!(
            page.entries.len() <= scan.limit.max(1),
            "a page is too long"
        );
        all.extend(page.entries);
        next = scan.after(page.next);
    }
    all
}

/// All lines of a scan.
pub(crate) fn all_lines(
    snapshot: &dyn Snapshot,
    run: RunKey,
    scan: LogScan,
) -> Vec<Numbered<LogLine>> {
    all_entries(scan, |scan| snapshot.scan_log_lines(run, scan))
}

/// All records of a scan.
pub(crate) fn all_records(
    snapshot: &dyn Snapshot,
    run: RunKey,
    scan: LogScan,
) -> Vec<Numbered<LogRecord>> {
    all_entries(scan, |scan| snapshot.scan_log_records(run, scan))
}

/// A line of standard output.
pub(crate) fn line(text: &str) -> LogLine {
    LogLine {
        text: text.to_owned(),
        stream: LogStream::Stdout,
        time: Timestamp::from_micros(TEST_EPOCH_MICROS + text.len() as i64),
        cut_bytes: 0,
    }
}

/// A record without anything but level and message.
pub(crate) fn record(level: LogLevel, message: &str) -> LogRecord {
    LogRecord {
        level,
        message: message.to_owned(),
        time: Timestamp::from_micros(TEST_EPOCH_MICROS),
        logger: "train".to_owned(),
        file: String::new(),
        source_line: 0,
        extra: None,
        cut_bytes: 0,
    }
}

fn lines(first_line: u64, texts: &[&str]) -> OperationKind {
    OperationKind::LogLines(LogLines {
        first_line,
        lines: texts.iter().map(|text| line(text)).collect(),
    })
}

fn texts(harness: &Harness, run: &str, writer: WriterId, limit: usize) -> Vec<(u64, String)> {
    let key = harness.key(run);
    let scan = LogScan::whole(writer, limit);
    let all = harness.ask(|snapshot| all_lines(snapshot, key, scan));
    all.into_iter()
        .map(|line| (line.number, line.entry.text))
        .collect()
}

fn numbered(first: u64, texts: &[&str]) -> Vec<(u64, String)> {
    (first..)
        .zip(texts.iter().map(|text| (*text).to_owned()))
        .collect()
}

pub fn lines_come_back_by_number_whatever_the_frames(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    harness.apply(builder.push(lines(0, &["a", "b"])).frame());
    harness.apply(
        builder
            .push(lines(2, &["c"]))
            .push(lines(3, &["", "é"]))
            .frame(),
    );
    harness.apply(builder.push(lines(5, &["f"])).frame());
    let expected = numbered(0, &["a", "b", "c", "", "é", "f"]);
    for limit in [1, 2, 4, 100] {
        assert_eq!(texts(harness, "run-a", builder.writer(), limit), expected);
    }
    let run = harness.key("run-a");
    let logs = harness
        .ask(|snapshot| snapshot.read_logs(run, LogKind::Lines))
        .unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!((logs[0].writer, logs[0].mark.next), (builder.writer(), 6));
    let records = harness.ask(|snapshot| snapshot.read_logs(run, LogKind::Records));
    assert!(records.unwrap().is_empty());
    let changes = harness.ask(|snapshot| {
        snapshot.scan_changes(&ChangeScan {
            limit: 10,
            ..ChangeScan::default()
        })
    });
    let last = changes.unwrap().changes.pop().unwrap();
    assert_eq!(last.kinds.iter().collect::<Vec<_>>(), [ChangeKind::Logs]);
}

pub fn a_later_line_of_a_number_replaces_the_earlier(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    harness.apply(builder.push(lines(0, &["start", "10 %"])).frame());
    harness.apply(
        builder
            .push(lines(1, &["20 %"]))
            .push(lines(1, &["30 %"]))
            .frame(),
    );
    harness.apply(builder.push(lines(1, &["100 %", "done"])).frame());
    harness.apply(builder.push(lines(0, &["begin"])).frame());
    let expected = numbered(0, &["begin", "100 %", "done"]);
    for limit in [1, 2, 100] {
        assert_eq!(texts(harness, "run-a", builder.writer(), limit), expected);
    }
}

pub fn lines_may_leave_numbers_out_and_come_in_any_order(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    harness.apply(builder.push(lines(1_000, &["late"])).frame());
    harness.apply(builder.push(lines(3, &["early"])).frame());
    let end = (1 << 53) - 1;
    harness.apply(
        builder
            .push(lines(end, &["last"]))
            .push(lines(500, &["mid"]))
            .frame(),
    );
    let expected = [(3, "early"), (500, "mid"), (1_000, "late"), (end, "last")]
        .map(|(number, text)| (number, text.to_owned()));
    for limit in [1, 3, 100] {
        assert_eq!(texts(harness, "run-a", builder.writer(), limit), expected);
    }
    let run = harness.key("run-a");
    let mut scan = LogScan::whole(builder.writer(), 10);
    (scan.from, scan.end) = (3, 1_000);
    let page = harness
        .ask(|snapshot| snapshot.scan_log_lines(run, &scan))
        .unwrap();
    let numbers: Vec<u64> = page.entries.iter().map(|line| line.number).collect();
    assert_eq!((numbers, page.next), (vec![3, 500], None));
    (scan.from, scan.end) = (7, 7);
    let page = harness
        .ask(|snapshot| snapshot.scan_log_lines(run, &scan))
        .unwrap();
    assert_eq!((page.entries.len(), page.next), (0, None));
}

pub fn the_tail_of_a_log_is_read_from_its_end(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    for first in (0..60).step_by(5) {
        let texts: Vec<String> = (first..first + 5)
            .map(|number| format!("line {number}"))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        harness.apply(builder.push(lines(first, &texts)).frame());
    }
    let run = harness.key("run-a");
    let mut scan = LogScan::whole(builder.writer(), 3);
    scan.newest_first = true;
    let page = harness
        .ask(|snapshot| snapshot.scan_log_lines(run, &scan))
        .unwrap();
    let numbers: Vec<u64> = page.entries.iter().map(|line| line.number).collect();
    assert_eq!((numbers, page.next), (vec![59, 58, 57], Some(57)));
    let all = harness.ask(|snapshot| all_lines(snapshot, run, scan.clone()));
    let numbers: Vec<u64> = all.iter().map(|line| line.number).collect();
    assert_eq!(numbers, (0..60).rev().collect::<Vec<u64>>());
    assert_eq!(all[59].entry.text, "line 0");
    (scan.from, scan.end) = (20, 40);
    let all = harness.ask(|snapshot| all_lines(snapshot, run, scan));
    let numbers: Vec<u64> = all.iter().map(|line| line.number).collect();
    assert_eq!(numbers, (20..40).rev().collect::<Vec<u64>>());
}

pub fn streams_and_times_stay_with_their_lines(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let given: Vec<LogLine> = [-5, i64::MAX, i64::MIN, 7]
        .into_iter()
        .enumerate()
        .map(|(index, micros)| LogLine {
            text: "\t\u{1b}[31m\r".to_owned(),
            stream: [LogStream::Stdout, LogStream::Stderr][index % 2],
            time: Timestamp::from_micros(micros),
            cut_bytes: index as u64 * 3,
        })
        .collect();
    let operation = OperationKind::LogLines(LogLines {
        first_line: 0,
        lines: given.clone(),
    });
    harness.apply(builder.push(operation).frame());
    let run = harness.key("run-a");
    let mut scan = LogScan::whole(builder.writer(), 100);
    let all = harness.ask(|snapshot| all_lines(snapshot, run, scan.clone()));
    let all: Vec<LogLine> = all.into_iter().map(|line| line.entry).collect();
    assert_eq!(all, given);
    scan.stream = Some(LogStream::Stderr);
    scan.limit = 1;
    let all = harness.ask(|snapshot| all_lines(snapshot, run, scan));
    let numbers: Vec<u64> = all.iter().map(|line| line.number).collect();
    assert_eq!(numbers, [1, 3]);
}

pub fn records_are_numbered_and_filtered_by_level(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let mut full = record(LogLevel(35), "odd\0level");
    full.file = "train.py".to_owned();
    full.source_line = 17;
    full.extra = Some(runstone_model::JsonText::new("{\"loss\": 1.50}").unwrap());
    let first = vec![record(LogLevel::DEBUG, "one"), full.clone()];
    harness.apply(builder.push(OperationKind::LogRecords(first)).frame());
    let second = vec![record(LogLevel::ERROR, "three")];
    let third = vec![record(LogLevel(-1), ""), record(LogLevel::ERROR, "five")];
    builder.push(OperationKind::LogRecords(second));
    harness.apply(builder.push(OperationKind::LogRecords(third)).frame());
    let run = harness.key("run-a");
    let mut scan = LogScan::whole(builder.writer(), 2);
    let all = harness.ask(|snapshot| all_records(snapshot, run, scan.clone()));
    let numbers: Vec<u64> = all.iter().map(|record| record.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    full.message = "odd\u{fffd}level".to_owned();
    assert_eq!(all[1].entry, full);
    assert_eq!(all[3].entry, record(LogLevel(-1), ""));
    scan.level_min = Some(LogLevel(35));
    let all = harness.ask(|snapshot| all_records(snapshot, run, scan));
    let messages: Vec<&str> = all
        .iter()
        .map(|record| record.entry.message.as_str())
        .collect();
    assert_eq!(messages, ["odd\u{fffd}level", "three", "five"]);
    assert_eq!(
        harness.warning_counts("run-a"),
        [("text_replaced".to_owned(), 1)]
    );
}

pub fn each_writer_has_logs_of_its_own(harness: &mut Harness) {
    let mut late = FrameBuilder::secondary("run-a", 1);
    let mut early = FrameBuilder::creator("run-a", 9);
    harness.apply(early.push(lines(0, &["early"])).frame());
    let records = vec![record(LogLevel::INFO, "late")];
    harness.apply(
        late.push(lines(0, &["late", "later"]))
            .push(OperationKind::LogRecords(records))
            .frame(),
    );
    harness.apply(early.push(lines(1, &["again"])).frame());
    let run = harness.key("run-a");
    let logs = |kind| {
        harness
            .ask(|snapshot| snapshot.read_logs(run, kind))
            .unwrap()
    };
    let writers: Vec<WriterId> = logs(LogKind::Lines).iter().map(|log| log.writer).collect();
    assert_eq!(writers, [early.writer(), late.writer()]);
    assert_eq!(logs(LogKind::Records).len(), 1);
    assert_eq!(
        texts(harness, "run-a", early.writer(), 1),
        numbered(0, &["early", "again"])
    );
    assert_eq!(
        texts(harness, "run-a", late.writer(), 1),
        numbered(0, &["late", "later"])
    );
    assert!(texts(harness, "run-a", WriterId::new([77; 16]), 1).is_empty());
}

pub fn logs_sent_twice_or_with_other_boundaries_are_kept_once(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    harness.apply(builder.frame());
    let mut twin = builder.clone();
    let record_of = |text: &str| OperationKind::LogRecords(vec![record(LogLevel::INFO, text)]);
    let frame = builder
        .push(record_of("one"))
        .push(lines(0, &["a"]))
        .frame();
    harness.apply(frame.clone());
    harness.unchanged(frame, FrameStatus::Duplicate);
    // The same two operations and a third, in one frame and then from the mark on.
    twin.push(record_of("one"))
        .push(lines(0, &["a"]))
        .push(record_of("two"));
    let refused = harness.append(twin.clone().frame());
    assert_eq!(refused.status, FrameStatus::Mismatch);
    harness.apply(builder.push(record_of("two")).frame());
    let run = harness.key("run-a");
    let scan = LogScan::whole(builder.writer(), 10);
    let all = harness.ask(|snapshot| all_records(snapshot, run, scan));
    let messages: Vec<&str> = all
        .iter()
        .map(|record| record.entry.message.as_str())
        .collect();
    assert_eq!(messages, ["one", "two"]);
    assert_eq!(
        texts(harness, "run-a", builder.writer(), 10),
        numbered(0, &["a"])
    );
}

pub fn long_lines_are_cut_and_counted(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let long = "é".repeat(40_000);
    builder.push(lines(0, &["short", &long, &"x".repeat(65_536)]));
    let records = vec![record(LogLevel::INFO, &long)];
    harness.apply(builder.push(OperationKind::LogRecords(records)).frame());
    let run = harness.key("run-a");
    let scan = LogScan::whole(builder.writer(), 100);
    let all = harness.ask(|snapshot| all_lines(snapshot, run, scan.clone()));
    let cuts: Vec<(usize, u64)> = all
        .iter()
        .map(|line| (line.entry.text.len(), line.entry.cut_bytes))
        .collect();
    assert_eq!(cuts, [(5, 0), (65_536, 14_464), (65_536, 0)]);
    let all = harness.ask(|snapshot| all_records(snapshot, run, scan));
    assert_eq!(all[0].entry.message, "é".repeat(32_768));
    assert_eq!(all[0].entry.cut_bytes, 14_464);
    assert_eq!(harness.warning_counts("run-a"), [("log_cut".to_owned(), 2)]);
}

pub fn an_operation_with_too_many_lines_is_refused_alone(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let many = vec![""; LOG_ENTRIES_IN_OPERATION_MAX + 1];
    let long = "x".repeat(65_536);
    let much = vec![long.as_str(); TEXT_IN_OPERATION_MAX / 65_536 + 1];
    let mut extra = record(LogLevel::INFO, "with much");
    extra.extra = Some(runstone_model::JsonText::new(format!("\"{long}\"")).unwrap());
    builder
        .push(lines(0, &many))
        .push(lines(0, &["kept"]))
        .push(lines(0, &much))
        .push(OperationKind::LogRecords(vec![extra]));
    let refused = [2, 4, 5].map(|index| (index, RefusalCode::TooLarge));
    harness.apply_refusing(builder.frame(), &refused);
    assert_eq!(
        texts(harness, "run-a", builder.writer(), 10),
        numbered(0, &["kept"])
    );
}

pub fn a_long_log_comes_in_pages_of_bounded_size(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let text = "0123456789abcdef".repeat(512);
    let mut expected = Vec::new();
    for round in 0..6_u64 {
        let texts: Vec<String> = (0..60)
            .map(|index| format!("{round} {index} {text}"))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        expected.extend(numbered(round * 60, &texts));
        harness.apply(builder.push(lines(round * 60, &texts)).frame());
    }
    let run = harness.key("run-a");
    let scan = LogScan::whole(builder.writer(), 10_000);
    let page = harness
        .ask(|snapshot| snapshot.scan_log_lines(run, &scan))
        .unwrap();
    let bytes: usize = page.entries.iter().map(|line| line.entry.text.len()).sum();
    assert!(
        page.next.is_some() && bytes < 2 * crate::LOG_PAGE_BYTES_MAX,
        "{bytes}"
    );
    assert_eq!(texts(harness, "run-a", builder.writer(), 10_000), expected);
    let mut backwards = scan;
    backwards.newest_first = true;
    let all = harness.ask(|snapshot| all_lines(snapshot, run, backwards));
    assert_eq!(all.len(), 360);
    assert!(
        all.iter()
            .rev()
            .zip(&expected)
            .all(|(line, (number, text))| { line.number == *number && line.entry.text == *text })
    );
}

pub fn rewinds_and_removals_leave_logs_alone(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    let number = builder.metric("loss");
    builder.log(number, [(1.0, 1.0)]).push(lines(0, &["a"]));
    harness.apply(builder.frame());
    harness.apply(builder.rewind(0.0).frame());
    harness.apply(builder.remove(None, None).frame());
    assert!(harness.points("run-a", &key("loss")).is_empty());
    assert_eq!(
        texts(harness, "run-a", builder.writer(), 1),
        numbered(0, &["a"])
    );
}

pub fn logs_of_a_deleted_run_come_back_with_it_and_go_with_it(harness: &mut Harness) {
    let mut builder = FrameBuilder::creator("run-a", 1);
    harness.apply(builder.push(lines(0, &["a"])).frame());
    let run = harness.key("run-a");
    changed(harness, "run-a", &RunAction::Delete, 60);
    harness.apply_refusing(
        builder.push(lines(1, &["b"])).frame(),
        &[(0, RefusalCode::Deleted)],
    );
    changed(harness, "run-a", &RunAction::Undelete, 61);
    harness.apply(builder.push(lines(1, &["c"])).frame());
    assert_eq!(
        texts(harness, "run-a", builder.writer(), 1),
        numbered(0, &["a", "c"])
    );
    changed(harness, "run-a", &RunAction::Delete, 62);
    changed(harness, "run-a", &RunAction::Purge, 63);
    harness.fold();
    let (logs, lines) = harness.ask(|snapshot| {
        let scan = LogScan::whole(builder.writer(), 10);
        let lines = all_lines(snapshot, run, scan);
        (snapshot.read_logs(run, LogKind::Lines).unwrap(), lines)
    });
    assert!(logs.is_empty() && lines.is_empty());
}
