//! Columns of a table: checked once, then read as cells of a page or as keys to sort by.

use super::filter::state_rank;
use super::order::SortKey;
use crate::api::{Column, MetricValue, RunProperty};
use crate::error::ServiceError;
use crate::number::Number;
use crate::series::parse_metric_name;
use runstone_model::{Context, ExperimentKey, Goal, MetricName, ParamPath, Timestamp, ValueType};
use runstone_store::{MetricCell, MetricColumn, RunRecord, Snapshot};
use serde_json::Value;
use std::collections::HashMap;

/// A column that can be read.
pub(super) enum ReadyColumn {
    Property(RunProperty),
    Param(ParamPath),
    Metric(MetricColumn, MetricValue),
}

impl ReadyColumn {
    /// # Errors
    /// `Invalid` for a path, name or context that is none.
    pub(super) fn new(column: &Column) -> Result<Self, ServiceError> {
        match column {
            Column::Property { property } => Ok(Self::Property(*property)),
            Column::Param { path } => {
                let path = ParamPath::from_keys(path.iter().map(String::as_str))
                    .map_err(|error| ServiceError::invalid(error.to_string()))?;
                if path.is_root() {
                    return Err(ServiceError::invalid("the path of a param is empty")
                        .with_hint("give its keys from the root, as [\"optimizer\", \"lr\"]"));
                }
                Ok(Self::Param(path))
            }
            Column::Metric {
                name,
                context,
                value,
            } => {
                let context = context.as_ref().map(Context::from_json).transpose();
                let context = context.map_err(|error| {
                    ServiceError::invalid(format!("the context of `{name}` is none: {error}"))
                        .or_hint("write a JSON object, as {\"subset\":\"train\"}")
                })?;
                let name = parse_metric_name(name)?;
                Ok(Self::Metric(MetricColumn { name, context }, *value))
            }
        }
    }
}

/// Goals of metrics by experiment, read when they are needed first.
#[derive(Default)]
pub(super) struct Goals {
    by_experiment: HashMap<ExperimentKey, HashMap<MetricName, Goal>>,
}

impl Goals {
    pub(super) fn find(
        &mut self,
        snapshot: &dyn Snapshot,
        experiment: ExperimentKey,
        metric: &MetricName,
    ) -> Result<Option<Goal>, ServiceError> {
        if let Some(goals) = self.by_experiment.get(&experiment) {
            return Ok(goals.get(metric).copied());
        }
        let goals: HashMap<_, _> = snapshot
            .read_metric_definitions(experiment)?
            .into_iter()
            .filter_map(|definition| Some((definition.name, definition.goal?)))
            .collect();
        let goal = goals.get(metric).copied();
        self.by_experiment.insert(experiment, goals);
        Ok(goal)
    }
}

/// The chosen value of a metric's summary.
pub(super) fn metric_number(
    cell: &MetricCell,
    value: MetricValue,
    goal: Option<Goal>,
) -> Option<Number> {
    let is_integer = cell.value_type == ValueType::I64;
    let number = |value: f64| Number::of_summary(value, is_integer);
    match value {
        MetricValue::Last => Some(number(cell.last)),
        MetricValue::Min => cell.min.map(number),
        MetricValue::Max => cell.max.map(number),
        MetricValue::Best => match goal? {
            Goal::Min => cell.min.map(number),
            Goal::Max => cell.max.map(number),
        },
        MetricValue::Mean => cell.mean().map(Number::F64),
        // Whole steps are printed as integers.
        MetricValue::LastStep => Some(Number::of_summary(cell.last_step, true)),
    }
}

/// A number as a key.
pub(super) fn number_key(number: Option<Number>) -> SortKey {
    match number {
        None => SortKey::missing(),
        Some(Number::I64(value)) => SortKey::integer(i128::from(value)),
        Some(Number::F64(value)) => SortKey::float(value),
    }
}

/// A number as a cell.
pub(super) fn number_cell(number: Option<Number>) -> Value {
    number.map_or(Value::Null, |number| {
        serde_json::to_value(number).expect("a number is JSON, or text where JSON has none")
    })
}

/// A property as a key; `now` is where runs that go on end.
pub(super) fn property_key(record: &RunRecord, property: RunProperty, now: Timestamp) -> SortKey {
    let run = &record.run;
    let time = |time: Option<Timestamp>| match time {
        Some(time) => SortKey::integer(i128::from(time.as_micros())),
        None => SortKey::missing(),
    };
    match property {
        RunProperty::Id => SortKey::text(run.id.as_str()),
        RunProperty::Name => run
            .name
            .as_deref()
            .map_or_else(SortKey::missing, SortKey::text),
        RunProperty::Experiment => SortKey::text(&record.experiment_name),
        RunProperty::State => SortKey::integer(state_rank(run.state)),
        RunProperty::Created => time(Some(run.created_at)),
        RunProperty::Started => time(run.started_at),
        RunProperty::Ended => time(run.ended_at),
        RunProperty::LastReceived => time(record.last_received_at),
        RunProperty::Duration => run.started_at.map_or_else(SortKey::missing, |started| {
            let end = run.ended_at.unwrap_or(now).as_micros();
            SortKey::integer(i128::from(end) - i128::from(started.as_micros()))
        }),
        RunProperty::Points => SortKey::integer(i128::from(record.completeness.durable_points)),
    }
}
