use super::*;
use crate::{SqliteOptions, SqliteStore};
use runstone_model::ChangeNumber;
use runstone_store::{ChangeScan, Store};

/// The version after the newest.
const NEXT: u32 = SCHEMA_VERSION + 1;
const WITH_NOTES: &[Migration] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    MIGRATIONS[2],
    Migration {
        version: NEXT,
        sql: "ALTER TABLE run ADD COLUMN note TEXT",
    },
];
const BROKEN: &[Migration] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    MIGRATIONS[2],
    Migration {
        version: NEXT,
        sql: "CREATE TABLE note (text TEXT); ALTER TABLE cats ADD COLUMN x",
    },
];

fn quiet() -> SqliteOptions {
    SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    }
}

fn version(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn an_older_folder_is_migrated_after_a_copy_and_then_refused_by_the_older_program() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    let identity = store.identity();
    store.close().unwrap();
    let migrated = SqliteStore::open_with(folder.path(), quiet(), WITH_NOTES).unwrap();
    assert_eq!(migrated.identity(), identity);
    migrated.close().unwrap();
    let database = folder.path().join("runstone.db");
    let copy_name = format!("runstone.db.before-v{NEXT}");
    let copy = folder.path().join(&copy_name);
    let versions = (version(&database), version(&copy));
    assert_eq!(versions, (i64::from(NEXT), i64::from(SCHEMA_VERSION)));
    let error = SqliteStore::open(folder.path(), quiet()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Conflict(_)), "{text}");
    assert!(
        text.contains(&format!("version {NEXT}"))
            && text.contains(&format!("up to {SCHEMA_VERSION}")),
        "{text}"
    );
    assert!(text.contains(&copy_name), "{text}");
    // The copy is a whole folder's database.
    std::fs::rename(&copy, &database).unwrap();
    let restored = SqliteStore::open(folder.path(), quiet()).unwrap();
    assert_eq!(restored.identity(), identity);
}

#[test]
fn a_migration_that_fails_leaves_the_former_version() {
    let folder = tempfile::tempdir().unwrap();
    SqliteStore::open(folder.path(), quiet())
        .unwrap()
        .close()
        .unwrap();
    SqliteStore::open_with(folder.path(), quiet(), BROKEN).unwrap_err();
    assert_eq!(
        version(&folder.path().join("runstone.db")),
        i64::from(SCHEMA_VERSION)
    );
    SqliteStore::open_with(folder.path(), quiet(), WITH_NOTES)
        .unwrap()
        .close()
        .unwrap();
}

#[test]
fn pages_and_vacuum_are_chosen_at_creation() {
    let folder = tempfile::tempdir().unwrap();
    SqliteStore::open(folder.path(), quiet())
        .unwrap()
        .close()
        .unwrap();
    let connection = Connection::open(folder.path().join("runstone.db")).unwrap();
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!((pragma("page_size"), pragma("auto_vacuum")), (4096, 2));
}

#[test]
fn a_folder_without_a_journal_begins_one_with_the_next_change() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("runstone.db");
    let mut connection = Connection::open(&database).unwrap();
    let now = Timestamp::from_micros(1);
    prepare_schema(&mut connection, &database, &MIGRATIONS[..1], now).unwrap();
    connection
        .execute(sql::WRITE_SEQUENCE, ("change", 41))
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(folder.path(), quiet()).unwrap();
    assert_eq!(version(&database), i64::from(SCHEMA_VERSION));
    let snapshot = store.snapshot().unwrap();
    let scan = |since: Option<u64>| {
        let scan = ChangeScan {
            since: since.map(ChangeNumber),
            ..ChangeScan::default()
        };
        let page = snapshot.scan_changes(&scan).unwrap();
        (page.next.0, page.reset, page.changes.len())
    };
    assert_eq!(scan(None), (41, false, 0));
    assert_eq!(scan(Some(41)), (41, false, 0));
    assert_eq!(scan(Some(40)), (41, true, 0));
}

#[test]
fn packs_of_a_folder_without_tiers_count_as_merged_once() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("runstone.db");
    let mut connection = Connection::open(&database).unwrap();
    let now = Timestamp::from_micros(1);
    prepare_schema(&mut connection, &database, &MIGRATIONS[..2], now).unwrap();
    for (run, packs_first, packs_next) in [(1, 3, 5), (2, 4, 4)] {
        let row = "INSERT INTO run_summary (run, folds, packs_first, packs_next, chunks_next, \
                   loose_folds, change, series, points, body) \
                   VALUES (?1, 2, ?2, ?3, 0, 2, 0, 0, 0, x'')";
        connection
            .execute(row, (run, packs_first, packs_next))
            .unwrap();
    }
    drop(connection);
    drop(SqliteStore::open(folder.path(), quiet()).unwrap());
    let connection = Connection::open(&database).unwrap();
    let read = "SELECT id, tier FROM pack_tier";
    let mut statement = connection.prepare(read).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows: Vec<(i64, i64)> = rows.unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, [(1 << 24 | 3, 1)]);
}
