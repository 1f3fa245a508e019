//! Artifacts with the real binary: in and out, to the end of their bytes, under kills and copies.

use super::{Home, Server, json, text};
use runstone_client::RunEnd;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes that do not repeat, the same for the same seed.
pub(super) fn bytes_of(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..count).map(next).collect()
}

struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// One request as it stands.
fn ask(server: &Server, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Reply {
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    // One that is refused early may not be read to its end.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("an answer has a head");
    let head = text(&answer[..end]);
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let fields = lines.filter_map(|line| line.split_once(": "));
    Reply {
        status: status.parse().unwrap(),
        headers: fields
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: answer[end + 4..].to_vec(),
    }
}

fn begin(server: &Server, run: &str, path: &str, digest: &str, bytes: usize) -> Value {
    let body = serde_json::json!({"path": path, "digest": digest, "bytes": bytes}).to_string();
    let reply = ask(
        server,
        "POST",
        &format!("/runstone/v1/runs/{run}/artifacts"),
        &["Content-Type: application/json"],
        body.as_bytes(),
    );
    assert_eq!(reply.status, 200, "{}", text(&reply.body));
    json(&text(&reply.body))
}

/// Files below a folder, and their bytes.
pub(super) fn files(folder: &Path) -> (usize, u64) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return (0, 0);
    };
    entries.flatten().fold((0, 0), |(count, bytes), entry| {
        let metadata = entry.metadata().unwrap();
        match metadata.is_dir() {
            true => {
                let below = files(&entry.path());
                (count + below.0, bytes + below.1)
            }
            false => (count + 1, bytes + metadata.len()),
        }
    })
}

fn blobs(home: &Home) -> PathBuf {
    home.path().join("data/blobs")
}

pub(super) fn file(home: &Home, name: &str, bytes: &[u8]) -> String {
    let path = home.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What `artifact get` writes to standard output.
pub(super) fn fetched(home: &Home, run: &str, path: &str, more: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["artifact", "get", run, path, "-o", "-"];
    arguments.extend(more);
    let output = home.run(&arguments);
    assert!(output.status.success(), "{path}: {}", text(&output.stderr));
    output.stdout
}

/// A home with a run that no server has to be asked for.
fn home_with_run() -> Home {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    home.expect(0, &["sync"]);
    home
}

/// Tells the threads of a test to end, also when it fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn more_uploads_are_begun_at_once_than_the_server_has_threads() {
    let home = home_with_run();
    let server = home.up(&[]);
    std::thread::scope(|scope| {
        for number in 0..150_u64 {
            let server = &server;
            scope.spawn(move || {
                let digest = format!("sha256:{number:064x}");
                let begun = begin(server, "run-1", &format!("{number}.bin"), &digest, 10);
                assert_eq!(begun["artifact"]["state"], "pending");
            });
        }
    });
}

fn put_get_and_remove(home: &Home) {
    let bytes = bytes_of(1, 3_000_001);
    let source = file(home, "weights.bin", &bytes);
    let told = home.expect(
        0,
        &["artifact", "put", "run-1", &source, "--path", "a/w.bin"],
    );
    assert!(told.starts_with("put a/w.bin version 1 of run-1"), "{told}");
    let told = home.expect(0, &["artifact", "put", "run-1", &source, "--path", "b"]);
    assert!(told.starts_with("there already: b version 1"), "{told}");
    assert_eq!(files(&blobs(home).join("sha256")).0, 1);
    let target = home.path().join("back.bin");
    let target_text = target.to_str().unwrap();
    home.expect(
        0,
        &["artifact", "get", "run-1", "a/w.bin", "-o", target_text],
    );
    assert_eq!(std::fs::read(&target).unwrap(), bytes);
    assert!(fetched(home, "run-1", "b", &[]) == bytes);
    let other = file(home, "other.bin", b"other");
    home.expect(0, &["artifact", "put", "run-1", &other, "--path", "b"]);
    let list = json(&home.expect(0, &["artifact", "list", "run-1", "--versions", "--json"]));
    let listed: Vec<_> = list["artifacts"].as_array().unwrap().iter().collect();
    let names = listed.iter().map(|one| (&one["path"], &one["version"]));
    let names: Vec<String> = names
        .map(|(path, version)| format!("{path}{version}"))
        .collect();
    assert_eq!(names, ["\"a/w.bin\"1", "\"b\"1", "\"b\"2"]);
    assert!(listed.iter().all(|one| one["state"] == "ready"));
    home.expect(0, &["artifact", "get", "run-1", "b", "-o", target_text]);
    assert_eq!(std::fs::read(&target).unwrap(), b"other");
    home.expect(0, &["artifact", "remove", "run-1", "b", "--version", "2"]);
    home.expect(0, &["artifact", "get", "run-1", "b", "-o", target_text]);
    assert_eq!(std::fs::read(&target).unwrap(), bytes);
    home.expect_error(3, &["artifact", "get", "run-1", "c"]);
    home.expect_error(3, &["artifact", "remove", "run-1", "c"]);
    home.expect_error(3, &["artifact", "put", "nobody", &source]);
    for path in ["../x", "/x", "a//b", "c:/x", "a\\b"] {
        home.expect_error(2, &["artifact", "put", "run-1", &source, "--path", path]);
    }
    home.expect_error(3, &["artifact", "put", "run-1", "/no/such/file"]);
    let told = home.expect(0, &["artifact", "list", "run-1", "--prefix", "a/"]);
    assert!(told.contains("a/w.bin") && !told.contains("\nb "), "{told}");
}

#[test]
fn files_go_in_and_out_of_a_folder() {
    let home = home_with_run();
    put_get_and_remove(&home);
    home.expect(0, &["doctor", "--deep"]);
}

#[test]
fn files_go_in_and_out_through_a_server() {
    let home = home_with_run();
    let _server = home.up(&["--require-token"]);
    put_get_and_remove(&home);
}

#[test]
fn a_download_is_never_a_page_and_comes_in_ranges() {
    let home = Home::new();
    let server = home.up(&[]);
    home.log("run-1", Some(server.url()), RunEnd::Succeeded);
    let page = file(&home, "evil.html", b"<script>alert(1)</script>");
    home.expect(0, &["artifact", "put", "run-1", &page]);
    let picture = file(&home, "p\"i ü.png", b"0123456789");
    home.expect(
        0,
        &["artifact", "put", "run-1", &picture, "--path", "p/ü.png"],
    );
    let evil = "/runstone/v1/runs/run-1/artifacts/evil.html";
    let reply = ask(&server, "GET", evil, &[], b"");
    assert_eq!((reply.status, reply.body.len()), (200, 25));
    let of = |name: &str| reply.headers[name].as_str();
    assert_eq!(of("x-content-type-options"), "nosniff");
    assert!(of("content-disposition").starts_with("attachment; filename=\"evil.html\""));
    assert!(of("content-security-policy").contains("sandbox"));
    assert_eq!(of("accept-ranges"), "bytes");
    let tag = of("etag").to_owned();
    let unchanged = ask(
        &server,
        "GET",
        evil,
        &[&format!("If-None-Match: {tag}")],
        b"",
    );
    assert_eq!(unchanged.status, 304);
    let path = "/runstone/v1/runs/run-1/artifacts/p/%C3%BC.png";
    let whole = ask(&server, "HEAD", path, &[], b"");
    assert_eq!(whole.headers["content-length"], "10");
    assert!(whole.body.is_empty());
    assert!(whole.headers["content-disposition"].starts_with("inline; "));
    for (range, status, body, shown) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-1", 206, "9", "bytes 9-9/10"),
    ] {
        let part = ask(&server, "GET", path, &[&format!("Range: {range}")], b"");
        assert_eq!((part.status, text(&part.body)), (status, body.to_owned()));
        assert_eq!(part.headers["content-range"], shown);
    }
    let outside = ask(&server, "GET", path, &["Range: bytes=10-"], b"");
    assert_eq!(outside.status, 416);
    assert_eq!(outside.headers["content-range"], "bytes */10");
}

#[test]
fn bytes_are_taken_at_their_signed_address_only_and_when_they_are_right() {
    let home = home_with_run();
    let server = home.up(&["--require-token"]);
    let token = std::fs::read_to_string(home.path().join("token")).unwrap();
    let token = format!("Authorization: Bearer {}", token.trim());
    let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let body = serde_json::json!({"path": "x", "digest": digest, "bytes": 3}).to_string();
    let artifacts = "/runstone/v1/runs/run-1/artifacts";
    let typed = "Content-Type: application/json";
    let unknown = ask(&server, "POST", artifacts, &[typed], body.as_bytes());
    assert_eq!(unknown.status, 401);
    let begun = ask(
        &server,
        "POST",
        artifacts,
        &[typed, &token],
        body.as_bytes(),
    );
    let begun = json(&text(&begun.body));
    assert_eq!(begun["artifact"]["state"], "pending");
    let url = begun["upload"]["url"].as_str().unwrap();
    let bare = ask(&server, "PUT", &format!("{artifacts}/x"), &[&token], b"abc");
    assert_eq!(bare.status, 403);
    let elsewhere = url.replace("artifacts/x", "artifacts/y");
    assert_eq!(ask(&server, "PUT", &elsewhere, &[], b"abc").status, 403);
    let larger = url.replace("bytes_max=3", "bytes_max=4");
    assert_eq!(ask(&server, "PUT", &larger, &[], b"abcd").status, 403);
    assert_eq!(ask(&server, "PUT", url, &[], b"abd").status, 400);
    assert_eq!(ask(&server, "PUT", url, &[], b"abcd").status, 413);
    assert_eq!(
        ask(&server, "PUT", url, &["Origin: http://evil"], b"abc").status,
        403
    );
    assert_eq!(files(&blobs(&home)), (0, 0));
    let read = ask(&server, "GET", &format!("{artifacts}/x"), &[&token], b"");
    assert_eq!(read.status, 404);
    let taken = ask(&server, "PUT", url, &[], b"abc");
    assert_eq!(taken.status, 200, "{}", text(&taken.body));
    assert_eq!(json(&text(&taken.body))["state"], "ready");
    // Once more does no harm.
    assert_eq!(ask(&server, "PUT", url, &[], b"abc").status, 200);
    assert_eq!(files(&blobs(&home)), (1, 3));
}

#[test]
fn bytes_go_with_the_last_run_that_refers_to_them() {
    let home = Home::new();
    let server = home.up(&[]);
    for run in ["run-1", "run-2"] {
        home.log(run, Some(server.url()), RunEnd::Succeeded);
    }
    let (own, shared) = (bytes_of(1, 2_000_000), bytes_of(2, 500_000));
    let own_file = file(&home, "own", &own);
    let shared_file = file(&home, "shared", &shared);
    home.expect(0, &["artifact", "put", "run-1", &own_file]);
    home.expect(0, &["artifact", "put", "run-1", &shared_file]);
    home.expect(0, &["artifact", "put", "run-2", &shared_file]);
    let space = json(&home.expect(0, &["du", "--json"]));
    let on_disk = files(&blobs(&home)).1;
    let told = space["blobs"]["bytes"].as_u64().unwrap();
    assert!(
        told.abs_diff(on_disk) * 50 <= on_disk,
        "{told} of {on_disk}"
    );
    assert_eq!(space["blobs"]["referred_bytes"], 2_500_000);
    let of_run = |run: &str| {
        let space = json(&home.expect(0, &["du", run, "--json"]));
        space["runs"][0]["blob_bytes"].as_u64().unwrap()
    };
    assert_eq!((of_run("run-1"), of_run("run-2")), (2_500_000, 500_000));
    home.expect(0, &["delete", "run-1"]);
    // It may come back: nothing is freed, however often.
    for _ in 0..3 {
        home.expect(0, &["gc"]);
    }
    assert_eq!(files(&blobs(&home)).0, 2);
    home.expect(0, &["undelete", "run-1"]);
    assert!(fetched(&home, "run-1", "own", &[]) == own);
    home.expect(0, &["delete", "run-1"]);
    let done = json(&home.expect(0, &["gc", "--trash-days", "0", "--json"]));
    assert_eq!(done["purged"], serde_json::json!(["run-1"]));
    assert_eq!(
        (&done["blobs_deleted"], &done["blobs_deleted_bytes"]),
        (&1.into(), &2_000_000.into())
    );
    assert_eq!(files(&blobs(&home)), (1, 500_000));
    assert!(fetched(&home, "run-2", "shared", &[]) == shared);
    home.expect(0, &["artifact", "remove", "run-2", "shared"]);
    home.expect(0, &["gc", "--trash-days", "0"]);
    assert_eq!(files(&blobs(&home)), (0, 0));
}

#[test]
fn a_server_killed_in_the_middle_of_an_upload_leaves_nothing_after_gc() {
    let home = Home::new();
    let mut server = home.up(&[]);
    home.log("run-1", Some(server.url()), RunEnd::Succeeded);
    let bytes = bytes_of(3, 6_000_000);
    let source = file(&home, "big", &bytes);
    let digest = {
        // The client tells it: put to another home.
        let other = Home::new();
        other.log("run-1", None, RunEnd::Succeeded);
        other.expect(0, &["sync"]);
        let told = other.expect(0, &["artifact", "put", "run-1", &source, "--json"]);
        json(&told)["artifact"]["digest"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let begun = begin(&server, "run-1", "big", &digest, bytes.len());
    let url = begun["upload"]["url"].as_str().unwrap().to_owned();
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let length = bytes.len();
    write!(
        stream,
        "PUT {url} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    stream.write_all(&bytes[..4_000_000]).unwrap();
    let uploads = blobs(&home).join("uploads");
    while files(&uploads).1 < 1_000_000 {
        std::thread::yield_now();
    }
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(files(&uploads).1 > 0);
    let server = home.up(&[]);
    let swept = json(&home.expect(0, &["gc", "--json"]));
    assert_eq!(swept["uploads_swept"], 1, "{swept}");
    assert_eq!(files(&blobs(&home)), (0, 0));
    let list = json(&home.expect(0, &["artifact", "list", "run-1", "--json"]));
    assert_eq!(list["artifacts"][0]["state"], "pending");
    // The address is that of the process that is gone.
    assert_eq!(ask(&server, "PUT", &url, &[], &bytes).status, 403);
    home.expect(0, &["artifact", "put", "run-1", &source]);
    let list = json(&home.expect(0, &["artifact", "list", "run-1", "--json"]));
    assert_eq!(list["artifacts"][0]["state"], "ready");
    assert_eq!(list["artifacts"][0]["version"], 1);
}

#[test]
fn a_copy_has_the_bytes_of_all_its_artifacts_while_files_come_and_go() {
    let home = Home::new();
    let server = home.up(&[]);
    home.log("run-1", Some(server.url()), RunEnd::Succeeded);
    let (done, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (home, done, is_over) = (&home, &done, &is_over);
        let putting = scope.spawn(move || {
            for number in 0u64.. {
                if is_over.load(Ordering::Acquire) {
                    return;
                }
                let source = file(home, "next", &bytes_of(number, 50_000));
                let path = format!("f/{number}");
                home.expect(0, &["artifact", "put", "run-1", &source, "--path", &path]);
                if number >= 3 {
                    let former = format!("f/{}", number - 3);
                    home.expect(0, &["artifact", "remove", "run-1", &former]);
                }
                done.store(number, Ordering::Release);
            }
        });
        scope.spawn(move || {
            while !is_over.load(Ordering::Acquire) {
                home.expect(0, &["gc", "--trash-days", "0"]);
            }
        });
        let _ending = Ending(is_over);
        for number in 0..3 {
            let from = done.load(Ordering::Acquire);
            while done.load(Ordering::Acquire) < from + 3 {
                assert!(!putting.is_finished());
                std::thread::yield_now();
            }
            let copy = home.path().join(format!("copy-{number}"));
            let copy = copy.to_str().unwrap();
            let told = json(&home.expect(0, &["snapshot", copy, "--json"]));
            assert_eq!(told["blobs_missing"], 0, "{told}");
            assert!(told["blobs"].as_u64().unwrap() >= 3, "{told}");
            home.expect(0, &["doctor", "--deep", "--data", copy]);
            let list = ["artifact", "list", "run-1", "--json", "--data", copy];
            let list = json(&home.expect(0, &list));
            let ready = list["artifacts"].as_array().unwrap().iter();
            for one in ready.filter(|one| one["state"] == "ready") {
                let path = one["path"].as_str().unwrap();
                let number: u64 = path.strip_prefix("f/").unwrap().parse().unwrap();
                let bytes = fetched(home, "run-1", path, &["--data", copy]);
                assert!(bytes == bytes_of(number, 50_000), "{path}");
            }
        }
    });
}

#[test]
fn a_deep_check_names_damaged_and_lost_blobs() {
    let home = home_with_run();
    for (name, content) in [("a", &b"first"[..]), ("b", b"second")] {
        let source = file(&home, name, content);
        home.expect(0, &["artifact", "put", "run-1", &source]);
    }
    home.expect(0, &["doctor", "--deep"]);
    let list = json(&home.expect(0, &["artifact", "list", "run-1", "--json"]));
    let place = |index: usize| {
        let digest = list["artifacts"][index]["digest"].as_str().unwrap();
        let hex = digest.strip_prefix("sha256:").unwrap();
        blobs(&home).join("sha256").join(&hex[..2]).join(hex)
    };
    std::fs::write(place(0), b"fIrst").unwrap();
    std::fs::remove_file(place(1)).unwrap();
    let told = home.expect(1, &["doctor", "--deep"]);
    assert!(
        told.contains("has bytes of") && told.contains("referred to and not there"),
        "{told}"
    );
    home.expect_error(6, &["artifact", "get", "run-1", "b", "-o", "-"]);
    home.expect(6, &["artifact", "get", "run-1", "a", "-o", "-"]);
}
