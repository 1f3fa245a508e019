//! Names that people give: of experiments, metrics and tags; and the care of free text.
//!
//! A name is kept as it was given, case and spaces included, and refused when it is empty, too
//! long, or holds a control character (a terminal or a file name could not show it). Text with a
//! NUL is not refused: the edge of the system (the client, a dialect) replaces it with
//! [`clean_text`] before it builds a name, and counts what it replaced.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::ModelError;
use crate::ids::quoted;

/// The experiment of runs that name none.
pub const DEFAULT_EXPERIMENT: &str = "default";
/// Longest name, group or job type of a run in bytes.
pub const SHORT_TEXT_BYTES_MAX: usize = 1024;
/// Longest description or reason text in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Characters,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal $unit:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// `Invalid` if it is empty or holds a control character, `TooLarge` past the limit.
            pub fn new(text: impl Into<String>) -> Result<Self, ModelError> {
                let text = text.into();
                check_name($what, &text, $max, Unit::$unit)?;
                Ok(Self(text))
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

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ModelError;

            fn from_str(text: &str) -> Result<Self, ModelError> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// Name of an experiment: 1 to 256 characters, case-sensitive, no control characters.
    ExperimentName, "experiment name", 256 Characters
);
name!(
    /// Name of a metric or a scalar: 1 to 512 bytes of UTF-8 without control characters.
    /// A `/` in it is an ordinary character that user interfaces group by.
    MetricName, "metric name", 512 Bytes
);
name!(
    /// Name of a tag: 1 to 256 characters, case-sensitive, no control characters.
    TagName, "tag", 256 Characters
);

impl Default for ExperimentName {
    /// `default`.
    fn default() -> Self {
        Self(DEFAULT_EXPERIMENT.to_owned())
    }
}

fn check_name(what: &'static str, text: &str, max: usize, unit: Unit) -> Result<(), ModelError> {
    let (length, unit) = match unit {
        Unit::Bytes => (text.len(), "bytes"),
        Unit::Characters => (text.chars().count(), "characters"),
    };
    if length == 0 {
        return Err(ModelError::invalid(
            what,
            "is empty",
            "give it at least one character",
        ));
    }
    if length > max {
        let reason = format!("{} has {length} {unit}, the limit is {max}", quoted(text));
        return Err(ModelError::too_large(what, reason, "shorten it"));
    }
    if text.chars().any(char::is_control) {
        let reason = format!("{} holds a control character", quoted(text));
        return Err(ModelError::invalid(
            what,
            reason,
            "remove line breaks, tabs and the like",
        ));
    }
    Ok(())
}

/// Checks free text (a run's name, group or description) against a limit in bytes, and that it
/// holds no NUL.
///
/// # Errors
/// `TooLarge` past the limit; `Invalid` for a NUL, which [`clean_text`] takes out.
pub fn check_text(what: &'static str, text: &str, bytes_max: usize) -> Result<(), ModelError> {
    if text.len() > bytes_max {
        let reason = format!("has {} bytes, the limit is {bytes_max}", text.len());
        return Err(ModelError::too_large(what, reason, "shorten it"));
    }
    if text.contains('\0') {
        return Err(ModelError::invalid(
            what,
            "holds a NUL character",
            "remove it",
        ));
    }
    Ok(())
}

/// Replaces each NUL by U+FFFD, since no database text can hold one, and says how many there were.
/// Nothing is copied where there is none.
pub fn clean_text(text: &str) -> (Cow<'_, str>, usize) {
    let count = text.bytes().filter(|byte| *byte == 0).count();
    if count == 0 {
        return (Cow::Borrowed(text), 0);
    }
    (Cow::Owned(text.replace('\0', "\u{fffd}")), count)
}

/// Cuts a text to at most so many bytes, between two characters, and says how many bytes went.
pub fn cut_text(text: &mut String, bytes_max: usize) -> u64 {
    let before = text.len();
    if before > bytes_max {
        let mut end = bytes_max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    (before - text.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_they_were_given() {
        for good in ["loss", " ", "a/b", "Ärger", "😀", "a.b c", "-"] {
            assert_eq!(MetricName::new(good).unwrap().as_str(), good);
            assert_eq!(ExperimentName::new(good).unwrap().as_str(), good);
            assert_eq!(TagName::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn limits_count_bytes_of_metrics_and_characters_of_the_others() {
        assert!(MetricName::new("é".repeat(256)).is_ok());
        assert!(MetricName::new("é".repeat(257)).unwrap_err().is_too_large());
        assert!(ExperimentName::new("é".repeat(256)).is_ok());
        assert!(
            ExperimentName::new("é".repeat(257))
                .unwrap_err()
                .is_too_large()
        );
        assert!(TagName::new("é".repeat(257)).unwrap_err().is_too_large());
    }

    #[test]
    fn empty_names_and_control_characters_are_refused_with_a_hint() {
        assert_eq!(
            MetricName::new("").unwrap_err().to_string(),
            "metric name is empty, hint: give it at least one character"
        );
        assert_eq!(
            TagName::new("a\u{1b}[2J").unwrap_err().to_string(),
            "tag \"a\\u{1b}[2J\" holds a control character, \
             hint: remove line breaks, tabs and the like"
        );
        assert!(serde_json::from_str::<MetricName>("\"a\\u0000\"").is_err());
    }

    #[test]
    fn a_long_name_is_cut_in_the_message() {
        let message = MetricName::new("x".repeat(100_000))
            .unwrap_err()
            .to_string();
        assert!(message.len() < 200, "{message}");
    }

    #[test]
    fn nul_is_replaced_and_counted() {
        assert!(matches!(clean_text("abc"), (Cow::Borrowed("abc"), 0)));
        assert_eq!(
            clean_text("\0a\0"),
            (Cow::Owned("\u{fffd}a\u{fffd}".to_owned()), 2)
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut text = "aéé".to_owned();
        assert_eq!(cut_text(&mut text, 5), 0);
        assert_eq!(cut_text(&mut text, 4), 2);
        assert_eq!(text, "aé");
        assert_eq!(cut_text(&mut text, 2), 2);
        assert_eq!(text, "a");
    }

    #[test]
    fn free_text_is_checked_for_size_and_nul() {
        assert!(check_text("run name", "two\nlines", SHORT_TEXT_BYTES_MAX).is_ok());
        assert!(check_text("run name", "a\0", SHORT_TEXT_BYTES_MAX).is_err());
        assert!(check_text("run name", "abc", 2).unwrap_err().is_too_large());
    }
}
