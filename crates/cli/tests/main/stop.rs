//! A server that is told to stop.

use super::{Home, text};
use runstone_client::RunEnd;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

#[test]
fn a_clean_stop_says_nothing() {
    let home = Home::new();
    for round in 0..3 {
        let mut child = home
            .command(&["up", "--json", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut ready).unwrap();
        let url = super::json(&ready)["url"].as_str().unwrap().to_owned();
        // An ended run is folded at once, while the server is told to stop.
        home.log(&format!("run-{round}"), Some(&url), RunEnd::Succeeded);
        let pid = child.id().to_string();
        Command::new("kill").arg(pid).status().unwrap();
        let mut errors = Vec::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_end(&mut errors).unwrap();
        assert_eq!(text(&errors), "");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}
