//! Frozen samples: bytes that every later version reads. `UPDATE_SAMPLES=1` writes a missing one.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use runstone_wire::{EncodedOperation, Frame, Operation};

use crate::samples;

fn sample_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/compat/frame")
        .join(name)
}

/// Each sample and what is in it.
fn samples() -> [(PathBuf, Vec<Operation>); 2] {
    [
        (sample_path("v1-one-of-each.frame"), samples::one_of_each()),
        (sample_path("v1-texts.frame"), samples::texts()),
    ]
}

#[test]
fn the_frozen_frames_of_version_1_are_read() {
    for (path, operations) in samples() {
        if std::env::var_os("UPDATE_SAMPLES").is_some() && !path.exists() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, samples::frame_of(&operations).encode()).unwrap();
        }
        let bytes = std::fs::read(&path).unwrap();
        let frame = Frame::decode(&Bytes::from(bytes)).unwrap();
        assert_eq!(frame, samples::frame_of(&operations));
        let decoded: Vec<_> = frame
            .operations
            .iter()
            .map(|operation| operation.decode().unwrap())
            .collect();
        assert_eq!(decoded, operations);
    }
}

#[test]
fn what_is_written_today_is_the_frozen_frame_byte_for_byte() {
    for (path, operations) in samples() {
        assert_eq!(
            std::fs::read(path).unwrap(),
            samples::frame_of(&operations).encode()
        );
    }
}

#[test]
fn the_bytes_of_a_heartbeat_are_golden() {
    let heartbeat = samples::one_of_each().swap_remove(14);
    let bytes = EncodedOperation::encode(&heartbeat).as_bytes().to_vec();
    // if_present = 1; field 24, 9 bytes; at_micros = 1790000000000000
    assert_eq!(
        bytes,
        [8, 1, 194, 1, 9, 8, 128, 192, 151, 209, 237, 255, 150, 3]
    );
}
