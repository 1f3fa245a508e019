//! Every operation and query of the system as a function over a store.
