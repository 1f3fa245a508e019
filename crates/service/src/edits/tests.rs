//! Edits through the service: addresses, lists, rights and errors.

use super::*;
use crate::api::{RunsQuery, TableRequest};
use bytes::Bytes;
use runstone_model::{Scope, StoreIdentity, Timestamp};
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS};
use runstone_store::memory::MemoryStore;
use std::sync::Arc;

struct Bench {
    service: Service,
    me: Principal,
}

impl Bench {
    fn new(ids: &[&str]) -> Self {
        let store = Arc::new(MemoryStore::new(StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        }));
        let clock = Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS + 60_000_000));
        let bench = Self {
            service: Service::new(store, clock),
            me: Principal::local(),
        };
        for (number, id) in (1..).zip(ids) {
            let frame = FrameBuilder::creator(id, number).frame().frame.encode();
            let answer = bench.service.ingest_frame(&bench.me, &Bytes::from(frame));
            assert_eq!(answer.unwrap().refusals, []);
        }
        bench
    }

    fn ids(&self, deleted: bool) -> Vec<String> {
        let request = TableRequest {
            deleted,
            archived: true,
            ..TableRequest::default()
        };
        let page = self.service.table(&self.me, &request).unwrap();
        let mut ids: Vec<String> = page.rows.iter().map(|row| row.run.id.to_string()).collect();
        ids.sort();
        ids
    }

    fn edits(&self, runs: &[&str], action: EditAction) -> EditsAnswer {
        let request = EditsRequest {
            runs: runs.iter().map(ToString::to_string).collect(),
            action,
        };
        self.service.edit_runs(&self.me, &request).unwrap()
    }
}

fn named(name: &str) -> RunEdit {
    RunEdit {
        name: Some(name.to_owned()),
        ..RunEdit::default()
    }
}

#[test]
fn one_run_is_edited_by_any_address_and_answered_as_it_is_then() {
    let bench = Bench::new(&["run-one", "run-two"]);
    let edit = RunEdit {
        name: Some("best\0so far".to_owned()),
        description: Some("the one to keep".to_owned()),
        experiment: Some("kept".to_owned()),
        archived: Some(true),
        add_tags: vec!["b".to_owned(), "a".to_owned()],
        ..RunEdit::default()
    };
    let item = bench.service.edit_run(&bench.me, "run-o", &edit).unwrap();
    assert_eq!(item.id.as_str(), "run-one");
    assert_eq!(item.name.as_deref(), Some("best\u{fffd}so far"));
    assert_eq!(item.description.as_deref(), Some("the one to keep"));
    assert_eq!(item.experiment, "kept");
    assert_eq!(item.tags, ["a", "b"]);
    assert!(item.archived);
    let by_name = bench
        .service
        .edit_run(&bench.me, "best\u{fffd}so far", &named(""))
        .unwrap();
    assert_eq!(by_name.name, None);
    let experiments = bench.service.list_experiments(&bench.me).unwrap();
    let counts: Vec<(String, u64)> = experiments
        .experiments
        .into_iter()
        .map(|one| (one.name, one.runs))
        .collect();
    assert_eq!(counts, [("default".to_owned(), 1), ("kept".to_owned(), 1)]);
}

#[test]
fn a_run_is_deleted_and_taken_back() {
    let bench = Bench::new(&["run-one", "run-two"]);
    bench.service.delete_run(&bench.me, "run-t").unwrap();
    assert_eq!(bench.ids(false), ["run-one"]);
    assert_eq!(bench.ids(true), ["run-two"]);
    let listed = bench.service.list_runs(&bench.me, &RunsQuery::default());
    assert_eq!(listed.unwrap().runs.len(), 1);
    let error = bench.service.get_run(&bench.me, "run-two").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    // Deleting what is deleted is what was asked for; the start of an id finds nothing.
    bench.service.delete_run(&bench.me, "run-two").unwrap();
    let error = bench.service.delete_run(&bench.me, "run-t").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let item = bench.service.undelete_run(&bench.me, "run-two").unwrap();
    assert_eq!(item.deleted_at_micros, None);
    assert_eq!(bench.ids(false), ["run-one", "run-two"]);
    let error = bench
        .service
        .undelete_run(&bench.me, "run-three")
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[test]
fn one_bad_run_of_a_list_leaves_the_others_alone() {
    let bench = Bench::new(&["run-one", "run-two"]);
    let answer = bench.edits(
        &["run-one", "run-t", "a/b", "run-two", "run-one"],
        EditAction::Edit {
            edit: named("same"),
        },
    );
    let told: Vec<(&str, bool, Option<&str>)> = answer
        .results
        .iter()
        .map(|result| {
            let kind = result.error.as_ref().map(|error| error.kind.as_str());
            (result.run.as_str(), result.unchanged, kind)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("run-one", false, None),
            ("run-t", false, Some("not_found")),
            ("a/b", false, Some("invalid")),
            ("run-two", false, None),
            ("run-one", true, None),
        ]
    );
    assert_eq!(
        answer.change,
        bench.service.store().change_number().unwrap().0
    );
    let gone = bench.edits(&["run-one", "run-two"], EditAction::Delete);
    assert!(gone.results.iter().all(|result| result.error.is_none()));
    assert_eq!(bench.ids(true), ["run-one", "run-two"]);
    let back = bench.edits(&["run-one", "nobody"], EditAction::Undelete);
    assert_eq!(back.results[0].error, None);
    let error = back.results[1].error.as_ref().unwrap();
    assert_eq!(error.kind, "not_found");
    assert!(error.hint.as_ref().unwrap().contains("--deleted"));
}

#[test]
fn what_no_run_can_take_is_refused_whole() {
    let bench = Bench::new(&["run-one"]);
    let long = "x".repeat(1 << 21);
    let bad = [
        named(&long),
        RunEdit {
            experiment: Some(String::new()),
            ..RunEdit::default()
        },
        RunEdit {
            add_tags: vec![String::new()],
            ..RunEdit::default()
        },
        RunEdit {
            tags: Some((0..2_000).map(|tag| tag.to_string()).collect()),
            ..RunEdit::default()
        },
    ];
    for edit in bad {
        let error = bench
            .service
            .edit_run(&bench.me, "run-one", &edit)
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    }
    for runs in [vec![], vec!["run-one".to_owned(); EDIT_RUNS_MAX + 1]] {
        let request = EditsRequest {
            runs,
            action: EditAction::Delete,
        };
        let error = bench.service.edit_runs(&bench.me, &request).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    }
    assert_eq!(bench.ids(false), ["run-one"]);
}

#[test]
fn readers_change_nothing() {
    let bench = Bench::new(&["run-one"]);
    let reader = Principal {
        name: "reader".to_owned(),
        scope: Scope::Read,
    };
    let request = EditsRequest {
        runs: vec!["run-one".to_owned()],
        action: EditAction::Delete,
    };
    let service = &bench.service;
    for error in [
        service
            .edit_run(&reader, "run-one", &named("x"))
            .unwrap_err(),
        service.delete_run(&reader, "run-one").unwrap_err(),
        service.undelete_run(&reader, "run-one").unwrap_err(),
        service.edit_runs(&reader, &request).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Forbidden);
    }
    assert_eq!(bench.ids(false), ["run-one"]);
}
