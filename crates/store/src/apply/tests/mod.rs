//! What the suite can't reach through frames alone: verdicts over their whole domain, and the end
//! of a run that a watchdog has given up.

mod logs;
mod verdicts;

use runstone_model::{
    EndReason, LifecycleEvent, ReasonCode, RunState, StoreIdentity, Timestamp, WorkspaceId,
    WriterEnd, WriterEndKind,
};

use crate::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS};
use crate::memory::MemoryStore;
use crate::{EventRecord, RunRecord, Store};

/// A run whose writer has gone silent, as the watchdog leaves it.
fn lost_run(state: RunState) -> (MemoryStore, FrameBuilder) {
    let store = MemoryStore::new(StoreIdentity {
        store: [1; 16],
        incarnation: [2; 16],
    });
    let mut writer = FrameBuilder::creator("run-a", 1);
    store.append(writer.frame()).unwrap();
    let verdict = Some(EndReason::new(ReasonCode::Lost, ""));
    store.with_rows(|rows| {
        let mut silent = rows.find_writer(writer.writer()).unwrap().unwrap();
        let mut run = rows.read_run(silent.run.unwrap()).unwrap().unwrap();
        let at = Timestamp::from_micros(TEST_EPOCH_MICROS + 7);
        silent.writer.end = Some(WriterEnd {
            kind: WriterEndKind::Lost,
            reason: verdict.clone(),
            at,
        });
        run.run.state = state;
        run.run.reason = verdict.clone();
        rows.put_writer(&silent, true).unwrap();
        rows.put_run(&run, true).unwrap();
    });
    (store, writer)
}

fn read(store: &MemoryStore) -> (RunRecord, EventRecord) {
    let snapshot = store.snapshot().unwrap();
    let run = snapshot.find_run(WorkspaceId::default(), "run-a").unwrap();
    let event = snapshot.read_events(run.key).unwrap().pop().unwrap();
    (run, event)
}

#[test]
fn an_end_reported_by_the_writer_replaces_the_watchdogs() {
    for state in [RunState::Lost, RunState::Failed] {
        let (store, mut writer) = lost_run(state);
        let answer = store.append(writer.close().frame()).unwrap();
        assert!(answer.refusals.is_empty(), "{answer:?}");
        assert_eq!(answer.run_state, Some(RunState::Succeeded));
        let (run, event) = read(&store);
        assert_eq!((run.run.state, run.run.reason), (RunState::Succeeded, None));
        assert_eq!(
            (event.event, event.from),
            (LifecycleEvent::LateEnd, Some(state))
        );
        assert_eq!(event.to, RunState::Succeeded);
    }
}

#[test]
fn a_late_failure_brings_its_own_cause() {
    let (store, mut writer) = lost_run(RunState::Lost);
    store
        .append(writer.fail(ReasonCode::Oom, "killed").frame())
        .unwrap();
    let (run, event) = read(&store);
    assert_eq!(
        run.run.reason,
        Some(EndReason::new(ReasonCode::Oom, "killed"))
    );
    assert_eq!(
        (event.event, event.to),
        (LifecycleEvent::LateEnd, RunState::Failed)
    );
    assert_eq!(event.reason, run.run.reason);
}

#[test]
fn data_of_a_lost_writer_are_taken_and_a_heartbeat_revives_its_run() {
    let (store, mut writer) = lost_run(RunState::Lost);
    let loss = writer.metric("loss");
    let answer = store
        .append(writer.log(loss, [(0.0, 1.0)]).frame())
        .unwrap();
    assert!(answer.refusals.is_empty(), "{answer:?}");
    assert_eq!(answer.run_state, Some(RunState::Lost));
    let at = Timestamp::from_micros(TEST_EPOCH_MICROS + 9);
    writer.push(runstone_wire::OperationKind::Heartbeat { at });
    let answer = store.append(writer.beat()).unwrap();
    assert_eq!(answer.run_state, Some(RunState::Running));
    assert_eq!(read(&store).1.event, LifecycleEvent::Heartbeat);
}
