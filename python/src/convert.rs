//! Reads numbers, texts and contexts out of Python values.
//!
//! `params` and `series` build on it. The surprising rule: a context is identity, so there nothing
//! is guessed, and a call with another is refused.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};

/// Deeper contexts are refused; the model's own limit is lower.
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
    if let Some(flag) = bool_of(value) {
        return Ok(Some(Numeric::I64(i64::from(flag))));
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

/// Whether `value` is true or false, if it is a `bool` of Python or of numpy.
pub(crate) fn bool_of(value: &Bound<'_, PyAny>) -> Option<bool> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Some(flag.is_true());
    }
    // Its name was `bool_` before numpy 2.
    let is_numpys = matches!(type_name(value).as_str(), "bool" | "bool_")
        && value.get_type().module().is_ok_and(|name| name == "numpy");
    is_numpys.then(|| value.is_truthy().ok()).flatten()
}

/// `None` for an ordinary exception; others come through.
pub(crate) fn ordinary<T>(py: Python<'_>, outcome: PyResult<T>) -> PyResult<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyException>(py) => Ok(None),
        Err(error) => Err(error),
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
    if let Some(flag) = bool_of(value) {
        return Ok(Value::Bool(flag));
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
