//! Where a command gets its answers: a server over HTTP, or the data folder itself.
//!
//! Both give the same types, because the server's answers are the service's. A folder is used
//! by one process at a time: a command on a folder in use asks the server that has it.

use crate::arguments::Arguments;
use crate::engine::{Engine, lock_holder, quiet_options};
use crate::failure::{Failure, client_error};
use runstone_client::config::{self, process_environment};
use runstone_client::spool::leftover_spools;
use runstone_client::{ApiClient, ChangeStream};
use runstone_model::Principal;
use runstone_service::api::{
    ChangesPage, ChangesQuery, EditsAnswer, EditsRequest, GcAnswer, GcRequest, LogsPage, LogsQuery,
    PROBLEM_TYPE_PREFIX, Problem, RecordsPage, RecordsQuery, RunDetail, RunList, RunsQuery,
    SeriesList, SeriesQuery, SnapshotAnswer, SnapshotRequest, StorageAnswer, StorageQuery,
    TablePage, TableRequest,
};
use runstone_service::{ErrorKind, Service, ServiceError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long a copy of the data folder may take: a day.
const SNAPSHOT_LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Where the answers come from.
pub(crate) enum Backend {
    /// A server.
    Server(ApiClient),
    /// The folder, under its lock until this is dropped.
    Folder(OpenFolder),
}

/// The operations over a folder, and what runs the asynchronous part of those on blobs.
pub(crate) struct OpenFolder {
    service: Service,
    pub(crate) runtime: Option<Runtime>,
}

impl Deref for OpenFolder {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Self::Folder(service) = self
            && let Err(error) = service.store().close()
        {
            tracing::warn!(%error, "the data folder did not close");
        }
    }
}

/// The data folder that a command means.
pub(crate) fn data_folder(arguments: &Arguments) -> PathBuf {
    arguments
        .data
        .clone()
        .unwrap_or_else(|| config::data_folder(&process_environment))
}

/// The server that a command means, if it means one: as given, or the holder of the data folder.
///
/// # Errors
/// `Unavailable` when a process holds the folder and does not listen.
pub(crate) fn server_url(arguments: &Arguments) -> Result<Option<String>, ServiceError> {
    if let Some(url) = &arguments.url {
        let destination =
            config::Destination::from_name(url).map_err(|error| client_error(&error))?;
        return Ok(Some(destination.url));
    }
    let folder = data_folder(arguments);
    match lock_holder(&folder)? {
        None => Ok(None),
        Some(holder) => match holder.address {
            Some(address) => Ok(Some(format!("http://{address}"))),
            None => Err(ServiceError::new(
                ErrorKind::Unavailable,
                format!(
                    "the data folder is in use by process {}, which does not listen: {}",
                    holder.pid,
                    folder.display()
                ),
            )
            .with_hint("wait until that command is done, and try again")),
        },
    }
}

/// A client for the server at `url`, with the token of this home.
pub(crate) fn client(url: &str) -> Result<ApiClient, ServiceError> {
    let destination = config::Destination::from_name(url).map_err(|error| client_error(&error))?;
    let token = config::token(&process_environment);
    Ok(ApiClient::new(destination, token.as_deref()))
}

impl Backend {
    /// The server given or found, else the folder, else the default address.
    ///
    /// # Errors
    /// `NotFound` when there is neither a server nor a folder.
    pub(crate) fn open(arguments: &Arguments) -> Result<Self, Failure> {
        Self::open_either(arguments, false)
    }

    /// As [`Backend::open`], for what concerns the bytes of artifacts too.
    ///
    /// # Errors
    /// As [`Backend::open`], and those of opening the place of the bytes.
    pub(crate) fn open_with_blobs(arguments: &Arguments) -> Result<Self, Failure> {
        Self::open_either(arguments, true)
    }

    fn open_either(arguments: &Arguments, with_blobs: bool) -> Result<Self, Failure> {
        if let Some(url) = server_url(arguments)? {
            return Ok(Self::Server(client(&url)?));
        }
        let folder = data_folder(arguments);
        if folder.is_dir() {
            return Ok(Self::Folder(OpenFolder::open(&folder, with_blobs)?));
        }
        if arguments.data.is_none() {
            let client = client(config::LOCAL_URL)?;
            if client.server().is_ok() {
                return Ok(Self::Server(client));
            }
        }
        let error = ServiceError::not_found(format!(
            "there is no data folder and no server: {}",
            folder.display()
        ));
        let hint = if spools_wait() {
            "`runstone sync` takes in what scripts have logged here; `runstone up` starts a server"
        } else {
            "start one with `runstone up`, or name a server with --url"
        };
        Err(error.with_hint(hint).into())
    }

    /// The server given or found; while nobody holds the folder, the one at `former`.
    ///
    /// # Errors
    /// `Unavailable` when a process holds the folder and does not listen, as one that starts.
    pub(crate) fn open_server(arguments: &Arguments, former: &str) -> Result<Self, Failure> {
        let url = server_url(arguments)?.unwrap_or_else(|| former.to_owned());
        Ok(Self::Server(client(&url)?))
    }

    /// Where the server listens that gives the answers; `None` for a folder.
    pub(crate) fn server_url(&self) -> Option<String> {
        match self {
            Self::Server(client) => Some(client.url()),
            Self::Folder(_) => None,
        }
    }

    /// Runs, as [`Service::list_runs`].
    pub(crate) fn list_runs(&self, query: &RunsQuery) -> Result<RunList, ServiceError> {
        match self {
            Self::Server(client) => fetch(client, "/runstone/v1/runs", query),
            Self::Folder(service) => service.list_runs(&Principal::local(), query),
        }
    }

    /// One run, as [`Service::get_run`].
    pub(crate) fn get_run(&self, address: &str) -> Result<RunDetail, ServiceError> {
        match self {
            Self::Server(client) => fetch(client, &run_path(address, ""), &()),
            Self::Folder(service) => service.get_run(&Principal::local(), address),
        }
    }

    /// A page of the table of runs, as [`Service::table`].
    pub(crate) fn table(&self, request: &TableRequest) -> Result<TablePage, ServiceError> {
        match self {
            Self::Server(client) => send(client, "/runstone/v1/table", request),
            Self::Folder(service) => service.table(&Principal::local(), request),
        }
    }

    /// Whether a run of this id was deleted, and none lives that was not.
    pub(crate) fn is_deleted(&self, id: &str) -> Result<bool, ServiceError> {
        let page = self.table(&TableRequest {
            runs: vec![id.to_owned()],
            deleted: true,
            limit: Some(1),
            ..TableRequest::default()
        })?;
        Ok(page.matching > 0)
    }

    /// Edits of runs, as [`Service::edit_runs`].
    pub(crate) fn edit_runs(&self, request: &EditsRequest) -> Result<EditsAnswer, ServiceError> {
        match self {
            Self::Server(client) => send(client, "/runstone/v1/edits", request),
            Self::Folder(service) => service.edit_runs(&Principal::local(), request),
        }
    }

    /// Where the bytes are, as [`Service::storage`].
    pub(crate) fn storage(&self, query: &StorageQuery) -> Result<StorageAnswer, ServiceError> {
        match self {
            Self::Server(client) => fetch(client, "/runstone/v1/storage", query),
            Self::Folder(service) => service.storage(&Principal::local(), query),
        }
    }

    /// One turn of giving space back, as [`Service::collect_garbage`].
    pub(crate) fn collect_garbage(&self, request: &GcRequest) -> Result<GcAnswer, ServiceError> {
        match self {
            Self::Server(client) => send(client, "/runstone/v1/gc", request),
            Self::Folder(service) => service.collect_garbage(&Principal::local(), request),
        }
    }

    /// A copy of the data folder, as [`Service::snapshot`]; waits as long as it takes.
    pub(crate) fn snapshot(
        &self,
        request: &SnapshotRequest,
    ) -> Result<SnapshotAnswer, ServiceError> {
        let path = "/runstone/v1/snapshot";
        match self {
            Self::Server(client) => {
                let body = serde_json::to_vec(request).expect("bodies of the API are plain JSON");
                let (status, body) = client
                    .post_reply_patiently(path, &body, SNAPSHOT_LONGEST)
                    .map_err(|error| client_error(&error))?;
                read_answer(client, path, status, &body)
            }
            Self::Folder(service) => service.snapshot(&Principal::local(), request),
        }
    }

    /// Terminal lines of a run, as [`Service::list_log_lines`].
    pub(crate) fn log_lines(
        &self,
        address: &str,
        query: &LogsQuery,
    ) -> Result<LogsPage, ServiceError> {
        match self {
            Self::Server(client) => fetch(client, &run_path(address, "/logs"), query),
            Self::Folder(service) => service.list_log_lines(&Principal::local(), address, query),
        }
    }

    /// Log records of a run, as [`Service::list_log_records`].
    pub(crate) fn log_records(
        &self,
        address: &str,
        query: &RecordsQuery,
    ) -> Result<RecordsPage, ServiceError> {
        match self {
            Self::Server(client) => fetch(client, &run_path(address, "/records"), query),
            Self::Folder(service) => service.list_log_records(&Principal::local(), address, query),
        }
    }

    /// Changes, as [`Service::list_changes`].
    pub(crate) fn list_changes(&self, query: &ChangesQuery) -> Result<ChangesPage, ServiceError> {
        match self {
            Self::Server(client) => fetch(client, "/runstone/v1/changes", query),
            Self::Folder(service) => service.list_changes(&Principal::local(), query),
        }
    }

    /// Series of a run, as [`Service::list_series`].
    pub(crate) fn list_series(
        &self,
        address: &str,
        query: &SeriesQuery,
    ) -> Result<SeriesList, ServiceError> {
        match self {
            Self::Server(client) => fetch(client, &run_path(address, "/series"), query),
            Self::Folder(service) => service.list_series(&Principal::local(), address, query),
        }
    }
}

impl OpenFolder {
    /// Opens the folder under its lock.
    pub(crate) fn open(folder: &Path, with_blobs: bool) -> Result<Self, ServiceError> {
        let engine = Engine::open(folder, quiet_options())?;
        if !with_blobs {
            return Ok(Self {
                service: engine.service(),
                runtime: None,
            });
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| {
                ServiceError::new(ErrorKind::Unavailable, format!("no threads: {error}"))
                    .with_hint("look at the limits of this user: `ulimit -u`")
            })?;
        let service = engine.service_with_blobs(folder, None, runtime.handle().clone())?;
        Ok(Self {
            service,
            runtime: Some(runtime),
        })
    }
}

/// The stream of changes after `query.since`, for `longest` at most.
pub(crate) fn open_changes(
    client: &ApiClient,
    query: &ChangesQuery,
    longest: Duration,
) -> Result<ChangeStream, ServiceError> {
    let query = ChangesQuery {
        limit: None,
        ..query.clone()
    };
    let fields = query_fields(&query);
    client
        .open_changes(&pairs(&fields), None, longest)
        .map_err(|error| client_error(&error))
}

pub(crate) fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// Whether scripts have left something behind on this machine.
fn spools_wait() -> bool {
    leftover_spools(&config::spool_root(&process_environment), None)
        .is_ok_and(|leftovers| !leftovers.is_empty())
}

pub(crate) fn fetch<T: DeserializeOwned>(
    client: &ApiClient,
    path: &str,
    query: &impl Serialize,
) -> Result<T, ServiceError> {
    let fields = query_fields(query);
    let (status, body) = client
        .get_reply(path, &pairs(&fields))
        .map_err(|error| client_error(&error))?;
    read_answer(client, path, status, &body)
}

/// Posts a body and reads the answer.
pub(crate) fn send<T: DeserializeOwned>(
    client: &ApiClient,
    path: &str,
    body: &impl Serialize,
) -> Result<T, ServiceError> {
    let body = serde_json::to_vec(body).expect("bodies of the API are plain JSON");
    let (status, body) = client
        .post_reply(path, &body)
        .map_err(|error| client_error(&error))?;
    read_answer(client, path, status, &body)
}

pub(crate) fn read_answer<T: DeserializeOwned>(
    client: &ApiClient,
    path: &str,
    status: u16,
    body: &[u8],
) -> Result<T, ServiceError> {
    if status == 200 {
        return serde_json::from_slice(body).map_err(|error| {
            let url = client.url();
            ServiceError::new(
                ErrorKind::Corrupt,
                format!("the answer can't be read: {error}, {url}{path}"),
            )
            .with_hint("is this a Runstone of the same version? `runstone doctor` tells")
        });
    }
    Err(problem_error(status, body, &client.url()))
}

/// The error that a problem document tells of; kind and hint are those of the server.
pub(crate) fn problem_error(status: u16, body: &[u8], url: &str) -> ServiceError {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return ServiceError::new(
            ErrorKind::from_status(status),
            format!("status {status} from {url}"),
        )
        .with_hint("is this the address of a Runstone server?");
    };
    let kind = problem
        .problem_type
        .strip_prefix(PROBLEM_TYPE_PREFIX)
        .and_then(ErrorKind::from_name)
        .unwrap_or_else(|| ErrorKind::from_status(status));
    let error = ServiceError::new(kind, problem.detail);
    match problem.hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The fields of a query as names and texts.
pub(crate) fn query_fields(query: &impl Serialize) -> Vec<(String, String)> {
    let value = serde_json::to_value(query).expect("queries are plain fields");
    let serde_json::Value::Object(fields) = value else {
        return Vec::new();
    };
    fields
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
        .collect()
}

/// Path of a run, its address percent-encoded.
pub(crate) fn run_path(address: &str, rest: &str) -> String {
    let mut path = String::from("/runstone/v1/runs/");
    for byte in address.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path.push_str(rest);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runs_are_encoded_in_paths() {
        assert_eq!(
            run_path("a b/ü", "/series"),
            "/runstone/v1/runs/a%20b%2F%C3%BC/series"
        );
    }

    #[test]
    fn absent_fields_of_a_query_are_not_sent() {
        let query = RunsQuery {
            limit: Some(5),
            experiment: Some("a&b".to_owned()),
            ..RunsQuery::default()
        };
        let fields = query_fields(&query);
        assert_eq!(
            fields,
            [
                ("limit".to_owned(), "5".to_owned()),
                ("experiment".to_owned(), "a&b".to_owned())
            ]
        );
        assert!(query_fields(&()).is_empty());
    }
}
