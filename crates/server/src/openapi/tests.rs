//! Holds the committed document fresh, and the rules that generated clients rely on.

use super::finish::is_nullable;
use super::{COMMITTED, document};
use crate::ServerConfig;
use crate::app::App;
use crate::routes::{build_router, routes};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use runstone_model::StoreIdentity;
use runstone_service::Service;
use runstone_store::memory::MemoryStore;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt;

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

/// Which methods a path takes is asked of the router itself: the answer to a method that nobody
/// takes names them.
#[tokio::test]
async fn every_route_is_described_and_every_description_has_a_route() {
    let identity = StoreIdentity {
        store: [1; 16],
        incarnation: [2; 16],
    };
    let store = Arc::new(MemoryStore::new(identity));
    let service = Service::from(store as Arc<dyn runstone_service::Store>);
    let router = build_router(App::new(service, ServerConfig::default())).unwrap();
    let mut routed = BTreeSet::new();
    for route in routes().iter().filter(|route| route.owner == "native") {
        let request = Request::builder()
            .method("PROPFIND")
            .uri(route.path.replace("{run}", "a").replace("{*path}", "b"))
            .header(header::HOST, "127.0.0.1")
            .extension(crate::ConnectionInfo {
                peer: "127.0.0.1:5000".parse().unwrap(),
                loopback: true,
            })
            .body(Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let allow = response.headers()[header::ALLOW].to_str().unwrap();
        for method in allow.split(',').filter(|method| *method != "HEAD") {
            routed.insert(format!("{method} {}", route.path.replace("{*", "{")));
        }
    }
    let document = document();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if method != "parameters" {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    assert_eq!(
        routed, described,
        "left: routes of routes.rs; right: rows of openapi/operations.rs"
    );
}
