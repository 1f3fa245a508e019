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
use runstone_client::spool::{UnreadableSpool, leftover_spools, unreadable_spools};
use runstone_client::{
    DeliverOptions, DeliverProgress, DeliverReport, FolderOutcome, FolderReport, deliver,
};
use runstone_server::DEFAULT_PORT;
use runstone_service::{ErrorKind, ServiceError};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};

/// What to do about a spool of which nothing can be read.
pub(crate) const UNREADABLE_HINT: &str = "of a later version: deliver it with the Runstone that \
     wrote it; damaged: copy it away, nothing here is deleted unasked";

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
    let mut report = DeliverReport::default();
    // One destination that can't be had keeps nothing back from the others.
    let delivered = if options.to.is_some() {
        deliver_with_progress(&options).map(|found| report = found)
    } else {
        deliver_each(arguments, &options, &mut report)
    };
    let unreadable = find_unreadable(&options)?;
    if delivered.is_ok() || !report.folders.is_empty() || !unreadable.is_empty() {
        print_report(&report, &unreadable, asked, output)?;
    }
    delivered?;
    Ok(exit_kind(&report, &unreadable).map_or(0, ErrorKind::exit_code))
}

/// What the command ends with: spools that can't be read don't pass by waiting, so they go first.
fn exit_kind(report: &DeliverReport, unreadable: &[UnreadableSpool]) -> Option<ErrorKind> {
    if !unreadable.is_empty() {
        return Some(ErrorKind::Corrupt);
    }
    report
        .folders
        .iter()
        .find_map(|folder| match &folder.outcome {
            FolderOutcome::Failed(error) => Some(client_error(error).kind),
            _ => None,
        })
}

/// Folders below the roots of which nothing can be read; deliveries pass over them.
fn find_unreadable(options: &DeliverOptions) -> Result<Vec<UnreadableSpool>, ServiceError> {
    let mut unreadable = Vec::new();
    for root in &options.roots {
        unreadable.extend(
            unreadable_spools(root).map_err(|error| ServiceError::invalid(error.to_string()))?,
        );
    }
    Ok(unreadable)
}

/// Local ones to the server or folder of this machine, the others where they were meant to go.
fn deliver_each(
    arguments: &Arguments,
    options: &DeliverOptions,
    report: &mut DeliverReport,
) -> Result<(), Failure> {
    let mut destinations = BTreeSet::new();
    for root in &options.roots {
        let leftovers = leftover_spools(root, options.host_id.as_deref())
            .map_err(|error| ServiceError::invalid(error.to_string()))?;
        destinations.extend(leftovers.into_iter().map(|leftover| leftover.destination));
    }
    let mut local = Ok(());
    if destinations.remove(LOCAL_DESTINATION) {
        local = deliver_local(arguments, options)
            .map(|delivered| report.folders.extend(delivered.folders));
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
    local
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
        "\r\x1b[K{} of {}, run {run}, {}",
        progress.folders_done,
        format::counted(progress.folders_total as u64, "spool"),
        format::counted(progress.points, "point")
    );
}

fn print_report(
    report: &DeliverReport,
    unreadable: &[UnreadableSpool],
    asked: &SyncArguments,
    output: &mut Output,
) -> std::io::Result<()> {
    if asked.json {
        return output.json(&json!({
            "version": 1,
            "complete": report.is_complete() && unreadable.is_empty(),
            "points": report.points(),
            "spools": report.folders.iter().map(folder_json).collect::<Vec<_>>(),
            "unreadable": unreadable.iter().map(unreadable_json).collect::<Vec<_>>(),
        }));
    }
    if report.folders.is_empty() && unreadable.is_empty() {
        return output.line("nothing waits for delivery");
    }
    for folder in &report.folders {
        output.line(&folder_line(folder))?;
    }
    for spool in unreadable {
        output.line(&format!(
            "{} can't be read, {}: {}",
            format::bytes(spool.bytes),
            spool.reason,
            spool.path.display()
        ))?;
    }
    output.line(&summary(report, unreadable.len() as u64))?;
    if !unreadable.is_empty() {
        output.line(&format!("hint: {UNREADABLE_HINT}"))?;
    }
    Ok(())
}

/// What became of all of them, in one line.
fn summary(report: &DeliverReport, unreadable: u64) -> String {
    let number_of = |wanted: fn(&FolderOutcome) -> bool| {
        let outcomes = report.folders.iter().map(|folder| &folder.outcome);
        outcomes.filter(|outcome| wanted(outcome)).count() as u64
    };
    let delivered = number_of(|outcome| {
        matches!(
            outcome,
            FolderOutcome::Delivered | FolderOutcome::DeliveredAndKept
        )
    });
    let waiting = number_of(|outcome| matches!(outcome, FolderOutcome::Failed(_)));
    let in_use = number_of(|outcome| matches!(outcome, FolderOutcome::InUse));
    let spools = |count: u64| format::counted(count, "spool");
    let mut parts = Vec::new();
    if delivered > 0 {
        parts.push(format!("{} delivered", spools(delivered)));
    }
    if report.points() > 0 || delivered > 0 {
        parts.push(format!(
            "{} arrived",
            format::counted(report.points(), "point")
        ));
    }
    if waiting > 0 {
        parts.push(format!("{} kept for another time", spools(waiting)));
    }
    if in_use > 0 {
        parts.push(format!("{} in use", spools(in_use)));
    }
    if unreadable > 0 {
        parts.push(format!("{} unreadable", spools(unreadable)));
    }
    parts.join(", ")
}

fn folder_line(folder: &FolderReport) -> String {
    let points = format::counted(folder.points, "point");
    let mut text = match &folder.outcome {
        FolderOutcome::Delivered => format!("run {}: delivered", folder.run),
        FolderOutcome::DeliveredAndKept => {
            format!(
                "run {}: delivered, kept for the host that wrote it",
                folder.run
            )
        }
        FolderOutcome::InUse => format!("run {}: in use by another process", folder.run),
        // A server that never answered has said nothing about points.
        FolderOutcome::Failed(error) if folder.points == 0 => {
            format!("run {}: not delivered: {error}", folder.run)
        }
        FolderOutcome::Failed(error) => format!(
            "run {}: not delivered to its end, {points} arrived: {error}",
            folder.run
        ),
    };
    if !matches!(
        folder.outcome,
        FolderOutcome::Failed(_) | FolderOutcome::InUse
    ) {
        text.push_str(&format!(", {points}"));
    }
    for (count, word, rest) in [
        (
            folder.points_refused,
            "point",
            "refused, see `runstone doctor`",
        ),
        (folder.slots_lost, "slot", "lost"),
        (folder.slots_unreadable, "slot", "unreadable"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {} {rest}", format::counted(count, word)));
        }
    }
    text
}

fn unreadable_json(spool: &UnreadableSpool) -> Value {
    json!({
        "folder": spool.path,
        "reason": spool.reason,
        "bytes": spool.bytes,
        "hint": UNREADABLE_HINT,
    })
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
