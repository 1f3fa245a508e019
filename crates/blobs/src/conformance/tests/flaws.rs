//! Whether the interleavings would tell: a catalogue that breaks one rule must be found out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use runstone_model::{BlobDigest, BlobLeaseId, Timestamp};
use runstone_store::{BlobCatalogue, LeaseAnswer, StoreError};

use super::super::interleavings::run_interleaving;
use super::super::{Bench, CatalogueUnderTest, MemoryCatalogue};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// A lease does not keep its blob from being deleted.
    LeasesProtectNothing,
    /// A blob that is being deleted can be leased.
    DeletionsAreIgnored,
    /// A reference is added though its lease has ended.
    EndedLeasesPermit,
}

/// A catalogue in memory with a flaw. What it may not ask of the other it keeps beside it.
struct Flawed {
    inner: MemoryCatalogue,
    flaw: Flaw,
    unprotected: Mutex<BTreeMap<BlobLeaseId, BlobDigest>>,
}

impl Flawed {
    fn unprotected_lease(
        &self,
        digest: BlobDigest,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        let answer = self.inner.take_lease(None, expires_at)?;
        if let LeaseAnswer::Held(lease) = answer {
            self.unprotected.lock().unwrap().insert(lease, digest);
        }
        Ok(answer)
    }
}

impl BlobCatalogue for Flawed {
    fn take_lease(
        &self,
        digest: Option<BlobDigest>,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        match (self.flaw, digest) {
            (Flaw::LeasesProtectNothing, Some(digest)) => {
                // With the mark removed, as is right.
                let answer = self.inner.take_lease(Some(digest), expires_at)?;
                let LeaseAnswer::Held(lease) = answer else {
                    return Ok(answer);
                };
                self.inner.forget_leases(&[lease])?;
                self.unprotected_lease(digest, expires_at)
            }
            (Flaw::DeletionsAreIgnored, Some(digest)) => {
                match self.inner.take_lease(Some(digest), expires_at)? {
                    LeaseAnswer::Deleting => self.unprotected_lease(digest, expires_at),
                    held => Ok(held),
                }
            }
            _ => self.inner.take_lease(digest, expires_at),
        }
    }

    fn bind_lease(
        &self,
        lease: BlobLeaseId,
        digest: BlobDigest,
        expires_at: Timestamp,
    ) -> Result<LeaseAnswer, StoreError> {
        let note = || {
            self.inner.renew_lease(lease, expires_at)?;
            self.unprotected.lock().unwrap().insert(lease, digest);
            Ok(LeaseAnswer::Held(lease))
        };
        match self.flaw {
            Flaw::LeasesProtectNothing => note(),
            Flaw::DeletionsAreIgnored => match self.inner.bind_lease(lease, digest, expires_at)? {
                LeaseAnswer::Deleting => note(),
                held => Ok(held),
            },
            _ => self.inner.bind_lease(lease, digest, expires_at),
        }
    }

    runstone_store::forward_blob_catalogue!(inner);
}

impl CatalogueUnderTest for Flawed {
    fn add_reference(
        &self,
        owner: &str,
        digest: BlobDigest,
        lease: BlobLeaseId,
    ) -> Result<(), StoreError> {
        let unprotected = self.unprotected.lock().unwrap().contains_key(&lease);
        if self.flaw == Flaw::EndedLeasesPermit || unprotected {
            self.inner.forget_leases(&[lease])?;
            let for_ever = Timestamp::from_micros(i64::MAX);
            self.inner.add_pending_reference(owner, digest, for_ever);
            return Ok(());
        }
        self.inner.add_reference(owner, digest, lease)
    }

    fn add_pending_reference(&self, owner: &str, digest: BlobDigest, until: Timestamp) {
        self.inner.add_pending_reference(owner, digest, until);
    }

    fn remove_reference(&self, owner: &str) {
        self.inner.remove_reference(owner);
    }
}

#[test]
fn a_catalogue_that_breaks_a_rule_is_found_out() {
    let runtime = super::runtime();
    for flaw in [
        Flaw::LeasesProtectNothing,
        Flaw::DeletionsAreIgnored,
        Flaw::EndedLeasesPermit,
    ] {
        let found = (0..1000).find_map(|seed| {
            let (place, _alive) = super::folder();
            let flawed = Flawed {
                inner: MemoryCatalogue::new(),
                flaw,
                unprotected: Mutex::default(),
            };
            let bench = Bench::open(&place, Arc::new(flawed));
            let failure = run_interleaving(&runtime, seed, bench).err()?;
            failure.contains("is lost").then_some(seed)
        });
        assert!(found.is_some(), "no schedule loses a blob to {flaw:?}");
    }
}
