use proptest::prelude::*;

use super::*;

const ALL: [SpoolMode; 3] = [SpoolMode::Mmap, SpoolMode::Pwrite, SpoolMode::Memory];
const ON_DISK: [SpoolMode; 2] = [SpoolMode::Mmap, SpoolMode::Pwrite];

#[derive(Debug, Clone)]
enum Push {
    Point(u32, u64, i64, u64),
    Epoch(u32, u64, i64, u64, u64),
    Operation(Vec<u8>, bool),
}

fn push() -> impl Strategy<Value = Push> {
    prop_oneof![
        8 => (0..1_u32 << 24, any::<u64>(), any::<i64>(), any::<u64>())
            .prop_map(|(s, a, b, c)| Push::Point(s, a, b, c)),
        2 => (0..1_u32 << 24, any::<u64>(), any::<i64>(), any::<u64>(), any::<u64>())
            .prop_map(|(s, a, b, c, d)| Push::Epoch(s, a, b, c, d)),
        2 => (prop::collection::vec(any::<u8>(), 0..300), any::<bool>())
            .prop_map(|(bytes, declaration)| Push::Operation(bytes, declaration)),
        1 => (20_000..90_000_usize, any::<u8>())
            .prop_map(|(length, byte)| Push::Operation(vec![byte; length], false)),
    ]
}

fn bits(heard: &Heard) -> Vec<(u32, u64, i64, u64, Option<u64>)> {
    let rows = heard.rows.iter();
    rows.map(|r| (r.0, r.1.to_bits(), r.2, r.3, r.4.map(f64::to_bits)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_pushed_is_read_live_and_dead(pushes in prop::collection::vec(push(), 1..200)) {
        for mode in ON_DISK {
            let fixture = Fixture::new();
            let writer = fixture.open(mode);
            let mut live = SpoolReader::live(&writer);
            let (mut rows, mut operations) = (Vec::new(), Vec::new());
            for push in &pushes {
                match push {
                    Push::Point(s, a, b, c) => {
                        prop_assert!(writer.push_point(*s, f64::from_bits(*a), *b, *c));
                        rows.push((*s, *a, *b, *c, None));
                    }
                    Push::Epoch(s, a, b, c, d) => {
                        prop_assert!(writer.push_point_epoch(
                            *s, f64::from_bits(*a), *b, *c, f64::from_bits(*d)));
                        rows.push((*s, *a, *b, *c, Some(*d)));
                    }
                    Push::Operation(bytes, declaration) => {
                        writer.push_operation(bytes, *declaration).unwrap();
                        operations.push((bytes.clone(), *declaration));
                    }
                }
            }
            let heard = hear(&mut live);
            prop_assert_eq!(&bits(&heard), &rows);
            prop_assert_eq!(&heard.operations, &operations);
            prop_assert_eq!(live.position().0, writer.next_slot());
            prop_assert_eq!(writer.counters().logged, rows.len() as u64);
            let at_end = live.position();
            drop((writer, live));
            let mut dead = fixture.dead_reader();
            let again = hear(&mut dead);
            prop_assert_eq!(&bits(&again), &rows);
            prop_assert_eq!(&again.operations, &operations);
            prop_assert_eq!(again.lost, vec![]);
            prop_assert_eq!(dead.position(), at_end);
            let declared: Vec<_> = operations.iter()
                .filter(|(bytes, declaration)| *declaration && !bytes.is_empty())
                .map(|(bytes, _)| bytes.clone()).collect();
            prop_assert_eq!(dead.declarations().unwrap(), declared);
        }
    }
}

#[test]
fn many_threads_push_across_rotations_and_nothing_is_lost() {
    for mode in ALL {
        let fixture = Fixture::new();
        let writer = fixture.open(mode);
        let mut reader = SpoolReader::live(&writer);
        let each = 30_000_u64;
        let mut next = [0_u64; 4];
        std::thread::scope(|scope| {
            for series in 0..4_u32 {
                let writer = &writer;
                scope.spawn(move || {
                    for step in 0..each {
                        if step % 1000 == 0 {
                            writer.push_operation(&[7; 100], false).unwrap();
                        }
                        assert!(writer.push_point(series, step as f64, 1, step));
                    }
                });
            }
            while next.iter().sum::<u64>() < 4 * each {
                for (series, step, _, value, _) in hear(&mut reader).rows {
                    assert_eq!(value, next[series as usize]);
                    assert!(step == value as f64);
                    next[series as usize] += 1;
                }
                let (slot, chain) = reader.position();
                reader.release(slot, chain).unwrap();
            }
        });
        assert_eq!(reader.position().0, writer.next_slot());
        assert!(writer.remove().unwrap());
        assert!(
            leftover_spools(fixture.folder.path(), None)
                .unwrap()
                .is_empty()
        );
        assert!(!writer.push_point(0, 0.0, 0, 0));
    }
}

#[test]
fn a_reader_goes_back_and_finds_the_same_chain() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    let mut reader = SpoolReader::live(&writer);
    let mut places = Vec::new();
    for step in 0..20_000 {
        writer.push_point(1, f64::from(step), 0, 0);
        if step % 777 == 0 {
            writer.push_operation(&[1; 77], true).unwrap();
            hear(&mut reader);
            places.push(reader.position());
        }
    }
    hear(&mut reader);
    let end = reader.position();
    for place in &places {
        assert_eq!(reader.chain_at(place.0).unwrap(), place.1);
    }
    assert_eq!(reader.position(), end);
    reader.seek(places[3].0, places[3].1).unwrap();
    assert!(reader.next_record().unwrap().is_some());
    hear(&mut reader);
    assert_eq!(reader.position(), end);
    assert!(matches!(
        reader.seek(end.0 + 1, 0),
        Err(SpoolError::Beyond { .. })
    ));
    drop((writer, reader));
    let mut dead = fixture.dead_reader();
    for place in &places {
        assert_eq!(dead.chain_at(place.0).unwrap(), place.1);
    }
    hear(&mut dead);
    assert_eq!(dead.position(), end);
}

#[test]
fn an_acknowledgement_survives_and_the_rest_is_delivered_from_there() {
    for mode in ON_DISK {
        let fixture = Fixture::new();
        let writer = fixture.open(mode);
        let mut reader = SpoolReader::live(&writer);
        for step in 0..10_000 {
            writer.push_point(1, f64::from(step), 0, 0);
        }
        for _ in 0..6_000 {
            reader.next_record().unwrap();
        }
        let (slot, chain) = reader.position();
        reader.release(slot, chain).unwrap();
        writer.note_refused(3);
        writer.note_dropped(5, 2);
        writer.note_dropped(1 << 20, 4);
        drop((writer, reader));
        let leftover = fixture.only_leftover();
        assert_eq!(leftover.acknowledged, (slot, chain));
        assert_eq!(leftover.counters.refused, 3);
        assert_eq!(leftover.counters.dropped, 6);
        assert_eq!(leftover.counters.dropped_by_series, vec![(0, 4), (5, 2)]);
        assert_eq!(leftover.counters.logged, 10_009);
        assert_eq!(
            (leftover.run.as_str(), leftover.destination.as_str()),
            ("run", "local")
        );
        let mut dead = fixture.dead_reader();
        assert!(!dead.needs_base());
        assert_eq!(dead.position(), (slot, chain));
        assert_eq!(hear(&mut dead).rows.len(), 4_000);
        let (end, chain) = dead.position();
        dead.release(end, chain).unwrap();
        assert!(dead.remove_folder().unwrap());
        assert!(
            leftover_spools(fixture.folder.path(), None)
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn memory_is_unmapped_when_the_sender_is_behind_and_read_from_the_files() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    let mut reader = SpoolReader::live(&writer);
    for step in 0..200_000 {
        writer.push_point(1, f64::from(step), 0, 0);
    }
    wait_until("unmapping", || {
        let state = writer.store.line.lock();
        let mapped = state.segments.iter().filter(|s| s.memory.is_some()).count();
        mapped <= 2
    });
    let heard = hear(&mut reader);
    assert_eq!(heard.rows.len(), 200_000);
    assert!(
        heard
            .rows
            .iter()
            .zip(0..)
            .all(|(row, step)| row.1 == f64::from(step))
    );
    let end = reader.position();
    drop((writer, reader));
    let mut dead = fixture.dead_reader();
    hear(&mut dead);
    assert_eq!(dead.position(), end);
}

#[test]
fn acknowledged_segments_go_when_too_many_are_kept() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    let mut reader = SpoolReader::live(&writer);
    let folder = writer.folder().unwrap().to_path_buf();
    let bytes = || -> u64 {
        let entries = std::fs::read_dir(&folder).unwrap();
        entries
            .filter_map(|e| Some(e.ok()?.metadata().ok()?.len()))
            .sum()
    };
    for step in 0..3_000_000 {
        writer.push_point(1, f64::from(step), 0, 0);
        if step % 50_000 == 0 {
            hear(&mut reader);
            let (slot, chain) = reader.position();
            reader.release(slot, chain).unwrap();
        }
    }
    // 96 MB were written; 64 MiB, the segment in use and the spare may be there.
    wait_until("removal", || bytes() < (64 + 13) << 20);
    assert!(reader.first_slot_available() > 0);
    assert!(matches!(
        reader.seek(0, 0),
        Err(SpoolError::Released { .. })
    ));
    let first = reader.first_slot_available();
    assert!(reader.chain_at(first).is_ok());
    drop((writer, reader));
    // Nothing was acknowledged as far as this copy of the folder knows: a base frame is due.
    std::fs::remove_file(folder.join("state")).unwrap();
    let dead = fixture.dead_reader();
    assert!(dead.needs_base());
    assert_eq!(dead.position().0, first);
}

#[test]
fn a_wait_ends_with_the_next_push() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    let mut reader = SpoolReader::live(&writer);
    let bell = Bell::of_this_process();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for step in 0..50 {
                writer.push_point(1, f64::from(step), 0, 0);
                std::thread::yield_now();
            }
        });
        let mut rows = 0;
        while rows < 50 {
            rows += hear(&mut reader).rows.len();
            bell.arm();
            if reader.has_more() {
                bell.disarm();
                continue;
            }
            if rows < 50 {
                assert!(bell.wait(Duration::from_secs(30)));
            }
        }
    });
}

#[test]
fn refused_operations_are_kept_and_listed() {
    let fixture = Fixture::new();
    let rejected = Rejected::new(fixture.folder.path(), "host");
    assert_eq!(rejected.writers().unwrap(), vec![]);
    let writer = fresh_writer();
    let operation = |slot| RejectedOperation {
        at_micros: -1,
        slot,
        code: "type_conflict".into(),
        reason: "é".into(),
        bytes: bytes::Bytes::from_static(b"\0abc"),
    };
    rejected
        .append(writer, &[operation(1), operation(2)])
        .unwrap();
    rejected.append(writer, &[operation(3)]).unwrap();
    let read = rejected.read(writer).unwrap();
    assert_eq!(read, vec![operation(1), operation(2), operation(3)]);
    assert_eq!(rejected.writers().unwrap().len(), 1);
    assert!(
        leftover_spools(fixture.folder.path(), None)
            .unwrap()
            .is_empty()
    );
}
