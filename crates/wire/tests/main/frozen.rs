//! Frozen samples: bytes that every later version reads. `UPDATE_SAMPLES=1` writes a missing one.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use runstone_wire::{EncodedOperation, Frame};

use crate::samples;

fn sample_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat/frame/v1-one-of-each.frame")
}

#[test]
fn the_frozen_frame_of_version_1_is_read() {
    let path = sample_path();
    if std::env::var_os("UPDATE_SAMPLES").is_some() && !path.exists() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, samples::frame().encode()).unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(
        Frame::decode(&Bytes::from(bytes.clone())).unwrap(),
        samples::frame()
    );
    let decoded: Vec<_> = Frame::decode(&Bytes::from(bytes))
        .unwrap()
        .operations
        .iter()
        .map(|operation| operation.decode().unwrap())
        .collect();
    assert_eq!(decoded, samples::one_of_each());
}

#[test]
fn what_is_written_today_is_the_frozen_frame_byte_for_byte() {
    assert_eq!(
        std::fs::read(sample_path()).unwrap(),
        samples::frame().encode()
    );
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
