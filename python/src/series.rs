//! Finds or defines the series of a call by the content of its name and context.
//!
//! The second level behind `identity`: about a microsecond. The context is written as canonical
//! JSON here in Rust, because a loop such as `context={"fold": fold}` comes here for each new
//! integer.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use runstone_client::{Context, SeriesHandle, ValueType};

use crate::convert::{context_of, text_of, type_name};
use crate::identity::{Identity, PAIRS_MAX};
use crate::refuse::Why;
use crate::run::Run;

/// Why there is no series.
pub(crate) enum Failure {
    /// Name or context are refused.
    Refused(Why),
    /// Something came through that is not ours to hide, as `KeyboardInterrupt`.
    Raised(PyErr),
}

/// What a number is, as far as the series cares.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum NumberKind {
    /// A float, and all that converts to one.
    F64 = 0,
    /// An integer of 64 bits.
    I64 = 1,
    /// A float that came as `numpy.float32`.
    F32 = 2,
}

/// What makes points of one name and context go to different series numbers of the writer.
#[inline]
pub(crate) fn variant(kind: NumberKind, auto_step: bool) -> u8 {
    kind as u8 | u8::from(auto_step) << 2
}

fn value_type_of(variant: u8) -> ValueType {
    match variant & 3 {
        1 => ValueType::I64,
        2 => ValueType::F32,
        _ => ValueType::F64,
    }
}

/// The series of a name and a context, defined if it is new, and remembered by address where
/// that is safe.
pub(crate) fn resolve(
    run: &Run,
    name: &Bound<'_, PyAny>,
    context: Option<&Bound<'_, PyAny>>,
    variant: u8,
) -> Result<SeriesHandle, Failure> {
    let Ok(text) = name.cast::<PyString>() else {
        return Err(Failure::Refused(Why::NameType));
    };
    let pairs = pairs_of(context)?;
    let canonical = canonical_of(&pairs)?;
    let handle = run
        .series(
            &text_of(text),
            &canonical,
            value_type_of(variant),
            variant & 4 != 0,
        )
        .map_err(|error| Failure::Refused(Why::Client(error)))?;
    let exact_dict = context.is_none_or(|context| context.is_exact_instance_of::<PyDict>());
    if exact_dict && is_immutable(name) && pairs.len() <= PAIRS_MAX {
        remember(run, name, &pairs, variant, handle);
    }
    Ok(handle)
}

/// The canonical context of what the user gave.
pub(crate) fn context_given(context: Option<&Bound<'_, PyAny>>) -> Result<Context, Failure> {
    canonical_of(&pairs_of(context)?)
}

type Pairs<'py> = Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>;

fn pairs_of<'py>(context: Option<&Bound<'py, PyAny>>) -> Result<Pairs<'py>, Failure> {
    match context {
        None => Ok(Vec::new()),
        Some(context) => match context.cast::<PyDict>() {
            Ok(dict) => Ok(dict.iter().collect()),
            Err(_) => {
                let reason = format!("it is of type {}", type_name(context));
                Err(Failure::Refused(Why::Context(reason)))
            }
        },
    }
}

fn canonical_of(pairs: &[(Bound<'_, PyAny>, Bound<'_, PyAny>)]) -> Result<Context, Failure> {
    if pairs.is_empty() {
        return Ok(Context::empty());
    }
    let json = context_of(pairs).map_err(|why| match why {
        Ok(reason) => Failure::Refused(Why::Context(reason)),
        Err(error) => Failure::Raised(error),
    })?;
    Context::from_json(&json).map_err(|error| Failure::Refused(Why::Client(error.into())))
}

fn remember(
    run: &Run,
    name: &Bound<'_, PyAny>,
    pairs: &[(Bound<'_, PyAny>, Bound<'_, PyAny>)],
    variant: u8,
    handle: SeriesHandle,
) {
    let mut identity = Identity::new(name.as_ptr().expose_provenance(), variant);
    let mut owners = vec![name.clone().unbind()];
    for (key, value) in pairs {
        if !is_immutable(key) || !is_immutable(value) {
            return;
        }
        identity.push_pair(
            key.as_ptr().expose_provenance(),
            value.as_ptr().expose_provenance(),
        );
        owners.push(key.clone().unbind());
        owners.push(value.clone().unbind());
    }
    run.cache
        .with(name.py(), |cache| cache.insert(identity, handle, owners));
}

/// Whether an object's content can never change and needs no Python code to go away.
fn is_immutable(object: &Bound<'_, PyAny>) -> bool {
    object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_none()
}
