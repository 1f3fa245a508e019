//! What a series is called: name, canonical context, kind.
//!
//! Two calls with equal keys write to one series of the run. The key is the order in which
//! series are listed everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Context, MetricName, ModelError};

/// What a series is made of: numbers, or one kind of objects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SeriesKind {
    /// Numbers (or bools, or texts) over steps.
    #[default]
    Metric,
    /// Images.
    Image,
    /// Sounds.
    Audio,
    /// Texts.
    Text,
    /// Distributions: counts of values in bins.
    Distribution,
    /// Figures of a plotting library.
    Figure,
    /// Rows of a table.
    TableRow,
}

impl SeriesKind {
    /// All kinds, by their number.
    pub const ALL: [Self; 7] = [
        Self::Metric,
        Self::Image,
        Self::Audio,
        Self::Text,
        Self::Distribution,
        Self::Figure,
        Self::TableRow,
    ];

    /// Its number in frames and in stores; never changes.
    pub fn as_u8(self) -> u8 {
        match self {
            Self::Metric => 0,
            Self::Image => 1,
            Self::Audio => 2,
            Self::Text => 3,
            Self::Distribution => 4,
            Self::Figure => 5,
            Self::TableRow => 6,
        }
    }

    /// By its number; `None` for a kind of a later version.
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Text => "text",
            Self::Distribution => "distribution",
            Self::Figure => "figure",
            Self::TableRow => "table_row",
        }
    }

    /// Whether its points are JSON documents and not values.
    pub fn is_object(self) -> bool {
        self != Self::Metric
    }
}

impl fmt::Display for SeriesKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for SeriesKind {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text).ok_or_else(|| {
            ModelError::invalid(
                "kind of series",
                format!("{} is unknown", crate::ids::quoted(text)),
                "one of metric, image, audio, text, distribution, figure, table_row",
            )
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, context: &str) -> SeriesKey {
        SeriesKey::metric(
            MetricName::new(name).unwrap(),
            Context::parse(context).unwrap(),
        )
    }

    #[test]
    fn keys_sort_by_name_then_context_as_bytes() {
        let mut keys = [
            key("b", ""),
            key("a", "{}"),
            key("a", r#"{"x":1}"#),
            key("B", ""),
        ];
        keys.sort();
        let shown: Vec<_> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["B", "a {\"x\":1}", "a", "b"]);
    }

    #[test]
    fn equal_contexts_make_equal_keys() {
        assert_eq!(
            key("a", r#"{"x":1,"y":2}"#),
            key("a", r#"{"y":2.0,"x":1.0}"#)
        );
    }

    #[test]
    fn context_and_kind_may_be_left_out_in_json() {
        let read: SeriesKey = serde_json::from_str(r#"{"name":"a"}"#).unwrap();
        assert_eq!(read, key("a", ""));
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            r#"{"name":"a","context":{},"kind":"metric"}"#
        );
    }

    #[test]
    fn goals_are_min_and_max() {
        assert_eq!("min".parse::<Goal>().unwrap(), Goal::Min);
        assert_eq!("max".parse::<Goal>().unwrap(), Goal::Max);
        assert!("MAX".parse::<Goal>().is_err());
    }

    #[test]
    fn kinds_have_stable_numbers() {
        for (number, kind) in (0..).zip(SeriesKind::ALL) {
            assert_eq!(kind.as_u8(), number);
            assert_eq!(SeriesKind::from_u8(number), Some(kind));
            assert_eq!(kind.as_str().parse::<SeriesKind>().unwrap(), kind);
            let json = format!("\"{kind}\"");
            assert_eq!(serde_json::to_string(&kind).unwrap(), json);
        }
        assert_eq!(SeriesKind::from_u8(7), None);
        assert!("Image".parse::<SeriesKind>().is_err());
    }
}
