//! One server: keep-alive calls, the handshake, and what a status means to the sender.
//!
//! Blocking calls with time limits, made by the sender thread, a deliverer or a reader. A proxy is
//! never asked for a server on this machine. The surprising rule: only a server that has shaken
//! hands as Runstone can refuse a frame for good; whatever else listens on the port can only make
//! us wait.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use runstone_wire::{FRAME_CONTENT_TYPE, FRAME_VERSION, FrameAnswer};
use serde::Deserialize;
use ureq::unversioned::transport::DefaultConnector;

use crate::api::ServerDescription;
use crate::config::Destination;
use crate::files::{Download, Received};
use crate::resolver::HostResolver;
use crate::warning::WarningKind;

/// Longest wait for a connection.
const CONNECT_SECONDS: u64 = 5;
/// Longest wait for a whole call, the answer included.
const CALL_SECONDS: u64 = 30;
/// Longest wait for the handshake. One sender serves all servers of a process: whatever listens
/// on a port and never answers must not hold the others up for longer.
const HANDSHAKE_SECONDS: u64 = 3;
/// Longest wait for the first byte of an answer to a frame. One that comes later finds the frame
/// sent again, and the server knows it by its slots.
const ANSWER_SECONDS: u64 = 10;
/// Longest answer to a frame; thousands of refusals fit.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What became of a frame on the network.
#[derive(Debug)]
pub(crate) enum Sent {
    /// An answer, with 200 or 409.
    Answered(FrameAnswer),
    /// The server will never take these bytes.
    Refused(String),
    /// Try again later.
    Later(Trouble),
}

/// Why nothing can be sent at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) kind: WarningKind,
    /// One line with a hint.
    pub(crate) text: String,
    /// When the server wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
    /// The server answered; it only has no time.
    pub(crate) busy: bool,
}

/// A problem document (RFC 9457) as the server writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    title: String,
    detail: String,
    hint: String,
}

impl Problem {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn text(&self) -> String {
        let what = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        if self.hint.is_empty() {
            what.clone()
        } else {
            format!("{what}; hint: {}", self.hint)
        }
    }
}

/// What came back from a call.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) is_problem: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// What became of a call for a stream.
pub(crate) enum Opened {
    Stream(Box<dyn Read + Send>),
    /// Another status than 200.
    Reply(Reply),
}

/// A server and how to call it.
pub(crate) struct Connection {
    pub(crate) destination: Destination,
    agent: ureq::Agent,
    authorization: Option<String>,
    server: Option<ServerDescription>,
}

impl Connection {
    pub(crate) fn new(destination: Destination, token: Option<&str>) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS)))
            .timeout_global(Some(Duration::from_secs(CALL_SECONDS)))
            .user_agent(concat!("runstone/", env!("CARGO_PKG_VERSION")));
        if destination.is_loopback() {
            config = config.proxy(None);
        }
        Self {
            destination,
            agent: ureq::Agent::with_parts(
                config.build(),
                DefaultConnector::default(),
                HostResolver::new(),
            ),
            authorization: token.map(|token| format!("Bearer {token}")),
            server: None,
        }
    }

    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, ureq::Error> {
        self.get_within(CALL_SECONDS, path, query)
    }

    fn get_within(
        &self,
        seconds: u64,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Reply, ureq::Error> {
        let mut request = self
            .agent
            .get(format!("{}{path}", self.destination.url))
            .config()
            .timeout_global(Some(Duration::from_secs(seconds)))
            .build()
            .header("accept", "application/json");
        for (name, value) in query {
            request = request.query(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        read_reply(request.call()?)
    }

    pub(crate) fn post_json(&self, path: &str, body: &[u8]) -> Result<Reply, ureq::Error> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.destination.url))
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        read_reply(request.send(body)?)
    }

    /// POST of what may take long: the answer is waited for, for `longest` at most.
    pub(crate) fn post_json_patiently(
        &self,
        path: &str,
        body: &[u8],
        longest: Duration,
    ) -> Result<Reply, ureq::Error> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.destination.url))
            .config()
            .timeout_global(Some(longest))
            .build()
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        read_reply(request.send(body)?)
    }

    /// GET whose answer is read while it is sent. Its body ends after `longest`.
    pub(crate) fn open_stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
        last_id: Option<u64>,
        longest: Duration,
    ) -> Result<Opened, ureq::Error> {
        let mut request = self
            .agent
            .get(format!("{}{path}", self.destination.url))
            .config()
            .timeout_global(None)
            .timeout_recv_response(Some(Duration::from_secs(ANSWER_SECONDS)))
            .timeout_recv_body(Some(longest))
            .build()
            .header("accept", "text/event-stream");
        for (name, value) in query {
            request = request.query(*name, *value);
        }
        if let Some(last_id) = last_id {
            request = request.header("last-event-id", last_id.to_string());
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let response = request.call()?;
        if response.status().as_u16() == 200 {
            let reader = response.into_body().into_reader();
            return Ok(Opened::Stream(Box::new(reader)));
        }
        read_reply(response).map(Opened::Reply)
    }

    /// PUT of a file to an address that needs no token; see [`crate::ApiClient::put_file`].
    pub(crate) fn put_file(
        &self,
        url: &str,
        file: File,
        longest: Duration,
    ) -> Result<Reply, ureq::Error> {
        let url = match url.starts_with('/') {
            true => format!("{}{url}", self.destination.url),
            false => url.to_owned(),
        };
        let request = self
            .agent
            .put(url)
            .config()
            .timeout_global(None)
            .timeout_send_body(Some(longest))
            .timeout_recv_response(Some(longest))
            .build()
            .header("content-type", "application/octet-stream");
        read_reply(request.send(file)?)
    }

    /// GET whose body is read while it comes.
    pub(crate) fn open_download(
        &self,
        path: &str,
        query: &[(&str, &str)],
        longest: Duration,
    ) -> Result<Received, ureq::Error> {
        let mut request = self
            .agent
            .get(format!("{}{path}", self.destination.url))
            .config()
            .timeout_global(None)
            .timeout_recv_response(Some(Duration::from_secs(CALL_SECONDS)))
            .timeout_recv_body(Some(longest))
            .build();
        for (name, value) in query {
            request = request.query(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let response = request.call()?;
        let status = response.status().as_u16();
        if status != 200 {
            return read_reply(response).map(|reply| Received::Reply(reply.status, reply.body));
        }
        let text = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let bytes = text("content-length").and_then(|text| text.parse().ok());
        let tag = text("etag").unwrap_or_default();
        Ok(Received::Download(Download {
            bytes,
            tag: tag.trim_matches('"').to_owned(),
            reader: Box::new(response.into_body().into_reader()),
        }))
    }

    /// DELETE without a body.
    pub(crate) fn delete(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, ureq::Error> {
        let mut request = self
            .agent
            .delete(format!("{}{path}", self.destination.url))
            .header("accept", "application/json");
        for (name, value) in query {
            request = request.query(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        read_reply(request.call()?)
    }

    fn post_frame(&self, body: &[u8]) -> Result<Reply, ureq::Error> {
        let mut request = self
            .agent
            .post(format!("{}/runstone/v1/frames", self.destination.url))
            .config()
            .timeout_recv_response(Some(Duration::from_secs(ANSWER_SECONDS)))
            .build()
            .header("content-type", FRAME_CONTENT_TYPE)
            .header("accept", FRAME_CONTENT_TYPE);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        read_reply(request.send(body)?)
    }

    /// Asks the server who it is. Called before the first frame and after each silence.
    pub(crate) fn shake_hands(&mut self) -> Result<&ServerDescription, Trouble> {
        self.server = None;
        let reply = self
            .get_within(HANDSHAKE_SECONDS, "/runstone/v1/server", &[])
            .map_err(|error| self.unreachable(&error.to_string()))?;
        if reply.status != 200 {
            return Err(self.trouble_of_status(&reply));
        }
        let described: Option<ServerDescription> = serde_json::from_slice(&reply.body).ok();
        let Some(server) = described else {
            return Err(self.wrong_server());
        };
        if !server.frame_versions.contains(&FRAME_VERSION) {
            return Err(Trouble {
                kind: WarningKind::Denied,
                text: format!(
                    "the server speaks frame versions {:?}, this client {FRAME_VERSION}, {}; hint: \
                     update the older one",
                    server.frame_versions, self.destination.url
                ),
                retry_after: None,
                busy: false,
            });
        }
        Ok(self.server.insert(server))
    }

    /// Sends an encoded frame, after a handshake if there was none.
    pub(crate) fn send(&mut self, body: &[u8]) -> Sent {
        if self.server.is_none()
            && let Err(trouble) = self.shake_hands()
        {
            return Sent::Later(trouble);
        }
        // An idle connection may have been closed by the server meanwhile: one more try, on a
        // fresh one. The mark makes a second delivery harmless.
        let once_more = |error| match error {
            ureq::Error::Timeout(_) => Err(error),
            _ => self.post_frame(body),
        };
        let reply = match self.post_frame(body).or_else(once_more) {
            Ok(reply) => reply,
            Err(error) => {
                self.server = None;
                return Sent::Later(self.unreachable(&error.to_string()));
            }
        };
        match reply.status {
            200 | 409 => match FrameAnswer::decode(&Bytes::from(reply.body)) {
                Ok(answer) => Sent::Answered(answer),
                Err(_) => {
                    self.server = None;
                    Sent::Later(self.wrong_server())
                }
            },
            400 | 413 | 422 if reply.is_problem => {
                let problem = Problem::from_bytes(&reply.body).unwrap_or_default();
                Sent::Refused(format!("status {}: {}", reply.status, problem.text()))
            }
            _ => {
                if reply.status != 429 && reply.status != 503 {
                    self.server = None;
                }
                Sent::Later(self.trouble_of_status(&reply))
            }
        }
    }

    fn unreachable(&self, reason: &str) -> Trouble {
        Trouble {
            kind: WarningKind::Unreachable,
            text: format!(
                "no server answers ({reason}), {}; everything is kept and sent later; hint: start \
                 it with `runstone up`, or set RUNSTONE_URL",
                self.destination.url
            ),
            retry_after: None,
            busy: false,
        }
    }

    fn wrong_server(&self) -> Trouble {
        Trouble {
            kind: WarningKind::Denied,
            text: format!(
                "what answers is no Runstone server, {}; everything is kept; hint: `runstone doctor` \
                 tells who has the port",
                self.destination.url
            ),
            retry_after: None,
            busy: false,
        }
    }

    fn trouble_of_status(&self, reply: &Reply) -> Trouble {
        let url = &self.destination.url;
        let told = reply
            .is_problem
            .then(|| Problem::from_bytes(&reply.body))
            .flatten()
            .map(|problem| format!(": {}", problem.text()))
            .unwrap_or_default();
        let busy = matches!(reply.status, 429 | 503) && reply.is_problem;
        let text = match reply.status {
            401 => format!(
                "the server asks for a token{told}, {url}; everything is kept; hint: set \
                 RUNSTONE_TOKEN"
            ),
            403 | 421 => format!("the server refuses this client{told}, {url}; everything is kept"),
            429 | 503 if busy => format!("the server is busy{told}, {url}; everything is kept"),
            500..=599 => format!(
                "the server failed with status {}{told}, {url}; everything is kept",
                reply.status
            ),
            _ if reply.is_problem => format!(
                "the server answered status {}{told}, {url}; everything is kept",
                reply.status
            ),
            _ => return self.wrong_server(),
        };
        Trouble {
            kind: if busy || reply.status >= 500 {
                WarningKind::Unreachable
            } else {
                WarningKind::Denied
            },
            text,
            retry_after: reply.retry_after,
            busy,
        }
    }
}

fn read_reply(response: ureq::http::Response<ureq::Body>) -> Result<Reply, ureq::Error> {
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let is_problem =
        header("content-type").is_some_and(|value| value.starts_with("application/problem+json"));
    let retry_after = header("retry-after")
        .and_then(|value| value.trim().parse().ok())
        .map(|seconds: u64| Duration::from_secs(seconds.min(600)));
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .into_with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_vec()?;
    Ok(Reply {
        status,
        is_problem,
        retry_after,
        body,
    })
}
