//! Artifacts from where a command gets its answers: a server over HTTP, or the data folder itself.
//!
//! Part of [`Backend`]. Bytes are streamed either way.

use crate::backend::{
    Backend, OpenFolder, fetch, pairs, problem_error, query_fields, read_answer, run_path, send,
};
use crate::failure::client_error;
use bytes::Bytes;
use futures_util::stream::{StreamExt as _, unfold};
use runstone_client::{ApiClient, Received};
use runstone_model::Principal;
use runstone_service::api::{
    ArtifactBegun, ArtifactItem, ArtifactList, ArtifactQuery, ArtifactRequest, ArtifactsQuery,
    FinishRequest, UploadAddress,
};
use runstone_service::{ArtifactStream, ErrorKind, ServiceError};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the bytes of one file may take: a day.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of a file that are read at a time.
const PIECE_BYTES: usize = 256 * 1024;

impl Backend {
    /// Begins an upload, as [`runstone_service::Service::begin_artifact`].
    pub(crate) fn begin_artifact(
        &self,
        run: &str,
        request: &ArtifactRequest,
    ) -> Result<ArtifactBegun, ServiceError> {
        match self {
            Self::Server(client) => send(client, &run_path(run, "/artifacts"), request),
            Self::Folder(folder) => folder.begin_artifact(&Principal::local(), run, request),
        }
    }

    /// Sends the bytes of an upload that was begun, and finishes it.
    pub(crate) fn send_artifact(
        &self,
        begun: &ArtifactItem,
        upload: &UploadAddress,
        file: &Path,
    ) -> Result<ArtifactItem, ServiceError> {
        let opened = File::open(file).map_err(|error| {
            ServiceError::invalid(format!("can't read {}: {error}", file.display()))
                .with_hint("was it moved meanwhile? put it again")
        })?;
        let client = match self {
            Self::Server(client) => client,
            Self::Folder(folder) => return receive(folder, begun, upload, opened),
        };
        let (status, body) = client
            .put_file(&upload.url, opened, LONGEST)
            .map_err(|error| client_error(&error))?;
        let Some(number) = upload.upload else {
            return read_answer(client, &upload.url, status, &body);
        };
        if !(200..300).contains(&status) {
            return Err(ServiceError::new(
                ErrorKind::Unavailable,
                format!("the bucket answered status {status} to the bytes"),
            )
            .with_hint("put the file again, without --direct if it stays so"));
        }
        finish(client, begun, number)
    }

    /// One page of artifacts, as [`runstone_service::Service::list_artifacts`].
    pub(crate) fn list_artifacts(
        &self,
        run: &str,
        query: &ArtifactsQuery,
    ) -> Result<ArtifactList, ServiceError> {
        match self {
            Self::Server(client) => fetch(client, &run_path(run, "/artifacts"), query),
            Self::Folder(folder) => folder.list_artifacts(&Principal::local(), run, query),
        }
    }

    /// The digest of an artifact, and its bytes.
    pub(crate) fn open_artifact<'a>(
        &'a self,
        run: &str,
        path: &str,
        query: &ArtifactQuery,
    ) -> Result<(String, Box<dyn Read + 'a>), ServiceError> {
        match self {
            Self::Server(client) => {
                let fields = query_fields(query);
                let path = artifact_path(run, path);
                let received = client.open_download(&path, &pairs(&fields), LONGEST);
                match received.map_err(|error| client_error(&error))? {
                    Received::Download(download) => Ok((download.tag, download.reader)),
                    Received::Reply(status, body) => {
                        Err(problem_error(status, &body, &client.url()))
                    }
                }
            }
            Self::Folder(folder) => {
                let me = Principal::local();
                let artifact = folder.find_artifact(&me, run, path, query.version)?;
                let runtime = runtime_of(folder)?;
                let stream = runtime.block_on(folder.read_artifact(&artifact, None))?;
                let reader = StreamReader {
                    runtime,
                    stream,
                    piece: Bytes::new(),
                };
                Ok((artifact.digest.to_string(), Box::new(reader)))
            }
        }
    }

    /// Removes an artifact, as [`runstone_service::Service::delete_artifact`].
    pub(crate) fn delete_artifact(
        &self,
        run: &str,
        path: &str,
        query: &ArtifactQuery,
    ) -> Result<(), ServiceError> {
        match self {
            Self::Server(client) => {
                let fields = query_fields(query);
                let (status, body) = client
                    .delete_reply(&artifact_path(run, path), &pairs(&fields))
                    .map_err(|error| client_error(&error))?;
                if status == 204 {
                    return Ok(());
                }
                Err(problem_error(status, &body, &client.url()))
            }
            Self::Folder(folder) => {
                folder.delete_artifact(&Principal::local(), run, path, query.version)
            }
        }
    }
}

fn finish(
    client: &ApiClient,
    begun: &ArtifactItem,
    upload: u64,
) -> Result<ArtifactItem, ServiceError> {
    let path = run_path(begun.run.as_str(), &format!("/uploads/{upload}"));
    let request = FinishRequest {
        path: begun.path.clone(),
    };
    // The server reads the bytes once more.
    let body = serde_json::to_vec(&request).expect("bodies of the API are plain JSON");
    let (status, body) = client
        .post_reply_patiently(&path, &body, LONGEST)
        .map_err(|error| client_error(&error))?;
    read_answer(client, &path, status, &body)
}

/// The folder takes the bytes as a server would, by the address that it has signed itself.
fn receive(
    folder: &OpenFolder,
    begun: &ArtifactItem,
    upload: &UploadAddress,
    file: File,
) -> Result<ArtifactItem, ServiceError> {
    let runtime = runtime_of(folder)?;
    if upload.upload.is_some() {
        return Err(
            ServiceError::invalid("there is no server to send bytes past")
                .with_hint("leave --direct out, or start one with `runstone up`"),
        );
    }
    let query = upload.url.split_once('?').map_or("", |(_, query)| query);
    let stream = unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut piece = vec![0u8; PIECE_BYTES];
        // Nobody else waits for this thread.
        match file.read(&mut piece) {
            Ok(0) => None,
            Ok(count) => {
                piece.truncate(count);
                Some((Ok(Bytes::from(piece)), Some(file)))
            }
            Err(error) => {
                let error = ServiceError::invalid(format!("can't read the file: {error}"));
                Some((Err(error), None))
            }
        }
    });
    let (run, path) = (begun.run.as_str(), &begun.path);
    runtime.block_on(folder.receive_artifact(run, path, query, stream))
}

fn runtime_of(folder: &OpenFolder) -> Result<&Runtime, ServiceError> {
    folder.runtime.as_ref().ok_or_else(|| {
        ServiceError::new(
            ErrorKind::Internal,
            "the folder was opened without its blobs",
        )
    })
}

fn artifact_path(run: &str, path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(runstone_client::path_segment).collect();
    run_path(run, &format!("/artifacts/{}", segments.join("/")))
}

/// A stream as a reader.
struct StreamReader<'a> {
    runtime: &'a Runtime,
    stream: ArtifactStream,
    piece: Bytes,
}

impl Read for StreamReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                None => return Ok(0),
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => return Err(io::Error::other(error.message)),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
