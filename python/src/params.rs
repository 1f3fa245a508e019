//! Turns Python values into params, and params into Python values.
//!
//! Accepts widely and converts once. The surprising rule: what has no place in a params tree does
//! not take its neighbours with it. A value without a type of ours is kept as its text, with a
//! notice, because a setting that is lost helps nobody; an entry that can't be kept at all (it
//! contains itself, its key is empty) is left out alone, with the reason. A list is one value and
//! goes as a whole.

use std::collections::BTreeMap;

use pyo3::exceptions::PyException;
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use runstone_client::{ClientError, ParamValue};
use runstone_model::{PARAM_DEPTH_MAX, PARAM_KEY_BYTES_MAX, clean_text};

use crate::convert::{Numeric, bool_of, number_of, ordinary, text_of, type_name};

/// Objects looked at for one setting at most. The model has room for some fewer values; this
/// one ends the walk through a structure that shows the same objects again and again.
const VISITS_MAX: usize = 2_500_000;
/// Reasons and notices of one setting at most.
const TOLD_MAX: usize = 20;
/// A longer path is cut in messages.
const PATH_KEYS_SHOWN: usize = 6;

/// What became of a value.
pub(crate) struct Taken {
    /// What can be kept; `None` if it was refused as a whole.
    pub(crate) value: Option<ParamValue>,
    /// What was kept as its text.
    pub(crate) notices: Vec<String>,
    /// What was left out, and why.
    pub(crate) refused: Vec<ClientError>,
}

/// Converts a value that is to stand at the dotted path `at`; empty is the root.
///
/// # Errors
/// An exception of the value's own methods that is not ordinary, as `KeyboardInterrupt`.
pub(crate) fn param_of(value: &Bound<'_, PyAny>, at: &str) -> PyResult<Taken> {
    let mut walk = Walk {
        keys: at
            .split('.')
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect(),
        open: Vec::new(),
        visits: 0,
        notices: Vec::new(),
        refused: Vec::new(),
    };
    let value = match walk.value(value) {
        Ok(value) => Some(value),
        Err(Stop::Refused) => None,
        Err(Stop::TooMany) => {
            walk.refused.clear();
            walk.refuse(
                "has too many values",
                "keep files as artifacts, and share no dict in many places",
            );
            None
        }
        Err(Stop::Raised(error)) => return Err(error),
    };
    Ok(Taken {
        value,
        notices: walk.notices,
        refused: walk.refused,
    })
}

/// Why the walk does not go on here.
enum Stop {
    /// This value is left out; the reason is noted.
    Refused,
    /// The whole setting is.
    TooMany,
    /// Not ours to hide.
    Raised(PyErr),
}

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

struct Walk {
    /// From the root to the value at hand.
    keys: Vec<String>,
    /// The lists and dicts around it, which the caller holds.
    open: Vec<*mut PyObject>,
    visits: usize,
    notices: Vec<String>,
    refused: Vec<ClientError>,
}

impl Walk {
    fn value(&mut self, value: &Bound<'_, PyAny>) -> Result<ParamValue, Stop> {
        self.visits += 1;
        if self.visits > VISITS_MAX {
            return Err(Stop::TooMany);
        }
        let outcome = self.convert(value);
        match outcome {
            Err(Stop::Raised(error)) if error.is_instance_of::<PyException>(value.py()) => {
                Err(self.refuse(
                    &format!("cannot be read: {error}"),
                    "pass numbers, texts, lists and dicts",
                ))
            }
            outcome => outcome,
        }
    }

    fn convert(&mut self, value: &Bound<'_, PyAny>) -> Result<ParamValue, Stop> {
        if self.keys.len() > PARAM_DEPTH_MAX {
            let reason = format!("is nested deeper than {PARAM_DEPTH_MAX} levels");
            return Err(self.refuse(&reason, "flatten it, or store it as a text"));
        }
        if value.is_none() {
            return Ok(ParamValue::Null);
        }
        if let Some(flag) = bool_of(value) {
            return Ok(ParamValue::Bool(flag));
        }
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(ParamValue::String(text_of(text)));
        }
        if let Ok(list) = value.cast::<PyList>() {
            return self.inside(value, |walk| walk.items(list.iter()));
        }
        if let Ok(tuple) = value.cast::<PyTuple>() {
            return self.inside(value, |walk| walk.items(tuple.iter()));
        }
        if let Some(dict) = mapping(value)? {
            return self.inside(value, |walk| walk.entries(&dict));
        }
        if let Some(plain) = plain_array(value)? {
            return self.value(&plain);
        }
        if let Some(number) = number_of(value)? {
            return Ok(match number {
                Numeric::I64(value) => ParamValue::I64(value),
                Numeric::U64(value) => ParamValue::U64(value),
                Numeric::F64(value) => ParamValue::F64(value),
            });
        }
        let text = ordinary(value.py(), value.str())?
            .map_or_else(|| "?".to_owned(), |text| text_of(&text));
        // A path of the file system is meant as its text.
        if !value.get_type().hasattr("__fspath__")? && self.notices.len() < TOLD_MAX {
            self.notices.push(format!(
                "param {} is of type {} and is kept as its text; \
                 hint: pass numbers, texts, lists and dicts",
                self.path(),
                type_name(value)
            ));
        }
        Ok(ParamValue::String(text))
    }

    /// Walks through a container, unless the walk is inside it already.
    fn inside(
        &mut self,
        container: &Bound<'_, PyAny>,
        walk: impl FnOnce(&mut Self) -> Result<ParamValue, Stop>,
    ) -> Result<ParamValue, Stop> {
        if self.open.contains(&container.as_ptr()) {
            return Err(self.refuse("contains itself", "pass a copy without the cycle"));
        }
        self.open.push(container.as_ptr());
        let outcome = walk(self);
        self.open.pop();
        outcome
    }

    fn items<'py>(
        &mut self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
    ) -> Result<ParamValue, Stop> {
        let mut list = Vec::new();
        for (at, item) in items.enumerate() {
            self.keys.push(at.to_string());
            let item = self.value(&item);
            self.keys.pop();
            list.push(item?);
        }
        Ok(ParamValue::List(list))
    }

    fn entries(&mut self, dict: &Bound<'_, PyDict>) -> Result<ParamValue, Stop> {
        let mut entries = BTreeMap::new();
        for (key, item) in dict {
            let key = clean_text(&key_text(&key)?).0.into_owned();
            self.keys.push(key.clone());
            let kept = self.check_key(&key).and_then(|()| self.value(&item));
            self.keys.pop();
            match kept {
                Ok(item) => {
                    entries.insert(key, item);
                }
                Err(Stop::Refused) => {}
                Err(stop) => return Err(stop),
            }
        }
        Ok(ParamValue::Dict(entries))
    }

    fn check_key(&mut self, key: &str) -> Result<(), Stop> {
        let bytes = key.len();
        if bytes == 0 {
            return Err(self.refuse("has an empty key", "give it at least one character"));
        }
        if bytes > PARAM_KEY_BYTES_MAX {
            let reason = format!("has a key of {bytes} bytes, the limit is {PARAM_KEY_BYTES_MAX}");
            return Err(self.refuse(&reason, "shorten it"));
        }
        Ok(())
    }

    /// Notes that the value at hand is left out.
    fn refuse(&mut self, reason: &str, hint: &str) -> Stop {
        if self.refused.len() < TOLD_MAX {
            self.refused.push(ClientError::Invalid(format!(
                "param {} {reason}, it is not logged; hint: {hint}",
                self.path()
            )));
        }
        Stop::Refused
    }

    fn path(&self) -> String {
        let shown =
            self.keys
                .iter()
                .take(PATH_KEYS_SHOWN)
                .map(|key| match key.char_indices().nth(60) {
                    Some((cut, _)) => format!("{}...", &key[..cut]),
                    None if key.is_empty() => "\"\"".to_owned(),
                    None => key.clone(),
                });
        let mut path = shown.collect::<Vec<_>>().join(".");
        if self.keys.len() > PATH_KEYS_SHOWN {
            path.push_str("...");
        }
        if path.is_empty() {
            path.push_str("(the root)");
        }
        path
    }
}

/// An array or a tensor as lists or a number of Python's own: nothing that would come here again.
fn plain_array<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let class = value.get_type();
    if !class.hasattr("tolist")? || !class.hasattr("shape")? {
        return Ok(None);
    }
    let plain = ordinary(value.py(), value.call_method0("tolist"))?;
    Ok(plain.filter(|plain| {
        plain.is_exact_instance_of::<PyList>()
            || plain.is_exact_instance_of::<PyInt>()
            || plain.is_exact_instance_of::<PyFloat>()
            || plain.is_exact_instance_of::<PyBool>()
            || plain.is_exact_instance_of::<PyString>()
    }))
}

/// The pairs of a dict, of another mapping, or of a namespace (as of argparse) or dataclass.
fn mapping<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    if let Ok(dict) = value.cast::<PyDict>() {
        // A copy: conversions below may run code that changes the original.
        return Ok(Some(dict.copy()?));
    }
    // What the class says counts: some objects pretend to have every attribute.
    let class = value.get_type();
    if class.hasattr("__array_interface__")? || value.is_instance_of::<PyType>() {
        return Ok(None);
    }
    if class.hasattr("keys")? && class.hasattr("__getitem__")? {
        let dict = PyDict::new(value.py());
        let updated = dict.call_method1("update", (value,));
        return Ok(ordinary(value.py(), updated)?.map(|_| dict));
    }
    let namespace = class.hasattr("__dataclass_fields__")?
        || class.hasattr("_get_kwargs")?
        || type_name(value) == "SimpleNamespace";
    if !namespace {
        return Ok(None);
    }
    let attributes = ordinary(value.py(), value.getattr("__dict__"))?;
    let dict = attributes.and_then(|attributes| attributes.cast_into::<PyDict>().ok());
    dict.map(|dict| dict.copy()).transpose()
}

/// A key of a dict as text: strings as they are, everything else as Python prints it.
fn key_text(key: &Bound<'_, PyAny>) -> PyResult<String> {
    match key.cast::<PyString>() {
        Ok(text) => Ok(text_of(text)),
        Err(_) => Ok(text_of(&key.str()?)),
    }
}

/// A params value as Python has it; numbers keep their type and non-finite ones stay numbers.
///
/// # Errors
/// Only when memory is short.
pub(crate) fn python_of_param<'py>(
    py: Python<'py>,
    value: &ParamValue,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        ParamValue::Null => py.None().into_bound(py),
        ParamValue::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        ParamValue::I64(value) => value.into_pyobject(py)?.into_any(),
        ParamValue::U64(value) => value.into_pyobject(py)?.into_any(),
        ParamValue::F64(value) => value.into_pyobject(py)?.into_any(),
        ParamValue::String(text) => PyString::new(py, text).into_any(),
        ParamValue::List(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(python_of_param(py, item)?)?;
            }
            list.into_any()
        }
        ParamValue::Dict(entries) => {
            let dict = PyDict::new(py);
            for (key, item) in entries {
                dict.set_item(key, python_of_param(py, item)?)?;
            }
            dict.into_any()
        }
    })
}
