//! `du`, `gc` and `delete --now`, over a folder and through a server.

use super::{Home, json};
use runstone_client::RunEnd;

fn three_runs() -> Home {
    let home = Home::new();
    for run in ["run-1", "run-2", "run-3"] {
        home.log(run, None, RunEnd::Succeeded);
    }
    home.expect(0, &["sync"]);
    home
}

fn purge_and_collect(home: &Home) {
    let storage = json(&home.expect(0, &["du", "--json"]));
    assert_eq!(storage["version"], 1);
    assert_eq!(storage["runs_total"], 3);
    let parts = [
        "runs_bytes",
        "trash_bytes",
        "purging_bytes",
        "journal_bytes",
        "rest_bytes",
        "reusable_bytes",
    ];
    let sum: u64 = parts
        .iter()
        .map(|part| storage[*part].as_u64().unwrap())
        .sum();
    let database = storage["database_bytes"].as_u64().unwrap();
    assert!(sum.abs_diff(database) * 50 <= database, "{storage}");
    let told = home.expect(0, &["delete", "run-1", "--now"]);
    assert!(
        told.starts_with("deleted 1 run for good: run-1\n"),
        "{told}"
    );
    home.expect_error(3, &["undelete", "run-1"]);
    home.expect_error(3, &["delete", "run-1", "--now"]);
    home.expect(0, &["delete", "run-2"]);
    // Its time is not over.
    let told = home.expect(0, &["gc"]);
    assert!(told.contains("0 runs purged"), "{told}");
    let told = home.expect(0, &["du", "run-2"]);
    assert!(told.contains("deleted"), "{told}");
    let done = json(&home.expect(0, &["gc", "--trash-days", "0", "--json"]));
    assert_eq!(done["purged"], serde_json::json!(["run-2"]));
    assert_eq!(done["done"], true);
    assert_eq!(done["reusable_bytes"], 0);
    home.expect_error(3, &["du", "run-2"]);
    home.expect_error(3, &["undelete", "run-2"]);
    let told = home.expect(0, &["du"]);
    assert!(told.contains("run-3") && !told.contains("run-2"), "{told}");
    assert_eq!(home.expect(0, &["runs", "--deleted"]), "no deleted runs\n");
}

#[test]
fn space_is_shown_and_given_back_in_a_folder() {
    purge_and_collect(&three_runs());
}

#[test]
fn space_is_shown_and_given_back_through_a_server() {
    let home = three_runs();
    let server = home.up(&[]);
    purge_and_collect(&home);
    drop(server);
}

#[test]
fn a_deep_check_reads_everything_and_names_damage() {
    let home = three_runs();
    let found = |code: i32| -> Vec<serde_json::Value> {
        let told = json(&home.expect(code, &["doctor", "--deep", "--json"]));
        let checks = told["checks"].as_array().unwrap().clone();
        let deep = checks.into_iter().filter(|check| check["name"] == "deep");
        deep.collect()
    };
    let sound = found(0);
    assert_eq!(sound.len(), 1, "{sound:?}");
    let text = sound[0]["text"].as_str().unwrap();
    assert!(text.contains("600 points of 6 metrics in 3 runs"), "{text}");
    let server = home.up(&[]);
    let busy = found(1);
    assert!(
        busy[0]["hint"]
            .as_str()
            .unwrap()
            .contains("runstone snapshot"),
        "{busy:?}"
    );
    drop(server);
    // Each page of the last quarter gets a hundred wrong bytes.
    let database = home.path().join("data/runstone.db");
    let mut bytes = std::fs::read(&database).unwrap();
    for page in (bytes.len() / 4096 * 3 / 4)..(bytes.len() / 4096) {
        bytes[page * 4096 + 2_000..page * 4096 + 2_100].fill(0xa5);
    }
    std::fs::write(&database, bytes).unwrap();
    let damaged = found(1);
    assert!(
        damaged.iter().any(|check| check["status"] == "wrong"),
        "{damaged:?}"
    );
    assert!(
        damaged
            .iter()
            .all(|check| check["status"] == "ok" || check["hint"].is_string())
    );
}
