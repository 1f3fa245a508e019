//! The stream of changes, read event by event.
//!
//! [`ApiClient::open_changes`] opens one connection; [`ChangeStream::next_event`] blocks until an
//! event is there. A connection may end at any time, by the server, the network or the time limit:
//! the caller opens the next one with [`ChangeStream::last_id`] and gets each change once.
//!
//! The surprising rule: an event counts when it came whole. What a cut connection leaves of the last
//! one is dropped, and comes again.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::api::ApiClient;
use crate::error::ClientError;

/// Longest line of a stream; a change with thousands of events fits.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// One event of the stream. `T` is the type to read changes into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeEvent<T> {
    /// Something was committed.
    Change(T),
    /// Changes are missing, because they are no longer kept or the store is another one: read
    /// again what you show, then go on.
    Reset {
        /// Everything up to here is behind the reader.
        next: u64,
    },
    /// The reader has everything that there is.
    CaughtUp {
        /// Everything up to here is behind the reader.
        next: u64,
    },
}

/// An open stream.
pub struct ChangeStream {
    lines: BufReader<Box<dyn Read + Send>>,
    last_id: Option<u64>,
}

#[derive(Deserialize)]
struct Position {
    next: u64,
}

impl ApiClient {
    /// Opens `GET /runstone/v1/changes/stream` with a query, after the event `last_id` if there was
    /// one. The stream ends by itself after `longest`.
    ///
    /// # Errors
    /// As [`ApiClient::get_json`].
    pub fn open_changes(
        &self,
        query: &[(&str, &str)],
        last_id: Option<u64>,
        longest: Duration,
    ) -> Result<ChangeStream, ClientError> {
        let lines = self.open_stream("/runstone/v1/changes/stream", query, last_id, longest)?;
        Ok(ChangeStream {
            lines: BufReader::new(lines),
            last_id,
        })
    }
}

impl ChangeStream {
    /// Id of the last whole event: resume with it.
    #[must_use]
    pub fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    /// The next event; `None` once the connection has ended.
    ///
    /// # Errors
    /// `Corrupt` if what came is no stream of changes.
    pub fn next_event<T: DeserializeOwned>(
        &mut self,
    ) -> Result<Option<ChangeEvent<T>>, ClientError> {
        loop {
            let Some(raw) = self.next_raw()? else {
                return Ok(None);
            };
            let read = |error: serde_json::Error| {
                ClientError::Corrupt(format!("an event cannot be read: {error}, {}", raw.data))
            };
            let event = match raw.event.as_str() {
                "change" => ChangeEvent::Change(serde_json::from_str(&raw.data).map_err(read)?),
                "reset" | "caught_up" => {
                    let Position { next } = serde_json::from_str(&raw.data).map_err(read)?;
                    if raw.event == "reset" {
                        ChangeEvent::Reset { next }
                    } else {
                        ChangeEvent::CaughtUp { next }
                    }
                }
                // Of a later version.
                _ => continue,
            };
            self.last_id = raw.id.or(self.last_id);
            return Ok(Some(event));
        }
    }

    /// The fields of the next whole event that has data.
    fn next_raw(&mut self) -> Result<Option<RawEvent>, ClientError> {
        let mut raw = RawEvent::default();
        loop {
            let Some(line) = self.next_line()? else {
                return Ok(None);
            };
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.is_empty() && raw.data.is_empty() => raw = RawEvent::default(),
                "" if line.is_empty() => return Ok(Some(raw)),
                "id" => raw.id = value.parse().ok(),
                "event" => value.clone_into(&mut raw.event),
                "data" => raw.data.push_str(value),
                // Comments, and fields of a later version.
                _ => {}
            }
        }
    }

    /// The next whole line, without its end; `None` once the connection has ended.
    fn next_line(&mut self) -> Result<Option<String>, ClientError> {
        let mut line = Vec::new();
        let mut limited = (&mut self.lines).take(LINE_BYTES_MAX);
        let Ok(_) = limited.read_until(b'\n', &mut line) else {
            // Cut, or the time is over; both are the end of this connection.
            return Ok(None);
        };
        if line.pop() != Some(b'\n') {
            if line.len() as u64 + 1 >= LINE_BYTES_MAX {
                return Err(ClientError::Corrupt(format!(
                    "a line of the stream is longer than {LINE_BYTES_MAX} bytes"
                )));
            }
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        String::from_utf8(line).map(Some).map_err(|error| {
            ClientError::Corrupt(format!("a line of the stream is no text: {error}"))
        })
    }
}

#[derive(Debug, Default)]
struct RawEvent {
    id: Option<u64>,
    event: String,
    data: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "retry: 1000\n\n:\n\nid: 7\nevent: change\ndata: {\"a\":1}\n\n\
        id: 8\nevent: dance\ndata: {}\n\nid: 9\r\nevent: caught_up\r\ndata: {\"next\":9}\r\n\r\n\
        id: 12\nevent: reset\ndata: {\"next\":12}\n\n";

    fn stream(bytes: &[u8]) -> ChangeStream {
        let bytes: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(bytes.to_vec()));
        ChangeStream {
            lines: BufReader::new(bytes),
            last_id: Some(3),
        }
    }

    fn events(stream: &mut ChangeStream) -> Vec<ChangeEvent<serde_json::Value>> {
        std::iter::from_fn(|| stream.next_event().unwrap()).collect()
    }

    #[test]
    fn events_are_read_whole_or_not_at_all() {
        let mut whole = stream(TEXT.as_bytes());
        let all = events(&mut whole);
        assert_eq!(
            all,
            [
                ChangeEvent::Change(serde_json::json!({"a": 1})),
                ChangeEvent::CaughtUp { next: 9 },
                ChangeEvent::Reset { next: 12 },
            ]
        );
        assert_eq!(whole.last_id(), Some(12));
        for cut in 0..TEXT.len() {
            let mut part = stream(&TEXT.as_bytes()[..cut]);
            let seen = events(&mut part);
            assert_eq!(seen, all[..seen.len()], "cut at {cut}");
            let ids = [Some(3), Some(7), Some(9), Some(12)];
            assert_eq!(part.last_id(), ids[seen.len()], "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_stream_is_an_error() {
        let mut page = stream(b"event: change\ndata: <html>\n\n");
        let error = page.next_event::<serde_json::Value>().unwrap_err();
        assert_eq!(error.kind(), "corrupt");
    }
}
