//! What there is to choose from as columns: params, metrics and tags of the newest runs.

use crate::Service;
use crate::api::{ColumnsAnswer, ColumnsQuery, MetricColumn};
use crate::error::ServiceError;
use runstone_model::{Context, MetricName, ParamPath, Principal, SeriesKind, TagName};
use runstone_store::{RunScan, SeriesScan};
use std::collections::BTreeSet;

/// Newest runs that are looked at.
const RUNS_EXAMINED_MAX: usize = 500;
/// Series of one run that are looked at.
const SERIES_EXAMINED_MAX: usize = 2_000;
/// Params, metrics and tags of an answer, each.
const NAMES_MAX: usize = 2_000;

impl Service {
    /// Params, metrics and tags of the newest runs, archived ones too.
    ///
    /// # Errors
    /// Those of the store.
    pub fn columns(
        &self,
        principal: &Principal,
        query: &ColumnsQuery,
    ) -> Result<ColumnsAnswer, ServiceError> {
        Self::may_read(principal)?;
        let snapshot = self.store.snapshot()?;
        let page = snapshot.scan_runs(&RunScan {
            workspace: self.workspace,
            experiment: query.experiment.clone(),
            include_archived: true,
            limit: RUNS_EXAMINED_MAX,
            ..RunScan::default()
        })?;
        let mut params: Bounded<ParamPath> = Bounded::default();
        let mut metrics: Bounded<(MetricName, Context)> = Bounded::default();
        let mut tags: Bounded<TagName> = Bounded::default();
        let mut truncated = page.next.is_some();
        for record in &page.runs {
            tags.extend(record.run.tags.iter().cloned());
            params.extend(snapshot.read_param_paths(record.key)?);
            let series = snapshot.scan_series(
                record.key,
                &SeriesScan {
                    limit: SERIES_EXAMINED_MAX,
                    ..SeriesScan::default()
                },
            )?;
            truncated |= series.next.is_some();
            let of_metrics = series.series.into_iter().map(|series| series.key);
            let of_metrics = of_metrics.filter(|key| key.kind == SeriesKind::Metric);
            metrics.extend(of_metrics.map(|key| (key.name, key.context)));
        }
        truncated |= params.is_cut || metrics.is_cut || tags.is_cut;
        Ok(ColumnsAnswer {
            params: params
                .names
                .into_iter()
                .map(|path| path.keys().to_vec())
                .collect(),
            metrics: metrics
                .names
                .into_iter()
                .map(|(name, context)| MetricColumn {
                    name: name.into_string(),
                    context: context.to_json(),
                })
                .collect(),
            tags: tags.names.iter().map(ToString::to_string).collect(),
            runs_examined: page.runs.len() as u64,
            truncated,
        })
    }
}

/// A sorted set that takes no more than [`NAMES_MAX`].
struct Bounded<T> {
    names: BTreeSet<T>,
    is_cut: bool,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self {
            names: BTreeSet::new(),
            is_cut: false,
        }
    }
}

impl<T: Ord> Bounded<T> {
    fn extend(&mut self, names: impl IntoIterator<Item = T>) {
        for name in names {
            if self.names.len() < NAMES_MAX {
                self.names.insert(name);
            } else if !self.names.contains(&name) {
                self.is_cut = true;
            }
        }
    }
}
