//! Summaries of what forks share: they never change, and are kept in memory once they were made.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runstone_model::{RunKey, SeriesKey, ValueType};
use runstone_store::{SeriesHiding, SeriesScan, SeriesSummary, merge_summaries};
use rusqlite::Connection;

use super::layers::each_portion;
use super::{Layer, Pin, read_pin, read_shared};
use crate::error::Result;
use crate::pages::scan_wanted;
use crate::summaries::{Caches, summarize};

/// Summaries that are kept at most, over all forks.
const CACHED_SERIES_MAX: usize = 64_000;

/// Summaries of what showed of the parent, by series, and the types that these read as; of no points
/// where nothing did.
pub(crate) type SharedSummaries = BTreeMap<SeriesKey, (SeriesSummary, ValueType)>;

/// Shared summaries of the forks that were looked at lately.
#[derive(Debug, Default)]
pub(crate) struct ForkCache {
    runs: Mutex<HashMap<RunKey, Arc<SharedSummaries>>>,
}

impl ForkCache {
    /// What a run shares; `None` if it is no fork.
    pub(crate) fn read(
        &self,
        connection: &Connection,
        caches: Caches<'_>,
        run: RunKey,
    ) -> Result<Option<Arc<SharedSummaries>>> {
        let Some(pin) = read_pin(connection, run)? else {
            return Ok(None);
        };
        if let Some(known) = self.lock().get(&run) {
            return Ok(Some(Arc::clone(known)));
        }
        let summaries = Arc::new(Self::make(connection, caches, &pin)?);
        let mut runs = self.lock();
        let others: usize = runs.values().map(|other| other.len()).sum();
        if others + summaries.len() > CACHED_SERIES_MAX {
            runs.clear();
        }
        if summaries.len() <= CACHED_SERIES_MAX {
            runs.insert(run, Arc::clone(&summaries));
        }
        Ok(Some(summaries))
    }

    fn make(connection: &Connection, caches: Caches<'_>, pin: &Rc<Pin>) -> Result<SharedSummaries> {
        let everything = SeriesScan {
            limit: usize::MAX,
            ..SeriesScan::default()
        };
        // Where the parent has not gone on, its own summaries say most.
        let mut whole: HashMap<SeriesKey, SeriesSummary> = HashMap::new();
        if pin.is_whole() {
            let page = scan_wanted(connection, caches, pin.parent, &everything, |_| true)?;
            let records = page.series.into_iter();
            whole.extend(records.map(|record| (record.key, record.summary)));
        }
        let layer = Layer::Shared(Rc::clone(pin));
        let mut summaries = SharedSummaries::new();
        for (key, state) in read_shared(connection, pin.run)? {
            let known = whole.remove(&key).filter(|summary| {
                let last = summary.last.map(|point| point.step.get());
                last.is_some_and(|last| last <= pin.step)
            });
            let summary = match known {
                Some(summary) => summary,
                None => summarize_layer(connection, &layer, &key, &SeriesHiding::default())?,
            };
            let value_type = state.value_type.unwrap_or(ValueType::F64);
            summaries.insert(key, (summary, value_type));
        }
        Ok(summaries)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunKey, Arc<SharedSummaries>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Summary of what shows of a layer, made from its points.
pub(crate) fn summarize_layer(
    connection: &Connection,
    layer: &Layer,
    key: &SeriesKey,
    hiding: &SeriesHiding,
) -> Result<SeriesSummary> {
    let everything = (f64::NEG_INFINITY, f64::INFINITY);
    let mut summary = SeriesSummary::default();
    each_portion(connection, layer, key, everything, |points, reads_as| {
        summary = merge_summaries(&summary, &summarize(&points, hiding, reads_as));
        Ok(true)
    })?;
    Ok(summary)
}
