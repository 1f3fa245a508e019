//! The bytes of points: packs, chunks and summaries.
//!
//! A *pack* holds the points of many short series; the client writes it into frames and the store
//! keeps it. A *chunk* holds many points of one series, with a summary of every 256 of them in
//! front. A *run summary* is the columnar block of the summaries of all series of a run, a *stripe*
//! says the same by metric for many runs. The formats are described in
//! `docs/formats/{pack,chunk,summary,stripe}.md`, well enough to write a reader
//! in another language, and frozen samples in `tests/compat` are read for ever.
//!
//! Client, wire and store call this crate. It does no I/O, judges no values and sorts nothing:
//! what goes in comes out, bit for bit and in the same order. The surprising rule: times and steps
//! of a pack are stored once for all series that have the same steps, yet any one series is read
//! without the others.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod chunk;
mod column;
mod cursor;
mod error;
mod pack;
mod packed;
mod points;
mod stripe;
mod summary;

pub use chunk::{
    BLOCK_POINTS, BlockPlaces, BlockSummary, CHUNK_POINTS_MAX, COARSE_BLOCKS, ChunkHead,
    ChunkReader, EncodedChunk, Place, encode_chunk,
};
pub use error::CodecError;
pub use pack::{PACK_POINTS_MAX, PackReader, Scratch, SeriesEntry, encode_pack, encode_pack_into};
pub use points::{OrderColumns, OrderVecs, SeriesColumns, SeriesPoints};
pub use stripe::{
    BAND_RUNS, STRIPE_ROWS_MAX, StripeColumn, StripeReader, StripeRow, decode_roll, encode_roll,
    encode_stripe,
};
pub use summary::{
    RunSummaryReader, SUMMARY_ROWS_MAX, SummaryMark, SummaryRow, encode_run_summary,
};
