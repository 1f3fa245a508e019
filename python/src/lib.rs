//! The compiled module of the Python package.
