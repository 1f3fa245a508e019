//! `runstone doctor --bundle FILE`: what a person who helps needs to see, in one file, without
//! secrets.
//!
//! A tar.gz with one document a section and a manifest that says what is inside and what was left
//! out on purpose. Every document passes the scrubber, and what still holds a known secret
//! afterwards is left out whole. Nothing is sent anywhere, and nothing is changed.

mod facts;
mod scrub;

use crate::arguments::Arguments;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::os_private_file::create_private;
use crate::output::Output;
use flate2::Compression;
use flate2::write::GzEncoder;
use runstone_service::{ErrorKind, ServiceError, system_clock};
use scrub::Scrubber;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// The folder inside the archive.
const FOLDER: &str = "runstone-bundle";
/// A longer file is cut.
const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is never in a bundle, and why.
const LEFT_OUT: [(&str, &str); 6] = [
    (
        "token",
        "whoever has it may do everything; only where it came from is said",
    ),
    (
        "params, metrics, scalars, tags, texts",
        "they are yours; only sizes, counts and names of runs are said",
    ),
    (
        "reasons of refused operations",
        "they may quote what was logged; only their codes are counted",
    ),
    (
        "values of variables that are not known to be plain",
        "they may be secrets; only their names are said",
    ),
    (
        "all of addresses but scheme, host and port, and what looks like a token",
        "cut off, or replaced by [removed]",
    ),
    (
        "logs",
        "Runstone keeps none: they go where standard error goes; look through them before you add them",
    ),
];

struct Section {
    name: &'static str,
    about: &'static str,
    bytes: Vec<u8>,
}

/// Writes the bundle to `file`, or to standard output for `-`.
pub(crate) fn run(arguments: &Arguments, file: &Path, output: &mut Output) -> Outcome {
    let scrubber = Scrubber::of_this_machine();
    let (sections, withheld) = gather(arguments, &scrubber);
    let count = sections.len() + 1;
    let packed = pack(&sections, &withheld).map_err(|error| {
        ServiceError::new(
            ErrorKind::Internal,
            format!("the bundle can't be packed: {error}"),
        )
        .with_hint("is there memory left?")
    })?;
    if file == Path::new("-") {
        output.bytes(&packed)?;
        return Ok(0);
    }
    write_file(file, &packed)?;
    output.line(&format!(
        "wrote {} ({}, {}); look into it before you send it",
        file.display(),
        format::counted(count as u64, "file"),
        format::bytes(packed.len() as u64)
    ))?;
    Ok(0)
}

fn write_file(file: &Path, packed: &[u8]) -> Result<(), Failure> {
    create_private(file)
        .and_then(|mut target| {
            target.write_all(packed)?;
            target.sync_all()
        })
        .map_err(|error| {
            let (kind, hint) = if error.kind() == io::ErrorKind::AlreadyExists {
                (ErrorKind::Conflict, "choose another name, or remove it")
            } else {
                (
                    ErrorKind::Invalid,
                    "choose a file that you may write, or - for standard output",
                )
            };
            let message = format!("the bundle can't be written: {error}: {}", file.display());
            Failure::from(ServiceError::new(kind, message).with_hint(hint))
        })
}

/// All sections, scrubbed; and names of those that were withheld.
fn gather(arguments: &Arguments, scrubber: &Scrubber) -> (Vec<Section>, Vec<&'static str>) {
    let (server, metrics) = facts::server(arguments);
    let documents = [
        (
            "versions.json",
            "versions and the machine",
            facts::versions(),
        ),
        (
            "doctor.json",
            "what `runstone doctor` says",
            facts::doctor(arguments),
        ),
        ("server.json", "how the server introduces itself", server),
        (
            "configuration.json",
            "each setting and where it came from",
            facts::configuration(arguments),
        ),
        (
            "files.json",
            "files with sizes and times, not their bytes",
            facts::files(arguments),
        ),
        (
            "store.json",
            "holder of the data folder, or a check of the database",
            facts::store(arguments),
        ),
        (
            "spools.json",
            "headers of spools, and counts of refused operations",
            facts::spools(),
        ),
        (
            "disks.json",
            "room and kind of the file systems",
            facts::disks(arguments),
        ),
    ];
    let mut sections: Vec<Section> = documents
        .into_iter()
        .map(|(name, about, document)| Section {
            name,
            about,
            bytes: pretty(&scrubber.document(document)),
        })
        .collect();
    if let Some(metrics) = metrics {
        let text = scrubber.text(&String::from_utf8_lossy(&metrics));
        sections.push(Section {
            name: "metrics.txt",
            about: "counters of the server, as Prometheus reads them",
            bytes: text.into_bytes(),
        });
    }
    let mut withheld = Vec::new();
    sections.retain_mut(|section| {
        section.bytes.truncate(FILE_BYTES_MAX);
        let leaking = scrubber.is_leaking(&section.bytes);
        if leaking {
            withheld.push(section.name);
        }
        !leaking
    });
    (sections, withheld)
}

fn pretty(document: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(document).expect("documents are text and numbers");
    bytes.push(b'\n');
    bytes
}

fn manifest(sections: &[Section], withheld: &[&'static str]) -> Value {
    let files: Vec<Value> = sections
        .iter()
        .map(|section| {
            let cut = section.bytes.len() == FILE_BYTES_MAX;
            json!({"name": section.name, "about": section.about, "bytes": section.bytes.len(), "cut": cut})
        })
        .collect();
    let mut left_out: Vec<Value> = LEFT_OUT
        .into_iter()
        .map(|(what, why)| json!({"what": what, "why": why}))
        .collect();
    for name in withheld {
        left_out.push(json!({"what": name, "why": "a known secret stood in it after all"}));
    }
    json!({
        "version": 1,
        "made_by": concat!("runstone ", env!("CARGO_PKG_VERSION")),
        "made_at_micros": system_clock().as_micros(),
        "files": files,
        "left_out": left_out,
    })
}

fn pack(sections: &[Section], withheld: &[&'static str]) -> io::Result<Vec<u8>> {
    let made_at = u64::try_from(system_clock().as_micros() / 1_000_000).unwrap_or_default();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(made_at);
        archive.append_data(&mut header, format!("{FOLDER}/{name}"), bytes)
    };
    add("manifest.json", &pretty(&manifest(sections, withheld)))?;
    for section in sections {
        add(section.name, &section.bytes)?;
    }
    archive.into_inner()?.finish()
}
