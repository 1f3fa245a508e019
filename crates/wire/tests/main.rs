//! Tests of the wire format that need files: generated code is fresh, frozen samples are read.
#![allow(clippy::unwrap_used)]

mod fresh;
