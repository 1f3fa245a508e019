//! Holds the committed document fresh, and the rules that generated clients rely on.

use super::finish::is_nullable;
use super::{COMMITTED, document};
use serde_json::Value;
use std::path::Path;

#[test]
fn the_committed_document_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    assert_eq!(
        COMMITTED, text,
        "docs/reference/openapi.json is not fresh; run UPDATE_DOCS=1 cargo test --profile ci -p \
         runstone-server openapi"
    );
}

#[test]
fn a_field_of_an_answer_is_absent_or_null_but_never_both() {
    let document = document();
    for name in super::finish::answered_schemas(&document) {
        let schema = &document["components"]["schemas"][&name];
        let parts = schema["allOf"].as_array().cloned();
        for part in parts.unwrap_or_else(|| vec![schema.clone()]) {
            let required = part["required"].as_array().cloned().unwrap_or_default();
            let Some(properties) = part["properties"].as_object() else {
                continue;
            };
            for (field, property) in properties {
                let optional = !required.contains(&Value::from(field.as_str()));
                assert!(
                    !(optional && is_nullable(property)),
                    "{name}.{field} may be absent and null"
                );
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                fields.values().for_each(|field| check(document, field));
            }
            Value::Array(items) => items.iter().for_each(|item| check(document, item)),
            _ => {}
        }
    }
    let document = document();
    check(&document, &document);
}
