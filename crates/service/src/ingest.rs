//! Frames in: decode, who may, the clock of the sender, and `Store::append`.
//!
//! A frame is judged here only as a whole; its operations are judged one by one by the store.
//! A `Mismatch` is no error: the answer says where the server stands, and the caller sends it
//! as 409 with the same body.

use crate::Service;
use crate::error::{ErrorKind, ServiceError};
use bytes::Bytes;
use runstone_model::{Principal, ReceivedAt, Timestamp};
use runstone_store::AppendFrame;
use runstone_wire::{FRAME_BYTES_MAX, Frame, FrameAnswer};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// From here on a sender's clock is called wrong.
const CLOCK_SKEW_WARNING_MICROS: i64 = 5 * 60 * 1_000_000;
const WARNING_INTERVAL_MICROS: i64 = 60 * 1_000_000;

/// Frames that came with a clock far from ours; the log names at most one a minute.
#[derive(Debug, Default)]
pub(crate) struct SkewWarnings {
    frames: AtomicU64,
    last_logged_micros: AtomicI64,
}

impl Service {
    /// Applies one frame and answers it. On return its data are durable and readable.
    ///
    /// # Errors
    /// `TooLarge` and `Invalid` for bytes that are no frame, `Forbidden` for a principal that
    /// may not write, `Unavailable` when the store asks to wait: nothing was applied.
    pub fn ingest_frame(
        &self,
        principal: &Principal,
        body: &Bytes,
    ) -> Result<FrameAnswer, ServiceError> {
        Self::may_write(principal)?;
        if body.len() > FRAME_BYTES_MAX {
            return Err(ServiceError::new(
                ErrorKind::TooLarge,
                format!(
                    "the frame has {} bytes, {FRAME_BYTES_MAX} are taken",
                    body.len()
                ),
            )
            .with_hint("send fewer slots a frame"));
        }
        let frame = Frame::decode(body).map_err(|error| {
            ServiceError::invalid(error.to_string()).or_hint(
                "see docs/formats/frame.md; an SDK newer than this server may be the cause",
            )
        })?;
        let received_at = self.now();
        self.note_skew(&frame, received_at);
        let answer = self.store.append(AppendFrame {
            workspace: self.workspace,
            frame,
            received_at: ReceivedAt(received_at),
            principal: principal.name.clone(),
        })?;
        Ok(answer)
    }

    /// Frames so far whose sender's clock was more than five minutes from ours.
    pub fn skewed_frames(&self) -> u64 {
        self.skew.frames.load(Ordering::Relaxed)
    }

    fn note_skew(&self, frame: &Frame, received_at: Timestamp) {
        let ahead = frame
            .sent_at
            .as_micros()
            .saturating_sub(received_at.as_micros());
        if ahead.saturating_abs() <= CLOCK_SKEW_WARNING_MICROS {
            return;
        }
        self.skew.frames.fetch_add(1, Ordering::Relaxed);
        let now = received_at.as_micros();
        let last = self.skew.last_logged_micros.load(Ordering::Relaxed);
        let due = last == 0 || now.saturating_sub(last) >= WARNING_INTERVAL_MICROS;
        if due
            && self
                .skew
                .last_logged_micros
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            tracing::warn!(
                writer = %frame.writer,
                run = %frame.run,
                seconds_ahead = ahead / 1_000_000,
                "the clock of a sender is far from ours; hint: set the clock of one of the two hosts"
            );
        }
    }
}
