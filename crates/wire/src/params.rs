//! Param values between the model and protobuf.

use std::collections::BTreeMap;

use prost::DecodeError;
use runstone_model::{ParamPath, ParamValue, ScalarValue};

use crate::proto::param_value::Kind;
use crate::{OperationError, ParamSetting, RefusalCode, proto};

pub(crate) fn setting_to_proto(setting: &ParamSetting) -> proto::ParamLeaf {
    proto::ParamLeaf {
        path: setting.path.keys().to_vec(),
        value: Some(value_to_proto(&setting.value)),
        replace: setting.replace,
    }
}

pub(crate) fn setting_from_proto(leaf: proto::ParamLeaf) -> Result<ParamSetting, OperationError> {
    let path = path_from_keys(leaf.path)?;
    let value = leaf.value.map_or(Ok(ParamValue::Null), value_from_proto)?;
    Ok(ParamSetting {
        path,
        value,
        replace: leaf.replace,
    })
}

pub(crate) fn path_from_keys(keys: Vec<String>) -> Result<ParamPath, OperationError> {
    ParamPath::from_keys(keys).map_err(invalid)
}

pub(crate) fn value_to_proto(value: &ParamValue) -> proto::ParamValue {
    let kind = match value {
        ParamValue::Null => Kind::Null(true),
        ParamValue::Bool(value) => Kind::Boolean(*value),
        ParamValue::I64(value) => Kind::Int(*value),
        ParamValue::U64(value) => Kind::Uint(*value),
        ParamValue::F64(value) => Kind::Float(*value),
        ParamValue::String(text) => Kind::Text(text.clone()),
        ParamValue::List(items) => Kind::List(proto::ParamList {
            items: items.iter().map(value_to_proto).collect(),
        }),
        ParamValue::Dict(entries) => Kind::Dict(proto::ParamDict {
            entries: entries
                .iter()
                .map(|(key, value)| proto::ParamEntry {
                    key: key.clone(),
                    value: Some(value_to_proto(value)),
                })
                .collect(),
        }),
    };
    proto::ParamValue { kind: Some(kind) }
}

/// Depth is bounded by prost's own recursion limit, which refuses the bytes before this runs.
pub(crate) fn value_from_proto(value: proto::ParamValue) -> Result<ParamValue, OperationError> {
    Ok(match value.kind {
        None => {
            return Err(OperationError {
                code: RefusalCode::Unsupported,
                reason: "a param value is of a type that this server does not know, \
                         hint: upgrade the server"
                    .to_owned(),
            });
        }
        Some(Kind::Null(_)) => ParamValue::Null,
        Some(Kind::Boolean(value)) => ParamValue::Bool(value),
        Some(Kind::Int(value)) => ParamValue::I64(value),
        Some(Kind::Uint(value)) => {
            i64::try_from(value).map_or(ParamValue::U64(value), ParamValue::I64)
        }
        Some(Kind::Float(value)) => ParamValue::F64(value),
        Some(Kind::Text(text)) => ParamValue::String(text),
        Some(Kind::List(list)) => ParamValue::List(
            list.items
                .into_iter()
                .map(value_from_proto)
                .collect::<Result<_, _>>()?,
        ),
        Some(Kind::Dict(dict)) => {
            let mut entries = BTreeMap::new();
            for entry in dict.entries {
                let value = entry.value.map_or(Ok(ParamValue::Null), value_from_proto)?;
                entries.insert(entry.key, value);
            }
            ParamValue::Dict(entries)
        }
    })
}

pub(crate) fn scalar_to_proto(value: &ScalarValue) -> proto::ParamValue {
    let kind = match value {
        ScalarValue::Bool(value) => Kind::Boolean(*value),
        ScalarValue::I64(value) => Kind::Int(*value),
        ScalarValue::F64(value) => Kind::Float(*value),
        ScalarValue::String(text) => Kind::Text(text.clone()),
    };
    proto::ParamValue { kind: Some(kind) }
}

pub(crate) fn scalar_from_proto(
    value: Option<proto::ParamValue>,
) -> Result<ScalarValue, OperationError> {
    match value.and_then(|value| value.kind) {
        Some(Kind::Boolean(value)) => Ok(ScalarValue::Bool(value)),
        Some(Kind::Int(value)) => Ok(ScalarValue::I64(value)),
        Some(Kind::Float(value)) => Ok(ScalarValue::F64(value)),
        Some(Kind::Text(text)) => Ok(ScalarValue::String(text)),
        other => Err(OperationError {
            code: RefusalCode::Invalid,
            reason: format!(
                "a scalar is a bool, an integer, a float or a text, not {}, \
                 hint: set a param for anything else",
                kind_name(other.as_ref())
            ),
        }),
    }
}

fn kind_name(kind: Option<&Kind>) -> &'static str {
    match kind {
        None => "nothing",
        Some(Kind::Null(_)) => "null",
        Some(Kind::Uint(_)) => "an integer past 2^63 - 1",
        Some(Kind::List(_)) => "a list",
        Some(Kind::Dict(_)) => "a dict",
        Some(_) => "this value",
    }
}

pub(crate) fn invalid(error: impl std::fmt::Display) -> OperationError {
    OperationError {
        code: RefusalCode::Invalid,
        reason: error.to_string(),
    }
}

pub(crate) fn undecodable(error: &DecodeError) -> OperationError {
    OperationError {
        code: RefusalCode::Invalid,
        reason: format!("the operation can't be decoded: {error}"),
    }
}
