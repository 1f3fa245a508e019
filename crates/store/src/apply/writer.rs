//! A writer's life: open, heartbeat, counters, end; and the lifecycle of its run.

use runstone_model::{
    Actor, EndReason, LifecycleChange, LifecycleEvent, Timestamp, TransitionError, Writer,
    WriterEnd, WriterEndKind,
};
use runstone_wire::{Completeness, EndKind, EndWriter, Lifecycle, OpenWriter, RefusalCode};

use super::context::{ApplyContext, WarningKind};
use super::frame::{Applying, Outcome, refuse};
use crate::{ChangeKind, EventRecord, StoreError};

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
            return refuse(
                RefusalCode::Conflict,
                "the writer was opened with other properties",
            );
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
        let reported = WriterEnd {
            kind,
            reason: end.reason.clone(),
            at: end.ended_at,
        };
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
        let is_primary = self
            .run
            .as_ref()
            .is_some_and(|run| run.run.primary_writer == Some(id));
        if let Some(event) = kind.run_event().filter(|_| is_primary) {
            // A run that has ended by other means stays as it is; the writer's end is recorded.
            let _ = self.change_state(event, end.reason.as_ref(), end.ended_at)?;
        }
        Ok(())
    }

    /// A sign of life; a lost run comes back by it.
    pub(super) fn heartbeat(&mut self, at: Timestamp) -> Outcome {
        if self.run.is_some() {
            let _ = self.change_state(LifecycleEvent::Heartbeat, None, at)?;
        }
        Ok(())
    }

    pub(super) fn completeness(&mut self, told: &Completeness) -> Outcome {
        let former = self.writer.counters;
        self.writer.counters.raise(told);
        let present = self.writer.counters;
        if present != former {
            self.kinds.insert(ChangeKind::Writers);
        }
        let id = self.writer.writer.id;
        for (number, points) in &told.dropped {
            self.context.raise_dropped(id, *number, *points)?;
        }
        self.warn(
            WarningKind::Dropped,
            present.told_dropped - former.told_dropped,
            format!(
                "writer {id} has dropped {} points for want of room",
                present.told_dropped
            ),
        );
        self.warn(
            WarningKind::Refused,
            present.told_refused - former.told_refused,
            format!(
                "writer {id} has refused {} points itself",
                present.told_refused
            ),
        );
        Ok(())
    }

    pub(super) fn lifecycle(&mut self, lifecycle: &Lifecycle) -> Outcome {
        self.run()?;
        match self.change_state(lifecycle.event, lifecycle.reason.as_ref(), lifecycle.at)? {
            Ok(()) => Ok(()),
            Err(error) => refuse(RefusalCode::Conflict, error.to_string()),
        }
    }

    /// Sends an event of this writer through the transition table and records what it changes.
    /// The inner error: the table forbids it, and nothing was written.
    pub(super) fn change_state(
        &mut self,
        event: LifecycleEvent,
        reason: Option<&EndReason>,
        at: Timestamp,
    ) -> Result<Result<(), TransitionError>, StoreError> {
        let row = self.run.as_mut().expect("callers have a run");
        let strict = row.run.is_in_variation();
        let change = LifecycleChange {
            event,
            actor: Actor::Client,
            reason: reason.cloned(),
            at,
        };
        let done = match row.run.apply(&change, strict) {
            Ok(Some(done)) => done,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        self.run_changed = true;
        self.kinds.insert(ChangeKind::State);
        let run = row.key;
        let writer = self.writer.writer.id;
        let record = EventRecord {
            change: self.change,
            from: Some(done.from),
            to: done.to,
            event: done.event,
            actor: writer.to_string(),
            at,
            reason: done.reason,
            writer: Some(writer),
        };
        self.context.push_event(run, &record)?;
        Ok(Ok(()))
    }
}
