//! Measurements beside references.
