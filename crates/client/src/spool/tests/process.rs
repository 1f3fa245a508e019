//! What needs a process of its own: the test binary starts itself again with one test to run.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::*;

const CASE: &str = "RUNSTONE_TEST_CHILD";
const FOLDER: &str = "RUNSTONE_TEST_FOLDER";

/// In a child process that runs this case: its folder.
pub(crate) fn child_argument(case: &str) -> Option<PathBuf> {
    (std::env::var(CASE).ok()? == case).then(|| PathBuf::from(std::env::var_os(FOLDER).unwrap()))
}

fn child_command(test: &str, case: &str, folder: &Path, before: &[&str]) -> Command {
    let me = std::env::current_exe().unwrap();
    let mut command = match before {
        [] => Command::new(&me),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(&me);
            command
        }
    };
    let module = module_path!();
    let tests = module
        .split_once("::")
        .unwrap()
        .1
        .rsplit_once("::")
        .unwrap()
        .0;
    command
        .args([&format!("{tests}::{test}"), "--exact", "--nocapture"])
        .env(CASE, case)
        .env(FOLDER, folder)
        .stdout(Stdio::piped());
    command
}

/// Runs one test of this binary in a child process, behind a command such as `unshare -m`.
pub(crate) fn run_child(test: &str, case: &str, folder: &Path, before: &[&str]) -> ExitStatus {
    let output = child_command(test, case, folder, before).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("1 passed") || !output.status.success(),
        "the child ran no test: {text}"
    );
    output.status
}

pub(crate) fn can_mount() -> bool {
    Command::new("unshare")
        .args(["-m", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Forks; the child ends with 0 if `work` returns true.
#[allow(unsafe_code, reason = "fork, as users' programs do it")]
fn in_forked_child(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs `work` and leaves without returning into the test harness.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!outcome.unwrap_or(false))) };
    }
    let mut status = 0;
    // SAFETY: our own child, and a status of ours.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    status == 0
}

#[test]
fn a_forked_child_has_a_new_generation_and_opens_a_writer_of_its_own() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    let mut reader = SpoolReader::live(&writer);
    writer.push_point(1, 0.0, 0, 0);
    let parent = process_generation();
    let options = fixture.options(SpoolMode::Mmap);
    // Ids are drawn before: each is for one process.
    let ids = [fresh_writer(), fresh_writer()];
    let forked = in_forked_child(move || {
        let child = process_generation();
        let refused = writer.push_operation(&[1], false);
        assert!(matches!(refused, Err(SpoolError::OtherProcess)));
        assert!(!writer.remove().unwrap());
        assert_ne!(child, parent);
        let own = SpoolWriter::open(&options, ids[0]).unwrap();
        for step in 0..10_000 {
            assert!(own.push_point(2, f64::from(step), 0, 0));
        }
        // The parent's lock does not count as ours.
        drop(writer);
        let nested = in_forked_child(|| {
            let grandchild = process_generation();
            assert!(grandchild != child && grandchild != parent);
            let own = SpoolWriter::open(&options, ids[1]).unwrap();
            own.push_point(3, 0.0, 0, 0)
        });
        assert!(nested);
        own.push_point(2, 10_000.0, 0, 0)
    });
    assert!(forked);
    assert_eq!(process_generation(), parent);
    assert_eq!(hear(&mut reader).rows.len(), 1);
    let mut found: Vec<_> = leftover_spools(fixture.folder.path(), None)
        .unwrap()
        .iter()
        .map(|leftover| leftover.writer)
        .collect();
    found.sort();
    let mut expected = ids.to_vec();
    expected.sort();
    assert_eq!(
        found, expected,
        "the parent's folder is locked, the children's are free"
    );
    for leftover in leftover_spools(fixture.folder.path(), None).unwrap() {
        let mut reader = SpoolReader::dead(leftover.lock().unwrap()).unwrap();
        let rows = hear(&mut reader).rows.len();
        assert_eq!(rows, if leftover.writer == ids[0] { 10_001 } else { 1 });
    }
}

#[test]
fn a_folder_is_locked_while_its_process_lives() {
    let Some(root) = child_argument("lock") else {
        let fixture = Fixture::new();
        let writer = fixture.open(SpoolMode::Mmap);
        writer.push_point(1, 0.0, 0, 0);
        // Listing opens no second descriptor, which would drop the lock.
        assert!(
            leftover_spools(fixture.folder.path(), None)
                .unwrap()
                .is_empty()
        );
        assert!(matches!(
            SpoolWriter::open(&fixture.options(SpoolMode::Mmap), writer.writer()),
            Err(SpoolError::Locked { .. })
        ));
        let test = "process::a_folder_is_locked_while_its_process_lives";
        assert!(run_child(test, "lock", fixture.folder.path(), &[]).success());
        let folder = writer.folder().unwrap().to_path_buf();
        drop(writer);
        let lock = FolderLock::take(&folder).unwrap();
        assert!(run_child(test, "lock", fixture.folder.path(), &[]).success());
        drop(lock);
        assert!(!run_child(test, "lock", fixture.folder.path(), &[]).success());
        return;
    };
    // Another process: nothing is free here.
    assert!(leftover_spools(&root, None).unwrap().is_empty());
    let host = root.join("host");
    let folder = std::fs::read_dir(&host)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    assert!(matches!(
        FolderLock::take(&folder),
        Err(SpoolError::Locked { .. })
    ));
}

const THREADS: u32 = 3;

/// The child pushes from three threads, and counts in its state file (dropped by series, which
/// survives) the calls that returned.
fn push_for_ever(root: &Path) {
    let mode = if root.ends_with("pwrite") {
        SpoolMode::Pwrite
    } else {
        SpoolMode::Mmap
    };
    let mut options = SpoolOptions::new(root, "host", "run", "local");
    options.mode = Some(mode);
    options.strict = true;
    let writer = SpoolWriter::open(&options, fresh_writer()).unwrap();
    std::thread::scope(|scope| {
        for series in 1..=THREADS {
            let writer = &writer;
            scope.spawn(move || {
                for step in 0_u64.. {
                    match step % 10 {
                        3 => assert!(writer.push_point_epoch(series, step as f64, 1, step, 2.0)),
                        _ => assert!(writer.push_point(series, step as f64, 1, step)),
                    }
                    writer.note_dropped(series, 1);
                    if step % 100 == 0 {
                        let slot = writer.push_operation(&[series as u8; 100], true).unwrap();
                        assert!(slot < writer.next_slot());
                    }
                }
            });
        }
    });
}

#[test]
fn after_kill_9_every_returned_push_is_there_once_and_in_order() {
    if let Some(root) = child_argument("kill") {
        push_for_ever(&root);
        return;
    }
    for kill in 0..12_u64 {
        let fixture = Fixture::new();
        let mode = if kill % 3 == 2 { "pwrite" } else { "mmap" };
        let root = fixture.folder.path().join(mode);
        let mut child = child_command(
            "process::after_kill_9_every_returned_push_is_there_once_and_in_order",
            "kill",
            &root,
            &[],
        )
        .spawn()
        .unwrap();
        // Killed when it has written some amount, a different one each time. The first spare is
        // made at the first push: beyond it there is something to find.
        let bytes = || -> u64 {
            let found = leftover_bytes(&root.join("host"));
            found.unwrap_or(0)
        };
        wait_until("pushing", || bytes() > 200_000 << kill.min(5));
        child.kill().unwrap();
        child.wait().unwrap();
        let leftover = leftover_spools(&root, None).unwrap().pop().unwrap();
        let returned = leftover.counters.dropped_by_series.clone();
        let mut reader = SpoolReader::dead(leftover.lock().unwrap()).unwrap();
        let heard = hear(&mut reader);
        assert!(
            heard
                .lost
                .iter()
                .all(|lost| lost.1 == LossCause::Unpublished),
            "{:?}",
            heard.lost
        );
        for series in 1..=THREADS {
            let steps: Vec<u64> = heard
                .rows
                .iter()
                .filter(|r| r.0 == series)
                .map(|r| r.3)
                .collect();
            assert!(
                steps.iter().zip(0..).all(|(step, n)| *step == n),
                "kill {kill}"
            );
            let counted = returned.iter().find(|r| r.0 == series).map_or(0, |r| r.1);
            let n = steps.len() as u64;
            assert!(
                n == counted || n == counted + 1,
                "kill {kill}: {n} of {counted}"
            );
        }
        // What is in the operations is in the declarations, which are written first.
        let declared = reader.declarations().unwrap().len();
        assert!((heard.operations.len()..=heard.operations.len() + 3).contains(&declared));
        let (slot, chain) = reader.position();
        reader.release(slot, chain).unwrap();
        assert!(reader.remove_folder().unwrap());
    }
}

fn leftover_bytes(host: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for folder in std::fs::read_dir(host)? {
        let folder = folder?;
        if folder.file_type()?.is_dir() {
            for file in std::fs::read_dir(folder.path())? {
                bytes += file?.metadata()?.len();
            }
        }
    }
    Ok(bytes)
}

#[test]
fn a_thousand_writers_share_one_keeper_and_one_lock_file() {
    let fixture = Fixture::on_tmpfs();
    let options = fixture.options(SpoolMode::Mmap);
    let writers: Vec<_> = (0..1000)
        .map(|_| SpoolWriter::open(&options, fresh_writer()).unwrap())
        .collect();
    for writer in &writers {
        assert_eq!(writer.mode(), SpoolMode::Mmap);
        writer.push_operation(&[1; 20], true).unwrap();
        for step in 0..10 {
            assert!(writer.push_point(1, f64::from(step), 0, 0));
        }
    }
    let keepers = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter(|task| {
            let name = task.as_ref().unwrap().path().join("comm");
            std::fs::read_to_string(name).is_ok_and(|name| name.starts_with("runstone-keeper"))
        })
        .count();
    assert_eq!(keepers, 1);
    // Also right after a burst of declarations, before the keeper has looked at them.
    let open = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter(|file| {
            let target = std::fs::read_link(file.as_ref().unwrap().path());
            target.is_ok_and(|target| target.starts_with(fixture.folder.path()))
        })
        .count();
    assert!(open < 100, "{open} files of a thousand writers are open");
    assert!(
        leftover_spools(fixture.folder.path(), None)
            .unwrap()
            .is_empty()
    );
    drop(writers);
    let left = leftover_spools(fixture.folder.path(), None).unwrap();
    assert_eq!(left.len(), 1000);
}
