//! A param's value.
//!
//! Values are typed and keep their type: 1 and 1.0 stay distinct. [`crate::Params`] holds the
//! tree and its merge rules.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{ParamPath, clean_text};

/// A value of a param.
///
/// Two are equal if they have the same type and the same bits: 1 is not 1.0, and NaN is itself.
#[derive(Debug, Clone, Default)]
pub enum ParamValue {
    /// Null.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer of int64.
    I64(i64),
    /// An integer past the end of int64; smaller ones are `I64`.
    U64(u64),
    /// float64, NaN and infinities included.
    F64(f64),
    /// Text.
    String(String),
    /// A list; a leaf: it is replaced as a whole, dicts inside it included.
    List(Vec<ParamValue>),
    /// A dict, sorted by key; it merges into the tree.
    Dict(BTreeMap<String, ParamValue>),
}

impl ParamValue {
    /// From JSON. Integers past 64 bits have become floats when the JSON was parsed.
    pub fn from_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => Self::I64(integer),
                (None, Some(integer)) => Self::U64(integer),
                _ => Self::F64(
                    number
                        .as_f64()
                        .expect("a JSON number has a nearest float64"),
                ),
            },
            Value::String(text) => Self::String(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            Value::Object(entries) => Self::Dict(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// As JSON; NaN and the infinities become the texts `NaN`, `Infinity`, `-Infinity`.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::from(*value),
            Self::I64(value) => Value::from(*value),
            Self::U64(value) => Value::from(*value),
            Self::F64(value) => match non_finite_name(*value) {
                Some(name) => Value::from(name),
                None => Value::from(*value),
            },
            Self::String(text) => Value::from(text.as_str()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Self::Dict(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_json()))
                    .collect(),
            ),
        }
    }

    /// What lies at a path below this value; the root is the value itself. Lists are not entered.
    pub fn get(&self, path: &ParamPath) -> Option<&Self> {
        path.keys().iter().try_fold(self, |value, key| match value {
            Self::Dict(entries) => entries.get(key),
            _ => None,
        })
    }

    /// From an integer that may lie past the end of int64.
    pub fn from_u64(value: u64) -> Self {
        i64::try_from(value).map_or(Self::U64(value), Self::I64)
    }

    /// Replaces each NUL in texts and keys by U+FFFD and says how many there were. Of keys that
    /// become equal one stays.
    pub fn clean(&mut self) -> usize {
        match self {
            Self::String(text) => {
                let (clean, count) = clean_text(text);
                if count > 0 {
                    *text = clean.into_owned();
                }
                count
            }
            Self::List(items) => items.iter_mut().map(Self::clean).sum(),
            Self::Dict(entries) => {
                let mut count: usize = entries.values_mut().map(Self::clean).sum();
                let dirty: Vec<String> = entries
                    .keys()
                    .filter(|key| key.contains('\0'))
                    .cloned()
                    .collect();
                for key in dirty {
                    let (clean, in_key) = clean_text(&key);
                    count += in_key;
                    let value = entries.remove(&key).expect("the key was just listed");
                    entries.insert(clean.into_owned(), value);
                }
                count
            }
            _ => 0,
        }
    }

    /// Name of its type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::I64(_) | Self::U64(_) => "integer",
            Self::F64(_) => "float",
            Self::String(_) => "text",
            Self::List(_) => "list",
            Self::Dict(_) => "dict",
        }
    }
}

impl PartialEq for ParamValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::I64(one), Self::I64(two)) => one == two,
            (Self::U64(one), Self::U64(two)) => one == two,
            (Self::F64(one), Self::F64(two)) => one.to_bits() == two.to_bits(),
            (Self::String(one), Self::String(two)) => one == two,
            (Self::List(one), Self::List(two)) => one == two,
            (Self::Dict(one), Self::Dict(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for ParamValue {}

impl fmt::Display for ParamValue {
    /// Compact JSON; a text alone stands without quotes.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => formatter.write_str(text),
            other => write!(formatter, "{}", other.to_json()),
        }
    }
}

impl From<bool> for ParamValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for ParamValue {
    fn from(value: i64) -> Self {
        Self::I64(value)
    }
}

impl From<f64> for ParamValue {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl From<&str> for ParamValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for ParamValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl<K: Into<String>, V: Into<ParamValue>, const N: usize> From<[(K, V); N]> for ParamValue {
    fn from(entries: [(K, V); N]) -> Self {
        Self::Dict(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl Serialize for ParamValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::I64(value) => serializer.serialize_i64(*value),
            Self::U64(value) => serializer.serialize_u64(*value),
            Self::F64(value) => serialize_float(*value, serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Dict(entries) => entries.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ParamValue {
    /// A text `NaN` stays a text: JSON can't tell it from the number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_json(&Value::deserialize(deserializer)?))
    }
}

/// How JSON of our own API spells the floats that JSON has no number for.
fn non_finite_name(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        None
    }
}

pub(crate) fn serialize_float<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    match non_finite_name(value) {
        Some(name) => serializer.serialize_str(name),
        None => serializer.serialize_f64(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_keep_their_type_up_to_64_bits() {
        for (value, expected) in [
            (json!(i64::MIN), ParamValue::I64(i64::MIN)),
            (json!(i64::MAX), ParamValue::I64(i64::MAX)),
            (json!(u64::MAX), ParamValue::U64(u64::MAX)),
            (json!(1.0), ParamValue::F64(1.0)),
        ] {
            assert_eq!(ParamValue::from_json(&value), expected);
            assert_eq!(expected.to_json(), value);
        }
        assert_eq!(ParamValue::from_u64(1), ParamValue::I64(1));
    }

    #[test]
    fn values_are_reached_through_dicts_and_not_through_lists() {
        let value = ParamValue::from_json(&json!({"a": {"b": 1}, "l": [{"x": 1}]}));
        let get = |keys: &[&str]| value.get(&ParamPath::from_keys(keys.to_vec()).unwrap());
        assert_eq!(get(&["a", "b"]), Some(&ParamValue::I64(1)));
        assert_eq!(get(&["l", "0"]), None);
        assert_eq!(get(&[]), Some(&value));
    }

    #[test]
    fn a_text_stands_without_quotes_and_the_rest_as_json() {
        assert_eq!(ParamValue::from("sgd").to_string(), "sgd");
        assert_eq!(
            ParamValue::from_json(&json!(["a", 1.0, null])).to_string(),
            "[\"a\",1.0,null]"
        );
        assert_eq!(
            ParamValue::F64(f64::NEG_INFINITY).to_string(),
            "\"-Infinity\""
        );
    }
}
