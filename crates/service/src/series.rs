//! Series of a run: summaries by page, and sparklines where asked.

use crate::Service;
use crate::api::{
    MetricItem, PointItem, SERIES_PAGE_DEFAULT, SERIES_PAGE_MAX, SPARKLINE_CELLS_MAX, SeriesItem,
    SeriesList, SeriesQuery, SummaryItem,
};
use crate::cursor;
use crate::error::ServiceError;
use crate::number::Number;
use crate::runs::page_limit;
use runstone_model::{
    Context, Goal, MetricName, Principal, RunKey, SeriesKey, SeriesKind, Step, ValueType,
};
use runstone_store::{
    MetricCell, PointScan, SeriesRecord, SeriesScan, SeriesSummary, Snapshot, SummaryPoint,
};

/// Up to so many points a sparkline reads them all; past it, a few from each cell's range.
const SPARKLINE_POINTS_MAX: u64 = 4_096;
const SPARKLINE_SAMPLE: usize = 8;

impl Service {
    /// One page of a run's series, by (name, context, kind), with their summaries.
    ///
    /// # Errors
    /// `NotFound` and `Conflict` for the run; `Invalid` for a name, context, limit or cursor
    /// that is none.
    pub fn list_series(
        &self,
        principal: &Principal,
        address: &str,
        query: &SeriesQuery,
    ) -> Result<SeriesList, ServiceError> {
        Self::may_read(principal)?;
        let cells = match query.sparkline {
            Some(cells) if !(1..=SPARKLINE_CELLS_MAX).contains(&cells) => {
                return Err(
                    ServiceError::invalid(format!("sparkline {cells} is out of range"))
                        .with_hint(format!("sparkline is 1 to {SPARKLINE_CELLS_MAX} cells")),
                );
            }
            cells => cells,
        };
        let scan = SeriesScan {
            name: query.name.as_deref().map(parse_metric_name).transpose()?,
            context: query.context.as_deref().map(parse_context).transpose()?,
            after: query.cursor.as_deref().map(decode_key).transpose()?,
            limit: page_limit(query.limit, SERIES_PAGE_DEFAULT, SERIES_PAGE_MAX)?,
        };
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?;
        let page = snapshot.scan_series(run.key, &scan)?;
        let mut series = Vec::with_capacity(page.series.len());
        for record in &page.series {
            let mut item = series_item(record);
            if let Some(cells) = cells {
                item.sparkline = Some(sparkline(&*snapshot, run.key, record, cells)?);
            }
            series.push(item);
        }
        Ok(SeriesList {
            series,
            next_cursor: page.next.as_ref().map(encode_key),
        })
    }
}

/// A metric's name from a query.
pub(crate) fn parse_metric_name(text: &str) -> Result<MetricName, ServiceError> {
    MetricName::new(text)
        .map_err(|error| ServiceError::invalid(format!("`{text}` is no metric name: {error}")))
}

/// A context from a query: a JSON object, canonical or not.
pub(crate) fn parse_context(text: &str) -> Result<Context, ServiceError> {
    if text.trim().is_empty() {
        return Ok(Context::empty());
    }
    Context::parse(text).map_err(|error| {
        ServiceError::invalid(format!("`{text}` is no context: {error}"))
            .or_hint("write a JSON object, as {\"subset\":\"train\"}")
    })
}

fn encode_key(key: &SeriesKey) -> String {
    cursor::encode(
        "series",
        &(key.name.as_str(), key.context.as_str(), key.kind.as_u8()),
    )
}

fn decode_key(text: &str) -> Result<SeriesKey, ServiceError> {
    let (name, context, kind): (String, String, u8) = cursor::decode("series", text)?;
    Ok(SeriesKey {
        name: parse_metric_name(&name)?,
        context: parse_context(&context)?,
        kind: SeriesKind::from_u8(kind)
            .ok_or_else(|| ServiceError::invalid(format!("`{text}` is no cursor of series")))?,
    })
}

pub(crate) fn best_point(summary: &SeriesSummary, goal: Goal) -> Option<SummaryPoint> {
    match goal {
        Goal::Min => summary.min,
        Goal::Max => summary.max,
    }
}

pub(crate) fn point_item(point: SummaryPoint, value_type: ValueType) -> PointItem {
    PointItem {
        step: point.step,
        time_micros: point.time,
        value: Number::of_summary(point.value, value_type == ValueType::I64),
    }
}

pub(crate) fn metric_item(record: &SeriesRecord) -> MetricItem {
    let item =
        |point: Option<SummaryPoint>| point.map(|point| point_item(point, record.value_type));
    MetricItem {
        name: record.key.name.to_string(),
        context: record.key.context.to_json(),
        goal: record.goal,
        last: item(record.summary.last),
        best: item(
            record
                .goal
                .and_then(|goal| best_point(&record.summary, goal)),
        ),
    }
}

fn series_item(record: &SeriesRecord) -> SeriesItem {
    let summary = &record.summary;
    let item =
        |point: Option<SummaryPoint>| point.map(|point| point_item(point, record.value_type));
    let infinite = summary.positive_infinity_count + summary.negative_infinity_count;
    SeriesItem {
        name: record.key.name.to_string(),
        context: record.key.context.to_json(),
        kind: record.key.kind,
        value_type: record.value_type,
        goal: record.goal,
        summary: SummaryItem {
            count: summary.count,
            nan_count: summary.nan_count,
            infinite_count: infinite,
            first: item(summary.first),
            last: item(summary.last),
            min: item(summary.min),
            max: item(summary.max),
            mean: MetricCell::new(record.value_type, summary).and_then(|cell| cell.mean()),
            best: item(record.goal.and_then(|goal| best_point(summary, goal))),
        },
        sparkline: None,
    }
}

/// Means of the finite values in equal ranges of steps, from the first step to the last.
fn sparkline(
    snapshot: &dyn Snapshot,
    run: RunKey,
    record: &SeriesRecord,
    cells: usize,
) -> Result<Vec<Option<Number>>, ServiceError> {
    let (Some(first), Some(last)) = (record.summary.first, record.summary.last) else {
        return Ok(Vec::new());
    };
    let (first, last) = (first.step.get(), last.step.get());
    let width = (last - first) / cells as f64;
    let mut means = vec![CellMean::default(); cells];
    let mut add = |from: f64, to: f64, limit: usize| -> Result<(), ServiceError> {
        let scan = PointScan {
            series: record.key.clone(),
            from_step: Step::new(from).ok(),
            to_step: Step::new(to).ok(),
            history: false,
            after: None,
            limit,
        };
        for point in snapshot.scan_points(run, &scan)?.points {
            let value = point.value.as_f64();
            if !value.is_finite() {
                continue;
            }
            let offset = (point.position.step.get() - first) / width;
            // A width of 0 (one step) gives NaN, which becomes cell 0.
            let cell = (offset as usize).min(cells - 1);
            means[cell].add(value);
        }
        Ok(())
    };
    if record.summary.count <= SPARKLINE_POINTS_MAX || !width.is_normal() {
        add(first, last, SPARKLINE_POINTS_MAX as usize)?;
    } else {
        for cell in 0..cells {
            let from = first + width * cell as f64;
            add(from, from + width, SPARKLINE_SAMPLE)?;
        }
    }
    Ok(means
        .iter()
        .map(|mean| mean.get().map(Number::F64))
        .collect())
}

/// The mean of a cell's finite values. It never leaves them, however their sum rounds or
/// overflows, so a constant series is drawn flat.
#[derive(Clone, Copy, Default)]
struct CellMean {
    sum: f64,
    count: u32,
    min: f64,
    max: f64,
}

impl CellMean {
    fn add(&mut self, value: f64) {
        let first = self.count == 0;
        self.min = if first { value } else { self.min.min(value) };
        self.max = if first { value } else { self.max.max(value) };
        self.sum += value;
        self.count += 1;
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum / f64::from(self.count)).clamp(self.min, self.max))
    }
}
