//! The Rust SDK: spool, sender and typed reader of the API.
