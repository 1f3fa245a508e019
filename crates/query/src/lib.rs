//! Series at the resolution of a screen.
//!
//! `service` hands over the segments of a series ([`runstone_store::SeriesSegments`]) and says what
//! stands on x and how many pixels there are; [`Drawing::draw`] answers with few points that draw
//! the same line. Limits of requests and the bodies of the API are left to `service`.
//!
//! What is promised:
//! - Every point of the answer is a readable point of the series, with its own x and step. They are
//!   sorted by (x, step), and no point stands there twice.
//! - At most [`EXACT_POINTS_PER_PIXEL`] points a pixel in the window: the answer holds all of them.
//! - More: the window is cut into buckets, one a pixel, equal in x or in log x. Of each bucket the
//!   answer holds the first and the last point, the smallest and the greatest finite value (the
//!   earliest point wins among equals), and the first NaN and the first infinity of each sign, where
//!   there are any. So there are at most seven points a pixel.
//! - Where blocks stand for points, all points of a block are in the bucket of its first point. A
//!   block is used only if it is at most a pixel wide, so a bucket reaches at most a pixel into the
//!   next one. Blocks never make the answer anything else: which points are counted, and
//!   what lies in the window, is always told point by point.
//! - The nearest point before and the nearest after the window are added, where there are any.
//! - The same segments give the same answer.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod axis;
mod buckets;
mod draw;
mod grid;

#[cfg(test)]
mod tests;

pub use axis::{Axis, JoinedValues};
pub use draw::{Drawing, DrawnPoints, EXACT_POINTS_PER_PIXEL};
