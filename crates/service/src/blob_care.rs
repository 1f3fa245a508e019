//! The upkeep of blobs: sweeping uploads, collecting garbage, counting and checking.

use std::collections::BTreeSet;
use std::time::Duration;

use runstone_blobs::BlobError;
use runstone_store::SpaceReport;

use crate::Service;
use crate::api::BlobStorage;
use crate::blob_store::BlobStore;
use crate::error::ServiceError;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// References that are looked at together.
const REFERENCES: usize = 1_000;

/// What a turn of upkeep did.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) swept: u64,
    pub(crate) deleted: u64,
    pub(crate) bytes: u64,
    pub(crate) failure: Option<String>,
}

impl Collected {
    fn add_failure(&mut self, failure: Option<String>) {
        if self.failure.is_none() {
            self.failure = failure;
        }
    }
}

/// A blob that is not as it was written, or a reference to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobDamage {
    /// What is wrong, and with which blob.
    pub text: String,
}

impl Service {
    /// Removes what uploads have left, and deletes blobs that nobody has wanted for a day; blocks.
    /// A server does so by itself. What fails is told in the log and tried again by the next turn.
    pub fn care_for_blobs(&self) {
        let Some(store) = &self.blobs else { return };
        let collected = collect_blobs(store, None);
        if collected.deleted > 0 || collected.swept > 0 {
            tracing::info!(
                blobs = collected.deleted,
                bytes = collected.bytes,
                uploads = collected.swept,
                "deleted blobs that nobody refers to"
            );
        }
        if let Some(failure) = collected.failure {
            tracing::warn!(failure, "blobs were not collected");
        }
    }

    /// Reads every blob and holds it against its digest, and looks for the blob of every reference;
    /// blocks. Answers how many blobs were read.
    ///
    /// # Errors
    /// `Unavailable` when the place does not answer.
    pub fn verify_blobs(
        &self,
        mut each: impl FnMut(BlobDamage) + Send,
    ) -> Result<u64, ServiceError> {
        let store = self.blob_store()?;
        let mut read = 0;
        let verified = store.blobs.verify_all(|_, verified| {
            read += 1;
            if let Err(error) = verified {
                each(BlobDamage {
                    text: error.to_string(),
                });
            }
        });
        store.runtime.block_on(verified)?;
        let snapshot = self.store.snapshot()?;
        let mut after = None;
        let mut told = None;
        loop {
            let references = snapshot.scan_blob_references(after, REFERENCES)?;
            let Some(last) = references.last() else {
                return Ok(read);
            };
            after = Some((last.digest, last.run, last.kind));
            let ready = references.iter().filter(|one| one.pending_until.is_none());
            let wanted: BTreeSet<_> = ready.map(|one| (one.digest, one.bytes)).collect();
            for (digest, bytes) in wanted {
                let found = store.runtime.block_on(store.blobs.head(digest))?;
                let text = match found {
                    None => format!("blob {digest} is referred to and not there"),
                    Some(found) if bytes.is_some_and(|bytes| bytes != found) => {
                        format!("blob {digest} has {found} bytes, its reference says {bytes:?}")
                    }
                    Some(_) => continue,
                };
                if told.replace(digest) != Some(digest) {
                    each(BlobDamage { text });
                }
            }
        }
    }
}

/// Sweeps and collects. Blobs wait for a day; when the trash is emptied, two passes in a row delete what
/// nobody wants.
pub(crate) fn collect_blobs(store: &BlobStore, trash_days: Option<u32>) -> Collected {
    let mut collected = Collected::default();
    let blobs = &store.blobs;
    match store.runtime.block_on(blobs.sweep_uploads()) {
        Ok(report) => {
            collected.swept = report.leases + report.staged;
            collected.add_failure(report.failure);
        }
        Err(error) => collected.add_failure(Some(error.to_string())),
    }
    let (passes, grace) = match trash_days {
        Some(0) => (2, Duration::ZERO),
        _ => (1, DAY),
    };
    for _ in 0..passes {
        match store.runtime.block_on(blobs.collect_after(grace)) {
            Ok(report) => {
                collected.deleted += report.deleted;
                collected.bytes += report.deleted_bytes;
                collected.add_failure(report.failure);
            }
            Err(error) => collected.add_failure(Some(error.to_string())),
        }
    }
    collected
}

/// What lies in the place, and what of it is referred to.
pub(crate) fn read_blobs(
    store: &BlobStore,
    report: &SpaceReport,
) -> Result<BlobStorage, BlobError> {
    let usage = store.runtime.block_on(store.blobs.read_usage())?;
    Ok(BlobStorage {
        blobs: usage.blobs,
        bytes: usage.bytes,
        upload_bytes: usage.upload_bytes,
        referred_blobs: report.blobs,
        referred_bytes: report.blob_bytes,
    })
}
