//! What every request must pass before any route sees it.
//!
//! A server on loopback is reachable by every page that the same person's browser shows. So a
//! request must name a host that is ours (against DNS rebinding), an origin, if it has one, must
//! be that host (against other pages), and a body must have a content type that a plain form
//! can't send. There are no CORS headers.

use crate::config::ServerConfig;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use runstone_service::{ErrorKind, ServiceError};
use runstone_wire::{FRAME_BYTES_MAX, FRAME_CONTENT_TYPE};
use std::net::{IpAddr, Ipv6Addr};

/// Path of the frames, the one place that takes other bodies than JSON.
pub(crate) const FRAMES_PATH: &str = "/runstone/v1/frames";

/// Whether this is the PUT of an artifact, which takes any bytes, and carries its permission in its
/// address instead of a token.
pub(crate) fn is_upload(method: &Method, path: &str) -> bool {
    let below_run = path
        .strip_prefix("/runstone/v1/runs/")
        .and_then(|rest| rest.split_once('/'));
    *method == Method::PUT && below_run.is_some_and(|(_, rest)| rest.starts_with("artifacts/"))
}

/// Checks host, origin, fetch site, size and content type, in this order.
///
/// # Errors
/// `Misdirected`, `Forbidden`, `TooLarge`, `UnsupportedMediaType`.
pub(crate) fn check(parts: &Parts, config: &ServerConfig) -> Result<(), ServiceError> {
    let host = request_host(parts)?;
    check_host(host, config)?;
    check_origin(&parts.headers, host, config)?;
    check_fetch_site(parts)?;
    check_body(parts, config)
}

fn request_host(parts: &Parts) -> Result<&str, ServiceError> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = match (parts.uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, None) => Some(authority.as_str()),
        (None, Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    host.ok_or_else(|| {
        ServiceError::new(
            ErrorKind::Misdirected,
            "the request names no host, or several",
        )
        .with_hint("send one Host header")
    })
}

fn check_host(host: &str, config: &ServerConfig) -> Result<(), ServiceError> {
    let name = host_name(host);
    let allowed = is_loopback_name(name)
        || config
            .allow_hosts
            .iter()
            .any(|allowed| host_name(allowed).eq_ignore_ascii_case(name));
    if allowed {
        return Ok(());
    }
    Err(ServiceError::new(
        ErrorKind::Misdirected,
        format!("this server does not answer for the host `{name}`"),
    )
    .with_hint(format!(
        "start it with --allow-host {name}, or use 127.0.0.1"
    )))
}

/// The name in `name`, `name:port`, `[v6]` and `[v6]:port`.
fn host_name(host: &str) -> &str {
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or(host);
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_loopback_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    if let Some(address) = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return address
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback());
    }
    name.eq_ignore_ascii_case("localhost")
        || (name.len() > 10
            && name
                .get(name.len() - 10..)
                .is_some_and(|end| end.eq_ignore_ascii_case(".localhost")))
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn check_origin(
    headers: &HeaderMap,
    host: &str,
    config: &ServerConfig,
) -> Result<(), ServiceError> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or("?");
    let same_host = origin
        .split_once("://")
        .is_some_and(|(scheme, authority)| same_authority(scheme, authority, host));
    let allowed = config
        .allow_origins
        .iter()
        .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin));
    if (same_host || allowed) && origins.next().is_none() {
        return Ok(());
    }
    Err(ServiceError::new(
        ErrorKind::Forbidden,
        format!("a page of `{origin}` may not call this server"),
    )
    .with_hint(format!(
        "start it with --allow-origin {origin} if that page is yours"
    )))
}

fn same_authority(scheme: &str, authority: &str, host: &str) -> bool {
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let plain = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_suffix(default_port)
            .map(str::to_owned)
            .unwrap_or(text)
    };
    plain(authority) == plain(host)
}

fn check_fetch_site(parts: &Parts) -> Result<(), ServiceError> {
    let cross_site = parts
        .headers
        .get("sec-fetch-site")
        .is_some_and(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"));
    let path = parts.uri.path();
    let page = parts.method == Method::GET && (path == "/" || path.starts_with("/app/"));
    if !cross_site || page {
        return Ok(());
    }
    Err(ServiceError::new(
        ErrorKind::Forbidden,
        "a page of another site may not call this server",
    )
    .with_hint("open the address of the server itself"))
}

fn check_body(parts: &Parts, config: &ServerConfig) -> Result<(), ServiceError> {
    let length = content_length(&parts.headers);
    let has_body = length.is_some_and(|length| length > 0)
        || parts.headers.contains_key(header::TRANSFER_ENCODING);
    if !has_body {
        return Ok(());
    }
    if is_upload(&Method::PUT, parts.uri.path()) && parts.method != Method::DELETE {
        // Whatever was logged: its size is limited by its address, and no form can send a PUT. No
        // other method takes a body there.
        return Ok(());
    }
    let frames = parts.uri.path() == FRAMES_PATH;
    let most = if frames {
        FRAME_BYTES_MAX
    } else {
        config.limits.json_bytes_max
    };
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    let media_type = media_type(&parts.headers);
    let fits = if frames {
        media_type == FRAME_CONTENT_TYPE
    } else {
        media_type == "application/json"
            || (media_type.starts_with("application/") && media_type.ends_with("+json"))
    };
    if fits {
        return Ok(());
    }
    let needed = if frames {
        FRAME_CONTENT_TYPE
    } else {
        "application/json"
    };
    Err(ServiceError::new(
        ErrorKind::UnsupportedMediaType,
        format!("a body of type `{media_type}` is not taken here"),
    )
    .with_hint(format!("send Content-Type: {needed}")))
}

/// The error for a body past its limit.
pub(crate) fn too_large(most: usize) -> ServiceError {
    ServiceError::new(
        ErrorKind::TooLarge,
        format!("the body is larger than {most} bytes"),
    )
    .with_hint("send less at once")
}

/// Content-Length, where there is one.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_have_any_port_and_any_case() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9",
            "127.1.2.3:80",
            "[::1]",
            "[::1]:53800",
            "localhost:1",
            "LocalHost",
            "runs.localhost:53800",
            "localhost.",
        ] {
            assert!(is_loopback_name(host_name(host)), "{host}");
        }
        for host in [
            "example.org",
            "127.0.0.1.example.org",
            "localhost.example.org",
            "evillocalhost",
            "10.0.0.1:80",
            "[::2]:1",
            "",
            ".localhost",
        ] {
            assert!(!is_loopback_name(host_name(host)), "{host}");
        }
    }

    #[test]
    fn an_origin_is_the_host_with_the_same_port() {
        assert!(same_authority("http", "localhost:53800", "localhost:53800"));
        assert!(same_authority("http", "LOCALHOST", "localhost:80"));
        assert!(same_authority("https", "a.example:443", "a.example"));
        assert!(!same_authority("http", "localhost:8888", "localhost:53800"));
        assert!(!same_authority(
            "http",
            "127.0.0.1:53800",
            "localhost:53800"
        ));
        assert!(!same_authority("file", "localhost", "localhost"));
    }
}
