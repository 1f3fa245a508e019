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
    until: Option<Instant>,
    /// The server said so: nobody's hurry ends the rest earlier.
    asked_until: Option<Instant>,
}

impl Rest {
    pub(super) fn new(pause_max: Duration) -> Self {
        Self {
            pause: Duration::ZERO,
            pause_max,
            until: None,
            asked_until: None,
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
        self.asked_until = None;
    }

    /// The server wants to be left alone for so long.
    pub(super) fn ask(&mut self, retry_after: Duration) {
        self.asked_until = Some(Instant::now() + retry_after);
    }

    /// Somebody waits: ends the rest, but for what the server asked.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.until = self.asked_until.filter(|until| *until > now);
    }

    pub(super) fn end(&mut self) {
        self.pause = Duration::ZERO;
        self.until = None;
        self.asked_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hurry_ends_a_rest_but_not_what_the_server_asked() {
        let mut rest = Rest::new(Duration::from_secs(60));
        let now = Instant::now();
        rest.begin(Duration::from_secs(10), 0.5);
        assert!(rest.left(now).is_some());
        rest.hurry(now);
        assert_eq!(rest.left(now), None);
        rest.begin(Duration::from_secs(10), 0.5);
        rest.ask(Duration::from_secs(5));
        rest.hurry(now);
        let left = rest.left(now).unwrap();
        assert!(left <= Duration::from_secs(6), "{left:?}");
        rest.hurry(now + Duration::from_secs(7));
        assert_eq!(rest.left(now), None);
        rest.begin(Duration::ZERO, 0.5);
        rest.hurry(now);
        assert_eq!(rest.left(now), None);
    }
}
