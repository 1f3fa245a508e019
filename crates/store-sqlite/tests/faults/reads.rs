//! A database that was cut short: refused, or read as it was; never a panic.

use std::fs::{self, OpenOptions};

use runstone_store::{Store, StoreError};
use runstone_store_sqlite::{SqliteStore, check_deep};

use super::disk::Random;
use super::{new_folder, number_from_environment};
use crate::kills::child::options;
use crate::script::{Script, read_runs};

#[test]
fn a_database_that_was_cut_short_is_refused_with_a_hint_or_read_whole() {
    let folder = new_folder();
    let store = SqliteStore::open(folder.path(), options(false)).unwrap();
    let mut script = Script::new(3, 0);
    for call in 0..150 {
        script.next().make(&store).unwrap();
        if call == 100 {
            store.fold(true).unwrap();
        }
    }
    let truth = read_runs(&store, "t0-").unwrap();
    store.close().unwrap();
    drop(store);
    let database = folder.path().join("runstone.db");
    let whole = fs::read(&database).unwrap();
    let mut random = Random(5);
    for cut in 0..number_from_environment("RUNSTONE_FAULTS").unwrap_or(40) {
        // Nearly whole, or anywhere; on the edge of a page or not.
        let reach = if cut % 2 == 0 {
            20_000
        } else {
            whole.len() as u64
        };
        let mut length = whole.len() as u64 - random.below(reach);
        if cut % 3 == 0 {
            length -= length % 4_096;
        }
        fs::write(&database, &whole).unwrap();
        let file = OpenOptions::new().write(true).open(&database).unwrap();
        file.set_len(length).unwrap();
        drop(file);
        let read = SqliteStore::open(folder.path(), options(false))
            .and_then(|store| read_runs(&store, "t0-"));
        match read {
            Ok(read) => assert!(read == truth, "{length} bytes read as something else"),
            Err(error) => {
                assert!(matches!(error, StoreError::Corrupt(_)), "{length}: {error}");
                assert!(error.to_string().contains("hint: "), "{error}");
                let found = check_deep(folder.path());
                assert!(
                    found.is_err() || found.is_ok_and(|report| !report.damages.is_empty()),
                    "{length} bytes are found sound"
                );
            }
        }
    }
}
