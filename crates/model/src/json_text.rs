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
        for bad in [
            "",
            "{",
            "NaN",
            "{\"a\":Infinity}",
            "{} {}",
            "\"\0\"",
            "{'a':1}",
            &deep(1000),
        ] {
            assert!(JsonText::new(bad).is_err(), "{bad}");
        }
    }
}
