//! For catalogues of tests that stand before another one.

/// All of [`crate::BlobCatalogue`] but the two calls that give leases, as a field has it. The crate that
/// uses it names `runstone_model`.
#[macro_export]
macro_rules! forward_blob_catalogue {
    ($inner:ident) => {
        fn note_remains(
            &self,
            lease: ::runstone_model::BlobLeaseId,
            remains: &str,
        ) -> Result<Option<String>, $crate::StoreError> {
            self.$inner.note_remains(lease, remains)
        }

        fn renew_lease(
            &self,
            lease: ::runstone_model::BlobLeaseId,
            expires_at: ::runstone_model::Timestamp,
        ) -> Result<(), $crate::StoreError> {
            self.$inner.renew_lease(lease, expires_at)
        }

        fn expire_leases(
            &self,
            now: ::runstone_model::Timestamp,
            limit: usize,
        ) -> Result<Vec<$crate::ExpiredLease>, $crate::StoreError> {
            self.$inner.expire_leases(now, limit)
        }

        fn forget_leases(
            &self,
            leases: &[::runstone_model::BlobLeaseId],
        ) -> Result<(), $crate::StoreError> {
            self.$inner.forget_leases(leases)
        }

        fn known_leases(
            &self,
            leases: &[::runstone_model::BlobLeaseId],
        ) -> Result<Vec<::runstone_model::BlobLeaseId>, $crate::StoreError> {
            self.$inner.known_leases(leases)
        }

        fn mark(
            &self,
            digests: &[::runstone_model::BlobDigest],
            now: ::runstone_model::Timestamp,
            marked_before: ::runstone_model::Timestamp,
        ) -> Result<Vec<::runstone_model::BlobDigest>, $crate::StoreError> {
            self.$inner.mark(digests, now, marked_before)
        }

        fn take_over_deletions(
            &self,
            now: ::runstone_model::Timestamp,
            since_before: ::runstone_model::Timestamp,
            limit: usize,
        ) -> Result<Vec<::runstone_model::BlobDigest>, $crate::StoreError> {
            self.$inner.take_over_deletions(now, since_before, limit)
        }

        fn forget_deleted(
            &self,
            digests: &[::runstone_model::BlobDigest],
            since: ::runstone_model::Timestamp,
        ) -> Result<(), $crate::StoreError> {
            self.$inner.forget_deleted(digests, since)
        }

        fn count_blob_records(&self) -> Result<$crate::BlobCounts, $crate::StoreError> {
            self.$inner.count_blob_records()
        }
    };
}
