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
