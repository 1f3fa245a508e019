//! The session against a model of the server.

mod counted;
mod disk;
mod mishaps;
mod server;

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use runstone_codec::{PackReader, SeriesColumns};
use runstone_model::{ChangeNumber, Context, MetricName, SeriesKey, Step, ValueType, WriterId};
use runstone_wire::{DefineSeries, EndKind, EndWriter, FrameStatus, Refusal, RefusalCode};

use super::frames::encoded;
use super::*;
use crate::error::ClientError;
use crate::sender::points::PointSorter;
use crate::spool::Point;
use disk::{Item, MemorySlots, Script, mix};
use server::ModelServer;

fn run_id() -> RunId {
    RunId::new("r1").unwrap()
}

fn own() -> WireName {
    WireName::of_folder(WriterId::new([7; 16]))
}

fn session(script: &Script, points: usize) -> Session<MemorySlots> {
    let mut session = Session::open(MemorySlots::new(&script.disk), run_id(), own()).unwrap();
    session.set_caps(Caps::of_points(points));
    session
}

fn no_name(_: Place) -> Result<Option<WriterId>, ClientError> {
    panic!("no new name is needed here");
}

/// Sends until nothing is left, through a good network.
fn send_all(session: &mut Session<MemorySlots>, server: &mut ModelServer) -> Vec<Verdict> {
    let mut sorter = PointSorter::default();
    let mut verdicts = Vec::new();
    let mut names = 100;
    while let Some(packed) = session
        .next_frame(&mut sorter, &Company::default())
        .unwrap()
    {
        let answer = server.receive(&packed.frame);
        let settled = session
            .settle(&packed, Outcome::Answered(answer), |_| {
                names += 1;
                Ok(Some(WriterId::new([names; 16])))
            })
            .unwrap();
        verdicts.push(settled.verdict);
        assert!(
            verdicts.len() < 100_000,
            "no progress: {:?}",
            &verdicts[..20]
        );
    }
    verdicts
}

#[test]
fn a_server_that_lost_its_disk_gets_what_is_kept_and_the_rest_is_counted() {
    let mut script = Script::new();
    script.points(50);
    let mut server = ModelServer::default();
    let mut sender = session(&script, 7);
    send_all(&mut sender, &mut server);
    script.disk.borrow_mut().release(10);
    server = ModelServer::default();
    script.points(5);
    let verdicts = send_all(&mut sender, &mut server);
    assert!(verdicts.contains(&Verdict::Base), "{verdicts:?}");
    let writer = &server.writers[&own().writer];
    assert_eq!(writer.declared.len(), 3);
    let first_kept = script.disk.borrow().first_kept;
    assert_eq!(writer.lost, [(0, first_kept)]);
    assert_eq!(writer.points.iter().max(), Some(&54));
}

#[test]
fn a_loss_is_told_with_the_next_slot_and_nobody_spins_until_then() {
    let mut script = Script::new();
    script.points(3);
    let mut sender = session(&script, 100);
    send_all(&mut sender, &mut ModelServer::default());
    script.disk.borrow_mut().release(0);
    let mut server = ModelServer::default();
    let company = Company {
        heartbeat: true,
        ..Company::default()
    };
    let beat = sender
        .next_frame(&mut PointSorter::default(), &company)
        .unwrap()
        .unwrap();
    let answer = server.receive(&beat.frame);
    let settled = sender
        .settle(&beat, Outcome::Answered(answer), no_name)
        .unwrap();
    assert_eq!(settled.verdict, Verdict::Base);
    assert!(!sender.has_more());
    assert!(send_all(&mut sender, &mut server).is_empty());
    script.points(1);
    assert!(sender.has_more());
    send_all(&mut sender, &mut server);
    let writer = &server.writers[&own().writer];
    assert_eq!(writer.lost, [(0, script.disk.borrow().first_kept)]);
    assert_eq!(writer.points, [3]);
}

#[test]
fn a_restored_server_gets_again_what_is_still_kept() {
    let mut script = Script::new();
    script.points(20);
    let mut server = ModelServer::default();
    let mut sender = session(&script, 7);
    send_all(&mut sender, &mut server);
    let backup = server.clone();
    script.points(20);
    send_all(&mut sender, &mut server);
    server = backup;
    script.points(1);
    let verdicts = send_all(&mut sender, &mut server);
    assert!(verdicts.contains(&Verdict::Repacked), "{verdicts:?}");
    let mut points = server.writers[&own().writer].points.clone();
    points.sort_unstable();
    assert_eq!(points, (0..41).collect::<Vec<u64>>());
}

#[test]
fn a_rewind_begins_a_frame_and_the_generation_is_told() {
    let mut script = Script::new();
    script.points(3);
    script.rewind();
    script.points(3);
    script.rewind();
    let mut server = ModelServer::default();
    send_all(&mut session(&script, 100), &mut server);
    let writer = &server.writers[&own().writer];
    assert_eq!(writer.generations, [0, 1]);
    // A deliverer that begins in the middle knows how many rewinds lie before.
    let disk = &script.disk;
    let place = disk.borrow().places()[7];
    disk.borrow_mut().acknowledged = place;
    let resumed = session(&script, 100);
    assert_eq!(resumed.rewinds.at(place.slot), 1);
    assert_eq!(resumed.rewinds.at(place.slot + 100), 2);
}

#[test]
fn the_end_of_a_writer_stands_behind_the_points_of_its_frame() {
    let mut script = Script::new();
    script.points(2);
    let end = EndWriter {
        kind: EndKind::Closed,
        reason: None,
        ended_at: Timestamp::default(),
    };
    script.operation(OperationKind::EndWriter(end), false);
    script.points(1);
    let mut sender = session(&script, 100);
    let packed = sender
        .next_frame(&mut PointSorter::default(), &Company::default())
        .unwrap()
        .unwrap();
    let last = packed.frame.operations.last().unwrap().decode().unwrap();
    assert!(matches!(last.kind, OperationKind::EndWriter(_)));
    assert_eq!(packed.points, 3);
    assert_eq!(packed.frame.operations.len(), 5);
}

#[test]
fn one_record_refused_for_good_is_set_aside_and_its_neighbours_arrive() {
    let mut script = Script::new();
    script.points(40);
    let bad = 17;
    let mut server = ModelServer::default();
    let mut sender = session(&script, 100);
    let mut sorter = PointSorter::default();
    let mut rejected = Vec::new();
    let mut verdicts = Vec::new();
    while let Some(packed) = sender.next_frame(&mut sorter, &Company::default()).unwrap() {
        let mut probe = ModelServer::default();
        for number in 1..4 {
            let own = probe.writers.entry(packed.frame.writer).or_default();
            own.declared.insert(number, ValueType::I64);
            own.mark = packed.first;
        }
        probe.receive(&packed.frame);
        let holds_bad = probe.writers[&packed.frame.writer].points.contains(&bad);
        let outcome = if holds_bad {
            Outcome::Refused {
                reason: "no".to_owned(),
            }
        } else {
            Outcome::Answered(server.receive(&packed.frame))
        };
        let settled = sender.settle(&packed, outcome, no_name).unwrap();
        rejected.extend(settled.rejected);
        verdicts.push(settled.verdict);
        assert!(verdicts.len() < 100);
    }
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].code, "frame");
    let frame = Frame::decode(&rejected[0].bytes).unwrap();
    assert_eq!(frame.next_slot - frame.first_slot, 1);
    let mut points = server.writers[&own().writer].points.clone();
    points.sort_unstable();
    assert_eq!(
        points,
        (0..40).filter(|value| *value != bad).collect::<Vec<_>>()
    );
}

#[test]
fn a_refused_series_is_cut_out_of_its_pack() {
    let mut script = Script::new();
    script.points(9);
    let mut sender = session(&script, 100);
    let packed = sender
        .next_frame(&mut PointSorter::default(), &Company::default())
        .unwrap()
        .unwrap();
    let mut answer = ModelServer::default().receive(&packed.frame);
    answer.refusals.push(Refusal {
        operation: 3,
        series: Some(2),
        code: RefusalCode::TypeConflict,
        reason: "a number against text".to_owned(),
        points: 3,
    });
    let settled = sender
        .settle(&packed, Outcome::Answered(answer), no_name)
        .unwrap();
    assert_eq!(settled.verdict, Verdict::Advanced);
    assert_eq!(settled.points_refused, 3);
    let [rejected] = &settled.rejected[..] else {
        panic!("one operation is kept");
    };
    assert_eq!(rejected.code, "type_conflict");
    let operation = EncodedOperation::from_bytes(rejected.bytes.clone());
    let OperationKind::Points(pack) = operation.decode().unwrap().kind else {
        panic!("points are kept");
    };
    let reader = PackReader::parse(&pack).unwrap();
    assert_eq!(reader.series_count(), 1);
    assert_eq!(reader.point_count(), 3);
}

#[test]
fn a_server_that_contradicts_itself_is_not_hammered() {
    let mut script = Script::new();
    script.points(5);
    let mut sender = session(&script, 100);
    let packed = sender
        .next_frame(&mut PointSorter::default(), &Company::default())
        .unwrap()
        .unwrap();
    let mut answer = ModelServer::default().receive(&packed.frame);
    answer.status = FrameStatus::Mismatch;
    (answer.mark, answer.chain) = (0, 0);
    let settled = sender
        .settle(&packed, Outcome::Answered(answer), no_name)
        .unwrap();
    assert!(matches!(settled.verdict, Verdict::Confused(_)));
    assert_eq!(sender.acknowledged(), Place::default());
}
