//! Turns Python values into params and contexts, and answers of the server into Python values.
//!
//! Accepts widely and converts once. The surprising rule: a value that has no place in a params
//! tree is kept as its text, with a warning, because a setting that is lost helps nobody; a
//! context is identity, so there nothing is guessed and the call is refused.

use std::collections::BTreeMap;

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use runstone_client::ParamValue;
use serde_json::{Map, Number, Value};

/// Deeper values end in an error; the model's own limit is lower.
const DEPTH_MAX: usize = 64;

/// Text of a Python string; lone surrogates become replacement characters.
pub(crate) fn text_of(text: &Bound<'_, PyString>) -> String {
    text.to_string_lossy().into_owned()
}

/// A number of Python or numpy as an integer or a float, if it is one.
pub(crate) enum Numeric {
    /// Fits an i64.
    I64(i64),
    /// Fits an u64 only.
    U64(u64),
    /// Everything else.
    F64(f64),
}

/// The number that `value` is: `int`, `float`, and what has `__index__` or `__float__`.
///
/// # Errors
/// What is not an `Exception`, as `KeyboardInterrupt`, comes through.
pub(crate) fn number_of(value: &Bound<'_, PyAny>) -> PyResult<Option<Numeric>> {
    let py = value.py();
    if let Ok(float) = value.cast::<PyFloat>() {
        return Ok(Some(Numeric::F64(float.value())));
    }
    if value.is_instance_of::<PyString>() || value.is_none() {
        return Ok(None);
    }
    let integer = match value.cast::<PyInt>() {
        Ok(integer) => Some(integer.clone()),
        Err(_) if value.get_type().hasattr("__index__")? => {
            let index = value.call_method0("__index__");
            ordinary(py, index)?.and_then(|index| index.cast_into::<PyInt>().ok())
        }
        Err(_) => None,
    };
    if let Some(integer) = integer {
        return Ok(match (integer.extract::<i64>(), integer.extract::<u64>()) {
            (Ok(value), _) => Some(Numeric::I64(value)),
            (_, Ok(value)) => Some(Numeric::U64(value)),
            _ => integer.extract::<f64>().ok().map(Numeric::F64),
        });
    }
    if !value.get_type().hasattr("__float__")? {
        return Ok(None);
    }
    Ok(ordinary(py, value.call_method0("__float__"))?
        .and_then(|float| float.extract::<f64>().ok())
        .map(Numeric::F64))
}

/// `None` for an ordinary exception; others come through.
fn ordinary<T>(py: Python<'_>, outcome: PyResult<T>) -> PyResult<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyException>(py) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Converts a value for the params tree. `as_text` hears the paths that were kept as text.
///
/// # Errors
/// An exception of the value's own methods that is not ordinary, and values nested without end.
pub(crate) fn param_of(
    value: &Bound<'_, PyAny>,
    as_text: &mut dyn FnMut(&str, &str),
) -> PyResult<ParamValue> {
    param_at(value, &mut Vec::new(), as_text)
}

fn param_at(
    value: &Bound<'_, PyAny>,
    path: &mut Vec<String>,
    as_text: &mut dyn FnMut(&str, &str),
) -> PyResult<ParamValue> {
    if path.len() > DEPTH_MAX {
        return Err(PyRecursionError::new_err(format!(
            "params are nested deeper than {DEPTH_MAX}; hint: a value may contain itself"
        )));
    }
    if value.is_none() {
        return Ok(ParamValue::Null);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(ParamValue::Bool(flag.is_true()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(ParamValue::String(text_of(text)));
    }
    if let Ok(list) = value.cast::<PyList>() {
        return items(list.iter(), path, as_text);
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return items(tuple.iter(), path, as_text);
    }
    if let Some(dict) = mapping(value)? {
        let mut entries = BTreeMap::new();
        for (key, item) in dict {
            let key = key_text(&key)?;
            path.push(key);
            let item = param_at(&item, path, as_text)?;
            let key = path.pop().expect("pushed above");
            entries.insert(key, item);
        }
        return Ok(ParamValue::Dict(entries));
    }
    if let Some(plain) = plain_array(value)? {
        return param_at(&plain, path, as_text);
    }
    if let Some(number) = number_of(value)? {
        return Ok(match number {
            Numeric::I64(value) => ParamValue::I64(value),
            Numeric::U64(value) => ParamValue::U64(value),
            Numeric::F64(value) => ParamValue::F64(value),
        });
    }
    let text =
        ordinary(value.py(), value.str())?.map_or_else(|| "?".to_owned(), |text| text_of(&text));
    // A path of the file system is meant as its text.
    if !value.get_type().hasattr("__fspath__")? {
        as_text(&path.join("."), &type_name(value));
    }
    Ok(ParamValue::String(text))
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

fn items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    path: &mut Vec<String>,
    as_text: &mut dyn FnMut(&str, &str),
) -> PyResult<ParamValue> {
    let mut list = Vec::new();
    for (at, item) in items.enumerate() {
        path.push(at.to_string());
        list.push(param_at(&item, path, as_text)?);
        path.pop();
    }
    Ok(ParamValue::List(list))
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

/// Name of a value's type, for messages.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value
        .get_type()
        .name()
        .map_or_else(|_| "object".to_owned(), |name| text_of(&name))
}

/// Converts a context, or a value inside one. `Err(Ok(reason))` says why it is none.
pub(crate) fn context_of(
    pairs: &[(Bound<'_, PyAny>, Bound<'_, PyAny>)],
) -> Result<Value, PyResult<String>> {
    let mut object = Map::new();
    for (key, value) in pairs {
        let Ok(key) = key.cast::<PyString>() else {
            return Err(Ok(format!("key of type {} is no text", type_name(key))));
        };
        object.insert(text_of(key), context_value(value, 0)?);
    }
    Ok(Value::Object(object))
}

fn context_value(value: &Bound<'_, PyAny>, depth: usize) -> Result<Value, PyResult<String>> {
    if depth > DEPTH_MAX {
        return Err(Ok("it is nested too deep".to_owned()));
    }
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::String(text_of(text)));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let mut object = Map::new();
        for (key, item) in dict.copy().map_err(Err)? {
            let Ok(key) = key.cast::<PyString>() else {
                return Err(Ok(format!("key of type {} is no text", type_name(&key))));
            };
            object.insert(text_of(key), context_value(&item, depth + 1)?);
        }
        return Ok(Value::Object(object));
    }
    let list = match (value.cast::<PyList>(), value.cast::<PyTuple>()) {
        (Ok(list), _) => Some(list.iter().collect::<Vec<_>>()),
        (_, Ok(tuple)) => Some(tuple.iter().collect()),
        _ => None,
    };
    if let Some(list) = list {
        let items = list.iter().map(|item| context_value(item, depth + 1));
        return Ok(Value::Array(items.collect::<Result<_, _>>()?));
    }
    match number_of(value).map_err(Err)? {
        Some(Numeric::I64(value)) => Ok(Value::from(value)),
        Some(Numeric::U64(value)) => Ok(Value::from(value)),
        Some(Numeric::F64(value)) => Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| Ok(format!("{value} is not finite"))),
        None => Err(Ok(format!(
            "value of type {} has no place in JSON",
            type_name(value)
        ))),
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
