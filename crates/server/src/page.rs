//! The page at `/`: what this is and where the API is, until there is a UI.

use crate::app::App;
use crate::handlers::response;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use std::sync::Arc;

/// `GET /`. Links are relative to the base path; nothing is loaded from anywhere.
pub(crate) async fn get_page(State(app): State<Arc<App>>) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let base = match app.config.base_path.as_str() {
        "" => String::new(),
        // The table of allowed characters has none that HTML would read.
        path => format!("<base href=\"{path}/\">\n"),
    };
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n{base}\
         <title>Runstone</title>\n<h1>Runstone {version}</h1>\n\
         <p>This is the durable record of your runs. There is no page to look at them yet: use\n\
         <code>runstone runs</code> and <code>runstone show RUN</code> in a terminal.</p>\n\
         <p>The API: <a href=\"runstone/v1/runs\">runs</a>,\n\
         <a href=\"runstone/v1/experiments\">experiments</a>,\n\
         <a href=\"runstone/v1/server\">this server</a>,\n\
         <a href=\"health/ready\">health</a>, <a href=\"metrics\">metrics</a>.</p>\n</html>\n"
    );
    let mut page = response(
        StatusCode::OK,
        "text/html; charset=utf-8",
        html.into_bytes(),
    );
    let headers = page.headers_mut();
    headers.insert(
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(
            "default-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'",
        ),
    );
    headers.insert(
        HeaderName::from_static("referrer-policy"),
        HeaderValue::from_static("no-referrer"),
    );
    page
}
