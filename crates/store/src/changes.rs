//! The journal of changes: what each change number stands for.
//!
//! Every applied frame that has a run, and every mutation, leaves one [`ChangeRow`] through
//! [`ApplyContext::push_change`](crate::apply::ApplyContext::push_change), in the transaction that
//! stores the rest of it. Readers get it back from [`Snapshot::scan_changes`](crate::Snapshot::scan_changes).
//!
//! The surprising rule: numbers have gaps. A frame whose writer has no run, or no longer one, takes
//! a number and leaves no row, because nothing that a reader sees has changed.

use runstone_model::{ChangeNumber, ExperimentKey, RunId, RunKey, Timestamp, WorkspaceId};

use crate::{EventRecord, StoreError};

/// Rows of the journal that one page looks at; a filter that finds nothing among them still
/// answers, and moves on.
pub const CHANGES_EXAMINED_MAX: usize = 20_000;
/// Changes that are kept, unless an engine is told otherwise.
pub const CHANGES_KEPT: u64 = 1_000_000;

/// What a change touched. The order is that of the bits in [`ChangeKinds`]: it is on disk, so new
/// ones come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// The run was created.
    Created,
    /// Its state, or a reason or time of its life.
    State,
    /// Name, description, group, experiment, archived.
    Properties,
    /// Tags.
    Tags,
    /// Params.
    Params,
    /// Points, also removed or rewound ones, and definitions of metrics.
    Points,
    /// Scalars.
    Scalars,
    /// A writer opened or ended, or what is known of its completeness; also a sign of life alone.
    Writers,
    /// Warnings.
    Warnings,
    /// The run was deleted.
    Deleted,
    /// The run was taken back from the trash.
    Undeleted,
    /// Terminal lines and log records.
    Logs,
    /// Objects.
    Objects,
    /// Artifacts came, became ready or went.
    Artifacts,
}

impl ChangeKind {
    /// All kinds, in the order of their bits.
    pub const ALL: [Self; 14] = [
        Self::Created,
        Self::State,
        Self::Properties,
        Self::Tags,
        Self::Params,
        Self::Points,
        Self::Scalars,
        Self::Writers,
        Self::Warnings,
        Self::Deleted,
        Self::Undeleted,
        Self::Logs,
        Self::Objects,
        Self::Artifacts,
    ];

    /// The word that readers see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::State => "state",
            Self::Properties => "properties",
            Self::Tags => "tags",
            Self::Params => "params",
            Self::Points => "points",
            Self::Scalars => "scalars",
            Self::Writers => "writers",
            Self::Warnings => "warnings",
            Self::Deleted => "deleted",
            Self::Undeleted => "undeleted",
            Self::Logs => "logs",
            Self::Objects => "objects",
            Self::Artifacts => "artifacts",
        }
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ChangeKinds(u16);

impl ChangeKinds {
    /// From the bits of [`ChangeKinds::bits`]; unknown ones are kept, and named by nobody.
    pub fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// One bit a kind, the first kind lowest.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Adds a kind.
    pub fn insert(&mut self, kind: ChangeKind) {
        self.0 |= 1 << kind as u16;
    }

    /// Whether the kind is in the set.
    pub fn contains(self, kind: ChangeKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    /// Whether a kind is in both sets.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds, in their order.
    pub fn iter(self) -> impl Iterator<Item = ChangeKind> {
        ChangeKind::ALL
            .into_iter()
            .filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<ChangeKind> for ChangeKinds {
    fn from_iter<T: IntoIterator<Item = ChangeKind>>(kinds: T) -> Self {
        let mut set = Self::default();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

/// Up to which change an engine should forget, to keep the newest `kept`; `None` while it is not
/// worth it. Numbers are counted, not rows, so that nobody has to count.
pub fn changes_to_forget(
    newest: ChangeNumber,
    forgotten: ChangeNumber,
    kept: u64,
) -> Option<ChangeNumber> {
    let held = newest.0.saturating_sub(forgotten.0);
    (held > kept.saturating_add(kept / 16)).then(|| ChangeNumber(newest.0 - kept))
}

/// The error for a run that is neither there nor in the journal.
pub fn no_such_run(id: &str) -> StoreError {
    StoreError::NotFound(format!(
        "there is no run \"{id}\", hint: give an id, the beginning of one, or a name"
    ))
}

/// One change as an engine keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its number; one row a number, in rising order.
    pub change: ChangeNumber,
    /// The server's clock.
    pub at: Timestamp,
    /// The run that was changed.
    pub run: RunKey,
    /// Its experiment after the change.
    pub experiment: ExperimentKey,
    /// Its experiment before, if that was another one: readers of the former see it leave.
    pub former_experiment: Option<ExperimentKey>,
    /// What was touched; never empty.
    pub kinds: ChangeKinds,
}

/// Which changes.
#[derive(Debug, Clone, Default)]
pub struct ChangeScan {
    /// Workspace.
    pub workspace: WorkspaceId,
    /// Changes after this number; `None`: from the oldest that is kept.
    pub since: Option<ChangeNumber>,
    /// Only of runs with this id, deleted ones too.
    pub run: Option<RunId>,
    /// Only of runs that were in the experiment of this name before or after the change.
    pub experiment: Option<String>,
    /// Only with one of these kinds; empty: all.
    pub kinds: ChangeKinds,
    /// At most so many; 0 is taken as 1.
    pub limit: usize,
}

/// One page of changes, by number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangePage {
    /// The changes.
    pub changes: Vec<ChangeRecord>,
    /// The number up to which this page has looked; the next page starts after it.
    pub next: ChangeNumber,
    /// `since` lies before what is kept, or past the newest change: there is no page, and `next` is
    /// the newest change.
    pub reset: bool,
}

/// A change as a reader gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRecord {
    /// Its number.
    pub change: ChangeNumber,
    /// The server's clock.
    pub at: Timestamp,
    /// The run.
    pub run: RunKey,
    /// Its id.
    pub run_id: RunId,
    /// Name of its experiment after the change.
    pub experiment_name: String,
    /// What was touched.
    pub kinds: ChangeKinds,
    /// Lifecycle events of this change, with the kind `State`.
    pub events: Vec<EventRecord>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_bit_and_a_word_of_its_own() {
        let all: ChangeKinds = ChangeKind::ALL.into_iter().collect();
        assert_eq!(all.bits(), 0b11_1111_1111_1111);
        assert!(all.iter().eq(ChangeKind::ALL));
        let mut words: Vec<&str> = ChangeKind::ALL.map(ChangeKind::as_str).to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ChangeKind::ALL.len());
    }

    #[test]
    fn changes_are_forgotten_once_it_is_worth_it() {
        let forget = |newest, forgotten| {
            changes_to_forget(ChangeNumber(newest), ChangeNumber(forgotten), 160)
        };
        assert_eq!(forget(170, 0), None);
        assert_eq!(forget(171, 0), Some(ChangeNumber(11)));
        assert_eq!(forget(171, 11), None);
        // A store whose journal began late, and one that was restored.
        assert_eq!(forget(5_000, 5_000), None);
        assert_eq!(forget(10, 5_000), None);
    }

    #[test]
    fn bits_of_a_later_version_are_kept_and_named_by_nobody() {
        let kinds = ChangeKinds::from_bits(1 << 14 | 1);
        assert!(kinds.iter().eq([ChangeKind::Created]));
        assert_eq!(kinds.bits(), 1 << 14 | 1);
    }
}
