//! JSON that is kept as it was given: documents of objects, extra arguments of log records.

use std::fmt;

use serde::de::IgnoredAny;

use crate::ModelError;

/// A text that is one JSON value. It is checked and never changed, so numbers keep their digits
/// and objects the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonText(String);

impl JsonText {
    /// Checks the text. Values may be nested 127 levels deep; NaN and infinities are no JSON.
    ///
    /// # Errors
    /// `Invalid` for anything that is not one JSON value.
    pub fn new(text: impl Into<String>) -> Result<Self, ModelError> {
        let text = text.into();
        match serde_json::from_str::<IgnoredAny>(&text) {
            Ok(_) if depth_of(&text) > DEPTH_MAX => Err(ModelError::invalid(
                "JSON document",
                format!("is nested more than {DEPTH_MAX} levels deep"),
                "flatten it",
            )),
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(ModelError::invalid(
                "JSON document",
                format!("can't be read: {error}"),
                "give one JSON value; NaN and infinities go as text",
            )),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text away.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Levels that every reader of JSON takes.
const DEPTH_MAX: usize = 127;

/// How deep lists and objects of a text that is JSON are nested. Skipping a value, as the check
/// above does, knows no limit.
fn depth_of(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl fmt::Display for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_kept_as_it_was_given() {
        for good in [
            "{}",
            " {\"b\": 1.50, \"a\":[null]} ",
            "12345678901234567890123",
            "\"é\\u0000\"",
        ] {
            assert_eq!(JsonText::new(good).unwrap().as_str(), good);
        }
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(JsonText::new(deep(127)).is_ok());
        assert!(JsonText::new(format!("[\"\\\"{}\"]", "[".repeat(500))).is_ok());
        for bad in [
            "",
            "{",
            "NaN",
            "{\"a\":Infinity}",
            "{} {}",
            "\"\0\"",
            "{'a':1}",
            &deep(128),
            &deep(1000),
        ] {
            assert!(JsonText::new(bad).is_err(), "{bad}");
        }
    }
}
