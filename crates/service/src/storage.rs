//! Where the bytes are, and giving those back that nobody needs.

use crate::Service;
use crate::api::{
    ExperimentStorage, GcAnswer, GcRequest, RunStorage, STORAGE_LIST_DEFAULT, STORAGE_LIST_MAX,
    StorageAnswer, StorageByKind, StorageQuery, TRASH_DAYS_MAX,
};
use crate::blob_care::{Collected, collect_blobs, read_blobs};
use crate::error::{ErrorKind, ServiceError};
use runstone_model::Principal;
use runstone_store::{ReclaimRequest, RunSpace, SpaceByKind, SpaceReport};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long one turn of `gc` works before it answers; well below the patience of clients.
const GC_TURN: Duration = Duration::from_secs(5);
const DAY_SECONDS: u64 = 24 * 3_600;

impl Service {
    /// Bytes by run, experiment and kind.
    ///
    /// # Errors
    /// `Invalid` for a limit that is none; `NotFound` and `Conflict` for the address of a run.
    pub fn storage(
        &self,
        principal: &Principal,
        query: &StorageQuery,
    ) -> Result<StorageAnswer, ServiceError> {
        Self::may_read(principal)?;
        let limit = query.limit.unwrap_or(STORAGE_LIST_DEFAULT);
        if !(1..=STORAGE_LIST_MAX).contains(&limit) {
            return Err(
                ServiceError::invalid(format!("{limit} is no limit of a list"))
                    .with_hint(format!("ask for 1 to {STORAGE_LIST_MAX}")),
            );
        }
        let report = self.store.read_space()?;
        let asked = match &query.run {
            Some(address) => Some(self.find_spaces(&report, address)?),
            None => None,
        };
        let blobs = match &self.blobs {
            Some(store) => Some(read_blobs(store, &report)?),
            None => None,
        };
        let mut answer = storage_answer(report, asked, limit);
        answer.blobs = blobs;
        Ok(answer)
    }

    /// The keys that an address means: a run that lives, else all in the trash with this id.
    fn find_spaces(&self, report: &SpaceReport, address: &str) -> Result<Vec<u64>, ServiceError> {
        let snapshot = self.store.snapshot()?;
        let error = match self.find_run(&*snapshot, address) {
            Ok(run) => return Ok(vec![run.key.0]),
            Err(error) if error.kind == ErrorKind::NotFound => error,
            Err(error) => return Err(error),
        };
        let of_id = report.runs.iter().filter(|run| run.id.as_str() == address);
        let keys: Vec<u64> = of_id.map(|run| run.run.0).collect();
        if keys.is_empty() {
            return Err(error);
        }
        Ok(keys)
    }

    /// Purges runs whose time in the trash is over and gives free pages back, for a few seconds;
    /// to be asked again until the answer says `done`.
    ///
    /// # Errors
    /// `Forbidden` for a reader; `Invalid` for days that are none.
    pub fn collect_garbage(
        &self,
        principal: &Principal,
        request: &GcRequest,
    ) -> Result<GcAnswer, ServiceError> {
        Self::may_write(principal)?;
        if let Some(days) = request.trash_days.filter(|days| *days > TRASH_DAYS_MAX) {
            return Err(
                ServiceError::invalid(format!("{days} days are too many for a trash"))
                    .with_hint(format!("give 0 to {TRASH_DAYS_MAX}")),
            );
        }
        let report = self.store.reclaim(&ReclaimRequest {
            at: self.now(),
            trash_seconds: request.trash_days.map(|days| u64::from(days) * DAY_SECONDS),
            longest: GC_TURN,
        })?;
        let blobs = match &self.blobs {
            // They are free once the rows of purged runs are gone.
            Some(store) if report.done => collect_blobs(store, request.trash_days),
            _ => Collected::default(),
        };
        Ok(GcAnswer {
            uploads_swept: blobs.swept,
            blobs_deleted: blobs.deleted,
            blobs_deleted_bytes: blobs.bytes,
            blobs_failure: blobs.failure,
            purged: report.purged.iter().map(ToString::to_string).collect(),
            returned_bytes: report.returned_bytes,
            reusable_bytes: report.reusable_bytes,
            database_bytes: report.database_bytes,
            done: report.done,
        })
    }
}

fn storage_answer(mut report: SpaceReport, asked: Option<Vec<u64>>, limit: usize) -> StorageAnswer {
    let mut answer = StorageAnswer {
        database_bytes: report.database_bytes,
        log_bytes: report.log_bytes,
        reusable_bytes: report.reusable_bytes,
        purging_bytes: report.purging_bytes,
        journal_bytes: report.journal_bytes,
        rest_bytes: report.rest_bytes,
        runs_total: report.runs.len() as u64,
        ..StorageAnswer::default()
    };
    let mut kinds = SpaceByKind::default();
    let mut experiments: BTreeMap<String, ExperimentStorage> = BTreeMap::new();
    for run in &report.runs {
        let bytes = run.bytes.total();
        kinds += run.bytes;
        let name = &run.experiment_name;
        let experiment = experiments.entry(name.clone()).or_default();
        experiment.runs += 1;
        experiment.bytes += bytes;
        experiment.blob_bytes += run.blob_bytes;
        if run.deleted_at.is_some() {
            experiment.trash_bytes += bytes;
            answer.trash_bytes += bytes;
        } else {
            answer.runs_bytes += bytes;
        }
    }
    answer.kinds = by_kind(&kinds);
    answer.experiments_total = experiments.len() as u64;
    let named = experiments
        .into_iter()
        .map(|(experiment, sums)| ExperimentStorage { experiment, ..sums });
    answer.experiments = named.collect();
    answer
        .experiments
        .sort_by_key(|experiment| Reverse(experiment.bytes));
    answer.experiments.truncate(limit);
    if let Some(keys) = asked {
        report.runs.retain(|run| keys.contains(&run.run.0));
    }
    report
        .runs
        .sort_by_key(|run| (Reverse(run.bytes.total()), run.run));
    report.runs.truncate(limit);
    answer.runs = report.runs.into_iter().map(run_storage).collect();
    answer
}

fn run_storage(run: RunSpace) -> RunStorage {
    RunStorage {
        id: run.id,
        experiment: run.experiment_name,
        deleted_at_micros: run.deleted_at,
        bytes: run.bytes.total(),
        kinds: by_kind(&run.bytes),
        blob_bytes: run.blob_bytes,
    }
}

fn by_kind(bytes: &SpaceByKind) -> StorageByKind {
    StorageByKind {
        frames: bytes.frames,
        packs: bytes.packs,
        chunks: bytes.chunks,
        summaries: bytes.summaries,
        params: bytes.params,
        logs: bytes.logs,
        objects: bytes.objects,
        rest: bytes.rest,
    }
}

#[cfg(test)]
mod tests;
