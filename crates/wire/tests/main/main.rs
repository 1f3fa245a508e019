//! Tests of the wire format: round trips, what survives, golden bytes, frozen samples, fresh code.
#![allow(clippy::unwrap_used)]

mod fresh;
mod frozen;
mod round_trip;
mod samples;
mod survival;
