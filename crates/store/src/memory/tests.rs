//! The in-memory engine under the suite, and under its own model test: the shared columns must
//! agree with its naive answers.

use runstone_model::StoreIdentity;

use super::MemoryStore;
use crate::Store;
use crate::conformance::{Engine, model};

struct MemoryEngine(MemoryStore);

impl Engine for MemoryEngine {
    fn open() -> Self {
        Self(MemoryStore::new(StoreIdentity {
            store: [7; 16],
            incarnation: [8; 16],
        }))
    }

    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn reopen(&mut self) {}
}

crate::conformance_suite!(MemoryEngine);

#[test]
fn summaries_and_reads_agree_in_random_sequences() {
    model::run_model_test::<MemoryEngine>(64, 30);
}
