//! All living runs in memory, brought up to date by the journal of changes.
//!
//! A table looks at every run to filter, count and sort, and people ask for it again after every
//! change. Reading a hundred thousand runs takes a hundred times longer than looking at them, so
//! they are kept as of one change, and of what has changed since only the runs concerned are read.

use crate::error::ServiceError;
use runstone_model::{ChangeNumber, RunKey, WorkspaceId};
use runstone_store::{RunRecord, RunVisit, Snapshot};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs that are kept at most, some 600 bytes each; more are read each time.
const RUNS_KEPT_MAX: usize = 200_000;
/// Past so many changes all runs are read again.
const CHANGES_MAX: u64 = 20_000;

/// Living runs, by key.
pub(super) type Runs = Arc<Vec<Arc<RunRecord>>>;

/// The runs as of the newest change that was looked at.
#[derive(Debug, Default)]
pub(crate) struct RunsCache {
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    change: ChangeNumber,
    runs: Runs,
}

impl RunsCache {
    /// The living runs of a snapshot.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn read(
        &self,
        snapshot: &dyn Snapshot,
        workspace: WorkspaceId,
    ) -> Result<Runs, ServiceError> {
        let change = snapshot.change_number();
        // Held while runs are read: others who ask meanwhile need the same ones.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = match kept.take() {
            Some(known) if known.change == change => known.runs,
            Some(mut known) if known.change < change => {
                if renew(&mut known, snapshot, workspace)? {
                    known.runs
                } else {
                    load(snapshot, workspace)?
                }
            }
            Some(newer) => {
                *kept = Some(newer);
                return load(snapshot, workspace);
            }
            None => load(snapshot, workspace)?,
        };
        if runs.len() <= RUNS_KEPT_MAX {
            *kept = Some(Kept {
                change,
                runs: Arc::clone(&runs),
            });
        }
        Ok(runs)
    }
}

fn load(snapshot: &dyn Snapshot, workspace: WorkspaceId) -> Result<Runs, ServiceError> {
    let visit = RunVisit {
        workspace,
        experiment: None,
        deleted: false,
    };
    let mut runs = Vec::new();
    snapshot.visit_runs_unsorted(&visit, &mut |record| {
        runs.push(Arc::new(record));
        Ok(())
    })?;
    runs.sort_unstable_by_key(|record| record.key);
    Ok(Arc::new(runs))
}

/// Brings what is known to the snapshot; `false` if the journal does not reach so far, or too much
/// has changed.
fn renew(
    known: &mut Kept,
    snapshot: &dyn Snapshot,
    workspace: WorkspaceId,
) -> Result<bool, ServiceError> {
    let newest = snapshot.change_number();
    if newest.0 - known.change.0 > CHANGES_MAX {
        return Ok(false);
    }
    let Some(changed) = snapshot.read_changed_runs(known.change)? else {
        return Ok(false);
    };
    let runs = Arc::make_mut(&mut known.runs);
    for run in changed {
        let record = snapshot.read_run(run)?;
        let is_shown =
            |record: &RunRecord| record.deleted_at.is_none() && record.run.workspace == workspace;
        let living = record.filter(is_shown);
        put(runs, run, living);
    }
    Ok(true)
}

/// Puts a run in its place, or takes it out.
fn put(runs: &mut Vec<Arc<RunRecord>>, key: RunKey, living: Option<RunRecord>) {
    let place = runs.binary_search_by_key(&key, |record| record.key);
    match (place, living) {
        (Ok(at), Some(record)) => runs[at] = Arc::new(record),
        (Err(at), Some(record)) => runs.insert(at, Arc::new(record)),
        (Ok(at), None) => drop(runs.remove(at)),
        (Err(_), None) => {}
    }
}
