//! What a series is called: name, canonical context, kind.
//!
//! Two calls with equal keys write to one series of the run. The key is the order in which
//! series are listed everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Context, MetricName, ModelError};

/// What a series is made of. More kinds (images, text, distributions, ...) come later.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SeriesKind {
    /// Numbers (or bools, or texts) over steps.
    #[default]
    Metric,
}

impl SeriesKind {
    /// Its number in frames and in stores; never changes.
    pub fn as_u8(self) -> u8 {
        match self {
            Self::Metric => 0,
        }
    }

    /// By its number; `None` for a kind of a later version.
    pub fn from_u8(number: u8) -> Option<Self> {
        (number == 0).then_some(Self::Metric)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metric => "metric",
        }
    }
}

impl fmt::Display for SeriesKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Identity of a series within its run. Ordered by name, then context, then kind, as bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// Name.
    pub name: MetricName,
    /// Canonical context.
    #[serde(default)]
    pub context: Context,
    /// Kind.
    #[serde(default)]
    pub kind: SeriesKind,
}

impl SeriesKey {
    /// The key of a metric.
    pub fn metric(name: MetricName, context: Context) -> Self {
        Self {
            name,
            context,
            kind: SeriesKind::Metric,
        }
    }
}

impl fmt::Display for SeriesKey {
    /// The name, and the context where there is one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name.as_str())?;
        if !self.context.is_empty() {
            write!(formatter, " {}", self.context)?;
        }
        Ok(())
    }
}

/// Whether a metric is better when it is small or when it is great.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Smaller is better.
    Min,
    /// Greater is better.
    Max,
}

impl Goal {
    /// `min` or `max`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Goal {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        match text {
            "min" => Ok(Self::Min),
            "max" => Ok(Self::Max),
            _ => Err(ModelError::invalid(
                "goal",
                format!("{} is unknown", crate::ids::quoted(text)),
                "use \"min\" or \"max\"",
            )),
        }
    }
}
