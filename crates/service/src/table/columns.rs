//! What there is to choose from as columns: params, metrics and tags of the newest runs.

use crate::Service;
use crate::api::{ColumnsAnswer, ColumnsQuery, MetricColumn};
use crate::error::ServiceError;
use runstone_model::{
    ChangeNumber, Context, MetricName, ParamPath, Principal, RunKey, SeriesKind, TagName,
};
use runstone_store::{RunRecord, RunScan, SeriesScan, Snapshot};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Newest runs that are looked at.
const RUNS_EXAMINED_MAX: usize = 500;
/// Series of one run that are looked at.
const SERIES_EXAMINED_MAX: usize = 2_000;
/// Params, metrics and tags of an answer, each.
const NAMES_MAX: usize = 2_000;
/// Names that are remembered of runs, about 100 bytes each.
const REMEMBERED_NAMES_MAX: usize = 100_000;

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
        let mut former: Option<Arc<RunNames>> = None;
        for record in &page.runs {
            tags.extend(record.run.tags.iter().cloned());
            let names = self.names.read(&*snapshot, record, former.as_ref())?;
            // Runs of one script have the same names.
            if former
                .as_ref()
                .is_none_or(|former| !Arc::ptr_eq(former, &names))
            {
                params.extend(names.params.iter().cloned());
                metrics.extend(names.metrics.iter().cloned());
                truncated |= names.is_cut;
            }
            former = Some(names);
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

/// Names of one run, sorted.
#[derive(Debug, PartialEq, Eq)]
struct RunNames {
    params: Vec<ParamPath>,
    metrics: Vec<(MetricName, Context)>,
    is_cut: bool,
}

impl RunNames {
    fn read(snapshot: &dyn Snapshot, run: RunKey) -> Result<Self, ServiceError> {
        let page = snapshot.scan_series(
            run,
            &SeriesScan {
                limit: SERIES_EXAMINED_MAX,
                ..SeriesScan::default()
            },
        )?;
        let keys = page.series.into_iter().map(|series| series.key);
        Ok(Self {
            params: snapshot.read_param_paths(run)?,
            metrics: keys
                .filter(|key| key.kind == SeriesKind::Metric)
                .map(|key| (key.name, key.context))
                .collect(),
            is_cut: page.next.is_some(),
        })
    }
}

/// Names of runs as of their newest change, so that only what has changed is read.
#[derive(Debug, Default)]
pub(crate) struct NamesCache {
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    runs: HashMap<RunKey, (ChangeNumber, Arc<RunNames>)>,
    /// Names of all runs, those that runs share counted once a run that brought them.
    names: usize,
}

impl NamesCache {
    /// The names of a run; the same as `former` if they are equal.
    fn read(
        &self,
        snapshot: &dyn Snapshot,
        record: &RunRecord,
        former: Option<&Arc<RunNames>>,
    ) -> Result<Arc<RunNames>, ServiceError> {
        let known = self.lock().runs.get(&record.key).cloned();
        if let Some((_, names)) = known.filter(|(changed, _)| *changed == record.changed) {
            return Ok(names);
        }
        let names = RunNames::read(snapshot, record.key)?;
        let shared = former.filter(|former| ***former == names).cloned();
        let added = if shared.is_some() {
            1
        } else {
            1 + names.params.len() + names.metrics.len()
        };
        let names = shared.unwrap_or_else(|| Arc::new(names));
        let mut remembered = self.lock();
        if remembered.names + added > REMEMBERED_NAMES_MAX {
            *remembered = Remembered::default();
        }
        remembered.names += added;
        let entry = (record.changed, Arc::clone(&names));
        remembered.runs.insert(record.key, entry);
        Ok(names)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Remembered> {
        // Each change of it is whole: a panic elsewhere leaves it usable.
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
