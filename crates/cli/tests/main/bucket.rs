//! Artifacts whose bytes lie in a bucket, of the moto server that the tests of `runstone-blobs` use.

use super::artifacts::{bytes_of, fetched, file, files};
use super::{Home, json};
use runstone_client::RunEnd;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Ends with its standard input, which goes with this.
struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../blobs/tests/moto_server.py");
        let mut child = Command::new(python())
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("moto is there, hint: scripts/moto.sh");
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        let url = url.trim_end().to_owned();
        assert!(url.starts_with("http://"), "hint: scripts/moto.sh");
        Self { child, url }
    }

    fn make_bucket(&self, name: &str) {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "PUT /{name} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python that has moto: see scripts/moto.sh.
fn python() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(python) = variable("RUNSTONE_MOTO_PYTHON") {
        return python.into();
    }
    let cache = variable("RUNSTONE_CACHE").map(PathBuf::from).or_else(|| {
        let home = || variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        cache.map(|cache| cache.join("runstone"))
    });
    cache.unwrap_or_default().join("moto-venv/bin/python")
}

#[test]
fn a_bucket_takes_the_bytes_through_the_server_and_past_it() {
    let moto = Moto::start();
    moto.make_bucket("runs");
    let address = format!("s3://runs/lab?endpoint={}", moto.url);
    let mut home = Home::new();
    home.environment = vec![
        ("AWS_ACCESS_KEY_ID", "public".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret-half".to_owned()),
    ];
    let server = home.up(&["--blobs", &address]);
    home.log("run-1", Some(server.url()), RunEnd::Succeeded);
    let (large, small) = (bytes_of(1, 7_000_000), bytes_of(2, 1_000));
    let large_file = file(&home, "large", &large);
    let small_file = file(&home, "small", &small);
    home.expect(0, &["artifact", "put", "run-1", &large_file]);
    home.expect(0, &["artifact", "put", "run-1", &small_file, "--direct"]);
    let told = home.expect(0, &["artifact", "put", "run-1", &small_file, "--path", "b"]);
    assert!(told.starts_with("there already"), "{told}");
    for (name, bytes) in [("large", &large), ("small", &small)] {
        assert!(fetched(&home, "run-1", name, &[]) == *bytes, "{name}");
    }
    assert_eq!(files(&home.path().join("data/blobs")), (0, 0));
    let space = json(&home.expect(0, &["du", "--json"]));
    assert_eq!(space["blobs"]["bytes"], 7_001_000);
    assert_eq!(space["blobs"]["upload_bytes"], 0);
    // A copy has a folder of its own, and needs no bucket.
    let copy = home.path().join("copy");
    home.expect(0, &["snapshot", copy.to_str().unwrap()]);
    assert_eq!(files(&copy.join("blobs")), (2, 7_001_000));
    home.expect(0, &["doctor", "--deep", "--data", copy.to_str().unwrap()]);
    // Nobody else may collect garbage there.
    let other = Home::new();
    let taken = other
        .command(&["up", "--listen", "127.0.0.1:0", "--blobs", &address])
        .envs(home.environment.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    assert_eq!(taken.status.code(), Some(4), "{taken:?}");
    home.expect(0, &["artifact", "remove", "run-1", "large"]);
    let done = json(&home.expect(0, &["gc", "--trash-days", "0", "--json"]));
    assert_eq!(done["blobs_deleted_bytes"], 7_000_000);
    assert_eq!(server.stop(), Some(0));
    // The place is noted: commands and the next start find it, and another one is refused.
    assert!(fetched(&home, "run-1", "small", &[]) == small);
    home.expect_error(
        4,
        &["up", "--listen", "127.0.0.1:0", "--blobs", "s3://elsewhere"],
    );
    let again = home.up(&[]);
    assert!(fetched(&home, "run-1", "b", &[]) == small);
    drop(again);
}
