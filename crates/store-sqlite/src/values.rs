//! Typed values as columns: kind, finite number, sign, exact bits, text, body.
//!
//! Used for params and scalars. `number` is for comparisons in scans: never NaN, infinities as the
//! greatest floats with `sign` 1 or -1, NaN as 0 with `sign` 2. What is read back is `kind` and
//! `bits` (or text, or body), so NaN payloads, -0.0 and integers past 2^53 come back exactly.

use std::collections::BTreeMap;

use bytes::Bytes;
use runstone_model::{ParamPath, ParamValue, ScalarValue};
use runstone_wire::{EncodedOperation, IfPresent, Operation, OperationKind, ParamSetting};

use crate::error::{Result, value_error};

const NULL: i64 = 0;
const BOOL: i64 = 1;
const I64: i64 = 2;
const U64: i64 = 3;
const F64: i64 = 4;
const STRING: i64 = 5;
const LIST: i64 = 6;
const EMPTY_DICT: i64 = 7;

/// Keys of a path are joined by this.
const SEPARATOR: char = '\u{1f}';
/// In front of what stands for itself or for the separator inside a key.
const ESCAPE: char = '\u{1b}';

/// A value as columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ValueColumns {
    pub(crate) kind: i64,
    pub(crate) number: Option<f64>,
    pub(crate) sign: i64,
    pub(crate) bits: Option<i64>,
    pub(crate) text: Option<String>,
    pub(crate) body: Option<Vec<u8>>,
}

impl ValueColumns {
    /// A leaf of params.
    pub(crate) fn from_param(value: &ParamValue) -> Self {
        match value {
            ParamValue::Null => Self {
                kind: NULL,
                ..Self::default()
            },
            ParamValue::Bool(value) => {
                Self::integer(BOOL, i64::from(*value), f64::from(u8::from(*value)))
            }
            ParamValue::I64(value) => Self::integer(I64, *value, *value as f64),
            ParamValue::U64(value) => Self::integer(U64, value.cast_signed(), *value as f64),
            ParamValue::F64(value) => Self::float(*value),
            ParamValue::String(text) => Self {
                kind: STRING,
                text: Some(text.clone()),
                ..Self::default()
            },
            ParamValue::List(_) => Self {
                kind: LIST,
                body: Some(encode_list(value)),
                ..Self::default()
            },
            ParamValue::Dict(_) => Self {
                kind: EMPTY_DICT,
                ..Self::default()
            },
        }
    }

    /// A scalar.
    pub(crate) fn from_scalar(value: &ScalarValue) -> Self {
        match value {
            ScalarValue::Bool(value) => {
                Self::integer(BOOL, i64::from(*value), f64::from(u8::from(*value)))
            }
            ScalarValue::I64(value) => Self::integer(I64, *value, *value as f64),
            ScalarValue::F64(value) => Self::float(*value),
            ScalarValue::String(text) => Self {
                kind: STRING,
                text: Some(text.clone()),
                ..Self::default()
            },
        }
    }

    /// Back to a leaf of params.
    pub(crate) fn to_param(&self) -> Result<ParamValue> {
        Ok(match self.kind {
            NULL => ParamValue::Null,
            BOOL => ParamValue::Bool(self.bits()? != 0),
            I64 => ParamValue::I64(self.bits()?),
            U64 => ParamValue::U64(self.bits()?.cast_unsigned()),
            F64 => ParamValue::F64(f64::from_bits(self.bits()?.cast_unsigned())),
            STRING => ParamValue::String(self.text()?),
            LIST => decode_list(self.body.as_deref().unwrap_or_default())?,
            EMPTY_DICT => ParamValue::Dict(BTreeMap::new()),
            kind => return Err(value_error("a param", format!("kind {kind} is unknown"))),
        })
    }

    /// Back to a scalar.
    pub(crate) fn to_scalar(&self) -> Result<ScalarValue> {
        Ok(match self.kind {
            BOOL => ScalarValue::Bool(self.bits()? != 0),
            I64 => ScalarValue::I64(self.bits()?),
            F64 => ScalarValue::F64(f64::from_bits(self.bits()?.cast_unsigned())),
            STRING => ScalarValue::String(self.text()?),
            kind => return Err(value_error("a scalar", format!("kind {kind} is unknown"))),
        })
    }

    fn integer(kind: i64, bits: i64, number: f64) -> Self {
        Self {
            kind,
            number: Some(number),
            bits: Some(bits),
            ..Self::default()
        }
    }

    fn float(value: f64) -> Self {
        let (number, sign) = if value.is_nan() {
            (0.0, 2)
        } else if value.is_infinite() {
            (f64::MAX.copysign(value), if value > 0.0 { 1 } else { -1 })
        } else {
            (value, 0)
        };
        let bits = Some(value.to_bits().cast_signed());
        Self {
            kind: F64,
            number: Some(number),
            sign,
            bits,
            ..Self::default()
        }
    }

    fn bits(&self) -> Result<i64> {
        self.bits
            .ok_or_else(|| value_error("a value", "its bits are missing"))
    }

    fn text(&self) -> Result<String> {
        self.text
            .clone()
            .ok_or_else(|| value_error("a value", "its text is missing"))
    }
}

/// Keys of a path as one text that sorts like the keys.
pub(crate) fn path_to_text(path: &ParamPath) -> String {
    let mut text = String::new();
    for (index, key) in path.keys().iter().enumerate() {
        if index > 0 {
            text.push(SEPARATOR);
        }
        for character in key.chars() {
            match character {
                SEPARATOR => text.extend([ESCAPE, 's']),
                ESCAPE => text.extend([ESCAPE, 'e']),
                other => text.push(other),
            }
        }
    }
    text
}

/// Back from [`path_to_text`].
pub(crate) fn path_from_text(text: &str) -> Result<ParamPath> {
    let unescape = |key: &str| {
        key.replace("\u{1b}s", "\u{1f}")
            .replace("\u{1b}e", "\u{1b}")
    };
    ParamPath::from_keys(text.split(SEPARATOR).map(unescape))
        .map_err(|error| value_error("the path of a param", error))
}

/// Lists travel and are kept in the same encoding: a `SetParams` operation of one param.
fn encode_list(list: &ParamValue) -> Vec<u8> {
    let setting = ParamSetting {
        path: list_path(),
        value: list.clone(),
        replace: false,
    };
    let kind = OperationKind::SetParams(vec![setting]);
    let operation = Operation {
        if_present: IfPresent::Apply,
        kind,
    };
    EncodedOperation::encode(&operation).as_bytes().to_vec()
}

fn decode_list(body: &[u8]) -> Result<ParamValue> {
    let operation = EncodedOperation::from_bytes(Bytes::copy_from_slice(body))
        .decode()
        .map_err(|error| value_error("a list in params", error))?;
    match operation.kind {
        OperationKind::SetParams(settings) => {
            settings.into_iter().next().map(|setting| setting.value)
        }
        _ => None,
    }
    .ok_or_else(|| value_error("a list in params", "it is no list"))
}

fn list_path() -> ParamPath {
    ParamPath::from_keys(["list"]).expect("the key is short and clean")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_param_comes_back_exactly() {
        let list = ParamValue::List(vec![
            ParamValue::F64(f64::NAN),
            ParamValue::Dict(BTreeMap::from([("a".to_owned(), ParamValue::Null)])),
            ParamValue::U64(u64::MAX),
            ParamValue::List(vec![]),
        ]);
        for value in [
            ParamValue::Null,
            ParamValue::Bool(true),
            ParamValue::I64(i64::MIN),
            ParamValue::U64(u64::MAX),
            ParamValue::F64(-0.0),
            ParamValue::F64(f64::from_bits(0x7ff8_0000_0000_1234)),
            ParamValue::F64(f64::NEG_INFINITY),
            ParamValue::String("a\u{1f}b".to_owned()),
            ParamValue::Dict(BTreeMap::new()),
            list,
        ] {
            let columns = ValueColumns::from_param(&value);
            assert!(columns.number.is_none_or(f64::is_finite));
            assert_eq!(columns.to_param().unwrap(), value);
        }
    }

    #[test]
    fn paths_come_back_whatever_their_keys_hold() {
        for keys in [
            vec!["a"],
            vec!["a", "b.c"],
            vec!["\u{1f}", "\u{1b}s", "\u{1b}"],
        ] {
            let path = ParamPath::from_keys(keys).unwrap();
            assert_eq!(path_from_text(&path_to_text(&path)).unwrap(), path);
        }
    }
}
