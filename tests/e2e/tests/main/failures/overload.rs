//! A server that says 429: the client keeps what it has, waits as long as it is told, and loses
//! and doubles nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use runstone_client::{ApiClient, At, Run, RunEnd, RunOptions};
use runstone_e2e::verify::read_points;

use crate::scene::Home;

const REFUSALS: usize = 3;
const POINTS: u64 = 50;
const PROBLEM: &str = r#"{"type":"urn:runstone:problem:too_many","title":"too much at once","status":429,"detail":"more than 4 points wait to be folded"}"#;

/// A door before a server: the first frames are answered 429, all else passes.
struct Door {
    url: String,
    asked_at: Arc<Mutex<Vec<Instant>>>,
}

impl Door {
    fn open(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked_at = Arc::new(Mutex::new(Vec::new()));
        let (target, refusals) = (target.to_owned(), Arc::clone(&asked_at));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (target, refusals) = (target.clone(), Arc::clone(&refusals));
                // A client that goes away in the middle is not what is looked at here.
                std::thread::spawn(move || drop(pass(&stream.unwrap(), &target, &refusals)));
            }
        });
        Self { url, asked_at }
    }
}

/// One request and its answer; the connection ends with it.
fn pass(
    mut client: &TcpStream,
    target: &str,
    asked_at: &Mutex<Vec<Instant>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut request_line = String::new();
    reader.read_line(&mut request_line)?;
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if !lower.starts_with("connection:") {
            headers.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let is_refused = request_line.starts_with("POST") && {
        let mut moments = asked_at.lock().unwrap();
        // One more than the refusals: the moment of the frame that is taken.
        if moments.len() <= REFUSALS {
            moments.push(Instant::now());
        }
        moments.len() <= REFUSALS
    };
    if is_refused {
        return write!(
            client,
            "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\n\
             Retry-After: 1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{PROBLEM}",
            PROBLEM.len()
        );
    }
    let mut server = TcpStream::connect(target)?;
    write!(server, "{request_line}{headers}Connection: close\r\n\r\n")?;
    server.write_all(&body)?;
    std::io::copy(&mut server, &mut client).map(drop)
}

#[test]
fn a_busy_server_is_asked_again_when_it_said_and_nothing_is_lost() {
    let home = Home::start();
    let door = Door::open(home.server.address());
    let spool = tempfile::tempdir().unwrap();
    let run = Run::open(RunOptions {
        run_id: Some("busy".to_owned()),
        url: Some(door.url.clone()),
        spool: Some(spool.path().to_owned()),
        strict: true,
        ..RunOptions::default()
    })
    .unwrap();
    for step in 0..POINTS {
        run.track("loss", step as f64, At::step(step as f64))
            .unwrap();
    }
    // Who waits from after the first refusal on does not make the client ask earlier.
    while door.asked_at.lock().unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(20));
    let report = run.flush(Some(Duration::from_secs(60)));
    assert!(report.complete, "{report:?}");
    assert_eq!((report.refused, report.dropped, report.pending), (0, 0, 0));
    run.close(RunEnd::Succeeded, Some(Duration::from_secs(60)));
    let moments = door.asked_at.lock().unwrap().clone();
    assert_eq!(moments.len(), REFUSALS + 1, "the frames were not refused");
    for pair in moments.windows(2) {
        let waited = pair[1].duration_since(pair[0]);
        assert!(waited >= Duration::from_millis(900), "{waited:?}");
    }
    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let expected: Vec<_> = (0..POINTS).map(|step| (step as f64, step as f64)).collect();
    for history in [false, true] {
        let points = read_points(&api, "busy", "loss", history).unwrap();
        assert_eq!(points.unwrap(), expected, "history {history}");
    }
}
