//! Who makes a call, and what it may do.

use serde::{Deserialize, Serialize};

/// What a token allows. Each includes those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything, tokens and deletion included.
    Admin,
    /// Write runs and read everything.
    Write,
    /// Read only.
    Read,
}

impl Scope {
    /// Whether a holder of this scope may do what needs `needed`.
    pub fn allows(self, needed: Self) -> bool {
        self.rank() >= needed.rank()
    }

    fn rank(self) -> u8 {
        match self {
            Self::Read => 0,
            Self::Write => 1,
            Self::Admin => 2,
        }
    }

    /// `admin`, `write`, `read`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whoever makes a call. Every call of the service carries one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// Name, as the record of events shows it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
}

impl Principal {
    /// The owner of a server that listens on loopback only, and of the folder on disk.
    pub fn local() -> Self {
        Self {
            name: "local".to_owned(),
            scope: Scope::Admin,
        }
    }

    /// Whether it may do what needs `needed`.
    pub fn allows(&self, needed: Scope) -> bool {
        self.scope.allows(needed)
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_includes_the_lesser_ones() {
        let scopes = [Scope::Read, Scope::Write, Scope::Admin];
        for (held, scope) in scopes.into_iter().enumerate() {
            for (needed, other) in scopes.into_iter().enumerate() {
                assert_eq!(scope.allows(other), held >= needed);
            }
        }
    }
}
