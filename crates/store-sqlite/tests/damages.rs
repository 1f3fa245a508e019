//! Damages of every table: flipped bits of bodies, rows that are gone, rows that are there twice.
//! The deep check finds each, or nothing that can be read is another than before; what it can't
//! find is listed, with the reason.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runstone_model::Timestamp;
use runstone_store::conformance::model::{Step, random_steps};
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS};
use runstone_store::{ReclaimRequest, Store, StoreError};
use runstone_store_sqlite::{SqliteOptions, SqliteStore, check_deep};
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::faults::disk::Random;
use crate::faults::{new_folder, number_from_environment};
use crate::kills::child::options;
use crate::script::{Script, read_runs};

/// What happens when a row of a table is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// Found, whichever row it is.
    Found,
    /// Found, or everything reads as before.
    FoundOrHarmless,
    /// Nothing else says that it was there.
    Unseen,
    /// The folder of this test has none.
    Empty,
}

/// Every table.
const TABLES: [(&str, Gone); 42] = [
    ("meta", Gone::Found),
    // Without a run of its own an experiment is named nowhere else.
    ("experiment", Gone::Unseen),
    ("run", Gone::Found),
    ("run_mark", Gone::Found),
    ("writer", Gone::Found),
    ("writer_mark", Gone::Found),
    ("l0", Gone::Found),
    ("pack", Gone::Found),
    ("chunk", Gone::Found),
    ("run_summary", Gone::Found),
    ("cut", Gone::Found),
    ("fork", Gone::Found),
    ("event", Gone::FoundOrHarmless),
    ("series", Gone::FoundOrHarmless),
    ("binding", Gone::FoundOrHarmless),
    ("writer_lost", Gone::FoundOrHarmless),
    ("pack_tier", Gone::FoundOrHarmless),
    ("sequence", Gone::FoundOrHarmless),
    // Runs that no stripe knows are read from their summaries.
    ("band", Gone::FoundOrHarmless),
    ("stripe", Gone::FoundOrHarmless),
    // The last of a run, while no summary was made with it.
    ("removal", Gone::Unseen),
    // Who made folded points is told by this alone.
    ("append_writer", Gone::Unseen),
    // What a person or a script said once, and nothing counts.
    ("run_alias", Gone::Empty),
    ("run_tag", Gone::Unseen),
    ("param", Gone::Unseen),
    ("scalar", Gone::Unseen),
    ("metric", Gone::Unseen),
    ("warning", Gone::Unseen),
    ("run_override", Gone::Unseen),
    ("writer_dropped", Gone::Unseen),
    ("series_contested", Gone::Unseen),
    ("purged_run", Gone::Unseen),
    // Some numbers stand for nothing that a reader sees; the newest of each run is found.
    ("change", Gone::Unseen),
    ("purge", Gone::Empty),
    // Numbers of lines may have gaps, and nothing counts lines or objects.
    ("entry_row", Gone::Unseen),
    ("entry_block", Gone::Unseen),
    ("log_mark", Gone::Unseen),
    ("object_mark", Gone::Unseen),
    // The sample has no artifacts; `doctor --deep` holds them to their references and bytes.
    ("artifact", Gone::Empty),
    ("blob_lease", Gone::Empty),
    ("blob_mark", Gone::Empty),
    ("blob_reference", Gone::Empty),
];

/// Bodies, all with a checksum.
const BODIES: [(&str, &str); 14] = [
    ("l0", "body"),
    ("pack", "body"),
    ("chunk", "head"),
    ("chunk", "data"),
    ("run_summary", "body"),
    ("band", "roll"),
    ("stripe", "body"),
    ("series", "body"),
    ("binding", "body"),
    ("fork", "body"),
    ("entry_row", "head"),
    ("entry_row", "data"),
    ("entry_block", "head"),
    ("entry_block", "data"),
];

/// A folder with something in almost every table, and what it reads as.
struct Sample {
    folder: TempDir,
    /// The database as it should be.
    whole: Vec<u8>,
    truth: String,
}

impl Sample {
    /// The first that has rows in all tables that should have some.
    fn new() -> Self {
        (1..100)
            .find_map(Self::from_seed)
            .expect("some seed writes to all tables")
    }

    fn from_seed(seed: u64) -> Option<Self> {
        let folder = new_folder();
        let store = SqliteStore::open(folder.path(), quiet()).unwrap();
        // What scripts of kills don't say: scalars, goals, events, losses, moves.
        for step in random_steps(seed, 200) {
            match step {
                Step::Append(frame) => drop(store.append(frame).unwrap()),
                Step::Edit(request) => drop(store.edit(&request).unwrap()),
                Step::Fold { everything } => drop(store.fold(everything).unwrap()),
                Step::Reopen => {}
            }
        }
        let mut script = Script::new(11, 1);
        for call in 0..60 {
            script.next().make(&store).unwrap();
            if call == 40 {
                store.fold(true).unwrap();
            }
        }
        // Lines that are not folded, beside the folded ones of the steps.
        let mut late = FrameBuilder::creator("late", 250);
        store
            .append(late.log_lines(0, &["one", "two"]).frame())
            .unwrap();
        let request = ReclaimRequest {
            at: Timestamp::from_micros(TEST_EPOCH_MICROS),
            trash_seconds: None,
            longest: std::time::Duration::from_secs(60),
        };
        store.reclaim(&request).unwrap();
        store.close().unwrap();
        drop(store);
        let database = database(folder.path());
        let sample = Self {
            whole: std::fs::read(&database).unwrap(),
            truth: read_all(folder.path()).unwrap(),
            folder,
        };
        let report = check_deep(sample.folder.path()).unwrap();
        assert_eq!(report.damages, []);
        let connection = sample.connect();
        let is_rich = TABLES.iter().all(|(table, gone)| {
            let is_empty = rows_of(&connection, table).is_empty();
            is_empty == (*gone == Gone::Empty)
        });
        is_rich.then_some(sample)
    }

    fn connect(&self) -> Connection {
        Connection::open(database(self.folder.path())).unwrap()
    }

    /// Puts everything back.
    fn restore(&self) {
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("runstone.db{suffix}")));
        }
        std::fs::write(database(self.folder.path()), &self.whole).unwrap();
    }

    /// Whether the deep check finds anything.
    fn is_found(&self) -> bool {
        match check_deep(self.folder.path()) {
            Ok(report) => !report.damages.is_empty(),
            Err(StoreError::Corrupt(_)) => true,
            Err(error) => panic!("the check fails: {error}"),
        }
    }

    fn reads_as_before(&self) -> bool {
        read_all(self.folder.path()).is_ok_and(|read| read == self.truth)
    }
}

fn quiet() -> SqliteOptions {
    SqliteOptions {
        clock: Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS)),
        ..options(false)
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("runstone.db")
}

fn read_all(folder: &Path) -> Result<String, StoreError> {
    let store = SqliteStore::open(folder, quiet())?;
    Ok(format!("{:?}", read_runs(&store, "")?))
}

/// Ids of a table's rows: rowids, or texts of primary keys where there are none.
fn rows_of(connection: &Connection, table: &str) -> Vec<String> {
    let keys: Vec<String> = {
        let mut columns = connection
            .prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")
            .unwrap();
        let names = columns.query_map([table], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    };
    // A condition that names the row.
    let parts: Vec<String> = keys
        .iter()
        .map(|key| format!("'{key} = ' || quote({key})"))
        .collect();
    let read = format!(
        "SELECT {} FROM {table} ORDER BY {}",
        parts.join(" || ' AND ' || "),
        keys.join(", ")
    );
    let mut statement = connection.prepare(&read).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
#[allow(clippy::print_stderr, reason = "what was found")]
fn a_flipped_bit_of_any_body_is_found() {
    let sample = Sample::new();
    let flips = number_from_environment("RUNSTONE_FLIPS").unwrap_or(500);
    let mut random = Random(number_from_environment("RUNSTONE_FLIPS_SEED").unwrap_or(1));
    let mut found = 0;
    for flip in 0..flips {
        let (table, column) = BODIES[flip as usize % BODIES.len()];
        let connection = sample.connect();
        let rows = rows_of(&connection, table);
        assert!(!rows.is_empty(), "{table}");
        let row = &rows[random.below(rows.len() as u64) as usize];
        let read = format!("SELECT {column} FROM {table} WHERE {row}");
        let body: Vec<u8> = connection.query_row(&read, [], |row| row.get(0)).unwrap();
        let bit = random.below(body.len() as u64 * 8) as usize;
        let mut flipped = body.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let write = format!("UPDATE {table} SET {column} = ?1 WHERE {row}");
        assert_eq!(connection.execute(&write, params![flipped]).unwrap(), 1);
        drop(connection);
        if sample.is_found() {
            found += 1;
        } else {
            assert!(
                sample.reads_as_before(),
                "bit {bit} of {column} of {table} where {row} was not found"
            );
        }
        let connection = sample.connect();
        assert_eq!(connection.execute(&write, params![body]).unwrap(), 1);
    }
    eprintln!("{found} of {flips} flipped bits were found, the others change nothing");
    assert_eq!(read_all(sample.folder.path()).unwrap(), sample.truth);
}

#[test]
fn a_row_that_is_gone_is_found_or_known_to_be_unseen() {
    let sample = Sample::new();
    let connection = sample.connect();
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        .unwrap();
    let names = statement.query_map([], |row| row.get::<_, String>(0));
    let names: Vec<String> = names.unwrap().map(Result::unwrap).collect();
    drop(statement);
    drop(connection);
    for name in names {
        assert!(
            TABLES.iter().any(|(table, _)| *table == name),
            "say in TABLES whether a lost row of {name} is found"
        );
    }
    let mut missed = Vec::new();
    for (table, gone) in TABLES {
        let connection = sample.connect();
        let rows = rows_of(&connection, table);
        drop(connection);
        let some = [
            0,
            rows.len() / 3,
            rows.len() / 2,
            rows.len().saturating_sub(1),
        ];
        for index in some.into_iter().filter(|index| *index < rows.len()) {
            let row = &rows[index];
            let connection = sample.connect();
            let delete = format!("DELETE FROM {table} WHERE {row}");
            assert_eq!(connection.execute(&delete, []).unwrap(), 1, "{delete}");
            drop(connection);
            let found = sample.is_found();
            let is_right = match gone {
                Gone::Found => found,
                Gone::FoundOrHarmless => found || sample.reads_as_before(),
                Gone::Unseen | Gone::Empty => true,
            };
            if !is_right {
                missed.push(format!("{table}: {row}"));
            }
            sample.restore();
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn a_row_that_is_there_twice_is_found_or_harmless() {
    let sample = Sample::new();
    let mut missed = Vec::new();
    // Other tables have keys that can't be there twice.
    for table in [
        "l0",
        "pack",
        "chunk",
        "series",
        "binding",
        "event",
        "removal",
        "cut",
        "change",
        "pack_tier",
    ] {
        for last in [false, true] {
            let connection = sample.connect();
            let rows = rows_of(&connection, table);
            let row = &rows[if last { rows.len() - 1 } else { 0 }];
            let mut columns = connection
                .prepare("SELECT name FROM pragma_table_info(?1)")
                .unwrap();
            let names = columns.query_map([table], |row| row.get::<_, String>(0));
            // The next number of the same owner; a chunk has its number in a column.
            let values: Vec<String> = names
                .unwrap()
                .map(Result::unwrap)
                .map(|name| match (table, name.as_str()) {
                    ("chunk", "id") => "NULL".to_owned(),
                    ("chunk", "number") => format!(
                        "(SELECT max(number) + 1 FROM chunk WHERE run = (SELECT run FROM chunk \
                         WHERE {row}))"
                    ),
                    ("change", "id") => "(SELECT max(id) + 1 FROM change)".to_owned(),
                    (_, "id") => format!(
                        "(SELECT max(id) + 1 FROM {table} WHERE id >> 24 = (SELECT id >> 24 \
                         FROM {table} WHERE {row}))"
                    ),
                    _ => name,
                })
                .collect();
            drop(columns);
            let double = format!(
                "INSERT INTO {table} SELECT {} FROM {table} WHERE {row}",
                values.join(", ")
            );
            assert_eq!(connection.execute(&double, []).unwrap(), 1, "{double}");
            drop(connection);
            if !sample.is_found() && !sample.reads_as_before() {
                missed.push(format!("{table}: {row}"));
            }
            sample.restore();
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}
