//! Logs and objects of a run.
//!
//! Terminal lines come as JSON, or as plain text for those who name it: one line each, and the
//! cursor of the next page in a header.

use crate::app::App;
use crate::handlers::{Answer, ApiQuery, RunAddress, json, json_body, response};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use runstone_model::Principal;
use runstone_service::api::{LogsPage, LogsQuery, ObjectsQuery, RecordsQuery};
use std::sync::Arc;

/// `next_cursor` of a page that is plain text.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("runstone-next-cursor");

pub(crate) async fn get_logs(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<LogsQuery>,
) -> Answer {
    let as_text = wants_text(&headers);
    app.blocking(move |app| {
        let page = app.service.list_log_lines(&principal, &run, &query)?;
        let (content_type, bytes) = if as_text {
            ("text/plain; charset=utf-8", plain_text(&page))
        } else {
            ("application/json", json_body(&page)?)
        };
        let mut response = response(StatusCode::OK, content_type, bytes);
        let headers = response.headers_mut();
        // One address gives two types; a cache between must not mix them.
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        if let Some(cursor) = page.next_cursor.filter(|_| as_text)
            && let Ok(cursor) = HeaderValue::from_str(&cursor)
        {
            headers.insert(NEXT_CURSOR, cursor);
        }
        Ok(response)
    })
    .await
}

pub(crate) async fn get_records(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
    ApiQuery(query): ApiQuery<RecordsQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.list_log_records(&principal, &run, &query)?))
        .await
        .map(json)
}

pub(crate) async fn get_object_series(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.list_object_series(&principal, &run)?))
        .await
        .map(json)
}

pub(crate) async fn get_objects(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
    ApiQuery(query): ApiQuery<ObjectsQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.list_objects(&principal, &run, &query)?))
        .await
        .map(json)
}

fn plain_text(page: &LogsPage) -> Vec<u8> {
    let mut text = Vec::new();
    for line in &page.lines {
        text.extend_from_slice(line.text.as_bytes());
        text.push(b'\n');
    }
    text
}

/// Whether the first range of `Accept` that can be met is plain text.
fn wants_text(headers: &HeaderMap) -> bool {
    let ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for range in ranges {
        let name = range.split(';').next().unwrap_or_default().trim();
        match name.to_ascii_lowercase().as_str() {
            "text/plain" | "text/*" => return true,
            "application/json" | "application/*" | "*/*" => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_sent_to_those_who_name_it_first() {
        for (accept, expected) in [
            ("text/plain", true),
            ("text/html, Text/Plain;q=0.5", true),
            ("text/*", true),
            ("application/json, text/plain", false),
            ("*/*", false),
            ("text/html", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_text(&headers), expected, "{accept}");
        }
        assert!(!wants_text(&HeaderMap::new()));
    }
}
