//! Buckets of two moto servers, which are started once and end with this process. One server keeps one core busy.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Place, S3Credentials, S3Place};

/// A server's address. Its standard input stays open in the child that is kept with it, so it ends when
/// this process does, however that ends.
fn endpoint(server: usize) -> &'static str {
    static SERVERS: [OnceLock<(String, Child)>; 2] = [OnceLock::new(), OnceLock::new()];
    let (url, _) = SERVERS[server].get_or_init(|| {
        let python = python();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto_server.py");
        let started = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = started.unwrap_or_else(|error| {
            panic!(
                "no moto: {}: {error}\nhint: scripts/moto.sh",
                python.display()
            )
        });
        let mut url = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut url).unwrap();
        assert!(
            url.starts_with("http://"),
            "moto did not start with {}\nhint: scripts/moto.sh",
            python.display()
        );
        (url.trim_end().to_owned(), child)
    });
    url
}

/// The Python that has moto: see scripts/moto.sh.
fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("RUNSTONE_MOTO_PYTHON") {
        return python.into();
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = variable("RUNSTONE_CACHE").map(PathBuf::from).or_else(|| {
        let home = || variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        cache.map(|cache| cache.join("runstone"))
    });
    let python = cache.unwrap_or_default().join("moto-venv/bin/python");
    assert!(
        python.is_file(),
        "the tests of buckets need moto, there is none at {}\nhint: scripts/moto.sh",
        python.display()
    );
    python
}

/// A new, empty bucket.
pub(super) fn bucket() -> (Place, ()) {
    (bucket_on(0), ())
}

/// A new, empty bucket of one of the two servers.
pub(super) fn bucket_on(server: usize) -> Place {
    static BUCKETS: AtomicU64 = AtomicU64::new(0);
    let number = BUCKETS.fetch_add(1, Ordering::Relaxed);
    let mut place = S3Place::new(format!("bucket-{number}"), "us-east-1");
    place.endpoint = Some(endpoint(server).to_owned());
    place.prefix = "some/where".to_owned();
    place.credentials = Some(S3Credentials {
        access_key_id: "test".to_owned(),
        secret_access_key: "test".to_owned(),
        session_token: None,
    });
    let url = format!("{}/{}", endpoint(server), place.bucket);
    assert_eq!(request_blocking("PUT", &url, b"").0, 200);
    Place::S3(place)
}

/// One request as a client without credentials sends it; status and body.
pub(super) async fn request(method: &'static str, url: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let (url, body) = (url.to_owned(), body.to_vec());
    tokio::task::spawn_blocking(move || request_blocking(method, &url, &body))
        .await
        .unwrap()
}

fn request_blocking(method: &str, url: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let rest = url.strip_prefix("http://").expect("moto speaks http");
    let (host, path) = rest.split_once('/').expect("a path follows the host");
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let status = answer[9..12]
        .iter()
        .fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    (status, answer.split_off(end.expect("a head ends") + 4))
}
