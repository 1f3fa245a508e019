//! What only a folder on a disk can do wrong: somebody else in it, a newer version, damage, no
//! room, no permission, and a process that is killed.
//!
//! Tests that need a small or read-only file system start this binary again inside `unshare -m`,
//! where they may mount one; where that is not allowed they say so and pass.

use std::fs;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use runstone_model::{WorkspaceId, WriterId};
use runstone_store::conformance::testing::{FrameBuilder, key};
use runstone_store::conformance::{all_points, all_series, point_scan};
use runstone_store::{Store, StoreError};
use runstone_store_sqlite::{
    FoldLimits, SCHEMA_VERSION, SqliteOptions, SqliteStore, check, read_lock_holder,
};
use runstone_wire::FrameStatus;
use tempfile::TempDir;

fn quiet() -> SqliteOptions {
    SqliteOptions {
        background: false,
        stall_millis_max: 0,
        ..SqliteOptions::default()
    }
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, quiet()).unwrap()
}

/// Appends `frames` frames of 100 points each to one series.
fn fill(store: &SqliteStore, builder: &mut FrameBuilder, frames: u64) {
    for _ in 0..frames {
        append_hundred(store, builder).unwrap();
    }
}

fn append_hundred(store: &SqliteStore, builder: &mut FrameBuilder) -> Result<u64, StoreError> {
    let loss = builder.metric("loss");
    let first = builder.next_slot();
    let points = (0..100).map(|index| ((first + index) as f64, index as f64 * 0.37));
    let frame = builder.log(loss, points).frame();
    let answer = store.append(frame)?;
    assert_eq!(answer.status, FrameStatus::Applied, "{answer:?}");
    Ok(answer.mark)
}

fn count_points(store: &SqliteStore, run: &str) -> usize {
    let snapshot = store.snapshot().unwrap();
    let run = snapshot.find_run(WorkspaceId::default(), run).unwrap().key;
    all_points(snapshot.as_ref(), run, &key("loss"), false, 1_000).len()
}

#[test]
fn a_folder_is_made_for_its_user_alone() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/data");
    let store = open(&folder);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in ["runstone.db", "runstone.lock", "runstone.db-wal"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    drop(store);
}

#[test]
fn a_second_opener_is_refused_and_told_whom_to_ask() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    store.set_address("127.0.0.1:53800").unwrap();
    let error = SqliteStore::open(folder.path(), quiet()).unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error}");
    let pid = std::process::id().to_string();
    let text = error.to_string();
    assert!(
        text.contains(&pid) && text.contains("127.0.0.1:53800"),
        "{text}"
    );
    assert!(matches!(check(folder.path()), Err(StoreError::Conflict(_))));
    let holder = read_lock_holder(folder.path()).unwrap().unwrap();
    assert_eq!(holder.address.as_deref(), Some("127.0.0.1:53800"));
    store.close().unwrap();
    assert_eq!(read_lock_holder(folder.path()).unwrap(), None);
    open(folder.path());
}

#[test]
fn identity_and_data_outlive_the_process_that_wrote_them() {
    let folder = TempDir::new().unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let store = open(folder.path());
    let identity = store.identity();
    fill(&store, &mut builder, 3);
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.identity(), identity);
    assert_eq!(count_points(&store, "run-a"), 300);
    assert_eq!(store.stats().unwrap().unfolded_points, 300);
    fill(&store, &mut builder, 1);
    assert_eq!(count_points(&store, "run-a"), 400);
}

#[test]
fn a_folder_of_a_newer_version_is_left_alone() {
    let folder = TempDir::new().unwrap();
    open(folder.path()).close().unwrap();
    let database = folder.path().join("runstone.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = SqliteStore::open(folder.path(), quiet()).unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("99") && text.contains(&SCHEMA_VERSION.to_string()),
        "{text}"
    );
    assert!(
        text.contains("hint: ") && text.contains("runstone.db"),
        "{text}"
    );
    assert!(matches!(check(folder.path()), Err(StoreError::Conflict(_))));
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("runstone.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch("CREATE TABLE cats (name TEXT); PRAGMA user_version = 3")
        .unwrap();
    drop(connection);
    let error = SqliteStore::open(folder.path(), quiet()).unwrap_err();
    assert!(matches!(error, StoreError::Invalid(_)), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_corrupt() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("runstone.db"), [b'x'; 8192]).unwrap();
    let error = SqliteStore::open(folder.path(), quiet()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("doctor"), "{error}");
}

#[test]
fn damage_is_found_by_the_check_and_by_whoever_reads_it() {
    let folder = TempDir::new().unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let store = open(folder.path());
    fill(&store, &mut builder, 30);
    store.fold(true).unwrap();
    fill(&store, &mut builder, 3);
    store.close().unwrap();
    let report = check(folder.path()).unwrap();
    assert_eq!(report.damages, Vec::<String>::new());
    assert_eq!((report.chunks, report.summaries, report.frames), (1, 1, 3));
    let database = folder.path().join("runstone.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute("UPDATE chunk SET data = randomblob(length(data))", [])
        .unwrap();
    drop(connection);
    let report = check(folder.path()).unwrap();
    assert!(
        report.damages.iter().any(|damage| damage.contains("chunk")),
        "{report:?}"
    );
    let store = open(folder.path());
    let snapshot = store.snapshot().unwrap();
    let run = snapshot
        .find_run(WorkspaceId::default(), "run-a")
        .unwrap()
        .key;
    let error = snapshot
        .scan_points(run, &point_scan(&key("loss"), 10))
        .unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("hint: "), "{error}");
}

#[test]
fn torn_pages_are_found_by_the_check() {
    let folder = TempDir::new().unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let store = open(folder.path());
    fill(&store, &mut builder, 30);
    store.close().unwrap();
    let database = folder.path().join("runstone.db");
    let length = fs::metadata(&database).unwrap().len();
    let mut file = fs::OpenOptions::new().write(true).open(&database).unwrap();
    for page in 4..length / 4096 {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xa5; 512]).unwrap();
    }
    drop(file);
    match check(folder.path()) {
        Ok(report) => assert!(!report.damages.is_empty()),
        Err(error) => assert!(matches!(error, StoreError::Corrupt(_)), "{error}"),
    }
}

#[test]
fn what_a_fold_left_half_done_is_cleared_and_never_counted() {
    let folder = TempDir::new().unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let store = open(folder.path());
    fill(&store, &mut builder, 5);
    store.fold(true).unwrap();
    fill(&store, &mut builder, 5);
    store.close().unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("runstone.db")).unwrap();
    let left = "INSERT INTO pack SELECT id + 1, points, first_series, last_series, body FROM pack";
    assert_eq!(connection.execute(left, []).unwrap(), 1);
    drop(connection);
    let store = open(folder.path());
    assert_eq!(count_points(&store, "run-a"), 1_000);
    store.fold(true).unwrap();
    assert_eq!(count_points(&store, "run-a"), 1_000);
    let snapshot = store.snapshot().unwrap();
    let run = snapshot
        .find_run(WorkspaceId::default(), "run-a")
        .unwrap()
        .key;
    let history = all_points(snapshot.as_ref(), run, &key("loss"), true, 999);
    assert_eq!(history.len(), 1_000);
}

#[test]
fn past_the_bound_of_unfolded_points_appends_are_put_off_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let options = SqliteOptions {
        unfolded_points_max: 250,
        ..quiet()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    fill(&store, &mut builder, 3);
    let mark = store.read_writer_mark(builder.writer()).unwrap().unwrap();
    let mut later = builder.clone();
    let error = append_hundred(&store, &mut builder).unwrap_err();
    let StoreError::Overloaded {
        retry_after_millis, ..
    } = error
    else {
        panic!("{error}")
    };
    assert!(retry_after_millis > 0);
    assert_eq!(
        store.read_writer_mark(builder.writer()).unwrap(),
        Some(mark)
    );
    store.fold(true).unwrap();
    append_hundred(&store, &mut later).unwrap();
    assert_eq!(count_points(&store, "run-a"), 400);
}

#[test]
fn in_the_background_runs_are_folded_by_amount() {
    let folder = TempDir::new().unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let options = SqliteOptions {
        fold: FoldLimits {
            frames: 8,
            ..FoldLimits::default()
        },
        unfolded_points_max: 1_000,
        stall_millis_max: 60_000,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    // Would be put off for ever if nobody folded.
    fill(&store, &mut builder, 200);
    assert_eq!(count_points(&store, "run-a"), 20_000);
    let snapshot = store.snapshot().unwrap();
    let run = snapshot
        .find_run(WorkspaceId::default(), "run-a")
        .unwrap()
        .key;
    let series = all_series(snapshot.as_ref(), run, 10);
    assert_eq!(series[0].summary.count, 20_000);
    drop(snapshot);
    store.close().unwrap();
    assert_eq!(check(folder.path()).unwrap().damages, Vec::<String>::new());
}

#[test]
fn a_reader_that_holds_its_snapshot_keeps_the_log_bounded_by_refusals() {
    let folder = TempDir::new().unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let options = SqliteOptions {
        log_bytes_max: 1 << 20,
        stall_millis_max: 1_000,
        ..quiet()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    fill(&store, &mut builder, 1);
    let snapshot = store.snapshot().unwrap();
    let change = snapshot.change_number();
    let mut kept = builder.clone();
    let refused = (0..10_000).find_map(|_| {
        kept = builder.clone();
        append_hundred(&store, &mut builder).err()
    });
    let error = refused.expect("the log would grow without bound");
    assert!(matches!(error, StoreError::Overloaded { .. }), "{error}");
    assert!(store.stats().unwrap().log_bytes < 4 << 20);
    assert_eq!(snapshot.change_number(), change);
    drop(snapshot);
    // The writer shortens the log as soon as nobody reads from it.
    append_hundred(&store, &mut kept).unwrap();
}

#[allow(clippy::print_stderr, reason = "a test that is left out says so")]
/// Starts this binary again for one test that is ignored otherwise; `None` where mounting is not
/// allowed.
fn run_in_mount_namespace(test: &str, mount: &str) -> Option<String> {
    let folder = TempDir::new().unwrap();
    let script = format!("{mount} && exec \"$0\" --exact {test} --ignored --nocapture");
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env("RUNSTONE_TEST_FOLDER", folder.path())
        .output();
    let allowed = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs tmpfs /mnt"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !allowed {
        eprintln!("no mount namespaces here: {test} was not run");
        return None;
    }
    let output = output.unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    Some(text)
}

fn test_folder() -> PathBuf {
    PathBuf::from(std::env::var_os("RUNSTONE_TEST_FOLDER").expect("started by another test"))
}

#[test]
fn a_full_disk_puts_appends_off_and_loses_nothing() {
    let mount = "mount -t tmpfs -o size=2m tmpfs \"$RUNSTONE_TEST_FOLDER\"";
    run_in_mount_namespace("folder::inside_a_small_disk", mount);
}

#[test]
#[ignore = "started by a_full_disk_puts_appends_off_and_loses_nothing"]
fn inside_a_small_disk() {
    let folder = test_folder();
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 600_000]).unwrap();
    let data = folder.join("data");
    let store = open(&data);
    let mut builder = FrameBuilder::creator("run-a", 1);
    let mut acknowledged = 0;
    let error = loop {
        let kept = builder.clone();
        match append_hundred(&store, &mut builder) {
            Ok(_) => acknowledged += 100,
            Err(error) => {
                builder = kept;
                break error;
            }
        }
        assert!(acknowledged < 10_000_000, "the disk never filled up");
    };
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("full") && text.contains("hint: "), "{text}");
    assert_eq!(count_points(&store, "run-a"), acknowledged);
    assert!(append_hundred(&store, &mut builder.clone()).is_err());
    fs::remove_file(&ballast).unwrap();
    append_hundred(&store, &mut builder).unwrap();
    assert_eq!(count_points(&store, "run-a"), acknowledged + 100);
    store.close().unwrap();
    let store = open(&data);
    assert_eq!(count_points(&store, "run-a"), acknowledged + 100);
    drop(store);
    assert_eq!(check(&data).unwrap().damages, Vec::<String>::new());
}

#[test]
fn a_read_only_folder_is_refused_with_a_hint() {
    let mount = "mount -t tmpfs tmpfs \"$RUNSTONE_TEST_FOLDER\" && \
                 mount -o remount,ro \"$RUNSTONE_TEST_FOLDER\"";
    run_in_mount_namespace("folder::inside_a_read_only_disk", mount);
}

#[test]
#[ignore = "started by a_read_only_folder_is_refused_with_a_hint"]
fn inside_a_read_only_disk() {
    for folder in [test_folder(), test_folder().join("data")] {
        let error = SqliteStore::open(&folder, quiet()).unwrap_err();
        assert!(matches!(error, StoreError::Invalid(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains("hint: "), "{text}");
        assert!(text.contains(folder.to_str().unwrap()), "{text}");
    }
}

/// Kill points come from this; the seed is printed when a test fails.
fn next_random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_afterwards() {
    let mut state = 0x5eed;
    for kill in 0..6 {
        let folder = TempDir::new().unwrap();
        let frames_before_kill = 5 + next_random(&mut state) % 60;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "folder::append_until_killed",
                "--ignored",
                "--nocapture",
            ])
            .env("RUNSTONE_TEST_FOLDER", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acknowledged = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(mark) = line.strip_prefix("mark ") else {
                continue;
            };
            acknowledged = mark.parse().unwrap();
            if acknowledged >= frames_before_kill * 100 {
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        let store = open(folder.path());
        let mark = store
            .read_writer_mark(WriterId::new([1; 16]))
            .unwrap()
            .unwrap()
            .mark;
        let context = format!("kill {kill}, seed 0x5eed, acknowledged {acknowledged}");
        assert!(
            acknowledged > 0 && mark >= acknowledged,
            "{context}, mark {mark}"
        );
        // Two slots are declarations of the opening, one is that of the series.
        let points = count_points(&store, "run-a") as u64;
        assert!(
            points >= acknowledged - 3 && points.is_multiple_of(100),
            "{context}"
        );
        store.close().unwrap();
        assert_eq!(
            check(folder.path()).unwrap().damages,
            Vec::<String>::new(),
            "{context}"
        );
    }
}

#[test]
#[ignore = "started by what_was_acknowledged_before_a_kill_is_there_afterwards"]
fn append_until_killed() {
    let options = SqliteOptions {
        fold: FoldLimits {
            frames: 4,
            ..FoldLimits::default()
        },
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(&test_folder(), options).unwrap();
    let mut builder = FrameBuilder::creator("run-a", 1);
    let mut out = std::io::stdout();
    for _ in 0..100_000 {
        let mark = append_hundred(&store, &mut builder).unwrap();
        writeln!(out, "mark {mark}").unwrap();
        out.flush().unwrap();
    }
}
