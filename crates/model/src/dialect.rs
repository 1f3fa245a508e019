//! The states of a run in the words of the systems whose clients we serve.
//!
//! A dialect crate shows a run's state through [`dialect_word`] and reads one through
//! [`state_from_dialect_word`]; both follow [`DIALECT_WORDS`], so a word means the same in every
//! answer. Several of our states may share a word; the first row with a word is what it means
//! when it comes in.

use crate::{EndReason, ReasonCode, RunState};

use Dialect::{Chronicle, Dalva, Matyan, Ommx};
use RunState::{Failed, Lost, Pending, Running, Succeeded};

/// A system whose clients we serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Matyan, which knows only whether a run is active.
    Matyan,
    /// Dalva.
    Dalva,
    /// Methodic Chronicle.
    Chronicle,
    /// OMMX Experiment.
    Ommx,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 4] = [Matyan, Dalva, Chronicle, Ommx];

    /// Its name, as in an alias of a run.
    pub fn as_str(self) -> &'static str {
        match self {
            Matyan => "matyan",
            Dalva => "dalva",
            Chronicle => "chronicle",
            Ommx => "ommx",
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One row: a state of ours and its word there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialectWord {
    /// The system.
    pub dialect: Dialect,
    /// Our state.
    pub state: RunState,
    /// Only for this reason; `None`: for every reason that has no row of its own.
    pub reason: Option<ReasonCode>,
    /// The word there.
    pub word: &'static str,
    /// The reason that the word stands for when it comes in.
    pub reads_as: Option<ReasonCode>,
}

const fn plain(dialect: Dialect, state: RunState, word: &'static str) -> DialectWord {
    DialectWord {
        dialect,
        state,
        reason: None,
        word,
        reads_as: None,
    }
}

const fn failed(
    dialect: Dialect,
    reason: Option<ReasonCode>,
    word: &'static str,
    reads_as: ReasonCode,
) -> DialectWord {
    DialectWord {
        dialect,
        state: Failed,
        reason,
        word,
        reads_as: Some(reads_as),
    }
}

/// All words. OMMX has none for a run that has not ended, since it stores only closed ones.
pub const DIALECT_WORDS: &[DialectWord] = &[
    plain(Matyan, Running, "active"),
    plain(Matyan, Pending, "active"),
    plain(Matyan, Succeeded, "finished"),
    failed(Matyan, None, "finished", ReasonCode::Unknown),
    plain(Matyan, Lost, "finished"),
    plain(Dalva, Running, "running"),
    plain(Dalva, Pending, "running"),
    plain(Dalva, Lost, "running"),
    plain(Dalva, Succeeded, "completed"),
    failed(Dalva, None, "failed", ReasonCode::Unknown),
    plain(Chronicle, Pending, "pending"),
    plain(Chronicle, Running, "running"),
    plain(Chronicle, Succeeded, "succeeded"),
    plain(Chronicle, Lost, "lost"),
    failed(
        Chronicle,
        Some(ReasonCode::Abandoned),
        "failed_abandoned",
        ReasonCode::Abandoned,
    ),
    failed(
        Chronicle,
        Some(ReasonCode::Lost),
        "failed_lost",
        ReasonCode::Lost,
    ),
    failed(Chronicle, None, "failed_crash", ReasonCode::Exception),
    plain(Ommx, Succeeded, "finished"),
    failed(
        Ommx,
        Some(ReasonCode::Interrupted),
        "interrupted",
        ReasonCode::Interrupted,
    ),
    failed(Ommx, None, "failed", ReasonCode::Unknown),
];

/// The word of a system for a state and its reason; `None` where it has no word.
pub fn dialect_word(
    dialect: Dialect,
    state: RunState,
    reason: Option<&EndReason>,
) -> Option<&'static str> {
    let code = reason.map(|reason| reason.code);
    let rows = || {
        DIALECT_WORDS
            .iter()
            .filter(|row| row.dialect == dialect && row.state == state)
    };
    let exact = rows().find(|row| row.reason.is_some() && row.reason == code);
    exact
        .or_else(|| rows().find(|row| row.reason.is_none()))
        .map(|row| row.word)
}

/// What a word of a system means; `None` for a word it does not have.
pub fn state_from_dialect_word(
    dialect: Dialect,
    word: &str,
) -> Option<(RunState, Option<ReasonCode>)> {
    let row = DIALECT_WORDS
        .iter()
        .find(|row| row.dialect == dialect && row.word == word)?;
    Some((row.state, row.reads_as))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ended_state_has_a_word_everywhere() {
        for dialect in Dialect::ALL {
            for code in ReasonCode::ALL {
                let reason = EndReason::new(*code, "");
                assert!(dialect_word(dialect, Failed, Some(&reason)).is_some());
            }
            assert!(dialect_word(dialect, Failed, None).is_some());
            assert!(dialect_word(dialect, Succeeded, None).is_some());
            if dialect != Ommx {
                for state in [Pending, Running, Lost] {
                    assert!(dialect_word(dialect, state, None).is_some());
                }
            }
        }
    }

    #[test]
    fn a_word_that_comes_in_goes_out_again() {
        for row in DIALECT_WORDS {
            let (state, code) = state_from_dialect_word(row.dialect, row.word).unwrap();
            let reason = code.map(|code| EndReason::new(code, ""));
            assert_eq!(
                dialect_word(row.dialect, state, reason.as_ref()),
                Some(row.word)
            );
        }
        assert_eq!(state_from_dialect_word(Dalva, "lost"), None);
    }

    #[test]
    fn chronicle_tells_three_failures_apart() {
        for (code, word) in [
            (ReasonCode::Exception, "failed_crash"),
            (ReasonCode::Oom, "failed_crash"),
            (ReasonCode::Abandoned, "failed_abandoned"),
            (ReasonCode::Lost, "failed_lost"),
        ] {
            let reason = EndReason::new(code, "");
            assert_eq!(dialect_word(Chronicle, Failed, Some(&reason)), Some(word));
        }
    }
}
