//! `runstone artifact`: files of a run, in and out.
//!
//! A file is read twice when it is put: once for its digest, which tells whether its bytes are there
//! already, and once to send it. What is got is held against its digest before it gets its name.

use crate::arguments::{
    Arguments, ArtifactCommand, ArtifactGetArguments, ArtifactListArguments, ArtifactPutArguments,
    ArtifactRemoveArguments,
};
use crate::backend::Backend;
use crate::failure::{Failure, Outcome};
use crate::format::{age, bytes};
use crate::output::Output;
use crate::table::Table;
use runstone_model::BlobDigest;
use runstone_service::api::{
    ArtifactItem, ArtifactList, ArtifactQuery, ArtifactRequest, ArtifactState, ArtifactsQuery,
};
use runstone_service::{ErrorKind, ServiceError, system_clock};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct ArtifactDocument<'a> {
    version: u32,
    artifact: &'a ArtifactItem,
}

#[derive(Serialize)]
struct ListDocument<'a> {
    version: u32,
    #[serde(flatten)]
    list: &'a ArtifactList,
}

/// One of the four.
pub(crate) fn run(arguments: &Arguments, asked: &ArtifactCommand, output: &mut Output) -> Outcome {
    match asked {
        ArtifactCommand::Put(asked) => put(arguments, asked, output),
        ArtifactCommand::List(asked) => list(arguments, asked, output),
        ArtifactCommand::Get(asked) => get(arguments, asked, output),
        ArtifactCommand::Remove(asked) => remove(arguments, asked, output),
    }
}

fn put(arguments: &Arguments, asked: &ArtifactPutArguments, output: &mut Output) -> Outcome {
    let (digest, size) = digest_of(&asked.file)?;
    let name = asked.file.file_name().map(|name| name.to_string_lossy());
    let request = ArtifactRequest {
        path: match (&asked.path, name) {
            (Some(path), _) => path.clone(),
            (None, Some(name)) => name.into_owned(),
            (None, None) => String::new(),
        },
        digest,
        bytes: size,
        media_type: Some(match &asked.media_type {
            Some(media_type) => media_type.clone(),
            None => media_type_of(&asked.file).to_owned(),
        }),
        direct: asked.direct,
    };
    let backend = Backend::open_with_blobs(arguments)?;
    let begun = backend.begin_artifact(&asked.run, &request)?;
    let sent = begun.upload.is_some();
    let artifact = match begun.upload {
        None => begun.artifact,
        Some(upload) => backend.send_artifact(&begun.artifact, &upload, &asked.file)?,
    };
    drop(backend);
    if asked.json {
        output.json(&ArtifactDocument {
            version: 1,
            artifact: &artifact,
        })?;
        return Ok(0);
    }
    output.line(&format!(
        "{} {} version {} of {}, {}",
        if sent { "put" } else { "there already:" },
        artifact.path,
        artifact.version,
        artifact.run,
        bytes(artifact.bytes)
    ))?;
    Ok(0)
}

fn list(arguments: &Arguments, asked: &ArtifactListArguments, output: &mut Output) -> Outcome {
    let backend = Backend::open_with_blobs(arguments)?;
    let mut query = ArtifactsQuery {
        prefix: asked.prefix.clone(),
        versions: Some(asked.versions),
        ..ArtifactsQuery::default()
    };
    let mut all = ArtifactList::default();
    loop {
        let page = backend.list_artifacts(&asked.run, &query)?;
        all.artifacts.extend(page.artifacts);
        let enough = all.artifacts.len() >= asked.limit as usize;
        if page.next_cursor.is_none() || enough {
            all.next_cursor = page.next_cursor;
            break;
        }
        query.cursor = page.next_cursor;
    }
    drop(backend);
    let is_cut = all.artifacts.len() > asked.limit as usize || all.next_cursor.is_some();
    all.artifacts.truncate(asked.limit as usize);
    if asked.json {
        output.json(&ListDocument {
            version: 1,
            list: &all,
        })?;
        return Ok(0);
    }
    if all.artifacts.is_empty() {
        output.line("no artifacts")?;
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("PATH", false, 60),
        ("VERSION", true, 8),
        ("BYTES", true, 12),
        ("STATE", false, 8),
        ("AGE", true, 6),
        ("TYPE", false, 40),
    ]);
    let now = system_clock();
    for one in &all.artifacts {
        table.push(vec![
            one.path.clone(),
            one.version.to_string(),
            bytes(one.bytes),
            state_word(one.state).to_owned(),
            age(one.created_at_micros, now),
            one.media_type.clone(),
        ]);
    }
    table.print(output, 0)?;
    if is_cut {
        output.line("there are more; see --limit")?;
    }
    Ok(0)
}

fn get(arguments: &Arguments, asked: &ArtifactGetArguments, output: &mut Output) -> Outcome {
    let query = ArtifactQuery {
        version: asked.version,
    };
    let to_output = asked.output.as_deref() == Some(Path::new("-"));
    let target = target_of(asked)?;
    let backend = Backend::open_with_blobs(arguments)?;
    let (digest, mut reader) = backend.open_artifact(&asked.run, &asked.path, &query)?;
    if to_output {
        let mut sink = OutputSink(output);
        let found = copy(&mut reader, &mut sink, &asked.path)?;
        return check(&digest, &found, &asked.path).map(|_| 0);
    }
    let partial = partial_of(&target);
    let written = write_file(&mut reader, &partial, &asked.path)
        .and_then(|(found, size)| check(&digest, &(found, size), &asked.path))
        .and_then(|size| {
            let renamed = std::fs::rename(&partial, &target);
            renamed
                .map(|()| size)
                .map_err(|error| file_error("write", &target, &error).into())
        });
    let size = match written {
        Ok(size) => size,
        Err(failure) => {
            // Half a file is none.
            let _ = std::fs::remove_file(&partial);
            return Err(failure);
        }
    };
    drop(reader);
    drop(backend);
    output.line(&format!("{} to {}", bytes(size), target.display()))?;
    Ok(0)
}

fn remove(arguments: &Arguments, asked: &ArtifactRemoveArguments, output: &mut Output) -> Outcome {
    let backend = Backend::open_with_blobs(arguments)?;
    let query = ArtifactQuery {
        version: asked.version,
    };
    backend.delete_artifact(&asked.run, &asked.path, &query)?;
    drop(backend);
    output.line(&format!("removed {}", asked.path))?;
    Ok(0)
}

fn state_word(state: ArtifactState) -> &'static str {
    match state {
        ArtifactState::Pending => "pending",
        ArtifactState::Ready => "ready",
        ArtifactState::Expired => "expired",
    }
}

/// Where a file goes. A name of the artifact's own choosing overwrites nothing.
fn target_of(asked: &ArtifactGetArguments) -> Result<PathBuf, ServiceError> {
    if let Some(output) = &asked.output {
        return Ok(output.clone());
    }
    let name = asked.path.rsplit('/').next().unwrap_or_default();
    let target = PathBuf::from(name);
    if target.exists() {
        return Err(ServiceError::new(
            ErrorKind::Conflict,
            format!("{} is there already", target.display()),
        )
        .with_hint("name the file to write with -o"));
    }
    Ok(target)
}

fn partial_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn digest_of(path: &Path) -> Result<(BlobDigest, u64), Failure> {
    let failed = |error: io::Error| Failure::from(file_error("read", path, &error));
    let mut file = File::open(path).map_err(failed)?;
    let is_file = file.metadata().map_err(failed)?.is_file();
    if !is_file {
        let error = ServiceError::invalid(format!("{} is no file", path.display()));
        return Err(error.with_hint("put the files in it one by one").into());
    }
    let (digest, size) = hash_into(&mut file, &mut io::sink()).map_err(failed)?;
    Ok((digest, size))
}

/// Copies what comes, and tells its digest and size.
fn hash_into(reader: &mut dyn Read, writer: &mut dyn Write) -> io::Result<(BlobDigest, u64)> {
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0u8; 256 * 1024];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        writer.write_all(&buffer[..count])?;
        size += count as u64;
    }
    Ok((BlobDigest::new(hasher.finalize().into()), size))
}

fn copy(
    reader: &mut dyn Read,
    writer: &mut dyn Write,
    path: &str,
) -> Result<(BlobDigest, u64), Failure> {
    hash_into(reader, writer).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => {
            let text = format!("{path} broke off: {error}");
            let error = ServiceError::new(ErrorKind::Unavailable, text);
            error.with_hint("ask for it again").into()
        }
    })
}

fn write_file(
    reader: &mut dyn Read,
    partial: &Path,
    path: &str,
) -> Result<(BlobDigest, u64), Failure> {
    let failed = |error: io::Error| Failure::from(file_error("write", partial, &error));
    let mut file = File::create(partial).map_err(failed)?;
    let found = copy(reader, &mut file, path)?;
    file.sync_all().map_err(failed)?;
    Ok(found)
}

fn check(wanted: &str, found: &(BlobDigest, u64), path: &str) -> Result<u64, Failure> {
    if found.0.to_string() == wanted {
        return Ok(found.1);
    }
    let text = format!("{path} has the digest {wanted}, what came has {}", found.0);
    let error = ServiceError::new(ErrorKind::Corrupt, text);
    Err(error
        .with_hint("ask for it again; if it stays so, run `runstone doctor --deep`")
        .into())
}

fn file_error(what: &str, path: &Path, error: &io::Error) -> ServiceError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::StorageFull => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    };
    ServiceError::new(kind, format!("can't {what} {}: {error}", path.display()))
        .with_hint("name another file, or change who may use this one")
}

/// What a name tells of the bytes; enough for a browser to show pictures, sound and film.
fn media_type_of(file: &Path) -> &'static str {
    let extension = file.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("avif") => "image/avif",
        Some("bmp") => "image/bmp",
        Some("svg") => "image/svg+xml",
        Some("mp4") => "video/mp4",
        Some("webm") => "video/webm",
        Some("mp3") => "audio/mpeg",
        Some("wav") => "audio/wav",
        Some("ogg" | "oga") => "audio/ogg",
        Some("flac") => "audio/flac",
        Some("txt" | "log" | "md") => "text/plain; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("yaml" | "yml") => "application/yaml",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("gz" | "tgz") => "application/gzip",
        Some("parquet") => "application/vnd.apache.parquet",
        _ => "application/octet-stream",
    }
}

/// Standard output as a writer.
struct OutputSink<'a>(&'a mut Output);

impl Write for OutputSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
