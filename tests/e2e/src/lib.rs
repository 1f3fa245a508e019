//! End-to-end, crash and proxy tests of the real binary with the real client.
