//! The binary `runstone`: a server, and the command line over it.
//!
//! One subcommand is one file; each reads its arguments, asks a [`backend::Backend`] (a server
//! over HTTP, or the data folder itself) and writes to an [`output::Output`]. Errors leave through
//! [`failure::Failure`], which prints message and hint and knows the exit code. Only
//! `engine.rs` names a storage engine.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arguments;
mod artifact;
mod away;
mod backend;
mod backend_artifacts;
mod blobs;
mod bundle;
mod checks;
mod delivery;
mod doctor;
mod edit;
mod engine;
mod events;
mod failure;
mod format;
mod logs;
mod os_mount;
mod os_port_owner;
mod os_private_file;
mod output;
mod ports;
mod reference;
mod runs;
mod show;
mod snapshot;
mod space;
mod sync;
mod table;
mod up;
mod version;
mod wait;

use arguments::{Arguments, Command};
use clap::Parser;
use failure::Failure;
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::stdout();
    let done = match &arguments.command {
        Command::Up(up) => up::run(&arguments, up, &mut output),
        Command::Runs(runs) => runs::run(&arguments, runs, &mut output),
        Command::Show(show) => show::run(&arguments, show, &mut output),
        Command::Edit(asked) => edit::edit(&arguments, asked, &mut output),
        Command::Delete(asked) => edit::delete(&arguments, asked, &mut output),
        Command::Undelete(asked) => edit::undelete(&arguments, asked, &mut output),
        Command::Artifact(asked) => artifact::run(&arguments, &asked.command, &mut output),
        Command::Du(asked) => space::du(&arguments, asked, &mut output),
        Command::Gc(asked) => space::gc(&arguments, asked, &mut output),
        Command::Logs(asked) => logs::run(&arguments, asked, &mut output),
        Command::Events(events) => events::run(&arguments, events, &mut output),
        Command::Wait(wait) => wait::run(&arguments, wait, &mut output),
        Command::Snapshot(asked) => snapshot::run(&arguments, asked, &mut output),
        Command::Sync(sync) => sync::run(&arguments, sync, &mut output),
        Command::Doctor(doctor) => doctor::run(&arguments, doctor, &mut output),
        Command::Version(version) => version::run(version, &mut output),
        Command::RenderReference => reference::run(&mut output),
    };
    let done = done.and_then(|code| output.flush().map(|()| code).map_err(Failure::from));
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.report(),
    }
}
