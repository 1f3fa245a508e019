//! Numbers as the native API writes them in JSON.
//!
//! JSON knows no NaN and no infinities: they are the strings "NaN", "Infinity" and "-Infinity".
//! Integers of i64 series stay integers with all digits; a float that happens to be whole keeps
//! its point (`1.0`), so that reading back gives the same type.

use runstone_store::PointValue;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A number of a series.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// Of an i64 series.
    I64(i64),
    /// Everything else.
    F64(f64),
}

impl Number {
    /// As f64; integers past 2^53 lose digits.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::I64(value) => value as f64,
            Self::F64(value) => value,
        }
    }

    /// A summary's value: whole numbers of an i64 series become integers again.
    pub fn of_summary(value: f64, integer: bool) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if integer && value.fract() == 0.0 && value.abs() <= EXACT {
            Self::I64(value as i64)
        } else {
            Self::F64(value)
        }
    }
}

/// Equal by type and bits, so NaN equals NaN.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::I64(one), Self::I64(two)) => one == two,
            (Self::F64(one), Self::F64(two)) => {
                one.to_bits() == two.to_bits() || (one.is_nan() && two.is_nan())
            }
            _ => false,
        }
    }
}

impl From<PointValue> for Number {
    fn from(value: PointValue) -> Self {
        match value {
            PointValue::I64(value) => Self::I64(value),
            PointValue::F64(value) => Self::F64(value),
        }
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::I64(value) => serializer.serialize_i64(value),
            Self::F64(value) if value.is_finite() => serializer.serialize_f64(value),
            Self::F64(value) if value.is_nan() => serializer.serialize_str("NaN"),
            Self::F64(value) if value > 0.0 => serializer.serialize_str("Infinity"),
            Self::F64(_) => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number::I64(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                Ok(i64::try_from(value).map_or(Number::F64(value as f64), Number::I64))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number::F64(value))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                match text {
                    "NaN" => Ok(Number::F64(f64::NAN)),
                    "Infinity" => Ok(Number::F64(f64::INFINITY)),
                    "-Infinity" => Ok(Number::F64(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_json_cannot_say_is_text() {
        let numbers = [
            Number::F64(f64::NAN),
            Number::F64(f64::INFINITY),
            Number::F64(f64::NEG_INFINITY),
            Number::F64(1.0),
            Number::I64(1),
        ];
        assert_eq!(
            serde_json::to_string(&numbers).unwrap(),
            r#"["NaN","Infinity","-Infinity",1.0,1]"#
        );
    }

    #[test]
    fn summaries_of_integer_series_are_integers() {
        assert_eq!(Number::of_summary(3.0, true), Number::I64(3));
        assert_eq!(Number::of_summary(3.0, false), Number::F64(3.0));
        assert_eq!(Number::of_summary(f64::NAN, true), Number::F64(f64::NAN));
    }

    proptest! {
        #[test]
        fn every_number_reads_back_as_itself(bits: u64, integer: i64) {
            for number in [Number::F64(f64::from_bits(bits)), Number::I64(integer)] {
                let text = serde_json::to_string(&number).unwrap();
                prop_assert_eq!(serde_json::from_str::<Number>(&text).unwrap(), number);
            }
        }
    }
}
