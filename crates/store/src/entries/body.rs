//! Bodies of entries: what the head does not hold of a line, a record, a set of objects.

use runstone_model::{BlobDigest, JsonText, LogLevel, LogStream, Timestamp};
use runstone_wire::{LogLine, LogRecord, ObjectDocument, ObjectPoints};

use super::columns::{read_varint, write_varint};
use super::{Entry, EntryError, EntryKey, EntryMeta};

type Result<T> = std::result::Result<T, EntryError>;

/// A terminal line: the bytes that were cut off, then the text to the end.
pub fn encode_line(number: u64, line: &LogLine) -> Entry {
    let mut body = Vec::with_capacity(line.text.len() + 1);
    write_varint(&mut body, line.cut_bytes);
    body.extend_from_slice(line.text.as_bytes());
    Entry {
        meta: EntryMeta {
            key: EntryKey::numbered(number),
            time: line.time.as_micros(),
            tag: line.stream.as_u8().into(),
        },
        body,
    }
}

/// Reads what [`encode_line`] wrote.
///
/// # Errors
/// If it did not.
pub fn decode_line(meta: &EntryMeta, body: &[u8]) -> Result<LogLine> {
    let mut rest = body;
    let cut_bytes = read_varint(&mut rest)?;
    let stream = u8::try_from(meta.tag).ok().and_then(LogStream::from_u8);
    Ok(LogLine {
        text: text(rest)?,
        stream: stream.ok_or(EntryError("a stream is unknown"))?,
        time: Timestamp::from_micros(meta.time),
        cut_bytes,
    })
}

/// A log record: the bytes that were cut off, the source line, then logger, file and extra
/// arguments with their lengths, and the message to the end.
pub fn encode_record(number: u64, record: &LogRecord) -> Entry {
    let mut body = Vec::with_capacity(record.message.len() + 16);
    write_varint(&mut body, record.cut_bytes);
    write_varint(&mut body, record.source_line.into());
    let extra = record.extra.as_ref().map_or("", |extra| extra.as_str());
    for text in [record.logger.as_str(), &record.file, extra] {
        write_bytes(&mut body, text.as_bytes());
    }
    body.extend_from_slice(record.message.as_bytes());
    Entry {
        meta: EntryMeta {
            key: EntryKey::numbered(number),
            time: record.time.as_micros(),
            tag: record.level.0.into(),
        },
        body,
    }
}

/// Reads what [`encode_record`] wrote.
///
/// # Errors
/// If it did not.
pub fn decode_record(meta: &EntryMeta, body: &[u8]) -> Result<LogRecord> {
    let mut rest = body;
    let cut_bytes = read_varint(&mut rest)?;
    let source_line = read_varint(&mut rest)?;
    let logger = text(read_bytes(&mut rest)?)?;
    let file = text(read_bytes(&mut rest)?)?;
    let extra = read_bytes(&mut rest)?;
    let level = i32::try_from(meta.tag).map_err(|_| EntryError("a level is too great"))?;
    Ok(LogRecord {
        level: LogLevel(level),
        message: text(rest)?,
        time: Timestamp::from_micros(meta.time),
        logger,
        file,
        source_line: u32::try_from(source_line)
            .map_err(|_| EntryError("a source line is too great"))?,
        extra: match extra {
            [] => None,
            extra => Some(json(extra)?),
        },
        cut_bytes,
    })
}

/// A set of objects: the epoch's 8 bytes or none after a byte that tells, then each object: its
/// document with its length, the number of its digests, and these.
pub fn encode_object_set(key: EntryKey, set: &ObjectPoints) -> Entry {
    let mut body = Vec::new();
    match set.epoch {
        None => body.push(0),
        Some(epoch) => {
            body.push(1);
            body.extend_from_slice(&epoch.to_bits().to_le_bytes());
        }
    }
    for object in &set.objects {
        write_bytes(&mut body, object.document.as_str().as_bytes());
        write_varint(&mut body, object.digests.len() as u64);
        for digest in &object.digests {
            body.extend_from_slice(digest.as_bytes());
        }
    }
    Entry {
        meta: EntryMeta {
            key,
            time: set.time.as_micros(),
            tag: set.objects.len() as i64,
        },
        body,
    }
}

/// Reads epoch and objects, as [`encode_object_set`] wrote them.
///
/// # Errors
/// If it did not.
pub fn decode_object_set(
    meta: &EntryMeta,
    body: &[u8],
) -> Result<(Option<f64>, Vec<ObjectDocument>)> {
    let mut rest = body;
    let early = EntryError("a set ends early");
    let (&has_epoch, after) = rest.split_first().ok_or(early.clone())?;
    rest = after;
    let epoch = if has_epoch == 0 {
        None
    } else {
        let (bits, after) = rest.split_first_chunk::<8>().ok_or(early.clone())?;
        rest = after;
        Some(f64::from_bits(u64::from_le_bytes(*bits)))
    };
    let mut objects = Vec::new();
    while !rest.is_empty() {
        let document = json(read_bytes(&mut rest)?)?;
        let count = read_varint(&mut rest)?;
        let mut digests = Vec::new();
        for _ in 0..count {
            let (digest, after) = rest.split_first_chunk::<32>().ok_or(early.clone())?;
            rest = after;
            digests.push(BlobDigest::new(*digest));
        }
        objects.push(ObjectDocument { document, digests });
    }
    if objects.len() as i64 == meta.tag {
        Ok((epoch, objects))
    } else {
        Err(EntryError("a set holds another number of objects"))
    }
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn read_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8]> {
    let length = usize::try_from(read_varint(rest)?).unwrap_or(usize::MAX);
    let (bytes, after) = rest
        .split_at_checked(length)
        .ok_or(EntryError("a text ends early"))?;
    *rest = after;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|_| EntryError("a text is no UTF-8"))?;
    Ok(text.to_owned())
}

fn json(bytes: &[u8]) -> Result<JsonText> {
    JsonText::new(text(bytes)?).map_err(|_| EntryError("a document is no JSON"))
}
