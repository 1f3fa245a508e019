//! Requests that no client of ours sends: garbage, too much, and pages of other origins.

use std::time::Duration;

use runstone_client::{Run, RunEnd, RunOptions};
use runstone_e2e::http::{Answer, request};
use runstone_wire::{FRAME_BYTES_MAX, FRAME_CONTENT_TYPE};

use crate::scene::Home;

const FRAMES: &str = "POST /runstone/v1/frames";

fn post_frame(home: &Home, body: &[u8]) -> Answer {
    let (kind, length) = (
        format!("Content-Type: {FRAME_CONTENT_TYPE}"),
        format!("Content-Length: {}", body.len()),
    );
    request(home.server.address(), FRAMES, &[&kind, &length], body).unwrap()
}

/// The server goes on: a run is logged and closed.
fn assert_serves(home: &Home) {
    let run = Run::open(RunOptions {
        url: Some(home.url().to_owned()),
        spool: Some(home.path().join("spool")),
        strict: true,
        ..RunOptions::default()
    })
    .unwrap();
    run.track("loss", 1.0, 0_u32).unwrap();
    assert!(run.flush(Some(Duration::from_secs(20))).complete);
    assert!(run.close(RunEnd::Succeeded, None).delivered);
}

#[test]
fn a_body_that_is_no_frame_is_answered_400_with_a_hint() {
    let home = Home::start();
    let mut random = runstone_e2e::random::Random::new(7);
    let noise: Vec<u8> = (0..10_000).map(|_| random.next_u64() as u8).collect();
    let bodies: [&[u8]; 6] = [
        b"",
        b"{}",
        b"\x0a\xff\xff\xff\xff\x0f",
        &[0xff; 64],
        &noise,
        &[0; 100_000],
    ];
    for body in bodies {
        let answer = post_frame(&home, body);
        assert!(
            answer.is_problem(400),
            "{:?}: {answer:?}",
            &body[..body.len().min(8)]
        );
    }
    assert_serves(&home);
}

#[test]
fn a_body_past_the_limit_is_answered_413_with_a_hint() {
    let home = Home::start();
    let address = home.server.address();
    let kind = format!("Content-Type: {FRAME_CONTENT_TYPE}");
    // Announced: refused before a byte of it is sent.
    for length in [FRAME_BYTES_MAX as u64 + 1, u64::MAX / 2] {
        let length = format!("Content-Length: {length}");
        let answer = request(address, FRAMES, &[&kind, &length], b"").unwrap();
        assert!(answer.is_problem(413), "{answer:?}");
    }
    // Not announced: refused when it is too much.
    let chunk = vec![0; 1 << 20];
    let mut body = Vec::new();
    for _ in 0..FRAME_BYTES_MAX / chunk.len() + 1 {
        body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(&chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    let answer = request(
        address,
        FRAMES,
        &[&kind, "Transfer-Encoding: chunked"],
        &body,
    )
    .unwrap();
    assert!(answer.is_problem(413), "{answer:?}");
    assert_serves(&home);
}

#[test]
fn broken_http_harms_nobody_else() {
    let home = Home::start();
    let address = home.server.address();
    for (method_and_path, headers) in [
        ("POST /runstone/v1/frames", &["Content-Length: -1"][..]),
        (
            "POST /runstone/v1/frames",
            &["Content-Length: 5", "Content-Length: 6"],
        ),
        ("GET /runstone/v1/runs/%ff%00/points?name=%", &[]),
        ("GET /runstone/v1/runs?limit=-1", &[]),
        ("GET /runstone/v1/../../etc/passwd", &[]),
        ("BREW /", &[]),
    ] {
        let answer = request(address, method_and_path, headers, b"").unwrap();
        assert!(
            (400..500).contains(&answer.status),
            "{method_and_path}: {answer:?}"
        );
    }
    assert_serves(&home);
}

#[test]
fn a_page_of_another_origin_gets_nothing() {
    let home = Home::start();
    let address = home.server.address();
    let port = address.rsplit_once(':').unwrap().1;
    let neighbour = format!(
        "Origin: http://127.0.0.1:{}",
        if port == "1" { 2 } else { 1 }
    );
    for path in ["GET /runstone/v1/runs", "GET /", "GET /metrics", FRAMES] {
        for origin in ["Origin: https://evil.example", "Origin: null", &neighbour] {
            let answer = request(address, path, &[origin], b"").unwrap();
            assert!(answer.is_problem(403), "{path}, {origin}: {answer:?}");
            let head = answer.head.to_ascii_lowercase();
            assert!(!head.contains("access-control-"), "{head}");
        }
    }
    // The browser asks first: there is no yes.
    let preflight = request(
        address,
        "OPTIONS /runstone/v1/frames",
        &[
            "Origin: https://evil.example",
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: content-type",
        ],
        b"",
    )
    .unwrap();
    assert!(preflight.is_problem(403), "{preflight:?}");
    // Its own page is answered.
    let own = format!("Origin: {}", home.url());
    let answer = request(address, "GET /runstone/v1/runs", &[&own], b"").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_name_that_was_turned_to_this_address_gets_nothing() {
    let home = Home::start();
    let address = home.server.address();
    for host in [
        "Host: evil.example",
        "Host: evil.example:53800",
        "Host: 10.0.0.1",
    ] {
        let answer = request(address, "GET /runstone/v1/runs", &[host], b"").unwrap();
        assert!(answer.is_problem(421), "{host}: {answer:?}");
    }
}

#[test]
fn a_form_of_another_site_gets_nothing() {
    let home = Home::start();
    let address = home.server.address();
    let kind = format!("Content-Type: {FRAME_CONTENT_TYPE}");
    let cross_site = "Sec-Fetch-Site: cross-site";
    let answer = request(
        address,
        FRAMES,
        &[cross_site, &kind, "Content-Length: 2"],
        b"{}",
    )
    .unwrap();
    assert!(answer.is_problem(403), "{answer:?}");
    for kind in [
        "Content-Type: text/plain",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type: application/json",
        "X-Nothing: at-all",
    ] {
        let answer = request(address, FRAMES, &[kind, "Content-Length: 2"], b"{}").unwrap();
        assert!(answer.is_problem(415), "{kind}: {answer:?}");
    }
}
