use std::os::unix::fs::FileExt;

use super::super::header::HEADER_BYTES;
use super::super::slot::SLOT_BYTES;
use super::*;

/// A dead folder of `steps` points of series 1, and one operation of 100 bytes after the first 10.
fn dead_folder(steps: u32) -> (Fixture, u64) {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    let mut operation_slot = 0;
    for step in 0..steps {
        if step == 10 {
            operation_slot = writer.push_operation(&[0xAB; 100], false).unwrap();
        }
        writer.push_point(1, f64::from(step), 5, 6);
    }
    drop(writer);
    (fixture, operation_slot)
}

fn file_of(path: &std::path::Path) -> std::fs::File {
    std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap()
}

fn byte_of_slot(index: u64) -> u64 {
    HEADER_BYTES as u64 + index * SLOT_BYTES as u64
}

fn zero_slot(path: &std::path::Path, index: u64) {
    let at = byte_of_slot(index);
    file_of(path).write_all_at(&[0; 8], at).unwrap();
}

fn steps(heard: &Heard) -> Vec<u32> {
    heard.rows.iter().map(|row| row.1 as u32).collect()
}

#[test]
fn a_flipped_bit_loses_exactly_one_record() {
    let (fixture, operation_slot) = dead_folder(20);
    let path = fixture.segments().remove(0);
    let file = file_of(&path);
    // Slots 0-9: points, 10-14: the operation, 15-24: points.
    assert_eq!(operation_slot, 10);
    // Seven and the bits of a slot have no common divisor: every word meets its turn.
    for bit in (0..25 * SLOT_BYTES as u64 * 8).step_by(7) {
        let (at, mask) = (byte_of_slot(0) + bit / 8, 1 << (bit % 8));
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ mask], at).unwrap();
        let heard = hear(&mut fixture.dead_reader());
        file.write_all_at(&byte, at).unwrap();
        let slot = bit / (SLOT_BYTES as u64 * 8);
        let in_operation = (10..15).contains(&slot);
        let lost: u64 = heard.lost.iter().map(|lost| lost.0).sum();
        assert!(heard.lost.iter().all(|lost| lost.1 == LossCause::Corrupt));
        if in_operation && (slot, bit % 256) == (14, bit % 256) && bit % 256 >= 32 {
            // Past the payload's 100 bytes: nothing is there.
            assert_eq!((heard.rows.len(), heard.operations.len(), lost), (20, 1, 0));
        } else if in_operation {
            assert_eq!(
                (heard.rows.len(), heard.operations.len()),
                (20, 0),
                "bit {bit}"
            );
            assert_eq!(lost, 5, "bit {bit}");
        } else {
            assert_eq!(
                (heard.rows.len(), heard.operations.len()),
                (19, 1),
                "bit {bit}"
            );
            assert_eq!(lost, 1, "bit {bit}");
        }
    }
}

#[test]
fn a_cut_file_keeps_what_is_before_the_cut_and_counts_the_rest() {
    let (fixture, _) = dead_folder(5000);
    let segments = fixture.segments();
    assert!(segments.len() >= 2);
    let slots = (std::fs::metadata(&segments[0]).unwrap().len() - HEADER_BYTES as u64) / 32;
    file_of(&segments[0])
        .set_len(byte_of_slot(100) + 13)
        .unwrap();
    let mut reader = fixture.dead_reader();
    let heard = hear(&mut reader);
    assert_eq!(heard.lost, vec![(slots - 100, LossCause::Missing)]);
    assert_eq!(heard.rows.len() as u64, 5000 - (slots - 100));
    assert_eq!(steps(&heard)[..10], (0..10).collect::<Vec<_>>());
    assert_eq!(reader.position().0, reader.end());
}

#[test]
fn a_missing_segment_in_the_middle_is_counted_and_the_chain_goes_on() {
    let (fixture, _) = dead_folder(60_000);
    let segments = fixture.segments();
    assert!(segments.len() >= 3);
    let slots = (std::fs::metadata(&segments[1]).unwrap().len() - HEADER_BYTES as u64) / 32;
    std::fs::remove_file(&segments[1]).unwrap();
    let mut reader = fixture.dead_reader();
    let heard = hear(&mut reader);
    assert_eq!(heard.lost, vec![(slots, LossCause::Missing)]);
    assert_eq!(reader.statistics().missing_slots, slots);
    let end = reader.position();
    drop(reader);
    let mut again = fixture.dead_reader();
    hear(&mut again);
    assert_eq!(again.position(), end);
}

#[test]
fn a_missing_first_segment_asks_for_a_base_frame() {
    let (fixture, _) = dead_folder(5000);
    let segments = fixture.segments();
    let slots = (std::fs::metadata(&segments[0]).unwrap().len() - HEADER_BYTES as u64) / 32;
    std::fs::remove_file(&segments[0]).unwrap();
    let mut reader = fixture.dead_reader();
    assert!(reader.needs_base());
    assert_eq!(reader.first_slot_available(), slots);
    assert_eq!(reader.position().0, slots);
    assert!(matches!(
        reader.chain_at(slots - 1),
        Err(SpoolError::Released { .. })
    ));
    assert_eq!(hear(&mut reader).lost, vec![]);
}

#[test]
fn holes_are_skipped_in_a_dead_spool_and_named_after_a_restart() {
    let (fixture, _) = dead_folder(20);
    let path = fixture.segments().remove(0);
    zero_slot(&path, 3);
    zero_slot(&path, 4);
    let mut reader = fixture.dead_reader();
    let heard = hear(&mut reader);
    assert_eq!(heard.lost, vec![(2, LossCause::Unpublished)]);
    assert_eq!(heard.rows.len(), 18);
    assert_eq!(reader.statistics().unpublished_slots, 2);
    drop(reader);
    // The same folder, written before a restart of the machine.
    let mut header = vec![0; HEADER_BYTES];
    let file = file_of(&path);
    file.read_exact_at(&mut header, 0).unwrap();
    header[66] ^= 1;
    let crc = crc32c::crc32c(&header[..4024]);
    header[4024..4028].copy_from_slice(&crc.to_le_bytes());
    file.write_all_at(&header, 0).unwrap();
    let heard = hear(&mut fixture.dead_reader());
    assert_eq!(heard.lost, vec![(2, LossCause::PowerLoss)]);
}

#[test]
fn payload_whose_head_is_missing_never_passes_as_points() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    writer.push_point(1, 0.0, 0, 0);
    // The payload is a copy of a sound slot of this very segment.
    drop(writer);
    let path = fixture.segments().remove(0);
    let mut sound = [0; SLOT_BYTES];
    file_of(&path)
        .read_exact_at(&mut sound, byte_of_slot(0))
        .unwrap();
    std::fs::remove_dir_all(fixture.only_leftover().path).unwrap();

    let writer = fixture.open(SpoolMode::Mmap);
    writer.push_point(1, 0.0, 0, 0);
    let own = {
        let segment = writer.store.line.lock().segments[0].memory.clone().unwrap();
        let words = super::super::segments::SegmentMemory::words(&*segment);
        let own: Vec<u8> = words[..4]
            .iter()
            .flat_map(|w| w.load(std::sync::atomic::Ordering::Relaxed).to_le_bytes())
            .collect();
        own
    };
    let payload = [sound.to_vec(), own].concat().repeat(20);
    let slot = writer.push_operation(&payload, false).unwrap();
    writer.push_point(1, 1.0, 0, 0);
    drop(writer);
    zero_slot(&fixture.segments()[0], slot);
    let heard = hear(&mut fixture.dead_reader());
    assert_eq!(steps(&heard), vec![0, 1]);
    assert_eq!(heard.operations, vec![]);
    assert_eq!(heard.lost, vec![(41, LossCause::Unpublished)]);
}

#[test]
fn a_live_reader_waits_at_a_hole() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    let mut reader = SpoolReader::live(&writer);
    writer.push_point(1, 0.0, 0, 0);
    let held = writer.store.line.reserve(1).unwrap();
    writer.push_point(1, 2.0, 0, 0);
    assert_eq!(steps(&hear(&mut reader)), vec![0]);
    assert!(reader.has_more());
    assert_eq!(reader.position().0, 1);
    let body = [1.0_f64.to_bits(), 0, 0];
    let tag = super::super::slot::tag(super::super::slot::KIND_POINT, 1);
    writer.store.line.publish_one(&held, tag, body);
    assert_eq!(steps(&hear(&mut reader)), vec![1, 2]);
}

#[test]
fn a_damaged_state_file_means_that_nothing_is_acknowledged() {
    let (fixture, _) = dead_folder(20);
    let path = fixture.only_leftover().path;
    std::fs::write(path.join("state"), b"garbage").unwrap();
    assert_eq!(fixture.only_leftover().acknowledged, (0, 0));
    let mut reader = fixture.dead_reader();
    assert_eq!(reader.position(), (0, 0));
    assert_eq!(hear(&mut reader).rows.len(), 20);
}

#[test]
fn a_torn_acknowledgement_falls_back_to_the_one_before() {
    let (fixture, _) = dead_folder(20);
    let mut reader = fixture.dead_reader();
    reader.release(4, 44).unwrap();
    reader.release(8, 88).unwrap();
    drop(reader);
    let path = fixture.only_leftover().path.join("state");
    assert_eq!(fixture.only_leftover().acknowledged, (8, 88));
    // Sequence 2 lies in the first place; its slot is the second word.
    file_of(&path).write_all_at(&[9], 4 * 8 + 8).unwrap();
    assert_eq!(fixture.only_leftover().acknowledged, (4, 44));
}

#[test]
fn torn_declarations_end_the_list() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    for byte in 1..4 {
        writer.push_operation(&[byte; 50], true).unwrap();
    }
    drop(writer);
    let path = fixture.only_leftover().path.join("decl");
    file_of(&path).set_len(58 * 2 + 20).unwrap();
    let declared = fixture.dead_reader().declarations().unwrap();
    assert_eq!(declared, vec![vec![1; 50], vec![2; 50]]);
}

#[test]
fn copies_of_a_folder_give_the_same_sequence_and_have_locks_of_their_own() {
    let (fixture, _) = dead_folder(5000);
    let path = fixture.segments().remove(0);
    zero_slot(&path, 3);
    let other = Fixture::new();
    let leftover = fixture.only_leftover();
    let copy = other
        .folder
        .path()
        .join("host")
        .join(leftover.writer.to_string());
    std::fs::create_dir_all(&copy).unwrap();
    for entry in std::fs::read_dir(&leftover.path).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let mut one = fixture.dead_reader();
    let mut two = other.dead_reader();
    assert_eq!(hear(&mut one), hear(&mut two));
    assert_eq!(one.position(), two.position());
    // Each is locked now.
    assert!(
        leftover_spools(fixture.folder.path(), None)
            .unwrap()
            .is_empty()
    );
    assert!(matches!(
        FolderLock::take(&copy),
        Err(SpoolError::Locked { .. })
    ));
}

#[test]
fn a_folder_without_a_segment_is_passed_over() {
    let fixture = Fixture::new();
    let empty = fixture.folder.path().join("host").join("0".repeat(32));
    std::fs::create_dir_all(&empty).unwrap();
    std::fs::write(empty.join("00000000.seg"), b"RSSPOOL1").unwrap();
    assert!(
        leftover_spools(fixture.folder.path(), None)
            .unwrap()
            .is_empty()
    );
    let lock = FolderLock::take(&empty).unwrap();
    assert!(matches!(
        SpoolReader::dead(lock),
        Err(SpoolError::Corrupt { .. })
    ));
    assert!(FolderLock::take(fixture.folder.path()).is_err());
}

#[test]
fn a_folder_of_which_nothing_can_be_read_is_named_with_the_reason() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    writer.push_point(1, 0.0, 0, 0);
    assert_eq!(unreadable_spools(fixture.folder.path()).unwrap(), vec![]);
    drop(writer);
    assert_eq!(unreadable_spools(fixture.folder.path()).unwrap(), vec![]);
    let segment = fixture.segments().remove(0);
    let folder = segment.parent().unwrap().to_path_buf();
    let sound = std::fs::read(&segment).unwrap();
    for (at, reason) in [(8, "a later format version"), (20, "its header is damaged")] {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x40;
        std::fs::write(&segment, &bytes).unwrap();
        // A spare that was made and never used stands beside it in some runs.
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path != segment && path.extension().is_some_and(|extension| extension == "seg") {
                std::fs::remove_file(path).unwrap();
            }
        }
        let found = unreadable_spools(fixture.folder.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].path.clone(), found[0].reason),
            (folder.clone(), reason)
        );
        assert_eq!(found[0].bytes, sound.len() as u64);
        assert!(
            leftover_spools(fixture.folder.path(), None)
                .unwrap()
                .is_empty()
        );
    }
}
