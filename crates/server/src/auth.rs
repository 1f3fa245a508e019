//! The token: who may call.
//!
//! One opaque token with all rights. It is kept as its SHA-256 and compared in constant time;
//! callers send it as `Authorization: Bearer`, or as the password of HTTP Basic, which is all
//! that some foreign clients can send. Connections that came in over a loopback listener need
//! none unless the configuration says so; while nothing is asked, whatever is sent is accepted.

use crate::config::AuthConfig;
use crate::listen::ConnectionInfo;
use crate::os_private_file;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use runstone_model::{Principal, Scope};
use runstone_service::{ErrorKind, ServiceError};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;

/// A token as the server keeps it: its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    digest: [u8; 32],
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(..)")
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Too short to be a secret, or with spaces or control characters.
    #[error("the token must be 16 to 512 printable characters without spaces")]
    Shape,
    /// The file can't be read or made.
    #[error("token file: {source}: {}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Token {
    /// The token of a secret.
    ///
    /// # Errors
    /// `Shape` for less than 16 or more than 512 characters, and for other than printable ASCII.
    pub fn from_secret(secret: &str) -> Result<Self, TokenError> {
        let shaped = (16..=512).contains(&secret.len())
            && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if !shaped {
            return Err(TokenError::Shape);
        }
        Ok(Self {
            digest: Sha256::digest(secret.as_bytes()).into(),
        })
    }

    fn is_secret(&self, candidate: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(candidate).into();
        digest.ct_eq(&self.digest).into()
    }
}

/// Reads the token of this home, or makes one: 256 random bits, readable by its owner only.
///
/// Two processes that start at once get the same token.
///
/// # Errors
/// `File` when it can be neither read nor made, `Shape` for a file that holds no token.
pub fn read_or_create_token_file(path: &Path) -> Result<String, TokenError> {
    let failed = |source| TokenError::File {
        path: path.to_owned(),
        source,
    };
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let secret = text.trim().to_owned();
            Token::from_secret(&secret)?;
            return Ok(secret);
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| failed(std::io::Error::other(error)))?;
    let secret = format!("rst_{}", URL_SAFE_NO_PAD.encode(random));
    os_private_file::create_once(path, format!("{secret}\n").as_bytes()).map_err(failed)?;
    let kept = std::fs::read_to_string(path).map_err(failed)?;
    Ok(kept.trim().to_owned())
}

/// Who calls.
///
/// # Errors
/// `Unauthorized` where a token is needed and none, or another, was sent.
pub(crate) fn authenticate(
    headers: &HeaderMap,
    connection: Option<&ConnectionInfo>,
    auth: &AuthConfig,
) -> Result<Principal, ServiceError> {
    let loopback = connection.is_some_and(|connection| connection.loopback);
    let open = if loopback {
        !auth.token_required_on_loopback
    } else {
        auth.insecure_no_auth
    };
    if open {
        return Ok(principal("local"));
    }
    let Some(token) = &auth.token else {
        return Err(unauthorized(
            "this server has no token and takes no calls here",
        ));
    };
    match sent_secret(headers) {
        None => Err(unauthorized("a token is needed here")),
        Some(secret) if token.is_secret(&secret) => Ok(principal("token")),
        Some(_) => Err(unauthorized("the token is not known here")),
    }
}

fn principal(name: &str) -> Principal {
    Principal {
        name: name.to_owned(),
        scope: Scope::Admin,
    }
}

fn unauthorized(message: &str) -> ServiceError {
    ServiceError::new(ErrorKind::Unauthorized, message).with_hint(
        "set RUNSTONE_TOKEN to the token of the server; it lies in $RUNSTONE_HOME/token (by \
         default ~/.runstone/token) on its machine",
    )
}

fn sent_secret(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.as_bytes().to_vec());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = STANDARD.decode(rest).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        return Some(pair[colon + 1..].to_vec());
    }
    None
}
