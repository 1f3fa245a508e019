//! Artifacts and what they refer to: versions, pending bytes, and references that keep blobs.
//!
//! The rules of leases and marks alone are held by the suite of `crates/blobs`.

#![allow(
    missing_docs,
    reason = "the name of a scenario says what it holds an engine to"
)]

use runstone_model::{
    ArtifactPath, BlobDigest, BlobLeaseId, MediaType, SeriesKey, SeriesKind, Timestamp, ValueType,
};

use super::deletion::changed;
use super::edits::at;
use super::harness::Harness;
use super::purge::reclaim;
use super::testing::{FrameBuilder, key};
use crate::{
    ArtifactPage, ArtifactPut, ArtifactRecord, ArtifactScan, ChangeKind, ChangeScan, EditOutcome,
    LeaseAnswer, ReferenceKind, RunAction, StoreError,
};

fn digest(number: u8) -> BlobDigest {
    BlobDigest::new([number; 32])
}

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::new(text).unwrap()
}

fn lease(harness: &Harness, digest: BlobDigest) -> BlobLeaseId {
    match harness.store().take_lease(Some(digest), at(600)).unwrap() {
        LeaseAnswer::Held(lease) => lease,
        LeaseAnswer::Deleting => panic!("{digest} is being deleted"),
    }
}

fn put(at_path: &str, digest: BlobDigest, lease: Option<BlobLeaseId>) -> RunAction {
    RunAction::PutArtifact(ArtifactPut {
        path: path(at_path),
        digest,
        bytes: 10,
        media_type: MediaType::bytes(),
        lease,
        pending_until: at(1_000),
    })
}

/// Puts bytes that are there.
fn put_ready(harness: &mut Harness, run: &str, at_path: &str, digest: BlobDigest) {
    let lease = lease(harness, digest);
    changed(harness, run, &put(at_path, digest, Some(lease)), 60);
}

fn remove(at_path: &str, version: Option<u32>) -> RunAction {
    RunAction::RemoveArtifact {
        path: path(at_path),
        version,
    }
}

fn scan(harness: &Harness, run: &str, scan: &ArtifactScan) -> ArtifactPage {
    let key = harness.key(run);
    harness
        .ask(|snapshot| snapshot.scan_artifacts(key, scan))
        .unwrap()
}

/// All versions: path, version, first byte of the digest, whether the bytes are awaited.
fn all(harness: &Harness, run: &str) -> Vec<(String, u32, u8, bool)> {
    let everything = ArtifactScan {
        all_versions: true,
        limit: 1_000,
        ..ArtifactScan::default()
    };
    let page = scan(harness, run, &everything);
    let told = page.artifacts.into_iter().map(|one: ArtifactRecord| {
        let first = one.digest.as_bytes()[0];
        let is_pending = one.pending_until.is_some();
        (one.path.to_string(), one.version, first, is_pending)
    });
    told.collect()
}

/// Whether garbage collection would leave this blob alone, long after everything.
fn is_kept(harness: &Harness, digest: BlobDigest) -> bool {
    let late = Timestamp::from_micros(at(1_000_000).as_micros());
    let store = harness.store();
    store.mark(&[digest], late, late).unwrap();
    let turned = store.mark(&[digest], late, late).unwrap();
    store.forget_deleted(&turned, late).unwrap();
    turned.is_empty()
}

fn created(harness: &mut Harness, runs: &[&str]) {
    for (number, run) in (1..).zip(runs) {
        harness.apply(FrameBuilder::creator(run, number).frame());
    }
}

pub fn an_artifact_is_pending_until_its_bytes_are_there(harness: &mut Harness) {
    created(harness, &["run-a", "run-b"]);
    changed(harness, "run-a", &put("a/b.txt", digest(1), None), 60);
    changed(harness, "run-b", &put("c", digest(1), None), 61);
    assert_eq!(all(harness, "run-a"), [("a/b.txt".into(), 1, 1, true)]);
    let key = harness.key("run-a");
    let find = |harness: &Harness, version| {
        harness
            .ask(|snapshot| snapshot.find_artifact(key, &path("a/b.txt"), version))
            .unwrap()
    };
    assert_eq!(find(harness, None), None);
    let pending = find(harness, Some(1)).unwrap();
    assert_eq!(pending.pending_until, Some(at(1_000)));
    assert_eq!(pending.created_at, at(60));
    let lease = lease(harness, digest(1));
    let before = harness.store().change_number().unwrap();
    let ready = put("a/b.txt", digest(1), Some(lease));
    changed(harness, "run-a", &ready, 70);
    // The bytes are there for everybody who waits for them, and everybody is told.
    assert_eq!(all(harness, "run-a"), [("a/b.txt".into(), 1, 1, false)]);
    assert_eq!(all(harness, "run-b"), [("c".into(), 1, 1, false)]);
    let found = find(harness, None).unwrap();
    assert_eq!((found.created_at, found.bytes), (at(60), 10));
    assert_eq!(
        harness.store().change_number().unwrap(),
        before.next().next()
    );
    let known = harness.store().known_leases(&[lease]).unwrap();
    assert_eq!(known, [], "the reference ends its lease");
    let again = harness.edit(&["run-a"], &put("a/b.txt", digest(1), None), at(80));
    assert!(matches!(again[..], [EditOutcome::Unchanged]), "{again:?}");
}

pub fn the_size_of_what_came_counts_whatever_was_announced(harness: &mut Harness) {
    created(harness, &["run-a", "run-b", "run-c"]);
    let announced =
        |path: &str, bytes: u64, lease: Option<BlobLeaseId>| match put(path, digest(1), lease) {
            RunAction::PutArtifact(put) => RunAction::PutArtifact(ArtifactPut { bytes, ..put }),
            other => other,
        };
    let sizes = |harness: &Harness, run: &str| -> Vec<u64> {
        let page = scan(
            harness,
            run,
            &ArtifactScan {
                limit: 9,
                ..ArtifactScan::default()
            },
        );
        page.artifacts.iter().map(|one| one.bytes).collect()
    };
    changed(harness, "run-a", &announced("a", 5, None), 60);
    changed(harness, "run-a", &announced("b", 50, None), 61);
    let lease = lease(harness, digest(1));
    changed(harness, "run-b", &announced("c", 10, Some(lease)), 62);
    assert_eq!(sizes(harness, "run-a"), [10, 10]);
    assert_eq!(sizes(harness, "run-b"), [10]);
    // Also where the bytes are there before.
    changed(harness, "run-c", &announced("d", 7, None), 63);
    assert_eq!(sizes(harness, "run-c"), [10]);
}

pub fn bytes_that_another_run_has_are_there_at_once(harness: &mut Harness) {
    created(harness, &["run-a", "run-b"]);
    put_ready(harness, "run-a", "a", digest(1));
    changed(harness, "run-b", &put("b", digest(1), None), 60);
    assert_eq!(all(harness, "run-b"), [("b".into(), 1, 1, false)]);
    changed(harness, "run-a", &remove("a", None), 61);
    assert!(is_kept(harness, digest(1)));
}

pub fn each_put_of_other_bytes_is_a_version_and_a_pending_one_gives_way(harness: &mut Harness) {
    created(harness, &["run-a"]);
    put_ready(harness, "run-a", "x", digest(1));
    changed(harness, "run-a", &put("x", digest(2), None), 60);
    changed(harness, "run-a", &put("x", digest(3), None), 61);
    // Nobody has ever read what was pending.
    let expected = [("x".into(), 1, 1, false), ("x".into(), 2, 3, true)];
    assert_eq!(all(harness, "run-a"), expected);
    assert!(!is_kept(harness, digest(2)));
    put_ready(harness, "run-a", "x", digest(1));
    put_ready(harness, "run-a", "x", digest(4));
    let expected = [
        ("x".into(), 1, 1, false),
        ("x".into(), 2, 1, false),
        ("x".into(), 3, 4, false),
    ];
    assert_eq!(all(harness, "run-a"), expected);
    let key = harness.key("run-a");
    let newest = harness
        .ask(|snapshot| snapshot.find_artifact(key, &path("x"), None))
        .unwrap();
    assert_eq!(newest.unwrap().version, 3);
    changed(harness, "run-a", &remove("x", Some(2)), 70);
    assert!(is_kept(harness, digest(1)), "version 1 has the same bytes");
    changed(harness, "run-a", &remove("x", Some(1)), 71);
    assert!(!is_kept(harness, digest(1)));
    assert!(is_kept(harness, digest(4)));
    changed(harness, "run-a", &remove("x", None), 72);
    assert_eq!(all(harness, "run-a"), []);
    assert!(!is_kept(harness, digest(4)));
}

pub fn what_can_not_be_put_or_removed_is_refused_alone(harness: &mut Harness) {
    created(harness, &["run-a"]);
    let refusals = [
        put("x", digest(1), Some(BlobLeaseId(77))),
        put("x", digest(2), Some(lease(harness, digest(1)))),
    ];
    for action in &refusals {
        let outcomes = harness.edit(&["run-a"], action, at(60));
        assert!(
            matches!(
                outcomes[..],
                [EditOutcome::Refused(StoreError::Conflict(_))]
            ),
            "{outcomes:?}"
        );
    }
    let ended = lease(harness, digest(3));
    harness.store().expire_leases(at(600), 10).unwrap();
    let late = put("x", digest(3), Some(ended));
    for (run, action) in [
        ("run-a", late),
        ("run-a", remove("x", None)),
        ("run-a", remove("x", Some(1))),
        ("run-b", put("x", digest(1), None)),
        ("run-b", remove("x", None)),
    ] {
        let outcomes = harness.edit(&[run], &action, at(60));
        assert!(
            matches!(outcomes[..], [EditOutcome::Refused(_)]),
            "{outcomes:?}"
        );
    }
    assert_eq!(all(harness, "run-a"), []);
}

pub fn a_deleted_run_keeps_its_references_until_it_is_purged(harness: &mut Harness) {
    created(harness, &["run-a", "run-b"]);
    put_ready(harness, "run-a", "a", digest(1));
    put_ready(harness, "run-a", "shared", digest(2));
    put_ready(harness, "run-b", "shared", digest(2));
    let space = harness.store().read_space().unwrap();
    assert_eq!((space.blobs, space.blob_bytes), (2, 20));
    let of_runs: Vec<u64> = space.runs.iter().map(|run| run.blob_bytes).collect();
    assert_eq!(of_runs, [20, 10]);
    changed(harness, "run-a", &RunAction::Delete, 100);
    assert!(is_kept(harness, digest(1)));
    changed(harness, "run-a", &RunAction::Undelete, 101);
    let expected = [("a".into(), 1, 1, false), ("shared".into(), 1, 2, false)];
    assert_eq!(all(harness, "run-a"), expected);
    changed(harness, "run-a", &RunAction::Delete, 102);
    assert_eq!(reclaim(harness, at(200), 0).purged.len(), 1);
    assert!(!is_kept(harness, digest(1)));
    assert!(is_kept(harness, digest(2)));
    let counts = harness.store().count_blob_records().unwrap();
    assert_eq!(counts.references, 1);
    assert_eq!(all(harness, "run-b"), [("shared".into(), 1, 2, false)]);
}

pub fn objects_keep_the_blobs_that_they_refer_to(harness: &mut Harness) {
    created(harness, &["run-a", "run-b"]);
    put_ready(harness, "run-b", "image", digest(1));
    let mut writer = FrameBuilder::secondary("run-a", 3);
    let images = writer.series(
        &SeriesKey {
            kind: SeriesKind::Image,
            ..key("images")
        },
        ValueType::F64,
        false,
    );
    let both = [digest(1), digest(2)];
    harness.apply(writer.log_objects_of(images, 1.0, &["{}"], &both).frame());
    let of_objects = |harness: &Harness| -> Vec<(u8, bool)> {
        let all = harness.ask(|snapshot| snapshot.scan_blob_references(None, 100));
        let all = all.unwrap().into_iter();
        all.filter(|one| one.kind == ReferenceKind::Object)
            .map(|one| (one.digest.as_bytes()[0], one.pending_until.is_some()))
            .collect()
    };
    // One is there, the other is awaited and kept when it comes.
    assert_eq!(of_objects(harness), [(1, false), (2, true)]);
    changed(harness, "run-b", &remove("image", None), 61);
    assert!(is_kept(harness, digest(1)));
    put_ready(harness, "run-b", "other", digest(2));
    assert_eq!(of_objects(harness), [(1, false), (2, false)]);
    let space = harness.store().read_space().unwrap();
    let of_runs: Vec<u64> = space.runs.iter().map(|run| run.blob_bytes).collect();
    assert_eq!((space.blob_bytes, of_runs), (20, vec![20, 10]));
    changed(harness, "run-b", &remove("other", None), 62);
    // A newer set covers the older one, which stays as history.
    harness.apply(writer.log_objects(images, 1.0, &["[]"]).frame());
    harness.fold();
    harness.reopen();
    assert!(is_kept(harness, digest(2)));
    changed(harness, "run-a", &RunAction::Delete, 100);
    assert_eq!(reclaim(harness, at(200), 0).purged.len(), 1);
    assert!(!is_kept(harness, digest(1)));
    assert!(!is_kept(harness, digest(2)));
    assert_eq!(of_objects(harness), []);
}

pub fn artifacts_come_by_path_and_in_pages(harness: &mut Harness) {
    created(harness, &["run-a", "run-b"]);
    put_ready(harness, "run-b", "a/other", digest(9));
    for name in ["b", "a/2", "a-1", "a/10", "a"] {
        put_ready(harness, "run-a", name, digest(1));
    }
    put_ready(harness, "run-a", "a/2", digest(2));
    let pages = |harness: &Harness, prefix: &str, all_versions| {
        let mut told = Vec::new();
        let mut asked = ArtifactScan {
            prefix: prefix.to_owned(),
            all_versions,
            limit: 2,
            ..ArtifactScan::default()
        };
        loop {
            let page = scan(harness, "run-a", &asked);
            assert!(page.artifacts.len() <= 2);
            let names = page.artifacts.iter();
            told.extend(names.map(|one| format!("{}@{}", one.path, one.version)));
            match page.next {
                Some(next) => asked.after = Some(next),
                None => return told,
            }
        }
    };
    assert_eq!(
        pages(harness, "", false),
        ["a@1", "a-1@1", "a/10@1", "a/2@2", "b@1"]
    );
    assert_eq!(pages(harness, "a/", true), ["a/10@1", "a/2@1", "a/2@2"]);
    assert_eq!(pages(harness, "zz", false), [""; 0]);
    let everybody = harness.ask(|snapshot| snapshot.scan_blob_references(None, 100));
    let everybody: Vec<_> = everybody.unwrap();
    let firsts: Vec<u8> = everybody
        .iter()
        .map(|one| one.digest.as_bytes()[0])
        .collect();
    assert_eq!(firsts, [1, 2, 9]);
    let after = (everybody[0].digest, everybody[0].run, everybody[0].kind);
    let later = harness.ask(|snapshot| snapshot.scan_blob_references(Some(after), 1));
    assert_eq!(later.unwrap(), everybody[1..2]);
}

pub fn artifacts_are_changes_of_their_run(harness: &mut Harness) {
    created(harness, &["run-a"]);
    put_ready(harness, "run-a", "x", digest(1));
    let record = harness.run("run-a");
    let page = harness
        .ask(|snapshot| {
            snapshot.scan_changes(&ChangeScan {
                kinds: [ChangeKind::Artifacts].into_iter().collect(),
                limit: 10,
                ..ChangeScan::default()
            })
        })
        .unwrap();
    assert_eq!(page.changes.len(), 1);
    assert_eq!(page.changes[0].change, record.changed);
    assert_eq!(page.changes[0].run_id.as_str(), "run-a");
}

pub fn leases_are_numbered_once_for_ever(harness: &mut Harness) {
    let first = lease(harness, digest(1));
    harness.store().forget_leases(&[first]).unwrap();
    harness.reopen();
    let second = lease(harness, digest(1));
    assert!(second > first);
    harness.reopen();
    assert_eq!(
        harness.store().known_leases(&[first, second]).unwrap(),
        [second]
    );
    assert!(is_kept(harness, digest(1)));
}
