//! The sample in `tests/compat/spool` was written by version 1 and is read for ever.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::line::{Asks, Line};
use super::super::segment::{Recipe, SegmentFile};
use super::super::slot::{KIND_POINT, tag};
use super::super::state::StateFile;
use super::super::{declarations, header};
use super::*;

const WRITER: &str = "000102030405060708090a0b0c0d0e0f";

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat/spool")
}

#[test]
fn the_frozen_folder_reads_as_it_did() {
    let fixture = Fixture::new();
    let folder = fixture.folder.path().join("host").join(WRITER);
    std::fs::create_dir_all(&folder).unwrap();
    let mut bytes = 0;
    for entry in std::fs::read_dir(sample().join("host").join(WRITER)).unwrap() {
        let entry = entry.unwrap();
        bytes += std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    assert!(bytes < 64 * 1024);
    let leftover = fixture.only_leftover();
    assert_eq!(leftover.writer.to_string(), WRITER);
    assert_eq!(leftover.run, "01JABCDEFGHJKMNPQRSTVWXYZ0");
    assert_eq!(leftover.destination, "https://runstone.example/base");
    assert_eq!(
        (leftover.host.as_str(), leftover.pid),
        ("sample-host", 4242)
    );
    assert_eq!(leftover.boot_id, "7b7c9f5e-0000-4000-8000-00000000b007");
    assert_eq!(leftover.created_at_micros, 1_700_000_000_000_000);
    assert_eq!(leftover.counters.dropped_by_series, vec![(0, 2), (3, 9)]);
    assert_eq!(
        (leftover.counters.logged, leftover.counters.refused),
        (141, 4)
    );
    let mut reader = SpoolReader::dead(leftover.lock().unwrap()).unwrap();
    assert_eq!(
        reader.declarations().unwrap(),
        vec![&b"declared one"[..], b"declared two"]
    );
    // Both are slots where a record begins: after the declarations, and after all.
    let mark = leftover.acknowledged;
    assert_eq!(reader.chain_at(mark.0).unwrap(), mark.1);
    assert_eq!(mark, (4, 0x7FDC_490B_5FC8_F0E4));
    // In the header of the second segment.
    assert_eq!(reader.chain_at(96).unwrap(), 0x200E_03A1_ACF8_C524);
    reader.seek(0, 0).unwrap();
    let heard = hear(&mut reader);
    assert_eq!(
        heard.operations,
        vec![
            (b"declared one".to_vec(), true),
            (b"declared two".to_vec(), true),
            ((0..=255).collect(), false),
        ]
    );
    assert_eq!(heard.lost, vec![(1, LossCause::PowerLoss)]);
    assert_eq!(heard.rows.len(), 132);
    assert_eq!(
        heard.rows[0],
        (1, 0.0, 1_700_000_000_000_000, 0.5_f64.to_bits(), None)
    );
    assert_eq!(heard.rows[1].3, 0x7ff8_0000_0000_0abc);
    assert_eq!(
        heard.rows[2],
        (2, -1.5, -1, (-7_i64).cast_unsigned(), Some(0.25))
    );
    let counted = heard.rows[3..].iter().zip(0..);
    for (row, step) in counted {
        assert_eq!(
            *row,
            (
                3,
                f64::from(step),
                i64::from(step),
                u64::from(step as u32),
                None
            )
        );
    }
    assert_eq!(reader.position(), (154, 0x634E_D0A7_E132_07D4));
}

/// Writes the sample anew; for the day when there is a version 2 beside it.
#[test]
#[ignore = "writes tests/compat/spool"]
fn write_the_sample() {
    let folder = sample().join("host").join(WRITER);
    std::fs::create_dir_all(&folder).unwrap();
    let identity = header::Identity {
        writer: WRITER.parse().unwrap(),
        pid: 4242,
        boot_id: "7b7c9f5e-0000-4000-8000-00000000b007".into(),
        host: "sample-host".into(),
        run: "01JABCDEFGHJKMNPQRSTVWXYZ0".into(),
        destination: "https://runstone.example/base".into(),
    };
    let segment = |number: u32| {
        let recipe = Recipe {
            mode: SpoolMode::Mmap,
            path: folder.join(format!("{number:08}.seg")),
            identity: &identity,
            bytes: 4096 + 3072,
            created_at_micros: 1_700_000_000_000_000 + i64::from(number),
            prefault: false,
        };
        Arc::new(SegmentFile::make(&recipe).unwrap())
    };
    let line = Line::new(segment(0), false);
    let unused = segment(2);
    let declared = declarations::Declarations::new(Some(&folder));
    for bytes in [&b"declared one"[..], b"declared two"] {
        declared.append(bytes);
        line.publish_blob(&line.reserve(2).unwrap(), bytes, 1);
    }
    let point = |series, step: f64, time: i64, value: u64| {
        assert!(line.push_one(
            tag(KIND_POINT, series),
            [step.to_bits(), time.cast_unsigned(), value]
        ));
    };
    point(1, 0.0, 1_700_000_000_000_000, 0.5_f64.to_bits());
    point(1, 1.0, 1_700_000_000_000_001, 0x7ff8_0000_0000_0abc);
    let at = line.reserve(2).unwrap();
    let body = [
        (-1.5_f64).to_bits(),
        (-1_i64).cast_unsigned(),
        (-7_i64).cast_unsigned(),
    ];
    line.publish_with_epoch(&at, tag(4, 2), body, 0.25_f64.to_bits());
    // A hole.
    assert!(line.reserve(1).is_some());
    for step in 0..80 {
        point(3, f64::from(step), i64::from(step), u64::from(step as u32));
    }
    // Nine slots are wanted and seven are left: padding, and the second segment.
    let payload: Vec<u8> = (0..=255).collect();
    assert!(line.reserve(9).is_none());
    let make = |_: &_| Some(segment(1));
    let at = line.reserve_slowly(9, Asks::Operation, make).unwrap();
    line.publish_blob(&at, &payload, 0);
    for step in 80..129 {
        point(3, f64::from(step), i64::from(step), u64::from(step as u32));
    }
    let state = StateFile::make(Some(&folder), SpoolMode::Mmap, identity.writer).unwrap();
    let mut cursor = super::super::live::LiveCursor::new(0, 0);
    let fetch = |_: &_, _| Err(());
    for _ in 0..2 {
        cursor.next(&line, &mut Vec::new(), fetch).unwrap();
    }
    state.acknowledge(2, 77).unwrap();
    state.acknowledge(cursor.slot, cursor.chain).unwrap();
    state.set_logged(141);
    state.add_refused(4);
    state.add_dropped(3, 9);
    state.add_dropped(4000, 2);
    drop(unused);
    // As a reader that came by would have done.
    let segments = super::super::dead::segments_in(&folder).unwrap();
    let mut dead = super::super::dead::DeadCursor::new(segments, "").unwrap();
    dead.end = 96;
    while dead.next(&mut Vec::new()).unwrap().is_some() {}
    let second = line.lock().segments[1].memory.clone().unwrap();
    super::super::segments::SegmentMemory::note_chain(&*second, dead.chain);
}
