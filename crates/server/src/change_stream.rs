//! Changes, page by page, and pushed as server-sent events: `GET /runstone/v1/changes/stream`.
//!
//! A stream is a reader of the journal at its client's pace: hyper asks for the next piece when
//! there is room for it, and only then a page is read. So a slow reader holds one page and what
//! hyper has taken, and one that stops is cut off (`stall.rs`). Whoever was cut comes back with the
//! id of the last event it got whole, and misses nothing.
//!
//! The surprising rule: once a stream has told everything it answers the next change at once, but
//! those after it are gathered for [`GATHER`], so that many streams don't read page after page of
//! one change each.

use crate::app::{ApiError, App};
use crate::handlers::{ApiQuery, json, json_body};
use crate::problem::busy;
use crate::stall::StreamMark;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;
use runstone_model::Principal;
use runstone_service::api::{ChangesPage, ChangesQuery};
use runstone_service::{ChangeFilter, ServiceError};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Bytes of a page that a stream holds, about.
const PAGE_BYTES: usize = 32 * 1024;
/// Changes of such a page at most.
const PAGE_CHANGES: usize = 500;
/// Bytes that are handed to the connection at once, about: it takes up to sixteen pieces ahead.
const PIECE_BYTES: usize = 8 * 1024;
/// At least so long lies between two pages once everything was told.
const GATHER: Duration = Duration::from_millis(50);
/// What a client waits before it comes back.
const RETRY_MILLIS: u64 = 1_000;

pub(crate) async fn get_changes(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    ApiQuery(query): ApiQuery<ChangesQuery>,
) -> Result<Response, ApiError> {
    app.blocking(move |app| json_body(&app.service.list_changes(&principal, &query)?))
        .await
        .map(json)
}

pub(crate) async fn get_changes_stream(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    mark: Option<Extension<StreamMark>>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<ChangesQuery>,
) -> Result<Response, ApiError> {
    let last_id = last_event_id(&headers)?;
    if query.limit.is_some() {
        return Err(ApiError(
            ServiceError::invalid("a stream takes no limit")
                .with_hint("read as much as you like and end the connection"),
        ));
    }
    let Ok(turn) = Arc::clone(&app.feed.turns).try_acquire_owned() else {
        app.metrics.count_limit_hit("streams");
        let streams_max = app.config.limits.streams_max;
        return Err(ApiError(
            busy(&format!(
                "{streams_max} streams of changes are open, no more are taken"
            ))
            .with_hint("close some, or ask /runstone/v1/changes page by page"),
        ));
    };
    let (filter, newest, since) = app
        .blocking(move |app| {
            let filter = app.service.change_filter(&principal, &query)?;
            let newest = app.feed.watch_newest()?;
            let since = match last_id.or(query.since) {
                Some(since) => since,
                // From now on: what is watched may lag behind by a moment.
                None => app.service.store().change_number()?.0,
            };
            Ok((filter, newest, since))
        })
        .await?;
    if let Some(Extension(mark)) = mark {
        mark.set_streaming();
    }
    let reader = Reader {
        open: OpenStream::new(&app, turn),
        filter: Arc::new(filter),
        newest,
        stopping: app.feed.watch_stop(),
        next: since,
        told: None,
        is_behind: false,
        read_at: None,
        pieces: VecDeque::from([Bytes::from(format!("retry: {RETRY_MILLIS}\n\n"))]),
    };
    let mut response = Response::new(Body::new(StreamBody::new(reader)));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The id of the last event that the client got, by the header that browsers send.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, ServiceError> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let number = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        ServiceError::invalid("Last-Event-ID is no change number")
            .with_hint("send the id of the last event as it came, or none")
    })
}

/// Counts a stream while it is open.
struct OpenStream {
    app: Arc<App>,
    _turn: OwnedSemaphorePermit,
}

impl OpenStream {
    fn new(app: &Arc<App>, turn: OwnedSemaphorePermit) -> Self {
        app.metrics.change_open_streams(1);
        Self {
            app: Arc::clone(app),
            _turn: turn,
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.app.metrics.change_open_streams(-1);
    }
}

/// Where a stream stands.
struct Reader {
    open: OpenStream,
    filter: Arc<ChangeFilter>,
    newest: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// Everything up to here was read.
    next: u64,
    /// Up to here the client was told that it has everything; `None` before the first time.
    told: Option<u64>,
    /// The last page did not reach the newest change.
    is_behind: bool,
    /// When the last page was read.
    read_at: Option<Instant>,
    /// Whole events that are to be sent.
    pieces: VecDeque<Bytes>,
}

/// Why a stream goes on.
enum Woken {
    Changed,
    Silence,
    Over,
}

impl Reader {
    /// The next bytes to send; `None` at the end.
    async fn next_piece(&mut self) -> Option<Bytes> {
        loop {
            if *self.stopping.borrow() {
                return None;
            }
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            if self.told.is_some() && *self.newest.borrow() <= self.next {
                match self.wait().await {
                    Woken::Changed => {}
                    Woken::Silence => return Some(self.heartbeat()),
                    Woken::Over => return None,
                }
            }
            self.gather().await;
            let page = self.read_page().await?;
            self.take(&page);
        }
    }

    async fn wait(&mut self) -> Woken {
        let next = self.next;
        let heartbeat = self.open.app.config.limits.stream_heartbeat;
        tokio::select! {
            changed = self.newest.wait_for(|newest| *newest > next) => match changed {
                Ok(_) => Woken::Changed,
                Err(_) => Woken::Over,
            },
            _ = self.stopping.wait_for(|stopping| *stopping) => Woken::Over,
            () = sleep(heartbeat) => Woken::Silence,
        }
    }

    /// A sign of life; where a filter has passed over changes, also how far it got.
    fn heartbeat(&mut self) -> Bytes {
        if self.told == Some(self.next) {
            return Bytes::from_static(b":\n\n");
        }
        self.told = Some(self.next);
        Bytes::from(position_event("caught_up", self.next))
    }

    /// Once everything was told, pages don't follow each other at once.
    async fn gather(&self) {
        if let Some(read_at) = self.read_at.filter(|_| !self.is_behind) {
            sleep_until(read_at + GATHER).await;
        }
    }

    /// The next page; `None` if there is none to be had, after which the client comes back.
    async fn read_page(&mut self) -> Option<ChangesPage> {
        let (filter, next) = (Arc::clone(&self.filter), self.next);
        let page = self
            .open
            .app
            .blocking(move |app| {
                app.service
                    .read_changes(&filter, Some(next), PAGE_CHANGES, PAGE_BYTES)
            })
            .await;
        self.read_at = Some(Instant::now());
        match page {
            Ok(page) => Some(page),
            Err(ApiError(error)) => {
                tracing::warn!(%error, "a stream of changes ended");
                None
            }
        }
    }

    fn take(&mut self, page: &ChangesPage) {
        let mut piece = String::new();
        if page.reset {
            piece.push_str(&position_event("reset", page.next));
        }
        for change in &page.changes {
            let json = serde_json::to_string(change).expect("a change is text and numbers");
            let _ = write!(
                piece,
                "id: {}\nevent: change\ndata: {json}\n\n",
                change.change
            );
            if piece.len() >= PIECE_BYTES {
                self.pieces
                    .push_back(Bytes::from(std::mem::take(&mut piece)));
            }
        }
        self.next = page.next;
        self.is_behind = page.next < page.newest;
        let is_news = page.reset || !page.changes.is_empty() || self.told.is_none();
        if !self.is_behind && is_news {
            piece.push_str(&position_event("caught_up", page.next));
            self.told = Some(page.next);
        }
        if !piece.is_empty() {
            self.pieces.push_back(Bytes::from(piece));
        }
    }
}

fn position_event(event: &str, next: u64) -> String {
    format!("id: {next}\nevent: {event}\ndata: {{\"next\":{next}}}\n\n")
}

/// The future of the next piece; it gives the reader back.
type NextPiece = Pin<Box<dyn Future<Output = (Reader, Option<Bytes>)> + Send>>;

/// The body of an answer that has no end.
struct StreamBody(Option<NextPiece>);

impl StreamBody {
    fn new(reader: Reader) -> Self {
        Self(Some(next_piece(reader)))
    }
}

fn next_piece(mut reader: Reader) -> NextPiece {
    Box::pin(async move {
        let piece = reader.next_piece().await;
        (reader, piece)
    })
}

impl hyper::body::Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(next) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let (reader, piece) = ready!(next.as_mut().poll(context));
        self.0 = piece.is_some().then(|| next_piece(reader));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests;
