//! The arguments of a vector call, sorted into their places.

use std::ffi::CStr;
use std::ptr::null_mut;
use std::sync::OnceLock;

use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;

use super::{address, any};

/// Names of the arguments, in the order of the positions.
pub(super) const ARGUMENTS: [&CStr; 5] = [c"value", c"name", c"step", c"epoch", c"context"];
pub(super) const LOG_ARGUMENTS: [&CStr; 4] = [c"metrics", c"step", c"epoch", c"context"];

/// Sorts positional and keyword arguments into their places; `None` with an exception set when
/// they do not fit.
#[inline]
pub(super) unsafe fn parse<const N: usize>(
    function: &str,
    names: &[&CStr; N],
    interned: &[usize; N],
    positions: usize,
    args: *const *mut PyObject,
    count: ffi::Py_ssize_t,
    keywords: *mut PyObject,
) -> Option<[*mut PyObject; N]> {
    // SAFETY: `args` holds `count` positional arguments and then one for each of `keywords`.
    unsafe {
        let mut found: [*mut PyObject; N] = [null_mut(); N];
        let count = count.unsigned_abs();
        if count > positions {
            let message = format!(
                "{function}() takes {positions} positional arguments but {count} were given"
            );
            return type_error(&message);
        }
        for (place, at) in found.iter_mut().zip(0..count) {
            *place = *args.add(at);
        }
        if keywords.is_null() {
            return Some(found);
        }
        let total = ffi::PyTuple_Size(keywords).unsigned_abs();
        for at in 0..total {
            let keyword = ffi::PyTuple_GetItem(keywords, at.cast_signed());
            let place = interned
                .iter()
                .position(|name| *name == address(keyword))
                .or_else(|| {
                    names.iter().position(|name| {
                        ffi::PyUnicode_CompareWithASCIIString(keyword, name.as_ptr()) == 0
                    })
                });
            let Some(place) = place else {
                return type_error(&format!(
                    "{function}() got an unexpected keyword argument {}",
                    text(keyword)
                ));
            };
            if !found[place].is_null() {
                return type_error(&format!(
                    "{function}() got multiple values for argument {}",
                    text(keyword)
                ));
            }
            found[place] = *args.add(count + at);
        }
        Some(found)
    }
}

#[cold]
pub(super) fn missing(function: &str, name: &str) {
    let _: Option<()> = type_error(&format!("{function}() missing required argument '{name}'"));
}

#[cold]
fn type_error<T>(message: &str) -> Option<T> {
    Python::attach(|py| pyo3::exceptions::PyTypeError::new_err(message.to_owned()).restore(py));
    None
}

#[cold]
unsafe fn text(object: *mut PyObject) -> String {
    // SAFETY: `object` is a keyword's name.
    Python::attach(|py| {
        unsafe { any(py, object) }
            .repr()
            .map(|text| text.to_string())
            .unwrap_or_default()
    })
}

/// The names of arguments as the compiler of Python interns them: keywords are usually the same
/// objects.
#[inline]
pub(super) fn interned() -> &'static [usize; 5] {
    static INTERNED: OnceLock<[usize; 5]> = OnceLock::new();
    INTERNED.get_or_init(|| ARGUMENTS.map(intern))
}

#[inline]
pub(super) fn interned_log() -> &'static [usize; 4] {
    static INTERNED: OnceLock<[usize; 4]> = OnceLock::new();
    INTERNED.get_or_init(|| LOG_ARGUMENTS.map(intern))
}

#[cold]
pub(super) fn intern(name: &CStr) -> usize {
    // SAFETY: the lock is held. The reference is kept for ever, so the address stays the name's.
    unsafe {
        let interned = ffi::PyUnicode_InternFromString(name.as_ptr());
        if interned.is_null() {
            ffi::PyErr_Clear();
        }
        address(interned)
    }
}

/// Whether an argument was left out or is None.
#[inline]
pub(super) unsafe fn is_none(object: *mut PyObject) -> bool {
    // SAFETY: None lives for ever.
    object.is_null() || object == unsafe { ffi::Py_None() }
}
