//! The window cut into pixels, equal in x or in log x.

/// A window and its pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Grid {
    low: f64,
    high: f64,
    pixels: usize,
    log_x: bool,
    /// Ends of the window on the scale that the pixels are equal on.
    scaled_low: f64,
    span: f64,
}

impl Grid {
    /// A window from `low` to `high`, both inclusive; with `log_x` above 0.
    pub(crate) fn new(low: f64, high: f64, pixels: usize, log_x: bool) -> Self {
        let scaled_low = scale(low, log_x);
        Self {
            low,
            high,
            pixels,
            log_x,
            scaled_low,
            span: scale(high, log_x) - scaled_low,
        }
    }

    /// Whether a finite x lies before the window, in it or after it.
    pub(crate) fn side(&self, x: f64) -> std::cmp::Ordering {
        if x < self.low {
            std::cmp::Ordering::Less
        } else if x > self.high {
            std::cmp::Ordering::Greater
        } else {
            std::cmp::Ordering::Equal
        }
    }

    /// Where an x of the window stands, in pixels from its left end; never falls as x rises.
    pub(crate) fn position(&self, x: f64) -> f64 {
        if self.span > 0.0 {
            (scale(x, self.log_x) - self.scaled_low) / self.span * self.pixels as f64
        } else {
            0.0
        }
    }

    /// The pixel that an x of the window falls on.
    pub(crate) fn pixel(&self, x: f64) -> usize {
        // The right end of the window belongs to the last pixel.
        (self.position(x) as usize).min(self.pixels - 1)
    }
}

/// Half of x, so that the width of any window is finite; or its logarithm.
fn scale(x: f64, log_x: bool) -> f64 {
    if log_x { x.ln() } else { x * 0.5 }
}
