//! What the end-to-end tests stand on: a real server as a process, children that track and are
//! killed, counters they share with the test, a proxy that harms what passes, requests written by
//! hand, processes with mounts of their own, mounts of foreign kinds, and the comparison of what was logged with what can
//! be read.
//!
//! Every random choice comes from a seed, and every failure names it.

pub mod alone;
pub mod child;
pub mod fuse;
pub mod http;
pub mod os_counters;
pub mod proxy;
pub mod random;
pub mod server;
pub mod verify;
