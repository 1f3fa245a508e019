//! A connection that knows when its peer takes nothing.
//!
//! [`WatchedStream`] stands between hyper and the socket. While a change stream is sent, it fails a
//! write that got nowhere for too long, so the whole connection ends and its memory with it; hyper
//! alone would wait for ever. [`StreamMark`] is how the handler says that a stream is being sent.
//!
//! The surprising rule: other answers are not watched. A reader of a large answer may pause, one of
//! a stream may come back with the last id it has.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// What a connection and the stream it sends know of each other. An extension of every request.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamMark(Arc<Marks>);

#[derive(Debug, Default)]
struct Marks {
    is_streaming: AtomicBool,
    was_cut: AtomicBool,
}

impl StreamMark {
    /// A stream begins; it is the last thing that its connection sends.
    pub(crate) fn set_streaming(&self) {
        self.0.is_streaming.store(true, Ordering::Relaxed);
    }

    /// Whether a stream is being sent.
    pub(crate) fn is_streaming(&self) -> bool {
        self.0.is_streaming.load(Ordering::Relaxed)
    }

    /// Whether a stream was cut off because nobody took it.
    pub(crate) fn was_cut(&self) -> bool {
        self.0.was_cut.load(Ordering::Relaxed)
    }
}

/// The socket of a connection.
pub(crate) struct WatchedStream {
    stream: TcpStream,
    mark: StreamMark,
    stall: Duration,
    /// Runs while a write waits.
    timer: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl WatchedStream {
    pub(crate) fn new(stream: TcpStream, mark: StreamMark, stall: Duration) -> Self {
        Self {
            stream,
            mark,
            stall,
            timer: Box::pin(sleep(Duration::ZERO)),
            is_waiting: false,
        }
    }

    /// Hands a write's outcome on, unless it has waited for too long.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_ready() || !self.mark.is_streaming() {
            self.is_waiting = false;
            return outcome;
        }
        if !self.is_waiting {
            self.is_waiting = true;
            self.timer.as_mut().reset(Instant::now() + self.stall);
        }
        ready!(self.timer.as_mut().poll(context));
        self.mark.0.was_cut.store(true, Ordering::Relaxed);
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the reader of a stream took nothing for too long",
        )))
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judge(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
