//! The bytes of points: packs, chunks and summaries.
