//! Scenarios for a catalogue: each rule of [`runstone_store::BlobCatalogue`] that the argument in `sweep` rests on.

use runstone_model::{BlobDigest, BlobLeaseId, Timestamp};
use runstone_store::{LeaseAnswer, StoreError};

use super::{CatalogueUnderTest, digest_of};

/// Makes a test of each scenario for a catalogue. `$make` is a function that returns a new, empty one.
#[macro_export]
macro_rules! catalogue_suite {
    ($make:path) => {
        $crate::catalogue_suite!(@each $make:
            a_leased_or_referenced_blob_is_never_turned,
            an_unwanted_blob_is_marked_and_turned_after_the_grace_period,
            a_lease_removes_the_mark,
            nobody_leases_a_blob_that_is_being_deleted,
            a_deletion_is_taken_over_once_and_forgotten_by_who_has_it,
            an_ended_lease_protects_and_permits_nothing,
            a_lease_lives_until_it_is_ended_whatever_the_clock_says,
            ended_leases_come_back_until_they_are_forgotten,
            a_pending_reference_counts_until_its_time,
            a_lease_is_bound_to_one_digest,
            a_reference_ends_its_lease_and_no_other,
        );
    };
    (@each $make:path: $($scenario:ident,)+) => {
        $(
            #[test]
            fn $scenario() {
                $crate::conformance::catalogues::$scenario(&$make());
            }
        )+
    };
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn digest(number: u8) -> BlobDigest {
    digest_of(&[number])
}

#[track_caller]
fn lease(catalogue: &impl CatalogueUnderTest, digest: Option<BlobDigest>) -> BlobLeaseId {
    match catalogue.take_lease(digest, at(60)).unwrap() {
        LeaseAnswer::Held(lease) => lease,
        LeaseAnswer::Deleting => panic!("{digest:?} is being deleted"),
    }
}

/// One pass at a time, with a grace period of 100 seconds.
fn pass(catalogue: &impl CatalogueUnderTest, digests: &[BlobDigest], now: i64) -> Vec<BlobDigest> {
    catalogue.mark(digests, at(now), at(now - 100)).unwrap()
}

fn is_conflict<T>(answer: Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict(_)))
}

/// See its name.
pub fn a_leased_or_referenced_blob_is_never_turned(catalogue: &impl CatalogueUnderTest) {
    let all = [digest(1), digest(2), digest(3)];
    lease(catalogue, Some(all[0]));
    let bound = lease(catalogue, None);
    catalogue.bind_lease(bound, all[1], at(60)).unwrap();
    let adding = lease(catalogue, Some(all[2]));
    catalogue.add_reference("owner", all[2], adding).unwrap();
    for now in [0, 100, 1000, 2000] {
        assert_eq!(pass(catalogue, &all, now), []);
    }
    // Wanted no longer: two passes from here.
    catalogue.remove_reference("owner");
    assert_eq!(pass(catalogue, &all, 3000), []);
    assert_eq!(pass(catalogue, &all, 3100), [all[2]]);
}

/// See its name.
pub fn an_unwanted_blob_is_marked_and_turned_after_the_grace_period(
    catalogue: &impl CatalogueUnderTest,
) {
    let all = [digest(1), digest(2)];
    assert_eq!(pass(catalogue, &all[..1], 0), []);
    assert_eq!(pass(catalogue, &all, 99), []);
    assert_eq!(pass(catalogue, &all, 100), all[..1]);
    // It is turned once, and the other by its own time.
    assert_eq!(pass(catalogue, &all, 198), []);
    assert_eq!(pass(catalogue, &all, 199), all[1..]);
    assert_eq!(pass(catalogue, &all, 1000), []);
}

/// See its name.
pub fn a_lease_removes_the_mark(catalogue: &impl CatalogueUnderTest) {
    let all = [digest(1), digest(2)];
    pass(catalogue, &all, 0);
    let announced = lease(catalogue, Some(all[0]));
    let bound = lease(catalogue, None);
    catalogue.bind_lease(bound, all[1], at(60)).unwrap();
    catalogue.forget_leases(&[announced, bound]).unwrap();
    // The mark of before is gone, so the grace period begins anew.
    assert_eq!(pass(catalogue, &all, 100), []);
    assert_eq!(pass(catalogue, &all, 199), []);
    assert_eq!(pass(catalogue, &all, 200), all);
}

/// See its name.
pub fn nobody_leases_a_blob_that_is_being_deleted(catalogue: &impl CatalogueUnderTest) {
    let one = [digest(1)];
    let early = lease(catalogue, None);
    pass(catalogue, &one, 0);
    assert_eq!(pass(catalogue, &one, 100), one);
    let answer = catalogue.take_lease(Some(one[0]), at(200)).unwrap();
    assert_eq!(answer, LeaseAnswer::Deleting);
    let answer = catalogue.bind_lease(early, one[0], at(200)).unwrap();
    assert_eq!(answer, LeaseAnswer::Deleting);
    assert!(is_conflict(catalogue.add_reference("owner", one[0], early)));
    catalogue.forget_deleted(&one, at(100)).unwrap();
    let answer = catalogue.bind_lease(early, one[0], at(200)).unwrap();
    assert_eq!(answer, LeaseAnswer::Held(early));
    catalogue.add_reference("owner", one[0], early).unwrap();
    assert_eq!(pass(catalogue, &one, 1000), []);
}

/// See its name.
pub fn a_deletion_is_taken_over_once_and_forgotten_by_who_has_it(
    catalogue: &impl CatalogueUnderTest,
) {
    let all = [digest(1), digest(2)];
    pass(catalogue, &all, 0);
    pass(catalogue, &all, 100);
    let take = |now, before, limit| {
        let taken = catalogue.take_over_deletions(at(now), at(before), limit);
        taken.unwrap()
    };
    assert_eq!(take(200, 99, 10), []);
    assert_eq!(take(220, 100, 1).len(), 1);
    assert_eq!(take(221, 100, 10).len(), 1);
    assert_eq!(take(222, 100, 10), []);
    // The pass that had them first has been slow: it may not forget what others are deleting.
    catalogue.forget_deleted(&all, at(100)).unwrap();
    let answer = catalogue.take_lease(Some(all[0]), at(300)).unwrap();
    assert_eq!(answer, LeaseAnswer::Deleting);
    catalogue.forget_deleted(&all, at(220)).unwrap();
    catalogue.forget_deleted(&all, at(221)).unwrap();
    lease(catalogue, Some(all[0]));
    lease(catalogue, Some(all[1]));
}

/// See its name.
pub fn an_ended_lease_protects_and_permits_nothing(catalogue: &impl CatalogueUnderTest) {
    let one = [digest(1)];
    let ended = lease(catalogue, Some(one[0]));
    assert_eq!(catalogue.expire_leases(at(60), 10).unwrap().len(), 1);
    assert!(is_conflict(catalogue.add_reference("owner", one[0], ended)));
    assert!(is_conflict(catalogue.bind_lease(ended, one[0], at(600))));
    assert!(is_conflict(catalogue.renew_lease(ended, at(600))));
    assert!(is_conflict(catalogue.note_remains(ended, "x")));
    pass(catalogue, &one, 100);
    assert_eq!(pass(catalogue, &one, 200), one);
}

/// See its name.
pub fn a_lease_lives_until_it_is_ended_whatever_the_clock_says(
    catalogue: &impl CatalogueUnderTest,
) {
    let one = [digest(1)];
    let late = lease(catalogue, Some(one[0]));
    assert_eq!(pass(catalogue, &one, 1000), []);
    assert_eq!(pass(catalogue, &one, 2000), []);
    catalogue.renew_lease(late, at(3000)).unwrap();
    assert_eq!(catalogue.expire_leases(at(2999), 10).unwrap(), []);
    catalogue.add_reference("owner", one[0], late).unwrap();
}

/// See its name.
pub fn ended_leases_come_back_until_they_are_forgotten(catalogue: &impl CatalogueUnderTest) {
    let first = lease(catalogue, None);
    let second = lease(catalogue, Some(digest(1)));
    let told = |remains| catalogue.note_remains(second, remains).unwrap();
    assert_eq!(told("first parts"), None);
    assert_eq!(told("parts of it").as_deref(), Some("first parts"));
    assert_ne!(first, second);
    assert_eq!(catalogue.expire_leases(at(59), 10).unwrap(), []);
    assert_eq!(catalogue.expire_leases(at(60), 1).unwrap().len(), 1);
    let mut ended = catalogue.expire_leases(at(60), 10).unwrap();
    ended.sort_by_key(|ended| ended.lease);
    assert_eq!(ended.len(), 2);
    assert_eq!(ended[1].remains.as_deref(), Some("parts of it"));
    let known = catalogue.known_leases(&[first, second, BlobLeaseId(99)]);
    assert_eq!(known.unwrap().len(), 2);
    catalogue.forget_leases(&[first, second, second]).unwrap();
    assert_eq!(catalogue.expire_leases(at(60), 10).unwrap(), []);
    assert_eq!(catalogue.known_leases(&[first, second]).unwrap(), []);
    // Never given again.
    let third = lease(catalogue, None);
    assert!(third > second);
}

/// See its name.
pub fn a_pending_reference_counts_until_its_time(catalogue: &impl CatalogueUnderTest) {
    let one = [digest(1)];
    catalogue.add_pending_reference("owner", one[0], at(500));
    pass(catalogue, &one, 300);
    assert_eq!(pass(catalogue, &one, 499), []);
    assert_eq!(pass(catalogue, &one, 500), []);
    assert_eq!(pass(catalogue, &one, 600), one);
}

/// See its name.
pub fn a_lease_is_bound_to_one_digest(catalogue: &impl CatalogueUnderTest) {
    let bound = lease(catalogue, Some(digest(1)));
    assert!(is_conflict(catalogue.bind_lease(bound, digest(2), at(60))));
    assert!(is_conflict(catalogue.add_reference(
        "owner",
        digest(2),
        bound
    )));
    let unbound = lease(catalogue, None);
    assert!(is_conflict(catalogue.add_reference(
        "owner",
        digest(2),
        unbound
    )));
    let again = catalogue.bind_lease(bound, digest(1), at(90)).unwrap();
    assert_eq!(again, LeaseAnswer::Held(bound));
    let ended = catalogue.expire_leases(at(89), 10).unwrap();
    assert_eq!(ended.len(), 1, "binding renews: {ended:?}");
    assert_eq!(ended[0].lease, unbound);
    assert!(catalogue.renew_lease(bound, at(100)).is_ok());
    assert!(catalogue.expire_leases(at(100), 10).unwrap().len() == 2);
}

/// See its name.
pub fn a_reference_ends_its_lease_and_no_other(catalogue: &impl CatalogueUnderTest) {
    let one = digest(1);
    let first = lease(catalogue, Some(one));
    let second = lease(catalogue, Some(one));
    catalogue.add_reference("first", one, first).unwrap();
    assert!(is_conflict(catalogue.add_reference("third", one, first)));
    catalogue.remove_reference("first");
    pass(catalogue, &[one], 100);
    assert_eq!(pass(catalogue, &[one], 1000), []);
    catalogue.add_reference("second", one, second).unwrap();
    catalogue.forget_leases(&[first, second]).unwrap();
    assert_eq!(pass(catalogue, &[one], 2000), []);
}
