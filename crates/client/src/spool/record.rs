//! What a reader of a spool gets.

/// One point, as pushed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Number of the series in its writer.
    pub series: u32,
    /// Step, or the ordinal of an auto step.
    pub step: f64,
    /// The client's clock in microseconds.
    pub time_micros: i64,
    /// `f64::to_bits`, or the bits of an i64.
    pub value_bits: u64,
    /// Epoch, if one was given.
    pub epoch: Option<f64>,
}

/// One record of a spool, in slot order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Record<'a> {
    /// A point.
    Point(Point),
    /// An encoded operation.
    Operation {
        /// The bytes as pushed.
        bytes: &'a [u8],
        /// It is in the declarations as well.
        declaration: bool,
    },
    /// Slots that hold nothing readable. Only a dead spool has them, or a damaged disk.
    Lost {
        /// How many slots.
        slots: u64,
        /// Why.
        cause: LossCause,
    },
}

/// Why slots hold nothing readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// The process ended inside the call: that call never returned, nothing is missing.
    Unpublished,
    /// The machine was restarted since; empty slots may be pages that never reached the disk.
    PowerLoss,
    /// The checksum fails.
    Corrupt,
    /// A whole segment, or the end of one, is not there.
    Missing,
}
