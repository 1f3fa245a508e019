//! Operations of the model's words to protobuf messages.

use bytes::Bytes;
use runstone_model::{EndReason, Goal, SeriesKind, ValueType};

use crate::operation::{
    ChangeTags, Completeness, DefineMetric, DefineSeries, EndKind, EndWriter, IfPresent, Lifecycle,
    OpenMode, OpenRun, OpenWriter, Operation, OperationKind, Remove, SetProperties, SetScalar,
};
use crate::params::{scalar_to_proto, setting_to_proto};
use crate::proto::operation::Kind;
use crate::{proto, texts};

pub(crate) fn operation_to_proto(operation: &Operation) -> proto::Operation {
    let if_present = match operation.if_present {
        IfPresent::Apply => proto::IfPresent::Apply,
        IfPresent::Refuse => proto::IfPresent::Refuse,
    };
    proto::Operation {
        if_present: if_present.into(),
        kind: Some(kind_to_proto(&operation.kind)),
    }
}

fn kind_to_proto(kind: &OperationKind) -> Kind {
    match kind {
        OperationKind::OpenWriter(open) => Kind::OpenWriter(open_writer(open)),
        OperationKind::EndWriter(end) => Kind::EndWriter(end_writer(end)),
        OperationKind::OpenRun(open) => Kind::OpenRun(open_run(open)),
        OperationKind::SetProperties(set) => Kind::SetProperties(set_properties(set)),
        OperationKind::SetParams(settings) => Kind::SetParams(proto::SetParams {
            params: settings.iter().map(setting_to_proto).collect(),
        }),
        OperationKind::RemoveParams(paths) => Kind::RemoveParams(proto::RemoveParams {
            paths: paths
                .iter()
                .map(|path| proto::ParamPath {
                    path: path.keys().to_vec(),
                })
                .collect(),
        }),
        OperationKind::ChangeTags(change) => Kind::ChangeTags(change_tags(change)),
        OperationKind::DefineSeries(define) => Kind::DefineSeries(define_series(define)),
        OperationKind::DefineMetric(define) => Kind::DefineMetric(define_metric(define)),
        OperationKind::Points(pack) => Kind::Points(proto::Points { pack: pack.clone() }),
        OperationKind::SetScalar(set) => Kind::SetScalar(set_scalar(set)),
        OperationKind::Remove(remove) => Kind::Remove(remove_to_proto(remove)),
        OperationKind::Rewind { to_step } => Kind::Rewind(proto::Rewind {
            to_step: to_step.get(),
        }),
        OperationKind::Lifecycle(lifecycle) => Kind::Lifecycle(lifecycle_to_proto(lifecycle)),
        OperationKind::Heartbeat { at } => Kind::Heartbeat(proto::Heartbeat {
            at_micros: at.as_micros(),
        }),
        OperationKind::Completeness(counters) => Kind::Completeness(completeness(counters)),
        OperationKind::ObjectPoints(objects) => {
            Kind::ObjectPoints(texts::objects_to_proto(objects))
        }
        OperationKind::LogLines(lines) => Kind::LogLines(texts::lines_to_proto(lines)),
        OperationKind::LogRecords(records) => Kind::LogRecords(texts::records_to_proto(records)),
    }
}

fn open_writer(open: &OpenWriter) -> proto::OpenWriter {
    proto::OpenWriter {
        host: open.host.clone(),
        boot_id: open.boot_id.clone(),
        pid: open.pid,
        rank: open.rank,
        user: open.user.clone(),
        sdk: open.sdk.clone(),
        opened_at_micros: open.opened_at.as_micros(),
        primary: open.primary,
        parent_writer: open.parent_writer.map_or_else(Bytes::new, |writer| {
            Bytes::copy_from_slice(writer.as_bytes())
        }),
        lease_seconds: open.lease_seconds,
    }
}

fn end_writer(end: &EndWriter) -> proto::EndWriter {
    let kind = match end.kind {
        EndKind::Closed => proto::EndKind::Closed,
        EndKind::Failed => proto::EndKind::Failed,
        EndKind::Lost => proto::EndKind::Lost,
    };
    let (reason_code, reason_text) = reason(end.reason.as_ref());
    proto::EndWriter {
        kind: kind.into(),
        reason_code,
        reason_text,
        ended_at_micros: end.ended_at.as_micros(),
    }
}

fn reason(reason: Option<&EndReason>) -> (String, String) {
    reason.map_or_else(Default::default, |reason| {
        (reason.code.to_string(), reason.text.clone())
    })
}

fn open_run(open: &OpenRun) -> proto::OpenRun {
    let mode = match open.mode {
        OpenMode::Create => proto::OpenMode::Create,
        OpenMode::ResumeOrCreate => proto::OpenMode::ResumeOrCreate,
        OpenMode::Resume => proto::OpenMode::Resume,
        OpenMode::Attach => proto::OpenMode::Attach,
    };
    proto::OpenRun {
        mode: mode.into(),
        experiment: open
            .experiment
            .as_ref()
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default(),
        name: open.name.clone(),
        description: open.description.clone(),
        group: open.group.clone(),
        job_type: open.job_type.clone(),
        seed: open.seed,
        rerun_of: open.rerun_of.as_ref().map(|run| run.as_str().to_owned()),
        created_at_micros: open.created_at.as_micros(),
        tags: open
            .tags
            .iter()
            .map(|tag| tag.as_str().to_owned())
            .collect(),
        config: open.config.iter().map(setting_to_proto).collect(),
        parent: open.parent.as_ref().map(|(run, _)| run.as_str().to_owned()),
        fork_step: open.parent.as_ref().map(|(_, step)| step.get()),
    }
}

fn set_properties(set: &SetProperties) -> proto::SetProperties {
    proto::SetProperties {
        name: set.name.clone(),
        description: set.description.clone(),
        experiment: set.experiment.as_ref().map(|name| name.as_str().to_owned()),
        archived: set.archived,
    }
}

fn change_tags(change: &ChangeTags) -> proto::ChangeTags {
    proto::ChangeTags {
        add: change
            .add
            .iter()
            .map(|tag| tag.as_str().to_owned())
            .collect(),
        remove: change
            .remove
            .iter()
            .map(|tag| tag.as_str().to_owned())
            .collect(),
    }
}

/// The numbers of the model and of the wire are the same.
fn kind_of_series(kind: SeriesKind) -> i32 {
    i32::from(kind.as_u8())
}

fn define_series(define: &DefineSeries) -> proto::DefineSeries {
    let value_type = match define.value_type {
        ValueType::F64 => proto::ValueType::F64,
        ValueType::F32 => proto::ValueType::F32,
        ValueType::I64 => proto::ValueType::I64,
        ValueType::Bool => proto::ValueType::Bool,
        ValueType::String => proto::ValueType::String,
    };
    proto::DefineSeries {
        number: define.number,
        name: define.key.name.as_str().to_owned(),
        context: context_text(define.key.context.as_str()),
        kind: kind_of_series(define.key.kind),
        value_type: value_type.into(),
        auto_step: define.auto_step,
    }
}

/// The empty context is the empty text: nothing travels for it.
fn context_text(canonical: &str) -> String {
    if canonical == "{}" {
        String::new()
    } else {
        canonical.to_owned()
    }
}

fn define_metric(define: &DefineMetric) -> proto::DefineMetric {
    let goal = match define.goal {
        None => proto::Goal::Unspecified,
        Some(Goal::Min) => proto::Goal::Min,
        Some(Goal::Max) => proto::Goal::Max,
    };
    proto::DefineMetric {
        name: define.name.as_str().to_owned(),
        goal: goal.into(),
        unit: define.unit.clone(),
        default_x: define.default_x.clone(),
    }
}

fn set_scalar(set: &SetScalar) -> proto::SetScalar {
    proto::SetScalar {
        name: set.name.as_str().to_owned(),
        value: Some(scalar_to_proto(&set.value)),
        time_micros: set.time.as_micros(),
    }
}

fn remove_to_proto(remove: &Remove) -> proto::Remove {
    let target = remove
        .series
        .as_ref()
        .map_or(proto::remove::Target::All(true), |key| {
            proto::remove::Target::Series(proto::SeriesTarget {
                name: key.name.as_str().to_owned(),
                context: context_text(key.context.as_str()),
                kind: kind_of_series(key.kind),
            })
        });
    proto::Remove {
        target: Some(target),
        step: remove.step.map(|step| step.get()),
    }
}

fn lifecycle_to_proto(lifecycle: &Lifecycle) -> proto::Lifecycle {
    let (reason_code, reason_text) = reason(lifecycle.reason.as_ref());
    proto::Lifecycle {
        event: lifecycle.event.to_string(),
        reason_code,
        reason_text,
        at_micros: lifecycle.at.as_micros(),
    }
}

fn completeness(counters: &Completeness) -> proto::Completeness {
    proto::Completeness {
        logged_points: counters.logged_points,
        dropped_points: counters.dropped_points,
        refused_points: counters.refused_points,
        dropped: counters
            .dropped
            .iter()
            .map(|&(number, points)| proto::DroppedSeries { number, points })
            .collect(),
    }
}
