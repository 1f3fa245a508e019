//! Numbers of the user's, as the spool keeps them.

use std::ffi::{CStr, c_int};
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi::{self, PyObject};

use super::arguments::{intern, is_none};
use crate::series::NumberKind;

/// A number of the user's, as the spool keeps it.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) bits: u64,
    pub(super) kind: NumberKind,
}

impl Number {
    pub(super) fn as_f64(self) -> f64 {
        if self.kind == NumberKind::I64 {
            #[expect(clippy::cast_precision_loss, reason = "a step is a float64")]
            let value = self.bits.cast_signed() as f64;
            value
        } else {
            f64::from_bits(self.bits)
        }
    }
}

pub(super) enum Converted {
    Number(Number),
    /// It is no number; no exception is set.
    Other,
    /// An exception is set that is not for us to hide, as `KeyboardInterrupt`.
    Raised,
}

/// Converts a number; may run Python code unless it is an exact float or int.
#[inline]
pub(super) unsafe fn number(object: *mut PyObject) -> Converted {
    // SAFETY: `object` lives, the lock is held.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if class == &raw mut ffi::PyFloat_Type {
            let value = ffi::PyFloat_AsDouble(object);
            return Converted::Number(Number {
                bits: value.to_bits(),
                kind: NumberKind::F64,
            });
        }
        if class == &raw mut ffi::PyLong_Type {
            return integer(object);
        }
        unusual(object)
    }
}

/// An `int` or what is derived from it. Beyond 64 bits it is kept as a float.
unsafe fn integer(object: *mut PyObject) -> Converted {
    // SAFETY: `object` is an int.
    unsafe {
        let mut overflow: c_int = 0;
        let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
        if overflow == 0 {
            return Converted::Number(Number {
                bits: value.cast_unsigned(),
                kind: NumberKind::I64,
            });
        }
        let value = ffi::PyLong_AsDouble(object);
        if value == -1.0 && !ffi::PyErr_Occurred().is_null() {
            return not_a_number();
        }
        Converted::Number(Number {
            bits: value.to_bits(),
            kind: NumberKind::F64,
        })
    }
}

/// Scalars of numpy and torch, `bool`, fractions, and everything that is no number.
#[inline(never)]
unsafe fn unusual(object: *mut PyObject) -> Converted {
    // SAFETY: `object` lives and is held by the caller while its methods run.
    unsafe {
        if ffi::PyFloat_Check(object) != 0 {
            let value = ffi::PyFloat_AsDouble(object);
            return Converted::Number(Number {
                bits: value.to_bits(),
                kind: NumberKind::F64,
            });
        }
        if ffi::PyLong_Check(object) != 0 {
            // bool too: 0 or 1.
            return integer(object);
        }
        if ffi::PyUnicode_Check(object) != 0 || ffi::PyComplex_Check(object) != 0 || is_none(object)
        {
            return Converted::Other;
        }
        if ffi::Py_TYPE(object) == numpy_class(&BOOL, c"bool_") {
            let truth = ffi::PyObject_IsTrue(object);
            if truth < 0 {
                return not_a_number();
            }
            return Converted::Number(Number {
                bits: u64::from(truth > 0),
                kind: NumberKind::I64,
            });
        }
        if ffi::PyIndex_Check(object) != 0 {
            let index = ffi::PyNumber_Index(object);
            if !index.is_null() {
                let converted = integer(index);
                ffi::Py_DECREF(index);
                return converted;
            }
            // An array of floats has `__index__`, and refuses it.
            if let Converted::Raised = not_a_number() {
                return Converted::Raised;
            }
        }
        let value = ffi::PyFloat_AsDouble(object);
        if value == -1.0 && !ffi::PyErr_Occurred().is_null() {
            return not_a_number();
        }
        let narrow = ffi::Py_TYPE(object) == numpy_class(&FLOAT32, c"float32");
        let kind = if narrow {
            NumberKind::F32
        } else {
            NumberKind::F64
        };
        Converted::Number(Number {
            bits: value.to_bits(),
            kind,
        })
    }
}

static FLOAT32: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(null_mut());
static BOOL: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(null_mut());

/// A class of numpy, or null while numpy is not loaded. `class` remembers it.
unsafe fn numpy_class(
    class: &AtomicPtr<ffi::PyTypeObject>,
    attribute: &CStr,
) -> *mut ffi::PyTypeObject {
    let known = class.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: the lock is held. The reference to the class is kept for ever, so that its address
    // stays the class's.
    unsafe {
        let name = std::ptr::with_exposed_provenance_mut(numpy_name());
        let numpy = ffi::PyImport_GetModule(name);
        if !numpy.is_null() {
            let found = ffi::PyObject_GetAttrString(numpy, attribute.as_ptr());
            ffi::Py_DECREF(numpy);
            class.store(found.cast(), Ordering::Relaxed);
        }
        ffi::PyErr_Clear();
    }
    class.load(Ordering::Relaxed)
}

#[inline]
fn numpy_name() -> usize {
    static NAME: OnceLock<usize> = OnceLock::new();
    *NAME.get_or_init(|| intern(c"numpy"))
}

/// Forgets an ordinary exception; leaves KeyboardInterrupt and its kin set.
unsafe fn not_a_number() -> Converted {
    // SAFETY: an exception is set.
    unsafe {
        if ffi::PyErr_ExceptionMatches(ffi::PyExc_Exception) == 0 {
            return Converted::Raised;
        }
        ffi::PyErr_Clear();
    }
    Converted::Other
}
