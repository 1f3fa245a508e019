//! The real binary: exit codes, messages, tables, and the reference rendered from it.
//!
//! `UPDATE_DOCS=1` writes `docs/reference/cli.md` and the golden texts anew.

#![allow(clippy::unwrap_used)]

#[path = "main/artifacts.rs"]
mod artifacts;
#[path = "main/bucket.rs"]
mod bucket;
#[path = "main/bundle.rs"]
mod bundle;
#[path = "main/edits.rs"]
mod edits;
#[path = "main/events.rs"]
mod events;
#[path = "main/follow.rs"]
mod follow;
#[path = "main/snapshot.rs"]
mod snapshot;
#[path = "main/space.rs"]
mod space;
#[path = "main/stop.rs"]
mod stop;
#[path = "main/sync.rs"]
mod sync;

use runstone_client::{At, Context, Goal, MetricValue, Mode, ParamValue, Run, RunEnd, RunOptions};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A home of its own for each test.
struct Home {
    folder: tempfile::TempDir,
    /// What its commands find besides.
    environment: Vec<(&'static str, String)>,
}

/// A server over a home; killed when dropped.
struct Server {
    child: Child,
    ready: Value,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn spool(&self) -> PathBuf {
        self.path().join("spool")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runstone"));
        command.args(arguments).env("RUNSTONE_HOME", self.path());
        // The folder for spools without a home is one a user; keep away from that of others.
        command.env("USER", self.path().file_name().unwrap());
        for name in [
            "RUNSTONE_URL",
            "RUNSTONE_BLOBS",
            "RUNSTONE_TOKEN",
            "RUNSTONE_SPOOL",
            "RUNSTONE_LOG",
            "MATYAN_FRONTIER_URL",
            "MATYAN_BACKEND_URL",
            "COLUMNS",
        ] {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it, expects this exit code, gives standard output.
    fn expect(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}\n{out}\n{err}"
        );
        out
    }

    /// Runs it, expects this exit code, gives standard error.
    fn expect_error(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}\n{out}\n{err}"
        );
        assert!(err.starts_with("error: "), "{err}");
        assert!(err.contains("hint: "), "{err}");
        err
    }

    fn up(&self, more: &[&str]) -> Server {
        let mut arguments = vec!["up", "--json"];
        if !more.contains(&"--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        arguments.extend(more);
        let mut child = self
            .command(&arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Server { child, ready }
    }

    /// Logs a small run, to a server or into the spool only.
    fn log(&self, id: &str, url: Option<&str>, end: RunEnd) {
        let run = Run::open(RunOptions {
            run_id: Some(id.to_owned()),
            experiment: Some("digits".to_owned()),
            name: Some(format!("sgd-{id}")),
            config: Some(ParamValue::from_json(&serde_json::json!({"lr": 0.05}))),
            tags: vec!["baseline".to_owned()],
            url: url.map(str::to_owned),
            mode: url.is_none().then_some(Mode::Offline),
            spool: Some(self.spool()),
            ..RunOptions::default()
        })
        .unwrap();
        run.define_metric("loss", Some(Goal::Min), None, None)
            .unwrap();
        let train = Context::from_pairs([("subset", "train")]).unwrap();
        for step in 0..100 {
            let value = 1.0 / (1.0 + f64::from(step));
            let at = At::step(f64::from(step));
            run.track("loss", MetricValue::from(value), at).unwrap();
            run.track("error", MetricValue::from(value), at.context(&train))
                .unwrap();
        }
        if url.is_some() {
            assert!(run.flush(Some(Duration::from_secs(20))).complete);
        }
        run.close(end, Some(Duration::from_secs(20)));
    }
}

impl Server {
    fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    /// Asks it to stop, as a service manager does, and waits.
    fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        Command::new("kill").arg(pid).status().unwrap();
        self.child.wait().unwrap().code()
    }

    fn get(&self, path: &str) -> String {
        let address = self.url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Compares with a file, or writes it with UPDATE_DOCS=1.
fn assert_fresh(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        kept,
        text,
        "{} is not fresh; run UPDATE_DOCS=1 cargo test -p runstone-cli",
        path.display()
    );
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

#[test]
fn the_reference_is_fresh() {
    let rendered = Home::new().expect(0, &["render-reference"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    assert_fresh(&path, &rendered);
}

#[test]
fn help_is_what_the_golden_texts_say() {
    let home = Home::new();
    for command in ["", "up", "runs", "show", "sync", "doctor", "version"] {
        let mut arguments: Vec<&str> = vec![command, "--help"];
        arguments.retain(|argument| !argument.is_empty());
        let help = home.expect(0, &arguments);
        let name = if command.is_empty() {
            "runstone"
        } else {
            command
        };
        assert_fresh(&golden(&format!("help-{name}.txt")), &help);
    }
}

#[test]
fn version_and_usage_errors_have_their_codes() {
    let home = Home::new();
    let version = home.expect(0, &["version", "--json"]);
    assert_eq!(json(&version)["version"], 1);
    for wrong in [&["nothing"][..], &["show"], &["runs", "--limit", "0"], &[]] {
        assert_eq!(home.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn without_folder_and_server_there_is_a_hint() {
    let home = Home::new();
    let data = home.path().join("nowhere");
    let error = home.expect_error(3, &["runs", "--data", data.to_str().unwrap()]);
    assert!(error.contains("runstone up"), "{error}");
    assert!(!data.exists(), "reading makes no folder");
    let error = home.expect_error(5, &["runs", "--url", "http://127.0.0.1:9"]);
    assert!(error.contains("http://127.0.0.1:9"), "{error}");
    home.expect_error(2, &["runs", "--url", "http://me:secret@127.0.0.1:9"]);
}

#[test]
fn a_run_is_seen_while_the_server_runs_and_after_it_stopped() {
    let home = Home::new();
    let server = home.up(&[]);
    home.log("run-1", Some(server.url()), RunEnd::Succeeded);

    let list = home.expect(0, &["runs"]);
    let mut lines = list.lines();
    assert!(lines.next().unwrap().starts_with("STATE "), "{list}");
    let row = lines.next().unwrap();
    for word in [
        "succeeded",
        "sgd-run-1",
        "run-1",
        "digits",
        "loss=0.01",
        "error[subset=train]=0.01",
    ] {
        assert!(row.contains(word), "{word}: {row}");
    }
    let list = json(&home.expect(0, &["runs", "--json", "--state", "succeeded"]));
    assert_eq!(list["version"], 1);
    assert_eq!(list["runs"][0]["id"], "run-1");
    assert_eq!(
        home.expect(0, &["runs", "--state", "lost"]),
        "no runs yet\n"
    );
    home.expect_error(2, &["runs", "--state", "done"]);

    let over_http = home.expect(0, &["show", "sgd-run-1", "--json"]);
    let shown = home.expect(0, &["show", "run-1"]);
    for word in [
        "lr = 0.05",
        "baseline",
        "200 logged, 200 durable",
        "loss",
        "100",
        "█",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    home.expect_error(3, &["show", "nobody"]);

    assert_eq!(server.stop(), Some(0));
    let from_folder = home.expect(0, &["show", "run-1", "--json"]);
    assert_eq!(json(&over_http)["series"], json(&from_folder)["series"]);
    assert_eq!(
        json(&over_http)["run"]["params"],
        json(&from_folder)["run"]["params"]
    );
    home.expect_error(3, &["show", "nobody"]);
    assert!(
        home.expect(0, &["show", "run-1", "--follow"])
            .contains("succeeded")
    );
}

#[test]
fn tables_are_no_wider_than_the_terminal() {
    let home = Home::new();
    let server = home.up(&[]);
    home.log("run-1", Some(server.url()), RunEnd::Succeeded);
    for arguments in [&["runs"][..], &["show", "run-1"], &["doctor"]] {
        let output = home
            .command(arguments)
            .env("COLUMNS", "50")
            .output()
            .unwrap();
        for line in text(&output.stdout).lines() {
            assert!(line.chars().count() <= 50, "{line}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    let server = home.up(&[]);
    home.log("run-1", Some(server.url()), RunEnd::Succeeded);
    let mut child = home
        .command(&["show", "run-1", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_was_logged_without_a_server_comes_with_sync() {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    let nowhere = home.path().join("nowhere");
    let error = home.expect_error(3, &["runs", "--data", nowhere.to_str().unwrap()]);
    assert!(error.contains("runstone sync"), "{error}");
    let doctor = home.expect(0, &["doctor"]);
    assert!(doctor.contains("run run-1 waits for local"), "{doctor}");
    assert!(doctor.contains("runstone sync"), "{doctor}");
    let data = home.path().join("data");
    let data = data.to_str().unwrap();
    let synced = json(&home.expect(0, &["sync", "--json", "--data", data]));
    assert_eq!(synced["complete"], true);
    assert_eq!(synced["points"], 200);
    let shown = json(&home.expect(0, &["show", "run-1", "--json"]));
    assert_eq!(shown["run"]["completeness"]["durable"], 200);
    assert_eq!(shown["run"]["state"], "succeeded");
    assert_eq!(
        home.expect(0, &["sync", "--data", data]),
        "nothing waits for delivery\n"
    );
}

#[test]
fn what_was_logged_without_a_server_comes_when_the_server_starts() {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    let server = home.up(&[]);
    // The delivery begins with the server; asking is the only way to see its end.
    let delivered = (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let output = home.run(&["show", "run-1", "--json"]);
        output.status.success()
            && json(&text(&output.stdout))["run"]["completeness"]["durable"] == 200
    });
    assert!(delivered);
    drop(server);
}

#[test]
fn sync_goes_where_it_is_told_and_fails_where_nobody_answers() {
    let home = Home::new();
    home.log("run-1", None, RunEnd::Succeeded);
    let nobody = home.run(&["sync", "--to", "http://127.0.0.1:9"]);
    assert_eq!(nobody.status.code(), Some(5), "{}", text(&nobody.stdout));
    let other = Home::new();
    let server = other.up(&[]);
    let synced = home.expect(0, &["sync", "--to", server.url()]);
    assert!(
        synced.contains("run run-1: delivered, 200 points"),
        "{synced}"
    );
    assert!(other.expect(0, &["runs"]).contains("run-1"));
}

#[test]
fn a_folder_in_use_and_a_port_in_use_are_named() {
    let home = Home::new();
    let server = home.up(&[]);
    let pid = server.child.id().to_string();
    let error = home.expect_error(4, &["up", "--listen", "127.0.0.1:0"]);
    assert!(error.contains(&pid) && error.contains("in use"), "{error}");

    let other = Home::new();
    let address = server.url().strip_prefix("http://").unwrap();
    let error = other.expect_error(4, &["up", "--listen", address]);
    assert!(
        error.contains("taken by another Runstone") && error.contains(&pid),
        "{error}"
    );

    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = stranger.local_addr().unwrap().to_string();
    let error = other.expect_error(4, &["up", "--listen", &address]);
    let own_pid = std::process::id().to_string();
    assert!(
        error.contains("another program") && error.contains(&own_pid),
        "{error}"
    );
}

#[test]
fn addresses_that_cannot_be_are_refused() {
    let home = Home::new();
    home.expect_error(2, &["up", "--listen", "nonsense"]);
    home.expect_error(2, &["up", "--listen", "127.0.0.1:0", "--base-path", "a b"]);
    let output = home
        .command(&["up", "--listen", "127.0.0.1:0"])
        .env("RUNSTONE_TOKEN", "short")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("16 to 512"));
}

#[test]
fn a_token_is_made_and_asked_for() {
    let home = Home::new();
    let server = home.up(&["--require-token"]);
    assert!(server.get("/runstone/v1/runs").starts_with("HTTP/1.1 401"));
    assert!(server.get("/health/live").starts_with("HTTP/1.1 200"));
    // The commands of the same home send it by themselves.
    assert_eq!(home.expect(0, &["runs"]), "no runs yet\n");
    let stranger = Home::new();
    let error = stranger.expect_error(7, &["runs", "--url", server.url()]);
    assert!(error.contains("RUNSTONE_TOKEN"), "{error}");
}

#[test]
fn an_open_address_is_served_with_the_token_that_up_made() {
    let home = Home::new();
    let server = home.up(&["--listen", "0.0.0.0:0"]);
    assert!(
        server.url().starts_with("http://127.0.0.1:"),
        "{}",
        server.url()
    );
    // The listener is not a loopback one, so the token is asked for from here too.
    assert!(server.get("/runstone/v1/runs").starts_with("HTTP/1.1 401"));
    assert_eq!(home.expect(0, &["runs"]), "no runs yet\n");
}

#[test]
fn a_base_path_and_several_addresses_are_served() {
    let home = Home::new();
    let server = home.up(&[
        "--base-path",
        "/proxy/1",
        "--listen",
        "127.0.0.1:0",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(server.ready["urls"].as_array().unwrap().len(), 2);
    let url = server.url().strip_suffix("/proxy/1").unwrap();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /proxy/1/runstone/v1/server HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(stream);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let home = Home::new();
    let report = json(&home.expect(0, &["doctor", "--json"]));
    assert_eq!(report["ok"], true);
    std::fs::write(home.path().join("token"), "rst_0123456789abcdef").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(home.path().join("token"), open).unwrap();
        let report = home.expect(1, &["doctor"]);
        assert!(
            report.contains("WRONG") && report.contains("chmod 600"),
            "{report}"
        );
        std::fs::remove_file(home.path().join("token")).unwrap();
    }
    home.up(&[]).stop();
    let report = home.expect(0, &["doctor"]);
    assert!(report.contains("sound"), "{report}");
    std::fs::write(home.path().join("data/runstone.db"), "no database at all").unwrap();
    let report = home.expect(1, &["doctor"]);
    assert!(report.contains("WRONG"), "{report}");
    home.expect_error(6, &["runs"]);
}

#[test]
fn an_unwritable_data_folder_is_an_error_with_its_path() {
    let home = Home::new();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("data");
    let below = below.to_str().unwrap();
    let error = home.expect_error(2, &["up", "--listen", "127.0.0.1:0", "--data", below]);
    assert!(error.contains(below), "{error}");
}
