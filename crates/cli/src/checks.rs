//! The checks of `doctor`, one function each.

use crate::arguments::Arguments;
use crate::backend::{OpenFolder, client, data_folder, server_url};
use crate::engine::{check_folder, inspect_folder_deeply, lock_holder, network_file_system};
use crate::format;
use crate::os_mount::free_bytes;
use crate::os_port_owner::port_owner;
use crate::ports::{Occupant, ask_occupant};
use crate::sync::UNREADABLE_HINT;
use runstone_client::config::{self, process_environment};
use runstone_client::spool::{Leftover, Rejected, leftover_spools, unreadable_spools};
use runstone_server::{DEFAULT_PORT, SECOND_PORT, Token};
use runstone_service::{ErrorKind, ServiceError, system_clock};
use serde::Serialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// Damaged or lost blobs that are named at most.
const BLOB_DAMAGES_MAX: usize = 200;
/// Less free room than this is worth a word.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// A clock further from the server's than this is wrong.
const CLOCK_SKEW_MAX_MICROS: i64 = 5 * 60 * 1_000_000;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// To know.
    Note,
    /// To do.
    Wrong,
}

impl Status {
    /// As printed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Wrong => "WRONG",
        }
    }
}

/// What one check found.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) status: Status,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            text: text.into(),
            hint: None,
        }
    }

    fn note(name: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Note,
            text: text.into(),
            hint: Some(hint.into()),
        }
    }

    fn wrong(name: &'static str, error: ServiceError) -> Self {
        Self {
            name,
            status: Status::Wrong,
            text: error.message,
            hint: error.hint,
        }
    }
}

/// Whether reasons of refused operations are quoted; they may hold what was logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reasons {
    /// For the person whose data they are.
    Quoted,
    /// For somebody else.
    LeftOut,
}

/// Everything, in the order in which a person would look.
pub(crate) fn all_checks(arguments: &Arguments, reasons: Reasons) -> Vec<Check> {
    let mut checks = vec![Check::ok(
        "version",
        format!("runstone {}", env!("CARGO_PKG_VERSION")),
    )];
    check_token(&mut checks);
    check_data(arguments, &mut checks);
    check_server(arguments, &mut checks);
    check_ports(&mut checks);
    check_spool(reasons, &mut checks);
    checks
}

fn check_token(checks: &mut Vec<Check>) {
    let path = config::home(&process_environment).join("token");
    let from_environment = process_environment("RUNSTONE_TOKEN");
    let place = match &from_environment {
        Some(_) => "RUNSTONE_TOKEN".to_owned(),
        None => path.display().to_string(),
    };
    let Some(secret) = config::token(&process_environment) else {
        let text = "none yet; `runstone up` makes one";
        checks.push(Check::ok("token", text));
        return;
    };
    if let Err(error) = Token::from_secret(&secret) {
        let error = ServiceError::invalid(format!("{error}: {place}"));
        checks.push(Check::wrong(
            "token",
            error.with_hint("remove it; `runstone up` makes another"),
        ));
    } else if from_environment.is_none() && others_may_read(&path) {
        let error = ServiceError::invalid(format!("other users may read it: {place}"));
        checks.push(Check::wrong(
            "token",
            error.with_hint(format!("chmod 600 {}", path.display())),
        ));
    } else {
        checks.push(Check::ok("token", place));
    }
}

fn others_may_read(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).is_ok_and(|file| file.mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn check_data(arguments: &Arguments, checks: &mut Vec<Check>) {
    let folder = data_folder(arguments);
    let shown = folder.display();
    if !folder.exists() {
        checks.push(Check::ok("data", format!("none yet: {shown}")));
        return;
    }
    match lock_holder(&folder) {
        Err(error) => checks.push(Check::wrong("data", error)),
        Ok(Some(holder)) => {
            let address = holder
                .address
                .map_or_else(String::new, |address| format!(" at http://{address}"));
            let text = format!("in use by process {}{address}: {shown}", holder.pid);
            checks.push(Check::ok("data", text));
        }
        Ok(None) => match check_folder(&folder) {
            Ok(found) => {
                checks.push(Check::ok(
                    "data",
                    format!("{found}, nobody uses it: {shown}"),
                ));
            }
            Err(error) => checks.push(Check::wrong("data", error)),
        },
    }
    check_disk("data", &folder, checks);
}

/// Everything in the data folder, for `doctor --deep`; one check a damage.
pub(crate) fn check_deeply(arguments: &Arguments, checks: &mut Vec<Check>) {
    let folder = data_folder(arguments);
    let shown = folder.display();
    if let Ok(Some(holder)) = lock_holder(&folder) {
        let error = ServiceError::new(
            ErrorKind::Conflict,
            format!("not read, process {} uses it: {shown}", holder.pid),
        );
        checks.push(Check::wrong(
            "deep",
            error.with_hint(
                "`runstone snapshot DIR` copies it; then `runstone doctor --deep --data DIR`, or \
                 stop the server first",
            ),
        ));
        return;
    }
    let report = match inspect_folder_deeply(&folder) {
        Ok(report) => report,
        Err(error) => {
            checks.push(Check::wrong("deep", error));
            return;
        }
    };
    for damage in &report.damages {
        let error = ServiceError::new(ErrorKind::Corrupt, damage.text.clone());
        checks.push(Check::wrong("deep", error.with_hint(damage.hint)));
    }
    if let Some(reason) = &report.not_compared {
        let text = format!("summaries were not compared with points: {reason}");
        checks.push(Check::note("deep", text, "then ask again"));
    }
    let counted = &report.counted;
    let found = format!(
        "read {}, {}, {}, {} of {} in {}: {shown}",
        format::counted(counted.chunks, "chunk"),
        format::counted(counted.packs, "pack"),
        format::counted(counted.frames, "frame"),
        format::counted(report.points, "point"),
        format::counted(report.series, "metric"),
        format::counted(report.runs, "run"),
    );
    checks.push(Check::ok("deep", found));
    if report.not_compared.is_none() {
        check_blobs(&folder, checks);
    }
}

/// Reads every blob, and looks for that of every reference.
fn check_blobs(folder: &Path, checks: &mut Vec<Check>) {
    let mut damages = Vec::new();
    let verified = OpenFolder::open(folder, true).and_then(|open| {
        let verified = open.verify_blobs(|damage| {
            if damages.len() < BLOB_DAMAGES_MAX {
                damages.push(damage.text);
            }
        });
        open.store().close()?;
        verified
    });
    let read = match verified {
        Ok(read) => read,
        Err(error) => {
            checks.push(Check::wrong("blobs", error));
            return;
        }
    };
    if damages.is_empty() {
        let text = format!("read {}: all sound", format::counted(read, "blob"));
        checks.push(Check::ok("blobs", text));
    }
    for damage in damages {
        let error = ServiceError::new(ErrorKind::Corrupt, damage);
        checks.push(Check::wrong(
            "blobs",
            error.with_hint(
                "take it from the last copy that `runstone snapshot` made, or put the file again",
            ),
        ));
    }
}

fn check_disk(name: &'static str, folder: &Path, checks: &mut Vec<Check>) {
    let shown = folder.display();
    if let Some(kind) = network_file_system(folder) {
        checks.push(Check::note(
            name,
            format!("lies on a network file system ({kind}): {shown}"),
            "choose a local disk: --data DIR for data, RUNSTONE_SPOOL for the spool",
        ));
    }
    if let Some(free) = free_bytes(folder).filter(|free| *free < FREE_BYTES_MIN) {
        checks.push(Check::note(
            name,
            format!("only {} are free: {shown}", format::bytes(free)),
            "make room; past the end of it points are dropped and counted",
        ));
    }
}

fn check_server(arguments: &Arguments, checks: &mut Vec<Check>) {
    let url = match server_url(arguments) {
        Ok(Some(url)) => url,
        Ok(None) => return,
        Err(error) => {
            checks.push(Check::wrong("server", error));
            return;
        }
    };
    let described = client(&url).and_then(|client| {
        client
            .server()
            .map_err(|error| crate::failure::client_error(&error))
    });
    let server = match described {
        Ok(server) => server,
        Err(error) => {
            checks.push(Check::wrong("server", error));
            return;
        }
    };
    let own = env!("CARGO_PKG_VERSION");
    let text = format!(
        "{} at {url}, store {}",
        server.server_version,
        server.store_id.get(..8).unwrap_or(&server.store_id)
    );
    checks.push(if server.server_version == own {
        Check::ok("server", text)
    } else {
        Check::note(
            "server",
            format!("{text}; this is {own}"),
            "restart the server with this version, or install its version here",
        )
    });
    let ahead = server.time_micros - system_clock().as_micros();
    if ahead.saturating_abs() > CLOCK_SKEW_MAX_MICROS {
        let word = if ahead > 0 { "ahead of" } else { "behind" };
        let took = format::duration(ahead.saturating_abs());
        let text = format!("the server's clock is {took} {word} this machine's");
        let error = ServiceError::invalid(text);
        checks.push(Check::wrong(
            "clock",
            error.with_hint("set the clock of one of the two, best with NTP"),
        ));
    } else {
        checks.push(Check::ok("clock", "agrees with the server's"));
    }
}

fn check_ports(checks: &mut Vec<Check>) {
    for port in [DEFAULT_PORT, SECOND_PORT] {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let owner = port_owner(address)
            .map(|(pid, name)| format!(", process {pid} ({name})"))
            .unwrap_or_default();
        checks.push(match ask_occupant(address) {
            None => Check::ok("port", format!("{port} is free")),
            Some(Occupant::Runstone { version }) => {
                Check::ok("port", format!("{port} is a Runstone {version}{owner}"))
            }
            Some(Occupant::Other) => Check::note(
                "port",
                format!("{port} is taken by another program{owner}"),
                "stop it, or choose another port with `runstone up --listen 127.0.0.1:PORT` and \
                 set RUNSTONE_URL",
            ),
        });
    }
}

fn check_spool(reasons: Reasons, checks: &mut Vec<Check>) {
    let root = config::spool_root(&process_environment);
    if !root.exists() {
        checks.push(Check::ok("spool", format!("none yet: {}", root.display())));
    } else {
        check_leftovers(&root, reasons, checks);
        check_disk("spool", &root, checks);
    }
    let fallback = config::fallback_spool_root();
    if fallback.exists() && fallback != root {
        check_leftovers(&fallback, reasons, checks);
    }
}

fn check_leftovers(root: &Path, reasons: Reasons, checks: &mut Vec<Check>) {
    let leftovers = match leftover_spools(root, None) {
        Ok(leftovers) => leftovers,
        Err(error) => {
            checks.push(Check::wrong(
                "spool",
                ServiceError::invalid(error.to_string()),
            ));
            return;
        }
    };
    let here = config::host_id();
    let undelivered: Vec<&Leftover> = leftovers.iter().collect();
    if undelivered.is_empty() {
        let text = format!("nothing waits for delivery: {}", root.display());
        checks.push(Check::ok("spool", text));
    }
    for leftover in &undelivered {
        let elsewhere = if leftover.host_id == here {
            String::new()
        } else {
            format!(" from {}", leftover.host)
        };
        checks.push(Check::note(
            "spool",
            format!(
                "run {}{elsewhere} waits for {}, {}: {}",
                leftover.run,
                leftover.destination,
                format::bytes(leftover.bytes),
                leftover.path.display()
            ),
            "deliver it with `runstone sync`, or start the server with `runstone up`",
        ));
    }
    for unreadable in unreadable_spools(root).unwrap_or_default() {
        let error = ServiceError::new(
            ErrorKind::Corrupt,
            format!(
                "{} can't be read, {}: {}",
                format::bytes(unreadable.bytes),
                unreadable.reason,
                unreadable.path.display()
            ),
        );
        checks.push(Check::wrong("spool", error.with_hint(UNREADABLE_HINT)));
    }
    check_rejected(root, reasons, checks);
}

fn check_rejected(root: &Path, reasons: Reasons, checks: &mut Vec<Check>) {
    let Ok(hosts) = std::fs::read_dir(root) else {
        return;
    };
    for host in hosts.flatten() {
        let Some(host_id) = host.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        let rejected = Rejected::new(root, &host_id);
        let writers = rejected.writers().unwrap_or_default();
        for (writer, bytes) in writers {
            let operations = rejected.read(writer).unwrap_or_default();
            let reason = operations
                .last()
                .filter(|_| reasons == Reasons::Quoted)
                .map_or_else(String::new, |last| format!(", last: {}", last.reason));
            let error = ServiceError::invalid(format!(
                "a server refused {} ({}) of writer {writer}{reason}",
                format::counted(operations.len() as u64, "operation"),
                format::bytes(bytes),
            ));
            checks.push(Check::wrong(
                "rejected",
                error.with_hint(format!(
                    "mend the cause and log again; nothing here is deleted unasked: {}",
                    rejected.folder().display()
                )),
            ));
        }
    }
}
