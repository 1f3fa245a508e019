//! Operations that carry text: terminal lines, log records, objects with their documents.
//!
//! Their decoded forms, and the way to protobuf and back. JSON is checked here, once, so that
//! whatever a store holds can be answered as JSON.

use bytes::Bytes;
use runstone_model::{BlobDigest, JsonText, LogLevel, LogStream, Step, Timestamp};

use crate::decode::unsupported;
use crate::params::invalid;
use crate::{OperationError, proto};

/// Numbers of lines end below 2^53, so that JSON holds them exactly.
const LINE_NUMBER_END: u64 = 1 << 53;

/// See [`crate::OperationKind::LogLines`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLines {
    /// Number of the first line in the writer's terminal log; the others follow.
    pub first_line: u64,
    /// The lines. One whose number is there already replaces it.
    pub lines: Vec<LogLine>,
}

/// A line of a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Without its line break.
    pub text: String,
    /// Where it was written to.
    pub stream: LogStream,
    /// The client's clock.
    pub time: Timestamp,
    /// Bytes that were cut off its end.
    pub cut_bytes: u64,
}

/// A record of a logger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// How grave it is.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
    /// The client's clock.
    pub time: Timestamp,
    /// Name of the logger; may be empty.
    pub logger: String,
    /// Source file and line it was written at; an empty file is not known.
    pub file: String,
    /// See `file`.
    pub source_line: u32,
    /// Extra arguments.
    pub extra: Option<JsonText>,
    /// Bytes that were cut off the end of the message.
    pub cut_bytes: u64,
}

/// See [`crate::OperationKind::ObjectPoints`]: all objects that one call gave for one step.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectPoints {
    /// Number of the series, as the writer has defined it.
    pub number: u32,
    /// The step, or the ordinal of an auto step.
    pub step: Step,
    /// The client's clock.
    pub time: Timestamp,
    /// Epoch, if the call gave one.
    pub epoch: Option<f64>,
    /// The objects, in the order of their index within the step.
    pub objects: Vec<ObjectDocument>,
}

/// One object: what it is, and the blobs that hold its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectDocument {
    /// What it is, as JSON.
    pub document: JsonText,
    /// Blobs that it refers to.
    pub digests: Vec<BlobDigest>,
}

pub(crate) fn lines_to_proto(lines: &LogLines) -> proto::LogLines {
    let stream = |stream: LogStream| match stream {
        LogStream::Stdout => proto::LogStream::Stdout,
        LogStream::Stderr => proto::LogStream::Stderr,
    };
    let line = |line: &LogLine| proto::LogLine {
        text: line.text.clone(),
        stream: stream(line.stream).into(),
        time_micros: line.time.as_micros(),
        cut_bytes: line.cut_bytes,
    };
    proto::LogLines {
        first_line: lines.first_line,
        lines: lines.lines.iter().map(line).collect(),
    }
}

pub(crate) fn lines_from_proto(lines: proto::LogLines) -> Result<LogLines, OperationError> {
    let end = lines.first_line.saturating_add(lines.lines.len() as u64);
    if end > LINE_NUMBER_END {
        return Err(invalid(format!(
            "line number {end} is past 2^53, hint: count lines from 0"
        )));
    }
    let line = |line: proto::LogLine| {
        let stream = match proto::LogStream::try_from(line.stream) {
            Ok(proto::LogStream::Stdout) => LogStream::Stdout,
            Ok(proto::LogStream::Stderr) => LogStream::Stderr,
            Err(_) => return Err(unsupported("stream", line.stream)),
        };
        Ok(LogLine {
            text: line.text,
            stream,
            time: Timestamp::from_micros(line.time_micros),
            cut_bytes: line.cut_bytes,
        })
    };
    Ok(LogLines {
        first_line: lines.first_line,
        lines: lines
            .lines
            .into_iter()
            .map(line)
            .collect::<Result<_, _>>()?,
    })
}

pub(crate) fn records_to_proto(records: &[LogRecord]) -> proto::LogRecords {
    let record = |record: &LogRecord| proto::LogRecord {
        level: record.level.0,
        message: record.message.clone(),
        time_micros: record.time.as_micros(),
        logger: record.logger.clone(),
        file: record.file.clone(),
        source_line: record.source_line,
        extra: record
            .extra
            .as_ref()
            .map(|extra| extra.as_str().to_owned())
            .unwrap_or_default(),
        cut_bytes: record.cut_bytes,
    };
    proto::LogRecords {
        records: records.iter().map(record).collect(),
    }
}

pub(crate) fn records_from_proto(
    records: proto::LogRecords,
) -> Result<Vec<LogRecord>, OperationError> {
    let record = |record: proto::LogRecord| {
        let extra = if record.extra.is_empty() {
            None
        } else {
            Some(JsonText::new(record.extra).map_err(invalid)?)
        };
        Ok(LogRecord {
            level: LogLevel(record.level),
            message: record.message,
            time: Timestamp::from_micros(record.time_micros),
            logger: record.logger,
            file: record.file,
            source_line: record.source_line,
            extra,
            cut_bytes: record.cut_bytes,
        })
    };
    records.records.into_iter().map(record).collect()
}

pub(crate) fn objects_to_proto(objects: &ObjectPoints) -> proto::ObjectPoints {
    let object = |object: &ObjectDocument| proto::ObjectPoint {
        document: object.document.as_str().to_owned(),
        digests: object
            .digests
            .iter()
            .map(|digest| Bytes::copy_from_slice(digest.as_bytes()))
            .collect(),
    };
    proto::ObjectPoints {
        series: objects.number,
        step: objects.step.get(),
        time_micros: objects.time.as_micros(),
        epoch: objects.epoch,
        objects: objects.objects.iter().map(object).collect(),
    }
}

pub(crate) fn objects_from_proto(
    objects: proto::ObjectPoints,
) -> Result<ObjectPoints, OperationError> {
    let digest = |bytes: Bytes| {
        let bytes: [u8; 32] = bytes
            .as_ref()
            .try_into()
            .map_err(|_| invalid(format!("a digest needs 32 bytes, has {}", bytes.len())))?;
        Ok(BlobDigest::new(bytes))
    };
    let object = |object: proto::ObjectPoint| {
        Ok(ObjectDocument {
            document: JsonText::new(object.document).map_err(invalid)?,
            digests: object
                .digests
                .into_iter()
                .map(digest)
                .collect::<Result<_, _>>()?,
        })
    };
    Ok(ObjectPoints {
        number: objects.series,
        step: Step::new(objects.step).map_err(invalid)?,
        time: Timestamp::from_micros(objects.time_micros),
        // NaN is how absence is kept.
        epoch: objects.epoch.filter(|epoch| !epoch.is_nan()),
        objects: objects
            .objects
            .into_iter()
            .map(object)
            .collect::<Result<_, _>>()?,
    })
}
