//! How points and metadata travel: frames, their operations, and the answers to them.
//!
//! The client writes encoded operations into its spool and joins them into [`Frame`]s; the server
//! decodes frames, and the store applies their operations. Protobuf (through prost) carries the
//! structure, packs of `runstone_codec` carry the points. The format is specified in
//! `docs/formats/frame.md`.
//!
//! The surprising rule: a [`Frame`] holds each operation as the bytes it arrived in
//! ([`EncodedOperation`]) and decodes it on demand. So one undecodable operation is refused alone,
//! and fields that this version does not know survive storing, forwarding and refusing.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod decode;
mod encode;
mod frame;
mod operation;
mod params;
mod texts;

pub use answer::{FrameAnswer, FrameStatus, Refusal, RefusalCode};
pub use frame::{EncodedOperation, Frame, KindTag, OperationError, WireError};
pub use operation::{
    ChangeTags, Completeness, DefineMetric, DefineSeries, EndKind, EndWriter, IfPresent, Lifecycle,
    OpenMode, OpenRun, OpenWriter, Operation, OperationKind, ParamSetting, Remove, SetProperties,
    SetScalar,
};
pub use texts::{LogLine, LogLines, LogRecord, ObjectDocument, ObjectPoints};

/// Media type of a frame and of the answer to it.
pub const FRAME_CONTENT_TYPE: &str = "application/vnd.runstone.frame";
/// The version of frames that this crate writes, and the only one it reads.
pub const FRAME_VERSION: u32 = 1;
/// The greatest frame that a server takes, in bytes.
pub const FRAME_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The greatest operation that fits into a spool blob, in bytes.
pub const OPERATION_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Code that prost generates from `proto/frame.proto`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated; the proto file holds the words"
)]
mod proto {
    include!("generated/frame_v1.rs");
}
