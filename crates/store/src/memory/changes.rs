//! The journal in memory: a row a change, looked at one by one.

use std::collections::BTreeSet;

use runstone_model::{ChangeNumber, RunId, RunKey, WorkspaceId};

use super::state::State;
use crate::{
    CHANGES_EXAMINED_MAX, ChangeKind, ChangePage, ChangeRecord, ChangeRow, ChangeScan, StoreError,
    no_such_run,
};

impl State {
    pub(super) fn scan_changes(&self, scan: &ChangeScan) -> Result<ChangePage, StoreError> {
        let runs = match &scan.run {
            Some(id) => Some(self.runs_with_id(scan.workspace, id)?),
            None => None,
        };
        let since = scan.since.unwrap_or(self.changes_forgotten);
        let mut page = ChangePage {
            next: self.change,
            reset: since < self.changes_forgotten || since > self.change,
            ..ChangePage::default()
        };
        if page.reset {
            return Ok(page);
        }
        let rows = self.changes.range(since.next()..).map(|(_, row)| row);
        for (examined, row) in rows.enumerate() {
            if examined == CHANGES_EXAMINED_MAX || page.changes.len() == scan.limit.max(1) {
                break;
            }
            page.next = row.change;
            let is_of_run = runs.as_ref().is_none_or(|runs| runs.contains(&row.run));
            if is_of_run && self.is_wanted(scan, row) {
                page.changes.push(self.change_record(row));
            }
        }
        if self
            .changes
            .last_key_value()
            .is_none_or(|(last, _)| *last <= page.next)
        {
            page.next = self.change;
        }
        Ok(page)
    }

    pub(super) fn changed_runs(&self, since: ChangeNumber) -> Option<BTreeSet<RunKey>> {
        if since < self.changes_forgotten || since > self.change {
            return None;
        }
        let rows = self.changes.range(since.next()..);
        Some(rows.map(|(_, row)| row.run).collect())
    }

    fn runs_with_id(
        &self,
        workspace: WorkspaceId,
        id: &RunId,
    ) -> Result<BTreeSet<RunKey>, StoreError> {
        let runs: BTreeSet<RunKey> = self
            .runs
            .values()
            .filter(|data| data.row.run.workspace == workspace && data.row.run.id == *id)
            .map(|data| data.row.key)
            .collect();
        if runs.is_empty() {
            return Err(no_such_run(id.as_str()));
        }
        Ok(runs)
    }

    fn is_wanted(&self, scan: &ChangeScan, row: &ChangeRow) -> bool {
        let is_named = |name: &str| {
            [Some(row.experiment), row.former_experiment]
                .into_iter()
                .flatten()
                .any(|key| self.experiments[&key].name.as_str() == name)
        };
        // Of a purged run nothing is told.
        self.runs
            .get(&row.run)
            .is_some_and(|data| data.row.run.workspace == scan.workspace)
            && (scan.kinds.is_empty() || scan.kinds.meets(row.kinds))
            && scan.experiment.as_deref().is_none_or(is_named)
    }

    fn change_record(&self, row: &ChangeRow) -> ChangeRecord {
        let data = &self.runs[&row.run];
        let events = data
            .events
            .iter()
            .filter(|event| row.kinds.contains(ChangeKind::State) && event.change == row.change);
        ChangeRecord {
            change: row.change,
            at: row.at,
            run: row.run,
            run_id: data.row.run.id.clone(),
            experiment_name: self.experiments[&row.experiment].name.to_string(),
            kinds: row.kinds,
            events: events.cloned().collect(),
        }
    }

    /// Drops changes up to this one.
    pub(super) fn forget_changes(&mut self, last: ChangeNumber) {
        self.changes = self.changes.split_off(&last.next());
        self.changes_forgotten = last;
    }
}
