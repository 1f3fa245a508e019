//! The params of a run: a tree with typed leaves, and how settings merge into it.
//!
//! The store applies every setting through [`Params::set`], so all engines agree. Setting a dict
//! merges it at its path; setting anything else replaces what is there. Lists are leaves. An
//! empty dict is a leaf where nothing or a leaf stands, and changes nothing where a dict stands.
//!
//! The surprising rule: a leaf and a child below it can't both live. The newer wins, and the
//! path of the older is reported, so that the run can warn about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::ids::quoted;
use crate::param_path::{check_key, check_param_depth};
use crate::{ModelError, PARAM_DEPTH_MAX, ParamPath, ParamValue};

/// Most leaves of one run.
pub const PARAM_LEAVES_MAX: usize = 100_000;
/// Most bytes of one run's params: those of its keys and texts; every value counts 8 at least.
pub const PARAM_BYTES_MAX: usize = 16 * 1024 * 1024;

type Dict = BTreeMap<String, ParamValue>;

/// The tree of params.
///
/// ```
/// use runstone_model::{ParamPath, ParamValue, Params};
/// let mut params = Params::default();
/// params.set(&ParamPath::root(), &ParamValue::from([("lr", 0.1)]), false).unwrap();
/// let lr = ParamPath::parse_dotted("lr").unwrap();
/// assert_eq!(params.get(&lr), Some(&ParamValue::F64(0.1)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// Always a dict.
    root: ParamValue,
    size: Size,
}

/// What a setting did beside what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetReport {
    /// Paths whose older value had to go: a leaf that got a child, or a dict with children that
    /// became a leaf. Sorted. Empty below a path that was set with `replace`.
    pub conflicts: Vec<ParamPath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Size {
    leaves: usize,
    bytes: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            root: ParamValue::Dict(Dict::new()),
            size: Size::default(),
        }
    }
}

impl Params {
    /// Sets a value at a path. A dict merges unless `replace` is given; everything else, and
    /// every value with `replace`, takes the place of what is there. At the root only a dict can
    /// be set.
    ///
    /// On an error nothing has changed.
    ///
    /// # Errors
    /// `Invalid` for a leaf at the root and for bad keys inside the value; `TooLarge` past depth
    /// 32, keys of 512 bytes, 100,000 leaves or 16 MiB. The message names the path.
    pub fn set(
        &mut self,
        path: &ParamPath,
        value: &ParamValue,
        replace: bool,
    ) -> Result<SetReport, ModelError> {
        if path.is_root() && !matches!(value, ParamValue::Dict(_)) {
            return Err(ModelError::invalid(
                "param",
                format!("at the root must be a dict, not a {}", value.type_name()),
                "set it under a key, as in run[\"key\"] = value",
            ));
        }
        check_value(value, &mut path.keys().to_vec())?;

        // The same as merging at the root, with the path's keys as dicts of one entry.
        let incoming = path.keys().iter().rev().fold(value.clone(), |value, key| {
            ParamValue::Dict(Dict::from([(key.clone(), value)]))
        });
        let replace_depth = replace.then_some(path.keys().len());
        let mut size = self.size;
        resize(&mut size, &self.root, &incoming, 0, replace_depth);
        check_size(size, path)?;

        let mut merge = Merge {
            replace_depth,
            keys: Vec::new(),
            report: SetReport::default(),
        };
        merge.apply(&mut self.root, incoming);
        self.size = size;
        Ok(merge.report)
    }

    /// Deletes what is at a path with all below it, and says whether there was anything. A dict
    /// that loses its last child stays, empty. At the root everything goes.
    pub fn remove(&mut self, path: &ParamPath) -> bool {
        let Some((last, parents)) = path.keys().split_last() else {
            let had_any = self.leaf_count() > 0;
            *self = Self::default();
            return had_any;
        };
        let parent = parents
            .iter()
            .try_fold(&mut self.root, |value, key| match value {
                ParamValue::Dict(entries) => entries.get_mut(key),
                _ => None,
            });
        let Some(ParamValue::Dict(entries)) = parent else {
            return false;
        };
        let Some(removed) = entries.remove(last) else {
            return false;
        };
        self.size.subtract(measure(&removed));
        self.size.bytes -= last.len();
        if entries.is_empty() && !parents.is_empty() {
            self.size.add(EMPTY_DICT);
        }
        true
    }

    /// What is at a path: a leaf, or a dict with all below it. The root is the whole tree.
    pub fn get(&self, path: &ParamPath) -> Option<&ParamValue> {
        self.root.get(path)
    }

    /// The entries at the root, sorted by key.
    pub fn entries(&self) -> &BTreeMap<String, ParamValue> {
        match &self.root {
            ParamValue::Dict(entries) => entries,
            _ => unreachable!("the root of params is a dict"),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// All leaves by path: values that are no dict, and empty dicts.
    pub fn leaves(&self) -> Leaves<'_> {
        Leaves {
            keys: Vec::new(),
            open: vec![self.entries().iter()],
        }
    }

    /// How many leaves there are. Costs nothing.
    pub fn leaf_count(&self) -> usize {
        self.size.leaves
    }

    /// The tree as JSON; NaN and the infinities become texts.
    pub fn to_json(&self) -> Value {
        self.root.to_json()
    }

    /// The tree as one value, a dict.
    pub fn as_value(&self) -> &ParamValue {
        &self.root
    }

    /// A tree from a dict.
    ///
    /// # Errors
    /// Those of [`Self::set`] at the root.
    pub fn from_value(value: &ParamValue) -> Result<Self, ModelError> {
        let mut params = Self::default();
        params.set(&ParamPath::root(), value, false)?;
        Ok(params)
    }

    /// A tree from a JSON object.
    ///
    /// # Errors
    /// Those of [`Self::set`] at the root.
    pub fn from_json(value: &Value) -> Result<Self, ModelError> {
        Self::from_value(&ParamValue::from_json(value))
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.root.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&ParamValue::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// See [`Params::leaves`].
#[derive(Debug, Clone)]
pub struct Leaves<'a> {
    /// Keys of the open dicts below the root.
    keys: Vec<String>,
    /// The open dicts, the root first.
    open: Vec<std::collections::btree_map::Iter<'a, String, ParamValue>>,
}

impl<'a> Iterator for Leaves<'a> {
    type Item = (ParamPath, &'a ParamValue);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((key, value)) = self.open.last_mut()?.next() else {
                self.open.pop();
                self.keys.pop();
                continue;
            };
            match value {
                ParamValue::Dict(entries) if !entries.is_empty() => {
                    self.keys.push(key.clone());
                    self.open.push(entries.iter());
                }
                leaf => {
                    let keys = self.keys.iter().chain([key]).cloned().collect();
                    return Some((ParamPath::from_checked(keys), leaf));
                }
            }
        }
    }
}

/// One setting on its way into the tree.
struct Merge {
    /// Below this many keys the new value takes the place of the old one unasked.
    replace_depth: Option<usize>,
    /// Keys on the way to where the merge stands.
    keys: Vec<String>,
    report: SetReport,
}

impl Merge {
    fn apply(&mut self, old: &mut ParamValue, new: ParamValue) {
        if self.replace_depth == Some(self.keys.len()) {
            *old = new;
            return;
        }
        let loses = match (&*old, &new) {
            (ParamValue::Dict(_), ParamValue::Dict(_)) => false,
            (ParamValue::Dict(entries), _) | (_, ParamValue::Dict(entries)) => !entries.is_empty(),
            _ => false,
        };
        if loses {
            self.report
                .conflicts
                .push(ParamPath::from_checked(self.keys.clone()));
        }
        match (old, new) {
            (ParamValue::Dict(entries), ParamValue::Dict(added)) => {
                for (key, value) in added {
                    match entries.get_mut(&key) {
                        None => {
                            entries.insert(key, value);
                        }
                        Some(present) => {
                            self.keys.push(key);
                            self.apply(present, value);
                            self.keys.pop();
                        }
                    }
                }
            }
            (old, new) => *old = new,
        }
    }
}

const EMPTY_DICT: Size = Size {
    leaves: 1,
    bytes: 8,
};

impl Size {
    fn add(&mut self, other: Self) {
        self.leaves += other.leaves;
        self.bytes += other.bytes;
    }

    fn subtract(&mut self, other: Self) {
        self.leaves -= other.leaves;
        self.bytes -= other.bytes;
    }
}

/// Changes `size` as [`Merge::apply`] will change the tree.
fn resize(
    size: &mut Size,
    old: &ParamValue,
    new: &ParamValue,
    depth: usize,
    replace_depth: Option<usize>,
) {
    let is_root = depth == 0;
    match (old, new) {
        (ParamValue::Dict(entries), ParamValue::Dict(added)) if replace_depth != Some(depth) => {
            if entries.is_empty() && !added.is_empty() && !is_root {
                size.subtract(EMPTY_DICT);
            }
            for (key, value) in added {
                match entries.get(key) {
                    Some(present) => resize(size, present, value, depth + 1, replace_depth),
                    None => {
                        size.bytes += key.len();
                        size.add(measure(value));
                    }
                }
            }
        }
        _ if is_root => *size = measure_entries(new),
        _ => {
            size.subtract(measure(old));
            size.add(measure(new));
        }
    }
}

/// What a value below the root counts.
fn measure(value: &ParamValue) -> Size {
    match value {
        ParamValue::Dict(entries) if entries.is_empty() => EMPTY_DICT,
        ParamValue::Dict(_) => measure_entries(value),
        leaf => Size {
            leaves: 1,
            bytes: leaf_bytes(leaf),
        },
    }
}

fn measure_entries(dict: &ParamValue) -> Size {
    let mut size = Size::default();
    if let ParamValue::Dict(entries) = dict {
        for (key, value) in entries {
            size.bytes += key.len();
            size.add(measure(value));
        }
    }
    size
}

fn leaf_bytes(value: &ParamValue) -> usize {
    match value {
        ParamValue::String(text) => text.len().max(8),
        ParamValue::List(items) => 8 + items.iter().map(leaf_bytes).sum::<usize>(),
        ParamValue::Dict(entries) => {
            8 + entries
                .iter()
                .map(|(key, value)| key.len() + leaf_bytes(value))
                .sum::<usize>()
        }
        _ => 8,
    }
}

fn check_size(size: Size, path: &ParamPath) -> Result<(), ModelError> {
    if size.leaves <= PARAM_LEAVES_MAX && size.bytes <= PARAM_BYTES_MAX {
        return Ok(());
    }
    let Size { leaves, bytes } = size;
    Err(ModelError::too_large(
        format!("params of the run, with {},", quoted(&path.to_string())),
        format!(
            "would have {leaves} leaves and {bytes} bytes, the limits are {PARAM_LEAVES_MAX} and \
             {PARAM_BYTES_MAX}"
        ),
        "log what grows with the run as a metric, and keep files as artifacts",
    ))
}

/// Checks keys and depth of a value that stands below `keys`, dicts inside lists included.
fn check_value(value: &ParamValue, keys: &mut Vec<String>) -> Result<(), ModelError> {
    if keys.len() > PARAM_DEPTH_MAX {
        return check_param_depth(keys.len(), &ParamPath::from_checked(keys.clone()));
    }
    match value {
        ParamValue::Dict(entries) => entries.iter().try_for_each(|(key, value)| {
            keys.push(key.clone());
            check_key(key, keys)?;
            check_value(value, keys)?;
            keys.pop();
            Ok(())
        }),
        ParamValue::List(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            keys.push(index.to_string());
            check_value(item, keys)?;
            keys.pop();
            Ok(())
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
