//! An experiment: a named group of runs.

use serde::{Deserialize, Serialize};

use crate::ids::{hex_from_bytes, millis_of_48_bits};
use crate::{ExperimentName, Timestamp, WorkspaceId};

/// A named group of runs. Naming one creates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// Unique among the living experiments of the workspace.
    pub name: ExperimentName,
    /// UUIDv7, see [`experiment_id_from_parts`].
    pub id: String,
    /// Short name for addresses, where a dialect has one.
    pub slug: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// When it was first named.
    pub created_at: Timestamp,
    /// Archived experiments are left out of lists unless asked for.
    pub archived: bool,
    /// Digest of its sealed form; a sealed experiment is immutable.
    pub sealed_digest: Option<String>,
    /// Workspace.
    pub workspace: WorkspaceId,
}

impl Experiment {
    /// A new one with nothing but a name.
    pub fn new(
        name: ExperimentName,
        id: String,
        workspace: WorkspaceId,
        created_at: Timestamp,
    ) -> Self {
        Self {
            name,
            id,
            slug: None,
            title: None,
            description: None,
            created_at,
            archived: false,
            sealed_digest: None,
            workspace,
        }
    }

    /// Whether it is immutable.
    pub fn is_sealed(&self) -> bool {
        self.sealed_digest.is_some()
    }
}

/// A new experiment id: a UUIDv7 in its usual text, which sorts by creation time.
///
/// `millis` is the time since 1970 in UTC, clamped to 48 bits. The caller brings ten random
/// bytes; 74 of their bits are used.
pub fn experiment_id_from_parts(millis: i64, randomness: [u8; 10]) -> String {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&millis_of_48_bits(millis).to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&randomness);
    bytes[6] = bytes[6] & 0x0f | 0x70; // version 7
    bytes[8] = bytes[8] & 0x3f | 0x80; // variant of RFC 9562
    let hex = hex_from_bytes(&bytes);
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_experiment_id_is_a_uuid_of_version_7() {
        // The example of RFC 9562, appendix A.6.
        let randomness = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        assert_eq!(
            experiment_id_from_parts(0x017f_22e2_79b0, randomness),
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
        );
    }

    #[test]
    fn ids_sort_by_time() {
        assert!(experiment_id_from_parts(1, [0xff; 10]) < experiment_id_from_parts(2, [0; 10]));
    }
}
