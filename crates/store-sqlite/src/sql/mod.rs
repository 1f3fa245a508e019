//! Every statement of this engine, and the schema.
//!
//! Nothing else in the crate spells SQL. Statements are constants, so that `prepare_cached` finds
//! them again; what varies is bound. Text compares by bytes (the BINARY collation), NaN is never
//! bound as a float, `run << 24` ranges are inclusive below and exclusive above.

/// Tables of version 1.
pub(crate) const SCHEMA_V1: &str = include_str!("schema_v1.sql");
/// What version 2 adds.
pub(crate) const SCHEMA_V2: &str = include_str!("schema_v2.sql");
/// What version 3 adds.
pub(crate) const SCHEMA_V3: &str = include_str!("schema_v3.sql");
/// What version 4 adds.
pub(crate) const SCHEMA_V4: &str = include_str!("schema_v4.sql");
/// What version 5 adds.
pub(crate) const SCHEMA_V5: &str = include_str!("schema_v5.sql");

mod blobs;
mod catalogue;
mod change;
mod deep;
mod deep_counts;
mod entries;
mod fork;
mod points;
mod run;
mod space;
mod stripe;
mod table;

pub(crate) use blobs::*;
pub(crate) use catalogue::*;
pub(crate) use change::*;
pub(crate) use deep::*;
pub(crate) use deep_counts::*;
pub(crate) use entries::*;
pub(crate) use fork::*;
pub(crate) use points::*;
pub(crate) use run::*;
pub(crate) use space::*;
pub(crate) use stripe::*;
pub(crate) use table::*;
