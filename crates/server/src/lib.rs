//! HTTP: the native API, its guards, health and metrics.
//!
//! [`serve`] is given listeners, a store and a [`ServerConfig`], and answers until told to stop;
//! the binary and tests call it. A request passes, in this order: the connection's limits
//! ([`listen`]), the guards of host, origin and content type ([`guards`]), the token ([`auth`]),
//! the limit of requests at once, and one handler, which calls `runstone_service` on a thread
//! that may block. What a handler answers is decided in the service; here only status lines,
//! headers and problem documents are made.
//!
//! The surprising rule: a path with or without a slash at its end are two paths. Nothing is ever
//! redirected, because the clients of the dialects don't follow.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod app;
mod auth;
mod blob_care;
mod body;
mod change_stream;
mod config;
mod feed;
mod guards;
mod handlers;
mod handlers_artifacts;
mod handlers_edits;
mod handlers_lines;
mod handlers_logs;
mod handlers_storage;
mod handlers_table;
mod lines_arrow;
mod listen;
mod metrics;
mod openapi;
mod os_private_file;
mod problem;
mod ranges;
mod routes;
mod stall;
mod web;

#[cfg(test)]
mod tests;

pub use auth::{Token, TokenError, read_or_create_token_file};
pub use config::{AuthConfig, ConfigError, HttpLimits, ServerConfig};
pub use listen::{ConnectionInfo, ServeError, serve};
pub use openapi::document as openapi_document;
pub use routes::{OWNERS, Owner, RouteError};

/// The port of the native API.
pub const DEFAULT_PORT: u16 = 53_800;
/// Matyan's frontier port, served too where it is free.
pub const SECOND_PORT: u16 = 53_801;
