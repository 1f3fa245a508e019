//! The order of a table: a key for every kind of value, and how two rows compare.
//!
//! Numbers come before NaN, NaN before text, text before lists, and rows without a value come
//! last; descending turns the order inside each of these kinds and leaves the kinds where they
//! are. Equal rows come newest first. So any two rows differ, and a position is a place for good.

use runstone_model::{ParamValue, RunKey, Timestamp};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Texts are compared by so many bytes, at most.
const TEXT_BYTES_MAX: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    Number,
    NotANumber,
    Text,
    List,
    Missing,
}

/// A value as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct SortKey {
    kind: Kind,
    /// The number as f64, as bits that compare like it.
    high: u64,
    /// What an integer is above its `high`.
    low: i64,
    text: String,
}

impl SortKey {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            high: 0,
            low: 0,
            text: String::new(),
        }
    }

    /// For a row without a value.
    pub(super) fn missing() -> Self {
        Self::of(Kind::Missing)
    }

    /// A float; NaN has a kind of its own.
    pub(super) fn float(value: f64) -> Self {
        if value.is_nan() {
            return Self::of(Kind::NotANumber);
        }
        // -0.0 is 0.
        let bits = (value + 0.0).to_bits();
        let sign = 1 << 63;
        let high = if bits & sign == 0 { bits | sign } else { !bits };
        Self {
            high,
            ..Self::of(Kind::Number)
        }
    }

    /// An integer of up to 64 bits, exactly.
    pub(super) fn integer(value: i128) -> Self {
        let high = value as f64;
        Self {
            low: i64::try_from(value - high as i128).unwrap_or_default(),
            ..Self::float(high)
        }
    }

    /// A text, by its first bytes.
    pub(super) fn text(text: &str) -> Self {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            text: text[..end].to_owned(),
            ..Self::of(Kind::Text)
        }
    }

    /// A param: a bool counts as 0 or 1, null as no value, a list as its JSON.
    pub(super) fn param(value: &ParamValue) -> Self {
        match value {
            ParamValue::Null | ParamValue::Dict(_) => Self::missing(),
            ParamValue::Bool(value) => Self::integer(i128::from(*value)),
            ParamValue::I64(value) => Self::integer(i128::from(*value)),
            ParamValue::U64(value) => Self::integer(i128::from(*value)),
            ParamValue::F64(value) => Self::float(*value),
            ParamValue::String(text) => Self::text(text),
            ParamValue::List(_) => Self {
                kind: Kind::List,
                ..Self::text(&value.to_json().to_string())
            },
        }
    }
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) sort: SortKey,
    pub(super) created_at: Timestamp,
    pub(super) key: RunKey,
}

impl Place {
    /// Which of two rows comes first.
    pub(super) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let (one, two) = (&self.sort, &other.sort);
        let values = (one.high, one.low, &one.text).cmp(&(two.high, two.low, &two.text));
        let values = if descending { values.reverse() } else { values };
        let newest = (other.created_at, other.key).cmp(&(self.created_at, self.key));
        one.kind.cmp(&two.kind).then(values).then(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(sort: SortKey, created: i64, key: u64) -> Place {
        Place {
            sort,
            created_at: Timestamp::from_micros(created),
            key: RunKey(key),
        }
    }

    #[test]
    fn kinds_keep_their_order_in_both_directions() {
        let keys = [
            SortKey::float(f64::NEG_INFINITY),
            SortKey::integer(-1),
            SortKey::float(0.5),
            SortKey::float(f64::INFINITY),
            SortKey::float(f64::NAN),
            SortKey::text("a"),
            SortKey::text("b"),
            SortKey::param(&ParamValue::List(vec![])),
            SortKey::missing(),
        ];
        let sorted = |descending: bool| {
            let mut places: Vec<_> = (0..).zip(&keys).collect();
            places.sort_by(|(_, one), (_, two)| {
                place((*one).clone(), 0, 1).compare(&place((*two).clone(), 0, 1), descending)
            });
            places
                .into_iter()
                .map(|(index, _)| index)
                .collect::<Vec<_>>()
        };
        assert_eq!(sorted(false), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(sorted(true), [3, 2, 1, 0, 4, 6, 5, 7, 8]);
    }

    #[test]
    fn integers_past_the_floats_compare_exactly() {
        let past = 1_i128 << 53;
        assert!(SortKey::integer(past) < SortKey::integer(past + 1));
        assert!(SortKey::integer(past + 1) < SortKey::integer(past + 2));
        assert!(
            SortKey::integer(i128::from(u64::MAX) - 1) < SortKey::integer(i128::from(u64::MAX))
        );
        assert_eq!(SortKey::integer(3), SortKey::float(3.0));
        assert_eq!(SortKey::float(-0.0), SortKey::float(0.0));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "ü".repeat(200);
        assert_eq!(SortKey::text(&text).text.len(), 256);
        let text = format!("a{text}");
        assert_eq!(SortKey::text(&text).text.len(), 255);
    }

    proptest! {
        #[test]
        fn floats_compare_as_numbers_do(one: f64, two: f64) {
            prop_assume!(!one.is_nan() && !two.is_nan());
            let wanted = one.partial_cmp(&two).unwrap();
            prop_assert_eq!(SortKey::float(one).cmp(&SortKey::float(two)), wanted);
        }

        #[test]
        fn integers_compare_as_numbers_do(one: i64, two: i64, near in -3_i64..3) {
            let key = |value: i64| SortKey::integer(i128::from(value));
            prop_assert_eq!(key(one).cmp(&key(two)), one.cmp(&two));
            let close = one.saturating_add(near);
            prop_assert_eq!(key(one).cmp(&key(close)), one.cmp(&close));
        }
    }
}
