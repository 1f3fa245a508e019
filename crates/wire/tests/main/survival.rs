//! One bad operation harms no neighbour, and what this version does not know survives.

use bytes::Bytes;
use runstone_wire::{EncodedOperation, Frame, RefusalCode};

use crate::samples;

/// Field 900 as varint 1: `(900 << 3) | 0` in two bytes, then the value.
const UNKNOWN_FIELD: [u8; 3] = [0xa0, 0x38, 0x01];

#[test]
fn unknown_fields_of_an_operation_survive_decoding_and_encoding_the_frame() {
    let mut frame = samples::frame();
    let mut bytes = frame.operations[0].as_bytes().to_vec();
    bytes.extend(UNKNOWN_FIELD);
    frame.operations[0] = EncodedOperation::from_bytes(Bytes::from(bytes.clone()));
    let decoded = Frame::decode(&Bytes::from(frame.encode())).unwrap();
    assert_eq!(decoded.operations[0].as_bytes(), &bytes);
    assert_eq!(
        decoded.operations[0].decode().unwrap(),
        samples::one_of_each()[0]
    );
    assert_eq!(decoded.encode(), frame.encode());
}

#[test]
fn an_unknown_field_of_the_envelope_is_no_error() {
    let mut bytes = samples::frame().encode();
    bytes.extend(UNKNOWN_FIELD);
    assert_eq!(
        Frame::decode(&Bytes::from(bytes)).unwrap(),
        samples::frame()
    );
}

#[test]
fn an_operation_of_a_later_version_is_refused_alone() {
    let mut frame = samples::frame();
    frame.operations[1] = EncodedOperation::from_bytes(Bytes::from_static(&UNKNOWN_FIELD));
    let decoded = Frame::decode(&Bytes::from(frame.encode())).unwrap();
    assert_eq!(
        decoded.operations[1].decode().unwrap_err().code,
        RefusalCode::Unsupported
    );
    for (index, operation) in decoded
        .operations
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != 1)
    {
        assert_eq!(operation.decode().unwrap(), samples::one_of_each()[index]);
    }
}

#[test]
fn a_frame_of_a_later_version_is_refused_with_both_versions_named() {
    let mut bytes = samples::frame().encode();
    assert_eq!(bytes[..2], [0x08, 0x01], "version is the first field");
    bytes[1] = 2;
    let error = Frame::decode(&Bytes::from(bytes)).unwrap_err().to_string();
    assert_eq!(
        error,
        "frame version 2 is not supported, this server reads version 1"
    );
}
