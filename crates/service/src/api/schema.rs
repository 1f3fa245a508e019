//! How types of the model, and free JSON, are described in the OpenAPI document.
//!
//! Fields of the bodies name these with `#[schema(value_type = ...)]`, because the model does not
//! know OpenAPI: it is linked into training processes. Word lists are taken from the model's own,
//! so they can't become stale; the structs here are held to theirs by a test.

use crate::error::ERRORS;
use crate::number::Number;
use runstone_model as model;
use std::borrow::Cow;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Schemas that a type brings along.
type Schemas = Vec<(String, RefOr<Schema>)>;

fn of_words(description: &str, words: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words))
        .build()
        .into()
}

/// A string that is one of the model's words.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident = $words:expr;)+) => {$(
        $(#[doc = $doc])+
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                of_words([$($doc),+].join("\n").trim(), $words)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

words! {
    /// State of a run.
    RunState = model::RunState::ALL.iter().map(|word| word.as_str());
    /// Why a run or a writer did not end as it should, in one word.
    ReasonCode = model::ReasonCode::ALL.iter().map(|word| word.as_str());
    /// Something that happens to a run.
    LifecycleEvent = model::LifecycleEvent::ALL.iter().map(|word| word.as_str());
    /// Whether a metric is better when it is small or when it is great.
    Goal = [model::Goal::Min, model::Goal::Max].into_iter().map(model::Goal::as_str);
    /// What a series is made of: numbers, or one kind of objects.
    SeriesKind = model::SeriesKind::ALL.into_iter().map(model::SeriesKind::as_str);
    /// Where a terminal line was written to.
    LogStream = [model::LogStream::Stdout, model::LogStream::Stderr]
        .into_iter()
        .map(model::LogStream::as_str);
    /// Type of the values of a metric.
    ValueType = model::ValueType::ALL.into_iter().map(model::ValueType::as_str);
    /// In which way a writer ended.
    WriterEndKind = [
        model::WriterEndKind::Closed,
        model::WriterEndKind::Failed,
        model::WriterEndKind::Lost,
    ].into_iter().map(model::WriterEndKind::as_str);
    /// Which runs come first: those created last, or those created first.
    Order = ["newest", "oldest"].into_iter();
    /// Name of a kind of error, as in the type of a problem document.
    ErrorName = ERRORS.iter().map(|row| row.name);
}

/// Id of a run: 1 to 128 bytes without `/`, `\` and control characters.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 128)]
pub struct RunId(pub String);

/// Id of a writer: 32 hexadecimal digits.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{32}$")]
pub struct WriterId(pub String);

/// Why something ended: a word for programs and a text for people.
#[derive(ToSchema)]
pub struct EndReason {
    /// The word.
    pub code: ReasonCode,
    /// Verbatim, as the client told it; may be empty.
    pub text: String,
}

/// An id that another system's client knows the run by.
#[derive(ToSchema)]
pub struct Alias {
    /// The dialect, as `dalva`.
    pub dialect: String,
    /// The id there.
    pub id: String,
}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .description(Some("A number; what JSON can't say is text."))
            .item(ObjectBuilder::new().schema_type(Type::Number))
            .item(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some(["NaN", "Infinity", "-Infinity"])),
            )
            .into()
    }
}

impl ToSchema for Number {}

fn json_value() -> RefOr<Schema> {
    Ref::from_schema_name(JsonValue::name()).into()
}

fn object_of_json(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::RefOr(json_value())))
        .build()
        .into()
}

/// Any JSON.
pub struct JsonValue;

impl PartialSchema for JsonValue {
    fn schema() -> RefOr<Schema> {
        let of_type = |schema_type| ObjectBuilder::new().schema_type(schema_type);
        OneOfBuilder::new()
            .description(Some("Any JSON."))
            .item(of_type(SchemaType::Type(Type::Null)))
            .item(of_type(SchemaType::Type(Type::Boolean)))
            .item(of_type(SchemaType::Type(Type::Number)))
            .item(of_type(SchemaType::Type(Type::String)))
            .item(ArrayBuilder::new().items(json_value()))
            .item(
                of_type(SchemaType::Type(Type::Object))
                    .additional_properties(Some(AdditionalProperties::RefOr(json_value()))),
            )
            .into()
    }
}

impl ToSchema for JsonValue {}

/// An object of any JSON.
pub struct JsonObject;

impl PartialSchema for JsonObject {
    fn schema() -> RefOr<Schema> {
        object_of_json("A tree; non-finite numbers are text.")
    }
}

impl ToSchema for JsonObject {
    fn schemas(schemas: &mut Schemas) {
        schemas.push((JsonValue::name().into_owned(), JsonValue::schema()));
    }
}

/// Context of a series.
pub struct Context;

impl PartialSchema for Context {
    fn schema() -> RefOr<Schema> {
        object_of_json("Context of a series: what tells it from others of its name.")
    }
}

impl ToSchema for Context {
    fn schemas(schemas: &mut Schemas) {
        schemas.push((JsonValue::name().into_owned(), JsonValue::schema()));
    }
}

/// Value of a scalar.
pub struct ScalarValue;

impl PartialSchema for ScalarValue {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .description(Some("Bool, number or text; non-finite numbers are text."))
            .item(ObjectBuilder::new().schema_type(Type::Boolean))
            .item(ObjectBuilder::new().schema_type(Type::Number))
            .item(ObjectBuilder::new().schema_type(Type::String))
            .into()
    }
}

impl ToSchema for ScalarValue {}

/// Data of the events `reset` and `caught_up` of the stream of changes.
#[derive(ToSchema)]
pub struct StreamPosition {
    /// Where to go on.
    pub next: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn properties<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let Some(Value::Object(properties)) = schema.get("properties") else {
            panic!("no properties in {schema}");
        };
        properties.keys().cloned().collect()
    }

    fn fields(value: &impl serde::Serialize) -> Vec<String> {
        let Value::Object(fields) = serde_json::to_value(value).unwrap() else {
            panic!("no object");
        };
        fields.keys().cloned().collect()
    }

    #[test]
    fn mirrored_structs_have_the_fields_of_the_model() {
        let reason = model::EndReason::new(model::ReasonCode::Oom, "x");
        assert_eq!(properties::<EndReason>(), fields(&reason));
        let alias = model::Alias {
            dialect: "dalva".to_owned(),
            id: "1".to_owned(),
        };
        assert_eq!(properties::<Alias>(), fields(&alias));
    }

    #[test]
    fn words_are_those_that_are_written() {
        for state in model::RunState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for value_type in model::ValueType::ALL {
            assert_eq!(
                serde_json::to_value(value_type).unwrap(),
                value_type.as_str()
            );
        }
        let schema = serde_json::to_value(Goal::schema()).unwrap();
        assert_eq!(schema["enum"], serde_json::json!(["min", "max"]));
    }
}
