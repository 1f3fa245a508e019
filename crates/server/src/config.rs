//! What a server is told at start.

use crate::auth::Token;
use std::net::SocketAddr;
use std::time::Duration;

/// Configuration of a server. `Default` is a server for loopback without a token.
#[derive(Debug, Clone, Default)]
pub struct ServerConfig {
    /// Path below which everything is served as well, as `/proxy/53800`; empty for none.
    pub base_path: String,
    /// Host names besides the loopback ones, without port.
    pub allow_hosts: Vec<String>,
    /// Origins besides that of the host itself, as `https://example.org`.
    pub allow_origins: Vec<String>,
    /// Who may call.
    pub auth: AuthConfig,
    /// Sizes and times.
    pub limits: HttpLimits,
}

/// Who may call.
#[derive(Debug, Clone, Default)]
pub struct AuthConfig {
    /// The one token, with all rights.
    pub token: Option<Token>,
    /// Ask for it on loopback too.
    pub token_required_on_loopback: bool,
    /// Serve other addresses than loopback without any token.
    pub insecure_no_auth: bool,
}

/// Sizes and times of the HTTP side. Every one of them is counted in the metrics when it is hit.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// Open connections; further ones wait in the listener's queue.
    pub connections_max: usize,
    /// Requests being answered at once.
    pub requests_max: usize,
    /// Bytes of bodies held at once.
    pub body_bytes_in_flight_max: usize,
    /// Bytes of a JSON body.
    pub json_bytes_max: usize,
    /// How long a request waits for its turn before it is answered 503.
    pub wait_timeout: Duration,
    /// How long the headers of a request may take; also how long a connection may idle.
    pub header_timeout: Duration,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// Uploads of artifacts at once; further ones wait, then are answered 503.
    pub uploads_max: usize,
    /// Streams of changes open at once.
    pub streams_max: usize,
    /// How long the reader of a stream may take nothing before it is cut off.
    pub stream_stall_timeout: Duration,
    /// How often an idle stream shows that it lives.
    pub stream_heartbeat: Duration,
    /// How long requests may take to finish once the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            requests_max: 256,
            body_bytes_in_flight_max: 256 * 1024 * 1024,
            json_bytes_max: 16 * 1024 * 1024,
            wait_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(120),
            body_timeout: Duration::from_secs(60),
            uploads_max: 32,
            streams_max: 256,
            stream_stall_timeout: Duration::from_secs(10),
            stream_heartbeat: Duration::from_secs(15),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

/// Why a server does not start with this configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Anybody on the network could read and write.
    #[error("{0} is not a loopback address, and no token is set")]
    NoToken(SocketAddr),
    /// The base path can't be one.
    #[error("`{0}` is no base path")]
    BasePath(String),
}

impl ConfigError {
    /// The next step.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoToken(_) => {
                "set RUNSTONE_TOKEN, or pass --insecure-no-auth if everybody who reaches this \
                 address may read and write"
            }
            Self::BasePath(_) => "write it as /proxy/53800: a slash first, none at the end",
        }
    }
}

impl ServerConfig {
    /// Refuses what must not be served.
    ///
    /// # Errors
    /// A non-loopback address without a token, and a malformed base path.
    pub fn check(&self, addresses: &[SocketAddr]) -> Result<(), ConfigError> {
        let path = &self.base_path;
        let well_formed = path.is_empty()
            || (path.starts_with('/')
                && !path.ends_with('/')
                && !path.contains("//")
                && path
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%@:+".contains(&byte)));
        if !well_formed {
            return Err(ConfigError::BasePath(path.clone()));
        }
        if self.auth.token.is_some() || self.auth.insecure_no_auth {
            return Ok(());
        }
        match addresses.iter().find(|address| !address.ip().is_loopback()) {
            Some(address) => Err(ConfigError::NoToken(*address)),
            None => Ok(()),
        }
    }
}
