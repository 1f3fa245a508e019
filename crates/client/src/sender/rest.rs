//! Pauses before a server is asked again.

use std::time::{Duration, Instant};

/// The first pause.
const REST_FIRST: Duration = Duration::from_millis(100);
/// The longest one for a server on this machine.
pub(super) const REST_MAX_LOOPBACK: Duration = Duration::from_secs(5);
/// The longest one for another.
pub(super) const REST_MAX: Duration = Duration::from_secs(30);

/// A pause that grows with each failure, with jitter.
pub(super) struct Rest {
    pause: Duration,
    pause_max: Duration,
    pub(super) until: Option<Instant>,
}

impl Rest {
    pub(super) fn new(pause_max: Duration) -> Self {
        Self {
            pause: Duration::ZERO,
            pause_max,
            until: None,
        }
    }

    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    pub(super) fn begin(&mut self, at_least: Duration, jitter: f64) {
        self.pause = (self.pause * 2).clamp(REST_FIRST, self.pause_max);
        let pause = self.pause.mul_f64(0.75 + jitter / 2.0);
        self.until = Some(Instant::now() + pause.max(at_least));
    }

    pub(super) fn end(&mut self) {
        self.pause = Duration::ZERO;
        self.until = None;
    }
}
