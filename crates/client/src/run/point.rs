//! A value and its place, as the calls of a run take them.

use runstone_model::{Context, ValueType};

/// One value of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricValue {
    /// A float64; NaN and infinities are kept.
    F64(f64),
    /// A float64 that came as float32.
    F32(f32),
    /// An integer.
    I64(i64),
}

impl MetricValue {
    /// Type and bits, as the spool and packs hold them.
    #[inline]
    #[must_use]
    pub fn type_and_bits(self) -> (ValueType, u64) {
        match self {
            Self::F64(value) => (ValueType::F64, value.to_bits()),
            Self::F32(value) => (ValueType::F32, f64::from(value).to_bits()),
            Self::I64(value) => (ValueType::I64, value.cast_unsigned()),
        }
    }
}

impl From<f64> for MetricValue {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl From<f32> for MetricValue {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

impl From<i64> for MetricValue {
    fn from(value: i64) -> Self {
        Self::I64(value)
    }
}

impl From<i32> for MetricValue {
    fn from(value: i32) -> Self {
        Self::I64(i64::from(value))
    }
}

impl From<u32> for MetricValue {
    fn from(value: u32) -> Self {
        Self::I64(i64::from(value))
    }
}

impl From<u64> for MetricValue {
    /// Past the end of int64 the nearest float64.
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::F64(value as f64), Self::I64)
    }
}

impl From<usize> for MetricValue {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

impl From<bool> for MetricValue {
    /// 0 or 1.
    fn from(value: bool) -> Self {
        Self::I64(i64::from(value))
    }
}

/// Where a point belongs: step, epoch and context. A plain number is a step; `()` counts steps by
/// itself.
///
/// ```
/// use runstone_client::{At, Context};
/// let train = Context::parse(r#"{"subset": "train"}"#).expect("valid JSON");
/// let at = At::step(3.0).epoch(0.5).context(&train);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct At<'a> {
    pub(crate) step: Option<f64>,
    pub(crate) epoch: Option<f64>,
    pub(crate) context: Option<&'a Context>,
}

impl<'a> At<'a> {
    /// At this step. Any finite number in any order; -0.0 is 0.
    #[must_use]
    pub fn step(step: f64) -> Self {
        Self {
            step: Some(step),
            ..Self::default()
        }
    }

    /// At the step after the highest one, counted by the store when the point arrives.
    #[must_use]
    pub fn next_step() -> Self {
        Self::default()
    }

    /// With an epoch.
    #[must_use]
    pub fn epoch(mut self, epoch: f64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// In a context; without one it is `{}`.
    #[must_use]
    pub fn context(mut self, context: &'a Context) -> Self {
        self.context = Some(context);
        self
    }
}

impl From<()> for At<'_> {
    fn from((): ()) -> Self {
        Self::next_step()
    }
}

impl From<f64> for At<'_> {
    fn from(step: f64) -> Self {
        Self::step(step)
    }
}

impl From<u32> for At<'_> {
    fn from(step: u32) -> Self {
        Self::step(f64::from(step))
    }
}

impl From<i32> for At<'_> {
    fn from(step: i32) -> Self {
        Self::step(f64::from(step))
    }
}

impl From<u64> for At<'_> {
    /// Exact up to 2^53.
    fn from(step: u64) -> Self {
        Self::step(step as f64)
    }
}

impl From<usize> for At<'_> {
    /// Exact up to 2^53.
    fn from(step: usize) -> Self {
        Self::step(step as f64)
    }
}
