//! The OpenAPI document of the native API, made from the types of the bodies.
//!
//! The rows of [`operations`] say which routes there are, the types of `runstone_service::api`
//! what they take and answer, [`finish`] puts right what derived schemas can't say. What is served
//! is the committed file, `docs/reference/openapi.json`: a test holds it equal to [`document`]
//! (`UPDATE_DOCS=1` renews it), so nothing is made when the server runs.

mod artifacts;
mod finish;
mod logs;
mod operations;
mod storage;

#[cfg(test)]
mod tests;

use operations::{Answer, Body, Operation, Schemas, operations};
use runstone_service::ErrorKind;
use runstone_service::api::Problem;
use runstone_service::api::schema::Order;
use runstone_service::error::ERRORS;
use serde_json::{Map, Value, json};
use utoipa::openapi::path::HttpMethod;
use utoipa::{PartialSchema, ToSchema};

/// The document as it is served.
pub(crate) const COMMITTED: &str = include_str!("../../../docs/reference/openapi.json");

const PROBLEM_JSON: &str = "application/problem+json";

/// What can be answered to every call of the API.
const COMMON_ERRORS: [ErrorKind; 5] = [
    ErrorKind::Unauthorized,
    ErrorKind::Forbidden,
    ErrorKind::Misdirected,
    ErrorKind::Internal,
    ErrorKind::Unavailable,
];

/// The document, made anew from the types.
pub fn document() -> Value {
    let mut schemas: Schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    // Named by parameters, which bring no schemas along.
    schemas.push((Order::name().into_owned(), Order::schema()));
    let mut paths = Map::new();
    for operation in operations() {
        let item = paths
            .entry(operation.path)
            .or_insert_with(|| path_item(operation.path));
        item[method_name(&operation.method)] = operation_json(&operation);
        let bodies = operation.answers.into_iter().filter_map(|it| it.body);
        for body in operation.request.into_iter().chain(bodies) {
            schemas.extend(body.schemas);
        }
    }
    schemas.sort_by(|(one, _), (two, _)| one.cmp(two));
    let schemas: Map<String, Value> = schemas
        .into_iter()
        .map(|(name, schema)| (name, json!(schema)))
        .collect();
    finish::finish(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Runstone, native API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The durable record of every run. Times are microseconds UTC as \
                integers; numbers that JSON can't say are text; fields are added, never renamed. \
                Every error is a problem document (RFC 9457) with the next step in `hint`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        // Relative to this document, so that it holds below a base path too.
        "servers": [{"url": "../..", "description": "The server that answers this document"}],
        "security": [{"token": []}, {}],
        "tags": [
            {"name": "server", "description": "Who is there; frames of writers"},
            {"name": "runs", "description": "Runs and experiments: list, table, edit"},
            {"name": "metrics", "description": "Series, points and lines"},
            {"name": "logs", "description": "Terminal lines and log records"},
            {"name": "objects", "description": "Images, texts, tables and the like, by step"},
            {"name": "changes", "description": "What was committed, page by page or live"},
            {"name": "artifacts", "description": "Files of a run"},
            {"name": "storage", "description": "Where the bytes are, and giving them back"},
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": error_responses(),
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "The token of the server. Not asked on loopback addresses, unless \
                    the server was told so.",
            }},
        },
    }))
}

fn method_name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Delete => "delete",
        HttpMethod::Options => "options",
        HttpMethod::Head => "head",
        HttpMethod::Patch => "patch",
        HttpMethod::Trace => "trace",
    }
}

fn path_item(path: &str) -> Value {
    if !path.contains("{run}") {
        return json!({});
    }
    let mut parameters = vec![json!({
        "name": "run",
        "in": "path",
        "required": true,
        "description": "An id, the start of one (4 characters or more) that fits one run only, \
            or a name; percent-encoded.",
        "schema": {"type": "string", "minLength": 1},
    })];
    if path.contains("{path}") {
        parameters.push(json!({
            "name": "path",
            "in": "path",
            "required": true,
            "description": "Path of the artifact; a slash in it may stand as it is.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 1024},
        }));
    }
    if path.contains("{upload}") {
        parameters.push(json!({
            "name": "upload",
            "in": "path",
            "required": true,
            "description": "Number of the upload.",
            "schema": {"type": "integer", "format": "int64", "minimum": 0},
        }));
    }
    json!({"parameters": parameters})
}

fn operation_json(operation: &Operation) -> Value {
    let mut item = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
    });
    if let Some(description) = operation.description {
        item["description"] = json!(description);
    }
    if !operation.parameters.is_empty() {
        item["parameters"] = json!(operation.parameters);
    }
    if let Some(body) = &operation.request {
        item["requestBody"] = json!({"required": true, "content": content(body)});
    }
    item["responses"] = responses(operation);
    item
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::new();
    for Answer {
        status,
        description,
        body,
    } in &operation.answers
    {
        let mut answer = json!({"description": description});
        if let Some(body) = body {
            answer["content"] = content(body);
        }
        responses.insert((*status).to_owned(), answer);
    }
    for row in &ERRORS {
        let possible = operation.errors.contains(&row.kind) || COMMON_ERRORS.contains(&row.kind);
        let status = row.status.to_string();
        if possible && !responses.contains_key(&status) {
            let name = row.name;
            responses.insert(
                status,
                json!({"$ref": format!("#/components/responses/{name}")}),
            );
        }
    }
    Value::Object(responses)
}

fn content(body: &Body) -> Value {
    let contents = body
        .contents
        .iter()
        .map(|(content_type, schema)| ((*content_type).to_owned(), json!({"schema": schema})));
    Value::Object(contents.collect())
}

/// One a kind of error; kinds that share a status have one answer, under the first name.
fn error_responses() -> Value {
    let rows = ERRORS
        .iter()
        .filter(|row| ErrorKind::from_status(row.status) == row.kind);
    let responses = rows.map(|row| {
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        let answer = json!({
            "description": format!("{}.", row.title),
            "content": {PROBLEM_JSON: {"schema": schema}},
        });
        (row.name.to_owned(), answer)
    });
    Value::Object(responses.collect())
}
