//! Random steps and the comparison with the oracle, for tests that do to an engine what only it
//! knows: power losses, full disks, failed syncs.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::actions::{Action, World, sequences};
use super::compare::compare_stores;
use crate::{AppendFrame, EditRequest, Store};

/// One thing that happens to a store, ready to be done.
#[derive(Debug, Clone)]
pub enum Step {
    /// A frame.
    Append(AppendFrame),
    /// A person changes, deletes or takes back runs.
    Edit(EditRequest),
    /// Folding, of everything or of what is due.
    Fold {
        /// Everything.
        everything: bool,
    },
    /// The store is closed and opened again.
    Reopen,
}

/// The steps of at least one and at most so many actions of the model test.
pub fn random_steps(seed: u64, actions: usize) -> Vec<Step> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let sequence = sequences(actions)
        .new_tree(&mut runner)
        .expect("nothing is filtered")
        .current();
    let mut world = World::default();
    let mut steps = Vec::new();
    for action in &sequence {
        match action {
            Action::Frame(frame) => {
                steps.extend(world.frames(frame).into_iter().map(Step::Append));
            }
            Action::Edit(edit) => steps.push(Step::Edit(world.edit(edit))),
            Action::Fold => steps.push(Step::Fold { everything: true }),
            Action::FoldDue => steps.push(Step::Fold { everything: false }),
            Action::Reopen => steps.push(Step::Reopen),
        }
    }
    steps
}

/// Compares every read of an engine with those of the oracle; what differs.
///
/// # Errors
/// What differs, or could not be read.
pub fn compare_with_oracle(engine: &dyn Store, oracle: &dyn Store) -> Result<(), String> {
    compare_stores(engine, oracle)
}
