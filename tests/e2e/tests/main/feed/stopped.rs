//! Readers that stop reading: cut off, at no cost for the server, and they can come back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use runstone_client::{ApiClient, ChangeEvent};
use runstone_e2e::http;
use runstone_e2e::server::Server;
use serde_json::Value;

use super::{all_changes, assert_same, creator, fill, heartbeat, number, post};

const READERS: usize = 8;
/// What the server may grow by for all of them: a page and what hyper took ahead for each, and the
/// page caches of the store's readers, up to 8 MiB, which many readers warm. What the readers have
/// asked for is some 18 MiB each.
const GROWTH_BYTES_MAX: u64 = 24 << 20;
const LONGEST: Duration = Duration::from_secs(120);

/// Memory of a process in bytes, from /proc.
fn memory_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kilobytes = line.split_whitespace().next().unwrap();
    kilobytes.parse::<u64>().unwrap() * 1_024
}

fn metric(server: &Server, name: &str) -> u64 {
    let answer = http::request(server.address(), "GET /metrics", &[], b"").unwrap();
    let line = answer
        .body
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap();
    line.parse::<f64>().unwrap() as u64
}

/// Asks for everything and reads nothing of it.
fn stopped_reader(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(
        stream,
        "GET /runstone/v1/changes/stream?since=0 HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address()
    )
    .unwrap();
    stream
}

/// The id of the last event that came whole before the connection ended.
fn last_whole_id(mut stream: TcpStream) -> u64 {
    let mut bytes = Vec::new();
    let mut block = vec![0; 1 << 16];
    // A reset is an end, too.
    while let Ok(length @ 1..) = stream.read(&mut block) {
        bytes.extend_from_slice(&block[..length]);
    }
    let text = String::from_utf8_lossy(&bytes);
    let end = text.rfind("\n\n").unwrap();
    let id = text[..end].rfind("id: ").unwrap() + 4;
    let digits = text[id..].lines().next().unwrap();
    digits.parse().unwrap()
}

/// Reads everything there is; the newest change.
fn read_all(api: &ApiClient, last_id: Option<u64>) -> Vec<Value> {
    let mut stream = api
        .open_changes(&[("since", "0")], last_id, LONGEST)
        .unwrap();
    let mut seen = Vec::new();
    loop {
        match stream.next_event().unwrap() {
            Some(ChangeEvent::Change(change)) => seen.push(change),
            Some(ChangeEvent::CaughtUp { .. }) => return seen,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn readers_that_stop_are_cut_off_and_cost_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fill(&data, 16, 6_500);
    let mut server = Server::start(&data, &folder.path().join("home")).unwrap();
    let api = ApiClient::from_environment(Some(server.url())).unwrap();
    // One reader that reads: afterwards every cache is as warm as it gets.
    let all = read_all(&api, None);
    assert!(all.len() > 100_000);
    let mut writer = creator("live", 99);
    for _ in 0..20 {
        post(server.address(), heartbeat(&mut writer));
    }
    let before = memory_bytes(server.pid());
    let stopped: Vec<TcpStream> = (0..READERS).map(|_| stopped_reader(&server)).collect();
    let mut most = before;
    let started_at = Instant::now();
    // Another one reads all of it, and changes go on, while they are stuck.
    let again = read_all(&api, None);
    assert!(again.len() > all.len());
    while metric(&server, "runstone_streams_cut_off_total") < READERS as u64 {
        post(server.address(), heartbeat(&mut writer));
        most = most.max(memory_bytes(server.pid()));
        assert!(started_at.elapsed() < LONGEST, "nobody was cut off");
        std::thread::sleep(Duration::from_millis(20));
    }
    let growth = most - before;
    eprintln!(
        "{READERS} stopped readers of {} changes: {} KiB more than {} KiB",
        all.len(),
        growth >> 10,
        before >> 10
    );
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");
    assert_eq!(metric(&server, "runstone_open_streams"), 0);
    // Whoever was cut comes back with its last id.
    let last_id = last_whole_id(stopped.into_iter().next().unwrap());
    let newest = number(again.last().unwrap());
    assert!(last_id < newest, "{last_id} of {newest} had arrived");
    let rest = read_all(&api, Some(last_id));
    assert_same(&rest, &all_changes(&api, last_id));
    // A stop waits for nobody who takes nothing.
    let stuck = stopped_reader(&server);
    while metric(&server, "runstone_open_streams") < 1 {
        std::thread::sleep(Duration::from_millis(10));
    }
    server.stop().unwrap();
    drop(stuck);
}
