//! `runstone sync`: deliver what scripts have logged while no server was there.
//!
//! Each spool goes to the server it was meant for; `--to` overrides. What was meant for
//! whichever server this machine has goes to the one that holds the data folder; when nobody
//! holds it, this command opens the folder and takes the data in itself. Interrupted or done
//! twice: each point arrives once.

use crate::arguments::{Arguments, SyncArguments};
use crate::backend::{data_folder, server_url};
use crate::delivery::PassingServer;
use crate::engine::{Engine, quiet_options};
use crate::failure::{Failure, Outcome, client_error};
use crate::format;
use crate::output::Output;
use crate::ports::{Occupant, ask_occupant};
use runstone_client::config::{self, LOCAL_DESTINATION};
use runstone_client::spool::leftover_spools;
use runstone_client::{
    DeliverOptions, DeliverProgress, DeliverReport, FolderOutcome, FolderReport, deliver,
};
use runstone_server::DEFAULT_PORT;
use runstone_service::ServiceError;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};

/// Delivers everything, and tells how each spool fared.
pub(crate) fn run(arguments: &Arguments, asked: &SyncArguments, output: &mut Output) -> Outcome {
    let mut options = DeliverOptions {
        to: asked.to.clone(),
        frame_points_max: asked.frame_points.map(|points| points as usize),
        ..DeliverOptions::from_environment()
    };
    if let Some(root) = &asked.spool {
        options.roots = vec![root.clone()];
    }
    let report = if options.to.is_some() {
        deliver_with_progress(&options)?
    } else {
        deliver_each(arguments, &options)?
    };
    print_report(&report, asked, output)?;
    let failed = report
        .folders
        .iter()
        .find_map(|folder| match &folder.outcome {
            FolderOutcome::Failed(error) => Some(client_error(error)),
            _ => None,
        });
    Ok(failed.map_or(0, |error| error.kind.exit_code()))
}

/// Local ones to the server or folder of this machine, the others where they were meant to go.
fn deliver_each(arguments: &Arguments, options: &DeliverOptions) -> Result<DeliverReport, Failure> {
    let mut destinations = BTreeSet::new();
    for root in &options.roots {
        let leftovers = leftover_spools(root, options.host_id.as_deref())
            .map_err(|error| ServiceError::invalid(error.to_string()))?;
        destinations.extend(leftovers.into_iter().map(|leftover| leftover.destination));
    }
    let mut report = DeliverReport::default();
    if destinations.remove(LOCAL_DESTINATION) {
        let local = deliver_local(arguments, options)?;
        report.folders.extend(local.folders);
    }
    if !destinations.is_empty() {
        let elsewhere = DeliverOptions {
            destinations: Some(destinations.into_iter().collect()),
            ..options.clone()
        };
        report
            .folders
            .extend(deliver_with_progress(&elsewhere)?.folders);
    }
    Ok(report)
}

fn deliver_local(
    arguments: &Arguments,
    options: &DeliverOptions,
) -> Result<DeliverReport, Failure> {
    let mut options = DeliverOptions {
        destinations: Some(vec![LOCAL_DESTINATION.to_owned()]),
        ..options.clone()
    };
    let default_address = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
    if let Some(url) = server_url(arguments)? {
        options.to = Some(url);
    } else if arguments.data.is_none()
        && matches!(
            ask_occupant(default_address),
            Some(Occupant::Runstone { .. })
        )
    {
        options.to = Some(config::LOCAL_URL.to_owned());
    } else {
        let engine = Engine::open(&data_folder(arguments), quiet_options())?;
        let server = PassingServer::start(&engine)?;
        options.to = Some(server.url().to_owned());
        let report = deliver_with_progress(&options);
        server.stop()?;
        return report;
    }
    deliver_with_progress(&options)
}

fn deliver_with_progress(options: &DeliverOptions) -> Result<DeliverReport, Failure> {
    let terminal = std::io::stderr().is_terminal();
    let mut shown = false;
    let report = deliver(options, |progress| {
        if terminal {
            shown = true;
            show_progress(progress);
        }
    });
    if shown {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    Ok(report?)
}

fn show_progress(progress: &DeliverProgress) {
    let run: String = crate::output::cut(&crate::output::clean(&progress.run), 26);
    let _ = write!(
        std::io::stderr(),
        "\r\x1b[K{} of {} spools, run {run}, {} points",
        progress.folders_done,
        progress.folders_total,
        format::count(progress.points)
    );
}

fn print_report(
    report: &DeliverReport,
    asked: &SyncArguments,
    output: &mut Output,
) -> std::io::Result<()> {
    if asked.json {
        return output.json(&json!({
            "version": 1,
            "complete": report.is_complete(),
            "points": report.points(),
            "spools": report.folders.iter().map(folder_json).collect::<Vec<_>>(),
        }));
    }
    if report.folders.is_empty() {
        return output.line("nothing waits for delivery");
    }
    for folder in &report.folders {
        output.line(&folder_line(folder))?;
    }
    output.line(&format!(
        "{} points delivered from {} spools",
        format::count(report.points()),
        report.folders.len()
    ))
}

fn folder_line(folder: &FolderReport) -> String {
    let mut text = match &folder.outcome {
        FolderOutcome::Delivered => format!("run {}: delivered", folder.run),
        FolderOutcome::DeliveredAndKept => {
            format!(
                "run {}: delivered, kept for the host that wrote it",
                folder.run
            )
        }
        FolderOutcome::InUse => format!("run {}: in use by another process", folder.run),
        FolderOutcome::Failed(error) => format!("run {}: not delivered: {error}", folder.run),
    };
    text.push_str(&format!(", {} points", format::count(folder.points)));
    for (count, word) in [
        (
            folder.points_refused,
            "points refused, see `runstone doctor`",
        ),
        (folder.slots_lost, "slots lost"),
        (folder.slots_unreadable, "slots unreadable"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {} {word}", format::count(count)));
        }
    }
    text
}

fn folder_json(folder: &FolderReport) -> Value {
    let (outcome, error) = match &folder.outcome {
        FolderOutcome::Delivered => ("delivered", None),
        FolderOutcome::DeliveredAndKept => ("delivered_and_kept", None),
        FolderOutcome::InUse => ("in_use", None),
        FolderOutcome::Failed(error) => ("failed", Some(error.to_string())),
    };
    json!({
        "folder": folder.folder,
        "run": folder.run,
        "writer": folder.writer,
        "destination": folder.destination,
        "outcome": outcome,
        "error": error,
        "points": folder.points,
        "points_refused": folder.points_refused,
        "slots_lost": folder.slots_lost,
        "slots_unreadable": folder.slots_unreadable,
    })
}
