//! `doctor --bundle`: what is needed is inside, and no secret is.

use crate::{Home, json, text};
use flate2::read::GzDecoder;
use runstone_client::spool::{Rejected, RejectedOperation, leftover_spools};
use runstone_client::{Mode, ParamValue, Run, RunEnd, RunOptions};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Everything that must not come out, each planted somewhere else.
const PLANTED: [&str; 14] = [
    "planted-in-token-file",
    "planted-in-environment",
    "planted-in-url",
    "planted-in-matyan-url",
    "planted-in-proxy",
    "planted-in-unknown-variable",
    "planted-in-spool-header",
    "planted-in-log-line",
    "plantedInFileName",
    "planted-in-reason",
    "planted-in-param",
    "planted-in-tag",
    "plantedInRunId",
    "planted-home",
];

fn unpacked(packed: &[u8]) -> (Vec<u8>, BTreeMap<String, Vec<u8>>) {
    let mut all = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut all).unwrap();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(all.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let name = name.strip_prefix("runstone-bundle/").unwrap().to_owned();
        files.insert(name, bytes);
    }
    (all, files)
}

fn document(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Value {
    json(&text(&files[name]))
}

fn assert_clean(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for planted in PLANTED {
        if let Some(at) = text.find(planted) {
            let start = text.floor_char_boundary(at.saturating_sub(120));
            panic!("{planted} came out: {}", &text[start..at + planted.len()]);
        }
    }
}

/// The address in a spool's header as an older or foreign writer may have left it. The client
/// itself refuses such addresses.
fn plant_in_header(segment: &Path, destination: &str) {
    const CRC_AT: usize = 4024;
    let mut bytes = std::fs::read(segment).unwrap();
    if !bytes.starts_with(b"RSSPOOL1") {
        return;
    }
    // Four texts follow each other, each behind its length; the address is the last.
    let mut at = 64;
    for _ in 0..3 {
        at += 2 + usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    }
    let length = u16::try_from(destination.len()).unwrap();
    bytes[at..at + 2].copy_from_slice(&length.to_le_bytes());
    bytes[at + 2..at + 2 + destination.len()].copy_from_slice(destination.as_bytes());
    let crc = crc32c(&bytes[..CRC_AT]);
    bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(segment, bytes).unwrap();
}

fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// A home in a folder named after a person, with secrets wherever one may stand.
fn planted_home() -> (tempfile::TempDir, Home) {
    let person = tempfile::Builder::new()
        .prefix("planted-home")
        .tempdir()
        .unwrap();
    let home = Home {
        folder: tempfile::tempdir_in(person.path()).unwrap(),
        environment: Vec::new(),
    };
    let config = serde_json::json!({"password": "planted-in-param", "lr": 0.05});
    let run = Run::open(RunOptions {
        run_id: Some("hf_plantedInRunId0123456789".to_owned()),
        config: Some(ParamValue::from_json(&config)),
        tags: vec!["planted-in-tag".to_owned()],
        mode: Some(Mode::Offline),
        spool: Some(home.spool()),
        ..RunOptions::default()
    })
    .unwrap();
    run.close(RunEnd::Succeeded, Some(std::time::Duration::from_secs(20)));
    home.log("plain", None, RunEnd::Succeeded);
    let plant = |name: &str, content: &str| {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    plant("token", "planted-in-token-file\n");
    plant(
        "data/server.log",
        "Authorization: Bearer planted-in-log-line\n",
    );
    plant("data/ghp_plantedInFileName0123456789", "x");
    for spool in leftover_spools(&home.spool(), None).unwrap() {
        let reason = "no number: planted-in-reason, and planted-in-token-file";
        let operation = RejectedOperation {
            at_micros: 1,
            slot: 0,
            code: "type_conflict".to_owned(),
            reason: reason.to_owned(),
            bytes: b"planted-in-param planted-in-tag".as_slice().into(),
        };
        Rejected::new(&home.spool(), &spool.host_id)
            .append(spool.writer, &[operation])
            .unwrap();
        for file in std::fs::read_dir(&spool.path).unwrap().flatten() {
            let destination = "http://ada:planted-in-spool-header@far.example:1";
            plant_in_header(&file.path(), destination);
        }
    }
    (person, home)
}

fn bundle_command(person: &Path, home: &Home, file: &str) -> std::process::Command {
    let mut command = home.command(&["doctor", "--bundle", file]);
    command
        .env("HOME", person)
        .env("RUNSTONE_TOKEN", "planted-in-environment")
        .env("RUNSTONE_URL", "http://ada:planted-in-url@127.0.0.1:9")
        .env(
            "MATYAN_FRONTIER_URL",
            "http://planted-in-matyan-url@127.0.0.1:9",
        )
        .env(
            "HTTPS_PROXY",
            "http://ada:planted-in-proxy@proxy.example:3128",
        )
        .env("RUNSTONE_NOT_KNOWN", "planted-in-unknown-variable");
    command
}

#[test]
fn no_secret_comes_out_in_a_bundle_wherever_it_stood() {
    let (person, home) = planted_home();
    let file = person.path().join("bundle.tar.gz");
    let shown = file.display().to_string();
    let done = bundle_command(person.path(), &home, &shown)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert!(text(&done.stdout).starts_with("wrote "));

    let (all, files) = unpacked(&std::fs::read(&file).unwrap());
    assert_clean(&all);
    files.values().for_each(|bytes| assert_clean(bytes));

    // And yet it tells what is needed.
    let manifest = document(&files, "manifest.json");
    let mut named: Vec<&str> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    named.push("manifest.json");
    named.sort_unstable();
    assert_eq!(named, files.keys().map(String::as_str).collect::<Vec<_>>());
    assert!(manifest["left_out"].as_array().unwrap().len() >= 6);

    let spools = document(&files, "spools.json");
    let spool = &spools[0]["spools"][1];
    assert_eq!(spool["run"], "plain");
    assert_eq!(spool["destination"], "http://far.example:1");
    assert_eq!(spools[0]["rejected"][0]["codes"]["type_conflict"], 1);

    let configuration = document(&files, "configuration.json");
    let settings = configuration["settings"].as_array().unwrap();
    let setting = |name: &str| settings.iter().find(|item| item["name"] == name).unwrap();
    assert_eq!(setting("token")["source"], "RUNSTONE_TOKEN");
    assert_eq!(setting("token")["value"], Value::Null);
    assert_eq!(setting("home")["source"], "RUNSTONE_HOME");
    let below_home = setting("home")["value"].as_str().unwrap();
    assert!(below_home.starts_with("~/"), "{below_home}");
    assert_eq!(configuration["variables"]["RUNSTONE_TOKEN"], Value::Null);
    assert_eq!(
        configuration["variables"]["RUNSTONE_NOT_KNOWN"],
        Value::Null
    );

    let listed = document(&files, "files.json").to_string();
    assert!(listed.contains("server.log"), "{listed}");
    let disks = document(&files, "disks.json");
    assert!(disks[1]["free_bytes"].as_u64().unwrap() > 0, "{disks}");
}

#[test]
fn a_bundle_is_private_and_overwrites_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let file = home.path().join("bundle.tar.gz");
    let shown = file.display().to_string();
    home.expect(0, &["doctor", "--bundle", &shown]);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let error = home.expect_error(4, &["doctor", "--bundle", &shown]);
    assert!(error.contains(&shown), "{error}");
}

#[test]
fn a_bundle_tells_of_the_running_server_and_goes_to_standard_output() {
    let home = Home::new();
    let server = home.up(&[]);
    home.log("a", Some(server.url()), RunEnd::Succeeded);
    let done = home.run(&["doctor", "--bundle", "-"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let (_, files) = unpacked(&done.stdout);
    let described = document(&files, "server.json");
    assert_eq!(
        described["description"]["store_id"],
        server.ready["store_id"]
    );
    let store = document(&files, "store.json");
    assert_eq!(store["state"]["holder"]["pid"], server.ready["pid"]);
    assert!(text(&files["metrics.txt"]).contains("runstone_applied_frames_total"));
    drop(server);

    let done = home.run(&["doctor", "--bundle", "-"]);
    let (_, files) = unpacked(&done.stdout);
    let store = document(&files, "store.json");
    assert_eq!(store["state"]["check"]["damages"], serde_json::json!([]));
    assert!(!files.contains_key("metrics.txt"));
}
