use super::*;
use crate::{SqliteOptions, SqliteStore};
use runstone_model::ChangeNumber;
use runstone_store::{ChangeScan, Store};

const WITH_NOTES: &[Migration] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    MIGRATIONS[2],
    Migration {
        version: 4,
        sql: "ALTER TABLE run ADD COLUMN note TEXT",
    },
];
const BROKEN: &[Migration] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    MIGRATIONS[2],
    Migration {
        version: 4,
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
    let copy = folder.path().join("runstone.db.before-v4");
    assert_eq!((version(&database), version(&copy)), (4, 3));
    let error = SqliteStore::open(folder.path(), quiet()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Conflict(_)), "{text}");
    assert!(
        text.contains("version 4") && text.contains("up to 3"),
        "{text}"
    );
    assert!(text.contains("runstone.db.before-v4"), "{text}");
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
    assert_eq!(version(&folder.path().join("runstone.db")), 3);
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
