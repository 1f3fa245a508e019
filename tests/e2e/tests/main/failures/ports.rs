//! Ports that others have, and others at the address of a server.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use runstone_e2e::child;
use runstone_e2e::server::{runstone, show};

use super::{all_text, assert_refused};
use crate::scene::{Home, Scene};

/// Something that listens and is no Runstone; it lives as long as the test.
fn stranger(says: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || talk(stream, says));
        }
    });
    address
}

/// Answers each request with the same, or listens in silence until the other goes.
fn talk(mut stream: TcpStream, says: &[u8]) {
    let mut block = [0; 64 * 1024];
    while stream.read(&mut block).is_ok_and(|length| length > 0) {
        if !says.is_empty() && stream.write_all(says).is_err() {
            return;
        }
    }
}

const WEB_PAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>";
const NO_HTTP: &[u8] = b"220 mail.example.org ESMTP\r\n";

#[test]
fn up_on_a_port_of_another_runstone_names_it_and_the_way_out() {
    let first = Home::start();
    let folder = tempfile::tempdir().unwrap();
    let output = runstone(folder.path(), &["up", "--listen", first.server.address()])
        .output()
        .unwrap();
    let pid = first.server.pid().to_string();
    let use_it = format!("use it at {}", first.url());
    assert_refused(
        &output,
        4,
        &["taken by another Runstone", &pid, &use_it, "--listen"],
    );
    // It let go of its own data folder: the next one, on another port, finds it free.
    let data = folder.path().join("data");
    let second = runstone_e2e::server::Server::start(&data, folder.path()).unwrap();
    assert_ne!(second.address(), first.server.address());
}

#[test]
fn up_on_a_port_of_a_stranger_names_it_whatever_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let pid = std::process::id().to_string();
    for says in [&b""[..], WEB_PAGE, NO_HTTP] {
        let output = runstone(folder.path(), &["up", "--listen", &stranger(says)])
            .output()
            .unwrap();
        assert_refused(&output, 4, &["taken by another program", &pid, "--listen"]);
    }
}

#[test]
fn a_script_at_the_address_of_a_stranger_keeps_everything_for_later() {
    for (name, says) in [("silent", &b""[..]), ("web", WEB_PAGE), ("mail", NO_HTTP)] {
        let scene = Scene::new(&format!("stranger-{name}"));
        let url = format!("http://{}", stranger(says));
        let mut plan = scene.plan(&url);
        plan.points = 2_000;
        let output = child::command(
            Path::new(env!("CARGO_BIN_EXE_e2e_child")),
            &plan,
            &scene.path().join("counters"),
            &scene.spool(),
            &scene.home(),
        )
        // A silent stranger may answer yet; the script does not wait for it for long.
        .env("RUNSTONE_E2E_CLOSE_SECONDS", "1")
        .output()
        .unwrap();
        assert!(output.status.success(), "{}", all_text(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("runstone sync"), "{name}: {said}");
        let home = Home::start();
        scene.deliver(home.url());
        assert_eq!(scene.verify(&home.server, [0]), 2_000);
        show(&scene.home(), home.url(), &scene.run).unwrap();
    }
}

#[test]
fn commands_at_the_address_of_a_stranger_say_so() {
    let folder = tempfile::tempdir().unwrap();
    for says in [WEB_PAGE, NO_HTTP] {
        let url = format!("http://{}", stranger(says));
        let output = runstone(folder.path(), &["runs", "--url", &url])
            .output()
            .unwrap();
        let text = all_text(&output);
        let code = output.status.code().unwrap();
        assert!((1..=7).contains(&code), "{text}");
        assert!(
            text.starts_with("error: ") && text.contains("hint: "),
            "{text}"
        );
        assert!(text.contains(&url), "{text}");
    }
}
