//! All living runs in memory, brought up to date by the journal of changes.
//!
//! A table looks at every run to filter, count and sort, and people ask for it again after every
//! change. Reading a hundred thousand runs takes a hundred times longer than looking at them, so
//! they are kept as of one change, and of what has changed since only the runs concerned are read.

use crate::error::ServiceError;
use runstone_model::{ChangeNumber, ExperimentKey, RunKey, RunState, Timestamp, WorkspaceId};
use runstone_store::{RunRecord, RunVisit, Snapshot};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs that are kept at most, some 650 bytes each; more are read each time.
const RUNS_KEPT_MAX: usize = 200_000;
/// Past so many changes all runs are read again.
const CHANGES_MAX: u64 = 20_000;

/// What most tables look at of a run. Side by side in memory, a hundred thousand of them are looked
/// at in a millisecond; the records lie all over it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glance {
    pub(super) key: RunKey,
    pub(super) changed: ChangeNumber,
    pub(super) created_at: Timestamp,
    pub(super) experiment: ExperimentKey,
    pub(super) state: RunState,
    pub(super) archived: bool,
}

impl Glance {
    pub(super) fn of(record: &RunRecord) -> Self {
        Self {
            key: record.key,
            changed: record.changed,
            created_at: record.run.created_at,
            experiment: record.run.experiment,
            state: record.run.state,
            archived: record.run.archived,
        }
    }
}

/// Living runs, by key.
#[derive(Debug, Clone, Default)]
pub(super) struct RunList {
    glances: Vec<Glance>,
    records: Vec<Arc<RunRecord>>,
}

impl RunList {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Glance, &RunRecord)> {
        self.glances
            .iter()
            .zip(self.records.iter().map(|record| &**record))
    }

    fn push(&mut self, record: RunRecord) {
        self.glances.push(Glance::of(&record));
        self.records.push(Arc::new(record));
    }

    /// Puts a run in its place, or takes it out.
    fn put(&mut self, key: RunKey, living: Option<RunRecord>) {
        let place = self.glances.binary_search_by_key(&key, |glance| glance.key);
        match (place, living) {
            (Ok(at), Some(record)) => {
                self.glances[at] = Glance::of(&record);
                self.records[at] = Arc::new(record);
            }
            (Err(at), Some(record)) => {
                self.glances.insert(at, Glance::of(&record));
                self.records.insert(at, Arc::new(record));
            }
            (Ok(at), None) => {
                self.glances.remove(at);
                self.records.remove(at);
            }
            (Err(_), None) => {}
        }
    }
}

pub(super) type Runs = Arc<RunList>;

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
        if runs.glances.len() <= RUNS_KEPT_MAX {
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
    let mut records = Vec::new();
    snapshot.visit_runs_unsorted(&visit, &mut |record| {
        records.push(record);
        Ok(())
    })?;
    records.sort_unstable_by_key(|record| record.key);
    let mut runs = RunList::default();
    records.into_iter().for_each(|record| runs.push(record));
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
        runs.put(run, living);
    }
    Ok(true)
}
