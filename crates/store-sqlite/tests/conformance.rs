//! The conformance suite and the model test, with the default shape of folded data and with a tiny
//! one that makes chunks, merges packs and splits passes after a few points.

use std::path::Path;

use runstone_store::Store;
use runstone_store::conformance::model::run_model_test;
use runstone_store::conformance::{CONFORMANCE_CHANGES_KEPT, Engine};
use runstone_store_sqlite::{FoldLayout, SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// In memory where the system has such a folder: these tests are about answers.
fn new_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    }
    .unwrap()
}

fn options(layout: FoldLayout) -> SqliteOptions {
    SqliteOptions {
        background: false,
        layout,
        changes_kept: CONFORMANCE_CHANGES_KEPT,
        ..SqliteOptions::default()
    }
}

const TINY: FoldLayout = FoldLayout {
    pass_bytes_max: 1 << 20,
    pass_points_max: 3,
    window_series: 2,
    pack_points: 3,
    chunk_points_min: 4,
    chunk_points: 8,
    entry_block_bytes: 24,
    merge_fan_in: 3,
    slice_bytes_max: 1,
    striped_runs_min: 1,
    striped_rows_max: 3,
    rest_seconds: 0,
};

struct Opened {
    folder: TempDir,
    layout: FoldLayout,
    store: Option<SqliteStore>,
}

impl Opened {
    fn new(layout: FoldLayout) -> Self {
        let folder = new_folder();
        let store = Some(SqliteStore::open(folder.path(), options(layout)).unwrap());
        Self {
            folder,
            layout,
            store,
        }
    }

    fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.store.take().unwrap().close().unwrap();
        self.store = Some(SqliteStore::open(self.folder.path(), options(self.layout)).unwrap());
    }
}

struct SqliteEngine(Opened);

impl Engine for SqliteEngine {
    fn open() -> Self {
        Self(Opened::new(FoldLayout::default()))
    }

    fn store(&self) -> &dyn Store {
        self.0.store()
    }

    fn reopen(&mut self) {
        self.0.reopen();
    }
}

struct TinyEngine(Opened);

impl Engine for TinyEngine {
    fn open() -> Self {
        Self(Opened::new(TINY))
    }

    fn store(&self) -> &dyn Store {
        self.0.store()
    }

    fn reopen(&mut self) {
        self.0.reopen();
    }
}

runstone_store::conformance_suite!(SqliteEngine);

mod tiny {
    use super::TinyEngine;

    runstone_store::conformance_suite!(TinyEngine);
}

#[test]
fn the_engine_answers_as_the_oracle_does() {
    run_model_test::<SqliteEngine>(24, 40);
}

#[test]
fn the_engine_answers_as_the_oracle_does_with_tiny_chunks() {
    run_model_test::<TinyEngine>(40, 40);
}
