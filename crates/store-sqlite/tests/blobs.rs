//! The catalogue of blobs in a database: the suite of `runstone-blobs`, and its interleavings in a folder.

use std::path::Path;
use std::sync::Arc;

use runstone_blobs::Place;
use runstone_blobs::conformance::interleavings::{check_tally, run_seeds, seeds};
use runstone_blobs::conformance::{Bench, StoreUnderTest};
use runstone_store_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// A catalogue that keeps its folder.
fn catalogue_in(folder: TempDir) -> StoreUnderTest<SqliteStore> {
    let options = SqliteOptions {
        background: false,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    StoreUnderTest::of(store).keeping(folder)
}

fn catalogue() -> StoreUnderTest<SqliteStore> {
    catalogue_in(new_folder())
}

/// In memory where the system has such a folder: what is tried here is the order of steps.
fn new_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    }
    .unwrap()
}

runstone_blobs::catalogue_suite!(catalogue);

#[test]
fn no_interleaving_loses_or_leaves_a_blob_with_a_database() {
    check_tally(run_seeds(seeds(), |_| {
        let folder = new_folder();
        let place = Place::Folder(folder.path().join("blobs"));
        Bench::open(&place, Arc::new(catalogue_in(folder)))
    }));
}
