//! The one test binary of this engine: the suite and the model test of `runstone-store` on it,
//! and what only a folder on a disk can do wrong.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod blobs;
mod conformance;
mod copies;
mod damages;
mod deep;
mod entries;
mod faults;
mod folder;
mod forks;
mod kills;
mod merging;
mod script;
mod space;
mod stripes;
