//! Types of values: of the points of a series, and of scalars.
//!
//! A series has one value type at a time. Writers declare theirs, and the type it reads as is
//! the join of all of them, [`ValueType::unify`], whatever their order.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ModelError;
use crate::param_value::serialize_float;

/// Type of the values of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// float64.
    F64,
    /// float64 whose input was float32: its values have 24 significant bits.
    F32,
    /// int64.
    I64,
    /// True or false; among numbers 1 or 0.
    Bool,
    /// Text.
    String,
}

/// A number against a text: they can't live in one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a series of {existing} values can't take a {given} value, hint: use another name or context"
)]
pub struct TypeConflict {
    /// Type of the series.
    pub existing: ValueType,
    /// Type that was given.
    pub given: ValueType,
}

impl ValueType {
    /// All, by their number.
    pub const ALL: [Self; 5] = [Self::F64, Self::F32, Self::I64, Self::Bool, Self::String];

    /// The type that holds the values of both: a bool becomes the other's number, i64 and any
    /// float become f64, f32 and f64 become f64. Commutative and associative, so the order in
    /// which writers arrive doesn't matter; a conflict stays one in every order.
    ///
    /// # Errors
    /// [`TypeConflict`] for a text against anything else.
    pub fn unify(self, other: Self) -> Result<Self, TypeConflict> {
        use ValueType::{Bool, F64, String};
        match (self, other) {
            (one, two) if one == two => Ok(one),
            (String, _) | (_, String) => Err(TypeConflict {
                existing: self,
                given: other,
            }),
            (Bool, number) | (number, Bool) => Ok(number),
            _ => Ok(F64),
        }
    }

    /// Whether values read as numbers; a bool does, a text doesn't.
    pub fn is_numeric(self) -> bool {
        self != Self::String
    }

    /// Its number in frames and in stores; never changes.
    pub fn as_u8(self) -> u8 {
        match self {
            Self::F64 => 0,
            Self::F32 => 1,
            Self::I64 => 2,
            Self::Bool => 3,
            Self::String => 4,
        }
    }

    /// By its number; `None` for a type of a later version.
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its name: `f64`, `f32`, `i64`, `bool`, `string`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::I64 => "i64",
            Self::Bool => "bool",
            Self::String => "string",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for ValueType {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        Self::ALL
            .into_iter()
            .find(|value_type| value_type.as_str() == text)
            .ok_or_else(|| {
                ModelError::invalid(
                    "value type",
                    format!("{} is unknown", crate::ids::quoted(text)),
                    "one of f64, f32, i64, bool, string",
                )
            })
    }
}

/// A scalar's value: one typed thing with a name and a time, and no step.
///
/// Two are equal if they have the same type and the same bits: 1 is not 1.0, NaN is itself.
/// In JSON a plain value; NaN and the infinities are the texts `NaN`, `Infinity`, `-Infinity`.
#[derive(Debug, Clone)]
pub enum ScalarValue {
    /// True or false.
    Bool(bool),
    /// int64.
    I64(i64),
    /// float64, NaN and infinities included.
    F64(f64),
    /// Text.
    String(String),
}

impl ScalarValue {
    /// Its type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Bool(_) => ValueType::Bool,
            Self::I64(_) => ValueType::I64,
            Self::F64(_) => ValueType::F64,
            Self::String(_) => ValueType::String,
        }
    }
}

impl PartialEq for ScalarValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::I64(one), Self::I64(two)) => one == two,
            (Self::F64(one), Self::F64(two)) => one.to_bits() == two.to_bits(),
            (Self::String(one), Self::String(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for ScalarValue {}

impl fmt::Display for ScalarValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => fmt::Display::fmt(value, formatter),
            Self::I64(value) => fmt::Display::fmt(value, formatter),
            Self::F64(value) => fmt::Display::fmt(value, formatter),
            Self::String(text) => formatter.write_str(text),
        }
    }
}

impl Serialize for ScalarValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::I64(value) => serializer.serialize_i64(*value),
            Self::F64(value) => serialize_float(*value, serializer),
            Self::String(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for ScalarValue {
    /// A text `NaN` stays a text: JSON can't tell it from the number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Plain {
            Bool(bool),
            I64(i64),
            F64(f64),
            String(String),
        }
        Ok(match Plain::deserialize(deserializer)? {
            Plain::Bool(value) => Self::Bool(value),
            Plain::I64(value) => Self::I64(value),
            Plain::F64(value) => Self::F64(value),
            Plain::String(text) => Self::String(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use ValueType::{Bool, F32, F64, I64, String as Text};

    #[test]
    fn the_table_of_unification() {
        for (one, two, both) in [
            (I64, F64, Some(F64)),
            (F32, F64, Some(F64)),
            (F32, I64, Some(F64)),
            (Bool, I64, Some(I64)),
            (Bool, F32, Some(F32)),
            (Bool, F64, Some(F64)),
            (Text, F64, None),
            (Text, F32, None),
            (Text, I64, None),
            (Text, Bool, None),
        ] {
            assert_eq!(one.unify(two).ok(), both, "{one} {two}");
        }
        assert_eq!(
            I64.unify(Text).unwrap_err().to_string(),
            "a series of i64 values can't take a string value, hint: use another name or context"
        );
    }

    #[test]
    fn numbers_and_words_read_back() {
        for value_type in ValueType::ALL {
            assert_eq!(ValueType::from_u8(value_type.as_u8()), Some(value_type));
            assert_eq!(
                value_type.as_str().parse::<ValueType>().unwrap(),
                value_type
            );
            assert_eq!(
                serde_json::to_value(value_type).unwrap(),
                value_type.as_str()
            );
        }
        assert_eq!(ValueType::from_u8(5), None);
    }

    #[test]
    fn scalars_are_plain_in_json() {
        for (value, json) in [
            (ScalarValue::Bool(true), "true"),
            (ScalarValue::I64(1), "1"),
            (ScalarValue::F64(1.0), "1.0"),
            (ScalarValue::String("x".into()), "\"x\""),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
            assert_eq!(serde_json::from_str::<ScalarValue>(json).unwrap(), value);
        }
        assert_eq!(
            serde_json::to_string(&ScalarValue::F64(f64::NAN)).unwrap(),
            "\"NaN\""
        );
        assert_ne!(ScalarValue::I64(1), ScalarValue::F64(1.0));
        assert_eq!(ScalarValue::F64(f64::NAN), ScalarValue::F64(f64::NAN));
    }

    fn any_type() -> impl Strategy<Value = ValueType> {
        select(&ValueType::ALL[..])
    }

    proptest! {
        #[test]
        fn unification_is_commutative_associative_and_idempotent(
            one in any_type(), two in any_type(), three in any_type(),
        ) {
            prop_assert_eq!(one.unify(one), Ok(one));
            prop_assert_eq!(one.unify(two).ok(), two.unify(one).ok());
            let left = one.unify(two).and_then(|both| both.unify(three));
            let right = two.unify(three).and_then(|both| one.unify(both));
            prop_assert_eq!(left.ok(), right.ok());
        }

        #[test]
        fn the_order_of_writers_does_not_matter(
            types in proptest::collection::vec(any_type(), 1..8).prop_flat_map(|types| {
                (Just(types.clone()), Just(types).prop_shuffle())
            }),
        ) {
            let join = |types: Vec<ValueType>| {
                let mut types = types.into_iter();
                let first = types.next().unwrap();
                types.try_fold(first, ValueType::unify).ok()
            };
            prop_assert_eq!(join(types.0), join(types.1));
        }
    }
}
