//! Every mishap the network and disks have, in any order.

use super::*;

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
