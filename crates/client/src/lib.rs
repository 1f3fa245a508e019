//! The Rust SDK: spool, sender and typed reader of the API.
//!
//! [`Run::open`] starts or resumes a run; [`Run::track`] and its kin write into the spool of this
//! process (`spool`) and return. One background thread a process packs what is there into frames
//! and sends them (`sender`), until the server has acknowledged every slot. What a dead process
//! left behind is sent by [`deliver`]. Nothing here needs an async runtime, nothing is started
//! before the first call, and every part survives a fork.
//!
//! A call never waits for the network, and never fails because of it.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod api;
mod changes;
pub mod config;
mod deliver;
mod error;
mod files;
mod http;
mod identity;
mod options;
mod os_unix_file;
mod os_unix_fork;
mod os_unix_host;
mod os_unix_thread;
mod per_process;
mod process;
mod report;
mod resolver;
mod run;
mod sender;
pub mod spool;
mod texts;
mod warning;

pub use api::{ApiClient, ServerDescription, ServerLimits, path_segment};
pub use changes::{ChangeEvent, ChangeStream};
pub use deliver::{
    DeliverOptions, DeliverProgress, DeliverReport, FolderOutcome, FolderReport, deliver,
};
pub use error::ClientError;
pub use files::{Download, Received};
pub use options::{Mode, OnFull, RunEnd, RunOptions};
pub use report::{CloseReport, FlushReport, RunCounters};
pub use run::{At, MetricValue, Object, Record, Run, SeriesHandle, now_micros};
pub use texts::{
    LogPage, LoggedLine, LoggedObject, LoggedObjects, LoggedRecord, ObjectPage, RecordPage,
    WriterLog,
};
pub use warning::{Warning, WarningKind, set_warning_sink};

// The words of the model that the calls of a run take.
pub use runstone_model::{
    BlobDigest, Context, Goal, LogLevel, LogStream, ParamPath, ParamValue, ScalarValue, SeriesKind,
    Timestamp, ValueType,
};
pub use runstone_wire::LogLine;
