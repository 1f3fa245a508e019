//! The in-memory engine under the suite, and the shared columns against its naive answers.

mod columns;

use runstone_model::StoreIdentity;

use super::MemoryStore;
use crate::Store;
use crate::conformance::{CONFORMANCE_CHANGES_KEPT, Engine, model};

use self::columns::ColumnsStore;

pub(super) const IDENTITY: StoreIdentity = StoreIdentity {
    store: [7; 16],
    incarnation: [8; 16],
};

fn new_store() -> MemoryStore {
    MemoryStore::new(IDENTITY).with_changes_kept(CONFORMANCE_CHANGES_KEPT)
}

struct MemoryEngine(MemoryStore);

impl Engine for MemoryEngine {
    fn open() -> Self {
        Self(new_store())
    }

    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn reopen(&mut self) {}
}

crate::conformance_suite!(MemoryEngine);

/// Answers from [`crate::PointColumns`] and [`crate::SeriesHiding`], as engines with files do.
struct ColumnsEngine(ColumnsStore);

impl Engine for ColumnsEngine {
    fn open() -> Self {
        Self(ColumnsStore {
            inner: new_store(),
            forgets_hiding: false,
        })
    }

    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn reopen(&mut self) {}
}

/// An engine with a defect.
struct ForgetfulEngine(ColumnsStore);

impl Engine for ForgetfulEngine {
    fn open() -> Self {
        Self(ColumnsStore {
            inner: new_store(),
            forgets_hiding: true,
        })
    }

    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn reopen(&mut self) {}
}

mod shared_columns {
    use super::ColumnsEngine;
    crate::conformance_scenarios!(ColumnsEngine, Nothing);
}

#[test]
fn shared_columns_agree_with_the_naive_answers() {
    model::run_model_test::<ColumnsEngine>(96, 30);
}

#[test]
#[should_panic(expected = "the engine differs from the oracle (RUNSTONE_MODEL_SEED=")]
fn the_model_test_finds_a_defect() {
    model::run_model_test::<ForgetfulEngine>(96, 30);
}
