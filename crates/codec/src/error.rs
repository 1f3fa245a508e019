//! The one error of this crate; each kind tells the caller what to do.

/// Why bytes could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The columns given to an encoder do not belong together; a defect of the caller.
    #[error("{0}")]
    Invalid(String),
    /// The bytes are not what an encoder wrote: cut, flipped, or never of this format.
    #[error("corrupt {what}: {reason}")]
    Corrupt {
        /// `pack`, `chunk` or `run summary`.
        what: &'static str,
        /// What did not fit.
        reason: &'static str,
    },
    /// Written by a newer version; hint: update the reader.
    #[error("{what} version {found} is newer than this reader; hint: update runstone")]
    Unsupported {
        /// `pack`, `chunk` or `run summary`.
        what: &'static str,
        /// The version found.
        found: u8,
    },
    /// More than the format allows at once; split it.
    #[error("{what} is {found}, more than the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
}
