//! Where a param stands: a list of keys.
//!
//! A key may hold dots; only [`ParamPath::parse_dotted`] splits on them, for `run["a.b"]`. A path
//! is checked when it is built, so the tree only checks keys inside values.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::ModelError;
use crate::ids::quoted;

/// Longest key in bytes.
pub const PARAM_KEY_BYTES_MAX: usize = 512;
/// Deepest leaf: keys and positions in lists on the way to it.
pub const PARAM_DEPTH_MAX: usize = 32;

/// Keys from the root. Ordered by keys.
///
/// ```
/// use runstone_model::ParamPath;
/// assert_eq!(ParamPath::parse_dotted("model.lr").unwrap().keys(), ["model", "lr"]);
/// assert_eq!(ParamPath::from_keys(["a.b"]).unwrap().keys().len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct ParamPath(Vec<String>);

impl ParamPath {
    /// The root: the whole tree.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// From keys; none is the root.
    ///
    /// # Errors
    /// `Invalid` for an empty key or one with a NUL, `TooLarge` past 512 bytes or 32 keys.
    pub fn from_keys<K: Into<String>>(
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Self, ModelError> {
        let path = Self(keys.into_iter().map(Into::into).collect());
        path.0.iter().try_for_each(|key| check_key(key, &path.0))?;
        check_param_depth(path.0.len(), &path)?;
        Ok(path)
    }

    /// Splits a text at its dots.
    ///
    /// # Errors
    /// `Invalid` if the text is empty or has an empty part, as `a..b`; and those of
    /// [`Self::from_keys`].
    pub fn parse_dotted(text: &str) -> Result<Self, ModelError> {
        if text.split('.').any(str::is_empty) {
            return Err(ModelError::invalid(
                "param path",
                format!("{} has an empty part", quoted(text)),
                "separate keys by single dots, as in \"model.lr\"",
            ));
        }
        Self::from_keys(text.split('.'))
    }

    /// The keys.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// A path whose keys were checked one by one.
    pub(crate) fn from_checked(keys: Vec<String>) -> Self {
        Self(keys)
    }
}

impl fmt::Display for ParamPath {
    /// Keys with dots between them; the root is empty.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("."))
    }
}

impl<'de> Deserialize<'de> for ParamPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_keys(Vec::<String>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

pub(crate) fn check_key(key: &str, keys: &[String]) -> Result<(), ModelError> {
    let what = || format!("param key at {}", quoted(&keys.join(".")));
    if key.is_empty() {
        return Err(ModelError::invalid(
            what(),
            "is empty",
            "give it at least one character",
        ));
    }
    if key.len() > PARAM_KEY_BYTES_MAX {
        let reason = format!(
            "has {} bytes, the limit is {PARAM_KEY_BYTES_MAX}",
            key.len()
        );
        return Err(ModelError::too_large(what(), reason, "shorten it"));
    }
    if key.contains('\0') {
        return Err(ModelError::invalid(
            what(),
            "holds a NUL character",
            "remove it",
        ));
    }
    Ok(())
}

pub(crate) fn check_param_depth(depth: usize, path: &ParamPath) -> Result<(), ModelError> {
    if depth > PARAM_DEPTH_MAX {
        return Err(ModelError::too_large(
            format!("param {}", quoted(&path.to_string())),
            format!("is nested deeper than {PARAM_DEPTH_MAX} levels"),
            "flatten it, or store it as a text",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dots_split_only_when_asked() {
        assert_eq!(ParamPath::parse_dotted("a.b").unwrap().keys(), ["a", "b"]);
        assert_eq!(ParamPath::from_keys(["a.b"]).unwrap().keys(), ["a.b"]);
        for bad in ["", ".", "a.", ".a", "a..b"] {
            assert!(ParamPath::parse_dotted(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_keys_are_refused() {
        assert!(ParamPath::from_keys([""]).is_err());
        assert!(ParamPath::from_keys(["a\0"]).is_err());
        assert!(
            ParamPath::from_keys(["k".repeat(513)])
                .unwrap_err()
                .is_too_large()
        );
        assert!(serde_json::from_value::<ParamPath>(json!(["a", ""])).is_err());
    }
}
