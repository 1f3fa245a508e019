//! The compiled module of the Python package, over `runstone-client`.
//!
//! `run` is the class, `fastcall` its two hot methods, `identity` and `series` find the series of a
//! call, `refuse` and `warn` tell what went wrong, `asked`, `convert` and `params` read arguments and
//! values,
//! `exit` and `end` end what nobody closed. Unsafe code stands in `fastcall` and in `os_*.rs`. The surprising rule: the
//! module says `gil_used = true`, because its caches are protected by the interpreter lock alone;
//! nothing here holds that lock while it waits for a disk or a server.

mod asked;
mod convert;
mod docs;
mod end;
mod errors;
mod exit;
mod fastcall;
mod handle;
mod identity;
mod mirror;
mod os_unix_exit;
mod params;
mod refuse;
mod report;
mod run;
mod series;
mod wait;
mod warn;

use pyo3::prelude::*;

/// The compiled part of `runstone`.
#[pymodule(gil_used = true)]
fn _runstone(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<run::Run>()?;
    module.add_class::<report::FlushReport>()?;
    module.add_class::<report::CloseReport>()?;
    module.add_function(wrap_pyfunction!(run::_reopen, module)?)?;
    module.add_function(wrap_pyfunction!(exit::_at_exit, module)?)?;
    module.add_function(wrap_pyfunction!(exit::_end_runs, module)?)?;
    module.add_function(wrap_pyfunction!(exit::_after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(exit::_in_worker, module)?)?;
    fastcall::install(module.py())?;
    warn::install();
    Ok(())
}
