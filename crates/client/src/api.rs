//! A typed reader of the native API, for programs and the command line.
//!
//! One blocking call a question. Which bodies there are is the server's to say (its OpenAPI
//! document); the caller brings the type to read into.

use std::io::Read;
use std::sync::Mutex;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::{self, Destination};
use crate::error::ClientError;
use crate::http::{Connection, Opened, Problem, Reply};

/// How a server introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerDescription {
    /// Id of the store.
    pub store_id: String,
    /// Id of this incarnation of it: another one after a restore.
    pub incarnation: String,
    /// Version of the server.
    #[serde(default)]
    pub server_version: String,
    /// Frame versions it takes.
    pub frame_versions: Vec<u32>,
    /// Its limits.
    #[serde(default)]
    pub limits: ServerLimits,
    /// Its clock in microseconds.
    #[serde(default)]
    pub time_micros: i64,
}

/// Limits of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerLimits {
    /// Longest frame in bytes; 0 if it does not say.
    pub frame_bytes_max: u64,
}

/// Reads from one server.
pub struct ApiClient {
    connection: Mutex<Connection>,
}

impl ApiClient {
    /// A reader of this server. No call is made yet.
    #[must_use]
    pub fn new(destination: Destination, token: Option<&str>) -> Self {
        Self {
            connection: Mutex::new(Connection::new(destination, token)),
        }
    }

    /// A reader of the address given, or of the one the environment tells, with the token of the
    /// environment or the home.
    ///
    /// # Errors
    /// `Invalid` for an address that cannot be.
    pub fn from_environment(url: Option<&str>) -> Result<Self, ClientError> {
        let environment = &config::process_environment;
        let destination = config::read_destination(url, environment)?;
        Ok(Self::new(
            destination,
            config::token(environment).as_deref(),
        ))
    }

    /// The server's address.
    #[must_use]
    pub fn url(&self) -> String {
        self.lock().destination.url.clone()
    }

    /// Who answers there.
    ///
    /// # Errors
    /// `Unavailable` if nobody does, or not a Runstone server.
    pub fn server(&self) -> Result<ServerDescription, ClientError> {
        self.lock()
            .shake_hands()
            .cloned()
            .map_err(|trouble| ClientError::Unavailable(trouble.text))
    }

    /// GET `path` (beginning with `/`, its segments percent-encoded, see [`path_segment`]) with a
    /// query, read as JSON.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Invalid` as the server says, with its hint; `Unavailable` if it
    /// does not answer or has no time; `Corrupt` if the answer is not what was asked for.
    pub fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let connection = self.lock();
        let url = &connection.destination.url;
        let reply = connection
            .get(path, query)
            .map_err(|error| no_answer(&error, url))?;
        if reply.status != 200 {
            return Err(error_of_reply(&reply, url));
        }
        serde_json::from_slice(&reply.body).map_err(|error| {
            ClientError::Corrupt(format!("the answer cannot be read: {error}, {url}{path}"))
        })
    }

    /// GET `path` as it is answered: status and body, problem documents included.
    ///
    /// # Errors
    /// `Unavailable` if nobody answers.
    pub fn get_reply(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<(u16, Vec<u8>), ClientError> {
        let connection = self.lock();
        let url = &connection.destination.url;
        let reply = connection
            .get(path, query)
            .map_err(|error| no_answer(&error, url))?;
        Ok((reply.status, reply.body))
    }

    /// POST `path` with a body of JSON, as it is answered: status and body, problem documents
    /// included.
    ///
    /// # Errors
    /// `Unavailable` if nobody answers; whether it was done is not known then.
    pub fn post_reply(&self, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>), ClientError> {
        let connection = self.lock();
        let url = &connection.destination.url;
        let reply = connection.post_json(path, body).map_err(|error| {
            ClientError::Unavailable(format!(
                "no server answers ({error}), {url}; hint: start it with `runstone up`, or set \
                 RUNSTONE_URL"
            ))
        })?;
        Ok((reply.status, reply.body))
    }

    /// As [`ApiClient::post_reply`], for what may take long: waits for `longest` at most.
    ///
    /// # Errors
    /// `Unavailable` if nobody answers; whether it was done is not known then.
    pub fn post_reply_patiently(
        &self,
        path: &str,
        body: &[u8],
        longest: Duration,
    ) -> Result<(u16, Vec<u8>), ClientError> {
        let connection = self.lock();
        let url = &connection.destination.url;
        let reply = connection
            .post_json_patiently(path, body, longest)
            .map_err(|error| no_answer(&error, url))?;
        Ok((reply.status, reply.body))
    }

    /// GET `path` as a body that is read while it is sent, for `longest` at most.
    pub(crate) fn open_stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
        last_id: Option<u64>,
        longest: Duration,
    ) -> Result<Box<dyn Read + Send>, ClientError> {
        let connection = self.lock();
        let url = &connection.destination.url;
        let opened = connection.open_stream(path, query, last_id, longest);
        match opened.map_err(|error| no_answer(&error, url))? {
            Opened::Stream(stream) => Ok(stream),
            Opened::Reply(reply) => Err(error_of_reply(&reply, url)),
        }
    }

    /// Asks something of the server that answers with an error of the network only.
    pub(crate) fn with_connection<T>(
        &self,
        ask: impl FnOnce(&Connection) -> Result<T, ureq::Error>,
    ) -> Result<T, ClientError> {
        let connection = self.lock();
        let url = &connection.destination.url;
        ask(&connection).map_err(|error| no_answer(&error, url))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn no_answer(error: &ureq::Error, url: &str) -> ClientError {
    ClientError::Unavailable(format!(
        "no server answers ({error}), {url}; hint: start it with `runstone up`, or set RUNSTONE_URL"
    ))
}

fn error_of_reply(reply: &Reply, url: &str) -> ClientError {
    let text = match Problem::from_bytes(&reply.body).filter(|_| reply.is_problem) {
        Some(problem) => problem.text(),
        None => format!("status {} from {url}", reply.status),
    };
    match reply.status {
        404 => ClientError::NotFound(text),
        409 => ClientError::Conflict(text),
        401 => ClientError::Invalid(format!("{text}; hint: set RUNSTONE_TOKEN")),
        429 | 500..=599 => ClientError::Unavailable(text),
        _ => ClientError::Invalid(text),
    }
}

/// A text as one segment of a path: everything but letters, digits, `-`, `.`, `_`, `~` encoded.
#[must_use]
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_holds_nothing_that_a_path_reads() {
        assert_eq!(path_segment("a b/ü%"), "a%20b%2F%C3%BC%25");
        assert_eq!(path_segment("01JD-x_y.z~"), "01JD-x_y.z~");
    }
}
