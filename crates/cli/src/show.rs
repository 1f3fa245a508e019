//! `runstone show RUN`: everything about one run, and `--follow` it until it ends.

use crate::arguments::{Arguments, ShowArguments};
use crate::away::{Away, LOOK_INTERVAL, may_pass};
use crate::backend::Backend;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::output::Output;
use crate::table::Table;
use runstone_model::Timestamp;
use runstone_service::api::{
    Completeness, PointItem, RunDetail, SERIES_PAGE_MAX, SPARKLINE_CELLS_MAX, SeriesItem,
    SeriesQuery, WriterItem,
};
use runstone_service::{ServiceError, system_clock};
use serde::Serialize;
use serde_json::Value;
use std::io;

const SPARKLINE_CELLS: usize = 24;
const PARAMS_SHOWN: usize = 60;
const EVENTS_SHOWN: usize = 12;
const _: () = assert!(SPARKLINE_CELLS <= SPARKLINE_CELLS_MAX);

/// A run with its series.
#[derive(Serialize)]
struct ShowDocument {
    version: u32,
    run: RunDetail,
    series: Vec<SeriesItem>,
    more_series: bool,
}

/// Prints one run, once or until it ends.
pub(crate) fn run(arguments: &Arguments, asked: &ShowArguments, output: &mut Output) -> Outcome {
    if asked.run.trim().is_empty() {
        let error = ServiceError::invalid("the run to show is an empty text");
        return Err(error
            .with_hint("`runstone runs` lists ids and names")
            .into());
    }
    // Looked up once: a name or a prefix may mean another run a moment later.
    let mut address = asked.run.clone();
    let mut shown_change = None;
    // The server that has answered last: it is waited for when it goes away.
    let mut server = None;
    let mut away = Away::default();
    loop {
        let document = match look(arguments, asked, &address, &mut server) {
            Err(Failure::Error(error)) if shown_change.is_some() && may_pass(&error) => {
                away.tell(&error);
                std::thread::sleep(LOOK_INTERVAL);
                continue;
            }
            looked => looked?,
        };
        away.is_back();
        address = document.run.run.id.to_string();
        let change = (document.run.change, document.run.run.state);
        if shown_change != Some(change) {
            if asked.follow && output.is_terminal() && !asked.json {
                output.clear()?;
            } else if shown_change.is_some() && !asked.json {
                output.line("")?;
            }
            if asked.json {
                output.json(&document)?;
            } else {
                print_document(&document, system_clock(), output)?;
            }
            output.flush()?;
            shown_change = Some(change);
        }
        if !asked.follow || document.run.run.state.is_ended() {
            return Ok(0);
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Asks once. Whatever answers is opened anew each time, so that a folder is not held while we
/// wait; what was a server stays one, so that its folder is free when it starts again.
fn look(
    arguments: &Arguments,
    asked: &ShowArguments,
    address: &str,
    server: &mut Option<String>,
) -> Result<ShowDocument, Failure> {
    let backend = match server {
        Some(url) => Backend::open_server(arguments, url)?,
        None => Backend::open(arguments)?,
    };
    let document = read_document(&backend, asked, address)?;
    if let Some(url) = backend.server_url() {
        *server = Some(url);
    }
    Ok(document)
}

fn read_document(
    backend: &Backend,
    asked: &ShowArguments,
    address: &str,
) -> Result<ShowDocument, ServiceError> {
    let run = backend.get_run(address)?;
    let id = run.run.id.to_string();
    let wanted = asked.limit as usize;
    let mut series = Vec::new();
    let mut cursor = None;
    loop {
        let page = backend.list_series(
            &id,
            &SeriesQuery {
                name: asked.metric.clone(),
                context: None,
                limit: Some((wanted - series.len()).min(SERIES_PAGE_MAX)),
                cursor,
                sparkline: Some(SPARKLINE_CELLS),
            },
        )?;
        series.extend(page.series);
        cursor = page.next_cursor;
        if cursor.is_none() || series.len() >= wanted {
            break;
        }
    }
    Ok(ShowDocument {
        version: 1,
        run,
        series,
        more_series: cursor.is_some(),
    })
}

fn print_document(document: &ShowDocument, now: Timestamp, output: &mut Output) -> io::Result<()> {
    let run = &document.run;
    print_properties(run, now, output)?;
    print_params(&run.params, output)?;
    print_scalars(run, output)?;
    print_writers(&run.writers, now, output)?;
    print_events(run, output)?;
    for warning in &run.warnings {
        output.line(&format!(
            "warning: {} ({}x): {}",
            warning.kind,
            format::count(warning.count),
            warning.detail
        ))?;
    }
    print_series(document, output)
}

fn print_properties(run: &RunDetail, now: Timestamp, output: &mut Output) -> io::Result<()> {
    let item = &run.run;
    output.line(&match &item.name {
        Some(name) => format!("run {}  {name}", item.id),
        None => format!("run {}", item.id),
    })?;
    let mut lines = vec![
        ("state", state_line(run, now)),
        ("experiment", item.experiment.clone()),
        ("created", format::moment(item.created_at_micros)),
    ];
    let mut add = |name: &'static str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            lines.push((name, text));
        }
    };
    add("description", item.description.clone());
    add("tags", Some(item.tags.join(" ")));
    add("group", item.group.clone());
    add("job type", item.job_type.clone());
    add("seed", item.seed.map(|seed| seed.to_string()));
    add("rerun of", run.rerun_of.as_ref().map(ToString::to_string));
    let forked = run.parent.as_ref().map(|pin| match &pin.run {
        Some(parent) => format!("{parent} at step {}", pin.step),
        None => format!("a run that was purged, at step {}", pin.step),
    });
    add("fork of", forked);
    add("archived", item.archived.then(|| "yes".to_owned()));
    add(
        "rewinds",
        (run.generation > 0).then(|| run.generation.to_string()),
    );
    lines.push(("points", completeness_line(&item.completeness)));
    for (name, text) in lines {
        output.line(&format!("  {name:<12}{text}"))?;
    }
    Ok(())
}

fn state_line(run: &RunDetail, now: Timestamp) -> String {
    let item = &run.run;
    let mut text = item.state.to_string();
    let until = item.ended_at_micros.unwrap_or(now);
    if let Some(started) = item.started_at_micros {
        let took = until.as_micros().saturating_sub(started.as_micros());
        let word = if item.state.is_ended() {
            "after"
        } else {
            "for"
        };
        text.push_str(&format!(" {word} {}", format::duration(took)));
    }
    if let Some(reason) = &item.reason {
        text.push_str(&format!(": {reason}"));
    }
    if let (false, Some(last)) = (item.state.is_ended(), item.last_received_at_micros) {
        text.push_str(&format!(", heard of {} ago", format::age(last, now)));
    }
    text
}

fn completeness_line(points: &Completeness) -> String {
    let mut text = format!(
        "{} logged, {} durable",
        format::count(points.logged),
        format::count(points.durable)
    );
    let accounted = points.durable + points.refused + points.dropped;
    for (count, word) in [
        (points.refused, "refused"),
        (points.dropped, "dropped"),
        (
            points.logged.saturating_sub(accounted),
            "on their way or lost",
        ),
        (points.lost_slots, "slots lost"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {} {word}", format::count(count)));
        }
    }
    text
}

fn print_params(params: &Value, output: &mut Output) -> io::Result<()> {
    let mut leaves = Vec::new();
    collect_leaves("", params, &mut leaves);
    if leaves.is_empty() {
        return Ok(());
    }
    output.line("params")?;
    for (path, value) in leaves.iter().take(PARAMS_SHOWN) {
        output.line(&format!("  {path} = {value}"))?;
    }
    if leaves.len() > PARAMS_SHOWN {
        let more = leaves.len() - PARAMS_SHOWN;
        output.line(&format!("  and {more} more; --json prints all"))?;
    }
    Ok(())
}

fn collect_leaves(path: &str, value: &Value, leaves: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) if !entries.is_empty() || path.is_empty() => {
            for (key, value) in entries {
                let below = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                collect_leaves(&below, value, leaves);
            }
        }
        leaf => leaves.push((path.to_owned(), leaf.to_string())),
    }
}

fn print_scalars(run: &RunDetail, output: &mut Output) -> io::Result<()> {
    if run.scalars.is_empty() {
        return Ok(());
    }
    output.line("scalars")?;
    for scalar in &run.scalars {
        output.line(&format!("  {} = {}", scalar.name, scalar.value))?;
    }
    Ok(())
}

fn print_writers(writers: &[WriterItem], now: Timestamp, output: &mut Output) -> io::Result<()> {
    if writers.is_empty() {
        return Ok(());
    }
    output.line("writers")?;
    for writer in writers {
        let mut text = format!("  {} pid {}", writer.host, writer.pid);
        if let Some(rank) = writer.rank {
            text.push_str(&format!(" rank {rank}"));
        }
        text.push_str(&format!(" {} {}", writer.user, writer.sdk));
        if writer.primary {
            text.push_str(", primary");
        }
        match &writer.end {
            None => text.push_str(&format!(
                ", open, heard of {} ago",
                format::age(writer.last_received_at_micros, now)
            )),
            Some(end) => {
                text.push_str(&format!(", {}", end.kind));
                if let Some(reason) = &end.reason {
                    text.push_str(&format!(": {reason}"));
                }
            }
        }
        text.push_str(&format!(
            ", {}",
            format::counted(writer.completeness.durable, "point")
        ));
        output.line(&text)?;
        for dropped in &writer.dropped_by_series {
            output.line(&format!(
                "    dropped {} of {}",
                format::count(dropped.points),
                format::series_name(&dropped.name, &dropped.context)
            ))?;
        }
        for (first, next) in &writer.lost {
            output.line(&format!(
                "    lost slots {first} to {}",
                next.saturating_sub(1)
            ))?;
        }
    }
    Ok(())
}

fn print_events(run: &RunDetail, output: &mut Output) -> io::Result<()> {
    if run.events.is_empty() {
        return Ok(());
    }
    output.line("events")?;
    let left_out = run.events.len().saturating_sub(EVENTS_SHOWN);
    if left_out > 0 {
        output.line(&format!(
            "  {left_out} earlier ones left out; --json prints all"
        ))?;
    }
    for event in &run.events[left_out..] {
        let reason = event
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        output.line(&format!(
            "  {}  {} -> {}{reason}",
            format::moment(event.at_micros),
            event.event,
            event.to
        ))?;
    }
    Ok(())
}

fn print_series(document: &ShowDocument, output: &mut Output) -> io::Result<()> {
    if document.series.is_empty() {
        return output.line("no series");
    }
    output.line("series")?;
    let mut table = Table::new(&[
        ("NAME", false, 40),
        ("LAST", true, 12),
        ("AT STEP", true, 12),
        ("BEST", true, 12),
        ("MIN", true, 12),
        ("MAX", true, 12),
        ("COUNT", true, 14),
        ("FROM FIRST TO LAST", false, usize::MAX),
    ]);
    for series in &document.series {
        let summary = &series.summary;
        table.push(vec![
            format::series_name(&series.name, &series.context),
            value(summary.last.as_ref()),
            summary
                .last
                .as_ref()
                .map_or_else(|| "-".to_owned(), |last| last.step.to_string()),
            value(summary.best.as_ref()),
            value(summary.min.as_ref()),
            value(summary.max.as_ref()),
            format::count(summary.count),
            format::sparkline(series.sparkline.as_deref().unwrap_or_default()),
        ]);
    }
    table.print(output, 2)?;
    if document.more_series {
        output.line("  there are more series; see --limit and --metric")?;
    }
    Ok(())
}

fn value(point: Option<&PointItem>) -> String {
    point.map_or_else(|| "-".to_owned(), |point| format::number(point.value))
}
