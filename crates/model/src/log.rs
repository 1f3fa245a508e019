//! Words of logs: the stream a terminal line was written to, and the level of a record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::ids::quoted;

/// Longest terminal line, message of a record, or name of a source file, in bytes; more is cut off.
pub const LOG_TEXT_BYTES_MAX: usize = 64 * 1024;

/// Where a terminal line was written to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

impl LogStream {
    /// `stdout` or `stderr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// Its number in frames and in stores; never changes.
    pub fn as_u8(self) -> u8 {
        match self {
            Self::Stdout => 0,
            Self::Stderr => 1,
        }
    }

    /// By its number; `None` for a stream of a later version.
    pub fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Stdout),
            1 => Some(Self::Stderr),
            _ => None,
        }
    }
}

impl fmt::Display for LogStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for LogStream {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        match text {
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            _ => Err(ModelError::invalid(
                "stream",
                format!("{} is unknown", quoted(text)),
                "use \"stdout\" or \"stderr\"",
            )),
        }
    }
}

/// How grave a log record is, as Python's `logging` counts: greater is graver.
///
/// Any number will do; five have names. As text: the name, or the number where there is none.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LogLevel(pub i32);

impl LogLevel {
    /// 10.
    pub const DEBUG: Self = Self(10);
    /// 20.
    pub const INFO: Self = Self(20);
    /// 30.
    pub const WARNING: Self = Self(30);
    /// 40.
    pub const ERROR: Self = Self(40);
    /// 50.
    pub const CRITICAL: Self = Self(50);

    const NAMED: [(Self, &'static str); 5] = [
        (Self::DEBUG, "debug"),
        (Self::INFO, "info"),
        (Self::WARNING, "warning"),
        (Self::ERROR, "error"),
        (Self::CRITICAL, "critical"),
    ];

    /// Its name, if it has one.
    pub fn name(self) -> Option<&'static str> {
        let mut named = Self::NAMED.into_iter();
        named
            .find(|(level, _)| *level == self)
            .map(|(_, name)| name)
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => fmt::Display::fmt(&self.0, formatter),
        }
    }
}

impl FromStr for LogLevel {
    type Err = ModelError;

    /// A name in any case, or a number.
    fn from_str(text: &str) -> Result<Self, ModelError> {
        let mut named = Self::NAMED.into_iter();
        let by_name = named.find(|(_, name)| name.eq_ignore_ascii_case(text));
        let level = by_name.map(|(level, _)| level);
        level
            .or_else(|| text.parse().ok().map(Self))
            .ok_or_else(|| {
                ModelError::invalid(
                    "level",
                    format!("{} is unknown", quoted(text)),
                    "one of debug, info, warning, error, critical, or a number",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_stable_numbers_and_names() {
        for (number, stream) in [(0, LogStream::Stdout), (1, LogStream::Stderr)] {
            assert_eq!(stream.as_u8(), number);
            assert_eq!(LogStream::from_u8(number), Some(stream));
            assert_eq!(stream.as_str().parse::<LogStream>().unwrap(), stream);
        }
        assert_eq!(LogStream::from_u8(2), None);
        assert!("STDOUT".parse::<LogStream>().is_err());
    }

    #[test]
    fn levels_are_names_or_numbers() {
        for (text, level) in [("debug", 10), ("WARNING", 30), ("critical", 50), ("35", 35)] {
            assert_eq!(text.parse::<LogLevel>().unwrap(), LogLevel(level));
        }
        assert_eq!(LogLevel::ERROR.to_string(), "error");
        assert_eq!(LogLevel(-5).to_string(), "-5");
        assert!("loud".parse::<LogLevel>().is_err());
        assert!(LogLevel::INFO < LogLevel::WARNING);
    }
}
