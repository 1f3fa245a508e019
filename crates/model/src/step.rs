//! The step of a point: where it stands on the x axis.
//!
//! Steps are finite float64. Integers up to 2^53 are exact and are written as integers, in text
//! and in JSON. -0.0 is 0, so equal steps have equal bits and can be hashed and sorted.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ModelError;

/// A finite step.
///
/// ```
/// use runstone_model::Step;
/// assert_eq!(Step::new(3.0).unwrap().to_string(), "3");
/// assert_eq!(Step::new(-0.0).unwrap(), Step::ZERO);
/// assert!(Step::new(f64::NAN).is_err());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Step(f64);

impl Step {
    /// Step 0.
    pub const ZERO: Self = Self(0.0);

    /// Checks that the number is finite; -0.0 becomes 0.
    ///
    /// # Errors
    /// `Invalid` for NaN and the infinities.
    pub fn new(value: f64) -> Result<Self, ModelError> {
        if !value.is_finite() {
            return Err(ModelError::invalid(
                "step",
                format!("{value} is not finite"),
                "use a finite number, or leave the step out to have it counted",
            ));
        }
        // Adding 0.0 turns -0.0 into 0.0 and leaves everything else as it is.
        Ok(Self(value + 0.0))
    }

    /// From an integer; past 2^53 the nearest float64.
    pub fn from_integer(value: i64) -> Self {
        Self(value as f64)
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Whether the step has no fraction.
    pub fn is_integer(self) -> bool {
        self.0.fract() == 0.0
    }

    /// The step as an integer if it is one that i64 can hold.
    pub fn as_integer(self) -> Option<i64> {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63, the first that i64 can't hold
        (self.is_integer() && self.0 >= -LIMIT && self.0 < LIMIT).then_some(self.0 as i64)
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Step {}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Step {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl From<u32> for Step {
    fn from(value: u32) -> Self {
        Self(f64::from(value))
    }
}

impl TryFrom<f64> for Step {
    type Error = ModelError;

    fn try_from(value: f64) -> Result<Self, ModelError> {
        Self::new(value)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(ryu_js::Buffer::new().format_finite(self.0))
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_integer() {
            Some(integer) => serializer.serialize_i64(integer),
            None => serializer.serialize_f64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
