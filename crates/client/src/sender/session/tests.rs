//! The session against a model of the server, with every mishap the network and disks have.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use runstone_codec::{PackReader, SeriesColumns};
use runstone_model::{ChangeNumber, Context, MetricName, SeriesKey, Step, ValueType};
use runstone_wire::{DefineSeries, EndKind, EndWriter, Refusal, RefusalCode};

use super::*;
use crate::spool::Point;

mod counted;

/// A spool in memory: what survives a restart of the client is in `Disk`.
#[derive(Debug, Clone, Default)]
struct Disk {
    records: Vec<(Item, u64)>,
    acknowledged: Place,
    /// Records below this slot are gone.
    first_kept: u64,
}

#[derive(Debug, Clone)]
enum Item {
    Point(Point),
    Operation(Bytes, bool),
}

impl Item {
    fn slots(&self) -> u64 {
        match self {
            Self::Point(point) if point.epoch.is_none() => 1,
            Self::Point(_) => 2,
            Self::Operation(bytes, _) => 1 + bytes.len().div_ceil(32) as u64,
        }
    }
}

impl Disk {
    fn push(&mut self, item: Item, head: u64) {
        self.records.push((item, head));
    }

    fn end(&self) -> u64 {
        self.records.iter().map(|(item, _)| item.slots()).sum()
    }

    /// Slot and chain of each record, and of the end.
    fn places(&self) -> Vec<Place> {
        let mut place = Place::default();
        let mut places = vec![place];
        for (item, head) in &self.records {
            place = Place {
                slot: place.slot + item.slots(),
                chain: mix(place.chain.rotate_left(5) ^ head),
            };
            places.push(place);
        }
        places
    }

    /// Releases what is acknowledged but `kept` slots.
    fn release(&mut self, kept: u64) {
        let limit = self.acknowledged.slot.saturating_sub(kept);
        let places = self.places();
        let first = places.iter().rev().find(|place| place.slot <= limit);
        self.first_kept = self.first_kept.max(first.map_or(0, |place| place.slot));
    }
}

fn mix(value: u64) -> u64 {
    (value ^ (value >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (value >> 7)
}

/// A reader over the disk; the disk is behind a cell so that tests push while a session reads.
#[derive(Clone)]
struct MemorySlots {
    disk: std::rc::Rc<std::cell::RefCell<Disk>>,
    at: usize,
    current: Option<Item>,
}

impl MemorySlots {
    fn new(disk: &std::rc::Rc<std::cell::RefCell<Disk>>) -> Self {
        Self {
            disk: std::rc::Rc::clone(disk),
            at: 0,
            current: None,
        }
    }

    fn index_of(&self, slot: u64) -> Result<usize, SpoolError> {
        let disk = self.disk.borrow();
        if slot < disk.first_kept {
            return Err(SpoolError::Released {
                slot,
                first: disk.first_kept,
            });
        }
        let found = disk.places().iter().position(|place| place.slot == slot);
        found.ok_or(SpoolError::Beyond {
            slot,
            end: disk.end(),
        })
    }
}

impl Slots for MemorySlots {
    fn next_record(&mut self) -> Result<Option<Record<'_>>, SpoolError> {
        let Some((item, _)) = self.disk.borrow().records.get(self.at).cloned() else {
            return Ok(None);
        };
        self.at += 1;
        Ok(Some(match self.current.insert(item) {
            Item::Point(point) => Record::Point(*point),
            Item::Operation(bytes, declaration) => Record::Operation {
                bytes,
                declaration: *declaration,
            },
        }))
    }

    fn place(&self) -> Place {
        self.disk.borrow().places()[self.at]
    }

    fn seek(&mut self, place: Place) -> Result<(), SpoolError> {
        self.at = self.index_of(place.slot)?;
        assert_eq!(self.place(), place, "sought with a chain that is not there");
        Ok(())
    }

    fn chain_at(&mut self, slot: u64) -> Result<u64, SpoolError> {
        let index = self.index_of(slot)?;
        Ok(self.disk.borrow().places()[index].chain)
    }

    fn first_slot_available(&self) -> u64 {
        self.disk.borrow().first_kept
    }

    fn has_more(&self) -> bool {
        self.at < self.disk.borrow().records.len()
    }

    fn acknowledged(&self) -> Place {
        self.disk.borrow().acknowledged
    }

    fn release(&mut self, place: Place) -> Result<(), SpoolError> {
        let mut disk = self.disk.borrow_mut();
        disk.acknowledged = place;
        Ok(())
    }

    fn declarations(&self) -> Result<Vec<Bytes>, SpoolError> {
        let disk = self.disk.borrow();
        Ok(disk
            .records
            .iter()
            .filter_map(|(item, _)| match item {
                Item::Operation(bytes, true) => Some(bytes.clone()),
                _ => None,
            })
            .collect())
    }
}

/// The rules of `docs/formats/frame.md`.
#[derive(Debug, Clone, Default)]
struct ModelServer {
    writers: HashMap<WriterId, ServerWriter>,
}

#[derive(Debug, Clone, Default)]
struct ServerWriter {
    mark: Place,
    /// Value bits of each point applied, in order.
    points: Vec<u64>,
    lost: Vec<(u64, u64)>,
    declared: BTreeMap<u32, ValueType>,
    generations: Vec<u32>,
}

impl ModelServer {
    fn receive(&mut self, frame: &Frame) -> FrameAnswer {
        let unknown = !self.writers.contains_key(&frame.writer);
        let mut writer = self.writers.get(&frame.writer).cloned().unwrap_or_default();
        let first = Place {
            slot: frame.first_slot,
            chain: frame.chain_first,
        };
        let (status, lost) = if frame.is_empty_range() {
            let known = frame.first_slot == writer.mark.slot && !unknown;
            (
                if known {
                    FrameStatus::Applied
                } else {
                    FrameStatus::Mismatch
                },
                0,
            )
        } else if frame.next_slot <= writer.mark.slot {
            (FrameStatus::Duplicate, 0)
        } else if first == writer.mark {
            (FrameStatus::Applied, 0)
        } else if frame.base && frame.first_slot > writer.mark.slot {
            writer.lost.push((writer.mark.slot, frame.first_slot));
            (FrameStatus::Applied, frame.first_slot - writer.mark.slot)
        } else {
            (FrameStatus::Mismatch, 0)
        };
        if status == FrameStatus::Applied && !frame.is_empty_range() {
            writer.apply(frame);
            writer.mark = Place {
                slot: frame.next_slot,
                chain: frame.chain_next,
            };
            self.writers.insert(frame.writer, writer.clone());
        }
        FrameAnswer {
            mark: writer.mark.slot,
            chain: writer.mark.chain,
            status,
            refusals: Vec::new(),
            run_state: None,
            stop_requested: false,
            change: ChangeNumber(0),
            lost_slots: lost,
        }
    }
}

impl ServerWriter {
    fn apply(&mut self, frame: &Frame) {
        for (index, operation) in frame.operations.iter().enumerate() {
            match operation.decode().unwrap().kind {
                OperationKind::DefineSeries(define) => {
                    self.declared.insert(define.number, define.value_type);
                }
                OperationKind::Rewind { .. } => {
                    assert_eq!(index, 0, "a barrier stands first");
                    self.generations.push(frame.generation);
                }
                OperationKind::Points(pack) => {
                    let reader = PackReader::parse(&pack).unwrap();
                    let mut columns = SeriesColumns::default();
                    for at in 0..reader.series_count() {
                        let entry = reader.series().nth(at).unwrap();
                        assert_eq!(
                            self.declared.get(&entry.number),
                            Some(&entry.value_type),
                            "points of an undeclared series"
                        );
                        reader.decode(at, &mut columns).unwrap();
                        self.points.extend(&columns.values);
                    }
                }
                _ => {}
            }
        }
    }
}

/// A script that logs numbered points into a disk.
struct Script {
    disk: std::rc::Rc<std::cell::RefCell<Disk>>,
    next_value: u64,
    salt: u64,
}

impl Script {
    fn new() -> Self {
        let script = Self {
            disk: std::rc::Rc::default(),
            next_value: 0,
            salt: 1,
        };
        for number in 1..4 {
            script.operation(
                OperationKind::DefineSeries(DefineSeries {
                    number,
                    key: SeriesKey::metric(
                        MetricName::new(format!("m{number}")).unwrap(),
                        Context::empty(),
                    ),
                    value_type: ValueType::I64,
                    auto_step: false,
                }),
                true,
            );
        }
        script
    }

    fn operation(&self, kind: OperationKind, declaration: bool) {
        let bytes = encoded(kind).as_bytes().clone();
        let head = mix(self.salt ^ bytes.len() as u64);
        self.disk
            .borrow_mut()
            .push(Item::Operation(bytes, declaration), head);
    }

    fn points(&mut self, count: u64) {
        for _ in 0..count {
            let value = self.next_value;
            self.next_value += 1;
            let point = Point {
                series: 1 + (value % 3) as u32,
                step: value as f64,
                time_micros: value as i64,
                value_bits: value,
                epoch: value.is_multiple_of(11).then_some(0.5),
            };
            let head = mix(self.salt ^ (value << 8));
            self.disk.borrow_mut().push(Item::Point(point), head);
        }
    }

    fn rewind(&self) {
        let to_step = Step::new(1.0).unwrap();
        self.operation(OperationKind::Rewind { to_step }, true);
    }

    /// First slot of each point, by value.
    fn slots_by_value(&self) -> BTreeMap<u64, u64> {
        let disk = self.disk.borrow();
        disk.records
            .iter()
            .zip(disk.places())
            .filter_map(|((item, _), place)| match item {
                Item::Point(point) => Some((point.value_bits, place.slot)),
                Item::Operation(..) => None,
            })
            .collect()
    }
}

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

#[derive(Debug, Clone)]
enum Event {
    Log(u64),
    Rewind,
    Send(Fate),
    /// The client is killed and its spool delivered with other frame sizes.
    Restart(usize),
    /// A second deliverer of the same spool sends so many frames.
    Other(usize, u32),
    Beat,
    Release(u64),
    Snapshot,
    Restore,
    Wipe,
    /// A frame sent long ago arrives once more.
    Late(usize),
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    IsLost,
    AnswerIsLost,
    ArrivesTwice,
    IsTooLarge,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Arrives),
        1 => Just(Fate::IsLost),
        2 => Just(Fate::AnswerIsLost),
        1 => Just(Fate::ArrivesTwice),
        1 => Just(Fate::IsTooLarge),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0u64..30).prop_map(Event::Log),
        1 => Just(Event::Rewind),
        12 => fate().prop_map(Event::Send),
        2 => (1usize..20).prop_map(Event::Restart),
        2 => ((1usize..20), 1u32..4).prop_map(|(caps, frames)| Event::Other(caps, frames)),
        1 => Just(Event::Beat),
        2 => (0u64..40).prop_map(Event::Release),
        1 => Just(Event::Snapshot),
        1 => Just(Event::Restore),
        1 => Just(Event::Wipe),
        2 => any::<proptest::sample::Index>().prop_map(|index| Event::Late(index.index(1000))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn each_point_arrives_once_or_is_counted_as_lost(
        events in proptest::collection::vec(event(), 1..80)
    ) {
        let mut script = Script::new();
        let mut server = ModelServer::default();
        let mut backup = server.clone();
        let mut sender = session(&script, 5);
        let mut sorter = PointSorter::default();
        let mut sent: Vec<Frame> = Vec::new();
        for event in events {
            match event {
                Event::Log(count) => script.points(count),
                Event::Rewind => script.rewind(),
                Event::Send(fate) => {
                    let company = Company::default();
                    let Some(packed) = sender.next_frame(&mut sorter, &company).unwrap() else {
                        continue;
                    };
                    sent.push(packed.frame.clone());
                    let outcome = match fate {
                        Fate::Arrives => Outcome::Answered(server.receive(&packed.frame)),
                        Fate::IsLost => Outcome::Silence,
                        Fate::AnswerIsLost => {
                            server.receive(&packed.frame);
                            Outcome::Silence
                        }
                        Fate::ArrivesTwice => {
                            server.receive(&packed.frame);
                            Outcome::Answered(server.receive(&packed.frame))
                        }
                        Fate::IsTooLarge if packed.records > 1 => Outcome::Refused {
                            reason: "too large".to_owned(),
                        },
                        Fate::IsTooLarge => Outcome::Silence,
                    };
                    sender.settle(&packed, outcome, no_name).unwrap();
                }
                Event::Restart(caps) => sender = session(&script, caps),
                Event::Other(caps, frames) => {
                    let mut other = session(&script, caps);
                    for _ in 0..frames {
                        let company = Company::default();
                        let Some(packed) = other.next_frame(&mut sorter, &company).unwrap() else {
                            break;
                        };
                        let answer = server.receive(&packed.frame);
                        other.settle(&packed, Outcome::Answered(answer), no_name).unwrap();
                    }
                }
                Event::Beat => {
                    let company = Company { heartbeat: true, ..Company::default() };
                    let packed = sender.next_frame(&mut sorter, &company).unwrap().unwrap();
                    let answer = server.receive(&packed.frame);
                    sender.settle(&packed, Outcome::Answered(answer), no_name).unwrap();
                }
                Event::Release(kept) => script.disk.borrow_mut().release(kept),
                Event::Snapshot => backup = server.clone(),
                Event::Restore => server = backup.clone(),
                Event::Wipe => server = ModelServer::default(),
                Event::Late(index) => {
                    if let Some(frame) = sent.get(index % sent.len().max(1)) {
                        server.receive(frame);
                    }
                }
            }
        }
        // In the end the network is good, and a beat tells the client where the server stands. The
        // end of the writer is a slot too: what is lost is told with the next slot there is.
        script.points(1);
        let company = Company { heartbeat: true, ..Company::default() };
        let packed = sender.next_frame(&mut sorter, &company).unwrap().unwrap();
        let answer = server.receive(&packed.frame);
        sender.settle(&packed, Outcome::Answered(answer), no_name).unwrap();
        send_all(&mut sender, &mut server);
        prop_assert_eq!(sender.acknowledged().slot, script.disk.borrow().end());
        let writer = server.writers.get(&own().writer).cloned().unwrap_or_default();
        let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
        for value in &writer.points {
            *seen.entry(*value).or_default() += 1;
        }
        for (value, slot) in script.slots_by_value() {
            let times = seen.get(&value).copied().unwrap_or(0);
            let lost = writer.lost.iter().any(|(from, to)| (*from..*to).contains(&slot));
            prop_assert_eq!(times, u32::from(!lost), "value {} at slot {}", value, slot);
        }
    }

    #[test]
    fn a_diverged_copy_takes_a_new_name_and_nothing_of_either_is_missing(
        common in 1u64..40, acknowledged in 0u64..40, mine in 1u64..40, theirs in 1u64..40,
        caps in 1usize..20,
    ) {
        let mut script = Script::new();
        script.points(common.min(acknowledged));
        let mut server = ModelServer::default();
        send_all(&mut session(&script, caps), &mut server);
        script.points(common.saturating_sub(acknowledged));
        // The machine is cloned here; both go on, with values of their own.
        let mut copy = Script {
            disk: std::rc::Rc::new(std::cell::RefCell::new(script.disk.borrow().clone())),
            next_value: 1000,
            salt: 2,
        };
        script.points(mine);
        copy.points(theirs);
        send_all(&mut session(&script, caps), &mut server);
        let mut twin = session(&copy, caps);
        let verdicts = send_all(&mut twin, &mut server);
        prop_assert!(verdicts.contains(&Verdict::Renamed));
        prop_assert_ne!(twin.name(), own());
        let seen: Vec<u64> = server
            .writers
            .values()
            .flat_map(|writer| writer.points.iter().copied())
            .collect();
        for value in script.slots_by_value().into_keys().chain(copy.slots_by_value().into_keys()) {
            prop_assert!(seen.contains(&value), "value {} is missing", value);
        }
        // Whoever delivers the copy later goes on under the new name, and changes nothing.
        let before = seen.len();
        let mut again =
            Session::open(MemorySlots::new(&copy.disk), run_id(), twin.name()).unwrap();
        send_all(&mut again, &mut server);
        let after: usize = server.writers.values().map(|writer| writer.points.len()).sum();
        prop_assert_eq!(after, before);
    }
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
