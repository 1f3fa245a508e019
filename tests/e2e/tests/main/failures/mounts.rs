//! Data folders on mounts that are no local disk, on real mounts of such kinds.

use runstone_e2e::fuse::EmptyMount;
use runstone_e2e::server::runstone;
use serde_json::Value;

use super::{all_text, assert_refused};

/// A mount of a kind on a folder of its own; `None` where mounting is not allowed.
fn mounted(kind: &str) -> Option<(tempfile::TempDir, EmptyMount)> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("mounted");
    std::fs::create_dir(&target).unwrap();
    match EmptyMount::new(kind, &target) {
        Ok(mount) => Some((folder, mount)),
        Err(error) => {
            eprintln!("no mounts of {kind} here, the test was not run: {error:#}");
            None
        }
    }
}

#[test]
fn a_data_folder_on_a_network_file_system_is_refused_and_doctor_names_it() {
    let Some((folder, _mount)) = mounted("fuse.sshfs") else {
        return;
    };
    let home = folder.path().join("home");
    let data = folder.path().join("mounted");
    let data = data.to_str().unwrap();
    let refused = runstone(&home, &["up", "--listen", "127.0.0.1:0", "--data", data])
        .output()
        .unwrap();
    let says = ["network file system", "fuse.sshfs", data];
    assert_refused(&refused, 2, &says);
    assert!(all_text(&refused).contains("--allow-network-file-system"));
    let report = runstone(&home, &["doctor", "--json", "--data", data])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let named = report["checks"].as_array().unwrap().iter().any(|check| {
        let text = check["text"].as_str().unwrap();
        check["name"] == "data" && text.contains("network file system (fuse.sshfs)")
    });
    assert!(named, "{report}");
}

#[test]
fn a_local_disk_behind_fuse_is_no_network_file_system() {
    let Some((folder, _mount)) = mounted("fuse.fuse-overlayfs") else {
        return;
    };
    let home = folder.path().join("home");
    let data = folder.path().join("mounted");
    let data = data.to_str().unwrap();
    // This mount can't be written; what matters is that it is not refused for its kind.
    let refused = runstone(&home, &["up", "--listen", "127.0.0.1:0", "--data", data])
        .output()
        .unwrap();
    let text = all_text(&refused);
    assert!(text.contains("take the lock"), "{text}");
    assert!(!text.contains("network file system"), "{text}");
}
