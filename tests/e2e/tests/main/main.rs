//! End to end: the real binary, the real client, and everything that may happen to them.
//!
//! `kills` holds the seeded kills (64 in `make test`, 2,000 in `make chaos`); `copies` spools and
//! servers that exist twice or go back in time; `network` a proxy that cuts at every byte;
//! `failures` bad disks, damaged files, taken ports, odd clocks and requests; `feed` readers of changes
//! that are cut, stop, or outlive their server; `logs` lines and records.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]
#![allow(
    clippy::print_stderr,
    reason = "seeds are printed for whoever repeats a failure"
)]

mod clone;
mod copies;
mod failures;
mod feed;
mod kills;
mod logs;
mod network;
mod scene;
