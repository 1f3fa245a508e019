//! Points of one series by range of steps, as columns.

use crate::Service;
use crate::api::{POINTS_PAGE_DEFAULT, POINTS_PAGE_MAX, PointsPage, PointsQuery};
use crate::cursor;
use crate::error::ServiceError;
use crate::runs::page_limit;
use crate::series::{parse_context, parse_metric_name};
use runstone_model::{AppendNumber, Context, Generation, Principal, SeriesKey, SeriesKind, Step};
use runstone_store::{PointPage, PointPosition, PointScan};

impl Service {
    /// One page of points of one series: one a step, or with `history` all ever applied.
    ///
    /// # Errors
    /// `NotFound` for the run or the series, `Conflict` for an ambiguous run, `Invalid` for what
    /// was asked wrongly.
    pub fn get_points(
        &self,
        principal: &Principal,
        address: &str,
        query: &PointsQuery,
    ) -> Result<PointsPage, ServiceError> {
        Self::may_read(principal)?;
        let scan = point_scan(query)?;
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?;
        let page = snapshot.scan_points(run.key, &scan).map_err(|error| {
            ServiceError::from(error).or_hint(format!(
                "`runstone show {}` lists the series of the run",
                run.run.id
            ))
        })?;
        Ok(points_page(&page, scan.history))
    }
}

fn point_scan(query: &PointsQuery) -> Result<PointScan, ServiceError> {
    let Some(name) = query.name.as_deref() else {
        return Err(ServiceError::invalid("the name of the series is missing")
            .with_hint("add name=loss, and context={...} where it has one"));
    };
    let context = match query.context.as_deref() {
        Some(text) => parse_context(text)?,
        None => Context::empty(),
    };
    let (from_step, to_step) = parse_steps(query.from_step, query.to_step)?;
    Ok(PointScan {
        series: SeriesKey {
            name: parse_metric_name(name)?,
            context,
            kind: SeriesKind::Metric,
        },
        from_step,
        to_step,
        history: query.history.unwrap_or(false),
        after: query
            .cursor
            .as_deref()
            .map(|text| decode_position("points", text))
            .transpose()?,
        limit: page_limit(query.limit, POINTS_PAGE_DEFAULT, POINTS_PAGE_MAX)?,
    })
}

/// Both ends of a range of steps, either of which may be left out.
pub(crate) fn parse_steps(
    from: Option<f64>,
    to: Option<f64>,
) -> Result<(Option<Step>, Option<Step>), ServiceError> {
    let from_step = parse_step("from_step", from)?;
    let to_step = parse_step("to_step", to)?;
    if let (Some(from), Some(to)) = (from_step, to_step)
        && from > to
    {
        return Err(
            ServiceError::invalid(format!("from_step {from} is past to_step {to}"))
                .with_hint("both ends are inclusive; swap them"),
        );
    }
    Ok((from_step, to_step))
}

pub(crate) fn parse_step(field: &str, step: Option<f64>) -> Result<Option<Step>, ServiceError> {
    step.map(Step::new)
        .transpose()
        .map_err(|error| ServiceError::invalid(format!("{field} is no step: {error}")))
}

pub(crate) fn encode_position(what: &str, position: &PointPosition) -> String {
    cursor::encode(
        what,
        &(
            position.step.get().to_bits(),
            position.generation.0,
            position.append.0,
            position.position,
        ),
    )
}

pub(crate) fn decode_position(what: &str, text: &str) -> Result<PointPosition, ServiceError> {
    let (step, generation, append, position): (u64, u32, u64, u32) = cursor::decode(what, text)?;
    Ok(PointPosition {
        step: Step::new(f64::from_bits(step))
            .map_err(|_| ServiceError::invalid(format!("`{text}` is no cursor of {what}")))?,
        generation: Generation(generation),
        append: AppendNumber(append),
        position,
    })
}

fn points_page(page: &PointPage, history: bool) -> PointsPage {
    let points = &page.points;
    let any_epoch = points.iter().any(|point| point.epoch.is_some());
    PointsPage {
        value_type: page.value_type,
        steps: points.iter().map(|point| point.position.step).collect(),
        times_micros: points.iter().map(|point| point.time).collect(),
        values: points.iter().map(|point| point.value.into()).collect(),
        epochs: any_epoch.then(|| points.iter().map(|point| point.epoch).collect()),
        visible: history.then(|| points.iter().map(|point| point.visible).collect()),
        generations: history.then(|| {
            points
                .iter()
                .map(|point| point.position.generation.0)
                .collect()
        }),
        appends: history.then(|| points.iter().map(|point| point.position.append.0).collect()),
        next_cursor: page
            .next
            .as_ref()
            .map(|next| encode_position("points", next)),
    }
}
