//! Arguments as the user wrote them, made into plain values or refused with a hint.

use std::time::Duration;

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};
use runstone_client::{ClientError, ParamPath};
use runstone_model::{
    DESCRIPTION_BYTES_MAX, ExperimentName, RunId, SHORT_TEXT_BYTES_MAX, TagName, check_text,
    clean_text,
};

use crate::convert::{Numeric, bool_of, number_of, text_of, type_name};
use crate::errors::{InvalidError, exception_of};

/// The path of a dotted key.
pub(crate) fn path_of(key: &str) -> Result<ParamPath, ClientError> {
    Ok(ParamPath::parse_dotted(key)?)
}

/// The path of a key that is asked for.
pub(crate) fn key_of(key: &Bound<'_, PyAny>) -> PyResult<ParamPath> {
    text_given("key", key)
        .and_then(|key| path_of(&key))
        .map_err(|error| exception_of(&error))
}

/// A text of the user's, or an integer as its text.
pub(crate) fn text_given(what: &str, value: &Bound<'_, PyAny>) -> Result<String, ClientError> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(clean_text(&text_of(text)).0.into_owned());
    }
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return Ok(value.to_string());
    }
    Err(ClientError::Invalid(format!(
        "{what} is of type {}, it is not logged; hint: pass a str",
        type_name(value)
    )))
}

/// The step of a removal.
///
/// # Errors
/// The outer one comes from the step's own methods and is not ordinary, as `KeyboardInterrupt`.
pub(crate) fn step_given(
    step: Option<&Bound<'_, PyAny>>,
) -> PyResult<Result<Option<f64>, ClientError>> {
    let Some(step) = step else {
        return Ok(Ok(None));
    };
    let number = finite_of(step)?;
    Ok(number.map(Some).ok_or_else(|| {
        ClientError::Invalid(
            "step of a removal is no finite number, nothing is removed; hint: pass a number, or \
             leave step out to remove all steps"
                .to_owned(),
        )
    }))
}

/// The step to which a run is rewound.
pub(crate) fn to_step_given(step: &Bound<'_, PyAny>) -> PyResult<Result<f64, ClientError>> {
    Ok(finite_of(step)?.ok_or_else(|| {
        ClientError::Invalid(
            "to_step is no finite number, nothing is taken back; hint: pass the first step that \
             shall not show any more"
                .to_owned(),
        )
    }))
}

/// The parent of a fork and the last step that is shared: both or neither.
pub(crate) fn fork_given(
    parent: Option<String>,
    step: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<(String, f64)>> {
    let invalid = |why: String| exception_of(&ClientError::Invalid(why));
    match (parent, step) {
        (None, None) => Ok(None),
        (Some(parent), Some(step)) => {
            RunId::new(parent.as_str()).map_err(|error| invalid(format!("fork_from: {error}")))?;
            let step = finite_of(step)?.ok_or_else(|| {
                invalid(
                    "fork_step is no finite number; hint: pass the last step that is shared"
                        .to_owned(),
                )
            })?;
            Ok(Some((parent, step)))
        }
        _ => Err(invalid(
            "fork_from and fork_step belong together; hint: Run.fork(parent, at_step=300)"
                .to_owned(),
        )),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a step is a float64")]
fn finite_of(number: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    Ok(match number_of(number)? {
        Some(Numeric::I64(number)) => Some(number as f64),
        Some(Numeric::U64(number)) => Some(number as f64),
        Some(Numeric::F64(number)) => number.is_finite().then_some(number),
        None => None,
    })
}

/// Something that is true or false: a bool, or one of the numbers 0 and 1.
pub(crate) fn flag_given(what: &str, value: &Bound<'_, PyAny>) -> Result<bool, ClientError> {
    if let Some(flag) = bool_of(value) {
        return Ok(flag);
    }
    let number = value
        .is_instance_of::<PyInt>()
        .then(|| value.extract::<i64>());
    match number {
        Some(Ok(0)) => Ok(false),
        Some(Ok(1)) => Ok(true),
        _ => Err(ClientError::Invalid(format!(
            "{what} is neither True nor False, it is not logged; hint: pass a bool"
        ))),
    }
}

/// A name, a group and the like.
pub(crate) fn short(what: &'static str, text: String) -> Result<String, ClientError> {
    check_text(what, &text, SHORT_TEXT_BYTES_MAX)?;
    Ok(text)
}

pub(crate) fn description(text: String) -> Result<String, ClientError> {
    check_text("description", &text, DESCRIPTION_BYTES_MAX)?;
    Ok(text)
}

pub(crate) fn experiment(text: String) -> Result<String, ClientError> {
    ExperimentName::new(text.as_str())?;
    Ok(text)
}

pub(crate) fn tag(text: String) -> Result<String, ClientError> {
    TagName::new(text.as_str())?;
    Ok(text)
}

/// One tag, or several; what can be none goes to `refused`.
pub(crate) fn tags_of(
    tags: &Bound<'_, PyAny>,
    refused: &mut Vec<ClientError>,
) -> PyResult<Vec<String>> {
    let given = if tags.is_instance_of::<PyString>() {
        vec![tags.clone()]
    } else {
        tags.try_iter()?.collect::<PyResult<_>>()?
    };
    let kept = given
        .iter()
        .map(|given| text_given("a tag", given).and_then(tag));
    Ok(kept
        .filter_map(|outcome| outcome.map_err(|error| refused.push(error)).ok())
        .collect())
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
