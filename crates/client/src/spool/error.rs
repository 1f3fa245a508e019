//! What can go wrong with a spool, by what the caller does about it.

use std::path::PathBuf;

/// Why a call of the spool failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The folder cannot be used: warn and go on in memory, or raise when strict.
    #[error("cannot use the spool folder: {reason}, {}\nhint: {hint}", path.display())]
    Unusable {
        /// What failed.
        reason: String,
        /// What a person can do.
        hint: &'static str,
        /// The folder or file.
        path: PathBuf,
    },
    /// Another process, or this one, writes or delivers this folder.
    #[error("the spool folder is in use, {}", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// No room for an operation, not even in the reserve. Points are dropped silently instead.
    #[error(
        "no room in the spool: {reason}\nhint: free some disk space; the client retries each second"
    )]
    Full {
        /// Which limit was hit.
        reason: &'static str,
    },
    /// An operation longer than a blob can be.
    #[error("an operation of {bytes} bytes is longer than a spool record can be ({bytes_max})")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The slot is below what is still kept; a base frame is due.
    #[error("slot {slot} was released, the first one kept is {first}")]
    Released {
        /// The slot asked for.
        slot: u64,
        /// The first one there is.
        first: u64,
    },
    /// The slot lies beyond the end of what is written.
    #[error("slot {slot} is beyond the end of the spool, which is {end}")]
    Beyond {
        /// The slot asked for.
        slot: u64,
        /// The end.
        end: u64,
    },
    /// The folder is not what it should be; nothing in it can be read.
    #[error("the spool folder cannot be read: {reason}, {}", path.display())]
    Corrupt {
        /// What is wrong.
        reason: String,
        /// The folder or file.
        path: PathBuf,
    },
    /// Reading or writing a file failed.
    #[error("{action} failed: {source}, {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The writer belongs to the parent of a fork; open a new one.
    #[error("this spool writer belongs to the parent process")]
    OtherProcess,
}

impl SpoolError {
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
        source: std::io::Error,
    ) -> Self {
        Self::File {
            action,
            path: path.into(),
            source,
        }
    }
}
