//! Logs over the in-memory engine: pages through all writers, tails by time, what is refused.

use super::*;
use crate::tests::Bench;
use crate::{ErrorKind, api::RecordsQuery};
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS};

/// Two writers of 6 and 5 lines, whose clocks interleave.
fn bench() -> (Bench, [WriterId; 2]) {
    let bench = Bench::new();
    let mut first = FrameBuilder::creator("run-a", 9);
    let mut second = FrameBuilder::secondary("run-a", 1);
    bench.send(&mut first);
    for number in 0..6 {
        first.set_clock(TEST_EPOCH_MICROS + 10 * number);
        second.set_clock(TEST_EPOCH_MICROS + 10 * number + 5);
        let index = number.cast_unsigned();
        first.log_lines(index, &[&format!("a{number}")]);
        first.log_record(10 * (number as i32 + 1), &format!("r{number}"));
        bench.send(&mut first);
        if number < 5 {
            bench.send(second.log_lines(index, &[&format!("b{number}")]));
        }
    }
    (bench, [first.writer(), second.writer()])
}

fn texts(page: &LogsPage) -> Vec<&str> {
    page.lines.iter().map(|line| line.text.as_str()).collect()
}

fn lines(bench: &Bench, query: LogsQuery) -> Result<LogsPage, ServiceError> {
    bench.service.list_log_lines(&bench.me, "run-a", &query)
}

#[test]
fn pages_go_through_the_logs_in_the_order_of_their_writers() {
    let (bench, writers) = bench();
    for limit in [1, 4, 100] {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = lines(
                &bench,
                LogsQuery {
                    limit: Some(limit),
                    cursor: cursor.clone(),
                    ..LogsQuery::default()
                },
            )
            .unwrap();
            assert!(page.lines.len() <= limit);
            let listed: Vec<(WriterId, u64)> = page
                .writers
                .iter()
                .map(|log| (log.writer, log.next))
                .collect();
            assert_eq!(listed, [(writers[0], 6), (writers[1], 5)]);
            seen.extend(texts(&page).into_iter().map(str::to_owned));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let expected = [
            "a0", "a1", "a2", "a3", "a4", "a5", "b0", "b1", "b2", "b3", "b4",
        ];
        assert_eq!(seen, expected, "{limit}");
    }
}

#[test]
fn a_tail_is_joined_by_time_and_keeps_each_writers_order() {
    let (bench, [first, _]) = bench();
    let tail = |tail, writer: Option<WriterId>| {
        let query = LogsQuery {
            tail: Some(tail),
            writer: writer.map(|writer| writer.to_string()),
            ..LogsQuery::default()
        };
        lines(&bench, query).unwrap()
    };
    assert_eq!(texts(&tail(4, None)), ["b3", "a4", "b4", "a5"]);
    assert_eq!(texts(&tail(100, None)).len(), 11);
    assert_eq!(texts(&tail(2, Some(first))), ["a4", "a5"]);
    // A clock that goes back takes nothing out of its order.
    let found = |numbers: &[(u64, i64)]| -> Vec<Found<i64>> {
        let writer = WriterId::new([1; 16]);
        let found = numbers.iter().map(|(number, entry)| Found {
            writer,
            number: *number,
            entry: *entry,
        });
        found.collect()
    };
    let joined = join_by_time(
        found(&[(0, 10), (1, 3), (2, 30)]),
        found(&[(100, 5), (101, 20)]),
        &|time| Timestamp::from_micros(*time),
    );
    let numbers: Vec<u64> = joined.iter().map(|found| found.number).collect();
    assert_eq!(numbers, [100, 0, 1, 101, 2]);
}

#[test]
fn ranges_and_filters_are_of_one_log() {
    let (bench, [first, second]) = bench();
    let query = LogsQuery {
        writer: Some(first.to_string()),
        from: Some(2),
        to: Some(4),
        ..LogsQuery::default()
    };
    assert_eq!(texts(&lines(&bench, query).unwrap()), ["a2", "a3"]);
    let query = LogsQuery {
        stream: Some("stderr".to_owned()),
        ..LogsQuery::default()
    };
    assert!(lines(&bench, query).unwrap().lines.is_empty());
    let records = |level: &str, tail| {
        let query = RecordsQuery {
            level: Some(level.to_owned()),
            tail,
            ..RecordsQuery::default()
        };
        let page = bench.service.list_log_records(&bench.me, "run-a", &query);
        let page = page.unwrap();
        assert_eq!(page.writers.len(), 1);
        page.records
            .into_iter()
            .map(|record| record.message)
            .collect::<Vec<_>>()
    };
    assert_eq!(records("WARNING", None), ["r2", "r3", "r4", "r5"]);
    assert_eq!(records("45", None), ["r4", "r5"]);
    assert_eq!(records("debug", Some(2)), ["r4", "r5"]);
    // A writer without records has none; one that is not there is an error.
    let of = |writer: WriterId| {
        let query = RecordsQuery {
            writer: Some(writer.to_string()),
            ..RecordsQuery::default()
        };
        bench.service.list_log_records(&bench.me, "run-a", &query)
    };
    assert!(of(second).unwrap().records.is_empty());
    let error = of(WriterId::new([77; 16])).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[test]
fn what_can_not_be_asked_is_refused_with_the_next_step() {
    let (bench, [first, _]) = bench();
    let writer = Some(first.to_string());
    for query in [
        LogsQuery {
            from: Some(1),
            ..LogsQuery::default()
        },
        LogsQuery {
            writer: Some("me".to_owned()),
            ..LogsQuery::default()
        },
        LogsQuery {
            tail: Some(0),
            ..LogsQuery::default()
        },
        LogsQuery {
            tail: Some(1),
            limit: Some(1),
            ..LogsQuery::default()
        },
        LogsQuery {
            limit: Some(LOGS_PAGE_MAX + 1),
            ..LogsQuery::default()
        },
        LogsQuery {
            stream: Some("both".to_owned()),
            ..LogsQuery::default()
        },
        LogsQuery {
            writer,
            cursor: Some("what".to_owned()),
            ..LogsQuery::default()
        },
    ] {
        let error = lines(&bench, query.clone()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{query:?}");
        let says_how = error.hint.is_some() || error.message.contains("hint:");
        assert!(says_how, "{error:?}");
    }
}
