//! Bodies about objects: `GET /runstone/v1/runs/{run}/object-series` and `.../objects`.

use runstone_model::{BlobDigest, JsonText, SeriesKind, Step, Timestamp};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::schema;

/// Sets of objects of a page, unless asked otherwise.
pub const OBJECTS_PAGE_DEFAULT: usize = 100;
/// Sets of objects of a page at most.
pub const OBJECTS_PAGE_MAX: usize = 1_000;

/// JSON as it was logged: it is passed on and never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawJson(pub JsonText);

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.0.as_str().to_owned()).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = JsonText::new(raw.get()).map_err(D::Error::custom)?;
        Ok(Self(text))
    }
}

/// Object series of a run that have something to show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectSeriesList {
    /// By name, context and kind.
    pub series: Vec<ObjectSeriesItem>,
}

/// An object series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectSeriesItem {
    /// Name.
    pub name: String,
    /// Context.
    #[schema(value_type = schema::Context)]
    pub context: Value,
    /// Kind of objects.
    #[schema(value_type = schema::SeriesKind)]
    pub kind: SeriesKind,
    /// Steps that have objects.
    pub steps: u64,
    /// Objects at these steps.
    pub objects: u64,
    /// The smallest step.
    #[schema(value_type = f64)]
    pub first_step: Step,
    /// The greatest step.
    #[schema(value_type = f64)]
    pub last_step: Step,
}

/// What to ask of `GET /runstone/v1/runs/{run}/objects`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ObjectsQuery {
    /// Name of the series.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(required = true)]
    pub name: Option<String>,
    /// Its kind: image, audio, text, distribution, figure or table_row.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(required = true)]
    pub kind: Option<String>,
    /// Its context as a JSON object; none unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// From this step on, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_step: Option<f64>,
    /// Up to this step, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_step: Option<f64>,
    /// All that was ever logged, hidden sets too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<bool>,
    /// At most so many steps; 100 unless given, 1,000 at most. Long documents end a page early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after a page: its `next_cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Objects of one series, by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectsPage {
    /// One a step; with `history` all that were ever logged.
    pub sets: Vec<ObjectSetItem>,
    /// Where the next page starts; null at the end.
    pub next_cursor: Option<String>,
}

/// The objects that one call gave for one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectSetItem {
    /// The step.
    #[schema(value_type = f64)]
    pub step: Step,
    /// The client's clock.
    #[schema(value_type = i64)]
    pub time_micros: Timestamp,
    /// Epoch, if the call gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub epoch: Option<f64>,
    /// With `history`: whether it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub visible: Option<bool>,
    /// With `history`: its generation; each rewind opens the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub generation: Option<u32>,
    /// With `history`: append number of its frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub append: Option<u64>,
    /// In the order of their index within the step.
    pub objects: Vec<ObjectItem>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectItem {
    /// What it is, as it was logged.
    #[schema(value_type = schema::JsonValue)]
    pub document: RawJson,
    /// The blobs that it refers to, as `sha256:` and 64 hexadecimal digits.
    #[schema(value_type = Vec<String>)]
    pub digests: Vec<BlobDigest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_pass_through_as_they_were_logged() {
        let text = "{\"b\": 1.50, \"a\":[null]}";
        let item = ObjectItem {
            document: RawJson(JsonText::new(text).unwrap()),
            digests: vec![BlobDigest::new([7; 32])],
        };
        let written = serde_json::to_string(&item).unwrap();
        assert!(written.contains(text), "{written}");
        assert_eq!(serde_json::from_str::<ObjectItem>(&written).unwrap(), item);
    }
}
