//! The pages, as `make web` built them: one document for every address of the UI, and its files.
//!
//! Links in the document are relative, and its `<base>` is made from the depth of the request's
//! path, so the pages work below any prefix that a proxy strips. Files have their content's hash
//! in their names and are kept by browsers for ever; the document is fetched each time. Neither
//! holds anything of a store, so both are answered without a token.

use crate::app::{ApiError, App};
use crate::handlers::response;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runstone_service::{ErrorKind, ServiceError};
use std::sync::Arc;

/// A built file.
struct WebFile {
    /// Path below the folder of the built pages.
    path: &'static str,
    /// As it is.
    plain: &'static [u8],
    /// Compressed with brotli, where that is worth it.
    brotli: Option<&'static [u8]>,
    /// Compressed with gzip, where that is worth it.
    gzip: Option<&'static [u8]>,
}

/// All of them, sorted by path; empty when the pages were not built.
static FILES: &[WebFile] = include!(concat!(env!("OUT_DIR"), "/web_files.rs"));

const DOCUMENT: &str = "index.html";
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
     <title>Runstone</title>\n</head>\n<body>\n<h1>Runstone</h1>\n\
     <p>This binary was built without the pages: <code>make web</code> builds them, then build the \
     binary again.\nEverything else works: <code>runstone runs</code>, <code>runstone show RUN</code>, \
     and the API:\n<a href=\"runstone/v1/runs\">runs</a>, <a href=\"runstone/v1/server\">this \
     server</a>, <a href=\"health/ready\">health</a>.</p>\n</body>\n</html>\n";

/// Whether a path is answered to everybody: the pages hold nothing of a store.
pub(crate) fn is_public(path: &str) -> bool {
    path == "/" || path == "/app" || path.starts_with("/app/") || path.starts_with("/assets-ui/")
}

/// The document, at every address of the UI.
pub(crate) async fn get_document(
    State(app): State<Arc<App>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| {
        ServiceError::new(
            ErrorKind::Internal,
            format!("there is no randomness: {error}"),
        )
    })?;
    let nonce = URL_SAFE_NO_PAD.encode(random);
    let plain = find(FILES, DOCUMENT).map_or(NOT_BUILT.as_bytes(), |file| file.plain);
    let base = base_href(&app.config.base_path, uri.path());
    let html = fill_document(&String::from_utf8_lossy(plain), &base, &nonce);
    let mut page = response(
        StatusCode::OK,
        "text/html; charset=utf-8",
        html.into_bytes(),
    );
    let policy = format!(
        "default-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
    );
    let headers = page.headers_mut();
    headers.insert(
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_str(&policy).map_err(|error| {
            ServiceError::new(
                ErrorKind::Internal,
                format!("the policy is no header: {error}"),
            )
        })?,
    );
    headers.insert(
        HeaderName::from_static("referrer-policy"),
        HeaderValue::from_static("no-referrer"),
    );
    Ok(page)
}

/// A built file below `/assets-ui/`.
pub(crate) async fn get_asset(
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = find(FILES, &format!("assets-ui/{path}")).ok_or_else(|| {
        ServiceError::not_found(format!("there is no file `{path}` among the pages"))
            .with_hint("reload the page: it was built anew since")
    })?;
    let (bytes, encoding) = choose_encoding(file, &headers);
    let mut answer = Response::new(Body::from(bytes));
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media_type(file.path)),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok(answer)
}

fn find<'a>(files: &'a [WebFile], path: &str) -> Option<&'a WebFile> {
    let index = files.binary_search_by(|file| file.path.cmp(path)).ok()?;
    files.get(index)
}

/// What relative links are relative to. Without a base path it leads from the request's path to
/// the root, whatever prefix stands before it in the browser.
fn base_href(base_path: &str, path: &str) -> String {
    if !base_path.is_empty() {
        return format!("{base_path}/");
    }
    match path.matches('/').count().saturating_sub(1) {
        0 => "./".to_owned(),
        depth => "../".repeat(depth),
    }
}

/// Puts the base and the nonce for the styles that the page makes itself into the head.
fn fill_document(html: &str, base: &str, nonce: &str) -> String {
    // The table of characters of a base path has none that HTML would read, nor has a nonce.
    let head =
        format!("<head>\n<base href=\"{base}\">\n<meta name=\"style-nonce\" content=\"{nonce}\">");
    html.replacen("<head>", &head, 1)
}

/// The smallest form that the caller takes.
fn choose_encoding(file: &WebFile, headers: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let accepted: String = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",");
    let takes = |coding: &str| {
        accepted.split(',').any(|part| {
            let mut parts = part.split(';').map(str::trim);
            let is_named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let is_refused = parts.any(|parameter| {
                parameter
                    .strip_prefix("q=")
                    .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight == 0.0))
            });
            is_named && !is_refused
        })
    };
    match (file.brotli, file.gzip) {
        (Some(bytes), _) if takes("br") => (bytes, Some("br")),
        (_, Some(bytes)) if takes("gzip") => (bytes, Some("gzip")),
        _ => (file.plain, None),
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TWO: &[WebFile] = &[
        WebFile {
            path: "assets-ui/a.js",
            plain: b"plain",
            brotli: Some(b"brotli"),
            gzip: Some(b"gzip"),
        },
        WebFile {
            path: "assets-ui/b.png",
            plain: b"picture",
            brotli: None,
            gzip: None,
        },
    ];

    fn accepting(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(text))])
    }

    #[test]
    fn files_are_found_by_their_path_alone() {
        assert_eq!(find(TWO, "assets-ui/b.png").unwrap().plain, b"picture");
        for path in ["assets-ui/c.js", "a.js", "assets-ui/../index.html", ""] {
            assert!(find(TWO, path).is_none(), "{path}");
        }
        assert!(FILES.is_sorted_by(|one, other| one.path < other.path));
    }

    #[test]
    fn the_smallest_form_that_the_caller_takes_is_sent() {
        for (accepted, encoding) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip, deflate", Some("gzip")),
            ("br;q=0, gzip;q=0.5", Some("gzip")),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(
                choose_encoding(&TWO[0], &accepting(accepted)).1,
                encoding,
                "{accepted}"
            );
            assert_eq!(choose_encoding(&TWO[1], &accepting(accepted)).1, None);
        }
    }

    #[test]
    fn the_base_leads_back_to_the_root() {
        assert_eq!(base_href("", "/"), "./");
        assert_eq!(base_href("", "/app"), "./");
        assert_eq!(base_href("", "/app/runs"), "../");
        assert_eq!(base_href("", "/app/runs/01ABC"), "../../");
        assert_eq!(base_href("/proxy/53800", "/app/runs"), "/proxy/53800/");
    }

    #[test]
    fn base_and_nonce_stand_first_in_the_head() {
        let html = fill_document("<html><head><title>x</title></head></html>", "../", "abc");
        assert_eq!(
            html,
            "<html><head>\n<base href=\"../\">\n<meta name=\"style-nonce\" content=\"abc\">\
             <title>x</title></head></html>"
        );
        assert!(NOT_BUILT.contains("<head>"));
    }

    #[test]
    fn only_the_pages_are_public() {
        for path in ["/", "/app", "/app/runs/x", "/assets-ui/a.js"] {
            assert!(is_public(path), "{path}");
        }
        for path in [
            "/runstone/v1/runs",
            "/apps",
            "/metrics",
            "/assets-ui",
            "/v2/",
        ] {
            assert!(!is_public(path), "{path}");
        }
    }
}
