//! Puts right what derived schemas can't say.
//!
//! Nullable fields of answers are always there, so they are required: a field that may be absent
//! is marked `nullable = false` at its type. Limits come from the constants that the service
//! checks. Variants of tagged enums become schemas of their own, so that a discriminator can name
//! them. Parameters are absent, never null. Links between Rust items become plain words.

use runstone_service::api::{
    CHANGES_PAGE_MAX, EDIT_RUNS_MAX, LINES_PIXELS_MAX, LINES_SERIES_MAX, POINTS_PAGE_MAX,
    RUNS_PAGE_MAX, SERIES_PAGE_MAX, SPARKLINE_CELLS_MAX, TABLE_COLUMNS_MAX, TABLE_PAGE_MAX,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const SCHEMA_PREFIX: &str = "#/components/schemas/";

/// Path, parameter, and the schema whose words it takes, joined by commas.
const WORD_LISTS: [(&str, &str, &str); 3] = [
    ("/runstone/v1/runs", "state", "RunState"),
    ("/runstone/v1/changes", "kind", "ChangeKind"),
    ("/runstone/v1/changes/stream", "kind", "ChangeKind"),
];

/// Path, parameter and its greatest value; the smallest is 1.
const PARAMETER_LIMITS: [(&str, &str, usize); 5] = [
    ("/runstone/v1/runs", "limit", RUNS_PAGE_MAX),
    ("/runstone/v1/runs/{run}/series", "limit", SERIES_PAGE_MAX),
    (
        "/runstone/v1/runs/{run}/series",
        "sparkline",
        SPARKLINE_CELLS_MAX,
    ),
    ("/runstone/v1/runs/{run}/points", "limit", POINTS_PAGE_MAX),
    ("/runstone/v1/changes", "limit", CHANGES_PAGE_MAX),
];

/// Schema, property and its greatest value; the smallest is 1.
const NUMBER_LIMITS: [(&str, &str, usize); 2] = [
    ("LinesRequest", "pixels", LINES_PIXELS_MAX),
    ("TableRequest", "limit", TABLE_PAGE_MAX),
];

/// Schema, list, smallest and greatest length.
const LIST_LIMITS: [(&str, &str, usize, usize); 4] = [
    ("LinesRequest", "series", 1, LINES_SERIES_MAX),
    ("EditsRequest", "runs", 1, EDIT_RUNS_MAX),
    ("TableRequest", "runs", 0, TABLE_PAGE_MAX),
    ("TableRequest", "columns", 0, TABLE_COLUMNS_MAX),
];

/// The document, finished.
pub(super) fn finish(mut document: Value) -> Value {
    for (path, name, most) in PARAMETER_LIMITS {
        for parameter in parameters(&mut document, path) {
            if parameter["name"] == name {
                limit_number(&mut parameter["schema"], most);
            }
        }
    }
    for (path, name, words) in WORD_LISTS {
        let pattern = pattern_of_words(&document["components"]["schemas"][words]);
        for parameter in parameters(&mut document, path) {
            if parameter["name"] == name {
                parameter["schema"]["pattern"] = json!(pattern);
            }
        }
    }
    let schemas = &mut document["components"]["schemas"];
    for (schema, name, most) in NUMBER_LIMITS {
        limit_number(&mut schemas[schema]["properties"][name], most);
    }
    for (schema, name, least, most) in LIST_LIMITS {
        let list = &mut schemas[schema]["properties"][name];
        if least > 0 {
            list["minItems"] = json!(least);
        }
        list["maxItems"] = json!(most);
    }
    for name in answered_schemas(&document) {
        require_nullable(&mut document["components"]["schemas"][&name]);
    }
    name_variants(&mut document);
    lift_descriptions(&mut document);
    say_unsigned(&mut document);
    plain_words(&mut document);
    document
}

fn parameters<'a>(document: &'a mut Value, path: &str) -> impl Iterator<Item = &'a mut Value> {
    let item = &mut document["paths"][path]["get"]["parameters"];
    item.as_array_mut().into_iter().flatten()
}

fn pattern_of_words(schema: &Value) -> String {
    let words = schema["enum"].as_array().into_iter().flatten();
    let one: Vec<&str> = words.filter_map(Value::as_str).collect();
    let one = one.join("|");
    // Blanks and empty words are passed over.
    format!(r"^\s*({one})?\s*(,\s*({one})?\s*)*$")
}

fn limit_number(schema: &mut Value, most: usize) {
    schema["minimum"] = json!(1);
    schema["maximum"] = json!(most);
}

/// Names of the schemas that answers are made of.
pub(super) fn answered_schemas(document: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut todo = Vec::new();
    for item in values(&document["paths"]) {
        for operation in values(item) {
            collect_references(&operation["responses"], &mut todo);
        }
    }
    while let Some(name) = todo.pop() {
        collect_references(&document["components"]["schemas"][&name], &mut todo);
        if !names.insert(name) {
            // Seen before, so what it refers to is seen too.
            todo.retain(|name| !names.contains(name));
        }
    }
    names.insert("Problem".to_owned());
    names
}

fn values(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(Map::values)
}

fn collect_references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref")
                && let Some(name) = reference.strip_prefix(SCHEMA_PREFIX)
            {
                names.push(name.to_owned());
            }
            for field in fields.values() {
                collect_references(field, names);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_references(item, names);
            }
        }
        _ => {}
    }
}

fn require_nullable(schema: &mut Value) {
    if let Some(parts) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        parts.iter_mut().for_each(require_nullable);
        return;
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let all: Vec<String> = properties
        .iter()
        .filter(|(name, property)| required.contains(&name.as_str()) || is_nullable(property))
        .map(|(name, _)| name.clone())
        .collect();
    schema["required"] = json!(all);
}

fn is_null_type(schema: &Value) -> bool {
    schema["type"] == "null"
}

/// Whether null is a value of the schema.
pub(super) fn is_nullable(schema: &Value) -> bool {
    let listed = |key: &str| {
        schema[key]
            .as_array()
            .is_some_and(|parts| parts.iter().any(is_null_type))
    };
    let typed = schema["type"]
        .as_array()
        .is_some_and(|types| types.iter().any(|name| name == "null"));
    typed || listed("oneOf") || listed("anyOf")
}

/// Gives the variants of enums tagged by `kind` names, and the enums a discriminator.
fn name_variants(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    let Some(schemas) = schemas.as_object_mut() else {
        return;
    };
    let mut named = Vec::new();
    for (name, schema) in schemas.iter_mut() {
        let tags: Option<Vec<String>> = schema["oneOf"]
            .as_array()
            .into_iter()
            .flatten()
            .map(tag)
            .collect();
        let Some(tags) = tags.filter(|tags| !tags.is_empty()) else {
            continue;
        };
        let mut mapping = Map::new();
        let variants = schema["oneOf"].as_array_mut().into_iter().flatten();
        for (variant, tag) in variants.zip(tags) {
            let variant_name = format!("{name}{}", upper_camel_case(&tag));
            let reference = format!("{SCHEMA_PREFIX}{variant_name}");
            let inline = std::mem::replace(variant, json!({"$ref": reference}));
            named.push((variant_name, inline));
            mapping.insert(tag, json!(reference));
        }
        schema["discriminator"] = json!({"propertyName": "kind", "mapping": mapping});
    }
    schemas.extend(named);
    schemas.sort_keys();
}

/// The one word that `kind` can be in this variant.
fn tag(variant: &Value) -> Option<String> {
    let words = variant["properties"]["kind"]["enum"].as_array()?;
    match words.as_slice() {
        [Value::String(word)] => Some(word.clone()),
        _ => None,
    }
}

fn upper_camel_case(word: &str) -> String {
    word.split('_')
        .map(|part| {
            let (first, rest) = part.split_at(part.len().min(1));
            first.to_ascii_uppercase() + rest
        })
        .collect()
}

/// Unsigned numbers have formats of their own, with a greatest value of their own.
fn say_unsigned(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let unsigned = fields
                .get("minimum")
                .is_some_and(|least| *least == json!(0));
            if unsigned
                && let Some(Value::String(format)) = fields.get_mut("format")
                && matches!(format.as_str(), "int32" | "int64")
            {
                format.insert(0, 'u');
            }
            fields.values_mut().for_each(say_unsigned);
        }
        Value::Array(items) => items.iter_mut().for_each(say_unsigned),
        _ => {}
    }
}

/// What is said of a nullable reference belongs to the field, not to one of its two cases.
fn lift_descriptions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let description = match fields.get_mut("oneOf").and_then(Value::as_array_mut) {
                Some(cases) if cases.iter().any(is_null_type) => cases
                    .iter_mut()
                    .filter(|case| case.get("$ref").is_some())
                    .find_map(|case| case.as_object_mut()?.remove("description")),
                _ => None,
            };
            if let Some(description) = description {
                fields.insert("description".to_owned(), description);
            }
            fields.values_mut().for_each(lift_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(lift_descriptions),
        _ => {}
    }
}

/// Links to Rust items, as [`Name`] and [`super::Name`], become `Name`.
fn plain_words(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "description" => {
                        *text = text
                            .replace("[`super::", "`")
                            .replace("[`", "`")
                            .replace("`]", "`");
                    }
                    field => plain_words(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_words),
        _ => {}
    }
}
