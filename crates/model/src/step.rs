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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_written_as_integers() {
        for (step, text, json) in [
            (0.0, "0", "0"),
            (-0.0, "0", "0"),
            (-7.0, "-7", "-7"),
            (0.5, "0.5", "0.5"),
            (
                9_007_199_254_740_992.0,
                "9007199254740992",
                "9007199254740992",
            ),
            (1e300, "1e+300", "1e+300"),
            (5e-324, "5e-324", "5e-324"),
        ] {
            let step = Step::new(step).unwrap();
            assert_eq!(step.to_string(), text);
            assert_eq!(serde_json::to_string(&step).unwrap(), json);
        }
    }

    #[test]
    fn what_is_not_finite_is_no_step() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Step::new(bad).is_err());
        }
        assert_eq!(
            Step::new(f64::NAN).unwrap_err().to_string(),
            "step NaN is not finite, \
             hint: use a finite number, or leave the step out to have it counted"
        );
        assert!(serde_json::from_str::<Step>("null").is_err());
    }

    #[test]
    fn integers_past_i64_are_not_integers_of_i64() {
        assert_eq!(
            Step::new(9_223_372_036_854_775_808.0).unwrap().as_integer(),
            None
        );
        assert_eq!(Step::from_integer(i64::MIN).as_integer(), Some(i64::MIN));
    }

    fn finite() -> impl Strategy<Value = f64> {
        any::<f64>().prop_filter("finite", |float| float.is_finite())
    }

    proptest! {
        #[test]
        fn order_and_equality_are_those_of_numbers(one in finite(), two in finite()) {
            let (first, second) = (Step::new(one).unwrap(), Step::new(two).unwrap());
            prop_assert_eq!(first.cmp(&second), one.partial_cmp(&two).unwrap());
            prop_assert_eq!(first == second, one == two);
        }

        #[test]
        fn text_and_json_read_back(value in finite()) {
            let step = Step::new(value).unwrap();
            prop_assert_eq!(Step::new(step.to_string().parse().unwrap()).unwrap(), step);
            let json = serde_json::to_string(&step).unwrap();
            prop_assert_eq!(serde_json::from_str::<Step>(&json).unwrap(), step);
        }

        #[test]
        fn integers_to_2_53_are_exact(value in -(1_i64 << 53)..=1 << 53) {
            let step = Step::from_integer(value);
            prop_assert_eq!(step.as_integer(), Some(value));
            prop_assert_eq!(step.to_string(), value.to_string());
        }
    }
}
