//! A writer's life: open, heartbeat, counters, end; and the lifecycle of its run.

use runstone_model::{
    Actor, EndReason, LifecycleEvent, RunState, Timestamp, Writer, WriterEnd, WriterEndKind,
    transition,
};
use runstone_wire::{
    Completeness, EndKind, EndWriter, Lifecycle, OpenWriter, RefusalCode,
};

use super::context::{ApplyContext, WarningKind};
use super::frame::{Applying, Outcome, refuse};
use crate::{EventRecord, StoreError};

impl<C: ApplyContext> Applying<'_, C> {
    pub(super) fn open_writer(&mut self, open: &OpenWriter) -> Outcome {
        let opened = Writer {
            id: self.writer.writer.id,
            host: open.host.clone(),
            boot_id: open.boot_id.clone(),
            pid: open.pid,
            rank: open.rank,
            user: open.user.clone(),
            sdk: open.sdk.clone(),
            opened_at: open.opened_at,
            primary: open.primary,
            parent: open.parent_writer,
            lease_seconds: open.lease_seconds,
            end: self.writer.writer.end.clone(),
        };
        if self.writer.opened {
            // A base frame says everything again.
            if self.writer.writer == opened {
                return Ok(());
            }
            return refuse(RefusalCode::Conflict, "the writer was opened with other properties");
        }
        self.writer.writer = opened;
        self.writer.opened = true;
        self.writer_changed = true;
        Ok(())
    }

    /// The writer's own end. It replaces one that a watchdog inferred, and a repeat changes
    /// nothing.
    pub(super) fn end_writer(&mut self, end: &EndWriter) -> Outcome {
        let kind = match end.kind {
            EndKind::Closed => WriterEndKind::Closed,
            EndKind::Failed => WriterEndKind::Failed,
            EndKind::Lost => {
                return refuse(
                    RefusalCode::Invalid,
                    "a writer can't report itself lost, hint: end it as closed or failed",
                );
            }
        };
        let reported = WriterEnd { kind, reason: end.reason.clone(), at: end.ended_at };
        match &self.writer.writer.end {
            Some(former) if *former == reported => return Ok(()),
            Some(former) if former.kind != WriterEndKind::Lost => {
                return refuse(RefusalCode::Conflict, "the writer has ended already");
            }
            _ => {}
        }
        let id = self.writer.writer.id;
        self.writer.writer.end = Some(reported);
        self.writer_changed = true;
        let Some(run) = &self.run else { return Ok(()) };
        if run.run.primary_writer != Some(id) {
            return Ok(());
        }
        let event = match (run.run.state, end.kind) {
            (RunState::Lost, _) => LifecycleEvent::LateEnd,
            (_, EndKind::Closed) => LifecycleEvent::Succeed,
            _ => LifecycleEvent::Fail,
        };
        // A run that has ended by other means stays as it is; the writer's end is recorded.
        self.change_state(event, end.reason.as_ref(), end.ended_at)?;
        Ok(())
    }

    pub(super) fn heartbeat(&mut self, at: Timestamp) -> Outcome {
        if self.run.is_some() {
            self.change_state(LifecycleEvent::Heartbeat, None, at)?;
        }
        Ok(())
    }

    pub(super) fn completeness(&mut self, told: &Completeness) -> Outcome {
        let former = self.writer.counters;
        self.writer.counters.raise(told);
        let present = self.writer.counters;
        let id = self.writer.writer.id;
        for (number, points) in &told.dropped {
            self.context.raise_dropped(id, *number, *points)?;
        }
        self.warn(
            WarningKind::Dropped,
            present.told_dropped - former.told_dropped,
            format!("writer {id} has dropped {} points for want of room", present.told_dropped),
        );
        self.warn(
            WarningKind::Refused,
            present.told_refused - former.told_refused,
            format!("writer {id} has refused {} points itself", present.told_refused),
        );
        Ok(())
    }

    pub(super) fn lifecycle(&mut self, lifecycle: &Lifecycle) -> Outcome {
        let state = self.run()?.run.state;
        let known = self.change_state(lifecycle.event, lifecycle.reason.as_ref(), lifecycle.at)?;
        if known {
            return Ok(());
        }
        refuse(
            RefusalCode::Conflict,
            format!("event {} can't happen to a run that is {state}", lifecycle.event),
        )
    }

    /// Sends an event of this writer through the transition table and records what it changes.
    /// Returns false if the table forbids it; nothing was written then.
    pub(super) fn change_state(
        &mut self,
        event: LifecycleEvent,
        reason: Option<&EndReason>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let run = self.run.as_mut().expect("callers have a run");
        let strict = run.run.variation.is_some();
        let from = run.run.state;
        let Ok(target) = transition(Some(from), event, Actor::Client, strict, reason) else {
            return Ok(false);
        };
        let Some(to) = target else { return Ok(true) };
        run.run.state = to;
        if to.is_ended() {
            run.run.ended_at = Some(at);
            run.run.reason = reason.cloned();
        } else {
            run.run.ended_at = None;
            run.run.reason = None;
        }
        if to == RunState::Running {
            run.run.started_at = run.run.started_at.or(Some(at));
        }
        let run = run.key;
        self.run_changed = true;
        self.push_event(run, Some(from), to, event, reason, at)?;
        Ok(true)
    }

    pub(super) fn push_event(
        &mut self,
        run: runstone_model::RunKey,
        from: Option<RunState>,
        to: RunState,
        event: LifecycleEvent,
        reason: Option<&EndReason>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let writer = self.writer.writer.id;
        let record = EventRecord {
            change: self.change,
            from,
            to,
            event,
            actor: writer.to_string(),
            at,
            reason: reason.cloned(),
            writer: Some(writer),
        };
        self.context.push_event(run, &record)
    }
}
