//! The one error of this crate.
//!
//! It is made by checked constructors and by [`crate::Params`]; whoever calls them passes it on
//! to the user: the message names the value and says what to do.

use std::borrow::Cow;

use crate::{TransitionError, TypeConflict};

/// Why a value can't be what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The value has no possible meaning here; change it.
    #[error("{what} {reason}, hint: {hint}")]
    Invalid {
        /// Which thing, as `run id`.
        what: Cow<'static, str>,
        /// What is wrong with it, as `is empty`.
        reason: Cow<'static, str>,
        /// The next step.
        hint: Cow<'static, str>,
    },
    /// The value is past a limit; make it smaller.
    #[error("{what} {reason}, hint: {hint}")]
    TooLarge {
        /// Which thing, as `context`.
        what: Cow<'static, str>,
        /// Which limit, and by how much.
        reason: Cow<'static, str>,
        /// The next step.
        hint: Cow<'static, str>,
    },
    /// Values that can't live in one series.
    #[error(transparent)]
    TypeConflict(#[from] TypeConflict),
    /// An event that the run's state forbids.
    #[error(transparent)]
    Transition(#[from] TransitionError),
}

impl ModelError {
    pub(crate) fn invalid(
        what: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid {
            what: what.into(),
            reason: reason.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn too_large(
        what: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::TooLarge {
            what: what.into(),
            reason: reason.into(),
            hint: hint.into(),
        }
    }

    /// Whether the value is past a limit rather than wrong in itself.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }
}
