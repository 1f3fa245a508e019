//! Lines, records and objects of a run, as they travel.

use runstone_client::{
    At, BlobDigest, ClientError, LogLevel, LogStream, Object, Record, Run, RunEnd, RunOptions,
    SeriesKind,
};
use runstone_wire::{LogLine, LogRecord, ObjectPoints, OperationKind};

use crate::fake_server::FakeServer;
use crate::{LONG, options};

#[test]
fn lines_records_and_objects_travel_in_the_order_of_their_calls() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let run = Run::open(options(spool.path(), &server.url())).unwrap();
    run.log_line(LogStream::Stdout, "first").unwrap();
    run.log_line(LogStream::Stderr, &"é".repeat(40_000))
        .unwrap();
    let own = |text: &str| LogLine {
        text: text.to_owned(),
        stream: LogStream::Stdout,
        time: runstone_client::Timestamp::from_micros(7),
        cut_bytes: 0,
    };
    // One that is drawn over, and enough for several operations.
    run.log_lines(1, vec![own("again"); 9_000]).unwrap();
    run.log_line(LogStream::Stdout, "behind").unwrap();
    let record = Record::new(LogLevel(35), "slow")
        .logger("train")
        .source("train.py", 3)
        .extra("{\"x\":1.50}")
        .at_time(5);
    run.log_record(&record).unwrap();
    let digests = [BlobDigest::new([7; 32])];
    let object = |document| Object {
        document,
        digests: &digests,
    };
    let objects = [object("{\"n\": 1}"), object("2")];
    run.track_objects("o", SeriesKind::Image, &objects, At::step(-0.0).epoch(2.0))
        .unwrap();
    for _ in 0..2 {
        run.track_objects("o", SeriesKind::Image, &objects[..1], ())
            .unwrap();
    }
    // Without a point, the sender was started all the same.
    assert!(run.flush(LONG).complete);
    run.close(RunEnd::Succeeded, LONG);
    let (mut lines, mut records) = (Vec::new(), Vec::<LogRecord>::new());
    let (mut sets, mut defined) = (Vec::<ObjectPoints>::new(), Vec::new());
    for kind in server.operations() {
        match kind {
            OperationKind::LogLines(given) => {
                assert!(given.lines.len() <= 4_096);
                lines.extend((given.first_line..).zip(given.lines));
            }
            OperationKind::LogRecords(given) => records.extend(given),
            OperationKind::ObjectPoints(set) => sets.push(set),
            OperationKind::DefineSeries(define) => defined.push(define),
            _ => {}
        }
    }
    let numbers: Vec<u64> = lines.iter().map(|(number, _)| *number).collect();
    let expected: Vec<u64> = [0, 1].into_iter().chain(1..9_001).chain([9_001]).collect();
    assert_eq!(numbers, expected);
    assert_eq!(
        (lines[1].1.text.len(), lines[1].1.cut_bytes),
        (65_536, 14_464)
    );
    assert_eq!(records.len(), 1);
    let extra = records[0].extra.as_ref().map(|extra| extra.as_str());
    assert_eq!(
        (records[0].level, extra),
        (LogLevel(35), Some("{\"x\":1.50}"))
    );
    assert_eq!(
        (records[0].source_line, records[0].time.as_micros()),
        (3, 5)
    );
    let known: Vec<(u32, bool)> = defined
        .iter()
        .map(|one| (one.number, one.auto_step))
        .collect();
    assert_eq!(known, [(1, false), (2, true)]);
    let steps: Vec<(u32, f64)> = sets
        .iter()
        .map(|set| (set.number, set.step.get()))
        .collect();
    assert_eq!(steps, [(1, 0.0), (2, 0.0), (2, 1.0)]);
    assert_eq!(sets[0].objects.len(), 2);
    assert_eq!(sets[0].objects[0].document.as_str(), "{\"n\": 1}");
    assert_eq!(
        (sets[0].epoch, &sets[0].objects[0].digests[..]),
        (Some(2.0), &digests[..])
    );
}

#[test]
fn what_can_not_be_logged_is_refused_by_strict_runs_and_told_by_others() {
    let (server, spool) = (FakeServer::start(), tempfile::tempdir().unwrap());
    for strict in [true, false] {
        let run = Run::open(RunOptions {
            strict,
            ..options(spool.path(), &server.url())
        })
        .unwrap();
        let object = Object {
            document: "{\"x\": NaN}",
            digests: &[],
        };
        let refused = [
            run.log_record(&Record::new(LogLevel::INFO, "a").extra("NaN")),
            run.log_record(
                &Record::new(LogLevel::INFO, "a").extra(&format!("\"{}\"", "x".repeat(70_000))),
            ),
            run.track_objects("o", SeriesKind::Text, &[object], 1.0),
            run.track_objects("o", SeriesKind::Text, &[], 1.0),
            run.track_objects(
                "o",
                SeriesKind::Metric,
                &[Object {
                    document: "1",
                    digests: &[],
                }],
                1.0,
            ),
            run.track_objects(
                "o",
                SeriesKind::Text,
                &[Object {
                    document: "1",
                    digests: &[],
                }],
                f64::NAN,
            ),
        ];
        for (index, refused) in refused.into_iter().enumerate() {
            let is_invalid = matches!(refused, Err(ClientError::Invalid(_)));
            assert_eq!(is_invalid, strict, "{index}: {refused:?}");
        }
        run.close(RunEnd::Succeeded, LONG);
        let late = run.log_line(LogStream::Stdout, "late");
        assert_eq!(matches!(late, Err(ClientError::Conflict(_))), strict);
    }
    let texts = server.operations().into_iter().filter(|kind| {
        matches!(
            kind,
            OperationKind::LogRecords(_)
                | OperationKind::ObjectPoints(_)
                | OperationKind::LogLines(_)
        )
    });
    assert_eq!(texts.count(), 0);
}
