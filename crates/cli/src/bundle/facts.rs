//! The sections of a bundle: one function each, plain documents that are scrubbed afterwards.
//!
//! Names of runs, series and files are facts; values of params, metrics and scalars, and texts that
//! users logged, are not and never read.

use crate::arguments::Arguments;
use crate::backend::{client, data_folder, server_url};
use crate::bundle::scrub::is_secret_name;
use crate::checks::{Reasons, Status, all_checks};
use crate::engine::{inspect_folder, lock_holder, network_file_system};
use crate::os_mount::{free_bytes, mount_of};
use runstone_client::config::{self, process_environment};
use runstone_client::spool::{Rejected, all_spools, unreadable_spools};
use runstone_service::api::API_VERSION;
use runstone_service::{ServiceError, system_clock};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Files listed of one folder at most.
const FILES_MAX: usize = 5_000;
const FOLDER_DEPTH_MAX: usize = 8;
/// Spools described at most.
const SPOOLS_MAX: usize = 1_000;
/// Variables whose values say where things are and how they behave, and hold no secrets once
/// scrubbed.
const PLAIN_VARIABLES: [&str; 8] = [
    "RUNSTONE_HOME",
    "RUNSTONE_SPOOL",
    "RUNSTONE_URL",
    "RUNSTONE_MODE",
    "RUNSTONE_SPOOL_MODE",
    "RUNSTONE_LOG",
    "MATYAN_FRONTIER_URL",
    "MATYAN_BACKEND_URL",
];
const PROXY_VARIABLES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Versions and the machine.
pub(super) fn versions() -> Value {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .ok()
            .map(|text| text.trim().to_owned())
    };
    let memory = read("/proc/meminfo").and_then(|text| text.lines().next().map(str::to_owned));
    let system = read("/etc/os-release").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("PRETTY_NAME="))?;
        Some(line["PRETTY_NAME=".len()..].trim_matches('"').to_owned())
    });
    json!({
        "runstone": env!("CARGO_PKG_VERSION"),
        "api": API_VERSION,
        "frames": runstone_service::frame_versions(),
        "system": std::env::consts::OS,
        "system_name": system,
        "architecture": std::env::consts::ARCH,
        "kernel": read("/proc/sys/kernel/osrelease"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": memory,
        "time_micros": system_clock().as_micros(),
    })
}

/// What `doctor` says, without the reasons of refused operations: they may quote what was logged.
pub(super) fn doctor(arguments: &Arguments) -> Value {
    let checks = all_checks(arguments, Reasons::LeftOut);
    let ok = checks.iter().all(|check| check.status != Status::Wrong);
    json!({"version": 1, "ok": ok, "checks": checks})
}

/// How the server introduces itself, and its metrics; why not, where there is none.
pub(super) fn server(arguments: &Arguments) -> (Value, Option<Vec<u8>>) {
    let ask = || -> Result<(Value, Option<Vec<u8>>), ServiceError> {
        let url = server_url(arguments)?.unwrap_or_else(|| config::LOCAL_URL.to_owned());
        let client = client(&url)?;
        let described = client
            .server()
            .map_err(|error| crate::failure::client_error(&error))?;
        let metrics = match client.get_reply("/metrics", &[]) {
            Ok((200, body)) => Some(body),
            _ => None,
        };
        Ok((json!({"url": url, "description": described}), metrics))
    };
    match ask() {
        Ok(answer) => answer,
        Err(error) => (json!({"error": error.to_string()}), None),
    }
}

/// Each setting, its value and where it came from.
pub(super) fn configuration(arguments: &Arguments) -> Value {
    let environment = &process_environment;
    let from = |names: &[&'static str], otherwise: &'static str| {
        names
            .iter()
            .find(|name| environment(name).is_some())
            .copied()
            .unwrap_or(otherwise)
    };
    let setting = |name: &str, value: Value, source: &str| json!({"name": name, "value": value, "source": source});
    let shown = |path: PathBuf| json!(path.display().to_string());
    let data_source = if arguments.data.is_some() {
        "--data"
    } else {
        "below home"
    };
    let asked = environment("RUNSTONE_URL");
    let url_source = match &arguments.url {
        None => "the holder of the data folder, else the default",
        Some(url) if Some(url) == asked.as_ref() => "RUNSTONE_URL",
        Some(_) => "--url",
    };
    let write_to = match config::write_destination(None, environment) {
        Ok(destination) => json!(destination.url),
        Err(error) => json!({"error": error.to_string()}),
    };
    let mode = match config::mode(None, environment) {
        Ok(mode) => json!(format!("{mode:?}").to_lowercase()),
        Err(error) => json!({"error": error.to_string()}),
    };
    let token_file = config::home(environment).join("token");
    let token_source = match (environment("RUNSTONE_TOKEN"), token_file.exists()) {
        (Some(_), _) => "RUNSTONE_TOKEN",
        (None, true) => "token file in home",
        (None, false) => "nowhere",
    };
    json!({
        "settings": [
            setting("home", shown(config::home(environment)), from(&["RUNSTONE_HOME", "HOME"], "temporary folder")),
            setting("data", shown(data_folder(arguments)), data_source),
            setting("spool", shown(config::spool_root(environment)), from(&["RUNSTONE_SPOOL"], "below home")),
            setting("spool_fallback", shown(config::fallback_spool_root()), "temporary folder"),
            setting("url", json!(arguments.url), url_source),
            setting("write_to", write_to, from(&["RUNSTONE_URL", "MATYAN_FRONTIER_URL"], "default")),
            setting("mode", mode, from(&["RUNSTONE_MODE"], "default")),
            setting("spool_mode", json!(environment("RUNSTONE_SPOOL_MODE")), from(&["RUNSTONE_SPOOL_MODE"], "default")),
            setting("log", json!(environment("RUNSTONE_LOG")), from(&["RUNSTONE_LOG"], "default")),
            setting("token", Value::Null, token_source),
        ],
        "variables": variables(),
    })
}

/// Variables that concern Runstone; of those that may hold a secret only the name.
fn variables() -> Value {
    let mut shown = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let upper = name.to_ascii_uppercase();
        let ours = name.starts_with("RUNSTONE_") || name.starts_with("MATYAN_");
        if !ours && !PROXY_VARIABLES.contains(&upper.as_str()) {
            continue;
        }
        let plain = PLAIN_VARIABLES.contains(&name.as_str()) && !is_secret_name(&name);
        let value = plain.then(|| value.to_string_lossy().into_owned());
        shown.insert(name, value);
    }
    json!(shown)
}

/// Files of the folders with sizes and times; never their bytes.
pub(super) fn files(arguments: &Arguments) -> Value {
    let roots = [
        ("data", data_folder(arguments)),
        ("spool", config::spool_root(&process_environment)),
        ("spool_fallback", config::fallback_spool_root()),
    ];
    let listed = roots.into_iter().map(|(name, root)| {
        let mut files = Vec::new();
        let mut more = 0;
        list_folder(&root, Path::new(""), 0, &mut files, &mut more);
        (
            name.to_owned(),
            json!({"folder": root.display().to_string(), "files": files, "not_listed": more}),
        )
    });
    Value::Object(listed.collect())
}

fn list_folder(root: &Path, below: &Path, depth: usize, files: &mut Vec<Value>, more: &mut u64) {
    let Ok(entries) = std::fs::read_dir(root.join(below)) else {
        return;
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        // Of links themselves, so nothing outside is looked at.
        let Ok(metadata) = std::fs::symlink_metadata(entry.path()) else {
            continue;
        };
        if files.len() >= FILES_MAX {
            *more += 1;
            continue;
        }
        let modified = metadata.modified().ok();
        let micros = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        files.push(json!({
            "path": path.display().to_string(),
            "kind": kind_of(&metadata),
            "bytes": metadata.len(),
            "read_only": metadata.permissions().readonly(),
            "modified_at_micros": micros.map(|time| time.as_micros() as u64),
        }));
        if metadata.is_dir() && depth < FOLDER_DEPTH_MAX {
            list_folder(root, &path, depth + 1, files, more);
        }
    }
}

fn kind_of(metadata: &std::fs::Metadata) -> &'static str {
    if metadata.is_dir() {
        "folder"
    } else if metadata.is_file() {
        "file"
    } else if metadata.is_symlink() {
        "link"
    } else {
        "other"
    }
}

/// Who holds the store, and what is in it when nobody does.
pub(super) fn store(arguments: &Arguments) -> Value {
    let folder = data_folder(arguments);
    let mut section = Map::new();
    section.insert("folder".to_owned(), json!(folder.display().to_string()));
    if !folder.exists() {
        section.insert("state".to_owned(), json!("none yet"));
        return Value::Object(section);
    }
    let state = match lock_holder(&folder) {
        Err(error) => json!({"error": error.to_string()}),
        Ok(Some(holder)) => json!({"holder": {
            "pid": holder.pid,
            "started_at_micros": holder.started_at.as_micros(),
            "address": holder.address,
        }}),
        Ok(None) => match inspect_folder(&folder) {
            Ok(report) => json!({"check": {
                "schema_version": report.schema_version,
                "database_bytes": report.database_bytes,
                "unfolded_frames": report.frames,
                "packs": report.packs,
                "chunks": report.chunks,
                "runs_with_folded_points": report.summaries,
                "damages": report.damages,
            }}),
            Err(error) => json!({"error": error.to_string()}),
        },
    };
    section.insert("state".to_owned(), state);
    Value::Object(section)
}

/// What the headers of spools say, and how much was refused.
pub(super) fn spools() -> Value {
    let mut roots = vec![config::spool_root(&process_environment)];
    let fallback = config::fallback_spool_root();
    if !roots.contains(&fallback) {
        roots.push(fallback);
    }
    let sections = roots.iter().map(|root| {
        let found = all_spools(root).unwrap_or_default();
        let not_listed = found.len().saturating_sub(SPOOLS_MAX);
        let spools: Vec<Value> = found
            .into_iter()
            .take(SPOOLS_MAX)
            .map(|(spool, in_use)| {
                json!({
                    "writer": spool.writer.to_string(),
                    "run": spool.run,
                    "destination": spool.destination,
                    "host": spool.host,
                    "host_id": spool.host_id,
                    "boot_id": spool.boot_id,
                    "pid": spool.pid,
                    "created_at_micros": spool.created_at_micros,
                    "bytes": spool.bytes,
                    "acknowledged_mark": spool.acknowledged.0,
                    "in_use": in_use,
                })
            })
            .collect();
        let unreadable: Vec<Value> = unreadable_spools(root)
            .unwrap_or_default()
            .into_iter()
            .map(|spool| {
                let path = spool.path.display().to_string();
                json!({"path": path, "reason": spool.reason, "bytes": spool.bytes})
            })
            .collect();
        json!({
            "root": root.display().to_string(),
            "spools": spools,
            "not_listed": not_listed,
            "unreadable": unreadable,
            "rejected": rejected(root),
        })
    });
    sections.collect()
}

/// Refused operations by their code; their reasons and bytes stay here.
fn rejected(root: &Path) -> Vec<Value> {
    let Ok(hosts) = std::fs::read_dir(root) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for host in hosts.flatten() {
        let host_id = host.file_name().to_string_lossy().into_owned();
        let rejected = Rejected::new(root, &host_id);
        for (writer, bytes) in rejected.writers().unwrap_or_default() {
            let mut codes: BTreeMap<String, u64> = BTreeMap::new();
            for operation in rejected.read(writer).unwrap_or_default() {
                *codes.entry(operation.code).or_default() += 1;
            }
            let writer = writer.to_string();
            found.push(
                json!({"host_id": host_id, "writer": writer, "bytes": bytes, "codes": codes}),
            );
        }
    }
    found
}

/// Room and kind of the file systems that things lie on.
pub(super) fn disks(arguments: &Arguments) -> Value {
    let places = [
        ("home", config::home(&process_environment)),
        ("data", data_folder(arguments)),
        ("spool", config::spool_root(&process_environment)),
        ("temporary", std::env::temp_dir()),
    ];
    let described = places.into_iter().map(|(name, path)| {
        let mount = mount_of(&path);
        json!({
            "place": name,
            "path": path.display().to_string(),
            "exists": path.exists(),
            "free_bytes": free_bytes(&path),
            "mounted_at": mount.as_ref().map(|mount| mount.at.display().to_string()),
            "file_system": mount.as_ref().map(|mount| mount.kind.clone()),
            "mount_flags": mount.map(|mount| mount.flags),
            "network_file_system": network_file_system(&path),
        })
    });
    described.collect()
}
