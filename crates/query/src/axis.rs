//! What stands on x: from a point to its x.

use runstone_model::{Timestamp, ValueType};
use runstone_store::{BlockPoint, Segment, SeriesSegments, StoreError, VisiblePoints, bits_as_f64};

/// What stands on x. A point whose x is not a finite number is left out.
#[derive(Debug, Clone, Copy)]
pub enum Axis<'a> {
    /// The step.
    Step,
    /// Microseconds since 1970 UTC.
    Time,
    /// Seconds since this time.
    RelativeTime(Timestamp),
    /// The epoch.
    Epoch,
    /// The value of another series at the same step.
    Joined(&'a JoinedValues),
}

impl Axis<'_> {
    /// Fills `out` with the x of each point; NaN where there is none.
    pub(crate) fn fill(&self, points: &VisiblePoints, out: &mut Vec<f64>) {
        out.clear();
        match self {
            Self::Step => out.extend_from_slice(&points.steps),
            Self::Time => out.extend(points.times.iter().map(|time| *time as f64)),
            Self::RelativeTime(origin) => {
                out.extend(
                    points
                        .times
                        .iter()
                        .map(|time| seconds_since(*origin, *time)),
                );
            }
            Self::Epoch => out.extend_from_slice(&points.epochs),
            Self::Joined(joined) => joined.fill(&points.steps, out),
        }
        // No epochs at all.
        out.resize(points.len(), f64::NAN);
    }

    /// The x of a point of a block that [`Self::reads_blocks`] allows.
    pub(crate) fn of(&self, point: &BlockPoint) -> f64 {
        match self {
            Self::Step => point.step,
            Self::Time => point.time as f64,
            Self::RelativeTime(origin) => seconds_since(*origin, point.time),
            Self::Epoch | Self::Joined(_) => f64::NAN,
        }
    }

    /// Whether the blocks of a segment tell x, and x does not fall in it.
    pub(crate) fn reads_blocks(&self, segment: &Segment<'_>) -> bool {
        !segment.blocks.is_empty()
            && match self {
                Self::Step => true,
                Self::Time | Self::RelativeTime(_) => segment.times_rise,
                Self::Epoch | Self::Joined(_) => false,
            }
    }
}

fn seconds_since(origin: Timestamp, time: i64) -> f64 {
    // 65 bits hold every difference.
    (i128::from(time) - i128::from(origin.as_micros())) as f64 / 1e6
}

/// Values of a series by step, to stand on x of another one. NaN and infinities are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinedValues {
    steps: Vec<f64>,
    values: Vec<f64>,
    /// Whether all values are integers.
    integers: bool,
}

impl JoinedValues {
    /// Reads a series whole.
    ///
    /// # Errors
    /// `Invalid` past `points_max` points; those of reading.
    pub fn read(series: &SeriesSegments<'_>, points_max: usize) -> Result<Self, StoreError> {
        let value_type = series.value_type;
        let mut joined = Self {
            integers: matches!(value_type, ValueType::I64 | ValueType::Bool),
            ..Self::default()
        };
        for segment in &series.segments {
            segment.read(&mut |points| {
                for (step, bits) in points.steps.iter().zip(&points.values) {
                    let value = bits_as_f64(*bits, value_type);
                    if value.is_finite() {
                        joined.steps.push(*step);
                        joined.values.push(value);
                    }
                }
                if joined.steps.len() > points_max {
                    return Err(StoreError::Invalid(format!(
                        "the metric on x has more than {points_max} points\nhint: put the step \
                         or a time on x"
                    )));
                }
                Ok(())
            })?;
        }
        Ok(joined)
    }

    /// Whether all values are integers.
    pub fn is_integer(&self) -> bool {
        self.integers
    }

    /// Values at steps, which rise; NaN where there is none.
    fn fill(&self, steps: &[f64], out: &mut Vec<f64>) {
        let Some(first) = steps.first() else { return };
        let mut at = self.steps.partition_point(|step| step < first);
        for step in steps {
            while self.steps.get(at).is_some_and(|known| known < step) {
                at += 1;
            }
            let is_there = self.steps.get(at).is_some_and(|known| known == step);
            out.push(if is_there { self.values[at] } else { f64::NAN });
        }
    }
}
