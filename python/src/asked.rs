//! Arguments as the user wrote them, made into plain values or refused with a hint.

use std::time::Duration;

use pyo3::exceptions::{PyNotImplementedError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};
use runstone_client::{ClientError, ParamPath};

use crate::convert::{Numeric, number_of, text_of, type_name};
use crate::errors::{InvalidError, exception_of};

/// The path of a dotted key.
pub(crate) fn path_of(key: &str) -> Result<ParamPath, ClientError> {
    Ok(ParamPath::parse_dotted(key)?)
}

pub(crate) fn key_of(key: &Bound<'_, PyString>) -> PyResult<ParamPath> {
    path_of(&text_of(key)).map_err(|error| exception_of(&error))
}

/// One text, or several.
pub(crate) fn texts_of(tags: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if let Ok(tag) = tags.cast::<PyString>() {
        return Ok(vec![text_of(tag)]);
    }
    tags.try_iter()?
        .map(|tag| {
            let tag = tag?;
            tag.cast::<PyString>().map(text_of).map_err(|_| {
                PyTypeError::new_err(format!("a tag is a str, not {}", type_name(&tag)))
            })
        })
        .collect()
}

pub(crate) fn seed_of(seed: &Bound<'_, PyAny>) -> PyResult<i64> {
    match number_of(seed)? {
        Some(Numeric::I64(seed)) => Ok(seed),
        _ => Err(InvalidError::new_err(
            "seed is no integer of 64 bits; hint: keep other randomness in config",
        )),
    }
}

pub(crate) fn duration_of(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    // A year is as good as for ever, and no clock overflows.
    Duration::try_from_secs_f64(seconds.clamp(0.0, 365.0 * 24.0 * 3600.0))
        .map(Some)
        .map_err(|_| {
            InvalidError::new_err(format!(
                "timeout {seconds} is no number of seconds; hint: pass None to wait without limit"
            ))
        })
}

/// Refuses to turn on what does not exist yet.
pub(crate) fn not_yet(
    argument: &str,
    feature: &str,
    asked: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    match asked {
        None => Ok(()),
        Some(asked) if asked.cast::<PyBool>().is_ok_and(|flag| !flag.is_true()) => Ok(()),
        Some(_) => Err(PyNotImplementedError::new_err(format!(
            "{argument}: {feature} is not part of this version; hint: leave it out or pass None"
        ))),
    }
}
