//! Protobuf messages to operations in the model's words: where names, paths and steps are checked.

use bytes::Bytes;
use prost::Message;
use runstone_model::{
    Context, EndReason, ExperimentName, Goal, MetricName, ReasonCode, RunId, SeriesKey, SeriesKind,
    Step, TagName, Timestamp, ValueType, WriterId,
};

use crate::operation::{
    ChangeTags, Completeness, DefineMetric, DefineSeries, EndKind, EndWriter, IfPresent, Lifecycle,
    OpenMode, OpenRun, OpenWriter, Operation, OperationKind, Remove, SetProperties, SetScalar,
};
use crate::params::{invalid, path_from_keys, scalar_from_proto, setting_from_proto, undecodable};
use crate::proto::operation::Kind;
use crate::texts;
use crate::{OPERATION_BYTES_MAX, OperationError, RefusalCode, proto};

/// Series numbers fit into the 24 bits that a spool slot has for them.
const SERIES_NUMBER_MAX: u32 = (1 << 24) - 1;

pub(crate) fn operation_from_bytes(bytes: &Bytes) -> Result<Operation, OperationError> {
    if bytes.len() > OPERATION_BYTES_MAX {
        return Err(OperationError {
            code: RefusalCode::TooLarge,
            reason: format!(
                "the operation has {} bytes, the limit is {OPERATION_BYTES_MAX}",
                bytes.len()
            ),
        });
    }
    let operation = proto::Operation::decode(bytes.clone()).map_err(|error| undecodable(&error))?;
    let if_present = match proto::IfPresent::try_from(operation.if_present) {
        Ok(proto::IfPresent::Apply) => IfPresent::Apply,
        Ok(proto::IfPresent::Refuse) => IfPresent::Refuse,
        Err(_) => return Err(unsupported("if_present", operation.if_present)),
    };
    let kind = operation.kind.ok_or_else(|| OperationError {
        code: RefusalCode::Unsupported,
        reason: "this kind of operation is not known here, hint: upgrade the server".to_owned(),
    })?;
    Ok(Operation {
        if_present,
        kind: kind_from_proto(kind)?,
    })
}

fn kind_from_proto(kind: Kind) -> Result<OperationKind, OperationError> {
    Ok(match kind {
        Kind::OpenWriter(open) => OperationKind::OpenWriter(open_writer(open)?),
        Kind::EndWriter(end) => OperationKind::EndWriter(end_writer(end)?),
        Kind::OpenRun(open) => OperationKind::OpenRun(open_run(open)?),
        Kind::SetProperties(set) => OperationKind::SetProperties(SetProperties {
            name: set.name,
            description: set.description,
            experiment: set.experiment.map(experiment_name).transpose()?,
            archived: set.archived,
        }),
        Kind::SetParams(set) => OperationKind::SetParams(
            set.params
                .into_iter()
                .map(setting_from_proto)
                .collect::<Result<_, _>>()?,
        ),
        Kind::RemoveParams(remove) => OperationKind::RemoveParams(
            remove
                .paths
                .into_iter()
                .map(|path| path_from_keys(path.path))
                .collect::<Result<_, _>>()?,
        ),
        Kind::ChangeTags(change) => OperationKind::ChangeTags(ChangeTags {
            add: tag_names(change.add)?,
            remove: tag_names(change.remove)?,
        }),
        Kind::DefineSeries(define) => OperationKind::DefineSeries(define_series(define)?),
        Kind::DefineMetric(define) => OperationKind::DefineMetric(define_metric(define)?),
        Kind::Points(points) => OperationKind::Points(points.pack),
        Kind::SetScalar(set) => OperationKind::SetScalar(SetScalar {
            name: metric_name(set.name)?,
            value: scalar_from_proto(set.value)?,
            time: Timestamp::from_micros(set.time_micros),
        }),
        Kind::Remove(remove) => OperationKind::Remove(remove_from_proto(remove)?),
        Kind::Rewind(rewind) => OperationKind::Rewind {
            to_step: step(rewind.to_step)?,
        },
        Kind::Lifecycle(lifecycle) => OperationKind::Lifecycle(Lifecycle {
            event: lifecycle
                .event
                .parse()
                .map_err(|_| unsupported("event", &lifecycle.event))?,
            reason: reason(&lifecycle.reason_code, lifecycle.reason_text)?,
            at: Timestamp::from_micros(lifecycle.at_micros),
        }),
        Kind::Heartbeat(heartbeat) => OperationKind::Heartbeat {
            at: Timestamp::from_micros(heartbeat.at_micros),
        },
        Kind::Completeness(counters) => OperationKind::Completeness(Completeness {
            logged_points: counters.logged_points,
            dropped_points: counters.dropped_points,
            refused_points: counters.refused_points,
            dropped: counters
                .dropped
                .into_iter()
                .map(|dropped| (dropped.number, dropped.points))
                .collect(),
        }),
        Kind::ObjectPoints(objects) => {
            OperationKind::ObjectPoints(texts::objects_from_proto(objects)?)
        }
        Kind::LogLines(lines) => OperationKind::LogLines(texts::lines_from_proto(lines)?),
        Kind::LogRecords(records) => OperationKind::LogRecords(texts::records_from_proto(records)?),
    })
}

fn open_writer(open: proto::OpenWriter) -> Result<OpenWriter, OperationError> {
    let parent_writer = if open.parent_writer.is_empty() {
        None
    } else {
        let bytes: [u8; 16] = open
            .parent_writer
            .as_ref()
            .try_into()
            .map_err(|_| invalid("parent_writer needs 16 bytes"))?;
        Some(WriterId::new(bytes))
    };
    Ok(OpenWriter {
        host: open.host,
        boot_id: open.boot_id,
        pid: open.pid,
        rank: open.rank,
        user: open.user,
        sdk: open.sdk,
        opened_at: Timestamp::from_micros(open.opened_at_micros),
        primary: open.primary,
        parent_writer,
        lease_seconds: open.lease_seconds,
    })
}

fn end_writer(end: proto::EndWriter) -> Result<EndWriter, OperationError> {
    let kind = match end.kind() {
        proto::EndKind::Closed => EndKind::Closed,
        proto::EndKind::Failed => EndKind::Failed,
        proto::EndKind::Lost => EndKind::Lost,
        proto::EndKind::Unspecified => return Err(unsupported("end kind", end.kind)),
    };
    Ok(EndWriter {
        kind,
        reason: reason(&end.reason_code, end.reason_text)?,
        ended_at: Timestamp::from_micros(end.ended_at_micros),
    })
}

fn reason(code: &str, text: String) -> Result<Option<EndReason>, OperationError> {
    if code.is_empty() {
        return Ok(None);
    }
    let code: ReasonCode = code.parse().map_err(|_| unsupported("reason code", code))?;
    Ok(Some(EndReason { code, text }))
}

fn open_run(open: proto::OpenRun) -> Result<OpenRun, OperationError> {
    let mode = match open.mode() {
        proto::OpenMode::Create => OpenMode::Create,
        proto::OpenMode::ResumeOrCreate => OpenMode::ResumeOrCreate,
        proto::OpenMode::Resume => OpenMode::Resume,
        proto::OpenMode::Attach => OpenMode::Attach,
        proto::OpenMode::Unspecified => return Err(unsupported("open mode", open.mode)),
    };
    let parent = match (open.parent, open.fork_step) {
        (None, None) => None,
        (Some(parent), Some(fork_step)) => Some((run_id(parent)?, step(fork_step)?)),
        _ => return Err(invalid("a fork needs both its parent and its step")),
    };
    let experiment = if open.experiment.is_empty() {
        None
    } else {
        Some(experiment_name(open.experiment)?)
    };
    Ok(OpenRun {
        mode,
        experiment,
        name: open.name,
        description: open.description,
        group: open.group,
        job_type: open.job_type,
        seed: open.seed,
        rerun_of: open.rerun_of.map(run_id).transpose()?,
        created_at: Timestamp::from_micros(open.created_at_micros),
        tags: tag_names(open.tags)?,
        config: open
            .config
            .into_iter()
            .map(setting_from_proto)
            .collect::<Result<_, _>>()?,
        parent,
    })
}

fn define_series(define: proto::DefineSeries) -> Result<DefineSeries, OperationError> {
    if define.number == 0 || define.number > SERIES_NUMBER_MAX {
        return Err(invalid(format!(
            "series number {} is not between 1 and {SERIES_NUMBER_MAX}",
            define.number
        )));
    }
    let value_type = match proto::ValueType::try_from(define.value_type) {
        Ok(proto::ValueType::F64) => ValueType::F64,
        Ok(proto::ValueType::F32) => ValueType::F32,
        Ok(proto::ValueType::I64) => ValueType::I64,
        Ok(proto::ValueType::Bool) => ValueType::Bool,
        Ok(proto::ValueType::String) => ValueType::String,
        Err(_) => return Err(unsupported("value type", define.value_type)),
    };
    Ok(DefineSeries {
        number: define.number,
        key: series_key(define.name, &define.context, define.kind)?,
        value_type,
        auto_step: define.auto_step,
    })
}

fn series_key(name: String, context: &str, kind: i32) -> Result<SeriesKey, OperationError> {
    let kind = u8::try_from(kind)
        .ok()
        .and_then(SeriesKind::from_u8)
        .ok_or_else(|| unsupported("series kind", kind))?;
    let context = if context.is_empty() {
        Context::empty()
    } else {
        Context::parse(context).map_err(invalid)?
    };
    Ok(SeriesKey {
        name: metric_name(name)?,
        context,
        kind,
    })
}

fn define_metric(define: proto::DefineMetric) -> Result<DefineMetric, OperationError> {
    let goal = match proto::Goal::try_from(define.goal) {
        Ok(proto::Goal::Unspecified) => None,
        Ok(proto::Goal::Min) => Some(Goal::Min),
        Ok(proto::Goal::Max) => Some(Goal::Max),
        Err(_) => return Err(unsupported("goal", define.goal)),
    };
    Ok(DefineMetric {
        name: metric_name(define.name)?,
        goal,
        unit: define.unit,
        default_x: define.default_x,
    })
}

fn remove_from_proto(remove: proto::Remove) -> Result<Remove, OperationError> {
    let series = match remove.target {
        Some(proto::remove::Target::All(true)) => None,
        Some(proto::remove::Target::Series(target)) => {
            Some(series_key(target.name, &target.context, target.kind)?)
        }
        _ => return Err(invalid("a removal needs a target: one series, or all")),
    };
    Ok(Remove {
        series,
        step: remove.step.map(step).transpose()?,
    })
}

fn step(value: f64) -> Result<Step, OperationError> {
    Step::new(value).map_err(invalid)
}

fn run_id(id: String) -> Result<RunId, OperationError> {
    RunId::new(id).map_err(invalid)
}

fn metric_name(name: String) -> Result<MetricName, OperationError> {
    MetricName::new(name).map_err(invalid)
}

fn experiment_name(name: String) -> Result<ExperimentName, OperationError> {
    ExperimentName::new(name).map_err(invalid)
}

fn tag_names(tags: Vec<String>) -> Result<Vec<TagName>, OperationError> {
    tags.into_iter()
        .map(|tag| TagName::new(tag).map_err(invalid))
        .collect()
}

pub(crate) fn unsupported(what: &str, value: impl std::fmt::Display) -> OperationError {
    OperationError {
        code: RefusalCode::Unsupported,
        reason: format!("{what} {value} is not known here, hint: upgrade the server"),
    }
}
