use std::path::{Path, PathBuf};

use proptest::prelude::*;
use runstone_model::Step;

use super::*;
use crate::conformance::logs::{line, record};
use crate::conformance::objects::{object, set_of};

fn key_of(step: f64, append: u64) -> EntryKey {
    EntryKey {
        major: EntryKey::major_of_step(step),
        generation: 3,
        append,
        position: 1,
    }
}

/// A block of each kind, long enough to be compressed.
fn samples() -> [(EntryKind, Vec<Entry>); 3] {
    let lines = (0..40).map(|number| {
        let mut line = line(&format!("epoch {number} of 40: loss {}", 40 - number));
        line.cut_bytes = number % 3;
        encode_line(number * number, &line)
    });
    let records = (0..30).map(|number| {
        let level = runstone_model::LogLevel(number * 10 - 20);
        let mut record = record(level, "the learning rate was reduced");
        record.file = "train.py".to_owned();
        record.source_line = 17;
        record.extra = (number % 2 == 0)
            .then(|| runstone_model::JsonText::new(format!("{{\"batch\":{number}}}")).unwrap());
        encode_record(number.cast_unsigned().into(), &record)
    });
    let sets = (0..20_u64).map(|number| {
        let mut set = set_of(1, 0.0, &[7, 8]);
        set.epoch = (number % 2 == 0).then_some(0.5);
        set.objects.push(object("{\"caption\": \"é\"}", &[9; 2]));
        encode_object_set(key_of(number as f64 / 2.0 - 4.0, 1_000 - number), &set)
    });
    [
        (EntryKind::Lines, lines.collect()),
        (EntryKind::Records, records.collect()),
        (EntryKind::Objects, sets.collect()),
    ]
}

fn sample_path(kind: EntryKind, part: &str) -> PathBuf {
    let name = match kind {
        EntryKind::Lines => "lines",
        EntryKind::Records => "records",
        EntryKind::Objects => "objects",
    };
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/compat/entries")
        .join(format!("v1-{name}.{part}"))
}

/// What zstd writes may differ from release to release, so only reading is frozen.
#[test]
fn the_frozen_blocks_of_version_1_are_read() {
    for (kind, entries) in samples() {
        let (head, data) = (sample_path(kind, "head"), sample_path(kind, "data"));
        if std::env::var_os("UPDATE_SAMPLES").is_some() && !head.exists() {
            let block = encode_entries(kind, &entries, true).unwrap();
            std::fs::create_dir_all(head.parent().unwrap()).unwrap();
            std::fs::write(&head, block.head).unwrap();
            std::fs::write(&data, block.data).unwrap();
        }
        let read = EntryHead::parse(&std::fs::read(head).unwrap()).unwrap();
        assert_eq!(read.kind, kind);
        assert_eq!(
            read.entries_with(&std::fs::read(data).unwrap()).unwrap(),
            entries
        );
    }
}

#[test]
fn entries_come_back_from_blocks_of_both_kinds() {
    for (kind, entries) in samples() {
        for compress in [false, true] {
            let block = encode_entries(kind, &entries, compress).unwrap();
            let head = EntryHead::parse(&block.head).unwrap();
            assert_eq!(head.entries_with(&block.data).unwrap(), entries);
            let lengths: usize = (0..entries.len())
                .map(|index| head.body_length(index))
                .sum();
            assert_eq!(lengths, head.open(&block.data).unwrap().len());
        }
        let plain = encode_entries(kind, &entries, false).unwrap();
        let packed = encode_entries(kind, &entries, true).unwrap();
        assert!(packed.data.len() * 2 < plain.data.len(), "{kind:?}");
    }
    let empty = encode_entries(EntryKind::Lines, &[], true).unwrap();
    let head = EntryHead::parse(&empty.head).unwrap();
    assert!(head.entries_with(&empty.data).unwrap().is_empty());
}

#[test]
fn bodies_come_back_as_lines_records_and_sets() {
    let mut given = line("é\t");
    given.cut_bytes = 300;
    given.stream = runstone_model::LogStream::Stderr;
    let entry = encode_line(7, &given);
    assert_eq!(decode_line(&entry.meta, &entry.body).unwrap(), given);
    let mut given = record(runstone_model::LogLevel(-7), "");
    given.extra = Some(runstone_model::JsonText::new(" [1.0]").unwrap());
    given.source_line = u32::MAX;
    let entry = encode_record(7, &given);
    assert_eq!(decode_record(&entry.meta, &entry.body).unwrap(), given);
    let mut given = set_of(1, 0.0, &[1, 2]);
    given.epoch = Some(-0.0);
    given.objects[1] = object("\"\"", &[1, 2, 3]);
    let entry = encode_object_set(key_of(2.5, 7), &given);
    let (epoch, objects) = decode_object_set(&entry.meta, &entry.body).unwrap();
    assert_eq!(epoch.map(f64::to_bits), given.epoch.map(f64::to_bits));
    assert_eq!(objects, given.objects);
    for length in 0..entry.body.len() {
        assert!(decode_object_set(&entry.meta, &entry.body[..length]).is_err());
    }
}

#[test]
fn keys_must_rise() {
    let entries = vec![encode_line(7, &line("a")), encode_line(7, &line("b"))];
    assert!(encode_entries(EntryKind::Lines, &entries, false).is_err());
}

fn any_step() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter_map("steps are finite", |step| {
        Step::new(step).ok().map(Step::get)
    })
}

proptest! {
    #[test]
    fn keys_and_their_bytes_have_the_order_of_steps(one in any_step(), other in any_step(), a: u64, b: u64) {
        let (first, second) = (key_of(one, a), key_of(other, b));
        prop_assert_eq!(first.step().to_bits(), one.to_bits());
        let wanted = one.total_cmp(&other).then(a.cmp(&b));
        prop_assert_eq!(first.cmp(&second), wanted);
        prop_assert_eq!(first.to_bytes().cmp(&second.to_bytes()), wanted);
    }

    #[test]
    fn damaged_blocks_are_refused_without_a_panic(which in 0..3_usize, compress: bool, position: prop::sample::Index, bit in 0..8_u8) {
        let (kind, entries) = samples().into_iter().nth(which).unwrap();
        let mut block = encode_entries(kind, &entries, compress).unwrap();
        let at = position.index(block.head.len() + block.data.len());
        match at.checked_sub(block.head.len()) {
            None => block.head[at] ^= 1 << bit,
            Some(at) => block.data[at] ^= 1 << bit,
        }
        let read = EntryHead::parse(&block.head).and_then(|head| head.entries_with(&block.data));
        prop_assert!(read.is_err());
    }

    #[test]
    fn hostile_heads_are_refused_without_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(EntryHead::parse(&bytes));
        let mut sealed = vec![1, bytes.len() as u8 % 3, bytes.len() as u8 % 4];
        sealed.append(&mut bytes);
        seal(&mut sealed);
        if let Ok(head) = EntryHead::parse(&sealed) {
            drop(head.entries_with(&sealed));
        }
    }
}
