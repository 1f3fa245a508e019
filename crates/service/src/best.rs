//! The best run of an experiment by a metric's goal.
//!
//! A metric in several contexts (train and validation) has no one best value; then the caller
//! says which context is meant, and nothing is mixed silently.

use crate::Service;
use crate::api::{BestQuery, BestRun, RUNS_PAGE_MAX};
use crate::error::ServiceError;
use crate::number::Number;
use crate::runs::run_item;
use crate::series::{best_point, parse_context, parse_metric_name};
use runstone_model::{Context, Goal, MetricName, Principal};
use runstone_store::{
    ExperimentRecord, RunOrder, RunRecord, RunScan, SeriesRecord, SeriesScan, Snapshot,
};
use std::collections::BTreeSet;

/// Contexts of one metric that are looked at in one run.
const CONTEXTS_MAX: usize = 16;

impl Service {
    /// The run whose metric reaches the best value; the older run among equals. Archived runs
    /// are left out, and runs that have only NaN.
    ///
    /// # Errors
    /// `NotFound` for the experiment, or if no run of it has the metric; `Invalid` when goal or
    /// context are needed and not given.
    pub fn best_run(
        &self,
        principal: &Principal,
        query: &BestQuery,
    ) -> Result<BestRun, ServiceError> {
        Self::may_read(principal)?;
        let (experiment, metric, context) = parse_query(query)?;
        let snapshot = self.store.snapshot()?;
        let record = snapshot
            .scan_experiments(self.workspace)?
            .into_iter()
            .find(|record| record.experiment.name.as_str() == experiment)
            .ok_or_else(|| {
                ServiceError::not_found(format!("no experiment `{experiment}`"))
                    .with_hint("names are case-sensitive; GET /runstone/v1/experiments lists them")
            })?;
        let goal = resolve_goal(&*snapshot, &record, &metric, query.goal)?;
        let mut search = Search {
            goal,
            best: None,
            contexts: BTreeSet::new(),
            runs_compared: 0,
        };
        let mut scan = RunScan {
            workspace: self.workspace,
            experiment: Some(experiment.to_owned()),
            order: RunOrder::OldestFirst,
            limit: RUNS_PAGE_MAX,
            ..RunScan::default()
        };
        loop {
            let page = snapshot.scan_runs(&scan)?;
            for run in page.runs {
                search.look_at(&*snapshot, run, &metric, context.as_ref())?;
            }
            scan.after = page.next;
            if scan.after.is_none() {
                break;
            }
        }
        search.finish(experiment, &metric)
    }
}

fn parse_query(query: &BestQuery) -> Result<(&str, MetricName, Option<Context>), ServiceError> {
    let (Some(experiment), Some(metric)) = (query.experiment.as_deref(), query.metric.as_deref())
    else {
        return Err(ServiceError::invalid(
            "the name of the experiment or of the metric is missing",
        )
        .with_hint("ask for best?experiment=digits&metric=accuracy"));
    };
    let context = query.context.as_deref().map(parse_context).transpose()?;
    Ok((experiment, parse_metric_name(metric)?, context))
}

fn resolve_goal(
    snapshot: &dyn Snapshot,
    experiment: &ExperimentRecord,
    metric: &MetricName,
    asked: Option<Goal>,
) -> Result<Goal, ServiceError> {
    if let Some(goal) = asked {
        return Ok(goal);
    }
    snapshot
        .read_metric_definitions(experiment.key)?
        .into_iter()
        .find(|definition| definition.name == *metric)
        .and_then(|definition| definition.goal)
        .ok_or_else(|| {
            ServiceError::invalid(format!("metric `{metric}` has no goal in this experiment"))
                .with_hint("add goal=min or goal=max, or call run.define_metric(name, goal=...)")
        })
}

struct Search {
    goal: Goal,
    best: Option<(RunRecord, SeriesRecord)>,
    contexts: BTreeSet<Context>,
    runs_compared: u64,
}

impl Search {
    fn look_at(
        &mut self,
        snapshot: &dyn Snapshot,
        run: RunRecord,
        metric: &MetricName,
        context: Option<&Context>,
    ) -> Result<(), ServiceError> {
        let page = snapshot.scan_series(
            run.key,
            &SeriesScan {
                name: Some(metric.clone()),
                context: context.cloned(),
                after: None,
                limit: CONTEXTS_MAX,
            },
        )?;
        let mut compared = false;
        for series in page.series {
            self.contexts.insert(series.key.context.clone());
            let Some(point) = best_point(&series.summary, self.goal) else {
                continue;
            };
            compared = true;
            let better = self.best.as_ref().is_none_or(|(_, best)| {
                let best = best_point(&best.summary, self.goal)
                    .expect("only series with a best point are kept");
                match self.goal {
                    Goal::Min => point.value < best.value,
                    Goal::Max => point.value > best.value,
                }
            });
            if better {
                self.best = Some((run.clone(), series));
            }
        }
        self.runs_compared += u64::from(compared);
        Ok(())
    }

    fn finish(self, experiment: &str, metric: &MetricName) -> Result<BestRun, ServiceError> {
        if self.contexts.len() > 1 {
            let some: Vec<&str> = self.contexts.iter().take(5).map(Context::as_str).collect();
            return Err(ServiceError::invalid(format!(
                "metric `{metric}` has several contexts in `{experiment}`: {}",
                some.join(" ")
            ))
            .with_hint("say which one is meant with context=..."));
        }
        let Some((run, series)) = self.best else {
            return Err(ServiceError::not_found(format!(
                "no run of `{experiment}` has a number for metric `{metric}`"
            ))
            .with_hint("names are case-sensitive; NaN is never best"));
        };
        let point =
            best_point(&series.summary, self.goal).expect("only series with a best point are kept");
        let integer = series.value_type == runstone_model::ValueType::I64;
        Ok(BestRun {
            run: run_item(&run),
            metric: metric.to_string(),
            context: series.key.context.to_json(),
            goal: self.goal,
            value: Number::of_summary(point.value, integer),
            step: point.step,
            runs_compared: self.runs_compared,
        })
    }
}
