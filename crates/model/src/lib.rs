//! What exists: ids, params, series keys, steps, lifecycle and its transition table.
