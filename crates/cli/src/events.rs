//! `runstone events`: what was committed, once or while it happens.
//!
//! Both read pages until there is no more. `--follow` then waits on the server's stream, and goes
//! on from the last change it printed when the server goes away and comes back. A folder that
//! nobody serves is looked into once a second.

use crate::arguments::{Arguments, EventsArguments};
use crate::away::{Away, LOOK_INTERVAL, may_pass};
use crate::backend::{Backend, open_changes};
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::output::Output;
use runstone_client::ChangeEvent;
use runstone_service::api::{CHANGES_PAGE_MAX, ChangeItem, ChangesQuery};
use serde::Serialize;
use std::io::{self, Write};
use std::time::Duration;

/// A stream is opened anew after so long, so that a server that is silently gone is noticed.
const STREAM_LONGEST: Duration = Duration::from_secs(60);

/// One change as a line of JSON.
#[derive(Serialize)]
struct ChangeLine<'a> {
    version: u32,
    #[serde(flatten)]
    change: &'a ChangeItem,
}

/// Changes are missing.
#[derive(Serialize)]
struct ResetLine {
    version: u32,
    reset: bool,
    next: u64,
}

/// Prints changes.
pub(crate) fn run(arguments: &Arguments, asked: &EventsArguments, output: &mut Output) -> Outcome {
    let mut printer = Printer {
        json: asked.json,
        left: asked.limit,
        output,
    };
    let mut query = ChangesQuery {
        since: asked.since,
        limit: Some(CHANGES_PAGE_MAX),
        run: asked.run.clone(),
        experiment: asked.experiment.clone(),
        kind: (!asked.kind.is_empty()).then(|| asked.kind.join(",")),
    };
    let mut server = None;
    let mut away = Away::default();
    let mut has_answered = false;
    loop {
        let looked = look(arguments, asked, &mut query, &mut server, &mut printer);
        match looked {
            Ok(()) => {
                has_answered = true;
                away.is_back();
            }
            Err(Failure::Error(error))
                if asked.follow && (has_answered || server.is_some()) && may_pass(&error) =>
            {
                away.tell(&error);
                std::thread::sleep(LOOK_INTERVAL);
                continue;
            }
            Err(failure) => return Err(failure),
        }
        if !asked.follow || printer.is_done() {
            return Ok(0);
        }
        if server.is_none() {
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

/// Prints what there is, and with `--follow` what comes, as long as one connection lasts.
fn look(
    arguments: &Arguments,
    asked: &EventsArguments,
    query: &mut ChangesQuery,
    server: &mut Option<String>,
    printer: &mut Printer<'_>,
) -> Result<(), Failure> {
    let backend = match server {
        Some(url) => Backend::open_server(arguments, url)?,
        None => Backend::open(arguments)?,
    };
    loop {
        let page = backend.list_changes(query)?;
        if let Some(url) = backend.server_url() {
            *server = Some(url);
        }
        if page.reset {
            printer.reset(page.next)?;
        }
        for change in &page.changes {
            if printer.is_done() {
                break;
            }
            printer.change(change)?;
        }
        query.since = Some(page.next);
        if printer.is_done() || page.next >= page.newest {
            break;
        }
    }
    printer.output.flush()?;
    let Backend::Server(client) = &backend else {
        return Ok(());
    };
    if !asked.follow || printer.is_done() {
        return Ok(());
    }
    let mut stream = open_changes(client, query, STREAM_LONGEST)?;
    while let Some(event) = stream.next_event()? {
        match event {
            ChangeEvent::Change(change) => printer.change(&change)?,
            ChangeEvent::Reset { next } => printer.reset(next)?,
            ChangeEvent::CaughtUp { .. } => printer.output.flush()?,
        }
        query.since = stream.last_id().or(query.since);
        if printer.is_done() {
            break;
        }
    }
    printer.output.flush()?;
    Ok(())
}

/// Writes lines until there were enough.
struct Printer<'a> {
    json: bool,
    /// Lines that may still be printed.
    left: Option<u64>,
    output: &'a mut Output,
}

impl Printer<'_> {
    fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    fn change(&mut self, change: &ChangeItem) -> Result<(), Failure> {
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.json {
            self.output.json(&ChangeLine { version: 1, change })?;
        } else {
            self.output.line(&change_line(change))?;
        }
        Ok(())
    }

    fn reset(&mut self, next: u64) -> Result<(), Failure> {
        if self.json {
            self.output.json(&ResetLine {
                version: 1,
                reset: true,
                next,
            })?;
        } else {
            let _ = writeln!(
                io::stderr(),
                "changes before {next} are missing: they are no longer kept, or the store is \
                 another one\nhint: without --since it begins with the oldest that is kept"
            );
        }
        Ok(())
    }
}

fn change_line(change: &ChangeItem) -> String {
    let kinds: Vec<String> = change
        .kinds
        .iter()
        .map(|kind| {
            serde_json::to_value(kind)
                .ok()
                .and_then(|word| word.as_str().map(str::to_owned))
                .unwrap_or_default()
        })
        .collect();
    let mut line = format!(
        "{:>8}  {}  {}  {}  {}",
        change.change,
        format::moment(change.at_micros),
        change.run,
        change.experiment,
        kinds.join(",")
    );
    if let Some(event) = change.events.last() {
        line.push_str(&format!("  -> {}", event.to));
        if let Some(reason) = &event.reason {
            line.push_str(&format!(": {reason}"));
        }
    }
    line
}
