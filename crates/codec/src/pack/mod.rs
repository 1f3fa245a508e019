//! Packs: the points of many series in one piece of bytes. Format: `docs/formats/pack.md`.
//!
//! The client writes packs into frames, the store keeps frames and folds them into packs of its
//! own. `encode` writes, `read` finds the series, `decode` decodes one. Series that have the same
//! steps form a *group* and share one column of steps and one of times; a series whose clock differs
//! keeps only the offsets to the group's times.

mod decode;
mod encode;
mod read;

pub use encode::{Scratch, encode_pack, encode_pack_into};
pub use read::{PackReader, SeriesEntry};

use runstone_model::ValueType;

/// Points in one pack at most; a frame has up to 64 Ki.
pub const PACK_POINTS_MAX: usize = 1 << 18;

const MAGIC: [u8; 3] = *b"RSP";
const VERSION: u8 = 1;

/// Bits of a group's flags.
const GROUP_EPOCHS: i64 = 1;
const GROUP_ORDER: i64 = 2;

/// Bits of a series' shape: the type in the lowest three.
const SHAPE_TYPE: u8 = 0b0000_0111;
const SHAPE_OWN_TIMES: u8 = 0b0000_1000;
const SHAPE_EPOCHS_SHIFT: u8 = 4;
const SHAPE_ORDER_SHIFT: u8 = 6;

/// Where a series has a column from; two bits of the shape.
const COLUMN_ABSENT: u8 = 0;
const COLUMN_OF_GROUP: u8 = 1;
const COLUMN_OWN: u8 = 2;

pub(crate) fn code_from_type(value_type: ValueType) -> u8 {
    match value_type {
        ValueType::F64 => 0,
        ValueType::F32 => 1,
        ValueType::I64 => 2,
        ValueType::Bool => 3,
        ValueType::String => 4,
    }
}

/// The type of points; text has a code and no encoding yet.
pub(crate) fn point_type_from_code(code: u8) -> Option<ValueType> {
    type_from_code(code).filter(|&value_type| value_type != ValueType::String)
}

pub(crate) fn type_from_code(code: u8) -> Option<ValueType> {
    match code {
        0 => Some(ValueType::F64),
        1 => Some(ValueType::F32),
        2 => Some(ValueType::I64),
        3 => Some(ValueType::Bool),
        4 => Some(ValueType::String),
        _ => None,
    }
}

pub(crate) fn kind_of_type(value_type: ValueType) -> crate::column::Kind {
    match value_type {
        ValueType::F64 | ValueType::F32 => crate::column::Kind::Float,
        ValueType::I64 | ValueType::Bool | ValueType::String => crate::column::Kind::Integer,
    }
}

#[cfg(test)]
mod tests;
