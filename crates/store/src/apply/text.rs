//! Text as databases can keep it: each NUL of free text becomes U+FFFD and is counted.
//!
//! Names were checked when the operation was decoded; free text and params are cleaned here, so
//! that all engines keep the same. Lines and messages of logs are cut here at their limit, too.

use runstone_model::{
    EndReason, LOG_TEXT_BYTES_MAX, SHORT_TEXT_BYTES_MAX, ScalarValue, clean_text, cut_text,
};
use runstone_wire::{LogRecord, OpenRun, OperationKind, ParamSetting};

/// Cleans an operation and says how many characters were replaced.
pub(super) fn clean_operation(kind: &mut OperationKind) -> u64 {
    let count = match kind {
        OperationKind::OpenWriter(open) => [
            &mut open.host,
            &mut open.boot_id,
            &mut open.user,
            &mut open.sdk,
        ]
        .into_iter()
        .map(clean)
        .sum(),
        OperationKind::EndWriter(end) => clean_reason(end.reason.as_mut()),
        OperationKind::OpenRun(open) => clean_open(open),
        OperationKind::SetProperties(set) => {
            clean_optional(&mut set.name) + clean_optional(&mut set.description)
        }
        OperationKind::SetParams(settings) => clean_settings(settings),
        OperationKind::DefineMetric(define) => {
            clean_optional(&mut define.unit) + clean_optional(&mut define.default_x)
        }
        OperationKind::SetScalar(set) => match &mut set.value {
            ScalarValue::String(text) => clean(text),
            _ => 0,
        },
        OperationKind::Lifecycle(lifecycle) => clean_reason(lifecycle.reason.as_mut()),
        OperationKind::LogLines(lines) => {
            let mut count = 0;
            for line in &mut lines.lines {
                count += clean(&mut line.text);
                let cut = cut_text(&mut line.text, LOG_TEXT_BYTES_MAX);
                line.cut_bytes = line.cut_bytes.saturating_add(cut);
            }
            count
        }
        OperationKind::LogRecords(records) => records.iter_mut().map(clean_record).sum(),
        // Documents are JSON, which holds no NUL.
        OperationKind::ObjectPoints(_)
        | OperationKind::RemoveParams(_)
        | OperationKind::ChangeTags(_)
        | OperationKind::DefineSeries(_)
        | OperationKind::Points(_)
        | OperationKind::Remove(_)
        | OperationKind::Rewind { .. }
        | OperationKind::Heartbeat { .. }
        | OperationKind::Completeness(_) => 0,
    };
    count as u64
}

fn clean_record(record: &mut LogRecord) -> usize {
    let mut count = clean(&mut record.message);
    let cut = cut_text(&mut record.message, LOG_TEXT_BYTES_MAX);
    record.cut_bytes = record.cut_bytes.saturating_add(cut);
    // Names are cut without a word: the message is what is told to be whole.
    for (text, bytes_max) in [
        (&mut record.logger, SHORT_TEXT_BYTES_MAX),
        (&mut record.file, LOG_TEXT_BYTES_MAX),
    ] {
        count += clean(text);
        cut_text(text, bytes_max);
    }
    count
}

fn clean_open(open: &mut OpenRun) -> usize {
    let texts: usize = [
        &mut open.name,
        &mut open.description,
        &mut open.group,
        &mut open.job_type,
    ]
    .into_iter()
    .map(clean_optional)
    .sum();
    texts + clean_settings(&mut open.config)
}

fn clean_settings(settings: &mut [ParamSetting]) -> usize {
    settings
        .iter_mut()
        .map(|setting| setting.value.clean())
        .sum()
}

fn clean_reason(reason: Option<&mut EndReason>) -> usize {
    reason.map_or(0, |reason| clean(&mut reason.text))
}

fn clean_optional(text: &mut Option<String>) -> usize {
    text.as_mut().map_or(0, clean)
}

fn clean(text: &mut String) -> usize {
    let (cleaned, count) = clean_text(text);
    if count > 0 {
        *text = cleaned.into_owned();
    }
    count
}
