//! The model test: random operations on an engine and on the in-memory oracle, and every read of
//! both compared after each of them.
//!
//! Cases come from a seed that is printed when one fails; the failing sequence is shrunk. Set
//! `RUNSTONE_MODEL_SEED` to run a seed again and `RUNSTONE_MODEL_CASES` to run more.

mod actions;
mod compare;
mod compare_table;
mod compare_texts;
mod steps;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use runstone_model::StoreIdentity;
use runstone_wire::FrameStatus;

use self::actions::{Action, World};
use self::compare::compare_stores;
pub use self::steps::{Step, compare_with_oracle, random_steps};
use super::harness::Engine;
use crate::Store;
use crate::memory::MemoryStore;

/// Runs the model test on an engine: `cases` random sequences of `actions` actions each.
///
/// # Panics
/// When a read differs: with the seed and the smallest sequence that still fails.
pub fn run_model_test<E: Engine>(cases: u32, actions: usize) {
    let seed = number_from_environment("RUNSTONE_MODEL_SEED").unwrap_or(0x5eed);
    let cases = number_from_environment("RUNSTONE_MODEL_CASES")
        .and_then(|cases| u32::try_from(cases).ok())
        .unwrap_or(cases);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&actions::sequences(actions), |sequence| {
        run_sequence::<E>(&sequence).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, sequence)) => panic!(
            "the engine differs from the oracle (RUNSTONE_MODEL_SEED={seed}): {reason}\n\
             smallest failing sequence: {sequence:#?}"
        ),
        Err(TestError::Abort(reason)) => panic!("the model test gave up: {reason}"),
    }
}

fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// One sequence on a new engine and a new oracle.
fn run_sequence<E: Engine>(sequence: &[Action]) -> Result<(), String> {
    let mut engine = E::open();
    let oracle = MemoryStore::new(StoreIdentity {
        store: [1; 16],
        incarnation: [1; 16],
    });
    let mut world = World::default();
    for (index, action) in sequence.iter().enumerate() {
        let context = |what: String| format!("after action {index} ({action:?}): {what}");
        match action {
            Action::Fold => drop(
                engine
                    .store()
                    .fold(true)
                    .map_err(|error| error.to_string())?,
            ),
            Action::FoldDue => drop(
                engine
                    .store()
                    .fold(false)
                    .map_err(|error| error.to_string())?,
            ),
            Action::Reopen => engine.reopen(),
            Action::Edit(edit) => {
                let request = world.edit(edit);
                let edited = |store: &dyn Store| store.edit(&request).map_err(|e| e.to_string());
                let (given, wanted) = (edited(engine.store())?, edited(&oracle)?);
                if format!("{given:?}") != format!("{wanted:?}") {
                    return Err(context(format!("answer {given:?} differs from {wanted:?}")));
                }
            }
            Action::Frame(frame) => {
                for append in world.frames(frame) {
                    let wanted = oracle
                        .append(append.clone())
                        .map_err(|error| error.to_string())?;
                    let given = engine
                        .store()
                        .append(append)
                        .map_err(|error| error.to_string())?;
                    if given != wanted {
                        return Err(context(format!("answer {given:?} differs from {wanted:?}")));
                    }
                    if given.status == FrameStatus::Applied && given.change.0 == 0 {
                        return Err(context("an applied frame has change number 0".to_owned()));
                    }
                }
            }
        }
        compare_stores(engine.store(), &oracle).map_err(context)?;
    }
    Ok(())
}
