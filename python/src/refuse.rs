//! What happens to a tracking call that cannot be done: counted, told once, raised when strict.
//!
//! The surprising rule: a warning is shown once for each reason and name of a run, at the line
//! of the call, and the count goes on in silence; a loop of a million bad values prints one line.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyMapping, PyString};
use runstone_client::ClientError;

use crate::convert::{text_of, type_name};
use crate::errors::exception_of;
use crate::run::Run;
use crate::warn;

/// Warnings of one run at most; what varies its names without end is told no more.
pub(crate) const WARNINGS_MAX: usize = 100;

/// Why a call is refused.
#[derive(Clone)]
pub(crate) enum Why {
    /// The value is no number.
    Value,
    /// The step is no finite number.
    Step,
    /// The epoch is no finite number.
    Epoch,
    /// `track` without a name of what is no dict.
    NoName,
    /// The name is no text.
    NameType,
    /// `track` of a dict with a name.
    DictWithName,
    /// `log` of something that is no dict.
    NoDict,
    /// The context is none, and why.
    Context(String),
    /// The client refuses it: odd name or context, closed or read-only run.
    Client(ClientError),
    /// The client did not write it, and has counted and told it.
    NotWritten,
    /// A defect of ours; the process goes on.
    Defect,
}

impl Why {
    /// The error that tells it.
    pub(crate) fn error(
        &self,
        run: &Run,
        name: Option<&Bound<'_, PyAny>>,
        value: Option<&Bound<'_, PyAny>>,
    ) -> ClientError {
        let name = name.map_or_else(|| "the metric".to_owned(), shown);
        let value = value.map_or_else(|| "nothing".to_owned(), shown);
        let text = match self {
            Self::Client(error) => return error.clone(),
            Self::NotWritten => return run.not_written(),
            Self::Defect => {
                return ClientError::Internal(
                    "a tracking call failed inside runstone, the call is not logged; \
                     hint: please report it with the lines above"
                        .to_owned(),
                );
            }
            Self::Value => format!(
                "value of {name} is no number: {value}, it is not logged; \
                 hint: pass a number, for example float(value)"
            ),
            Self::Step => format!(
                "step of {name} is no finite number: {value}, the value is not logged; \
                 hint: pass a number, or leave step out to count by itself"
            ),
            Self::Epoch => format!(
                "epoch of {name} is no finite number: {value}, the value is not logged; \
                 hint: pass a number, or leave epoch out"
            ),
            Self::NoName => "a value without a name is not logged; \
                 hint: run.track(value, name=\"loss\"), or a dict of names and values"
                .to_owned(),
            Self::NameType => format!(
                "name of a metric is no text: {name}, the value is not logged; hint: pass a str"
            ),
            Self::DictWithName => format!(
                "a dict of values has its own names, so name={name} is one too many, they are not \
                 logged; hint: leave name out, or put it into the keys"
            ),
            Self::NoDict => format!(
                "log takes a dict of names and numbers, not {value}, it is not logged; \
                 hint: run.log({{\"loss\": loss}}, step=step)"
            ),
            Self::Context(reason) => format!(
                "context of {name} is no JSON object: {reason}, the value is not logged; \
                 hint: pass a dict, as context={{\"subset\": \"train\"}}"
            ),
        };
        ClientError::Invalid(text)
    }
}

/// An object in a message: plain values as Python writes them, cut short; others by type.
fn shown(object: &Bound<'_, PyAny>) -> String {
    let plain = object.is_none()
        || object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyBool>();
    if !plain {
        return format!("an object of type {}", type_name(object));
    }
    let text = object.repr().map(|text| text_of(&text)).unwrap_or_default();
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    }
}

/// Counts a refused point and tells it.
///
/// # Errors
/// The exception, if the run is strict.
pub(crate) fn refuse(
    py: Python<'_>,
    run: &Run,
    why: &Why,
    name: Option<&Bound<'_, PyAny>>,
    value: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let told = matches!(why, Why::NotWritten);
    if !told {
        run.count_refused();
    }
    if run.is_strict() {
        return Err(exception_of(&why.error(run, name, value)));
    }
    if told {
        return run.attend(py);
    }
    let error = why.error(run, name, value);
    let subject = match (why, name) {
        (Why::Client(error), _) => error.to_string(),
        (why, Some(name)) => format!("{:?} {}", std::mem::discriminant(why), shown(name)),
        (why, None) => format!("{:?}", std::mem::discriminant(why)),
    };
    if run.tells_first_time(subject) {
        warn::show(py, &error.to_string());
    }
    Ok(())
}

/// A dict of what is like one; `None` otherwise.
pub(crate) fn dict_of<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    let mapping = object.cast::<PyMapping>().ok()?;
    let dict = PyDict::new(object.py());
    dict.update(mapping).ok()?;
    Some(dict)
}
