//! Which Python exception tells which kind of the client's error.

use pyo3::PyErr;
use pyo3::import_exception;
use runstone_client::ClientError;

import_exception!(runstone.errors, InvalidError);
import_exception!(runstone.errors, NotFoundError);
import_exception!(runstone.errors, ConflictError);
import_exception!(runstone.errors, UnavailableError);
import_exception!(runstone.errors, CorruptError);
import_exception!(runstone.errors, InternalError);

/// The exception for an error of the client; its text is the error's.
pub(crate) fn exception_of(error: &ClientError) -> PyErr {
    let text = error.to_string();
    match error {
        ClientError::Invalid(_) => InvalidError::new_err(text),
        ClientError::NotFound(_) => NotFoundError::new_err(text),
        ClientError::Conflict(_) => ConflictError::new_err(text),
        ClientError::Unavailable(_) => UnavailableError::new_err(text),
        ClientError::Corrupt(_) => CorruptError::new_err(text),
        // Kinds that this version does not know are defects here.
        _ => InternalError::new_err(text),
    }
}
