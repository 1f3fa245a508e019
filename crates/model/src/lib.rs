//! What exists: ids, params, series keys, steps, lifecycle and its transition table.
//!
//! Every other crate speaks in these words. A value that must be clean, finite, sorted or short
//! is a newtype built by a checked constructor, so that whoever holds one need not check again.
//! There is no I/O here, no async and no clock: callers bring time and randomness, and stores,
//! frames and protocols belong to the crates above.
//!
//! The surprising rule: two things that must be equal for every client are equal as text here.
//! A [`Context`] is its canonical JSON text, and comparing two of them compares bytes.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod artifact;
mod blob;
mod context;
mod dialect;
mod error;
mod experiment;
mod ids;
mod json_text;
mod lifecycle;
mod log;
mod names;
mod param_path;
mod param_value;
mod params;
mod principal;
mod run;
mod series;
mod step;
mod time;
mod transition;
mod value;
mod writer;

pub use artifact::{ARTIFACT_PATH_BYTES_MAX, ArtifactPath, MEDIA_TYPE_BYTES_MAX, MediaType};
pub use blob::{BlobDigest, BlobLeaseId};
pub use context::{CONTEXT_BYTES_MAX, CONTEXT_DEPTH_MAX, Context};
pub use dialect::{DIALECT_WORDS, Dialect, DialectWord, dialect_word, state_from_dialect_word};
pub use error::ModelError;
pub use experiment::{Experiment, experiment_id_from_parts};
pub use ids::{
    AppendNumber, ChangeNumber, ExperimentKey, Generation, RunId, RunKey, StoreIdentity,
    WorkspaceId, WriterId, run_id_from_parts,
};
pub use json_text::JsonText;
pub use lifecycle::{Actor, EndReason, LifecycleEvent, ReasonCode, RunState, Standing};
pub use log::{LOG_TEXT_BYTES_MAX, LogLevel, LogStream};
pub use names::{
    DEFAULT_EXPERIMENT, DESCRIPTION_BYTES_MAX, ExperimentName, MetricName, SHORT_TEXT_BYTES_MAX,
    TagName, check_text, clean_text, cut_text,
};
pub use param_path::{PARAM_DEPTH_MAX, PARAM_KEY_BYTES_MAX, ParamPath};
pub use param_value::ParamValue;
pub use params::{Leaves, PARAM_BYTES_MAX, PARAM_LEAVES_MAX, Params, SetReport};
pub use principal::{Principal, Scope};
pub use run::{Alias, ForkPin, LifecycleChange, Run, StateChange};
pub use series::{Goal, SeriesKey, SeriesKind};
pub use step::Step;
pub use time::{ReceivedAt, Timestamp};
pub use transition::{Strictness, TRANSITIONS, Transition, TransitionError, transition};
pub use value::{ScalarValue, TypeConflict, ValueType};
pub use writer::{
    LEASE_SECONDS_DEFAULT, RECOVERY_SECONDS_DEFAULT, Writer, WriterEnd, WriterEndKind,
};
