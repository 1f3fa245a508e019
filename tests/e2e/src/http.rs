//! Requests written by hand: what no client of ours would send.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

/// An answer, taken apart.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// Body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Whether it is a problem document of this status with a hint.
    pub fn is_problem(&self, status: u16) -> bool {
        let json = self.json();
        self.status == status
            && self
                .head
                .to_ascii_lowercase()
                .contains("content-type: application/problem+json")
            && json["status"] == status
            && json["detail"].as_str().is_some_and(|text| !text.is_empty())
            && json["hint"].as_str().is_some_and(|text| !text.is_empty())
    }
}

/// Sends one request and reads the answer to its end. `headers` are whole lines; a `Host` of the
/// address and `Connection: close` are added unless given. The body goes as it is: its length is
/// for the caller to tell, rightly or not.
///
/// # Errors
/// When nobody answers within 10 s, or not in HTTP.
pub fn request(
    address: &str,
    method_and_path: &str,
    headers: &[&str],
    body: &[u8],
) -> anyhow::Result<Answer> {
    let mut stream = TcpStream::connect(address).context("connect")?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let mut head = format!("{method_and_path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|line| line.starts_with("Host:")) {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    for line in headers {
        head.push_str(line);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).context("send the head")?;
    // A server that has read enough closes; what it said before is what counts.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let mut block = [0; 4096];
    while let Ok(length) = stream.read(&mut block) {
        if length == 0 {
            break;
        }
        bytes.extend_from_slice(&block[..length]);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").context("an answer in HTTP")?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .with_context(|| format!("status in {head:?}"))?;
    Ok(Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
