//! The columns of one series, as they go into an encoder and as they come out of a reader.

use crate::CodecError;
use runstone_model::ValueType;

/// Points of one series, borrowed, in the order in which they shall come back.
///
/// All columns have the same length, at least 1. Nothing is sorted, merged or checked: steps may
/// repeat, go back, be fractions or be NaN, and every bit of every float comes back.
#[derive(Debug, Clone, Copy)]
pub struct SeriesPoints<'a> {
    /// Number of the series, unique in its pack.
    pub number: u32,
    /// Type of all values. `String` is reserved and refused.
    pub value_type: ValueType,
    /// Steps.
    pub steps: &'a [f64],
    /// The client's clock, microseconds UTC.
    pub times: &'a [i64],
    /// 64 bits a value: `f64::to_bits` for F64 and F32, `i64 as u64` for I64 and Bool (0 or 1).
    pub values: &'a [u64],
    /// Epochs, NaN where a point has none; `None` if no point has one.
    pub epochs: Option<&'a [f64]>,
    /// Where the points stand in the run's order; only the store's own packs have it.
    pub order: Option<OrderColumns<'a>>,
}

/// Where points stand in the run's order, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct OrderColumns<'a> {
    /// Generation of each point.
    pub generations: &'a [u32],
    /// Append number of the frame of each point.
    pub appends: &'a [u64],
    /// Position of each point among its frame's points of the series.
    pub positions: &'a [u32],
}

/// Columns of one series, owned; the buffers are used again by the next `decode`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesColumns {
    /// Steps.
    pub steps: Vec<f64>,
    /// The client's clock, microseconds UTC.
    pub times: Vec<i64>,
    /// 64 bits a value, see [`SeriesPoints::values`].
    pub values: Vec<u64>,
    /// Epochs, NaN where a point has none; `None` if the series has none.
    pub epochs: Option<Vec<f64>>,
    /// Where the points stand in the run's order; `None` in packs off the wire.
    pub order: Option<OrderVecs>,
}

/// Where points stand in the run's order, owned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderVecs {
    /// Generation of each point.
    pub generations: Vec<u32>,
    /// Append number of the frame of each point.
    pub appends: Vec<u64>,
    /// Position of each point among its frame's points of the series.
    pub positions: Vec<u32>,
}

impl SeriesColumns {
    /// Number of points.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Forgets the points, keeps the buffers of steps, times and values.
    pub fn clear(&mut self) {
        self.steps.clear();
        self.times.clear();
        self.values.clear();
        self.epochs = None;
        self.order = None;
    }

    /// The columns as an encoder takes them.
    pub fn as_points(&self, number: u32, value_type: ValueType) -> SeriesPoints<'_> {
        SeriesPoints {
            number,
            value_type,
            steps: &self.steps,
            times: &self.times,
            values: &self.values,
            epochs: self.epochs.as_deref(),
            order: self.order.as_ref().map(OrderVecs::as_columns),
        }
    }
}

impl OrderVecs {
    /// The columns as an encoder takes them.
    pub fn as_columns(&self) -> OrderColumns<'_> {
        OrderColumns {
            generations: &self.generations,
            appends: &self.appends,
            positions: &self.positions,
        }
    }
}

/// Checks that the columns belong together, as both encoders ask.
pub(crate) fn check_columns(points: &SeriesPoints<'_>) -> Result<(), CodecError> {
    let count = points.steps.len();
    let order_fits = points.order.is_none_or(|order| {
        order.generations.len() == count
            && order.appends.len() == count
            && order.positions.len() == count
    });
    let fits = points.times.len() == count
        && points.values.len() == count
        && points.epochs.is_none_or(|epochs| epochs.len() == count)
        && order_fits;
    if !fits {
        return Err(invalid(points.number, "has columns of unequal length"));
    }
    if count == 0 {
        return Err(invalid(points.number, "has no points; hint: leave it out"));
    }
    if points.value_type == ValueType::String {
        return Err(invalid(
            points.number,
            "holds text, which this version cannot encode",
        ));
    }
    Ok(())
}

fn invalid(number: u32, reason: &str) -> CodecError {
    CodecError::Invalid(format!("series {number} {reason}"))
}
