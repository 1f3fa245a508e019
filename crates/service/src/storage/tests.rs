//! Space through the service: rights, limits, addresses.

use super::*;
use crate::api::{EditAction, EditsRequest};
use bytes::Bytes;
use runstone_model::{Scope, StoreIdentity, Timestamp};
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS};
use runstone_store::memory::MemoryStore;
use std::sync::Arc;

fn service(ids: &[&str]) -> Service {
    let store = Arc::new(MemoryStore::new(StoreIdentity {
        store: [1; 16],
        incarnation: [2; 16],
    }));
    let clock = Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS + 60_000_000));
    let service = Service::new(store, clock);
    for (number, id) in (1..).zip(ids) {
        let frame = FrameBuilder::creator(id, number).frame().frame.encode();
        let answer = service.ingest_frame(&Principal::local(), &Bytes::from(frame));
        assert_eq!(answer.unwrap().refusals, []);
    }
    service
}

fn edit(service: &Service, runs: &[&str], action: EditAction) -> crate::api::EditsAnswer {
    let request = EditsRequest {
        runs: runs.iter().map(ToString::to_string).collect(),
        action,
    };
    service.edit_runs(&Principal::local(), &request).unwrap()
}

fn storage(service: &Service, run: Option<&str>) -> Result<StorageAnswer, ServiceError> {
    let query = StorageQuery {
        run: run.map(str::to_owned),
        limit: None,
    };
    service.storage(&Principal::local(), &query)
}

#[test]
fn space_is_listed_by_run_and_experiment() {
    let service = service(&["run-one", "run-two", "run-three"]);
    edit(&service, &["run-two"], EditAction::Delete);
    let answer = storage(&service, None).unwrap();
    assert_eq!((answer.runs_total, answer.runs.len()), (3, 3));
    assert_eq!(
        (answer.experiments_total, answer.experiments[0].runs),
        (1, 3)
    );
    // A deleted run is named by its id, a living one by any address.
    let one = storage(&service, Some("run-o")).unwrap();
    assert_eq!(one.runs[0].id.as_str(), "run-one");
    assert_eq!(one.runs_total, 3);
    let two = storage(&service, Some("run-two")).unwrap();
    assert!(two.runs[0].deleted_at_micros.is_some());
    assert_eq!(
        storage(&service, Some("nobody")).unwrap_err().kind,
        ErrorKind::NotFound
    );
    assert_eq!(
        storage(&service, Some("run-")).unwrap_err().kind,
        ErrorKind::Conflict
    );
    for limit in [0, STORAGE_LIST_MAX + 1] {
        let query = StorageQuery {
            limit: Some(limit),
            ..StorageQuery::default()
        };
        let error = service.storage(&Principal::local(), &query).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    }
}

#[test]
fn the_trash_is_emptied_by_who_may_write() {
    let service = service(&["run-one", "run-two"]);
    edit(&service, &["run-two"], EditAction::Delete);
    let me = Principal::local();
    let answer = service.collect_garbage(&me, &GcRequest::default()).unwrap();
    assert!(answer.done && answer.purged.is_empty());
    let all = GcRequest {
        trash_days: Some(0),
    };
    let reader = Principal {
        name: "reader".to_owned(),
        scope: Scope::Read,
    };
    assert!(service.storage(&reader, &StorageQuery::default()).is_ok());
    let error = service.collect_garbage(&reader, &all).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    let error = GcRequest {
        trash_days: Some(TRASH_DAYS_MAX + 1),
    };
    let error = service.collect_garbage(&me, &error).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    let answer = service.collect_garbage(&me, &all).unwrap();
    assert_eq!(answer.purged, ["run-two"]);
}

#[test]
fn a_run_is_purged_at_once_whether_it_lives_or_not() {
    let service = service(&["run-one", "run-two", "run-three"]);
    edit(&service, &["run-two"], EditAction::Delete);
    let answer = edit(
        &service,
        &["run-one", "run-two", "nobody"],
        EditAction::Purge,
    );
    let errors: Vec<bool> = answer
        .results
        .iter()
        .map(|one| one.error.is_some())
        .collect();
    assert_eq!(errors, [false, false, true]);
    let left = storage(&service, None).unwrap();
    assert_eq!(left.runs.len(), 1);
    assert_eq!(left.runs[0].id.as_str(), "run-three");
    let again = edit(&service, &["run-one"], EditAction::Purge);
    assert!(again.results[0].unchanged);
}
