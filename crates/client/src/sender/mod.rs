//! From the spool to the server.
//!
//! `points` sorts, `numbers` knows the series, `session` decides what to send and what an answer
//! means, `exchange` does it over a connection. `rounds` does that for all runs of this process in
//! turn, on the one thread of `runtime`. `deliver` uses the same parts for the folders of dead
//! processes.

pub(crate) mod exchange;
mod live;
mod numbers;
pub(crate) mod points;
mod refusals;
mod rest;
mod rounds;
mod runtime;
pub(crate) mod session;
pub(crate) mod slots;

pub(crate) use runtime::{finish, hurry, start_sending};
