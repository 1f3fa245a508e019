//! Calls that log text: terminal lines, log records, objects.
//!
//! Each writes one operation into the spool and returns. On a full disk they are dropped as points
//! are, and leave the reserve to what must not get lost. Capturing a terminal is others' business:
//! who captures numbers the lines itself ([`Run::log_lines`]), because a line that is drawn over,
//! as a progress bar, keeps its number.

use std::sync::atomic::Ordering;

use runstone_model::{
    BlobDigest, Context, JsonText, LOG_TEXT_BYTES_MAX, LogLevel, LogStream, SeriesKind, Step,
    Timestamp, cut_text,
};
use runstone_wire::{LogLine, LogLines, LogRecord, ObjectDocument, ObjectPoints, OperationKind};

use super::settings::now_micros;
use super::writer::PHASE_RUNNING;
use super::{At, Run, RunWriter};
use crate::error::ClientError;

/// Lines of one operation at most.
const LINES_MAX: usize = 4_096;
/// Bytes of text of one operation, about.
const TEXT_BYTES: usize = 512 << 10;

/// A record to log: a level, a message, and what else is known.
///
/// ```
/// use runstone_client::{LogLevel, Record};
/// let record = Record::new(LogLevel::WARNING, "the learning rate was reduced")
///     .logger("train")
///     .source("train.py", 17);
/// ```
#[derive(Debug, Clone)]
pub struct Record<'a> {
    level: LogLevel,
    message: &'a str,
    logger: &'a str,
    source: (&'a str, u32),
    extra: Option<&'a str>,
    time_micros: Option<i64>,
}

impl<'a> Record<'a> {
    /// A record of this moment.
    #[must_use]
    pub fn new(level: LogLevel, message: &'a str) -> Self {
        Self {
            level,
            message,
            logger: "",
            source: ("", 0),
            extra: None,
            time_micros: None,
        }
    }

    /// The name of the logger.
    #[must_use]
    pub fn logger(mut self, name: &'a str) -> Self {
        self.logger = name;
        self
    }

    /// Source file and line.
    #[must_use]
    pub fn source(mut self, file: &'a str, line: u32) -> Self {
        self.source = (file, line);
        self
    }

    /// Extra arguments as JSON, at most 64 KiB.
    #[must_use]
    pub fn extra(mut self, json: &'a str) -> Self {
        self.extra = Some(json);
        self
    }

    /// Another time than this moment, in microseconds UTC.
    #[must_use]
    pub fn at_time(mut self, micros: i64) -> Self {
        self.time_micros = Some(micros);
        self
    }
}

/// An object to track: a JSON document, and the digests of the blobs that it refers to.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    /// What it is, as JSON, at most 1 MiB.
    pub document: &'a str,
    /// Blobs that it refers to.
    pub digests: &'a [BlobDigest],
}

impl Run {
    /// Logs one terminal line and numbers it. Longer than 64 KiB it is cut.
    ///
    /// # Errors
    /// If strict: `Conflict` on a closed or read-only run, `Unavailable` without room.
    pub fn log_line(&self, stream: LogStream, text: &str) -> Result<(), ClientError> {
        let line = LogLine {
            text: text.to_owned(),
            stream,
            time: Timestamp::from_micros(now_micros()),
            cut_bytes: 0,
        };
        self.log_operation(|writer| {
            let first_line = writer.next_line.fetch_add(1, Ordering::AcqRel);
            push_lines(writer, first_line, vec![line])
        })
    }

    /// Logs terminal lines that the caller numbers, from `first_line` on. A line whose number was
    /// logged before by this process replaces it. Each comes with its stream and time.
    ///
    /// # Errors
    /// As [`Self::log_line`].
    pub fn log_lines(&self, first_line: u64, lines: Vec<LogLine>) -> Result<(), ClientError> {
        self.log_operation(|writer| {
            let end = first_line.saturating_add(lines.len() as u64);
            writer.next_line.fetch_max(end, Ordering::AcqRel);
            let mut first = first_line;
            let mut part = Vec::new();
            let mut bytes = 0;
            for line in lines {
                if part.len() == LINES_MAX || (bytes > 0 && bytes + line.text.len() > TEXT_BYTES) {
                    let count = part.len() as u64;
                    push_lines(writer, first, std::mem::take(&mut part))?;
                    first += count;
                    bytes = 0;
                }
                bytes += line.text.len();
                part.push(line);
            }
            push_lines(writer, first, part)
        })
    }

    /// Logs a record. A message longer than 64 KiB is cut.
    ///
    /// # Errors
    /// As [`Self::log_line`]; `Invalid` for extra arguments that are no JSON or too long.
    pub fn log_record(&self, record: &Record<'_>) -> Result<(), ClientError> {
        let made = || {
            let extra = record.extra.map(JsonText::new).transpose()?;
            let length = extra.as_ref().map_or(0, |extra| extra.as_str().len());
            if length > LOG_TEXT_BYTES_MAX {
                return Err(ClientError::Invalid(format!(
                    "the extra arguments of a log record have {length} bytes, the limit is \
                     {LOG_TEXT_BYTES_MAX}; hint: track them as an object"
                )));
            }
            let mut message = record.message.to_owned();
            let cut_bytes = cut_text(&mut message, LOG_TEXT_BYTES_MAX);
            Ok(LogRecord {
                level: record.level,
                message,
                time: Timestamp::from_micros(record.time_micros.unwrap_or_else(now_micros)),
                logger: record.logger.to_owned(),
                file: record.source.0.to_owned(),
                source_line: record.source.1,
                extra,
                cut_bytes,
            })
        };
        match made() {
            Ok(record) => self
                .log_operation(|writer| writer.push_text(OperationKind::LogRecords(vec![record]))),
            Err(error) => self.tolerate(Err(error)),
        }
    }

    /// Tracks objects of one kind at a step: all of this call together. A later call at the same
    /// step replaces them.
    ///
    /// # Errors
    /// As [`Self::log_line`]; `Invalid` for a name, kind, step or document that cannot be.
    pub fn track_objects<'a>(
        &self,
        name: &str,
        kind: SeriesKind,
        objects: &[Object<'_>],
        at: impl Into<At<'a>>,
    ) -> Result<(), ClientError> {
        let at = at.into();
        let made = || {
            if objects.is_empty() {
                return Err(ClientError::Invalid(
                    "there is no object to track; hint: pass one at least".to_owned(),
                ));
            }
            let step = at.step.map(Step::new).transpose()?;
            let objects = objects
                .iter()
                .map(|object| {
                    Ok(ObjectDocument {
                        document: JsonText::new(object.document)?,
                        digests: object.digests.to_vec(),
                    })
                })
                .collect::<Result<Vec<_>, ClientError>>()?;
            Ok((step, objects))
        };
        let (step, objects) = match made() {
            Ok(made) => made,
            Err(error) => return self.tolerate(Err(error)),
        };
        self.log_operation(|writer| {
            let empty;
            let context = match at.context {
                Some(context) => context,
                None => {
                    empty = Context::empty();
                    &empty
                }
            };
            let declare = |define: &runstone_wire::DefineSeries| {
                let kind = OperationKind::DefineSeries(define.clone());
                writer.push(kind, true).map(|_| ())
            };
            let series = &writer.series;
            let mut number = series.intern_objects(name, context, kind, step.is_none(), declare)?;
            let step = match step {
                Some(step) => step,
                None => {
                    let (counted, ordinal) = series.next_ordinal(number).unwrap_or((number, 0));
                    number = counted;
                    Step::new(ordinal as f64)?
                }
            };
            writer.push_text(OperationKind::ObjectPoints(ObjectPoints {
                number,
                step,
                time: Timestamp::from_micros(now_micros()),
                epoch: at.epoch.filter(|epoch| !epoch.is_nan()),
                objects,
            }))
        })
    }

    /// Runs a call on the writer of this process, and starts its sender.
    fn log_operation(
        &self,
        call: impl FnOnce(&RunWriter) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let result = match self.open_writer() {
            Ok(Some(writer)) => {
                if writer.phase.load(Ordering::Relaxed) != PHASE_RUNNING {
                    self.start_sender(writer);
                }
                call(writer)
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.tolerate(result)
    }
}

fn push_lines(
    writer: &RunWriter,
    first_line: u64,
    mut lines: Vec<LogLine>,
) -> Result<(), ClientError> {
    if lines.is_empty() {
        return Ok(());
    }
    for line in &mut lines {
        let cut = cut_text(&mut line.text, LOG_TEXT_BYTES_MAX);
        line.cut_bytes = line.cut_bytes.saturating_add(cut);
    }
    writer.push_text(OperationKind::LogLines(LogLines { first_line, lines }))
}
