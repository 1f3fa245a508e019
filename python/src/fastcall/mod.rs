//! `Run.track` and `Run.log` as raw vector calls.
//!
//! The macros of the binding cost 25 to 60 ns a call more than this file, a third of the whole
//! call. So these two methods are C functions (`METH_FASTCALL | METH_KEYWORDS`) that are put on
//! the class when the module is made; everything else of the class is ordinary. All unsafe code
//! that touches the interpreter is here.
//!
//! The order in a call is the surprising rule. Values and steps are converted first: `__float__`
//! is arbitrary Python and may track, change the dict, let other threads run, or fork. Only then
//! the context is walked, the series looked up and the point written, with no Python code in
//! between. Whatever is unusual goes to `refuse` or `resolve`, which are ordinary code.
#![allow(unsafe_code, reason = "raw calls of the interpreter, see the module")]

mod arguments;
mod number;

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use runstone_client::now_micros;

use arguments::{ARGUMENTS, LOG_ARGUMENTS, interned, interned_log, is_none, missing, parse};
use number::{Converted, number};

use crate::docs::{LOG_DOC, TRACK_DOC};
use crate::identity::{Identity, PAIRS_MAX};
use crate::refuse::{self, Why};
use crate::run::Run;
use crate::series;

/// A value that only a thread that holds the interpreter lock touches.
pub(crate) struct LockedCell<T>(UnsafeCell<T>);

// SAFETY: the module says `gil_used = true`, so `with` runs under the one lock of the interpreter.
unsafe impl<T: Send> Sync for LockedCell<T> {}

impl<T> LockedCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Lends the value. `action` must not run Python code: that could come here again.
    #[inline]
    pub(crate) fn with<R>(&self, _py: Python<'_>, action: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the token proves that this thread holds the lock, and it keeps it, because
        // `action` runs no Python code; so this is the only borrow.
        action(unsafe { &mut *self.0.get() })
    }
}

/// Why a call ends early.
enum Early {
    /// The point is refused.
    Refused(Refusal),
    /// An exception is set.
    Raised,
}

/// A refusal and the objects its message speaks of; null where there is none.
struct Refusal {
    why: Why,
    name: *mut PyObject,
    value: *mut PyObject,
}

fn refusal(why: Why, name: *mut PyObject, value: *mut PyObject) -> Early {
    Early::Refused(Refusal { why, name, value })
}

/// Puts `track` and `log` on the class.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Run>();
    for (name, function, doc) in [
        (
            c"track",
            track as ffi::PyCFunctionFastWithKeywords,
            TRACK_DOC,
        ),
        (c"log", log as ffi::PyCFunctionFastWithKeywords, LOG_DOC),
    ] {
        let definition = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer {
                PyCFunctionFastWithKeywords: function,
            },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: doc.as_ptr(),
        }));
        // SAFETY: the class lives, the definition lives for ever, and the result is a new
        // reference or null with an exception set.
        let method = unsafe {
            Bound::from_owned_ptr_or_err(
                py,
                ffi::PyDescr_NewMethod(class.as_type_ptr(), std::ptr::from_mut(definition)),
            )?
        };
        class.setattr(name.to_str().expect("ASCII"), method)?;
    }
    Ok(())
}

/// `Run.track(value, name=None, step=None, epoch=None, *, context=None)`
unsafe extern "C" fn track(
    slf: *mut PyObject,
    args: *const *mut PyObject,
    count: ffi::Py_ssize_t,
    keywords: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter calls this with the lock held, an instance of the class that the
    // descriptor has checked, and `count` arguments followed by those of `keywords`.
    guarded(slf, || unsafe {
        let Some([value, name, step, epoch, context]) =
            parse("track", &ARGUMENTS, interned(), 4, args, count, keywords)
        else {
            return Err(Early::Raised);
        };
        let run = run_of(&slf);
        if value.is_null() {
            missing("track", "value");
            return Err(Early::Raised);
        }
        if run.is_disabled() {
            return Ok(());
        }
        if ffi::PyDict_Check(value) != 0 {
            if !is_none(name) {
                return Err(refusal(Why::DictWithName, name, value));
            }
            return log_dict(slf, value, step, epoch, context);
        }
        let number = match number(value) {
            Converted::Number(number) => number,
            Converted::Other if is_none(name) => {
                return log_mapping(slf, value, Why::NoName, step, epoch, context);
            }
            Converted::Other => return Err(refusal(Why::Value, name, value)),
            Converted::Raised => return Err(Early::Raised),
        };
        let step = position(step, Why::Step, name)?;
        let epoch = position(epoch, Why::Epoch, name)?;
        if is_none(name) {
            return Err(refusal(Why::NoName, null_mut(), null_mut()));
        }
        let variant = series::variant(number.kind, step.is_none());
        let mut identity = Identity::new(address(name), variant);
        let py = Python::assume_attached();
        let found = if is_none(context) || walk(context, &mut identity) {
            run.cache.with(py, |cache| cache.get(&identity))
        } else {
            None
        };
        let handle = match found {
            Some(handle) => handle,
            None => resolve(slf, name, context, variant)?,
        };
        if !run.push(handle, step, epoch, number.bits, now_micros()) {
            return Err(refusal(Why::NotWritten, null_mut(), null_mut()));
        }
        if run.wants_attention() {
            return attend(slf);
        }
        Ok(())
    })
}

/// `Run.log(metrics, step=None, epoch=None, *, context=None)`
unsafe extern "C" fn log(
    slf: *mut PyObject,
    args: *const *mut PyObject,
    count: ffi::Py_ssize_t,
    keywords: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: as in `track`.
    guarded(slf, || unsafe {
        let Some([metrics, step, epoch, context]) = parse(
            "log",
            &LOG_ARGUMENTS,
            interned_log(),
            3,
            args,
            count,
            keywords,
        ) else {
            return Err(Early::Raised);
        };
        if metrics.is_null() {
            missing("log", "metrics");
            return Err(Early::Raised);
        }
        if run_of(&slf).is_disabled() {
            return Ok(());
        }
        if ffi::PyDict_Check(metrics) == 0 {
            return log_mapping(slf, metrics, Why::NoDict, step, epoch, context);
        }
        log_dict(slf, metrics, step, epoch, context)
    })
}

/// Logs what is like a dict by a copy that is one.
///
/// # Safety
/// As `log_dict`; `value` is any object.
unsafe fn log_mapping(
    slf: *mut PyObject,
    value: *mut PyObject,
    otherwise: Why,
    step: *mut PyObject,
    epoch: *mut PyObject,
    context: *mut PyObject,
) -> Result<(), Early> {
    // SAFETY: see above; the copy is held while it is logged.
    unsafe {
        let copy = Python::attach(|py| refuse::dict_of(&any(py, value)).map(Bound::unbind));
        let Some(copy) = copy else {
            return Err(refusal(otherwise, null_mut(), value));
        };
        let outcome = log_dict(slf, copy.as_ptr(), step, epoch, context);
        Python::attach(|py| copy.drop_ref(py));
        outcome
    }
}

/// Writes one point for each item of `metrics`, all at one step and one time.
///
/// # Safety
/// The lock is held; `slf` is a `Run`, `metrics` a dict, the others objects or null.
unsafe fn log_dict(
    slf: *mut PyObject,
    metrics: *mut PyObject,
    step: *mut PyObject,
    epoch: *mut PyObject,
    context: *mut PyObject,
) -> Result<(), Early> {
    // SAFETY: see above; every borrowed reference that outlives a conversion is held.
    unsafe {
        let run = run_of(&slf);
        let step = position(step, Why::Step, null_mut())?;
        let epoch = position(epoch, Why::Epoch, null_mut())?;
        let time = now_micros();
        let mut base = Identity::new(0, 0);
        // Conversions below may change the context: hold what its addresses stand for.
        let mut held: [*mut PyObject; 2 * PAIRS_MAX] = [null_mut(); 2 * PAIRS_MAX];
        let by_address = is_none(context) || walk(context, &mut base);
        if by_address {
            hold(&base, &mut held);
        }
        let outcome = log_items(
            slf,
            metrics,
            step,
            epoch,
            context,
            by_address.then_some(&base),
            time,
        );
        for object in held {
            ffi::Py_XDECREF(object);
        }
        outcome?;
        if run.wants_attention() {
            return attend(slf);
        }
        Ok(())
    }
}

/// The loop of `log_dict`. A refused item does not keep the others from being written.
///
/// # Safety
/// As `log_dict`.
unsafe fn log_items(
    slf: *mut PyObject,
    metrics: *mut PyObject,
    step: Option<f64>,
    epoch: Option<f64>,
    context: *mut PyObject,
    base: Option<&Identity>,
    time: i64,
) -> Result<(), Early> {
    // SAFETY: `PyDict_Next` lends references that live as long as the dict is not changed, and
    // nothing changes it before they are held or used. Its own position stays in bounds whatever
    // happens to the dict.
    unsafe {
        let run = run_of(&slf);
        let py = Python::assume_attached();
        let (mut at, mut key, mut value) = (0, null_mut(), null_mut());
        // A dict that grows while its values are converted does not go on for ever.
        let mut left = ffi::PyDict_Size(metrics);
        while left > 0 && ffi::PyDict_Next(metrics, &raw mut at, &raw mut key, &raw mut value) != 0
        {
            left -= 1;
            let exact = ffi::Py_TYPE(value) == &raw mut ffi::PyFloat_Type;
            if !exact {
                ffi::Py_INCREF(key);
                ffi::Py_INCREF(value);
            }
            let outcome = match number(value) {
                Converted::Number(number) => {
                    let variant = series::variant(number.kind, step.is_none());
                    let found = base.and_then(|base| {
                        let identity = base.with_name(address(key), variant);
                        run.cache.with(py, |cache| cache.get(&identity))
                    });
                    match found {
                        Some(handle) => Ok(handle),
                        None => resolve(slf, key, context, variant),
                    }
                    .and_then(|handle| {
                        if run.push(handle, step, epoch, number.bits, time) {
                            return Ok(());
                        }
                        Err(refusal(Why::NotWritten, null_mut(), null_mut()))
                    })
                }
                Converted::Other => Err(refusal(Why::Value, key, value)),
                Converted::Raised => Err(Early::Raised),
            };
            let outcome = match outcome {
                Err(Early::Refused(refusal)) => refused(slf, &refusal),
                other => other,
            };
            if !exact {
                ffi::Py_DECREF(key);
                ffi::Py_DECREF(value);
            }
            outcome?;
        }
        Ok(())
    }
}

/// Runs the body of a method: None, or null with an exception set. A refusal is counted and told;
/// a panic ends here.
fn guarded(slf: *mut PyObject, body: impl FnOnce() -> Result<(), Early>) -> *mut PyObject {
    let outcome = catch_unwind(AssertUnwindSafe(|| match body() {
        Err(Early::Refused(refusal)) => refused(slf, &refusal),
        other => other,
    }))
    .unwrap_or_else(|_| {
        let defect = Refusal {
            why: Why::Defect,
            name: null_mut(),
            value: null_mut(),
        };
        catch_unwind(AssertUnwindSafe(|| refused(slf, &defect))).unwrap_or(Ok(()))
    });
    match outcome {
        // SAFETY: the lock is held and None lives for ever.
        Ok(()) => unsafe {
            let none = ffi::Py_None();
            ffi::Py_INCREF(none);
            none
        },
        Err(_) => null_mut(),
    }
}

/// Counts and tells a refusal, or raises it in a strict run.
#[cold]
fn refused(slf: *mut PyObject, refusal: &Refusal) -> Result<(), Early> {
    Python::attach(|py| {
        // SAFETY: `slf` is a run, and the caller holds the objects of the refusal.
        let outcome = unsafe {
            let run = any(py, slf);
            let name = (!refusal.name.is_null()).then(|| any(py, refusal.name));
            let value = (!refusal.value.is_null()).then(|| any(py, refusal.value));
            let run = run.cast_unchecked::<Run>().get();
            refuse::refuse(py, run, &refusal.why, name.as_ref(), value.as_ref())
        };
        raised(py, outcome)
    })
}

/// Shows what other threads had to say, and what a new process needs.
#[cold]
fn attend(slf: *mut PyObject) -> Result<(), Early> {
    Python::attach(|py| {
        // SAFETY: `slf` is a run.
        let outcome = unsafe { any(py, slf).cast_unchecked::<Run>().get().attend(py) };
        raised(py, outcome)
    })
}

/// Finds the series by content and remembers it by address.
#[cold]
#[inline(never)]
fn resolve(
    slf: *mut PyObject,
    name: *mut PyObject,
    context: *mut PyObject,
    variant: u8,
) -> Result<runstone_client::SeriesHandle, Early> {
    Python::attach(|py| {
        // SAFETY: `slf` is a run, `name` an object, `context` an object or null; the caller holds
        // them.
        let outcome = unsafe {
            let run = any(py, slf);
            let name = any(py, name);
            let context = (!is_none(context)).then(|| any(py, context));
            series::resolve(
                run.cast_unchecked::<Run>().get(),
                &name,
                context.as_ref(),
                variant,
            )
        };
        outcome.map_err(|failure| match failure {
            series::Failure::Refused(why) => refusal(why, name, null_mut()),
            series::Failure::Raised(error) => {
                error.restore(py);
                Early::Raised
            }
        })
    })
}

fn raised(py: Python<'_>, outcome: PyResult<()>) -> Result<(), Early> {
    outcome.map_err(|error| {
        error.restore(py);
        Early::Raised
    })
}

/// # Safety
/// `object` lives; the lock is held.
unsafe fn any(py: Python<'_>, object: *mut PyObject) -> Bound<'_, PyAny> {
    // SAFETY: see above.
    unsafe { Bound::from_borrowed_ptr(py, object) }
}

/// # Safety
/// `slf` is a `Run` that lives as long as the borrow; the lock is held.
#[inline]
unsafe fn run_of(slf: &*mut PyObject) -> &Run {
    // SAFETY: see above; the class is frozen, so its contents are only ever shared.
    unsafe {
        let py = Python::assume_attached();
        Bound::<PyAny>::ref_from_ptr(py, slf)
            .cast_unchecked::<Run>()
            .get()
    }
}

#[inline]
fn address(object: *mut PyObject) -> usize {
    object.expose_provenance()
}

/// Adds the pairs of an exact dict to the identity; false when it has to go by content.
#[inline]
unsafe fn walk(context: *mut PyObject, identity: &mut Identity) -> bool {
    // SAFETY: `context` is an object that lives, and nothing runs between the steps.
    unsafe {
        if ffi::Py_TYPE(context) != &raw mut ffi::PyDict_Type {
            return false;
        }
        let (mut at, mut key, mut value) = (0, null_mut(), null_mut());
        while ffi::PyDict_Next(context, &raw mut at, &raw mut key, &raw mut value) != 0 {
            if !identity.push_pair(address(key), address(value)) {
                return false;
            }
        }
    }
    true
}

/// Takes references to the objects of an identity's context.
unsafe fn hold(identity: &Identity, held: &mut [*mut PyObject; 2 * PAIRS_MAX]) {
    for (object, place) in identity.context_objects().iter().zip(held) {
        *place = std::ptr::with_exposed_provenance_mut(*object);
        // SAFETY: the address was taken from the dict a moment ago.
        unsafe { ffi::Py_INCREF(*place) };
    }
}

/// A step or an epoch: none, or a finite number.
#[inline]
unsafe fn position(
    object: *mut PyObject,
    why: Why,
    name: *mut PyObject,
) -> Result<Option<f64>, Early> {
    // SAFETY: `object` is null or an object that lives.
    unsafe {
        if is_none(object) {
            return Ok(None);
        }
        match number(object) {
            Converted::Number(number) => {
                let value = number.as_f64();
                if value.is_finite() {
                    // Adding zero makes -0.0 into 0.0.
                    Ok(Some(value + 0.0))
                } else {
                    Err(refusal(why, name, object))
                }
            }
            Converted::Other => Err(refusal(why, name, object)),
            Converted::Raised => Err(Early::Raised),
        }
    }
}
